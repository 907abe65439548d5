"""lint, its fixes and its comments on an app-config inside another file: only the value changes, or nothing at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from command_line import run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
backend:
  database:
    client: pg
    connection:
      host: db  # the server
      port: ${PORT:5432}
      user: u
      ssl: "false"
"""
FIXED = CONFIG.replace(":5432", ":-5432").replace('"false"', "false")


def indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    ("text", "path", "by"),
    [
        ("image: x  # y\nbackstage:\n  appConfig:\n%s  args: [1]\n", "backstage.appConfig", 4),
        ("kind: ConfigMap\ndata:\n  app-config.yaml: |\n%s  script.sh: |\n    # x\n", "data.app-config.yaml", 4),
        ("kind: ConfigMap\ndata:\n  app-config.yaml: |2\n%s", "data.app-config.yaml", 4),
        ("a: b\n---\nspec: {a: 1}\n---\nspec:\n  values: |-\n    x:\n      appConfig:\n%s", "spec.values.x.appConfig", 8),
    ],
)
def test_fix_changes_the_values_and_nothing_else(tmp_path: Path, text: str, path: str, by: int) -> None:
    (tmp_path / "x.yaml").write_text(text % indented(CONFIG, by))
    target = f"x.yaml#{path}"
    shown = run(["lint", "--config", target, "--diff"], cwd=tmp_path, capture_output=True, text=True)
    assert "2 changes" in shown.stderr
    assert (tmp_path / "x.yaml").read_text() == text % indented(CONFIG, by)
    done = run(["lint", "--config", target, "--fix"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "x.yaml").read_text() == text % indented(FIXED, by)


@pytest.mark.parametrize("style", [">-", "'", '"'])
def test_a_text_in_another_style_is_told_and_left_alone(tmp_path: Path, style: str) -> None:
    inner = "backend: {database: {client: pg, connection: {host: db, user: u, ssl: 'false'}}}"
    quoted = {"'": "'" + inner.replace("'", "''") + "'", '"': json.dumps(inner), ">-": f">-\n    {inner}"}[style]
    text = f"kind: ConfigMap\ndata:\n  app-config.yaml: {quoted}\n"
    (tmp_path / "x.yaml").write_text(text)
    done = run(["lint", "--config", "x.yaml#data.app-config.yaml", "--fix"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == int(style != ">-")
    assert "GR001" in done.stdout or style == ">-"
    if style != ">-":
        assert (tmp_path / "x.yaml").read_text() == text


def test_a_comment_in_it_suppresses(tmp_path: Path) -> None:
    text = "kind: ConfigMap\ndata:\n  app-config.yaml: |\n" + indented(
        CONFIG.replace('"false"', '"false"  # greenroom-ignore: GR001 the server asks for it'), 4
    )
    (tmp_path / "x.yaml").write_text(text)
    done = run(["lint", "--config", "x.yaml#data.app-config.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert "GR001" not in done.stdout
    assert "GR117" in done.stdout


def test_an_edit_that_would_break_the_inner_document_is_refused() -> None:
    from generator.lint.fix.fixer import _changes_only

    before = "data:\n  a.yaml: |\n    a: 1\n    b: 2\n"
    assert _changes_only(before, before.replace("a: 1", "a: 3"), 1)
    assert not _changes_only(before, before.replace("a: 1", "a: ]"), 1)
    assert not _changes_only(before, before.replace("a: 1", "a: 3").replace("b: 2", "b: 3"), 1)
