"""Several environments of one settings file: none of them writes where another one does, or takes another one's names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from generator.documents.values import Placeholder
from generator.engines import ENGINES
from generator.output.layout import DEFAULT_OUT, LOCK_NAME, make_layout
from generator.planning.history import read_lock
from generator.problems.diagnostic import Diagnostic, Diagnostics, Location, Severity
from generator.problems.paths import shown
from generator.settings.adopted import adopt_path
from generator.settings.environments import listing
from generator.settings.read import settings_of
from generator.settings.target_keys import target_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from generator.output.layout import Layout
    from generator.planning.model import Plan, Server
    from generator.settings.model import Settings
    from generator.settings.read import SettingsFile

_MOST_NAMES = 3


def check_places(file: SettingsFile, out: Path | None, only: Sequence[str], diagnostics: Diagnostics) -> None:
    """Report where two environments of ``file`` write to the same place (GR452), and where what was generated for one, when
    the file had only that one, would be left behind (GR454).

    All of them are looked at, whichever the run is for. ``out`` and ``only`` are the options of the run.
    """
    if not file.environments:
        return
    quiet = Diagnostics()  # what is wrong in the settings of one is said when it is that one's turn
    every = {name: settings_of(file, name, quiet) for name in file.environments}
    layouts = {name: make_layout(settings, out=out, only=only) for name, settings in every.items()}
    same_folder = list(_shared((name, "out", layout.lock) for name, layout in layouts.items()))
    same_target = _shared(
        (name, f"targets.{target_key(target)}.path", path)
        for name, layout in layouts.items()
        for target, path in layout.targets.items()
    )
    told = [{use.environment for use in uses} for uses in same_folder]
    for uses in (*same_folder, *same_target):
        written = any(use.key in every[use.environment].locations for use in uses)
        # Where the folder is the same, so is everything below it.
        if uses[0].key == "out" or written or not any({use.environment for use in uses} <= names for names in told):
            _report_place(uses, every[uses[-1].environment], diagnostics)
    if out is None:
        _check_left(file, layouts, every, diagnostics)
        _check_unknown(file, layouts, diagnostics)
    _check_adopt_lists(file, diagnostics)


class _Use(NamedTuple):
    """An environment writes to a path, because of a key of the settings."""

    environment: str
    key: str
    path: Path


def _shared(uses: Iterable[tuple[str, str, Path]]) -> Iterator[list[_Use]]:
    """What more than one environment writes to."""
    by_path: dict[str, dict[str, _Use]] = {}
    for use in uses:
        by_path.setdefault(_same(use[2]), {})[use[0]] = _Use(*use)
    return (list(users.values()) for users in by_path.values() if len(users) > 1)


def _report_place(uses: Sequence[_Use], settings: Settings, diagnostics: Diagnostics) -> None:
    """``settings`` are those of the last one."""
    key, path = uses[-1].key, uses[-1].path
    usual = "" if key == "out" else "; without one it is in the folder of the environment (`out`)"
    diagnostics.error(
        "GR452",
        f"{listing([use.environment for use in uses])} are to write to the same place: "
        + shown(path.parent if key == "out" else path),
        settings.locations.get(key) or settings.locations.get("environment"),
        path=f"environments.{settings.environment}.{key}",
        hint=f"give each environment its own {key}{usual}",
    )


def _same(path: Path) -> str:
    """What two names of one file have in common; some systems do not tell capitals apart."""
    return os.path.normpath(os.path.abspath(path)).casefold()  # noqa: PTH100 - a link in the path stays what it is


def _check_left(
    file: SettingsFile, layouts: Mapping[str, Layout], every: Mapping[str, Settings], diagnostics: Diagnostics
) -> None:
    folder = file.folder
    taken = {_same(layout.lock) for layout in layouts.values()}
    for out in (DEFAULT_OUT, "."):
        left = folder / out / LOCK_NAME
        if _same(left) in taken or not left.is_file():
            continue
        known = read_lock(left, Diagnostics())
        name = known.environment if known is not None else None
        if name is not None and name in layouts and not layouts[name].lock.exists():
            diagnostics.error(
                "GR454",
                f"{shown(left)} is the lock file of {name}, and {shown(layouts[name].base)} is the folder of that "
                "environment: what was generated would be forgotten there",
                every[name].locations.get("out") or every[name].locations.get("environment"),
                path=f"environments.{name}.out",
                hint=f"`out: {out}` leaves everything where it is",
            )
        elif name is not None and name not in layouts and not _others(folder):
            diagnostics.error(
                "GR454",
                f"{shown(left)} is the lock file of {name}, which {file.path} does not have: what was generated would be "
                "forgotten",
                Location(shown(left)),
                path="environments",
                hint=f"call an environment {name}, with `out: {out}`; or, where it has another name now, give that one "
                f'`out: {out}` and put its name into "environment" of this file',
            )


def _others(folder: Path) -> bool:
    """Whether there are settings in files of other names, whose lock file may be where one environment's usually is."""
    return any(not path.name.endswith(".adopt.yaml") for path in folder.glob("greenroom.*.yaml"))


def _check_adopt_lists(file: SettingsFile, diagnostics: Diagnostics) -> None:
    """Report lists of what is there already that are no environment's (GR455): nobody would read them."""
    assert file.path is not None
    for path in sorted(file.folder.glob(f"{file.path.stem}.*.adopt.yaml")):
        name = path.name.removeprefix(f"{file.path.stem}.").removesuffix(".adopt.yaml")
        if name in file.environments or (file.folder / f"{file.path.stem}.{name}.yaml").exists():
            continue
        import difflib  # seldom needed, and slow to load

        near = difflib.get_close_matches(name, file.environments, 1, 0)[0]
        diagnostics.error(
            "GR455",
            f"this list is named after {name!r}, and {file.path} has no such environment: nothing in it would be taken over",
            Location(shown(path)),
            hint=f"rename it to {adopt_path(file.path, file.folder, near).name}, if it is about {near}; otherwise delete it",
        )


def _check_unknown(file: SettingsFile, layouts: Mapping[str, Layout], diagnostics: Diagnostics) -> None:
    """Tell of what was generated for an environment that ``file`` does not have any more (GR456)."""
    taken = {_same(layout.lock) for layout in layouts.values()}
    for left in sorted((file.folder / DEFAULT_OUT).glob(f"*/{LOCK_NAME}")):
        known = read_lock(left, Diagnostics()) if _same(left) not in taken else None
        if known is not None and known.environment is not None and known.environment not in layouts:
            diagnostics.warning(
                "GR456",
                f"this lock file is that of the environment {known.environment!r}, which {file.path} does not have: nothing "
                "there is kept up to date, or checked",
                Location(shown(left)),
                path="environments",
                hint=f"add {known.environment} to environments; if it has another name now, give that one `out: "
                f'{DEFAULT_OUT}/{left.parent.name}` and change "environment" in the lock file; if it is gone, delete the '
                "folder",
            )


class Names(NamedTuple):
    """The names that a plan gives on one server, by kind."""

    server: Server
    databases: frozenset[str]
    roles: frozenset[str]


def check_names(plans: Mapping[str, tuple[Settings, Plan]]) -> Iterator[tuple[str, Diagnostic]]:
    """A warning (GR453) for each environment that has names of an earlier one on the same server, with its name.

    The same server is one that exists and has the same host, written out: what a variable will say is not known here.
    """
    before: dict[tuple[object, ...], list[tuple[str, Names]]] = {}
    for name, (settings, plan) in plans.items():
        for names in _names(plan):
            server = names.server
            if server.kind != "existing" or server.host is None or isinstance(server.host, Placeholder):
                continue
            port = server.port or ENGINES[server.engine].port
            others = before.setdefault((server.engine, str(server.host).lower(), str(port)), [])
            for other, theirs in others:
                both = names.databases & theirs.databases, names.roles & theirs.roles
                if any(both):
                    yield name, _same_names(settings, other, server, *both)
                    break
            others.append((name, names))


def _names(plan: Plan) -> Iterator[Names]:
    for server in plan.servers:
        plugins = [plugin for plugin in plan.plugins if plugin.server == server.name]
        yield Names(
            server,
            frozenset(plugin.database.name for plugin in plugins),
            frozenset(plugin.role.name for plugin in plugins),
        )


def _same_names(
    settings: Settings, other: str, server: Server, databases: frozenset[str], roles: frozenset[str]
) -> Diagnostic:
    own = settings.environment
    parts = [_listed(kind, names) for kind, names in (("database", databases), ("role", roles)) if names]
    other_roles = "`roleName: backstage_{environment}_{plugin}` under credentials in greenroom.yaml"
    other_databases = f"`backend.database.prefix` in an app-config of {own} alone (in schema mode, another database)"
    fixes = [fix for fix, names in ((other_roles, roles), (other_databases, databases)) if names]
    return Diagnostic(
        "GR453",
        Severity.WARNING,
        f"{other} and {own} have the same {' and '.join(parts)} on {server.host}, which only one of them can have",
        settings.locations.get("environment"),
        f"environments.{own}",
        f"{' and '.join(fixes)}; where the two mean different servers by this host, `ignore` GR453",
    )


def _listed(kind: str, names: frozenset[str]) -> str:
    shown_names = sorted(names)[:_MOST_NAMES]
    more = len(names) - len(shown_names)
    rest = f" and {more} more" if more else ""
    return f"{kind}{'' if len(names) == 1 else 's'} {', '.join(shown_names)}{rest}"
