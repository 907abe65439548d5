"""What becomes of values when files are merged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from generator.backstage.config.reader import ConfigError, ConfigReader
from generator.documents.values import UNDEFINED, ConfigMap, Placeholder
from generator.lint.model import ERROR, WARNING, Rule, found
from generator.lint.subject import ROOT, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Subject
    from generator.problems.diagnostic import Location

_READER = "config: reader.ts (ConfigReader merges layers)"

MERGE_KEY: Final = Rule(
    "GR070",
    "merge-key",
    ERROR,
    "`<<` is not expanded: it is an ordinary key.",
    "config-loader reads YAML 1.2 (npm yaml, merge: false)",
)
EMPTY: Final = Rule(
    "GR071", "empty-value-deletes", WARNING, "A key without a value deletes what an earlier file says.", f"{_READER}: null"
)
REPLACED: Final = Rule(
    "GR072", "string-replaces-object", WARNING, "A connection string replaces the whole object of an earlier file.", _READER
)
FILE_NEEDED: Final = Rule(
    "GR073",
    "file-needed-although-replaced",
    WARNING,
    "A missing $file stops the start, even where a later file replaces the value.",
    "config-loader: transform/include.ts",
)
RULES: Final = (MERGE_KEY, EMPTY, REPLACED, FILE_NEEDED)

_WRITTEN_NULL = re.compile(r"null|Null|NULL|~")
_KEPT_BY_A_STRING = {"user", "password", "host", "port", "database", "application_name"}


def check(subject: Subject) -> Iterator[Finding]:
    """The layers one by one, each over what lies below it."""
    layers = subject.project.config.layers
    yield from _merge_keys(subject)
    for index in range(1, len(layers)):
        below = ConfigReader.from_layers((layer.data, layer.context) for layer in layers[:index])
        try:
            before = below.get_optional(ROOT)
        except ConfigError:
            continue
        over, place = _at(layers[index].data, ROOT)
        if over is None and place is not None and before is not UNDEFINED:
            yield from _deleted(subject, ROOT, place)
        elif isinstance(over, ConfigMap) and isinstance(before, ConfigMap):
            yield from _compare(subject, over, before, ROOT)


def _compare(subject: Subject, over: ConfigMap, before: ConfigMap, path: str) -> Iterator[Finding]:
    for key, value in over.items():
        old, place = before.get(key, UNDEFINED), over.locate(key)
        if old is UNDEFINED:
            continue
        if value is None:
            yield from _deleted(subject, f"{path}.{key}", place)
        elif isinstance(old, Placeholder) and old.is_file:
            yield _file_needed(f"{path}.{key}", before.locate(key), str(old))
        elif isinstance(value, ConfigMap) and isinstance(old, ConfigMap):
            yield from _compare(subject, value, old, f"{path}.{key}")
        elif key == "connection" and isinstance(value, str) and isinstance(old, ConfigMap):
            lost = sorted(old.keys() - _KEPT_BY_A_STRING)
            lost = [name for name in lost if not (name == "ssl" and "ssl" in value)]
            if lost:
                yield found(
                    REPLACED,
                    f"this string drops {', '.join(lost)} of the connection in an earlier file",
                    place,
                    path=f"{path}.{key}",
                    backstage="replaces an object by a string as a whole; only objects are merged",
                    hint="write the keys that change as an object, or say in the string what is lost",
                )
        elif isinstance(old, ConfigMap):
            for inner, _, item, holder in walk(old, f"{path}.{key}"):
                if isinstance(item, Placeholder) and item.is_file:
                    yield _file_needed(inner, holder.locate(inner.rpartition(".")[2]), str(item))


def _deleted(subject: Subject, path: str, place: Location | None) -> Iterator[Finding]:
    # `null` written out is how an overlay removes something; a key with nothing behind it is mostly left over.
    if place is None or place.line == 0 or _WRITTEN_NULL.match(subject.texts.rest_of_line(place)):
        return
    yield found(
        EMPTY,
        "a key without a value deletes what an earlier file says there",
        place,
        path=path,
        backstage="reads it as null, which removes the value",
        hint="remove the key, or write null if that is what you want",
    )


def _file_needed(path: str, place: Location | None, name: str) -> Finding:
    return found(
        FILE_NEEDED,
        f"{name} is not there, and it is read although a later file replaces this value",
        place,
        path=path,
        backstage="fails to start when the file is missing",
        hint="put the file where Backstage runs, or move $file into the files of the environments that have it",
    )


def _merge_keys(subject: Subject) -> Iterator[Finding]:
    for layer in subject.project.config.layers:
        data: Any = layer.data
        for step in (*ROOT.split("."), None):
            if not isinstance(data, ConfigMap):
                break
            if step is not None:
                value = data.get("<<")
                if isinstance(value, ConfigMap) and step in value:
                    yield _merge_key(data, "<<")
                data = data.get(step)
        for path, key, _, holder in walk(data, ROOT):
            if key == "<<" and ".<<." not in path:
                yield _merge_key(holder, path)


def _merge_key(holder: ConfigMap, path: str) -> Finding:
    return found(
        MERGE_KEY,
        "`<<` merges nothing: what it names is not part of this mapping",
        holder.locate_key("<<"),
        path=path,
        backstage="reads YAML 1.2, in which << is a key like any other",
        hint="write the values out, or put them into a file and use $include",
    )


def _at(data: Any, path: str) -> tuple[Any, Location | None]:
    """The value at ``path`` of one layer and where it was written; ``UNDEFINED`` when it is not there."""
    place = None
    for key in path.split("."):
        if data is None:
            return None, place
        if not isinstance(data, ConfigMap) or key not in data:
            return UNDEFINED, None
        place, data = data.locate(key), data[key]
    return data, place
