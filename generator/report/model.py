"""A report as data: by server and plugin, what is planned, in which state it is, and where each value was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

#: States of a plugin, as a reader sees them. None of them says what is on a server: only preflight looks there.
STATES: Final = {
    "generated": "generated",
    "new": "not generated",
    "changed": "out of date",
    "edited": "files differ",
    "forgotten": "not in the lock file",
    "retired": "retired, data stays",
    "dropped": "retired, data dropped",
}

#: Verdicts of preflight on a plugin.
VERDICTS: Final = {
    "ready": "ready",
    "failed": "not ready",
    "other": "other names checked",
    "unknown": "not checked",
}


class Value(NamedTuple):
    """One value of a plugin, and where it was written: ``file:line:column``, or what decides where nothing was written."""

    name: str
    value: str
    origin: str


class Verdict(NamedTuple):
    """What preflight found for a plugin: a key of :data:`VERDICTS`, and ``detail`` in words."""

    kind: str
    detail: str = ""


class Row(NamedTuple):
    """One plugin. ``state`` is a key of :data:`STATES`, ``note`` says what differs. ``verdict`` is ``None`` where no result
    of preflight was given.
    """

    plugin_id: str
    database: str
    schema: str | None
    role: str
    secret: str
    state: str
    note: str = ""
    verdict: Verdict | None = None
    values: tuple[Value, ...] = ()

    @property
    def place(self) -> str:
        """The database, with the schema in schema mode."""
        return self.database if self.schema is None else f"{self.database} / {self.schema}"

    def to_json(self) -> dict[str, Any]:
        """One entry of ``plugins`` or ``retired`` in ``report --format json``."""
        return {
            "plugin": self.plugin_id,
            "database": self.database,
            "schema": self.schema,
            "role": self.role,
            "secret": self.secret or None,
            "state": self.state,
            "note": self.note or None,
            "preflight": {"verdict": self.verdict.kind, "detail": self.verdict.detail or None} if self.verdict else None,
            "values": [value._asdict() for value in self.values],
        }


class ServerPart(NamedTuple):
    """A server with its plugins. ``room`` is what preflight said of its connections, ``has_room`` whether they suffice."""

    name: str
    kind: str
    engine: str
    address: str
    origin: str
    rows: tuple[Row, ...]
    retired: tuple[Row, ...] = ()
    room: tuple[tuple[str, bool], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One entry of ``servers`` in ``report --format json``."""
        return {
            "name": self.name,
            "kind": self.kind,
            "engine": self.engine,
            "address": self.address,
            "origin": self.origin,
            "connections": [{"detail": detail, "ok": ok} for detail, ok in self.room],
            "plugins": [row.to_json() for row in self.rows],
            "retired": [row.to_json() for row in self.retired],
        }


class Report(NamedTuple):
    """What is known of a project.

    ``changed`` are the files that `greenroom generate` would write or delete, ``edited`` those of them that are not as they
    were generated. ``preflight`` is the file with its result, ``None`` where there is none. ``problems`` are the
    warnings of the run, each in a line. ``is_generated``: there is a lock file, so something was generated before.
    ``parts`` are the reports of several environments that this one shows together.
    """

    environment: str
    credentials: str
    store: str
    servers: tuple[ServerPart, ...]
    not_provisioned: Sequence[str] = ()
    excluded: Sequence[str] = ()
    changed: Sequence[str] = ()
    edited: Sequence[str] = ()
    preflight: str | None = None
    problems: Sequence[str] = ()
    is_generated: bool = True
    parts: tuple[Report, ...] = ()

    @property
    def rows(self) -> list[Row]:
        """Every planned plugin."""
        return [row for server in self.servers for row in server.rows]

    @property
    def retired(self) -> list[Row]:
        """Everything that is retired."""
        return [row for server in self.servers for row in server.retired]

    @property
    def checked(self) -> bool:
        """Whether there is a result of preflight, and it has a verdict on every plugin under the names of the plan."""
        return self.preflight is not None and all(
            row.verdict is not None and row.verdict.kind in ("ready", "failed") for row in self.rows
        )

    def count(self, state: str) -> int:
        """How many planned plugins are in a state."""
        return sum(row.state == state for row in self.rows)

    def verdicts(self, kind: str) -> int:
        """How many planned plugins preflight said this of."""
        return sum(row.verdict is not None and row.verdict.kind == kind for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The document of ``report --format json`` (``schemas/report.schema.json``)."""
        return {
            "environment": self.environment,
            "credentials": self.credentials,
            "store": self.store,
            "upToDate": not self.changed,
            "changedFiles": list(self.changed),
            "editedFiles": list(self.edited),
            "preflight": self.preflight,
            "servers": [server.to_json() for server in self.servers],
            "notProvisioned": list(self.not_provisioned),
            "excluded": list(self.excluded),
        }
