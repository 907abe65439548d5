"""No word of a password leaves, however it is spelled, whatever is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attack_commands import command
from attack_counts import SPELLINGS, seeds
from attack_spellings import spelling

if TYPE_CHECKING:
    from pathlib import Path

_PLUGINS = ["--plugin", "catalog", "--plugin", "auth"]
COMMANDS = (
    ["resolve", *_PLUGINS],
    ["resolve", *_PLUGINS, "--format", "json"],
    ["resolve", *_PLUGINS, "--placeholders", "backstage"],
    ["explain", "catalog"],
    ["explain", "catalog", "--format", "json"],
    ["lint"],
    ["lint", "--diff"],
    ["lint", "--format", "json"],
    ["lint", "--format", "sarif"],
    ["lint", "--format", "github"],
    ["generate", *_PLUGINS, "--out", "made/one"],
    ["generate", *_PLUGINS, "--out", "made/two", "--check", "--diff"],
    [
        "generate",
        *_PLUGINS,
        "--out",
        "made/three",
        "--target",
        "cloudformation",
        "--target",
        "app-config",
        "--format",
        "json",
    ],
    ["report", *_PLUGINS],
    ["report", *_PLUGINS, "--format", "markdown"],
    ["report", *_PLUGINS, "--format", "json"],
    ["init", "--stdout"],
)


@pytest.mark.parametrize("seed", seeds(SPELLINGS))
def test_no_word_of_a_secret_leaves(seed: int, tmp_path: Path) -> None:
    attack = spelling(seed)
    text = "".join(f"    {line}\n" for line in attack.database.splitlines())
    (tmp_path / "app-config.yaml").write_text(f"backend:\n  database:\n{text}", encoding="utf-8")
    for arguments in COMMANDS:
        ran = command(tmp_path, [*arguments, "--config", "app-config.yaml"], written="made")
        assert ran.code in (0, 1, 3), (arguments, ran.stderr)
        leaked = [line for line in ran.everything.splitlines() if any(word in line for word in attack.words)]
        assert not leaked, f"{arguments} of seed {seed}:\n{text}\n{leaked}"
