"""Variables without a value, and files that are not here: said once, and preflight does its work."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from generator.cli.app import run
from generator.documents.values import ConfigMap, Placeholder, Reference
from generator.preflight.results import Check, PreflightResult
from generator.preflight.unset import Unset

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
backend:
  database:
    client: pg
    ensureExists: false
    connection:
      host: ${PORTAL_HOST}
      port: ${PORTAL_PORT}
      user: ${PORTAL_USER}
      password: ${PORTAL_PASSWORD}
"""


def preflight(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str) -> dict[str, Any]:
    monkeypatch.chdir(root)
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)
    (root / "app-config.yaml").write_text(text)
    plugins = [item for name in ("app", "auth", "catalog") for item in ("--plugin", name)]
    assert run(["preflight", *plugins, "--format", "json", "--timeout", "2"]) == 4
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_each_variable_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PORTAL_PORT", "1")
    monkeypatch.setenv("PORTAL_PASSWORD", "secret")
    found = preflight(tmp_path, monkeypatch, capsys, CONFIG)
    said = [(item["code"], item["line"], item["summary"]) for item in found["diagnostics"] if item["severity"] == "error"]
    assert said == [("GR734", 6, "PORTAL_HOST is not set"), ("GR734", 8, "PORTAL_USER is not set")]
    assert not any(plugin["ready"] for plugin in found["plugins"].values())


def test_pg_variables_take_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONFIG.replace("host: ${PORTAL_HOST}", "host: 127.0.0.1").replace("port: ${PORTAL_PORT}", "port: 1")
    monkeypatch.setenv("PORTAL_USER", "portal")
    found = preflight(tmp_path, monkeypatch, capsys, text)
    hints = {item["hint"] for item in found["diagnostics"] if item["code"] == "GR711"}
    assert hints == {"set PORTAL_PASSWORD"}, "the variable app-config has, not the fragment's"


def test_a_file_for_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONFIG.replace("${PORTAL_HOST}", "127.0.0.1").replace("${PORTAL_PORT}", "1").replace("${PORTAL_USER}", "u")
    text += "integrations: {github: [{apps: [{$include: app.yaml}], key: {$file: app.pem}}]}\n"
    monkeypatch.setenv("PORTAL_PASSWORD", "secret")
    found = preflight(tmp_path, monkeypatch, capsys, text)
    assert [item["severity"] for item in found["diagnostics"] if item["code"] == "GR113"] == ["warning", "warning"]
    assert {check["name"] for plugin in found["plugins"].values() for check in plugin["checks"]} == {"reachable"}


@pytest.mark.parametrize(
    ("checks", "said", "severity"),
    [
        ([("reachable", False)], [], "error"),
        ([("reachable", True)], ["reachable"], "warning"),  # a server that has no room was found
        ([("restricted", False)], ["restricted"], "warning"),
        ([("reachable", False), ("pool", False)], ["pool"], "error"),
    ],
)
def test_a_variable_is_blamed_for_what_follows(checks: list[tuple[str, bool]], said: list[str], severity: str) -> None:
    host = Placeholder("${PORTAL_HOST}", (Reference("env", "PORTAL_HOST"),))
    database = ConfigMap({"client": "pg", "connection": ConfigMap({"host": host})})
    unset = Unset(database)
    result = PreflightResult(
        plugin_id="app",
        engine="postgresql",
        server="",
        database="d",
        schema=None,
        user="u",
        checks=tuple(Check(name, ok=False, detail=name, code="GR700", answered=answered) for name, answered in checks),
        told=frozenset().union(*unset.consequences("app").values()),
    )
    assert [item.summary.rpartition(": ")[2] for item in result.diagnostics()] == said
    (about,) = unset.diagnostics({"app": result.hidden})
    assert (about.code, str(about.severity)) == ("GR734", severity)


def test_an_unset_user_is_blamed_for_the_login_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONFIG.replace("host: ${PORTAL_HOST}", "host: 127.0.0.1").replace("port: ${PORTAL_PORT}", "port: 1")
    monkeypatch.setenv("PORTAL_PASSWORD", "secret")
    found = preflight(tmp_path, monkeypatch, capsys, text)
    said = {(item["code"], item["severity"]) for item in found["diagnostics"]} - {("GR707", "info")}
    assert ("GR734", "warning") in said
    assert ("GR712", "error") in said, "nothing listens there, whoever logs in"


def test_an_app_config_inside_helm_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PGHOST", "PGUSER", "PORTAL_HOST"):
        monkeypatch.delenv(name, raising=False)
    text = CONFIG.replace("${PORTAL_PORT}", "1").replace("${PORTAL_USER}", "portal")
    inside = "".join(f"    {line}\n" for line in text.splitlines())
    (tmp_path / "values.yaml").write_text(f"backstage:\n  appConfig:\n{inside}")
    monkeypatch.setenv("PORTAL_PASSWORD", "secret")
    options = ["--plugin", "app", "--config", "values.yaml#backstage.appConfig", "--timeout", "2"]
    assert run(["preflight", *options, "--format", "json"]) == 4
    found = json.loads(capsys.readouterr().out)["diagnostics"]
    assert [(item["file"], item["line"], item["summary"]) for item in found if item["code"] == "GR734"] == [
        ("values.yaml", 8, "PORTAL_HOST is not set")
    ]
