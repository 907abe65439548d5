"""The pages of docs/lint: each holds the bad and the good example of its rule, as files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from generator import Request
from generator.lint import Report, lint

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "lint"
CODES = sorted(path.stem for path in FOLDER.glob("GR*.md"))
_FENCE = re.compile(r"^```(?P<language>\w+) (?P<name>\S+)(?P<latin1> latin1)?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ARGUMENTS = re.compile(r"<!-- greenroom lint (.*) -->")


class Example(NamedTuple):
    """The files of an example, and the options of ``greenroom lint`` for it."""

    files: dict[str, bytes]
    options: list[str]

    def write(self, folder: Path) -> None:
        """Put the files below ``folder``."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def request(self, folder: Path, environ: Mapping[str, str] | None = None) -> Request:
        """What to lint, with the files in ``folder``."""

        def values(option: str) -> list[str]:
            return [
                str(folder / after) for name, after in zip(self.options, self.options[1:], strict=False) if name == option
            ]

        return Request(
            root=folder,
            config=values("--config"),
            env_files=[Path(name) for name in values("--env-file")],
            environ=environ or {},
        )

    def lint(self, folder: Path) -> Report:
        """Write the files and look at them."""
        self.write(folder)
        return lint(self.request(folder))


def example(code: str, kind: str) -> Example:
    """The ``Bad`` or ``Good`` example of a page."""
    text = (FOLDER / f"{code}.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {kind}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    files = {
        match["name"]: match["text"].encode("latin-1" if match["latin1"] else "utf-8") for match in _FENCE.finditer(section)
    }
    given = _ARGUMENTS.search(section)
    if given:
        return Example(files, shlex.split(given[1]))
    configs = [name for name in files if re.fullmatch(r"app-config[\w.-]*\.yaml", name)]
    options = [part for name in configs for part in ("--config", name)]
    return Example(files, [*options, *(["--env-file", ".env"] if ".env" in files else [])])
