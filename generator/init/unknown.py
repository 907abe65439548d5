"""What only the run-time environment has and generating has to know: it is written down as a setting to fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from generator.backstage.config.reader import ConfigError
from generator.documents.values import Placeholder
from generator.init.guesses import wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.problems.diagnostic import Diagnostics, Location
    from generator.run.project import Project

#: What most installations have there; any other value does as an example.
_USUAL = {"client": "pg", "pluginDivisionMode": "database", "type": "default"}
_BOOLEANS = ("ensureExists", "ensureSchemaExists", "skipMigrations")


class Unknown(NamedTuple):
    """A variable without a value, asked for at ``location``; ``example`` is a value it may have."""

    name: str
    example: str
    location: Location | None


def unknown_settings(project: Project) -> list[Unknown]:
    """The variables of settings without which nothing can be resolved (GR202)."""
    found: dict[str, Unknown] = {}
    for item in project.diagnostics:
        if item.code != "GR202":
            continue
        try:
            value = project.reader.get_optional(item.path)
        except ConfigError:
            continue
        key = item.path.rpartition(".")[2]
        example = "true" if key in _BOOLEANS else _USUAL.get(key, "backstage")
        for name in _variables(value):
            found.setdefault(name, Unknown(name, example, item.location))
    return list(found.values())


def unknown_names(resolved: PluginDatabaseMap) -> list[Unknown]:
    """The variables of names that something generated has to have (GR302)."""
    found: dict[str, Unknown] = {}
    for plugin in wanted(resolved):
        names = (
            (plugin.database_name, ("databaseName", "connection.database", "prefix", "connection")),
            (plugin.own_connection.get("user"), ("connection.user",)),
        )
        for value, keys in names:
            place = next((plugin.sources[key] for key in keys if key in plugin.sources), None)
            for name in _variables(value):
                found.setdefault(name, Unknown(name, "backstage", place))
    return list(found.values())


def added_to(known: list[Unknown], found: list[Unknown]) -> list[Unknown]:
    """Those of ``found`` that are not ``known``."""
    names = {item.name for item in known}
    return [item for item in found if item.name not in names]


def report(unknown: list[Unknown], diagnostics: Diagnostics) -> None:
    """Say what has to be filled in before anything can be generated (GR432)."""
    for item in unknown:
        diagnostics.warning(
            "GR432",
            f"${{{item.name}}} has to be known when generating",
            item.location,
            hint=f"give its value under `values` in greenroom.yaml: `values: {{{item.name}: {item.example}}}`",
        )


def _variables(value: object) -> Iterator[str]:
    if isinstance(value, Placeholder):
        yield from (item.name for item in value.references if item.kind == "env")
