"""Fragments for shared credentials, the base role and IAM sign-in, resolved by the real Backstage packages.

Where Backstage signs in to a cloud, a package of that cloud makes the token. There is no cloud here, so stand-ins take the
packages' places, and say what Backstage handed them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_fragment import Backstage, generate

from generator.problems.diagnostic import Location
from generator.targets.fragment import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
backend:
  database:
    client: pg
    connection:
      host: db.example.com
      port: 6432
      user: portal
      password: secret-of-the-base
      ssl: {rejectUnauthorized: true}
      instance: my-project:europe-west1:portal
    plugin:
      auth: {connection: {password: secret-of-auth}}
      catalog: {}
"""
REGION = {"AWS_REGION": "eu-central-1"}
SHARED = {
    "credentials_mode": "shared",
    "role_name": "backstage",
    "secret_name": "backstage/{environment}/database",
    "delivery_env": "BACKSTAGE_DB_PASSWORD",
}


#: Stand-ins: what they were given ends up in the connection.
CLOUDS = {
    "@aws-sdk/rds-signer": """
        exports.Signer = class { constructor(given) { this.given = given; }
          async getAuthToken() {
            const { hostname, port, username, region } = this.given;
            if (typeof port !== 'number' || ![hostname, username, region].every(Boolean)) throw new Error('incomplete');
            return 'token';
          } };""",
    "@aws-sdk/credential-providers": """
        exports.fromNodeProviderChain = () => async () => ({ accessKeyId: 'id', secretAccessKey: 'key' });""",
    "@azure/identity": """
        const credential = name => class { constructor(...given) { this.given = given; }
          async getToken(scope) {
            if (!/ossrdbms/.test(scope)) throw new Error('another scope');
            return { token: [name, ...this.given].join(' '), expiresOnTimestamp: Date.now() + 3600000 };
          } };
        for (const name of ['DefaultAzureCredential', 'ManagedIdentityCredential', 'ClientSecretCredential'])
          exports[name] = credential(name);""",
    "@google-cloud/cloud-sql-connector": """
        exports.IpAddressTypes = { PUBLIC: 'PUBLIC', PRIVATE: 'PRIVATE', PSC: 'PSC' };
        exports.AuthTypes = { IAM: 'IAM' };
        exports.Connector = class { async getOptions(given) { return { given }; } };""",
}


@pytest.fixture(scope="module")
def backstage(oracle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backstage]:
    folder = tmp_path_factory.mktemp("clouds")
    for name, text in CLOUDS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "index.js").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NODE_PATH", str(folder))
        process = Backstage(oracle_dir)
    yield process
    process.close()


def ask(backstage: Backstage, root: Path, config: str, environ: dict[str, str], **settings: Any) -> dict[str, Any]:
    """What the real packages resolve for both plugins with the fragment."""
    (root / "app-config.yaml").write_text(config)
    made = generate(root, ["app-config.yaml"], ["auth", "catalog"], environ, **settings)
    assert made.fragment is not None, [item.render() for item in made.problems]
    (root / FILE_NAME).write_text(made.fragment, encoding="utf-8")
    found = backstage.ask(root, ["app-config.yaml", FILE_NAME], ["auth", "catalog"], environ)
    assert isinstance(found, dict), found
    return found


def test_shared(backstage: Backstage, tmp_path: Path) -> None:
    environ = {"BACKSTAGE_DB_PASSWORD": "of all"}
    found = ask(backstage, tmp_path, CONFIG, environ, **SHARED)
    for name, one in found.items():
        connection = one["connection"]
        assert (connection["user"], connection["password"]) == ("portal", "of all")
        assert one["databaseName"] == f"backstage_plugin_{name}"
        assert not one.get("setRole")


def test_the_base_role_is_what_backstage_sets(backstage: Backstage, tmp_path: Path) -> None:
    config = CONFIG.replace("client: pg", "client: pg\n    role: ${ROLE}")
    found = ask(backstage, tmp_path, config, {"ROLE": "owner", "BACKSTAGE_DB_PASSWORD": "of all"}, **SHARED)
    assert {one["setRole"] for one in found.values()} == {"owner"}
    # With a user for each plugin it is taken away.
    found = ask(backstage, tmp_path, config, {"ROLE": "owner"})
    assert {one.get("setRole") for one in found.values()} == {None}


def test_rds(backstage: Backstage, tmp_path: Path) -> None:
    found = ask(backstage, tmp_path, CONFIG, REGION, credentials_mode="iam", iam="rds")
    for name, one in found.items():
        assert "error" not in one, one
        connection = one["connection"]
        assert (connection["user"], connection["database"]) == (f"backstage_{name}", f"backstage_plugin_{name}")
        assert (connection["host"], connection["port"]) == ("db.example.com", 6432)
        assert connection["ssl"] == {"rejectUnauthorized": True}


def test_rds_without_a_port(backstage: Backstage, tmp_path: Path) -> None:
    config = CONFIG.replace("      port: 6432\n", "")
    found = ask(backstage, tmp_path, config, REGION, credentials_mode="iam", iam="rds")
    assert {one["connection"]["port"] for one in found.values()} == {5432}


def test_azure(backstage: Backstage, tmp_path: Path) -> None:
    config = CONFIG.replace("catalog: {}", "catalog: {connection: {tokenCredential: {clientId: of-catalog}}}")
    found = ask(backstage, tmp_path, config, {}, credentials_mode="iam", iam="azure")
    for name, one in found.items():
        assert "error" not in one, one
        assert one["connection"]["user"] == "portal"
        assert one["databaseName"] == f"backstage_plugin_{name}"
        assert "tokenCredential" not in one["connection"]


def test_one_google_identity(backstage: Backstage, tmp_path: Path) -> None:
    written = {"credentials.roleName": Location("greenroom.yaml", 1, 1)}
    service = {"role_name": "backstage@my-project.iam", "locations": written}
    found = ask(backstage, tmp_path, CONFIG, {}, credentials_mode="iam", iam="cloudsql", **service)
    for name, one in found.items():
        assert "error" not in one, one
        connection = one["connection"]
        assert (connection["user"], connection["database"]) == ("backstage@my-project.iam", f"backstage_plugin_{name}")
        assert connection["given"]["instanceConnectionName"] == "my-project:europe-west1:portal"
        assert connection["given"]["authType"] == "IAM"
    assert "secret-of" not in (tmp_path / FILE_NAME).read_text()
