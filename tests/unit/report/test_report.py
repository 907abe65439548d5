"""``greenroom report``: what it says is true, and nothing of an input acts in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import command_line
import pytest
from jsonschema import Draft202012Validator

from generator.documents.schema import schema_text
from generator.report.escaping import code, html, label, markdown

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

CONFIG = """\
backend:
  database:
    client: pg
    connection: {host: db.example, port: 5432, user: portal, password: "${PW}"}
    plugin:
      auth: {}
      catalog: {connection: {database: own}}
      todo: {client: better-sqlite3, connection: ':memory:'}
"""
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "::error::x",
    "##[error]x",
    "a|b`c",
    "@team #1 www.x.example http://x.example",
    "]]>",
]


def greenroom(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    ran = command_line.run([*arguments], cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert ran.returncode == code, ran.stderr
    return ran


def document(folder: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(greenroom(folder, "report", "--format", "json", *arguments).stdout)
    Draft202012Validator(json.loads(schema_text("report"))).validate(found)
    return found


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["plugin"]: row for server in found["servers"] for row in (*server["plugins"], *server["retired"])}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    (tmp_path / "greenroom.yaml").write_text("version: 1\nappConfig: [app-config.yaml]\nplugins: {discover: false}\n")
    greenroom(tmp_path, "generate")
    return tmp_path


def result(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A result of preflight in which every plugin is ready; ``changes`` of ``catalog``."""
    plugins = {}
    for server in found["servers"]:
        for row in server["plugins"]:
            plugins[row["plugin"]] = {
                "ready": True,
                "backstageStarts": True,
                "engine": server["engine"],
                "server": server["address"],
                "database": row["database"],
                "schema": row["schema"],
                "user": row["role"],
                "checks": [{"name": "reachable", "status": "ok", "detail": "it answers"}],
                "seconds": 0.1,
            }
    plugins["catalog"].update(changes)
    return {"ready": True, "plugins": plugins, "servers": {}, "diagnostics": []}


def test_each_value_has_the_place_where_it_was_written(project: Path) -> None:
    found = document(project)
    assert found["upToDate"]
    assert found["notProvisioned"] == ["todo"]
    catalog = {value["name"]: (value["value"], value["origin"]) for value in rows(found)["catalog"]["values"]}
    assert catalog == {
        "plugin": ("catalog", "app-config.yaml:7:16"),
        "server": ("primary (db.example:5432)", "app-config.yaml:4:24"),
        "database": ("own", "app-config.yaml:7:40"),
        "role": ("backstage_catalog", "greenroom's default (credentials.roleName)"),
        "password": ("${BACKSTAGE_DB_CATALOG_PASSWORD}", "greenroom's default (credentials.delivery)"),
    }
    auth = {value["name"]: value["origin"] for value in rows(found)["auth"]["values"]}
    assert auth["database"] == "Backstage's default"


def test_states(project: Path) -> None:
    assert {row["state"] for row in rows(document(project)).values()} == {"generated"}
    script = project / "infra/sql/databases.sql"
    text = script.read_text()
    script.write_text(text + "-- mine\n")
    found = document(project)
    assert {row["state"] for row in rows(found).values()} == {"edited"}, "no green while a file is not as it was generated"
    assert found["editedFiles"] == ["infra/sql/databases.sql"]
    script.write_text(text)
    (project / "app-config.yaml").write_text(CONFIG.replace("auth: {}", "search: {}").replace("own", "other"))
    found = rows(document(project))
    assert {name: row["state"] for name, row in found.items()} == {"catalog": "changed", "search": "new", "auth": "retired"}
    assert found["catalog"]["note"] == "database own → other"
    (project / "app-config.yaml").write_text(CONFIG.replace("auth: {}", "search: {}"))
    states = {name: row["state"] for name, row in rows(document(project)).items()}
    assert states == {"catalog": "generated", "search": "new", "auth": "retired"}
    (project / "app-config.yaml").write_text(CONFIG.replace("client: pg", "client: oracle"))
    refused = greenroom(project, "report", code=1)
    assert not refused.stdout
    assert "error[" in refused.stderr


def test_a_report_before_anything_was_generated_says_so(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    assert {row["state"] for row in rows(document(tmp_path)).values()} == {"new"}
    assert "Nothing has been generated yet" in greenroom(tmp_path, "report").stdout


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "ready"),
        ({"ready": False, "checks": [{"name": "isolated", "status": "failed", "detail": "opens auth"}]}, "failed"),
        ({"database": "another"}, "other"),
        ({"user": "postgres"}, "other"),
        ({"server": "staging.example:5432"}, "other"),
        ({"server": "db.example:5433"}, "other"),
        (None, "unknown"),
    ],
)
def test_a_verdict_of_preflight_counts_for_what_it_looked_at(
    project: Path, changes: dict[str, Any] | None, verdict: str
) -> None:
    answer = result(document(project), **(changes or {}))
    if changes is None:
        del answer["plugins"]["catalog"]
    (project / "result.json").write_text(json.dumps(answer))
    found = rows(document(project, "--preflight", "result.json"))
    assert found["catalog"]["preflight"]["verdict"] == verdict
    assert found["auth"]["preflight"]["verdict"] == "ready"
    page = greenroom(project, "report", "--preflight", "result.json").stdout
    assert ("no verdict on every plugin" in page) == (verdict in ("other", "unknown"))


def test_with_a_pair_preflight_looks_at_the_live_login(project: Path) -> None:
    settings = "version: 1\nappConfig: [app-config.yaml]\nplugins: {discover: false}\ncredentials: {rotation: pair}\n"
    (project / "greenroom.yaml").write_text(f"{settings}targets: {{sql: {{}}, appConfig: {{}}}}\n")
    (project / "infra" / "greenroom.lock.json").unlink()
    for user, verdict in (
        ("backstage_catalog_a", "ready"),
        ("backstage_catalog_b", "other"),
        ("backstage_catalog", "other"),
    ):
        (project / "result.json").write_text(json.dumps(result(document(project), user=user)))
        assert rows(document(project, "--preflight", "result.json"))["catalog"]["preflight"]["verdict"] == verdict


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '{"ready": true}', "\N{BOM}{}", "[" * 100_000])
def test_a_file_that_is_no_result_of_preflight_is_refused(project: Path, text: str) -> None:
    (project / "result.json").write_text(text)
    ran = greenroom(project, "report", "--preflight", "result.json", code=1)
    assert not ran.stdout
    assert "result.json error[GR920]" in ran.stderr
    assert ran.stderr.count("error[") == 1


def test_a_missing_result_is_refused(project: Path) -> None:
    assert "error[GR920]" in greenroom(project, "report", "--preflight", "nowhere.json", code=1).stderr
    assert "error[GR920]" in greenroom(project, "report", "--preflight", ".", code=1).stderr


class _Texts(HTMLParser):
    """The texts and attributes of a page as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_loads_nothing_and_names_stay_text(project: Path) -> None:
    (project / "app-config.yaml").write_text(CONFIG.replace("own", '"o<script>alert(1)</script>\'&#x27;"'))
    page = _Texts(greenroom(project, "report", "--out", "new", "--target", "sql").stdout)
    assert "o<script>alert(1)</script>'&#x27;" in page.texts
    assert not page.tags & {"img", "link", "iframe", "object", "embed", "base", "svg"}
    assert not [name for name in page.attributes if name.startswith("on") or name in ("src", "href", "style", "action")]


@pytest.mark.parametrize("value", HOSTILE)
def test_nothing_acts(value: str) -> None:
    assert _Texts(f"<p>{html(value)}</p>").texts
    assert "".join(_Texts(f"<p>{html(value)}</p>").texts) == value
    for text in (html(value), markdown(value), code(value), label(value)):
        assert not re.match(r"\s*::", text)
        assert "##[" not in text
    assert "|" not in markdown(value) + code(value)
    assert not set(label(value)) & set('"<>`|\n[]')
    assert "<img" not in markdown(value) + code(value)
    # A forge looks for these in the text of the page, entities or not: a comment cuts them, or they are in code.
    assert not re.search(r"&#64;t|&#35;1|www\.|:&#47;&#47;|://", markdown(value))


def test_the_same_bytes_each_time(project: Path) -> None:
    for form in ("html", "markdown", "mermaid", "json"):
        first = greenroom(project, "report", "--format", form).stdout
        assert first == greenroom(project, "report", "--format", form).stdout
        assert first.endswith("\n")


def test_a_page_of_one_s_own(project: Path) -> None:
    templates = project / "templates/report"
    templates.mkdir(parents=True)
    (templates / "report.md.j2").write_text("{{ environment | markdown }}: {{ servers | length }}\n")
    text = greenroom(project, "report", "--format", "markdown", "--templates", "templates").stdout
    assert text.startswith("production: 1\n")
    (templates / "report.md.j2").write_text("{{ environment }}\n")
    assert "GR651" in greenroom(project, "report", "--format", "markdown", "--templates", "templates", code=1).stderr
