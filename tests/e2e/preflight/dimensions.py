"""Which servers and which Backstage a truth table is looked at on: some combinations always, all with ``make truth``."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from backstage_packages import NEWEST, OLDEST
from postgres_stage import ADMIN, ADMIN_PASSWORD, Stage

from generator.demo.embedded import embedded_binaries, embedded_server, find_psql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: ``GREENROOM_TRUTH=all``: every state on every server with every Backstage.
WHOLE = os.environ.get("GREENROOM_TRUTH") == "all"
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


class Where(NamedTuple):
    """One version of a server (``18``, ``15``, ``mariadb``) and one line of Backstage packages."""

    server: str
    line: str

    @property
    def name(self) -> str:
        """How a test says it."""
        return f"{self.server}-{self.line}"

    def bin_dir(self) -> Path | None:
        """The server's programs; None for the embedded one (18). Skips where there is no such server."""
        if self.server != "15":
            return None
        if not (DEBIAN_15 / "postgres").exists():
            pytest.skip(f"there is no PostgreSQL server in {DEBIAN_15}")
        return DEBIAN_15


POSTGRESQL = (Where("18", NEWEST), Where("15", OLDEST), Where("18", OLDEST), Where("15", NEWEST))
MARIADB = (Where("mariadb", NEWEST), Where("mariadb", OLDEST))


@contextlib.contextmanager
def stage_on(where: Where, folder: Path) -> Iterator[Stage]:
    """A PostgreSQL server with an administrator and nothing else."""
    with embedded_server(where.bin_dir()) as server:
        server.create_admin(ADMIN, ADMIN_PASSWORD)
        binaries = server.bin_dir if (server.bin_dir / "psql").exists() else embedded_binaries()
        yield Stage(server=server, folder=folder, psql=find_psql(binaries))


def combinations(where: Iterable[Where], states: Iterable[str], part: Iterable[str], group: str) -> list[Any]:
    """Parameters (where, state): all states on the first of ``where`` and ``part`` of them on the second, or all on all."""
    first, second, *_ = where
    chosen = {first: tuple(states), second: tuple(part)}
    if WHOLE:
        chosen = dict.fromkeys(where, tuple(states))
    return [
        pytest.param(place, state, id=f"{place.name}-{state}", marks=pytest.mark.xdist_group(f"{group}-{place.name}"))
        for place, names in chosen.items()
        for state in names
    ]


def names_of(place: Where, where: Iterable[Where], states: Iterable[str], part: Iterable[str]) -> tuple[str, ...]:
    """The states that :func:`combinations` looks at there."""
    return tuple(states) if WHOLE or place == next(iter(where)) else tuple(part)
