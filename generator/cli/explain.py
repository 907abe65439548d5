"""``greenroom explain PLUGIN`` and ``greenroom explain CODE``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, environments_of, make_request
from generator.cli.output import say, say_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from generator.backstage.database.resolved import PluginDatabase
    from generator.problems.diagnostic import Location
    from generator.run.project import Project


@click.command("explain")
@click.argument("names", metavar="PLUGIN|CODE...", nargs=-1, required=True)
@common_options
@click.option("--show-secrets", is_flag=True, help="Print passwords instead of <redacted>.")
def command(
    names: tuple[str, ...],
    *,
    output_format: str,
    quiet: bool,
    verbose: bool,
    show_secrets: bool,
    **options: Any,
) -> int:
    """Explain a plugin's settings, or what a code means.

    PLUGIN: every setting, its value and the file:line it came from, then what is generated for it.

    CODE, such as GR501: what is wrong, what Backstage does, and what to do. Reads no file of yours.
    """
    from generator.cli.explain_codes import find_codes, is_code, render_code
    from generator.run import steps

    codes = find_codes(name for name in names if is_code(name))
    plugin_ids = list(dict.fromkeys(name for name in names if not is_code(name)))
    as_json = output_format == "json"
    documents: dict[str, list[dict[str, Any]]] = {}
    if codes and not as_json:
        say_text("\n\n".join(map(render_code, codes)) + "\n")
    failed = False
    projects: dict[str, Project] = {}
    if plugin_ids:
        requests = environments_of(make_request(**options, reads_environment=True))
        projects = {name: steps.load(request) for name, request in requests.items()}
        _refuse_strange(list(projects.values()), plugin_ids)
        for name, project in projects.items():
            first = not codes and not documents
            if len(projects) > 1 and not as_json:
                say_text(f"{name}:\n" if first else f"\n{name}:\n")
            documents[name], bad = _plugins(project, plugin_ids, as_json=as_json, show_secrets=show_secrets, first=first)
            failed = failed or bad
    if as_json:
        _show_json([code.to_json() for code in codes], documents)
    if plugin_ids:
        _show_rest(projects, plugin_ids, quiet=quiet)
    return int(failed)


def _refuse_strange(projects: Sequence[Project], plugin_ids: Sequence[str]) -> None:
    """Refuse an id that no environment knows.

    Raises:
        click.UsageError: an id that no file, no package of the repository and no published package has.
    """
    strange = []
    for plugin_id in plugin_ids:
        said = [_strange(project, plugin_id) if project.config.error is None else "" for project in projects]
        strange += said[:1] if all(said) else []
    if strange:
        raise click.UsageError("\n".join(strange))


def _strange(project: Project, plugin_id: str) -> str:
    """What to say about an id that nothing knows; empty where something does."""
    from generator.backstage.database.plugin_ids import KNOWN
    from generator.backstage.repository.catalogue import Catalogue
    from generator.planning.history.file import read_lock
    from generator.problems.diagnostic import Diagnostics

    here = {*project.plugin_ids, *project.settings.exclude, *(project.discovery.plugins if project.discovery else ())}
    if plugin_id in here:
        return ""
    catalogue = Catalogue.load()
    published = KNOWN | catalogue.plugin_ids()
    lock = read_lock(project.layout.lock, Diagnostics())
    before = {*lock.plugins, *lock.retired} if lock is not None else set()
    if plugin_id in published or plugin_id in before:
        return ""
    from difflib import get_close_matches

    package = catalogue.get(plugin_id)
    near = [package.plugin_id] if package is not None else []
    for ids in (here | before, published):
        near = near or get_close_matches(plugin_id.lower(), sorted(ids), 1, 0.75)
    question = f" Did you mean {near[0]!r}?" if near else ""
    backend = "the backend at --root" if project.discovery else "a backend (there is none at --root)"
    return (
        f"there is no plugin {plugin_id!r} in app-config, greenroom.yaml, {backend} or the list of published plugins."
        f"{question} If Backstage does have it, name it with --plugin as well, or in plugins.include."
    )


def _plugins(
    project: Project, plugin_ids: Sequence[str], *, as_json: bool, show_secrets: bool, first: bool
) -> tuple[list[dict[str, Any]], bool]:
    """Show each plugin, or make its JSON document; and whether one of them has an error."""
    from generator.backstage.database.to_json import plugin_to_json
    from generator.cli.output import show_table
    from generator.run import steps

    resolved = steps.resolve(project, plugin_ids)
    documents: list[dict[str, Any]] = []
    failed = False
    for plugin_id in plugin_ids:
        plugin = resolved.get(plugin_id)
        if not as_json and not (first and plugin_id == plugin_ids[0]):
            say("")
        if plugin is None or plugin.error:
            failed = True
            error = plugin.error if plugin else project.config.error
            documents.append({"plugin": plugin_id, "error": error, "settings": []})
            if not as_json and plugin is not None:
                say(f"{plugin_id}: Backstage would fail: {plugin.error}")
            continue
        rows = list(_settings(plugin_to_json(plugin, show_secrets=show_secrets), plugin))
        planned = steps.describe(project, plugin_id)
        settings = [{"key": key, "value": value, "source": source} for key, value, source in rows]
        documents.append({"plugin": plugin_id, "settings": settings, "generated": planned})
        if as_json:
            continue
        if len(plugin_ids) > 1:
            say(f"{plugin_id}:")
        texts = ((key, _text(value), source or "Backstage's default") for key, value, source in rows)
        show_table(("setting", "value", "from"), texts)
        if planned:
            show_table(("generated", "name"), planned.items())
        elif plugin.is_sqlite:
            say("SQLite: nothing has to exist before Backstage starts.")
    return documents, failed or project.diagnostics.has_errors


def _show_json(codes: list[dict[str, Any]], found: Mapping[str, list[dict[str, Any]]]) -> None:
    """One plugin is a document of its own; codes, and several plugins, are lists. Several environments have one each."""
    from generator.cli.output import show_json

    if len(found) > 1:
        each = {name: plugins[0] if len(plugins) == 1 else {"plugins": plugins} for name, plugins in found.items()}
        show_json({**({"codes": codes} if codes else {}), "environments": each})
        return
    plugins = next(iter(found.values()), [])
    if not codes and len(plugins) == 1:
        show_json(plugins[0])
    else:
        show_json({**({"codes": codes} if codes else {}), **({"plugins": plugins} if plugins else {})})


def _show_rest(projects: Mapping[str, Project], plugin_ids: Sequence[str], *, quiet: bool) -> None:
    """Every problem, and which of the plugins `generate` leaves out."""
    from generator.cli.output import show_diagnostics
    from generator.run.environments import told_once

    several = len(projects) > 1
    problems = {name: project.diagnostics for name, project in projects.items()}
    shared = next(iter(projects.values())).request.shared
    show_diagnostics(told_once(problems, shared, several=several), quiet=quiet)
    for name, project in projects.items():
        if not quiet:
            _show_left_out(project, plugin_ids, f"{name}: " if several else "")


def _show_left_out(project: Project, plugin_ids: Sequence[str], label: str) -> None:
    left_out = [plugin_id for plugin_id in plugin_ids if plugin_id not in project.plugin_ids]
    if left_out and project.config.error is None:
        names = ", ".join(map(repr, left_out))
        say(
            f"{label}{names}: not among the plugins of this project, so `greenroom generate` makes nothing for "
            f"{'it' if len(left_out) == 1 else 'them'} (--plugin or plugins.include add one)",
            err=True,
        )


def _settings(document: dict[str, Any], plugin: PluginDatabase) -> Iterator[tuple[str, Any, str | None]]:
    for key, value in document.items():
        if key == "sources":
            continue
        if key == "connection" and isinstance(value, dict):
            yield from _flat("connection", value, plugin)
        elif value is not None:
            yield key, value, _place(plugin.sources.get(key))


def _flat(prefix: str, value: dict[str, Any], plugin: PluginDatabase) -> Iterator[tuple[str, Any, str | None]]:
    for key, inner in value.items():
        path = f"{prefix}.{key}"
        if isinstance(inner, dict) and inner:
            yield from _flat(path, inner, plugin)
        else:
            yield path, inner, _place(plugin.sources.get(path) or plugin.sources.get(prefix))


def _place(location: Location | None) -> str | None:
    return str(location) if location else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
