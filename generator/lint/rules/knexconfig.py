"""What reaches knex, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.backstage.checks import known
from generator.backstage.database.search_path import NO_SCHEMA, describe, search_paths_away
from generator.documents.values import ConfigMap
from generator.lint.model import ERROR, WARNING, Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Entry, Subject

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
SEARCH_PATH: Final = Rule(
    "GR740",
    "search-path-leads-away",
    WARNING,
    "A search path without public: the plugins' tables go to a schema that has to exist in each database.",
    "knex: lib/dialects/postgres/index.js (setSchemaSearchPath)",
    also=(ERROR,),
)
UNKNOWN: Final = Rule(
    "GR741",
    "unknown-knex-key",
    WARNING,
    "knex has no such setting.",
    "knex: types/index.d.ts (Knex.Config)",
)
RULES: Final = (OVERWRITTEN, BESIDE, SEARCH_PATH, UNKNOWN)

_OVERWRITTEN = ("connection", "client", "role")
_HARMLESS = {"useNullAsDefault", "version"}  # what Backstage sets itself, or what changes nothing


def check(subject: Subject) -> Iterator[Finding]:
    """knexConfig of every entry, knex's own keys beside it, and where the search path leads."""
    yield from _search_paths(subject)
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
        yield from _unknown(entry, config)
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


def _unknown(entry: Entry, config: ConfigMap) -> Iterator[Finding]:
    for key in sorted(config.keys() - known.KNEX):
        from difflib import get_close_matches  # seldom needed, and slow to load

        near = get_close_matches(key, sorted(known.KNEX - known.BASE), 1)
        yield found(
            UNKNOWN,
            f"knex has no setting {key!r}",
            config.locate_key(key),
            path=f"{entry.path}.knexConfig.{key}",
            backstage="hands it to knex, which ignores it",
            hint=f"is {near[0]!r} meant?" if near else "remove it",
        )


def _search_paths(subject: Subject) -> Iterator[Finding]:
    if not subject.is_current:
        return
    for away in search_paths_away(subject.healthy("postgresql")):
        yield found(
            SEARCH_PATH,
            f"{describe(away.plugins)} in the schema {' or '.join(away.schemas)}, which has to exist in each of their "
            "databases",
            away.location,
            path=away.key,
            backstage=NO_SCHEMA,
            hint=away.hint,
        )
