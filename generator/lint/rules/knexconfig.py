"""What reaches knex, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.backstage.checks import known
from generator.documents.values import ConfigMap
from generator.lint.model import WARNING, Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Subject

_PG = "backend-defaults: connectors/postgres.ts (knexConfig: {...additionalKnexConfig, client, connection})"

OVERWRITTEN: Final = Rule(
    "GR045", "knex-config-overwritten", WARNING, "knexConfig cannot change the connection or the client.", _PG
)
BESIDE: Final = Rule(
    "GR046",
    "knex-key-beside-knex-config",
    WARNING,
    "A setting of knex stands beside knexConfig; it works by accident.",
    "backend-defaults: buildPgDatabaseConfig (dbConfig.get() is merged whole); issue 19863",
)
RULES: Final = (OVERWRITTEN, BESIDE)

_OVERWRITTEN = ("connection", "client", "role")
_HARMLESS = {"useNullAsDefault", "version"}  # what Backstage sets itself, or what changes nothing


def check(subject: Subject) -> Iterator[Finding]:
    """knexConfig of every entry, and knex's own keys beside it."""
    for entry in subject.entries:
        config = entry.data.get("knexConfig")
        if not isinstance(config, ConfigMap):
            continue
        for key in _OVERWRITTEN:
            if key in config:
                yield found(
                    OVERWRITTEN,
                    f"knexConfig.{key} has no effect",
                    config.locate_key(key),
                    path=f"{entry.path}.knexConfig.{key}",
                    backstage=f"puts its own {key} over it",
                    hint=f"write it as {entry.path}.{key}",
                )
    for key in sorted((subject.database.keys() & known.BASE_AND_KNEX) - known.BASE - _HARMLESS):
        everywhere = (
            "; it applies to every plugin, and to the connection that creates databases" if key == "searchPath" else ""
        )
        yield found(
            BESIDE,
            f"{key!r} is a setting of knex and belongs inside knexConfig",
            subject.database.locate_key(key),
            path=f"backend.database.{key}",
            backstage=f"hands it to knex only because it hands over all of backend.database{everywhere}",
            hint=f"write it as backend.database.knexConfig.{key}",
        )
