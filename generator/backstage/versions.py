"""What depends on the version of ``@backstage/backend-defaults``, and which version a repository has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.problems.diagnostic import Location

PACKAGE: Final = "@backstage/backend-defaults"
#: The versions against which greenroom was tried, oldest and newest.
VERIFIED: Final = ("0.18.0", "0.19.0")
#: What ``--version`` prints.
VERSION_MESSAGE: Final = f"%(prog)s, version %(version)s\nverified with {PACKAGE} {' and '.join(VERIFIED)}"

Version = tuple[int, ...]


class Behaviour(NamedTuple):
    """What a version does. ``pool_min`` is the pool's ``min`` where none is given (PostgreSQL and MySQL),
    ``reads_keepalive`` whether ``backend.database.keepalive`` is a setting, ``blank_number_throws`` whether a blank text in
    place of a number is an error (else it is 0).
    """

    pool_min: int
    reads_keepalive: bool
    blank_number_throws: bool


#: From which version on what holds: the newest entry that is not newer than the version counts.
_TABLE: Final[tuple[tuple[Version, Behaviour], ...]] = (
    ((0,), Behaviour(pool_min=2, reads_keepalive=False, blank_number_throws=False)),
    ((0, 18, 1), Behaviour(pool_min=0, reads_keepalive=True, blank_number_throws=True)),
)
NEWEST: Final = _TABLE[-1][1]

_NUMBER: Final = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-[\w.-]+)?(?:\+[\w.-]+)?", re.ASCII)
_RANGE: Final = re.compile(r"(?P<kind>[\^~]|>=|=|v)?\s*(?P<version>\d+(?:\.\d+){0,2})", re.ASCII)


class Backstage(NamedTuple):
    """The version that is taken to run, and ``source``: where it comes from. ``doubt`` says what is not certain about it."""

    version: str = VERIFIED[-1]
    source: str = ""
    location: Location | None = None
    doubt: str = ""

    @property
    def behaviour(self) -> Behaviour:
        """What this version does."""
        return behaviour_of(self.version)

    @property
    def is_newer(self) -> bool:
        """Whether it is newer than the newest verified one."""
        return parse_version(self.version) > parse_version(VERIFIED[-1])


#: Nothing is known: the newest verified version is assumed.
UNKNOWN: Final = Backstage()


def parse_version(text: str) -> Version:
    """``(0, 18, 0)``; ``()`` for what is no version. What follows a dash does not count."""
    found = _NUMBER.fullmatch(text.strip())
    return tuple(int(part) for part in found.groups()) if found else ()


def behaviour_of(version: str) -> Behaviour:
    """What ``version`` does; the newest behaviour for what is no version."""
    number = parse_version(version)
    if not number:
        return NEWEST
    return next(behaviour for since, behaviour in reversed(_TABLE) if since <= number)


def assume(wanted: str) -> str:
    """The version to assume for a range (``^0.18.0``): the newest verified one in it, else its lower end."""
    found = _RANGE.match(wanted.strip())
    if found is None:
        return VERIFIED[-1]
    parts = [int(part) for part in found["version"].split(".")]
    low = tuple([*parts, 0, 0][:3])
    fitting = [item for item in VERIFIED if _fits(parse_version(item), low, len(parts), found["kind"] or "")]
    return fitting[-1] if fitting else ".".join(map(str, low))


def satisfies(version: str, wanted: str) -> bool:
    """Whether ``version`` is in the simple range ``wanted``."""
    found = _RANGE.match(wanted.strip())
    if found is None:
        return False
    parts = [int(part) for part in found["version"].split(".")]
    return _fits(parse_version(version), tuple([*parts, 0, 0][:3]), len(parts), found["kind"] or "")


def newest(versions: Iterable[str]) -> str:
    """The newest of ``versions``."""
    return max(versions, key=parse_version)


def _fits(number: Version, low: Version, given: int, kind: str) -> bool:
    if not number or number < low:
        return False
    if kind == ">=":
        return True
    if kind == "^":
        fixed = next((index for index, part in enumerate(low) if part), 2) + 1
    elif kind == "~":
        fixed = min(given, 2)
    else:
        fixed = given
    return number[:fixed] == low[:fixed]
