"""docs/moving-data.md as its readers follow it: the commands of a way, run in a shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = Path(__file__).resolve().parents[3] / "docs" / "moving-data.md"


def commands(*headings: str) -> list[str]:
    """The shell blocks below the last of ``headings``, each of which lies below the one before it, in the page's order."""
    text = PAGE.read_text(encoding="utf-8")
    for heading in headings:
        match = re.search(rf"^(#+) {re.escape(heading)}.*$", text, re.MULTILINE)
        assert match, f"{PAGE.name} has no heading {heading!r}"
        level = len(match[1])
        after = text[match.end() :]
        end = re.search(rf"^#{{1,{level}}} ", after, re.MULTILINE)
        text = after[: end.start()] if end else after
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def instead(text: str, names: Mapping[str, str]) -> str:
    """``text`` with other names than those of the page. No name is replaced in what another one was replaced by."""
    found = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(found, lambda match: names[match[0]], text) if names else text


def shell(
    text: str,
    folder: Path,
    *,
    programs: Path,
    logins: Sequence[tuple[str, int, str, str]] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Run ``text`` in ``folder`` with the client ``programs``; psql asks nobody for the passwords of ``logins``.

    A login is host, port, user and password.
    """
    greenroom = folder / "bin" / "greenroom"
    greenroom.parent.mkdir(exist_ok=True)
    greenroom.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c 'from generator.cli import main; main()' \"$@\"\n")
    greenroom.chmod(0o755)
    passwords = folder / "pgpass"
    passwords.touch(mode=0o600)
    passwords.write_text("".join(f"{host}:{port}:*:{user}:{password}\n" for host, port, user, password in logins))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env={
            "PATH": f"{greenroom.parent}:{programs}:{os.environ['PATH']}",
            "PGPASSFILE": str(passwords),
            "HOME": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout
