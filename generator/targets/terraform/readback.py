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
from generator.targets.terraform.mysql_kinds import MAKES_DATABASE as MYSQL_DATABASES
from generator.targets.terraform.mysql_kinds import MAKES_USER as MYSQL_USERS
from generator.targets.terraform.pair_kinds import LOGIN, OWNERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.targets.base import Artifact

_MAKES_DATABASE: Final = MYSQL_DATABASES | {
    kind.folder for kind in (DATABASE, OWNERS[DATABASE], DATABASE_OF_ROLE, GROUP_DATABASE, SHARED_DATABASE)
}
_MAKES_ROLE: Final = MYSQL_USERS | {kind.folder for kind in (DATABASE, SCHEMA, ROLE, LOGIN, *OWNERS.values())}
_MAKES_SCHEMA: Final = {kind.folder for kind in (SCHEMA, OWNERS[SCHEMA], SCHEMA_OF_ROLE)}
_REFERENCE: Final = re.compile(r"(?:\$\{)?module\.([A-Za-z0-9_-]+)\.[a-z_]+\}?")
_HOST: Final = re.compile(r"(?:\$\{)?var\.([A-Za-z0-9_-]+)_host\}?")
_ENDPOINT: Final = re.compile(r'"\$\{var\.([A-Za-z0-9_-]+)_host\}:.*"')
_PROVIDER: Final = re.compile(r"(?:\$\{)?[a-z]+\.([A-Za-z0-9_-]+)\}?")
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
    servers = dict(_servers(blocks["provider"]))
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


def _servers(providers: list[tuple[str | None, dict[str, Any]]]) -> Iterator[tuple[tuple[str, str | None], str]]:
    """The server behind each provider configuration, by its engine and alias."""
    for name, body in providers:
        match = _HOST.fullmatch(str(body.get("host", ""))) or _ENDPOINT.fullmatch(str(body.get("endpoint", "")))
        if match and name is not None:
            yield (name, unquote(body["alias"]) if "alias" in body else None), match[1]


def _creates(
    body: dict[str, Any], calls: dict[str, dict[str, Any]], servers: dict[tuple[str, str | None], str]
) -> Iterator[tuple[str, ...]]:
    module = unquote(body["source"]).removeprefix(_SOURCE)
    engine, _, _ = module.partition("-")
    alias = None
    if "providers" in body:
        match = _PROVIDER.fullmatch(str(body["providers"][engine]))
        alias = match[1] if match else None
    server = servers[engine, alias]
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
