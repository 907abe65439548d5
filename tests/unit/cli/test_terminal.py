"""What a terminal gets: tables that fit, and problems that are alike told together."""

from __future__ import annotations

import os
import pty
import sys
from typing import TYPE_CHECKING

from generator.cli.output import show_diagnostics, show_table
from generator.problems.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    import pytest

ROWS = [
    ("catalog", "@backstage/plugin-catalog-backend", "packages/backend/src/index.ts:33:1", "catalogue", "high", "own"),
    ("proxy", "@backstage/plugin-proxy-backend", "packages/backend/src/index.ts:14:1", "catalogue", "high", ""),
]
HEADERS = ("plugin", "package", "added in", "known from", "confidence", "tables")


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> str:
    """The table as a terminal of so many columns gets it."""
    keeper, terminal = pty.openpty()
    try:
        with os.fdopen(terminal, "w", encoding="utf-8") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            monkeypatch.setenv("COLUMNS", str(columns))
            show_table(HEADERS, ROWS)
            stdout.flush()
            return os.read(keeper, 100_000).decode().replace("\r\n", "\n")
    finally:
        os.close(keeper)


def test_a_narrow_terminal_cuts_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_terminal(monkeypatch, 80) == (
        "plugin, package, added in, known from, confidence, tables\n"
        "catalog\n"
        "    @backstage/plugin-catalog-backend  packages/backend/src/index.ts:33:1\n"
        "    catalogue  high  own\n"
        "proxy\n"
        "    @backstage/plugin-proxy-backend  packages/backend/src/index.ts:14:1\n"
        "    catalogue  high\n"
    )


def test_a_wide_terminal_gets_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_terminal(monkeypatch, 200).splitlines()
    assert len(lines) == 4
    assert lines[2].split() == list(ROWS[0])


def test_what_several_have_in_common_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    def item(code: str, name: str, hint: str) -> Diagnostic:
        return Diagnostic(code, Severity.WARNING, f"{name} is odd", hint=hint, backstage="fails")

    found = [item("GR766", "a", "wait"), item("GR766", "b", "wait"), item("GR766", "c", "go"), item("GR767", "c", "go")]
    show_diagnostics(found, together=True)
    assert capsys.readouterr().err == (
        "warning[GR766] a is odd\n"
        "warning[GR766] b is odd\n    Backstage: fails\n    help: wait\n"
        "warning[GR766] c is odd\n    Backstage: fails\n    help: go\n"
        "warning[GR767] c is odd\n    Backstage: fails\n    help: go\n"
    )
