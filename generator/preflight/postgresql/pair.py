"""The checks of a pair of logins: who a session acts as, what the server has of both, and the other's password."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.preflight.driver import load_psycopg
from generator.preflight.network import HostNameError, SilentServerError
from generator.preflight.postgresql.failures import Failure, connection_failure, quoted, startup
from generator.preflight.postgresql.libpq import parameters
from generator.preflight.postgresql.pair_catalog import Fault, FoundLogin, find_login, literal, may_log_in
from generator.preflight.postgresql.session import open_session, savepoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.preflight.pairs import TargetPair
    from generator.preflight.recorder import Recorder

_STATUS: Final = "`greenroom rotate --check` says where the rotation stands"


class Acting(NamedTuple):
    """Who a new session of the plugin is before anything is set on it.

    ``refusal`` is what its migrations would run into, empty where they would go on; ``owner`` whose a new table is.
    """

    login: str
    user: str
    owner: str = ""
    refusal: str = ""


def look_who_acts(run: Recorder, connection: Any) -> Acting | None:
    """See who a new session acts as, and what becomes of a table it creates; ``None`` where no login of a pair is here.

    Where it is not the owner, it is made the owner for what is looked at next: one cause is told once.
    """
    pair = run.target.pair
    if pair is None:
        return None
    login, user = connection.execute("SELECT session_user::text, current_user::text").fetchone()
    if login not in pair.logins:
        return None  # app-config names somebody else, which is told as such
    if user == pair.acts_as:
        return Acting(login, user)
    owner, refusal = _try_table(run, connection)
    _become(connection, pair.acts_as)
    return Acting(login, user, owner, refusal)


def _try_table(run: Recorder, connection: Any) -> tuple[str, str]:
    """The owner of a table that is created as things are, or why it cannot be."""
    from psycopg import sql

    psycopg = load_psycopg()
    name = f"greenroom_preflight_{secrets.token_hex(8)}"
    path = [sql.Identifier(schema) for schema in run.target.search_path or ()]
    query = "SELECT pg_catalog.pg_get_userbyid(relowner)::text FROM pg_catalog.pg_class WHERE relname = %s"
    try:
        with savepoint(connection):
            if path:
                connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.SQL(", ").join(path)))
            connection.execute(sql.SQL("CREATE TABLE {} (id int)").format(sql.Identifier(name)))
            (owner,) = connection.execute(query, [name]).fetchone()
    except psycopg.Error as error:
        if connection.broken:
            raise
        return "", error.diag.message_primary or str(error)
    return str(owner), ""


def _become(connection: Any, role: str) -> None:
    from psycopg import sql

    psycopg = load_psycopg()
    connection.execute("SAVEPOINT greenroom_role")
    try:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    except psycopg.Error:
        if connection.broken:
            raise
        connection.execute("ROLLBACK TO SAVEPOINT greenroom_role")


def check_pair(run: Recorder, connection: Any, acting: Acting | None, *, pooled: bool) -> None:
    """Record who owns what is created, and what is wrong with either login.

    Raises:
        NotReadyError: the session cannot be the owner at all, so nothing of the plugin's can be looked at.
    """
    pair = run.target.pair
    if pair is None or acting is None:
        return
    database = run.target.connects_to or run.target.database
    found = {name: find_login(connection, name, pair, database) for name in {*pair.logins, acting.login}}
    _owner(run, connection, acting, found[acting.login].of("acting"), pooled=pooled)
    faults = found[acting.login].of("reach")
    others = [found[name] for name in pair.logins if name != acting.login]
    serious = [*faults, *(fault for item in others for fault in item.faults if _is_serious(fault, item))]
    lesser = [*found[acting.login].of("settings")]
    lesser += [fault for item in others for fault in item.faults if fault not in serious]
    lesser += _states(connection, pair, found)
    _record(run, serious, lesser, pair)


def _is_serious(fault: Fault, login: FoundLogin) -> bool:
    """Whether it matters before the next rotation: what a login reaches always, the rest where instances may use it."""
    return fault.kind == "reach" or (login.may_log_in and fault.kind in ("acting", "connect"))


def _owner(run: Recorder, connection: Any, acting: Acting, faults: Sequence[Fault], *, pooled: bool) -> None:
    pair = run.target.pair
    assert pair is not None
    if acting.user == pair.acts_as and not faults:
        run.passed("owner", f"{acting.login} acts as {pair.acts_as}, which owns what is created")
        return
    said = "; ".join(fault.detail for fault in faults)
    if acting.user == pair.acts_as:
        detail = f"this session acts as {pair.acts_as}, and a new one would not: {said}"
    else:
        detail = f"a session of {acting.login} is {acting.user}, not {pair.acts_as}" + (f": {said}" if said else "")
    statements = "; ".join(fault.statement for fault in faults)
    hint = f"as the administrator: {statements or f'ALTER ROLE {quoted(acting.login)} SET role = {literal(pair.acts_as)}'}"
    if pooled:
        hint += "; then RECONNECT in the pooler"
    if acting.refusal:
        cause = f"error: create table … - {acting.refusal}"
        run.failed("owner", Failure(detail, startup(run.target, cause), hint))
    else:
        belongs = acting.owner or acting.login
        backstage = f"starts; its new tables belong to {belongs}, and after the next rotation: must be owner of table …"
        run.failed("owner", Failure(detail, backstage, hint), stops=False)
    (now,) = connection.execute("SELECT current_user::text").fetchone()
    if now != pair.acts_as and run.target.set_role is None:
        from generator.preflight.recorder import NotReadyError

        raise NotReadyError


def _states(connection: Any, pair: TargetPair, found: dict[str, FoundLogin]) -> list[Fault]:
    """Who may log in, and by the lock file should not, or the other way round."""
    faults = []
    if pair.owner_may_log_in is False and may_log_in(connection, pair.owner):
        detail = f"{pair.owner} may log in itself, and a session that acts as it may set its password"
        faults.append(Fault("reach", detail, f"ALTER ROLE {quoted(pair.owner)} NOLOGIN"))
    other = found[pair.other]
    if not other.exists or pair.other_may_log_in is None or other.may_log_in == pair.other_may_log_in:
        return faults
    if other.may_log_in:
        count = f" ({other.sessions} session{'s' * (other.sessions != 1)} of it open)" if other.sessions else ""
        detail = f"{pair.other} may log in{count}, and by the lock file it is locked"
        statement = f"{_STATUS}; if no instance uses it: ALTER ROLE {quoted(pair.other)} NOLOGIN"
    else:
        detail = f"{pair.other} is locked, and by the lock file instances that run with it go on"
        statement = f"{_STATUS}; for these instances: ALTER ROLE {quoted(pair.other)} LOGIN"
    return [*faults, Fault("missing", detail, statement)]


def _record(run: Recorder, serious: Sequence[Fault], lesser: Sequence[Fault], pair: TargetPair) -> None:
    everything = [*serious, *lesser]
    if not everything:
        detail = f"{pair.live} and {pair.other} are members of {pair.owner} that inherit nothing, and may connect"
        unknown = "; no lock file here says who may log in" if pair.other_may_log_in is None else ""
        run.passed("pair", detail + unknown)
        return
    hint = "; ".join(dict.fromkeys(fault.statement for fault in everything))
    detail = "; ".join(fault.detail for fault in everything)
    failure = Failure(detail, "starts, and may fail at the next rotation", hint)
    if serious:
        run.failed("pair", failure, stops=False)
    else:
        run.warned("pair", failure)


def check_other_login(run: Recorder, connection: Any) -> None:
    """Log in as the other login, where its password is at hand and it may: instances may still run with it."""
    pair = run.target.pair
    if pair is None or pair.other_password is None or not may_log_in(connection, pair.other):
        return
    psycopg = load_psycopg()
    target, options = run.target, run.options
    assert target.address is not None
    wanted = {**target.connection, "user": pair.other, "password": pair.other_password}
    said = f"instances that run with {pair.other} fail at their next new connection"
    try:
        own = parameters(wanted, target.environment, run.files)
        with contextlib.closing(open_session(own, options.connect_timeout, run.network, target.address)) as session:
            (user,) = session.execute("SELECT current_user::text").fetchone()
    except psycopg.OperationalError as error:
        failure = connection_failure(target, error, role=pair.other)
        hint = failure.hint
        if "authentication failed" in failure.detail:
            hint = f"{pair.other_variable} is not its password: set it to the one that the store has, or take it away here; "
            hint += f"if a pooler is in between, {quoted(pair.other)} has to be in its auth_file"
        run.warned("other login", Failure(f"{pair.other}: {failure.detail}", f"{said}: error: {failure.detail}", hint))
        return
    except (HostNameError, SilentServerError) as problem:
        run.warned("other login", Failure(f"{pair.other}: {problem}", said, "try again"))
        return
    if user == pair.acts_as:
        run.passed("other login", f"{pair.other} may log in, and acts as {user}")
    # Otherwise it is a fault of its settings, which was told.
