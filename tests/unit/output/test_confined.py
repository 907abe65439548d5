"""A journal that names a file where this run does not write is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.output.write import journal
from generator.output.write.confined import outside

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("kind", "target", "stuck"),
    [
        (journal.CREATE, "infra/a.tf", False),
        (journal.CREATE, "../x", True),
        (journal.DELETE, "infra/../../x", True),
        (journal.REPLACE, "../tf/a.tf", False),
        (journal.FOLDER, "../tf", False),
        (journal.FOLDER, "../other", True),
    ],
)
def test_a_target(tmp_path: Path, kind: str, target: str, stuck: bool) -> None:
    home = tmp_path / "here" / journal.HOME_NAME
    home.mkdir(parents=True)
    journal.write_journal(str(home), [journal.Step(kind, target, "0")])
    found = outside(str(home), [tmp_path / "tf" / "databases" if kind == journal.FOLDER else tmp_path / "tf"])
    assert (found is not None and found.word == "stuck") is stuck


def test_without_a_journal(tmp_path: Path) -> None:
    assert outside(str(tmp_path / journal.HOME_NAME), [tmp_path]) is None
