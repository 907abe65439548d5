"""Suppression comments: what they cover, and what is said about those that cover nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator import Request
from generator.lint import Report, lint

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "backend:\n  database:\n    client: pg\n    connection:\n      host: h\n      ssl:\n"
LINE = "        rejectUnauthorized: false"


def look(folder: Path, text: str, **options: tuple[str, ...]) -> Report:
    (folder / "app-config.yaml").write_text(text)
    return lint(Request(root=folder, environ={}), **options)


def codes(report: Report) -> list[str]:
    return [finding.diagnostic.code for finding in report.findings]


@pytest.mark.parametrize(
    "text",
    [
        f"{LINE} # greenroom-ignore: GR003 the test cluster",
        f"        # greenroom-ignore: GR003 the test cluster\n{LINE}",
        f"        # greenroom-ignore: GR003\n\n        # more about it\n{LINE}",
        f"        #greenroom-ignore:GR003\n{LINE}",
        f"        # greenroom-ignore: GR003, GR004 both\n{LINE}",
        f"        # greenroom-ignore: GR003\n        # greenroom-ignore: GR004\n{LINE}",
        f"        # greenroom-ignore: GR003\r\n{LINE}",
        f"{LINE} # see the wiki # greenroom-ignore: GR003 why",
    ],
)
def test_a_comment_on_the_line_or_above_it(tmp_path: Path, text: str) -> None:
    report = look(tmp_path, f"{HEAD}{text}\n", ignore=("GR091",))
    assert codes(report) == []
    assert [finding.diagnostic.code for finding in report.suppressed] == ["GR003"]


@pytest.mark.parametrize(
    "text",
    [
        f"        # greenroom-ignore: GR003\n        ca: x\n{LINE}",  # covers the line of ca
        f"{LINE}\n        # greenroom-ignore: GR003",  # below
        f"        ca: '# greenroom-ignore: GR003'\n{LINE}",  # a text
        f"        ca: |\n          # greenroom-ignore: GR003\n{LINE}",
        f"        ca: x#greenroom-ignore: GR003\n{LINE}".replace("x#greenroom-ignore: ", "x#greenroom-ignore:"),
    ],
)
def test_a_comment_somewhere_else(tmp_path: Path, text: str) -> None:
    assert "GR003" in codes(look(tmp_path, f"{HEAD}{text}\n"))


def test_a_text_that_looks_like_a_comment_is_not_reported(tmp_path: Path) -> None:
    report = look(tmp_path, f"{HEAD}        ca: |\n          # greenroom-ignore: GR003\n{LINE}\n")
    assert codes(report) == ["GR003"]


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("# greenroom-ignore: GR099 x", "there is no code GR099, and nothing is suppressed by it"),
        ("# greenroom-ignore: GR3", "'GR3' is no code, and nothing is suppressed by it"),
        ("# greenroom-ignore", "the comment names no code, and suppresses nothing"),
        ("# greenroom-ignore: the test cluster", "the comment names no code, and suppresses nothing"),
        ("# greenroom-ignore GR003", "the comment names no code, and suppresses nothing"),
    ],
)
def test_a_comment_without_a_known_code(tmp_path: Path, comment: str, said: str) -> None:
    report = look(tmp_path, f"{HEAD}        ca: x {comment}\n")
    (finding,) = report.findings
    assert (finding.diagnostic.code, finding.diagnostic.summary) == ("GR090", said)
    assert finding.diagnostic.location is not None
    assert finding.diagnostic.location.line == 7


def test_a_comment_that_suppresses_nothing(tmp_path: Path) -> None:
    text = f"{HEAD}        # greenroom-ignore: GR003 why\n        ca: x\n"
    assert codes(look(tmp_path, text)) == ["GR091"]
    # Of a code that was not looked for, nobody knows.
    assert codes(look(tmp_path, text, ignore=("GR003",))) == []
    assert codes(look(tmp_path, text, select=("GR09",))) == []


def test_an_included_file_has_comments_too(tmp_path: Path) -> None:
    (tmp_path / "ssl.yaml").write_text("# greenroom-ignore: GR003 why\nrejectUnauthorized: false\n")
    assert codes(look(tmp_path, f"{HEAD}        $include: ssl.yaml\n")) == []


def test_what_keeps_the_configuration_from_being_read_is_always_said(tmp_path: Path) -> None:
    text = "a: 1\na: 2 # greenroom-ignore: GR105 yes\n"
    assert codes(look(tmp_path, text)) == ["GR105"]
    assert codes(look(tmp_path, text, ignore=("GR1",))) == ["GR105"]
    assert codes(look(tmp_path, text, select=("GR003",))) == ["GR105"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["GR213", "GR003"]),
        ({"select": ("GR0",)}, ["GR003"]),
        ({"select": ("GR0", "GR213")}, ["GR213", "GR003"]),
        ({"ignore": ("GR2",)}, ["GR003"]),
        ({"select": ("GR2",), "ignore": ("GR213",)}, []),
    ],
)
def test_select_and_ignore(tmp_path: Path, options: dict[str, tuple[str, ...]], expected: list[str]) -> None:
    text = HEAD.replace("host: h\n", "host: h\n      password: correct-horse\n") + LINE + "\n"
    assert codes(look(tmp_path, text, **options)) == expected


ENTRIES = """\
ignore:
  - {code: GR003, reason: the test cluster}
  - {code: GR213, file: app-config.yaml, reason: a fake}
  - {code: GR213, file: elsewhere.yaml, reason: of a file that is gone}
  - {code: GR062, reason: fixed long ago}
  - {code: GR515, reason: not a matter of lint}
"""


def test_entries_of_the_settings_that_answer_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "greenroom.yaml").write_text(ENTRIES)
    text = HEAD.replace("host: h\n", "host: h\n      password: correct-horse\n") + LINE + "\n"
    unused = [finding.diagnostic for finding in look(tmp_path, text).findings]
    assert [(item.code, item.path, item.location and item.location.line) for item in unused] == [
        ("GR091", "ignore[2]", 4),
        ("GR091", "ignore[3]", 5),
    ]
    assert "elsewhere.yaml" in unused[0].summary
    assert codes(look(tmp_path, text, select=("GR0",), ignore=("GR091",))) == []
