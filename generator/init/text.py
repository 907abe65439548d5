"""A commented settings file from the JSON Schema of the settings: nothing is said here that the schema says already."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

from generator.output.layout import DEFAULT_OUT
from generator.settings.target_keys import target_key
from generator.targets import TARGETS
from generator.targets.text.yaml import yaml_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from generator.targets import TargetEntry

_WIDTH: Final = 110

Schema = dict[str, Any]


def settings_text(
    schema: Schema,
    values: Mapping[str, Any],
    notes: Mapping[str, Sequence[str]],
    head: Sequence[str],
) -> str:
    """The text of a settings file: every key of ``schema`` with its description; ``values`` are set, the rest is commented
    out with its default (or an example).

    Args:
        values: what is set, nested as in the file.
        notes: what was found, by dotted path; stands below the description.
        head: the first lines of the file.
    """
    writer = _Writer(schema, notes)
    editors = f"# yaml-language-server: $schema={schema['$id']}"
    blocks = ["\n".join([editors, *(line for text in head for line in _comment(text, ""))])]
    for name, entry in schema["properties"].items():
        if name == "$schema":
            continue  # the first line says it, in the way that leaves the file free of it
        blocks.append("\n".join(writer.entry(name, writer.resolved(entry), values, "", 0)))
    return "\n\n".join(blocks) + "\n"


class _Writer:
    def __init__(self, schema: Schema, notes: Mapping[str, Sequence[str]]) -> None:
        self.schema = schema
        self.notes = notes
        #: Where the targets go that the settings do not mention.
        self.places = {f"targets.{target_key(name)}": default_place(entry) for name, entry in TARGETS.items()}

    def resolved(self, entry: Schema) -> Schema:
        """``entry`` with what its ``$ref`` points at."""
        name = entry.get("$ref", "").removeprefix("#/$defs/")
        return {**self.schema["$defs"][name], **entry} if name else entry

    def entry(self, name: str, entry: Schema, values: Mapping[str, Any], prefix: str, depth: int) -> Iterator[str]:
        """The lines of one key."""
        path, indent = f"{prefix}{name}", "  " * depth
        for text in (entry.get("description", ""), *self.notes.get(path, ())):
            yield from _comment(text, indent)
        if name in values:
            yield from self._set(name, entry, values[name], path, depth)
        else:
            # The sign stands where the key would: what a reader removes it from is in its place.
            for line in self._unset(name, entry, path, depth):
                yield f"{indent}#{line.removeprefix(indent)}"

    def _set(self, name: str, entry: Schema, value: Any, path: str, depth: int) -> Iterator[str]:
        indent = "  " * depth
        if not isinstance(value, dict):
            yield f"{indent}{name}: {yaml_value(value)}"
        elif "properties" in entry:
            yield f"{indent}{name}:"
            only = entry.get("maxProperties") == len(value)
            for child, schema in entry["properties"].items():
                if child in value or not only:
                    yield from self.entry(child, self.resolved(schema), value, f"{path}.", depth + 1)
        else:
            items = self.resolved(entry.get("additionalProperties") or {})
            for child, schema in items.get("properties", {}).items():
                yield from _comment(f"{child}: {schema.get('description', '')}", indent)
            yield f"{indent}{name}:"
            for child, item in value.items():
                for note in self.notes.get(f"{path}.{child}", ()):
                    yield from _comment(note, f"{indent}  ")
                yield f"{indent}  {child}: {yaml_value(item)}"

    def _unset(self, name: str, entry: Schema, path: str, depth: int) -> Iterator[str]:
        """The lines of a key that is commented out, without the sign of a comment in front."""
        indent = "  " * depth
        properties: Schema = entry.get("properties", {})
        if path in self.places and set(properties) == {"path"}:
            yield f"{indent}{name}: {yaml_value({'path': self.places[path]})}"
        elif properties:
            yield f"{indent}{name}:"
            for child, schema in list(properties.items())[: entry.get("maxProperties")]:
                inner = "  " * (depth + 1)
                for text in (schema.get("description", ""), *self.notes.get(f"{path}.{child}", ())):
                    yield from _comment(text, inner)
                if child == "path" and path in self.places:
                    yield f"{inner}path: {yaml_value(self.places[path])}"
                else:
                    yield from self._unset(child, self.resolved(schema), f"{path}.{child}", depth + 1)
        else:
            yield f"{indent}{name}: {yaml_value(example(entry))}"


def default_place(target: TargetEntry, format_: str = "") -> str:
    """Where the output of ``target`` goes beside settings that do not mention it, in that format if it has several."""
    return f"{DEFAULT_OUT}/{target.path_for({'format': format_})}"


def _comment(text: str, indent: str) -> Iterator[str]:
    # What was found may hold anything, and nothing may end the comment.
    shown = "".join(character if character.isprintable() else " " for character in text)
    for line in textwrap.wrap(shown, _WIDTH - len(indent), break_on_hyphens=False, break_long_words=False):
        yield f"{indent}# {line}"


def example(entry: Schema) -> Any:
    """The value a reader sees for a key that is not set: its default, else an example."""
    if "default" in entry:
        return entry["default"]
    if entry.get("examples"):
        return entry["examples"][0]
    if "enum" in entry:
        return entry["enum"][0]
    return {"array": [], "object": {}, "integer": entry.get("minimum", 0), "boolean": False}.get(entry.get("type", ""))
