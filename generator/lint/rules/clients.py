"""SQLite where a server was meant, and the other way round."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from generator.backstage.config.lookup import is_for_production
from generator.documents.values import ConfigMap
from generator.lint.model import WARNING, Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Subject

PRODUCTION: Final = Rule(
    "GR050",
    "production-in-memory",
    WARNING,
    "Production keeps everything in memory and forgets it on restart.",
    "docs/getting-started/config/database.md",
)
SERVER_FOR_FILE: Final = Rule(
    "GR052",
    "server-connection-for-sqlite",
    WARNING,
    "SQLite has no host, user or password: the client was not changed together with the connection.",
    "backend-defaults: connectors/sqlite3.ts",
)
RULES: Final = (PRODUCTION, SERVER_FOR_FILE)


def check(subject: Subject) -> Iterator[Finding]:
    """The clients of all entries against their connections."""
    yield from _production(subject)
    for entry in subject.entries:
        connection = entry.connection
        if entry.is_sqlite and isinstance(connection, ConfigMap) and not {"filename", "directory"} & connection.keys():
            names = [key for key in ("host", "port", "user", "password") if connection.get(key) is not None]
            if names:
                yield found(
                    SERVER_FOR_FILE,
                    f"the client is {entry.client}, which has no {' or '.join(names)}",
                    connection.locate(names[0]),
                    path=f"{entry.path}.connection.{names[0]}",
                    backstage="writes a file for each plugin into the working directory",
                    hint="set client: pg in the same file as the connection",
                )


def _production(subject: Subject) -> Iterator[Finding]:
    base = subject.base
    connection = base.connection
    filename = connection.get("filename") if isinstance(connection, ConfigMap) else connection
    names = [PurePath(layer.path).name for layer in subject.project.config.layers]
    for_production = next((name for name in names if is_for_production(name)), None)
    if base.is_sqlite and filename == ":memory:" and for_production:
        yield found(
            PRODUCTION,
            f"{for_production} leaves Backstage on SQLite in memory",
            base.locate("connection"),
            path="backend.database.connection",
            backstage="starts with an empty catalog, and without anybody's settings, after every restart",
            hint=f"set client: pg and a connection in {for_production}",
        )
