"""Reads one server of the plan, whatever its engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.adopt.state import ServerState
    from generator.planning.model import Plan, Server
    from generator.problems.diagnostic import Diagnostics


def read_server(
    plan: Plan,
    server: Server,
    connection: Mapping[str, Any],
    *,
    administrator: str | None,
    environ: Mapping[str, str],
    timeout: int,
    diagnostics: Diagnostics,
) -> ServerState | None:
    """What is on ``server``; ``None`` when it cannot be read, which is then an error in ``diagnostics`` (GR771).

    Args:
        connection: from :func:`generator.adopt.connection.admin_connection`.
        administrator: the role the infrastructure code will work as; who connects when ``None``.
        timeout: seconds for each connection.

    Raises:
        GreenroomError: GR704, the driver is not installed.
    """
    here = [item for item in plan.databases if item.server == server.name]
    planned = {name for item in here for name in (item.name, item.renamed_from) if name}
    try:
        if server.engine == "mysql":
            from generator.adopt.mysql import read_mysql

            return read_mysql(connection, environ=environ, timeout=timeout)
        from generator.adopt.postgresql import read_postgresql
        from generator.preflight.postgresql.libpq import parameters
        from generator.preflight.private_files import PrivateFiles

        with PrivateFiles() as files:
            wanted = parameters(connection, environ, files)
            return read_postgresql(wanted, administrator=administrator, planned=planned, timeout=timeout)
    except GreenroomError:
        raise
    except Exception as error:
        report_unreadable(server, error, "adopt", diagnostics)
        return None


def report_unreadable(server: Server, error: Exception, command: str, diagnostics: Diagnostics) -> None:
    """Report that ``command`` could not read ``server`` (GR771)."""
    diagnostics.error(
        "GR771",
        f"server {server.name!r} cannot be read: {_reason(error)}",
        path=f"servers.{server.name}",
        hint=f"`greenroom {command}` needs a connection as an administrator: --host, --port, --user, and the password in "
        "GREENROOM_ADMIN_PASSWORD",
    )


def _reason(error: Exception) -> str:
    """What the driver says, in one line; a driver stumbles over what no server answers."""
    from generator.preflight.postgresql.libpq import ConnectionSettingError

    module = type(error).__module__.partition(".")[0]
    if not isinstance(error, ConnectionSettingError | OSError) and module not in ("psycopg", "pymysql"):
        text = " ".join(str(error).split())
        return f"its answers are none of such a server ({type(error).__name__}: {text})"
    parts = [str(part) for part in error.args] if module == "pymysql" else [str(error)]
    return " ".join(" ".join(parts).split()) or type(error).__name__
