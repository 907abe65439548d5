"""Databases that are configured wrong: what `greenroom resolve` says about each, word for word.

Every ``cases/NAME.yaml`` is an app-config; its first line may say which plugins to ask for. ``NAME.txt`` is the exit code
and what is printed on stderr.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from generator.cli.app import run

CASES = Path(__file__).with_name("cases")
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_bad_database(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES)
    first = (CASES / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    plugins = match[1].split(",") if (match := re.match(r"# plugins:(.*)", first)) else ["catalog"]
    arguments = [argument for plugin in plugins for argument in ("--plugin", plugin.strip())]
    code = run(["resolve", "--root", ".", "--config", f"{name}.yaml", *arguments])
    said = f"exit {code}\n{capsys.readouterr().err}"
    expected = CASES / f"{name}.txt"
    if os.environ.get("GREENROOM_UPDATE"):
        expected.write_text(said, encoding="utf-8")
    right = expected.read_text(encoding="utf-8") if expected.is_file() else "(nothing yet)"
    assert said == right, "run `GREENROOM_UPDATE=1 pytest tests/invalid/resolve` and look at the difference"
    assert "hunter2" not in said
    if code == 1:
        assert re.search(rf"^{name}\.yaml:\d+:\d+ error", said, re.MULTILINE), "an error without a place"
