"""The page docs/settings.md, made from the JSON Schema of greenroom.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(__file__).resolve().parent.parent / "schemas" / "settings.schema.json"

_HEAD = """# greenroom.yaml

{description} `greenroom init` writes a first file with what it finds, and every other key as a comment.

This page is made from the [JSON Schema](../schemas/settings.schema.json), which `greenroom schema settings` prints. Editors
use it when the file begins with the line that `init` writes: `# yaml-language-server: $schema=…`. A key that is not here is
an error.

"""


def _resolved(entry: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """An entry with what its ``$ref`` leads to."""
    if "$ref" not in entry:
        return entry
    return schema["$defs"][entry["$ref"].rpartition("/")[2]] | {key: value for key, value in entry.items() if key != "$ref"}


def _entries(entry: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The keys below an entry, each with its path: ``servers.NAME.kind``."""
    below = {f"{path}{key}": value for key, value in entry.get("properties", {}).items()}
    for more, name in (("additionalProperties", "NAME"), ("items", "[]")):
        inner = entry.get(more)
        inner = _resolved(inner, schema) if isinstance(inner, dict) else {}
        if "properties" in inner:
            prefix = f"{path}{name}." if name == "NAME" else f"{path.removesuffix('.')}{name}."
            below |= {f"{prefix}{key}": value for key, value in inner["properties"].items()}
    for key, value in below.items():
        if str(value.get("$ref", "")).startswith("#/properties/"):
            continue  # a key that is described where it is shared
        found = _resolved(value, schema)
        yield key, found
        yield from _entries(found, schema, f"{key}.")


def _values(entry: dict[str, Any]) -> str:
    """What may be written: a choice, or a type in words."""
    if "enum" in entry:
        return ", ".join(f"`{item}`" for item in entry["enum"])
    if "const" in entry:
        return f"`{entry['const']}`"
    kind = entry.get("type", "object")
    name = " or ".join(kind) if isinstance(kind, list) else kind
    if kind == "array":
        inner = entry.get("items", {})
        return "list of objects" if inner.get("type") == "object" else "list of strings"
    return {"object": "object"}.get(name, name)


def page() -> str:
    """The text of the page."""
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    parts = [_HEAD.format(description=schema["description"])]
    for path, entry in _entries(schema, schema, ""):
        if path == "$schema":
            continue
        level = "##" if "." not in path else "###"
        parts.append(f"{level} `{path}`\n\n")
        if text := entry.get("description"):
            parts.append(f"{text}\n\n")
        facts = [f"- Value: {_values(entry)}"]
        if "default" in entry:
            default = entry["default"]
            facts.append(f"- Default: `{default if isinstance(default, str) else json.dumps(default)}`")
        facts += [f"- Example: `{path.rpartition('.')[2]}: {json.dumps(item)}`" for item in entry.get("examples", [])]
        parts.append("\n".join(facts) + "\n\n")
    return "".join(parts).rstrip() + "\n"
