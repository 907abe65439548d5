"""What a server has of a pair of logins, and the statements that repair it. Every role may read the catalogs for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from generator.preflight.postgresql.failures import APPLY, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.preflight.pairs import TargetPair

#: ``SET`` takes their value as the catalog has it: a list, whose parts are quoted already.
_LISTS: Final = frozenset({"search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"})
_PG16: Final = 160000
_LOGIN: Final = """
SELECT rolcanlogin, rolinherit, pg_catalog.has_database_privilege(oid, current_database(), 'CONNECT'),
  (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid = role.oid)::int
FROM pg_catalog.pg_roles AS role WHERE rolname = %s
"""
_GRANTS: Final = """
SELECT pg_catalog.pg_get_userbyid(roleid)::text, pg_catalog.pg_get_userbyid(grantor)::text, admin_option,
  (to_jsonb(granted) ->> 'inherit_option')::bool, (to_jsonb(granted) ->> 'set_option')::bool
FROM pg_catalog.pg_auth_members AS granted WHERE member = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s)
ORDER BY 1, 2
"""
_SETTINGS: Final = """
SELECT setdatabase <> 0, split_part(line, '=', 1), substr(line, strpos(line, '=') + 1)
FROM pg_catalog.pg_db_role_setting CROSS JOIN LATERAL unnest(setconfig) AS line
WHERE setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s)
  AND setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
ORDER BY 1, 2
"""

Kind = Literal["acting", "reach", "connect", "settings", "missing"]


class Fault(NamedTuple):
    """Something about one login that is not as it has to be, and the statement that repairs it.

    ``acting``: it does not act as the owner; ``reach``: it may do something itself; ``connect``: it may not connect;
    ``settings``: something is set for the owner only; ``missing``: there is no such role.
    """

    kind: Kind
    detail: str
    statement: str


class FoundLogin(NamedTuple):
    """One login of a pair on the server. ``sessions`` is how many of it are open now."""

    exists: bool
    may_log_in: bool = False
    sessions: int = 0
    faults: tuple[Fault, ...] = ()

    def of(self, *kinds: Kind) -> list[Fault]:
        """The faults of these kinds."""
        return [fault for fault in self.faults if fault.kind in kinds]


def literal(text: str) -> str:
    """A text as SQL wants it, for the statements of a hint."""
    return "'" + text.replace("'", "''") + "'"


def find_login(connection: Any, login: str, pair: TargetPair, database: str) -> FoundLogin:
    """What the server has of ``login`` in ``database``, to which ``connection`` leads."""
    row = connection.execute(_LOGIN, [login]).fetchone()
    if row is None:
        return FoundLogin(False, faults=(Fault("missing", f"there is no role {login}", APPLY),))
    may_log_in, inherits, may_connect, sessions = row
    faults = [*_memberships(connection, login, pair, inherits=inherits), *_settings(connection, login, pair, database)]
    if not may_connect:
        detail = f"{login} may not connect to {database}"
        faults.append(Fault("connect", detail, f"GRANT CONNECT ON DATABASE {quoted(database)} TO {quoted(login)}"))
    return FoundLogin(True, may_log_in, sessions, tuple(faults))


def may_log_in(connection: Any, role: str) -> bool:
    """Whether ``role`` is there and may log in."""
    row = connection.execute(_LOGIN, [role]).fetchone()
    return bool(row and row[0])


def _memberships(connection: Any, login: str, pair: TargetPair, *, inherits: bool) -> Iterator[Fault]:
    is_new = connection.info.server_version >= _PG16
    granted = connection.execute(_GRANTS, [login]).fetchall()
    own = [row for row in granted if row[0] == pair.owner]
    owner, user = quoted(pair.owner), quoted(login)
    options = " WITH INHERIT FALSE, SET TRUE" if is_new else ""
    if not own:
        yield Fault("acting", f"{login} is no member of {pair.owner}", f"GRANT {owner} TO {user}{options}")
    elif is_new and not any(row[4] for row in own):
        detail = f"{login} is a member of {pair.owner} that may not act as it (SET FALSE)"
        yield Fault("acting", detail, f"GRANT {owner} TO {user} WITH SET TRUE")
    for _, grantor, may_grant, inherited, _ in own:
        by = f" GRANTED BY {quoted(grantor)}" if is_new else ""
        if inherited if is_new else inherits:
            detail = f"{login} inherits what {pair.owner} may do: a lost role default would go unnoticed"
            statement = f"REVOKE INHERIT OPTION FOR {owner} FROM {user}{by}" if is_new else f"ALTER ROLE {user} NOINHERIT"
            yield Fault("reach", detail, statement)
        if may_grant:
            detail = f"{login} may hand on {pair.owner} (WITH ADMIN OPTION)"
            yield Fault("reach", detail, f"REVOKE ADMIN OPTION FOR {owner} FROM {user}{by}")
    for role, grantor, *_ in granted:
        if role != pair.owner:
            by = f" GRANTED BY {quoted(grantor)}" if is_new else ""
            yield Fault("reach", f"{login} is a member of {role} as well", f"REVOKE {quoted(role)} FROM {user}{by}")


def _settings(connection: Any, login: str, pair: TargetPair, database: str) -> Iterator[Fault]:
    user, here = quoted(login), f" IN DATABASE {quoted(database)}"
    own = {(bool(row[0]), row[1]): row[2] for row in connection.execute(_SETTINGS, [login]).fetchall()}
    theirs = {(bool(row[0]), row[1]): row[2] for row in connection.execute(_SETTINGS, [pair.owner]).fetchall()}
    general, special = own.get((False, "role")), own.get((True, "role"))
    wanted = pair.acts_as if pair.acts_as != pair.owner else None
    statements = []
    if general != pair.owner and (special is None or wanted is None):
        statements.append(f"ALTER ROLE {user} SET role = {literal(pair.owner)}")
    if special is not None and special != pair.acts_as and wanted is None:
        statements.append(f"ALTER ROLE {user}{here} RESET role")
    elif wanted is not None and special != wanted:
        statements.append(f"ALTER ROLE {user}{here} SET role = {literal(wanted)}")
    acting = special if special is not None else general
    if statements and acting != pair.acts_as:
        said = f"is set to act as {acting}" if acting is not None else "has lost its role default"
        yield Fault("acting", f"{login} {said}, and has to act as {pair.acts_as}", "; ".join(statements))
    for (is_here, name), value in theirs.items():
        if name == "role" or own.get((is_here, name)) == value:
            continue
        place, shown = here if is_here else "", value if name in _LISTS else literal(value)
        detail = f"{name} = {value} is set for {pair.owner}{' in this database' if is_here else ''}, and not for {login}"
        yield Fault("settings", detail, f"ALTER ROLE {user}{place} SET {quoted(name)} = {shown}")
