"""How many connections the plugins' pools may open, and whether the servers have room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.preflight.results import Check, ServerResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.preflight.pool import Pool
    from generator.preflight.probes import PreflightTarget
    from generator.preflight.results import PreflightResult, Room


def check_limit(room: Room, pool: Pool, *, sharing: int, replicas: int) -> Check | None:
    """A plugin's pool against the connection limits of its role and its database; ``None`` where there are none.

    Args:
        sharing: how many plugins of the run log in with this role.
    """
    for limit, thing, count in ((room.role, "role", sharing), (room.database, "database", 1)):
        most = pool.max * count * replicas
        if 0 <= limit < most:
            detail = f"the {thing} takes {limit} connections, and the pool{'s' * (count > 1)} may open {most}"
            if replicas > 1:
                detail += f" in {replicas} replicas"
            return Check(
                "connection limit",
                ok=True,
                warning=True,
                detail=detail,
                code="GR728",
                backstage=f'works until it needs more, then: error: too many connections for {thing} "…"',
                hint=f"raise CONNECTION LIMIT of the {thing}, or lower backend.database.knexConfig.pool.max",
            )
    return None


def check_servers(
    targets: Iterable[PreflightTarget], results: Mapping[str, PreflightResult], replicas: int
) -> list[ServerResult]:
    """The pools of all plugins of each server against the connections it takes."""
    servers: dict[str, list[PreflightTarget]] = {}
    for target in targets:
        if target.address is not None and target.plugin_id in results:
            servers.setdefault(str(target.address), []).append(target)
    return [_check_server(name, found, results, replicas) for name, found in sorted(servers.items())]


def _check_server(
    name: str, targets: list[PreflightTarget], results: Mapping[str, PreflightResult], replicas: int
) -> ServerResult:
    room = next((found for target in targets if (found := results[target.plugin_id].room) is not None), None)
    most = sum(target.pool.max for target in targets) * replicas
    least = len(targets) * replicas
    available = None if room is None else max(0, room.server - room.reserved)
    pools = f"{len(targets)} plugin{'s' * (len(targets) != 1)} x pool.max x {replicas} replica{'s' * (replicas != 1)}"
    facts: dict[str, Any] = {
        "server": name,
        "engine": targets[0].engine,
        "plugins": len(targets),
        "replicas": replicas,
        "connections": most,
        "available": available,
    }
    if room is None or available is None:
        return ServerResult(**facts, check=Check("connections", True, f"{pools} = {most}; the server's limit is not known"))
    limit = f"the server takes {available} (max_connections {room.server} less {room.reserved} reserved)"
    if least > available:
        check = Check(
            "connections",
            ok=False,
            detail=f"{least} pools of one connection each already need more than there is: {limit}",
            code="GR729",
            backstage="error: sorry, too many clients already (for the plugins that come last)",
            hint="raise max_connections, put a pooler in front, or run fewer replicas",
        )
    elif most > available:
        check = Check(
            "connections",
            ok=True,
            warning=True,
            detail=f"{pools} = {most} connections under load, and {limit}",
            code="GR729",
            backstage="starts, and fails under load with: error: sorry, too many clients already",
            hint=f"raise max_connections, or knexConfig.pool: {{min: 0, max: {max(1, available // least)}}} for all",
        )
    else:
        check = Check("connections", True, f"{pools} = {most}; {limit}, {room.used} in use")
    return ServerResult(**facts, check=check)
