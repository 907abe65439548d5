"""Whatever a lock file says, and whatever is left of it, a command ends well and writes nowhere else."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from attack_commands import command
from attack_counts import LOCKS, seeds
from attack_mutations import CONFIG, LOCK, mutated
from test_hostile import acts

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = (
    ["generate", "--check"],
    ["generate"],
    ["generate", "--check", "--format", "json"],
    ["rotate", "--check"],
)


def lock_text(seed: int) -> bytes:
    """The lock file of ``seed``: other values, or other bytes."""
    random_ = random.Random(seed)
    document = LOCK
    for _ in range(random_.choice((1, 1, 2, 3, 5))):
        document = mutated(random_, document)
    text = json.dumps(document, indent=1).encode()
    for _ in range(random_.choice((0, 0, 1, 2))):
        place, length = random_.randrange(len(text) + 1), random_.choice((0, 1, 1, 40))
        put = random_.choice((b"", b"\0", b"\xff", b"{", b"]", b"<<<<<<< ours\n", b"\xef\xbb\xbf", b"1e999", b'"\\ud800"'))
        text = text[:place] + put + text[place + length :]
    return text


@pytest.mark.parametrize("seed", seeds(LOCKS))
def test_a_lock_file(seed: int, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    (folder / "infra").mkdir(parents=True)
    (folder / "app-config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    (folder / "infra" / "greenroom.lock.json").write_bytes(lock_text(seed))
    for arguments in COMMANDS:
        ran = command(folder, arguments, written="infra")
        assert ran.code in (0, 1, 2, 3), (arguments, ran.stderr)
        assert acts(ran.stdout) == [], arguments
        assert acts(ran.stderr) == [], arguments
    assert sorted(path.name for path in tmp_path.iterdir()) == ["repository"]
    assert sorted(path.name for path in folder.iterdir()) == ["app-config.yaml", "infra"]
