"""Nothing of an input moves a cursor, ends a line or commands a CI system, whatever command prints it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from generator.cli.app import run
from generator.problems.diagnostic import Diagnostic, Location, Severity
from generator.problems.inert import inert, inert_json, inert_text, inert_xml

PROJECT = Path(__file__).resolve().parents[3]
ODD = "\n::error file=x::pwned\x1b]0;title\x07\u202e\x9b31m\u2028\r##[error]x\u061c\u2066"
NAME = "f\n::error::x\x1b[31m.yaml"
INDEX = """import { createBackend } from '@backstage/backend-defaults';
const backend = createBackend();
backend.add(import('evil\\n::error::x\\x1b[31m\\u202e; rm -rf /'));
backend.add(import('@backstage/plugin-catalog-backend'));
backend.start();
"""
ARGUMENTS = (
    ["resolve"],
    ["resolve", "--format", "json"],
    ["resolve", "--config", NAME],
    ["resolve", "--config", f"no{ODD}"],
    ["resolve", "--format", f"x{ODD}"],
    ["explain", "catalog"],
    ["lint"],
    ["lint", "--diff"],
    ["lint", "--format", "json"],
    ["lint", "--format", "sarif"],
    ["lint", "--select", f"x{ODD}"],
    ["discover"],
    ["discover", "--format", "json"],
    ["generate"],
    ["generate", "--check", "--diff"],
    ["generate", "--plugin", f"x{ODD}", "--out", f"o{ODD}"],
    ["init", "--stdout"],
    ["init", "--settings", f"no/folder{ODD}"],
    ["plan-check", NAME],
    ["preflight", "--timeout", "1"],
    ["adopt", "--server", f"x{ODD}"],
    ["schema", f"x{ODD}"],
    [f"nothing{ODD}"],
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that has a name has a hostile one."""
    text = json.dumps
    config = f"""backend:
  database:
    client: pg
    connection:
      {{host: {text(f"h{ODD}")}, user: {text(f"u{ODD}")}, password: "${{PW}}", {text(f"ss{ODD}")}: 1, sssl: "true"}}
    prefix: {text(f"p{ODD}")}
    pluginDivisionMode: {text(f"m{ODD}")}
    plugin:
      {text(f"::error file=x::pwned{ODD}")}: {{client: {text(f"c{ODD}")}}}
      catalog: {{connection: {{database: {text(f"d{ODD}")}}}}}
      "##[error]x": {{}}
"""
    (tmp_path / "app-config.yaml").write_text(config, encoding="utf-8")
    (tmp_path / NAME).write_text(config, encoding="utf-8")
    backend = tmp_path / "packages/backend"
    (backend / "src").mkdir(parents=True)
    (tmp_path / "package.json").write_text('{"name": "root", "workspaces": ["packages/*"]}')
    (backend / "package.json").write_text('{"name": "backend", "dependencies": {"@backstage/backend-defaults": "1"}}')
    (backend / "src/index.ts").write_text(INDEX)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def acts(text: str) -> list[str]:
    """The lines with something that acts in them."""
    return [
        line
        for line in text.split("\n")
        if re.match(r"\s*::", line)
        or "##[" in line
        or any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") and char != "\t" for char in line)
    ]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda arguments: " ".join(map(inert, arguments))[:40])
def test_no_command_prints_anything_that_acts(
    arguments: list[str], repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) in (0, 1, 2, 3, 4)
    printed = capsys.readouterr()
    assert printed.out + printed.err
    assert acts(printed.out) == []
    assert acts(printed.err) == []


def test_annotations_are_the_only_commands(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["lint", "--format", "github"])
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(re.match(r"::(error|warning|notice) (file=[^:,]+,|title=)", line) for line in lines)
    assert not any(acts(line.removeprefix("::").replace("##[", "")) for line in lines)


def test_a_terminal_gets_only_the_colours_of_greenroom(repository: Path) -> None:
    keeper, terminal = pty.openpty()
    code = "import sys; from generator.cli import main; main(sys.argv[1:])"
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen([sys.executable, "-c", code, "lint"], stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    read = bytearray()
    while True:
        try:
            data = os.read(keeper, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        read += data
    os.close(keeper)
    assert process.wait() == 1
    text = read.decode().replace("\r\n", "\n")
    assert "\x1b[31merror\x1b[0m[" in text
    assert acts(re.sub(r"\x1b\[(?:31|33|34|0)m", "", text)) == []


def test_a_problem_has_each_part_on_a_line() -> None:
    problem = Diagnostic("GR1", Severity.ERROR, f"a{ODD}", Location(f"f{ODD}", 1, 1), f"k{ODD}", f"h{ODD}", f"b{ODD}")
    assert len(problem.render().split("\n")) == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("größe 名前 🚀", "größe 名前 🚀"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31m\x9b\x7f\0", "\\x1b[31m\\x9b\\x7f\\x00"),
        ("\u202e\u2066\u200f\u061c\u2028", "\\u202e\\u2066\\u200f\\u061c\\u2028"),
        ("\ud800\U000e0041", "\\ud800\\U000e0041"),
    ],
)
def test_values(value: str, shown: str) -> None:
    assert inert(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n\tb\n", "a\r\n\tb\n"),
        ("a\rb", "a\\rb"),
        ("x\n  ::error::y", "x\n  \\x3a:error::y"),
        ("a ::error::y", "a ::error::y"),
        ("a ##[error]y", "a \\x23#[error]y"),
        ("a ##vso[task.x]y", "a \\x23#vso[task.x]y"),
        ("## Heading [x]", "## Heading [x]"),
    ],
)
def test_texts(text: str, shown: str) -> None:
    assert inert_text(text) == shown


def test_documents_are_the_same_to_a_program() -> None:
    from xml.etree import ElementTree as ET

    value = {f"k{ODD}": [f"v{ODD}", "\U000e0041", "\ud800"]}
    assert json.loads(inert_json(value)) == value
    assert acts(inert_json(value)) == []
    element = ET.Element("a", name="\u202e##[error]")
    assert acts(inert_xml(ET.tostring(element, encoding="unicode"))) == []
    assert ET.fromstring(inert_xml(ET.tostring(element, encoding="unicode"))).get("name") == "\u202e##[error]"


def test_one_module_writes() -> None:
    folder = PROJECT / "generator" / "cli"
    writers = [path.name for path in sorted(folder.glob("*.py")) if re.search(r"click\.s?echo|\bprint\(", path.read_text())]
    assert writers == ["output.py"]
