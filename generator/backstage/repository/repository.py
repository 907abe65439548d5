"""The packages of a repository: workspaces, backends, and what is installed for them."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.backstage.repository.files import Files

#: How many folders below the root a workspace package may lie.
_DEPTH = 4
_SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
#: Packages that only a program which starts a backend depends on.
_HOSTS = frozenset({"@backstage/backend-defaults", "@backstage/backend-common", "@backstage/backend-app-api"})


@dataclass(frozen=True, slots=True)
class Package:
    """A package with its folder and its ``package.json``. ``local``: its sources are part of the repository."""

    folder: Path
    manifest: dict[str, Any]
    local: bool

    @property
    def name(self) -> str:
        """The npm name; the folder's name where there is none."""
        name = self.manifest.get("name")
        return name if isinstance(name, str) and name else self.folder.name

    @property
    def version(self) -> str | None:
        """The version in its ``package.json``."""
        version = self.manifest.get("version")
        return version if isinstance(version, str) else None

    @property
    def role(self) -> str:
        """``backstage.role``, empty where there is none."""
        return self._metadata("role")

    @property
    def plugin_id(self) -> str:
        """``backstage.pluginId``, empty where there is none."""
        return self._metadata("pluginId")

    def _metadata(self, key: str) -> str:
        metadata = self.manifest.get("backstage")
        value = metadata.get(key) if isinstance(metadata, dict) else None
        return value if isinstance(value, str) else ""

    def dependencies(self, *, development: bool = False) -> set[str]:
        """The names of what it depends on."""
        names: set[str] = set()
        for key in ("dependencies", "optionalDependencies", *(("devDependencies",) if development else ())):
            listed = self.manifest.get(key)
            if isinstance(listed, dict):
                names.update(name for name in listed if isinstance(name, str))
        return names


class Repository:
    """A folder with a ``package.json`` and the packages its workspaces list."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.packages: dict[str, Package] = {}
        self._installed: dict[tuple[Path, str], Package | None] = {}
        for folder in self._workspace_folders():
            manifest = files.package_json(folder / "package.json")
            if manifest is not None:
                package = Package(folder, manifest, local=True)
                # Without a name nobody can import it, but it may still be the backend.
                self.packages.setdefault(package.name if manifest.get("name") else f"./{files.name(folder)}", package)

        manifest = files.package_json(files.root / "package.json")
        #: What the root depends on is there for every workspace.
        self.shared = Package(files.root, manifest, local=True).dependencies(development=True) if manifest else set()

    def _workspace_folders(self) -> Iterator[Path]:
        root = self.files.root
        yield root
        patterns = self._patterns() or ["packages/*", "plugins/*"]
        wanted = [_normal(pattern) for pattern in patterns if not pattern.startswith("!")]
        unwanted = [_normal(pattern[1:]) for pattern in patterns if pattern.startswith("!")]
        depth = max((_DEPTH if "**" in pattern else pattern.count("/") + 1 for pattern in wanted), default=1)
        for folder in self.files.folders(root, min(depth, 2 * _DEPTH)):
            name = self.files.name(folder)
            if any(_matches(name, pattern) for pattern in wanted) and not any(_matches(name, item) for item in unwanted):
                yield folder

    def _patterns(self) -> list[str]:
        """The workspaces of npm and yarn (``package.json``) and of pnpm; of lerna where there are none: its file repeats
        them otherwise, and need not be JSON.
        """
        return self._listed("package.json", "workspaces") + self._pnpm() or self._listed("lerna.json", "packages")

    def _listed(self, name: str, key: str) -> list[str]:
        listed = (self.files.package_json(self.files.root / name) or {}).get(key)
        if isinstance(listed, dict):
            listed = listed.get("packages")
        return [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []

    def _pnpm(self) -> list[str]:
        """``packages`` of pnpm-workspace.yaml; the file may be as odd as it likes."""
        path = self.files.root / "pnpm-workspace.yaml"
        text = self.files.read(path)
        if text is None:
            return []
        import yaml

        try:
            root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            self.files.problem(path, "is not valid YAML", *((mark.line + 1, mark.column + 1) if mark is not None else ()))
            return []
        pairs = root.value if isinstance(root, yaml.MappingNode) else []
        listed = next((value for key, value in pairs if key.value == "packages"), None)
        items = listed.value if isinstance(listed, yaml.SequenceNode) else []
        return [item.value for item in items if isinstance(item, yaml.ScalarNode)]

    def backends(self) -> list[Package]:
        """The packages that start a backend, sorted by folder."""
        return sorted(
            (package for package in self.packages.values() if self._is_backend(package)),
            key=lambda package: self.files.name(package.folder),
        )

    def _is_backend(self, package: Package) -> bool:
        if package.role:
            return package.role == "backend"
        # Before roles (2022) the template called it packages/backend.
        named = package.folder.name.startswith("backend") or package.name in ("backend", "@internal/backend")
        return bool(package.dependencies() & _HOSTS) and (
            (named or package.folder == self.files.root) and self.entry(package) is not None
        )

    def entry(self, package: Package) -> Path | None:
        """The file a backend package starts with: its ``main`` where that is a source, else ``src/index.*``."""
        return self.source_of(package, ".")

    def source_of(self, package: Package, subpath: str) -> Path | None:
        """The source file behind ``package`` (``.``) or ``package/alpha`` (``./alpha``)."""
        candidates = list(_targets(package.manifest.get("exports"), subpath))
        if subpath == ".":
            candidates += [package.manifest.get(key) for key in ("main", "module", "types")]
        for candidate in candidates:
            # A local package is read as it was written, not as it was built last.
            if isinstance(candidate, str) and not (package.local and "dist" in Path(candidate).parts):
                found = self.file(package.folder / candidate)
                if found is not None and found.suffix in _SUFFIXES and ".d." not in found.name:
                    return found
        stem = "index" if subpath == "." else subpath.removeprefix("./")
        return self.file(package.folder / "src" / stem) or self.file(package.folder / stem)

    def file(self, path: Path) -> Path | None:
        """What an import of ``path`` loads: the file itself, with a suffix, or the index of the folder."""
        if path.suffix and self.files.is_file(path):
            return path
        stems = [path]
        if path.suffix in (".js", ".mjs", ".cjs", ".jsx"):  # TypeScript writes the suffix of the output
            stems.append(path.with_suffix(""))
        for stem in stems:
            for suffix in _SUFFIXES:
                found = stem.with_name(stem.name + suffix)
                if self.files.is_file(found):
                    return found
        for suffix in _SUFFIXES:
            if self.files.is_file(path / f"index{suffix}"):
                return path / f"index{suffix}"
        return None

    def find(self, name: str, near: Path) -> Package | None:
        """The package an import of ``name`` in folder ``near`` loads: of the workspace, else as installed."""
        return self.packages.get(name) or self.installed(name, near)

    def installed(self, name: str, near: Path) -> Package | None:
        """The package in the nearest ``node_modules`` of ``near`` and the folders around it."""
        if not re.fullmatch(r"(@[\w.~-]+/)?[\w.~-]+", name) or ".." in name:
            return None
        key = (near, name)
        if key not in self._installed:
            self._installed[key] = self._search(name, near)
        return self._installed[key]

    def _search(self, name: str, near: Path) -> Package | None:
        for folder in (near, *near.parents):
            if folder != self.files.root and self.files.root not in folder.parents:
                return None
            place = folder / "node_modules" / name
            manifest = self.files.package_json(place / "package.json")
            if manifest is not None:
                return Package(place, manifest, local=False)
        return None

    def has_modules(self, near: Path, name: str = "") -> bool:
        """Whether anything (or anything below ``name``) is installed for ``near``."""
        folders = [folder for folder in (near, *near.parents) if self.files.root in (folder, *folder.parents)]
        return any(self.files.is_folder(folder / "node_modules" / name) for folder in folders)

    def has_backstage(self, near: Path) -> bool:
        """Whether packages of Backstage are installed for ``near``."""
        return self.has_modules(near, "@backstage")


def _normal(pattern: str) -> str:
    return pattern.strip().removeprefix("./").rstrip("/")


def _matches(name: str, pattern: str) -> bool:
    """npm's globs: ``*`` stays within a folder, ``**`` does not."""
    if "**" in pattern:
        return fnmatch.fnmatchcase(name, pattern.replace("**/", "*").replace("**", "*"))
    return name.count("/") == pattern.count("/") and all(
        fnmatch.fnmatchcase(part, glob) for part, glob in zip(name.split("/"), pattern.split("/"), strict=True)
    )


def _targets(exports: Any, subpath: str) -> Iterator[Any]:
    """The files an ``exports`` field names for a subpath, whatever the condition."""
    if isinstance(exports, str):
        if subpath == ".":
            yield exports
    elif isinstance(exports, dict):
        target = exports.get(subpath)
        if target is None and subpath == "." and not any(key.startswith(".") for key in exports):
            target = exports
        yield from _conditions(target)


def _conditions(target: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(target, str):
        yield target
    elif isinstance(target, dict) and depth < 5:
        for value in target.values():
            yield from _conditions(value, depth + 1)
