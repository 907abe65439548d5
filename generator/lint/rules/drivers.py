"""The npm packages that the resolved clients need, and which of them the backend lacks."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.clouds import CLOUDS
from generator.lint.model import ERROR, INFO, Rule, found
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from generator.lint.model import Finding
    from generator.lint.subject import Subject

MISSING: Final = Rule(
    "GR082",
    "driver-missing",
    ERROR,
    "The backend lacks the npm package of a database client.",
    "knex: lib/dialects/*/index.js (_driver); backend-defaults: package.json (peerDependencies)",
)
INDIRECT: Final = Rule(
    "GR083",
    "driver-not-declared",
    INFO,
    "The npm package of a database client is there only because another package brings it.",
    "backend-defaults: package.json (dependencies)",
)
RULES: Final = (MISSING, INDIRECT)

#: What knex requires for a client.
CLIENTS: Final = {client: client for client in ("pg", "mysql", "mysql2", "sqlite3", "better-sqlite3")}
#: What Backstage requires for a way of signing in (connection.type).
SIGN_IN: Final = {name: cloud.package for name, cloud in CLOUDS.items()}
#: Dependencies of @backstage/backend-defaults itself; the others are optional peers, which the backend has to bring.
#: Told from the installed package where there is one.
BROUGHT: Final = frozenset({"pg", "mysql2", "@azure/identity", "@aws-sdk/rds-signer"})
_DEFAULTS, _MODULES, _PACKAGE = "@backstage/backend-defaults", "node_modules", "package.json"
_ADD = {"yarn.lock": "yarn --cwd {folder} add {names}", "pnpm-lock.yaml": "pnpm --dir {folder} add {names}"}
_NPM = "npm install --workspace {folder} {names}"


class Driver(NamedTuple):
    """A package that is needed: by which plugins, and whether it is ``declared``, ``brought`` (by whom), or ``missing``."""

    package: str
    plugins: tuple[str, ...]
    state: str
    by: str = ""


class Drivers(NamedTuple):
    """What one backend needs. ``command`` adds what is missing or only brought, with the repository's package manager."""

    backend: str
    drivers: tuple[Driver, ...]
    command: str

    def to_json(self) -> dict[str, object]:
        """The shape of ``drivers`` in ``lint --format json``."""
        listed = [{"package": item.package, "plugins": list(item.plugins), "state": item.state} for item in self.drivers]
        return {"backend": self.backend, "packages": listed, "command": self.command or None}


def needed(subject: Subject) -> dict[str, tuple[str, ...]]:
    """Package to the plugins that need it, sorted."""
    wanted: dict[str, set[str]] = {}
    entries = {entry.plugin_id: entry for entry in subject.plugins}
    for plugin in subject.healthy():
        if plugin.client in CLIENTS:
            wanted.setdefault(CLIENTS[plugin.client], set()).add(plugin.plugin_id)
        entry = entries.get(plugin.plugin_id)
        own = entry.connection.get("type") if entry is not None and isinstance(entry.connection, dict) else None
        kind = own or (None if plugin.client_overridden else subject.base_connection.get("type"))
        if plugin.client == "pg" and isinstance(kind, str) and kind in SIGN_IN:
            wanted.setdefault(SIGN_IN[kind], set()).add(plugin.plugin_id)
    return {package: tuple(sorted(wanted[package])) for package in sorted(wanted)}


def find_drivers(subject: Subject) -> list[Drivers]:
    """What each backend of the repository needs; nothing where there is no repository."""
    discovery, root = subject.project.discovery, subject.project.request.root
    wanted = needed(subject) if discovery is not None else {}
    result = []
    for folder in discovery.backends if discovery is not None and wanted else ():
        manifest = _manifest(root / folder / "package.json")
        if manifest is None:
            continue
        declared = {*manifest.get("dependencies", {}), *manifest.get("optionalDependencies", {})}
        brought = _brought(root, folder, manifest, wanted)
        drivers = tuple(
            Driver(package, plugins, "declared")
            if package in declared
            else Driver(package, plugins, "brought" if package in brought else "missing", brought.get(package, ""))
            for package, plugins in wanted.items()
        )
        names = " ".join(driver.package for driver in drivers if driver.state != "declared")
        template = next((_ADD[name] for name in _ADD if (root / name).is_file()), None)
        if template is None:
            template = _NPM if (root / "package-lock.json").is_file() else _ADD["yarn.lock"]
        result.append(Drivers(folder, drivers, template.format(folder=shlex.quote(folder), names=names) if names else ""))
    return result


def check(subject: Subject) -> Iterator[Finding]:
    """What is missing, at the dependencies of the backend."""
    for backend in find_drivers(subject):
        for driver in backend.drivers:
            if driver.state == "declared":
                continue
            rule = MISSING if driver.state == "missing" else INDIRECT
            plugins = ", ".join(driver.plugins[:5]) + (", …" if len(driver.plugins) > 5 else "")
            what = "nothing brings it" if rule is MISSING else f"only {driver.by} brings it"
            file = f"{backend.backend}/package.json"
            line = _line(subject.project.request.root / file)
            yield found(
                rule,
                f"{driver.package} is needed by {plugins}, and {what}",
                Location(file, line, 1 if line else 0),
                path=f"dependencies.{driver.package}",
                backstage=f"fails to load it: Cannot find module '{driver.package}'"
                if rule is MISSING
                else "finds it as long as the package manager puts it where knex looks",
                hint=backend.command,
            )


def _brought(root: Path, folder: str, manifest: dict[str, dict[str, str]], wanted: Iterable[str]) -> dict[str, str]:
    """What is there although the backend's dependencies do not list it, and who brings it."""
    places = (root / folder, root)
    defaults = next((found for place in places if (found := _manifest(place / _MODULES / _DEFAULTS / _PACKAGE))), None)
    brought = dict.fromkeys(BROUGHT if defaults is None else defaults.get("dependencies", {}), _DEFAULTS)
    # An old backend-defaults that lists none of them, and another package that does.
    installed = (name for name in wanted if any((place / _MODULES / name / _PACKAGE).is_file() for place in places))
    brought |= dict.fromkeys((name for name in installed if name not in brought), "another installed package")
    brought |= dict.fromkeys((_manifest(root / _PACKAGE) or {}).get("dependencies", {}), "package.json of the root")
    return brought | dict.fromkeys(
        manifest.get("devDependencies", {}), "devDependencies, which a production build leaves out,"
    )


def _manifest(path: Path) -> dict[str, dict[str, str]] | None:
    """A package.json whose fields that are no mappings count as missing; discovery reports one that is broken."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return {key: item for key, item in value.items() if isinstance(item, dict)} if isinstance(value, dict) else None


def _line(path: Path) -> int:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return next((number for number, line in enumerate(lines, 1) if '"dependencies"' in line), 1)
