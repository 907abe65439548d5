"""The plugins that ``dynamic-plugins.yaml`` of Red Hat Developer Hub loads, with the files it includes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.backstage.repository.catalogue import Catalogue, flat_name
from generator.backstage.repository.kinds import Kind
from generator.backstage.repository.model import Source
from generator.backstage.repository.packages import Brought
from generator.backstage.repository.places import LISTS
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.backstage.repository.files import Files
    from generator.backstage.repository.packages import Packages

DEFAULTS = "dynamic-plugins.default.yaml"

_DEPTH = 5
_VERSION = re.compile(r"(?<=.)@[^/@]*$")
_KNOWN_PARENTS = (
    "catalog",
    "scaffolder",
    "search",
    "auth",
    "events",
    "permission",
    "notifications",
    "techdocs",
    "kubernetes",
)
_FLAT = re.compile(r"^(?:.+?-)??(?:backstage-)?plugin-(?P<id>.+?)-backend(?P<module>-module(?:-.+)?)?$")
_FLAT_MODULE = re.compile(rf"(?:^|-)(?P<id>{'|'.join(_KNOWN_PARENTS)})-backend-module(?:-|$)")


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of ``plugins``; ``disabled`` after later files had their say."""

    package: str
    disabled: bool
    location: Location


class DynamicPlugins:
    """Reads the lists. Later rows replace earlier ones of the same package, as the installer does."""

    def __init__(self, packages: Packages) -> None:
        self.packages = packages
        self.files: Files = packages.files
        self.found: list[str] = []

    def read(self, *, defaults: bool) -> list[tuple[Brought, Location]]:
        """What the lists bring. ``defaults``: the default list counts also where nothing includes it."""
        path = next((self.files.root / name for name in LISTS if self.files.is_file(self.files.root / name)), None)
        if path is None and defaults and self.files.is_file(self.files.root / DEFAULTS):
            path = self.files.root / DEFAULTS
        if path is None:
            return []
        rows: dict[str, Row] = {}
        self._file(path, rows, [])
        return [(item, row.location) for row in rows.values() if not row.disabled for item in self._row(row)]

    def _file(self, path: Path, rows: dict[str, Row], chain: list[Path]) -> None:
        if path in chain or len(chain) > _DEPTH:
            self._problem(Location(self.files.name(path)), "includes itself")
            return
        self.found.append(self.files.name(path))
        top = self._compose(path)
        if top is None:
            return
        name = self.files.name(path)
        for include, line in _strings(top.get("includes")):
            target = path.parent / include
            if self.files.is_file(target):
                self._file(target, rows, [*chain, path])
            else:
                self._problem(
                    Location(name, line, 1),
                    f"includes {include}, which is not in this repository: the plugins it enables are not known",
                    hint="copy it out of the image beside this file, or name its plugins under plugins.include",
                )
        plugins = top.get("plugins")
        if plugins is None:
            return
        if plugins.id != "sequence":
            self._problem(Location(name, plugins.start_mark.line + 1, 1), "`plugins` is not a list")
            return
        for node in plugins.value:
            row = self._entry(node, name)
            if row is not None:
                rows[_key(row.package)] = row

    def _compose(self, path: Path) -> dict[str, Any] | None:
        """The top-level keys of a YAML file, as nodes that know their lines."""
        import yaml

        text = self.files.read(path)
        if text is None:
            return None
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            node = yaml.compose(text, Loader=loader)
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
            problem = getattr(error, "problem", None) or "nested too deeply"
            self._problem(Location(self.files.name(path), line, column), f"is not valid YAML: {problem}")
            return None
        root: Any = node
        if root is None:
            return {}
        if root.id != "mapping":
            self._problem(Location(self.files.name(path), 1, 1), "is not a mapping with `plugins`")
            return None
        return {key.value: value for key, value in root.value if key.id == "scalar"}

    def _entry(self, node: Any, name: str) -> Row | None:
        location = Location(name, node.start_mark.line + 1, node.start_mark.column + 1)
        if node.id != "mapping":
            self._problem(location, "an entry of `plugins` has to be a mapping with `package`")
            return None
        fields = {key.value: value for key, value in node.value if key.id == "scalar"}
        package = fields.get("package")
        if package is None or package.id != "scalar" or not package.value:
            self._problem(location, "this entry has no `package`")
            return None
        disabled = fields.get("disabled")
        off = disabled is not None and disabled.id == "scalar" and str(disabled.value).lower() in ("true", "yes", "on")
        return Row(package.value, off, Location(name, package.start_mark.line + 1, package.start_mark.column + 1))

    def _problem(self, location: Location, summary: str, *, hint: str = "") -> None:
        self.files.diagnostics.warning("GR810", summary, location, hint=hint)

    def _row(self, row: Row) -> Iterator[Brought]:
        """The plugin behind a row; frontend plugins bring nothing."""
        text = row.package
        if text.startswith(("./local-plugins", "./plugins", "../")) or (
            text.startswith("./") and "dynamic-plugins/dist" not in text
        ):
            yield from self._local(text)
            return
        name = dynamic_name(text)
        if name is None:
            yield Brought(Kind.UNKNOWN, package=text, reason=f"{text} does not say which package it is")
            return
        yield from self._named(name, is_npm=name.startswith("@") or not text.startswith(("./", "oci://")))

    def _local(self, text: str) -> Iterator[Brought]:
        folder = (self.files.root / text).resolve()
        manifest = self.files.package_json(folder / "package.json")
        name = manifest.get("name") if manifest is not None else None
        if isinstance(name, str):
            found = self.packages.package(name, "default", folder.parent)
            if all(item.kind is not Kind.UNKNOWN for item in found):
                yield from found
                return
        yield from self._named(folder.name.removesuffix("-dynamic"), is_npm=False)

    def _named(self, name: str, *, is_npm: bool) -> Iterator[Brought]:
        catalogue = Catalogue.load()
        listed = catalogue.get(name) or catalogue.by_flat_name(flat_name(name))
        if listed is not None:
            kind = Kind.PLUGIN if listed.is_plugin else Kind.MODULE
            yield Brought(kind, listed.plugin_id, listed.package, Source.CATALOGUE)
            return
        if is_npm and self.packages.repository.find(name, self.files.root) is not None:
            yield from self.packages.package(name, "default", self.files.root)
            return
        flat = flat_name(name)
        module, plugin = _FLAT_MODULE.search(flat), _FLAT.match(flat)
        if module is not None:
            yield Brought(Kind.MODULE, module["id"], name, Source.NAME, guessed=True)
        elif plugin is not None:
            kind = Kind.MODULE if plugin["module"] else Kind.PLUGIN
            yield Brought(kind, plugin["id"], name, Source.NAME, guessed=True)
        elif "backend" in flat:
            yield Brought(Kind.UNKNOWN, package=name, reason=f"{name} is not in the catalogue: its plugin id is not known")


def dynamic_name(package: str) -> str | None:
    """The package a row names: an npm name, or a wrapped package's flat name (``backstage-plugin-techdocs-backend``)."""
    text = package.strip()
    if text.startswith("oci://"):
        image, _, inside = text.partition("!")
        name = inside or image.rsplit("/", 1)[-1].split("@", 1)[0].split(":", 1)[0]
    elif text.startswith("./"):
        name = text.rstrip("/").rsplit("/", 1)[-1]
    elif "://" in text or text.endswith((".tgz", ".tar.gz")):
        name = re.sub(r"(?:-v?\d+(?:\.\d+)*[\w.+-]*)?\.(?:tgz|tar\.gz)$", "", text.rsplit("/", 1)[-1].split("#", 1)[0])
    else:
        name = _VERSION.sub("", text)
    return name.removesuffix("-dynamic") or None


def _key(package: str) -> str:
    """What makes two rows the same package: versions, tags and digests do not count."""
    text = package.strip()
    if text.startswith("oci://"):
        image, mark, inside = text.partition("!")
        folder, _, last = image.rpartition("/")
        return f"{folder}/{last.split('@', 1)[0].split(':', 1)[0]}{mark}{inside}"
    return text if text.startswith("./") or "://" in text else _VERSION.sub("", text)


def _strings(node: Any) -> Iterator[tuple[str, int]]:
    if node is not None and node.id == "sequence":
        for item in node.value:
            if item.id == "scalar" and item.value:
                yield item.value, item.start_mark.line + 1
