"""greenroom.yaml: what it means, and every problem with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator import Request, load, resolve
from generator.problems.diagnostic import Diagnostics, Location
from generator.settings.model import Adopted, ServerSettings, Settings
from generator.settings.read import read_settings

if TYPE_CHECKING:
    from pathlib import Path


def read(tmp_path: Path, text: str) -> tuple[Settings, list[str]]:
    """The settings of a greenroom.yaml with ``text``, and its problems as ``line:column code path``."""
    (tmp_path / "greenroom.yaml").write_text(text)
    diagnostics = Diagnostics()
    settings = read_settings(None, root=tmp_path, diagnostics=diagnostics)
    places = ((item.location or Location(""), item) for item in diagnostics)
    return settings, [f"{place.line}:{place.column} {item.code} {item.path}" for place, item in places]


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    diagnostics = Diagnostics()
    assert read_settings(None, root=tmp_path, diagnostics=diagnostics) == Settings(folder=tmp_path)
    assert not len(diagnostics)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}\n"])
def test_an_empty_file_is_the_defaults(tmp_path: Path, text: str) -> None:
    settings, problems = read(tmp_path, text)
    assert not problems
    assert (settings.environment, settings.store, settings.role_name) == ("production", "variables", "backstage_{plugin}")


def test_every_key(tmp_path: Path) -> None:
    settings, problems = read(
        tmp_path,
        """
version: 1
appConfig: [app-config.yaml, app-config.production.yaml]
environment: staging
backstage: {databaseManager: plugin-connection}
plugins: {discover: false, include: [catalog, auth], exclude: [todo]}
credentials:
  mode: per-plugin
  roleName: bs_{plugin}
  store: aws-secretsmanager
  secretName: "portal/{environment}/{plugin}"
  delivery: {file: "/run/secrets/{plugin}"}
  passwordVersions: {catalog: 2}
servers:
  primary: {kind: existing}
  reports: {host: "${REPORTS_HOST}", port: 6432}
targets:
  terraform: {path: infra/tf}
  appConfig: {path: app-config.db.yaml}
""",
    )
    assert not problems
    assert settings.app_config == ("app-config.yaml", "app-config.production.yaml")
    assert (settings.environment, settings.database_manager) == ("staging", "plugin-connection")
    assert (settings.include, settings.exclude) == (("catalog", "auth"), ("todo",))
    assert (settings.role_name, settings.store) == ("bs_{plugin}", "aws-secretsmanager")
    assert settings.secret_name == "portal/{environment}/{plugin}"
    assert settings.delivery_file == "/run/secrets/{plugin}"
    assert settings.password_versions == {"catalog": 2}
    assert settings.servers == {"primary": ServerSettings(), "reports": ServerSettings(host="${REPORTS_HOST}", port=6432)}
    assert settings.targets == {"terraform": "infra/tf", "app-config": "app-config.db.yaml"}


def test_all_problems_of_a_file_at_once(tmp_path: Path) -> None:
    _, problems = read(
        tmp_path,
        """version: 2
enviroment: staging
plugins:
  include: catalog
credentials:
  store: aws-secretmanager
  roleName: 7
""",
    )
    assert problems == [
        "1:10 GR401 version",
        "2:1 GR401 enviroment",
        "4:12 GR401 plugins.include",
        "6:10 GR401 credentials.store",
        "7:13 GR401 credentials.roleName",
    ]


def test_a_misspelt_key_and_a_misspelt_value_get_a_hint(tmp_path: Path) -> None:
    (tmp_path / "greenroom.yaml").write_text("enviroment: x\ncredentials: {store: aws-secretmanager}\n")
    diagnostics = Diagnostics()
    read_settings(None, root=tmp_path, diagnostics=diagnostics)
    assert [item.hint for item in diagnostics] == ["did you mean 'environment'?", "did you mean 'aws-secretsmanager'?"]


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ("roleName: backstage", "GR403"),
        ("roleName: 'backstage_{plugins}'", "GR402"),
        ("delivery: {env: 'PASSWORD'}", "GR403"),
        ("delivery: {env: '1-{PLUGIN}'}", "GR404"),
        ("secretName: 'x/{region}/{plugin}'", "GR402"),
    ],
)
def test_name_templates(tmp_path: Path, credentials: str, code: str) -> None:
    _, problems = read(tmp_path, f"credentials:\n  {credentials}\n")
    assert code in {problem.split()[1] for problem in problems}


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    diagnostics = Diagnostics()
    read_settings(tmp_path / "other.yaml", root=tmp_path, diagnostics=diagnostics)
    assert diagnostics.has_errors


@pytest.mark.parametrize("text", ["- a\n", "version: [\n", "a: 1\na: 2\n", "\tx: 1\n"])
def test_what_is_no_settings_file(tmp_path: Path, text: str) -> None:
    settings, problems = read(tmp_path, text)
    assert problems
    assert settings.environment == "production"


def test_what_is_adopted_comes_from_both_files(tmp_path: Path) -> None:
    (tmp_path / "greenroom.adopt.yaml").write_text(
        "primary: {databases: [b], schemas: [shared.auth]}\nother: {roles: [r]}\n"
    )
    settings, problems = read(tmp_path, "adopt:\n  primary: {databases: [a, b]}\n")
    assert not problems
    assert settings.adopt == (
        Adopted("other", roles=("r",)),
        Adopted("primary", databases=("a", "b"), schemas=(("shared", "auth"),)),
    )


def test_each_settings_file_has_what_its_own_servers_have(tmp_path: Path) -> None:
    """Two of them in one folder, which call their servers the same."""

    def adopted(name: str) -> tuple[Adopted, ...]:
        diagnostics = Diagnostics()
        (tmp_path / name).write_text("version: 1\n")
        found = read_settings(tmp_path / name, root=tmp_path, diagnostics=diagnostics).adopt
        assert not list(diagnostics)
        return found

    (tmp_path / "greenroom.adopt.yaml").write_text("primary: {databases: [everywhere]}\n")
    before = (Adopted("primary", ("everywhere",)),)
    assert adopted("staging.yaml") == adopted("greenroom.production.yaml") == before  # as it was
    (tmp_path / "greenroom.production.adopt.yaml").write_text("primary: {roles: [r], secrets: {r: 3}}\n")
    assert adopted("greenroom.production.yaml") == (Adopted("primary", roles=("r",), secrets=(("r", 3),)),)
    assert adopted("staging.yaml") == before
    assert adopted("greenroom.yaml") == before
    assert adopted("staging.yaml") == ()  # it is that of greenroom.yaml


@pytest.mark.parametrize("secrets", ["[r]", "{r: 0}", "{r: '1'}", "{r: true}"])
def test_a_secret_has_a_password_version(tmp_path: Path, secrets: str) -> None:
    _, problems = read(tmp_path, f"adopt: {{primary: {{secrets: {secrets}}}}}\n")
    assert [problem.split()[1] for problem in problems] == ["GR401"]


def test_a_bad_adopt_file_is_reported_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "greenroom.adopt.yaml").write_text("primary:\n  schemas: [auth]\n  roels: []\n")
    settings, problems = read(tmp_path, "")
    assert problems == ["2:13 GR401 primary.schemas[0]", "3:3 GR401 primary.roels"]
    assert settings.adopt == ()


def test_shared_credentials_have_names_without_the_plugin(tmp_path: Path) -> None:
    settings, problems = read(tmp_path, "credentials: {mode: shared}\ntemplates: mine\ntags: {team: portal}\n")
    assert not problems
    assert (settings.role_name, settings.secret_name) == ("backstage", "backstage/{environment}/database")
    assert (settings.delivery_env, settings.templates) == ("BACKSTAGE_DB_PASSWORD", tmp_path / "mine")
    assert settings.tags == {"team": "portal"}


def test_shared_credentials_cannot_name_a_plugin(tmp_path: Path) -> None:
    _, problems = read(tmp_path, 'credentials: {mode: shared, roleName: "bs_{plugin}"}\n')
    assert problems == ["1:39 GR402 credentials.roleName"]


def test_a_wrong_value_does_not_hide_the_others(tmp_path: Path) -> None:
    settings, problems = read(
        tmp_path,
        """
appConfig: [values.yaml#backstage.appConfig]
plugins: {include: [catalog], exlude: [auth]}
credentials: {store: hashicorp-vault, mode: shared}
servers: {primary: {kind: nowhere}, other: {host: h}}
""",
    )
    assert [problem.split()[1] for problem in problems] == ["GR401"] * 3
    assert settings.app_config == ("values.yaml#backstage.appConfig",)
    assert (settings.include, settings.exclude, settings.store) == (("catalog",), (), "variables")
    assert (settings.credentials_mode, settings.servers) == ("shared", {"other": ServerSettings(host="h")})
    assert settings.locations["plugins.include"].line == 3
    assert not settings.complete


@pytest.mark.parametrize("text", ["credentials: {store: hashicorp-vault}\n", "plugins: {includ: [catalog]}\n", "a: [\n"])
def test_missing_plugins_are_not_told_where_the_settings_are_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / "app-config.yaml").write_text("backend: {database: {client: pg, connection: {host: h}}}\n")
    (tmp_path / "greenroom.yaml").write_text(text)
    project = load(Request(root=tmp_path, environ={}))
    resolve(project)
    assert not [item.code for item in project.diagnostics if item.code == "GR407"]
    assert project.diagnostics.has_errors
