"""``client: embedded-postgres``: fine in a file for development, an error where production resolves to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator import Request, load, plan, resolve
from generator.lint import lint
from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from pathlib import Path

DEVELOPMENT = "backend: {database: {client: embedded-postgres%s}}\n"
PRODUCTION = "backend: {database: {client: pg, connection: {host: h, user: u, password: '${P}'}}}\n"
OTHER = "backend: {database: {prefix: a_}}\n"


def request(folder: Path, **files: str) -> Request:
    names = []
    for name, text in files.items():
        path = folder / ("app-config.yaml" if name == "base" else f"app-config.{name}.yaml")
        path.write_text(text)
        names.append(str(path))
    return Request(root=folder, config=names, environ={}, plugins=("catalog",))


@pytest.mark.parametrize("connection", ["", ", connection: {user: me, flags: {initdb: [-A, trust]}}", ", connection: 'x'"])
def test_a_file_for_development(tmp_path: Path, connection: str) -> None:
    asked = request(tmp_path, base=DEVELOPMENT % connection)
    project = load(asked)
    found = resolve(project)["catalog"]
    assert not found.error
    user = "me" if "me" in connection else "postgres"
    assert (found.client, found.connection["host"], found.connection["user"]) == ("pg", "localhost", user)
    assert [(item.code, str(item.severity)) for item in project.diagnostics] == [("GR228", "warning")]
    assert not lint(asked).has_errors


def test_nothing_is_generated_for_development(tmp_path: Path) -> None:
    project = load(request(tmp_path, base=DEVELOPMENT % ""))
    with pytest.raises(GreenroomError) as raised:
        plan(project, resolve(project))
    assert [(item.code, str(item.severity)) for item in raised.value.diagnostics] == [("GR228", "error")]


def test_production_has_to_set_another_client(tmp_path: Path) -> None:
    project = load(request(tmp_path, base=DEVELOPMENT % "", production=OTHER))
    assert resolve(project)["catalog"].error
    assert [(item.code, str(item.severity)) for item in project.diagnostics] == [("GR228", "error")]
    project = load(request(tmp_path, base=DEVELOPMENT % "", production=PRODUCTION))
    assert not resolve(project)["catalog"].error
    assert not len(project.diagnostics)


def test_a_plugin_cannot_have_it(tmp_path: Path) -> None:
    text = PRODUCTION.replace("client: pg", "client: pg, plugin: {catalog: {client: embedded-postgres}}")
    project = load(request(tmp_path, base=text))
    assert resolve(project)["catalog"].error
    assert {str(item.severity) for item in project.diagnostics} == {"error"}
