"""From app-config to every target, in each way plugins can sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator import Request, load, plan, render, resolve
from generator.problems.diagnostic import GreenroomError
from generator.run.steps import describe

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
backend:
  database:
    client: pg
    connection:
      host: db.example.com
      user: portal
      password: ${POSTGRES_PASSWORD}
      instance: my-project:europe-west1:portal
    plugin:
      auth: {}
      catalog: {}
"""


GOOGLE = CONFIG.replace("user: portal", "user: backstage@my-project.iam")


def generated(root: Path, config: str, settings: str) -> dict[str, str]:
    """Every file by name, for ``config`` and ``settings``; read back and found to say what was planned."""
    (root / "app-config.yaml").write_text(config)
    (root / "greenroom.yaml").write_text(settings)
    project = load(Request(root=root, environ={}))
    resolved = resolve(project)
    rendering = render(project, resolved, plan(project, resolved), verify=True)
    return {path.name: data.decode() for path, data in rendering.files.items() if "modules" not in path.parts}


def refused(root: Path, config: str, settings: str) -> list[str]:
    with pytest.raises(GreenroomError) as caught:
        generated(root, config, settings)
    return [item.render().splitlines()[0] for item in caught.value.diagnostics]


def test_shared(tmp_path: Path) -> None:
    files = generated(tmp_path, CONFIG, "credentials: {mode: shared}\n")
    fragment = files["app-config.databases.yaml"]
    assert fragment.count("user: portal") == fragment.count("password: ${BACKSTAGE_DB_PASSWORD}") == 2
    assert files["roles.tf"].count("module ") == 1
    assert 'plugin_passwords["portal"]' in files["roles.tf"]  # no plugin's, so that no plugin's end changes it
    assert files["databases.sql"].count("CREATE ROLE") == 1


@pytest.mark.parametrize("cloud", ["rds", "azure", "cloudsql"])
def test_iam_has_no_password_anywhere(tmp_path: Path, cloud: str) -> None:
    files = generated(tmp_path, GOOGLE, f"credentials: {{mode: iam, iam: {cloud}}}\n")
    fragment = files["app-config.databases.yaml"]
    assert fragment.count(f"type: {cloud}") == 2
    assert "password:" not in fragment
    assert fragment.count("port: 5432") == (2 if cloud == "rds" else 0)
    assert "plugin_passwords" not in files["variables.tf"]
    assert "BACKSTAGE_DB" not in files["databases.sql"]


def test_a_password_of_the_plugin_is_taken_away(tmp_path: Path) -> None:
    config = CONFIG.replace("auth: {}", 'auth: {connection: {password: "${AUTH_PASSWORD}"}}')
    files = generated(tmp_path, config, "credentials: {mode: iam, iam: rds}\n")
    assert "password: null" in files["app-config.databases.yaml"]


def test_the_base_role_is_shared_or_taken_away(tmp_path: Path) -> None:
    config = CONFIG.replace("client: pg", "client: pg\n    role: owner")
    assert "role: null" in generated(tmp_path, config, "")["app-config.databases.yaml"]
    files = generated(tmp_path, config, "credentials: {mode: shared}\n")
    assert "role:" not in files["app-config.databases.yaml"]
    assert 'group_name = "owner"' in files["roles.tf"]
    assert 'CREATE ROLE "owner" NOLOGIN' in files["databases.sql"]


def test_a_base_role_without_a_name(tmp_path: Path) -> None:
    config = CONFIG.replace("client: pg", "client: pg\n    role: ${POSTGRES_ROLE}")
    assert refused(tmp_path, config, "credentials: {mode: shared}\n") == [
        f"{tmp_path}/app-config.yaml:5:11 error[GR302] backend.database.role: the role that plugins act as is "
        "${POSTGRES_ROLE}, which has no value here; its name has to be known"
    ]


@pytest.mark.parametrize(
    ("config", "settings", "problem"),
    [
        (CONFIG, "credentials: {mode: iam}\n", "[GR312] credentials.mode: credentials.mode is iam, and nothing says which"),
        (
            GOOGLE.replace("instance: my-project:europe-west1:portal", ""),
            "credentials: {mode: iam, iam: cloudsql}\n",
            "[GR635] backend.database.connection.instance: plugin 'auth' signs in with cloudsql, and connection.instance is",
        ),
        (
            CONFIG.replace("host: db.example.com", ""),
            "credentials: {mode: iam, iam: rds}\n",
            "[GR635] backend.database.connection.host: plugin 'auth' signs in with rds, and connection.host is not set",
        ),
        (
            GOOGLE.replace("my-project:europe-west1:portal", "portal"),
            "credentials: {mode: iam, iam: cloudsql}\n",
            "[GR635] backend.database.connection.instance: plugin 'auth' signs in with cloudsql, and connection.inst",
        ),
        (
            CONFIG.replace("client: pg", "client: mysql2"),
            "credentials: {mode: iam, iam: rds}\n",
            "[GR310] credentials.mode: credentials.mode is iam, and server 'primary' (plugins auth, catalog) is MySQL",
        ),
        (
            CONFIG,
            "credentials: {mode: iam, iam: cloudsql}\n",
            "[GR313] credentials.roleName: the role 'portal' is no service account, and Cloud SQL signs nobody else in",
        ),
    ],
    ids=["no cloud", "no instance", "no host", "bad instance", "mysql", "no service account"],
)
def test_what_cannot_be(tmp_path: Path, config: str, settings: str, problem: str) -> None:
    assert any(problem in line for line in refused(tmp_path, config, settings))


def test_an_azure_identity_for_each_plugin(tmp_path: Path) -> None:
    config = CONFIG.replace("auth: {}", "auth: {connection: {tokenCredential: {clientId: 1234}}}").replace("1234", "'1'")
    settings = 'credentials: {mode: iam, iam: azure, roleName: "bs_{plugin}"}\n'
    (tmp_path / "app-config.yaml").write_text(config)
    (tmp_path / "greenroom.yaml").write_text(settings)
    project = load(Request(root=tmp_path, environ={}))
    resolved = resolve(project)
    rendering = render(project, resolved, plan(project, resolved))
    warned = [item.summary for item in project.diagnostics if item.code == "GR636"]
    assert warned == ["plugin 'catalog' has a role of its own and no connection.tokenCredential.clientId"]
    assert any(b'entra_object_ids["bs_auth"]' in data for data in rendering.files.values())


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("shared", {"role": "portal", "acts as": "owner", "password": "${BACKSTAGE_DB_PASSWORD}"}),
        ("iam, iam: rds", {"role": "backstage_auth", "password": "none: rds signs it in"}),
    ],
)
def test_explain(tmp_path: Path, mode: str, shown: dict[str, str]) -> None:
    (tmp_path / "app-config.yaml").write_text(CONFIG.replace("client: pg", "client: pg\n    role: owner"))
    (tmp_path / "greenroom.yaml").write_text(f"credentials: {{mode: {mode}}}\n")
    names = describe(load(Request(root=tmp_path, environ={})), "auth")
    assert names == {"server": "primary", "database": "backstage_plugin_auth", **shown}
