"""What a rendered configuration creates, read with a real HCL parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from generator.targets.terraform.escaping import unquote
from generator.targets.terraform.kinds import (
    BASE_ROLE,
    DATABASE,
    DATABASE_OF_ROLE,
    GROUP_DATABASE,
    ROLE,
    SCHEMA,
    SCHEMA_OF_ROLE,
    SHARED_DATABASE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.targets.base import Artifact

_MAKES_DATABASE: Final = {kind.folder for kind in (DATABASE, DATABASE_OF_ROLE, GROUP_DATABASE, SHARED_DATABASE)}
_MAKES_ROLE: Final = {kind.folder for kind in (DATABASE, SCHEMA, ROLE)}
_MAKES_SCHEMA: Final = {kind.folder for kind in (SCHEMA, SCHEMA_OF_ROLE)}
_REFERENCE: Final = re.compile(r"(?:\$\{)?module\.([A-Za-z0-9_-]+)\.[a-z_]+\}?")
_HOST: Final = re.compile(r"(?:\$\{)?var\.([A-Za-z0-9_-]+)_host\}?")
_SOURCE: Final = "./modules/"


def read_back(artifacts: list[Artifact]) -> set[tuple[str, ...]]:
    """The databases, roles and schemas the root module's calls create. A group role counts as a role.

    Raises:
        ValueError: a call cannot be understood; a file that is not HCL is one as well.
    """
    blocks: dict[str, list[tuple[str | None, dict[str, Any]]]] = {"module": [], "provider": []}
    for artifact in artifacts:
        folder, _, name = artifact.path.rpartition("/")
        if folder == "databases" and name.endswith(".tf"):
            for kind, label, body in _blocks(artifact):
                if kind in blocks:
                    blocks[kind].append((label, body))
    servers = dict(_servers([body for _, body in blocks["provider"]]))
    calls = {label: body for label, body in blocks["module"] if label is not None}
    if len(calls) != len(blocks["module"]):
        raise ValueError("two modules have the same name")
    return {found for body in calls.values() for found in _creates(body, calls, servers)}


def _blocks(artifact: Artifact) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    import hcl2

    try:
        document: dict[str, Any] = hcl2.loads(artifact.text)
    except Exception as error:  # lark raises several unrelated classes
        raise ValueError(f"{artifact.path} is not HCL: {type(error).__name__}") from error
    for kind, found in document.items():
        for block in found if isinstance(found, list) else ():
            label = next((key for key, value in block.items() if isinstance(value, dict) and key.startswith('"')), None)
            yield (kind, unquote(label), block[label]) if label else (kind, None, block)


def _servers(providers: list[dict[str, Any]]) -> Iterator[tuple[str | None, str]]:
    for body in providers:
        match = _HOST.fullmatch(str(body.get("host", "")))
        if match:
            yield (unquote(body["alias"]) if "alias" in body else None), match[1]


def _creates(
    body: dict[str, Any], calls: dict[str, dict[str, Any]], servers: dict[str | None, str]
) -> Iterator[tuple[str, ...]]:
    module = unquote(body["source"]).removeprefix(_SOURCE)
    alias = None
    if "providers" in body:
        alias = re.sub(r"^(?:\$\{)?postgresql\.|\}$", "", str(body["providers"]["postgresql"]))
    server = servers[alias]
    if module in _MAKES_DATABASE:
        yield "database", server, unquote(body["database"])
    if module in _MAKES_ROLE:
        yield "role", server, unquote(body["role"])
    if module in (BASE_ROLE.folder, GROUP_DATABASE.folder):
        yield "role", server, unquote(body["group_name"])
    if module in _MAKES_SCHEMA:
        yield "schema", server, _database(body["database"], calls), unquote(body["schema"])


def _database(value: str, calls: dict[str, dict[str, Any]]) -> str:
    match = _REFERENCE.fullmatch(value)
    return unquote(calls[match[1]]["database"] if match else value)
