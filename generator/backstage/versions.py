"""What depends on the version of ``@backstage/backend-defaults``, and which version a repository has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.problems.diagnostic import Location

PACKAGE: Final = "@backstage/backend-defaults"
#: What signs in to Cloud SQL: a package of its own, of which a repository may have any version.
CONNECTOR: Final = "@google-cloud/cloud-sql-connector"
#: The versions against which greenroom was tried, oldest and newest.
VERIFIED: Final = ("0.18.0", "0.19.0")
#: What ``--version`` prints.
VERSION_MESSAGE: Final = f"%(prog)s, version %(version)s\nverified with {PACKAGE} {' and '.join(VERIFIED)}"

Version = tuple[int, ...]


class Behaviour(NamedTuple):
    """What a version does. ``pool_min`` is the pool's ``min`` where none is given (PostgreSQL and MySQL),
    ``reads_keepalive`` whether ``backend.database.keepalive`` is a setting, ``blank_number_throws`` whether a blank text in
    place of a number is an error (else it is 0). ``address_types`` are the values of ``connection.ipAddressType`` for Cloud
    SQL: those of the connector, whatever the version of backend-defaults.
    """

    pool_min: int
    reads_keepalive: bool
    blank_number_throws: bool
    address_types: tuple[str, ...] = ("PUBLIC", "PRIVATE", "PSC", "SQL_DATA")


#: From which version on what holds: the newest entry that is not newer than the version counts.
_TABLE: Final[tuple[tuple[Version, Behaviour], ...]] = (
    ((0,), Behaviour(pool_min=2, reads_keepalive=False, blank_number_throws=False)),
    ((0, 18, 1), Behaviour(pool_min=0, reads_keepalive=True, blank_number_throws=True)),
)
NEWEST: Final = _TABLE[-1][1]
#: From which version on the connector knows SQL_DATA.
_SQL_DATA_SINCE: Final = (1, 13)

_NUMBER: Final = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-[\w.-]+)?(?:\+[\w.-]+)?", re.ASCII)
#: One bound: a caret, a tilde, a lower bound, a version, or a part of one (``0.18``, ``0.18.x``). Two of them, or an upper
#: bound, are no such range.
_RANGE: Final = re.compile(
    r"(?P<kind>[\^~]|>=|=|v)?\s*(?P<version>\d{1,9}(?:\.\d{1,9}){0,2})(?:(?:\.[xX*]){1,2}|-[\w.-]+)?(?:\+[\w.-]+)?", re.ASCII
)
#: What a build from a branch (``0.0.0-nightly-…``) or of a workspace (``0.0.0-use.local``) has in place of a version.
_NO_VERSION: Final = re.compile(r"0\.0\.0-", re.ASCII)


class Backstage(NamedTuple):
    """The version that is taken to run, and ``source``: where it comes from. ``doubt`` says what is not certain about it.
    ``connector`` is the version of the Cloud SQL connector, empty where it is not known.
    """

    version: str = VERIFIED[-1]
    source: str = ""
    location: Location | None = None
    doubt: str = ""
    connector: str = ""

    @property
    def behaviour(self) -> Behaviour:
        """What this version does."""
        found = behaviour_of(self.version)
        connector = parse_version(self.connector)
        if connector and connector < _SQL_DATA_SINCE:
            return found._replace(address_types=tuple(name for name in found.address_types if name != "SQL_DATA"))
        return found

    def to_json(self) -> dict[str, str | None]:
        """``backstage`` of ``discover --format json``: the package, its version, where that is from, what was assumed."""
        unknown = "" if self.source else f"the version of {PACKAGE} is not known; {self.version} is assumed"
        return {
            "package": PACKAGE,
            "version": self.version,
            "source": self.source or None,
            "assumed": self.doubt or unknown or None,
        }

    @property
    def is_newer(self) -> bool:
        """Whether it is newer than the newest verified one."""
        return parse_version(self.version) > parse_version(VERIFIED[-1])


#: Nothing is known: the newest verified version is assumed.
UNKNOWN: Final = Backstage()


def parse_version(text: str) -> Version:
    """``(0, 18, 0)``; ``()`` for what is no version, a nightly build among others. What follows a dash does not count."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or _NO_VERSION.match(text.strip()):
        return ()
    return tuple(int(part) for part in found.groups())


def behaviour_of(version: str) -> Behaviour:
    """What ``version`` does; the newest behaviour for what is no version."""
    number = parse_version(version)
    if not number:
        return NEWEST
    return next(behaviour for since, behaviour in reversed(_TABLE) if since <= number)


def assume(wanted: str) -> str:
    """The version to assume for a range: the newest verified one in it (``^0.18.0``), else its lower end; the newest of all
    for what is no simple range.
    """
    bound = _bound(wanted)
    if bound is None:
        return VERIFIED[-1]
    fitting = [item for item in VERIFIED if _fits(parse_version(item), bound)]
    return fitting[-1] if fitting else ".".join(map(str, bound.low))


def satisfies(version: str, wanted: str) -> bool:
    """Whether ``version`` is in the simple range ``wanted``."""
    bound = _bound(wanted)
    return bound is not None and _fits(parse_version(version), bound)


def newest(versions: Iterable[str]) -> str:
    """The newest of ``versions``."""
    return max(versions, key=parse_version)


class _Bound(NamedTuple):
    """``kind`` and the lower end of a range, of which ``given`` parts were written."""

    kind: str
    low: Version
    given: int


def _bound(wanted: str) -> _Bound | None:
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or _NO_VERSION.match(wanted.strip().lstrip("^~>=v ")):
        return None
    parts = [int(part) for part in found["version"].split(".")]
    return _Bound(found["kind"] or "", tuple([*parts, 0, 0][:3]), len(parts))


def _fits(number: Version, bound: _Bound) -> bool:
    low, given = bound.low, bound.given
    if not number or number < low:
        return False
    if bound.kind == ">=":
        return True
    if bound.kind == "^":  # up to the first part that is not 0; where all are, up to the last one that was written
        fixed = next((index + 1 for index, part in enumerate(low) if part), given)
    elif bound.kind == "~":
        fixed = min(given, 2)
    else:
        fixed = given
    return number[:fixed] == low[:fixed]
