"""Proof, before anything is written, that what was rendered says what was planned.

A difference is a mistake in greenroom (GR530), never the user's; with one exception: ``APP_CONFIG_*`` variables overrule
every file, and so a fragment as well (GR531).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

from generator.backstage.config.environment import PREFIX
from generator.backstage.config.reader import ConfigReader
from generator.backstage.database import resolve_plugins
from generator.backstage.versions import NEWEST, Behaviour
from generator.clouds import sign_in
from generator.documents.values import Placeholder
from generator.engines import POSTGRESQL
from generator.output.fragment_reader import FragmentReader, UnreadableFragment
from generator.planning.access import acts_as
from generator.problems.diagnostic import Diagnostic, Diagnostics, Location
from generator.targets import TARGETS
from generator.targets.base import Inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from generator.backstage.config.loader import Layer
    from generator.backstage.database import Manager
    from generator.backstage.database.resolved import PluginDatabase
    from generator.documents.values import ConfigMap
    from generator.planning.model import Plan, PluginPlan
    from generator.targets.base import Artifact, Target

#: What the fragment is called where something about it is reported.
FRAGMENT: Final = next(entry.default_path for entry in TARGETS.values() if entry.is_app_config)
_ITSELF: Final = Inside()
_BUG: Final = "this is a mistake in greenroom: please report it with the app-config that shows it; nothing was written"
# The parts of a connection that say which server it goes to, and how. The fragment must not change them.
_SERVER: Final = ("host", "port", "ssl")
_NAMES: Final = (
    "databaseName",
    "schemaName",
    "connection.database",
    "connection.user",
    "ensureExists",
    "ensureSchemaExists",
)


def verify_fragment(
    layers: Sequence[Layer],
    fragment: str,
    plan: Plan,
    diagnostics: Diagnostics,
    *,
    environ: Mapping[str, str],
    manager: Manager = "current",
    placeholders: Literal["keep", "backstage"] = "keep",
    behaviour: Behaviour = NEWEST,
    inside: Inside = _ITSELF,
) -> None:
    """Resolve every planned plugin once more, with ``fragment`` over ``layers``, and compare with ``plan``.

    ``layers`` are those of the input (``LoadedConfig.layers``), read with the same ``environ`` and ``placeholders``;
    ``inside`` is where in its file the fragment is. Every difference is an error in ``diagnostics``.
    """
    problems = Diagnostics()
    read = FragmentReader(environ, placeholders)
    try:
        readings = read.layers(layers, fragment, inside, FRAGMENT, problems)
    except UnreadableFragment as error:
        text = "\n".join(item.render() for item in problems) or str(error)
        diagnostics.error("GR530", f"the generated app-config fragment cannot be read: {text}", hint=_BUG)
        return
    for item in read.refused:
        _report_refused(item, diagnostics, is_values=inside.is_values)
    for reading in () if read.refused else readings:
        _compare(reading, plan, diagnostics, environ, manager, placeholders, behaviour, is_values=inside.is_values)


def _compare(
    layers: Sequence[tuple[ConfigMap, str]],
    plan: Plan,
    diagnostics: Diagnostics,
    environ: Mapping[str, str],
    manager: Manager,
    placeholders: Literal["keep", "backstage"],
    behaviour: Behaviour,
    *,
    is_values: bool,
) -> None:
    reader = ConfigReader.from_layers(layers)
    ids = [plugin.plugin_id for plugin in plan.plugins]
    # What is wrong with the input has been said before; only differences count here.
    resolved = resolve_plugins(
        reader,
        ids,
        manager=manager,
        environ=environ,
        diagnostics=Diagnostics(),
        placeholders=placeholders,
        behaviour=behaviour,
    )
    for plugin in plan.plugins:
        found = resolved[plugin.plugin_id]
        for key, wanted, actual in _differences(plugin, found):
            _report(plugin, found.sources.get(key), key, wanted, actual, diagnostics, is_values=is_values)


def _differences(plugin: PluginPlan, found: PluginDatabase) -> Iterator[tuple[str, Any, Any]]:
    """What is not as planned: the key, what was planned, what would be."""
    if found.error is not None:
        yield "error", None, found.error
        return
    connection = found.connection if isinstance(found.connection, dict) else {}
    before = plugin.source.connection if plugin.source and isinstance(plugin.source.connection, dict) else connection
    # A connectionString beside them decides on host and port, whatever they say.
    server = _SERVER[2:] if "connectionString" in before else _SERVER
    checks = [
        ("client", plugin.source.client if plugin.source else found.client, found.client),
        ("databaseName", plugin.database.name, found.database_name),
        ("connection.database", plugin.database.name, connection.get("database")),
        ("connection.user", plugin.role.live.name, connection.get("user")),
        ("schemaName", plugin.schema, found.schema_name),
        ("ensureExists", False, found.ensure_exists),
        ("ensureSchemaExists", False, found.ensure_schema_exists or False),
        ("role", acts_as(plugin.role), found.role),
        *((f"connection.{key}", _server_value(plugin, key, before), connection.get(key)) for key in server),
    ]
    for key, wanted, actual in checks:
        if not _same(wanted, actual):
            yield key, wanted, actual


def _server_value(plugin: PluginPlan, key: str, before: Mapping[str, Any]) -> Any:
    """What the input says about the server; a token of AWS is for a port, so there the fragment says the default one too."""
    written = before.get(key)
    return POSTGRESQL.port if not written and key == "port" and sign_in(plugin.role.iam).signs_for_port else written


def _same(one: Any, two: Any) -> bool:
    """Equality, but a file that a connection string names may have been read, and ``$file`` cuts off its last line feed."""
    if isinstance(one, Placeholder) and one.is_file:
        return isinstance(two, str)
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_same(item, two[key]) for key, item in one.items())
    if isinstance(one, str) and isinstance(two, str):
        return one.rstrip() == two.rstrip()
    return bool(one == two)


def _report(
    plugin: PluginPlan,
    place: Location | None,
    key: str,
    wanted: Any,
    actual: Any,
    diagnostics: Diagnostics,
    *,
    is_values: bool,
) -> None:
    path = f"backend.database.plugin.{plugin.plugin_id}"
    # Names may be shown; a part of a connection may be a secret.
    planned = repr(wanted) if key in _NAMES else "what was planned"
    if place is not None and place.file.startswith(PREFIX):
        diagnostics.error(
            "GR531",
            f"{place.file} overrules the generated fragment: {key} of plugin {plugin.plugin_id!r} would not be {planned}",
            place,
            path=path,
            backstage="lets APP_CONFIG_* variables win over every file",
            hint="unset the variable where Backstage runs, or put the value into app-config",
        )
        return
    actually = repr(actual) if key in _NAMES else "something else"
    if is_values:
        _report_values(f"{key} of plugin {plugin.plugin_id!r} would not be {planned}", place, path, diagnostics)
        return
    summary = f"with the generated fragment {key} of plugin {plugin.plugin_id!r} would be {actually}, not {planned}"
    diagnostics.error("GR530", summary, place, path=path, hint=_BUG)


def _report_refused(item: Diagnostic, diagnostics: Diagnostics, *, is_values: bool) -> None:
    if is_values:
        _report_values(item.summary, item.location, item.path, diagnostics)
        return
    diagnostics.error("GR530", f"Backstage refuses the generated fragment: {item.summary}", item.location, hint=_BUG)


def _report_values(what: str, place: Location | None, path: str, diagnostics: Diagnostics) -> None:
    diagnostics.error(
        "GR438",
        f"Helm cannot put the generated values over the app-config they belong to: {what}",
        place,
        path=path,
        backstage="gets one file, in which Helm has put both together key by key",
        hint="write secrets there as ${VARIABLE}, and database settings without $include",
    )


# --- artifacts --------------------------------------------------------------------------------------------------------


def verify_artifacts(name: str, target: Target, artifacts: list[Artifact], plan: Plan, diagnostics: Diagnostics) -> None:
    """Read ``artifacts`` of the target ``name`` with a real parser and compare what they create with ``plan``.

    Every difference is an error in ``diagnostics``.
    """
    for one, two in pairwise(sorted(artifact.path for artifact in artifacts)):
        if one == two:
            diagnostics.error("GR530", f"the target {name} renders {one} twice", hint=_BUG)
    try:
        found = target.read_back(artifacts)
    except ValueError as error:
        diagnostics.error("GR530", f"what the target {name} rendered cannot be read back: {error}", hint=_BUG)
        return
    wanted = target.creates(plan)
    for item in sorted(wanted - found):
        diagnostics.error("GR530", f"the target {name} does not create the {_shown(item)}", hint=_BUG)
    for item in sorted(found - wanted):
        diagnostics.error("GR530", f"the target {name} creates the {_shown(item)}, which nobody planned", hint=_BUG)


def _shown(item: tuple[str, ...]) -> str:
    kind, server, *names = item
    return f"{kind} {'.'.join(repr(name) for name in names)}" + (f" on server {server!r}" if server else "")
