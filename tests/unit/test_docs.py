"""README, docs and --help say what is true."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from update_docs import CLI, README, SETTINGS, SETTINGS_PAGE, cli, readme, settings_page, settings_schema

from generator.stores.names import STORES

PROJECT = Path(__file__).resolve().parents[2]
REGENERATE = "When the new output is right, write it down with `make goldens`."
DOCUMENTS = [
    README,
    PROJECT / "CONTRIBUTING.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
    *sorted(PROJECT.glob("examples/*/README.md")),
]


def test_the_transcripts_of_the_readme_are_what_happens() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count("<!-- transcript: ") == 2
    assert readme(text) == text, REGENERATE


def test_the_help_in_the_docs_is_the_help() -> None:
    assert CLI.read_text(encoding="utf-8") == cli(), REGENERATE


def test_the_schema_of_the_settings_has_the_stores_there_are() -> None:
    text = SETTINGS.read_text(encoding="utf-8")
    assert text == settings_schema(), REGENERATE
    assert json.loads(text)["properties"]["credentials"]["properties"]["store"]["enum"] == list(STORES)


def test_the_reference_of_the_settings_has_every_key_of_the_schema() -> None:
    text = SETTINGS_PAGE.read_text(encoding="utf-8")
    assert text == settings_page(), REGENERATE
    headings = set(re.findall(r"^##+ `(.*)`$", text, re.MULTILINE))
    assert set(json.loads(SETTINGS.read_text(encoding="utf-8"))["properties"]) - {"$schema"} <= headings
    assert {"servers.NAME.kind", "credentials.delivery.env", "targets.cloudformation.dataApi", "ignore[].reason"} <= headings


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_command_in_the_docs_can_be_typed(document: Path) -> None:
    from generator.cli.app import COMMANDS, greenroom

    text = document.read_text(encoding="utf-8")
    for line in re.findall(r"(?:^|`|\$ | )greenroom ((?:[a-z]+)(?: [^`\n|#]*)?)", text):
        words = shlex.split(line.replace("…", ""), comments=True)
        if words[0] not in COMMANDS:
            continue  # prose
        options = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z-]+(=.*)?", word)}
        command = greenroom.get_command(greenroom.make_context("greenroom", ["--help"], resilient_parsing=True), words[0])
        assert command is not None
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
        assert options <= known, f"{document.name}: greenroom {line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_in_the_docs_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_example_of_the_library_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(PROJECT)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert "plugins.tf" in capsys.readouterr().out


def test_the_settings_in_the_readme_are_valid(tmp_path: Path) -> None:
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.read import read_settings

    (text,) = re.findall(r"```yaml\n(# greenroom.yaml.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "greenroom.yaml").write_text(text)
    diagnostics = Diagnostics()
    read_settings(None, root=tmp_path, diagnostics=diagnostics)
    assert not list(diagnostics)
