"""Measures published backend plugins and modules, and writes the atlas.

    tools/atlas/measure.py [--cache FOLDER] [--only NAME …] [--add NAME[=DOWNLOADS] …] [--help]

Installs every package of the atlas (``generator/backstage/repository/atlas.json``) in its newest version, asks its features
what they register, makes the databases with greenroom's own script as a role that is no superuser, looks with
``greenroom preflight``, starts each plugin there in a real backend, in database and in schema mode, and looks at what it has
made. 1 when a row is wrong: ids that differ, or a plugin that fails on a database that preflight called ready.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
sys.path[:0] = [str(PROJECT), str(HERE)]
os.environ["PYTHONPATH"] = str(PROJECT)

from atlas_ask import Looked, ask  # noqa: E402
from atlas_install import folder_of, install, replaced  # noqa: E402
from atlas_rows import Measured, problems, read, write  # noqa: E402
from atlas_stage import Job, Outcome, Round, defaults_version  # noqa: E402

from generator.demo.embedded import embedded_server  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MODES = ("database", "schema")


def jobs_of(looked: dict[str, Looked], cache: Path, rows: Mapping[str, Mapping[str, Any]]) -> list[Job]:
    """What to start: every plugin by itself, and every module that uses a database together with its plugin.

    Of a package that could not be asked, only its migrations run, for the plugin that its row names.
    """
    plugins: dict[str, list[Looked]] = {}
    for item in looked.values():
        for plugin_id in item.ids("plugin"):
            plugins.setdefault(plugin_id, []).append(item)
    found = []
    for item in looked.values():
        row = rows.get(item.package, {})
        known = next(((kind, row[kind]) for kind in ("plugin", "module") if kind in row), None)
        first = item.first() or (known if item.migrations else None)
        if first is None or not first[1]:
            continue
        kind, plugin_id = first
        uses = item.database or item.migrations or item.creates or item.libraries
        if kind == "module" and not uses:
            continue
        folder = cache / folder_of(item.package)
        features = _features(item, plugin_id)
        if kind == "module":
            parents = [parent for parent in plugins.get(plugin_id, ()) if folder_of(parent.package) == folder.name]
            features = [*(_features(parents[0], plugin_id) if parents else ()), *features] if parents else []
        migrations = tuple(folder / "node_modules" / item.package / name for name in item.migrations)
        found.append(Job(item.package, plugin_id, folder, tuple(features), migrations))
    return found


def _features(item: Looked, plugin_id: str) -> list[tuple[str, str]]:
    """The exports to add: the default one, else the first of that plugin."""
    exports = [export for export, _, owner in item.features if owner == plugin_id]
    return [(item.package, "default" if "default" in exports else exports[0])] if exports else []


def rounds(jobs: Iterable[Job]) -> list[list[Job]]:
    """As few groups as possible in which no plugin id is twice."""
    groups: list[list[Job]] = []
    for job in sorted(jobs, key=lambda item: item.package):
        group = next((group for group in groups if all(job.plugin != other.plugin for other in group)), None)
        if group is None:
            groups.append([job])
        else:
            group.append(job)
    return groups


def run(jobs: list[Job], extensions: dict[str, list[str]]) -> dict[str, dict[str, Outcome]]:
    """Start everything: outcomes by package and mode."""
    found: dict[str, dict[str, Outcome]] = {}
    for number, group in enumerate(rounds(jobs), 1):
        for mode in MODES:
            print(f"round {number}, {mode} mode: {len(group)} packages", file=sys.stderr, flush=True)
            settings = {"log_connections": "on", "max_connections": "500"}
            with embedded_server(settings=settings) as server, tempfile.TemporaryDirectory() as name:
                wanted = {job.plugin: extensions[job.package] for job in group if extensions.get(job.package)}
                stage = Round(server, Path(name), group, mode, wanted)
                stage.apply()
                for package, outcome in stage.outcomes().items():
                    found.setdefault(package, {})[mode] = outcome
    return found


def main() -> int:
    """Measure, write, and say what is wrong."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cache", type=Path, default=PROJECT / ".cache" / "atlas", help="where the packages are installed")
    options.add_argument("--only", nargs="*", default=[], help="measure these only; the other rows stay")
    options.add_argument("--add", nargs="*", default=[], help="packages that are new in the atlas")
    options.add_argument("--no-install", action="store_true", help="take what is installed")
    options.add_argument("--without-extensions", action="store_true", help="ask greenroom for none: preflight has to notice")
    options.add_argument("--migrations-only", action="store_true", help="start nothing: run the migrations by themselves")
    options.add_argument("--no-run", action="store_true", help="ask for the ids only")
    given = options.parse_args()
    rows = read()
    added = dict(word.partition("=")[::2] for word in given.add)
    names = sorted(set(given.only) or {*rows, *added})
    cache = given.cache.resolve()
    refused = {} if given.no_install else install(cache, names)
    looked: dict[str, Looked] = {}
    for folder in sorted({folder_of(name) for name in names}):
        here = [name for name in names if folder_of(name) == folder and name not in refused]
        looked |= {item.package: item for item in ask(cache / folder, here)}
    jobs = jobs_of(looked, cache, rows)
    if given.migrations_only:
        jobs = [replace(job, features=()) for job in jobs if job.migrations]
    extensions = {} if given.without_extensions else {name: list(item.creates) for name, item in looked.items()}
    outcomes = {} if given.no_run else run(jobs, extensions)
    downloads = {name: int(count) for name, count in added.items() if count}
    defaults = max((defaults_version(cache / folder_of(name)) for name in looked), default="")
    measured = Measured(looked, outcomes, refused, replaced(cache), downloads, defaults)
    write(rows, measured, names)
    wrong = problems(measured)
    print("\n".join([*wrong, f"{len(names)} packages, {len(outcomes)} started or migrated, {len(wrong)} wrong"]))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
