"""The checks of one plugin, in the order in which Backstage would run into them."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NoReturn

from generator.engines import ENGINES
from generator.preflight.driver import NOT_A_STRING
from generator.preflight.postgresql.failures import Failure, startup
from generator.preflight.recorder import NotReadyError, Recorder
from generator.preflight.tokens import TOKEN_TYPES, TokenError, fetch_token
from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from types import ModuleType

    from generator.preflight.network import Network
    from generator.preflight.options import PreflightOptions
    from generator.preflight.private_files import PrivateFiles
    from generator.preflight.probes import PreflightTarget
    from generator.preflight.results import PreflightResult


def check_target(
    target: PreflightTarget, options: PreflightOptions, files: PrivateFiles, network: Network
) -> PreflightResult:
    """Make every check of one target. Never raises for what a server or a network does.

    Args:
        files: for certificates and keys.
        network: what this run knows about names and silent servers.
    """
    begin = time.monotonic()
    run = Recorder(target, options, files, network)
    with contextlib.suppress(NotReadyError):
        _settings(run)
        password = _password(run)
        _look(run, password)
    return run.result(time.monotonic() - begin)


def _look(run: Recorder, password: str) -> None:
    """Every check that needs the server. What a driver makes of an answer no server gives is a verdict, too."""
    checks = _checks_of(run.target.engine)
    try:
        checks.check_engine(run, password)
    except (NotReadyError, GreenroomError):
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        detail = f"the answers of {run.target.address} cannot be read ({type(error).__name__}: {text})"
        run.stop("session", Failure(detail, "", f"is this a {ENGINES[run.target.engine].title} server?"))


def _checks_of(engine: str) -> ModuleType:
    if engine == "mysql":
        from generator.preflight.mysql import mysql_checks

        return mysql_checks
    from generator.preflight.postgresql import postgresql_checks

    return postgresql_checks


def _settings(run: Recorder) -> None:
    """What is wrong before anything is connected to."""
    target = run.target
    if target.error is not None:
        hint = "correct the app-config; see greenroom resolve"
        run.stop("credentials", Failure(target.error, target.backstage, hint))
    if target.pool.error:
        hint = "set both: backend.database.knexConfig.pool: {min: 0, max: 10} (whole numbers; "
        hint += "without min it is 2, and 0 from backend-defaults 0.18.1 on)"
        run.failed("pool", Failure(f"knex refuses the pool's settings: {target.pool.error}", target.pool.error, hint))


def _password(run: Recorder) -> str:
    """The password of the connection; whatever makes it impossible is found here."""
    target = run.target
    kind = target.connection.get("type")
    if kind in TOKEN_TYPES:
        try:
            return fetch_token(target, run.options.connect_timeout)
        except TokenError as error:
            run.stop("credentials", Failure(str(error), error.backstage, error.hint))
    password: Any = target.connection.get("password")
    if target.engine == "postgresql":
        password = password or target.environment.get("PGPASSWORD")
    if not isinstance(password, str) or not password:
        _no_password(run, password)
    return str(password)


def _no_password(run: Recorder, password: Any) -> NoReturn:
    target = run.target
    missing = ", ".join(target.missing)
    cause = NOT_A_STRING
    if target.engine == "mysql":
        cause = f"Error: Access denied for user '{target.user}'@'…' (using password: {'YES' if password else 'NO'})"
    if password:
        hint = "put the password in quotes, or use ${VARIABLE}"
        run.stop("credentials", Failure("the password is not a string", startup(target, cause), hint))
    detail = f"there is no password: {missing} is not set" if missing else "there is no password"
    run.stop("credentials", Failure(detail, startup(target, cause), f"set {missing or 'connection.password'}"))
