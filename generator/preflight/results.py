"""What preflight found: checks, one result for each plugin, one for each server, and the report of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator.problems.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``detail`` says what was found, in any case.

    A check that is not ``ok`` makes the plugin not ready; ``warning`` marks one that is ok and wants a reader all the same.
    ``stops`` tells whether Backstage fails at start for it: it starts as a superuser, say, and that is not all right either.
    ``backstage`` is what it prints then, or what it does; ``hint`` what to run or set. ``answered``: a server said so.
    """

    name: str
    ok: bool
    detail: str
    warning: bool = False
    stops: bool = True
    code: str = ""
    backstage: str = ""
    hint: str = ""
    answered: bool = False

    @property
    def status(self) -> str:
        """``ok``, ``warning`` or ``failed``."""
        return "failed" if not self.ok else "warning" if self.warning else "ok"

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--format json``."""
        found: dict[str, Any] = {"name": self.name, "status": self.status, "detail": self.detail}
        for key in ("code", "backstage", "hint"):
            if getattr(self, key):
                found[key] = getattr(self, key)
        if not self.ok:
            found["stopsBackstage"] = self.stops
        return found

    def diagnostic(self, subject: str, path: str) -> Diagnostic | None:
        """The problem as a diagnostic; ``None`` for a check without one."""
        if self.status == "ok":
            return None
        severity = Severity.WARNING if self.ok else Severity.ERROR
        summary = f"{subject}: {self.name}: {self.detail}"
        return Diagnostic(self.code, severity, summary, path=path, hint=self.hint, backstage=self.backstage)


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections there may be, as one session of a plugin found it. ``-1`` is no limit.

    ``reserved`` slots of ``server`` are kept for superusers (and ``pg_use_reserved_connections``).
    """

    server: int
    reserved: int
    used: int
    role: int = -1
    database: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightResult:
    """What preflight found for one plugin. ``seconds`` is how long it took.

    ``room`` is what the session saw of connection limits; ``None`` without a session, or behind a pooler.
    ``told`` are the checks whose failure follows from variables that are not set, which is said once for all plugins.
    """

    plugin_id: str
    engine: str
    server: str
    database: str
    schema: str | None
    user: str
    checks: tuple[Check, ...]
    seconds: float = 0.0
    room: Room | None = field(default=None, compare=False)
    told: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        """Whether Backstage can start this plugin, and the plugin is kept apart from the others."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def starts(self) -> bool:
        """Whether Backstage would start this plugin, whatever else is wrong."""
        return bool(self.checks) and all(check.ok or not check.stops for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that make the plugin not ready."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def hidden(self) -> frozenset[str]:
        """The names of the checks that failed because of variables that are not set; a server that answers is found."""
        failed = (check for check in self.failed if check.name in self.told)
        return frozenset(check.name for check in failed if not (check.name == "reachable" and check.answered))

    @property
    def code(self) -> str:
        """The code of the first check that failed; empty when none did."""
        return self.failed[0].code if self.failed else ""

    @property
    def backstage(self) -> str:
        """What Backstage would print for the first check that failed."""
        return self.failed[0].backstage if self.failed else ""

    @property
    def hint(self) -> str:
        """What to do about the first check that failed."""
        return self.failed[0].hint if self.failed else ""

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--format json``."""
        return {
            "ready": self.ready,
            "backstageStarts": self.starts,
            "engine": self.engine,
            "server": self.server,
            "database": self.database,
            "schema": self.schema,
            "user": self.user,
            "checks": [check.to_json() for check in self.checks],
            "seconds": round(self.seconds, 3),
        }

    def diagnostics(self) -> list[Diagnostic]:
        """The problems as diagnostics, errors first."""
        subject, path = f"plugin {self.plugin_id!r}", f"backend.database.plugin.{self.plugin_id}"
        left = [check for check in self.checks if check.name not in self.hidden]
        ordered = sorted(left, key=lambda check: check.ok)
        return [found for check in ordered if (found := check.diagnostic(subject, path)) is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerResult:
    """Whether the pools of all plugins on one server find room there.

    ``connections`` is what the plugins' pools may open in all, ``available`` what the server has for them.
    """

    server: str
    engine: str
    plugins: int
    replicas: int
    connections: int
    available: int | None
    check: Check

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--format json``."""
        return {
            "engine": self.engine,
            "plugins": self.plugins,
            "replicas": self.replicas,
            "connections": self.connections,
            "available": self.available,
            "check": self.check.to_json(),
        }


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """The results of a run, sorted by plugin id, and those of the servers, sorted by address."""

    results: tuple[PreflightResult, ...] = ()
    servers: tuple[ServerResult, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether there are plugins, every one is ready, and every server has room."""
        every = [result.ready for result in self.results]
        return bool(every) and all(every) and all(server.check.ok for server in self.servers)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--format json`` (``schemas/preflight.schema.json``)."""
        return {
            "ready": self.ready,
            "plugins": {result.plugin_id: result.to_json() for result in self.results},
            "servers": {server.server: server.to_json() for server in self.servers},
        }

    def diagnostics(self) -> list[Diagnostic]:
        """Every check that failed or warns, plugin by plugin, then server by server."""
        found = [item for result in self.results for item in result.diagnostics()]
        for server in self.servers:
            problem = server.check.diagnostic(f"server {server.server}", "backend.database")
            found += [problem] if problem is not None else []
        return found


def by_plugin(results: tuple[PreflightResult, ...]) -> Mapping[str, PreflightResult]:
    """The results by plugin id."""
    return {result.plugin_id: result for result in results}
