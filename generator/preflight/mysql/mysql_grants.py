"""What ``SHOW GRANTS`` says: privileges by database pattern. In a pattern ``_`` and ``%`` are wildcards unless escaped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_GRANT: Final = re.compile(
    r"GRANT (?P<what>.+?) ON (?:TABLE )?(?P<where>\*\.\*|`(?P<database>(?:[^`]|``)*)`\.\S+) TO (?P<rest>.*)", re.S
)
#: What a plugin may have everywhere without being able to do anything with it.
_HARMLESS: Final = frozenset({"USAGE"})


@dataclass(frozen=True, slots=True)
class Grant:
    """One line: ``database`` is a pattern, or ``None`` for every database."""

    privileges: frozenset[str]
    database: str | None
    with_grant_option: bool = False

    def covers(self, name: str) -> bool:
        """Whether the grant holds for the database ``name``."""
        return self.database is None or bool(_pattern(self.database).fullmatch(name))

    @property
    def has_wildcard(self) -> bool:
        """Whether the pattern holds for more than one name."""
        return self.database is not None and re.search(r"(?<!\\)[_%]", self.database) is not None


def read_grants(lines: Iterable[str]) -> list[Grant]:
    """The grants of ``SHOW GRANTS``; roles and proxies are left out."""
    found = []
    for line in lines:
        match = _GRANT.match(line)
        if match is None:
            continue
        names = {part.strip().upper() for part in re.sub(r"\([^)]*\)", "", match["what"]).split(",")}
        database = match["database"]
        found.append(
            Grant(
                frozenset(names),
                None if match["where"] == "*.*" else database.replace("``", "`"),
                "WITH GRANT OPTION" in match["rest"],
            )
        )
    return found


def global_powers(grants: Iterable[Grant]) -> list[str]:
    """Privileges on every database, and the right to hand any on."""
    powers: set[str] = set()
    for grant in grants:
        if grant.database is None:
            powers |= grant.privileges - _HARMLESS
        if grant.with_grant_option:
            powers.add("GRANT OPTION")
    return sorted(powers)


def _pattern(text: str) -> re.Pattern[str]:
    """A database pattern as a regular expression."""
    out = []
    parts = iter(text)
    for character in parts:
        if character == "\\":
            out.append(re.escape(next(parts, "\\")))
        else:
            out.append({"_": ".", "%": ".*"}.get(character, re.escape(character)))
    return re.compile("".join(out), re.S | re.I)
