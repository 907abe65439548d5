"""The schema of a provider, from the bindings that were generated from it, and a configuration held against it."""

from __future__ import annotations

import re
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

import hcl2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: The published bindings, by provider.
PACKAGES = {
    "aws": "@cdktf/provider-aws@21.22.1",  # hashicorp/aws 6.25.0
    "google": "@cdktf/provider-google@16.12.1",  # hashicorp/google 6.50.0
    "azurerm": "@cdktf/provider-azurerm@14.23.1",  # hashicorp/azurerm 4.55.0
}
#: What Terraform itself reads in every block.
META = {"lifecycle", "depends_on", "count", "for_each", "provider", "provisioner", "connection", "alias"}

_INTERFACE = re.compile(r"^export interface (\w+)(?: extends [^{]+)? \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_ARGUMENT = re.compile(r"\{@link [^ ]+#(\w+) \w+#\w+\}(?:(?!\*/).)*\*/\s+readonly \w+(\??): (\w+|\{)", re.DOTALL)


class Argument(NamedTuple):
    """An argument, or a block where ``block`` is set."""

    required: bool
    block: dict[str, Argument] | None = None


Schema = dict[str, Argument]


def read_bindings(text: str) -> Schema:
    """The schema behind the bindings of one resource (the text of its ``index.d.ts``)."""
    interfaces = dict(_INTERFACE.findall(text))
    (root,) = set(re.findall(r"\bconfig\??: (\w+Config)\b", text)) & set(interfaces)
    return _schema(root, interfaces)


def _schema(name: str, interfaces: dict[str, str]) -> Schema:
    return {
        argument: Argument(not optional, _schema(type_, interfaces) if type_ in interfaces else None)
        for argument, optional, type_ in _ARGUMENT.findall(interfaces[name])
    }


def fetch_bindings(provider: str, names: Iterable[str], folder: Path) -> dict[str, str]:
    """The texts of the bindings ``names`` (``db-instance``), from npm; what was fetched before is in ``folder``.

    Raises:
        RuntimeError: npm cannot get them.
    """
    wanted = {name: folder / PACKAGES[provider].replace("/", "_") / f"{name}.d.ts" for name in names}
    missing = {name for name, path in wanted.items() if not path.is_file()}
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"{PACKAGES[provider].replace('/', '_')}.tgz"
        if not archive.is_file():
            done = subprocess.run(
                ["npm", "pack", "--silent", PACKAGES[provider]], cwd=folder, capture_output=True, text=True, timeout=300
            )
            if done.returncode:
                raise RuntimeError(f"npm pack {PACKAGES[provider]}: {done.stderr[-500:]}")
            (folder / done.stdout.split()[-1]).rename(archive)
        _unpack(archive, {f"package/lib/{name}/index.d.ts": wanted[name] for name in missing})
    return {name: path.read_text() for name, path in wanted.items() if path.is_file()}


def _unpack(archive: Path, members: dict[str, Path]) -> None:
    left = dict(members)
    with tarfile.open(archive, "r|gz") as tar:
        for member in tar:
            if target := left.pop(member.name, None):
                content = tar.extractfile(member)
                assert content is not None
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
            if not left:
                return


# --- configurations ---------------------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A top-level block: ``kind`` (resource, data, provider), its type, its label, what it says."""

    kind: str
    type: str
    label: str
    body: dict[str, Any]

    @property
    def provider(self) -> str:
        """The provider it is of."""
        return self.type.split("_")[0]

    @property
    def binding(self) -> str:
        """The name of its bindings."""
        if self.kind == "provider":
            return "provider"
        rest = self.type.removeprefix(f"{self.provider}_").replace("_", "-")
        return f"data-{self.type.replace('_', '-')}" if self.kind == "data" else rest


def blocks(text: str) -> Iterator[Block]:
    """The resources, data sources and providers of a file."""
    document = hcl2.loads(text)
    for kind in ("resource", "data"):
        for item in document.get(kind, ()):
            for type_, labelled in _labelled(item):
                for label, body in _labelled(labelled):
                    yield Block(kind, type_, label, body)
    for item in document.get("provider", ()):
        for type_, body in _labelled(item):
            yield Block("provider", type_, "", body)


def _labelled(item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in item.items():
        if isinstance(value, dict) and not key.startswith("__"):
            yield key.strip('"'), value


def violations(body: dict[str, Any], schema: Schema, where: str) -> Iterator[str]:
    """What ``body`` says that ``schema`` does not know, and what it does not say although it has to."""
    said: set[str] = set()
    for key, value in body.items():
        name = key.strip('"')
        if name.startswith("__") or name in META:
            continue
        if name == "dynamic":
            for item in value:
                for made, inner in _labelled(item):
                    said.add(made)
                    for content in inner["content"]:
                        yield from _argument(made, [content], schema, where)
            continue
        said.add(name)
        yield from _argument(name, value, schema, where)
    for name, argument in schema.items():
        if argument.required and name not in said:
            yield f"{where} lacks {name}"


def _argument(name: str, value: Any, schema: Schema, where: str) -> Iterator[str]:
    argument = schema.get(name)
    if argument is None:
        yield f"{where}.{name} does not exist"
    elif argument.block is not None and isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict):
                yield from violations(inner, argument.block, f"{where}.{name}")
