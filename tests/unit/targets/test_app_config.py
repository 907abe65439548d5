"""The app-config fragment: what it says, what it undoes, what it refuses, and that a wrong one is noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.backstage.config.loader import LoadedConfig, load_config
from generator.backstage.config.reader import ConfigReader
from generator.backstage.database import resolve_plugins
from generator.backstage.database.origin import BaseOrigin
from generator.output.verify import verify_artifacts, verify_fragment
from generator.planning import make_plan
from generator.problems.diagnostic import Diagnostic, Diagnostics
from generator.settings.model import Settings
from generator.targets.base import Artifact, RenderContext
from generator.targets.fragment import FILE_NAME, TARGET

if TYPE_CHECKING:
    from pathlib import Path

    from generator.planning.model import Plan


@dataclass
class Made:
    loaded: LoadedConfig
    plan: Plan
    context: RenderContext
    problems: list[Diagnostic]

    @property
    def text(self) -> str:
        [artifact] = TARGET.render(self.context)
        assert artifact.path == FILE_NAME
        return artifact.text

    @property
    def database(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.text)["backend"]["database"]
        return found

    def plugin(self, name: str = "catalog") -> dict[str, Any]:
        found: dict[str, Any] = self.database["plugin"][name]["connection"]
        return found

    def verify(self, text: str | None = None, environ: dict[str, str] | None = None) -> list[Diagnostic]:
        diagnostics = Diagnostics()
        verify_fragment(self.loaded.layers, text or self.text, self.plan, diagnostics, environ=environ or {})
        return list(diagnostics)


def make(
    tmp_path: Path,
    database: str,
    *plugins: str,
    environ: dict[str, str] | None = None,
    manager: str = "current",
    **options: Any,
) -> Made:
    """Generate for the value of ``backend.database``, written as YAML."""
    lines = "\n".join(f"    {line}" for line in database.strip("\n").split("\n"))
    (tmp_path / "app-config.yaml").write_text(f"backend:\n  database:\n{lines}\n", encoding="utf-8")
    diagnostics = Diagnostics()
    loaded = load_config(root=tmp_path, config=[str(tmp_path / "app-config.yaml")], environ=environ or {})
    reader = ConfigReader.from_layers((layer.data, layer.context) for layer in loaded.layers)
    resolved = resolve_plugins(reader, plugins or ["catalog"], environ={}, diagnostics=diagnostics, manager=manager)  # type: ignore[arg-type]
    plan = make_plan(resolved, Settings(folder=tmp_path, **options), diagnostics)
    assert not diagnostics.has_errors, [item.render() for item in diagnostics]
    context = RenderContext(
        plan=plan, resolved=resolved, base=BaseOrigin(reader.get("backend.database")), database_manager=manager
    )
    problems = Diagnostics()
    TARGET.check(context, problems)
    return Made(loaded, plan, context, list(problems))


PLAIN = "client: pg\nconnection: {host: db, user: admin, password: secret}"


def test_the_whole_fragment(tmp_path: Path) -> None:
    made = make(tmp_path, PLAIN, "catalog", "tech-insights", environment="staging")
    assert made.text == (
        "# Made by greenroom from the app-config it belongs to: the database, user and password of each plugin.\n"
        "# Do not edit it: change the input and run `greenroom generate` again.\n"
        "#\n"
        "# Give it to Backstage as the last --config, after the files it was made from (for staging):\n"
        "#   --config app-config.yaml … --config app-config.databases.yaml\n"
        "# The passwords come from the environment variables named below. Backstage drops a password whose source has no\n"
        "# value, and the plugin then tries the one of the base connection, which its user does not have.\n"
        "backend:\n"
        "  database:\n"
        "    ensureExists: false\n"
        "    plugin:\n"
        "      catalog:\n"
        "        connection:\n"
        "          database: backstage_plugin_catalog\n"
        "          user: backstage_catalog\n"
        "          password: ${BACKSTAGE_DB_CATALOG_PASSWORD}\n"
        "      tech-insights:\n"
        "        connection:\n"
        "          database: backstage_plugin_tech-insights\n"
        "          user: backstage_tech-insights\n"
        "          password: ${BACKSTAGE_DB_TECH_INSIGHTS_PASSWORD}\n"
    )
    assert not made.problems
    assert not made.verify()


def test_nothing_to_provision_is_no_fragment(tmp_path: Path) -> None:
    made = make(tmp_path, "client: better-sqlite3\nconnection: ':memory:'")
    assert TARGET.render(made.context) == []
    assert not made.problems


def test_passwords_from_files(tmp_path: Path) -> None:
    made = make(tmp_path, PLAIN, delivery_file="/run/secrets/{plugin}-db ${X}")
    assert made.plugin()["password"] == {"$file": "/run/secrets/catalog-db $${X}"}
    assert "the files named below" in made.text
    assert not made.verify()


def test_creation_by_backstage_is_switched_off_wherever_it_is_on(tmp_path: Path) -> None:
    made = make(
        tmp_path,
        """
client: pg
connection: {host: db, database: all}
pluginDivisionMode: schema
ensureExists: true
ensureSchemaExists: true
plugin:
  catalog: {ensureExists: true, ensureSchemaExists: true}
  auth: {ensureExists: false}
  search: {getEnsureSchemaExistsConfig: true}
""",
        "auth",
        "catalog",
        "search",
    )
    database = made.database
    assert database["ensureExists"] is False
    assert database["ensureSchemaExists"] is False
    settings = {name: set(plugin) - {"connection"} for name, plugin in database["plugin"].items()}
    assert settings == {
        "auth": set(),
        "catalog": {"ensureExists", "ensureSchemaExists"},
        "search": {"getEnsureSchemaExistsConfig"},
    }
    assert not made.verify()


def test_a_role_is_taken_away_with_a_warning(tmp_path: Path) -> None:
    made = make(tmp_path, f"{PLAIN}\nrole: owner\nplugin:\n  catalog: {{role: somebody}}", "auth", "catalog")
    assert made.database["role"] is None
    assert made.database["plugin"]["catalog"]["role"] is None
    assert "role" not in made.database["plugin"]["auth"]
    assert [(item.code, item.severity, item.location and item.location.line) for item in made.problems] == [
        ("GR634", "warning", 5)
    ]
    assert not made.verify()


def test_what_a_connection_string_says_is_said_again(tmp_path: Path) -> None:
    url = "postgres://me:secret@own.example.com:1234/mine?sslmode=no-verify&application_name=x&options=-c%20a%3D$%7BX%7D"
    made = make(tmp_path, f"{PLAIN}\nplugin:\n  catalog: {{connection: '{url}'}}")
    assert made.plugin() == {
        "host": "own.example.com",
        "port": "1234",
        "ssl": {"rejectUnauthorized": False},
        "sslmode": "no-verify",
        "application_name": "x",
        "options": "-c a=$${X}",
        "database": "mine",
        "user": "me",
        "password": "${BACKSTAGE_DB_CATALOG_PASSWORD}",
    }
    assert "secret" not in made.text
    assert not made.problems
    assert not made.verify()


def test_certificates_of_a_connection_string_stay_files(tmp_path: Path) -> None:
    for name in ("ca", "key"):
        (tmp_path / f"{name}.pem").write_text(f"-----BEGIN {name.upper()} PRIVATE KEY-----\nx\n")
    url = f"postgres://u:p@own/mine?sslrootcert={tmp_path}/ca.pem&sslkey={tmp_path}/key.pem"
    made = make(tmp_path, f"{PLAIN}\nplugin:\n  catalog: {{connection: '{url}'}}")
    assert made.plugin()["ssl"] == {"ca": {"$file": f"{tmp_path}/ca.pem"}, "key": {"$file": f"{tmp_path}/key.pem"}}
    assert "BEGIN" not in made.text
    assert not made.verify()


def test_placeholders_of_a_connection_string_stay(tmp_path: Path) -> None:
    url = "postgres://me:${PASSWORD}@${HOST}:${PORT}/mine"
    made = make(tmp_path, f"{PLAIN}\nplugin:\n  catalog: {{connection: '{url}'}}")
    assert (made.plugin()["host"], made.plugin()["port"]) == ("${HOST}", "${PORT}")
    assert not made.verify()


def test_a_base_connection_string_of_the_driver_becomes_the_connection(tmp_path: Path) -> None:
    made = make(
        tmp_path,
        """
client: pg
connection: {connectionString: '${DATABASE_URL}', ssl: {rejectUnauthorized: false}}
plugin:
  catalog: {connection: {ssl: {servername: x}}}
""",
        "auth",
        "catalog",
    )
    assert made.database["connection"] == "${DATABASE_URL}"
    assert made.plugin("auth")["ssl"] == {"rejectUnauthorized": False}
    assert made.plugin("catalog")["ssl"] == {"rejectUnauthorized": False, "servername": "x"}
    assert [(item.code, item.severity) for item in made.problems] == [("GR632", "warning")]
    assert not made.verify()


def test_cloud_sign_in_is_replaced(tmp_path: Path) -> None:
    rds = "client: pg\nconnection: {type: rds, host: db, port: 5432, user: admin, region: eu-west-1}"
    made = make(tmp_path, rds)
    assert made.plugin()["type"] == "default"
    assert [(item.code, item.severity, item.location and item.location.line) for item in made.problems] == [
        ("GR633", "warning", 4)
    ]
    assert not made.verify()
    own = make(tmp_path, f"{rds}\nplugin:\n  catalog: {{connection: {{type: default}}}}")
    assert not own.problems
    assert "type" not in own.plugin()


REFUSED = {
    "only the run-time environment": (
        "GR631",
        "client: pg\nconnection: {host: db}\npluginDivisionMode: schema\nplugin:\n"
        "  catalog: {connection: 'postgres://u:p@h/d?sslrootcert=relative.pem'}",
        7,
    ),
    "a secret in the string": (
        "GR631",
        "client: pg\nconnection: {host: db}\nplugin:\n  catalog: {connection: 'postgres://u:p@h/d?sslpassword=x'}",
        6,
    ),
    "a literal driver string": (
        "GR632",
        "client: pg\nconnection: {connectionString: 'postgres://u:p@h/d'}",
        4,
    ),
    "a driver string of parts": (
        "GR632",
        "client: pg\nconnection: {connectionString: 'postgres://u:p@${HOST}/d'}",
        4,
    ),
    "a secret beside a driver string": (
        "GR632",
        "client: pg\nconnection: {connectionString: '${URL}', ssl: {key: 'secret'}}",
        4,
    ),
    "a relative file beside a driver string": (
        "GR632",
        "client: pg\nconnection: {connectionString: '${URL}', ssl: {ca: {$file: ca.pem}}}",
        4,
    ),
    "a driver string of a plugin": (
        "GR632",
        "client: pg\nconnection: {host: db}\nplugin:\n  catalog: {connection: {connectionString: '${URL}', database: d}}",
        6,
    ),
    "a server of its own beside a driver string": (
        "GR632",
        "client: pg\nconnection: {connectionString: '${URL}'}\nplugin:\n  catalog: {connection: {host: own}}",
        6,
    ),
    "cloud sql": (
        "GR633",
        "client: pg\nconnection: {type: cloudsql, instance: 'a:b:c', user: u}",
        4,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_fragment_cannot_say_is_an_error(tmp_path: Path, name: str) -> None:
    code, database, line = REFUSED[name]
    made = make(tmp_path, database)
    [item] = [item for item in made.problems if item.severity == "error"]
    assert item.code == code
    assert item.location
    assert item.location.line == line
    assert item.hint
    assert item.path.startswith("backend.database")
    assert "secret'" not in item.render()
    assert "u:p@" not in item.render()


def test_one_connection_for_all_plugins_has_no_users_of_their_own(tmp_path: Path) -> None:
    made = make(tmp_path, PLAIN, manager="single-connection")
    [item] = made.problems
    assert (item.code, item.severity, item.path) == ("GR630", "error", "backstage.databaseManager")
    assert not make(tmp_path, PLAIN, manager="plugin-connection").problems


# --- reading back and verifying: a wrong fragment is noticed ------------------------------------------------------------


def test_read_back(tmp_path: Path) -> None:
    made = make(tmp_path, PLAIN, "auth", "catalog")
    assert TARGET.read_back(TARGET.render(made.context)) == {
        ("database", "", "backstage_plugin_auth"),
        ("database", "", "backstage_plugin_catalog"),
        ("role", "", "backstage_auth"),
        ("role", "", "backstage_catalog"),
    }
    for text in ("", "[", "backend: 1", "backend: {database: {plugin: {a: {connection: {database: 1, user: x}}}}}"):
        with pytest.raises(ValueError):
            TARGET.read_back([Artifact(FILE_NAME, text)])


WHOLE = (
    "        connection:\n"
    "          database: backstage_plugin_catalog\n"
    "          user: backstage_catalog\n"
    "          password: ${BACKSTAGE_DB_CATALOG_PASSWORD}\n"
)
DATABASE = "database: backstage_plugin_catalog"
WRONG = {
    "database": (DATABASE, "database: other", "connection.database"),
    "user": ("user: backstage_catalog", "user: backstage_auth", "connection.user"),
    "no user": ("          user: backstage_catalog\n", "", "connection.user"),
    "creation": ("ensureExists: false", "ensureExists: true", "ensureExists"),
    "host": (DATABASE, f"host: other\n          {DATABASE}", "connection.host"),
    "a string": (WHOLE, "        connection: postgres://x/y\n", "connection.user"),
    "plugin id": ("      catalog:", "      katalog:", "connection.user"),
    "client": ("    ensureExists: false\n", "    ensureExists: false\n    client: mysql\n", "client"),
    "nothing": ("backend:", "frontend:", "connection.user"),
    "no yaml": ("backend:", "backend: ][", "cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_fragment_is_noticed(tmp_path: Path, name: str) -> None:
    right, wrong, key = WRONG[name]
    made = make(tmp_path, PLAIN, "auth", "catalog")
    assert right in made.text
    problems = made.verify(made.text.replace(right, wrong))
    assert problems
    assert {item.code for item in problems} == {"GR530"}
    assert any(key in item.summary for item in problems)
    assert all("mistake in greenroom" in item.hint for item in problems)
    assert "secret" not in "".join(item.render() for item in problems)


def test_variables_that_overrule_the_fragment_are_the_users(tmp_path: Path) -> None:
    environ = {"APP_CONFIG_backend_database_ensureExists": "true"}
    [item] = make(tmp_path, PLAIN, environ=environ).verify()
    assert (item.code, item.severity) == ("GR531", "error")
    assert item.location
    assert item.location.file == "APP_CONFIG_backend_database_ensureExists"
    # One that says what the plan says is no problem.
    named = {"APP_CONFIG_backend_database_plugin_catalog_connection_database": "named"}
    assert not make(tmp_path, PLAIN, environ=named).verify()


def test_artifacts_that_do_not_match_the_plan_are_noticed(tmp_path: Path) -> None:
    made = make(tmp_path, PLAIN, "auth", "catalog")
    artifacts = TARGET.render(made.context)

    def problems(plan: Plan, artifacts: list[Artifact]) -> list[str]:
        diagnostics = Diagnostics()
        verify_artifacts("app-config", TARGET, artifacts, plan, diagnostics)
        assert all(item.code == "GR530" for item in diagnostics)
        return [item.summary for item in diagnostics]

    assert problems(made.plan, artifacts) == []
    fewer = made.plan._replace(plugins=made.plan.plugins[:1])
    assert len(problems(fewer, artifacts)) == 2
    assert len(problems(made.plan, TARGET.render(made.context._replace(plan=fewer)))) == 2
    assert problems(made.plan, [*artifacts, *artifacts]) == [f"the target app-config renders {FILE_NAME} twice"]
    assert "cannot be read back" in problems(made.plan, [Artifact(FILE_NAME, "]")])[0]
