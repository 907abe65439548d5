"""Whatever is in the files, a command ends with an exit code of the contract, and nothing it prints acts on who reads it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from attack_commands import command
from attack_counts import HOSTILE, seeds
from attack_mutations import write_hostile

if TYPE_CHECKING:
    from pathlib import Path

ALL = [word for name in ("terraform", "cloudformation", "sql", "app-config") for word in ("--target", name)]
COMMANDS = (
    ["resolve"],
    ["resolve", "--format", "json"],
    ["explain", "catalog"],
    ["lint"],
    ["lint", "--diff"],
    ["lint", "--format", "sarif"],
    ["generate", "--check", "--diff", *ALL],
    ["generate"],
    ["report"],
    ["report", "--format", "markdown"],
    ["report", "--format", "mermaid"],
    ["init", "--stdout"],
)


def acts(text: str) -> list[str]:
    """The lines with something that acts in them."""
    odd = ("Cc", "Zl", "Zp", "Cs")
    return [
        line
        for line in text.split("\n")
        if re.match(r"\s*::", line)
        or "##[" in line
        or any(unicodedata.category(char) in odd or "\u202a" <= char <= "\u202e" for char in line.replace("\t", ""))
    ]


@pytest.mark.parametrize("seed", seeds(HOSTILE))
def test_every_command_ends_well(seed: int, tmp_path: Path) -> None:
    write_hostile(tmp_path, seed)
    for arguments in COMMANDS:
        ran = command(tmp_path, arguments, written="infra")
        assert ran.code in (0, 1, 2, 3), (arguments, ran.stderr)
        assert acts(ran.stdout) == [], arguments
        assert acts(ran.stderr) == [], arguments
