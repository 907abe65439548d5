"""What is added and what is installed, compared: packages that are missing, and plugins that nothing adds."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from generator.backstage.repository.packages import split
from generator.problems.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from generator.backstage.repository.entry import Added
    from generator.backstage.repository.packages import Packages
    from generator.backstage.repository.repository import Package
    from generator.problems.diagnostic import Diagnostics


class Installation:
    """Reports the differences between a backend's entry file, its package.json and its installation."""

    def __init__(self, packages: Packages, diagnostics: Diagnostics) -> None:
        self.packages = packages
        self.repository = packages.repository
        self.files = packages.files
        self.diagnostics = diagnostics

    def incomplete(self, backend: Package, added: list[Added]) -> None:
        """Packages that are added but missing: from the installation, or from the backend's dependencies."""
        declared = backend.dependencies(development=True) | self.repository.shared | set(self.repository.packages)
        here = self.files.name(backend.folder)
        for name, location in {
            (package_of(item.brought.specifier), item.location) for item in added if item.brought.specifier is not None
        }:
            if name not in declared and (location.file.startswith(f"{here}/") or here == "."):
                self.diagnostics.warning(
                    "GR808",
                    f"{name} is added, but {here}/package.json does not list it",
                    location,
                    backstage="does not start where it is not installed by chance",
                    hint=shlex.join(("yarn", "--cwd", here, "add", name)),
                )
            elif self.repository.has_backstage(backend.folder) and self.repository.find(name, backend.folder) is None:
                self.diagnostics.warning(
                    "GR808",
                    f"{name} is added, but not installed, unlike other Backstage packages",
                    location,
                    backstage="does not start",
                    hint="yarn install",
                )

    def not_added(self, backend: Package, added: Iterable[str | None], ids: Collection[str]) -> None:
        """Dependencies that are plugins, but that nothing adds: neither the package nor its plugin, by any of ``ids``."""
        if self.packages.is_spent:
            return  # not everything was read: what adds them may be in the rest
        known = set(added)
        for name in sorted(backend.dependencies() - {item for item in known if item}):
            package = self.repository.find(name, backend.folder)
            listed = self.packages.catalogue.get(name)
            is_plugin = package.role == "backend-plugin" if package is not None else listed is not None and listed.is_plugin
            if not is_plugin:
                continue
            plugin_id = listed.plugin_id if listed is not None else package.plugin_id if package is not None else ""
            if plugin_id in ids:
                continue
            self.diagnostics.add(
                Diagnostic(
                    "GR805",
                    Severity.INFO,
                    f"{name} is a dependency of {self.files.name(backend.folder)}, but nothing adds it",
                    self.files.line_of(backend.folder / "package.json", name),
                    hint=f"backend.add(import('{name}')) would start {plugin_id!r}",
                )
            )


def package_of(specifier: str) -> str:
    """The package of ``@scope/name/alpha``."""
    return split(specifier)[0]
