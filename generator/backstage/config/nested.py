"""An app-config inside another file: the values of a Helm chart, or a ConfigMap. ``values.yaml#backstage.appConfig``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.config.includes import split_target
from generator.documents.documents import parse_yaml
from generator.documents.values import ConfigList, ConfigMap, Mark
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.problems.diagnostic import Diagnostic

#: How the keys are called that hold an app-config, and how deep charts of charts put them.
_NAMES: Final = frozenset(("appconfig", "app-config", "app_config"))
_DEEPEST: Final = 6
#: What an app-config has at its top.
CONFIG_PARTS: Final = frozenset(("app", "backend"))


class Nested(NamedTuple):
    """What is at a path: ``value``, or ``None`` and the ``problem`` with it at ``place``.

    ``problems`` are those of a text that was read as YAML.
    """

    value: Any = None
    problem: str = ""
    place: Mark | None = None
    problems: tuple[Diagnostic, ...] = ()


def split_config(target: str) -> tuple[str, str]:
    """The file of a ``--config`` and the path inside it. A file whose own name has a ``#`` is itself."""
    if "#" not in target or os.path.exists(target):  # noqa: PTH110 - a path as it is written
        return target, ""
    return split_target(target)


def pick_config(root: Any, path: str, file: str, text: str) -> Nested:
    """The app-config at ``path`` of the document ``root``, whose ``text`` is that of ``file``.

    Keys may have dots of their own (``data.app-config.yaml``). A text there is read as YAML, with places in the outer file.
    """
    value, mark, rest = root, None, path.split(".")
    done: list[str] = []
    while rest:
        if not isinstance(value, ConfigMap):
            return Nested(problem=f"{'.'.join(done)!r} holds no keys", place=mark)
        size = next((size for size in range(len(rest), 0, -1) if ".".join(rest[:size]) in value), 0)
        if not size:
            return Nested(problem=f"there is no {'.'.join([*done, rest[0]])!r} in it", place=mark)
        key = ".".join(rest[:size])
        mark = value.marks.get(key)
        value, rest = value[key], rest[size:]
        done.append(key)
    problems = Diagnostics()
    if isinstance(value, str):
        value = _read(value, mark, file, text, problems)
    if not isinstance(value, ConfigMap):
        return Nested(problem=f"{path!r} holds a value, a list or no YAML", place=mark)
    return Nested(value, problems=tuple(problems))


def find_configs(value: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """The paths of what looks like an app-config inside ``value``: below ``appConfig``, or a file of a ConfigMap."""
    if not isinstance(value, ConfigMap) or depth > _DEEPEST:
        return
    for key, item in value.items():
        at = f"{path}.{key}" if path else str(key)
        is_config = str(key).lower() in _NAMES and isinstance(item, ConfigMap) and CONFIG_PARTS & item.keys()
        if is_config or (path == "data" and _is_file(str(key), item)):
            yield at
        else:
            yield from find_configs(item, at, depth + 1)


def _is_file(key: str, item: Any) -> bool:
    """Whether an entry of a ConfigMap's ``data`` is a file with an app-config."""
    return isinstance(item, str) and key.endswith((".yaml", ".yml")) and any(f"{part}:" in item for part in CONFIG_PARTS)


def _read(text: str, mark: Mark | None, file: str, outer: str, problems: Diagnostics) -> Any:
    """The document in ``text``, with the places of the outer file where the text is a block as it stands there."""
    value = parse_yaml(text, file, Diagnostics()).value
    if mark is None or not isinstance(value, ConfigMap):
        return value
    lines = outer.split("\n")
    block = lines[mark.line :]
    indents = [len(line) - len(line.lstrip(" ")) if line.strip() else None for line in block]
    indent = next((size for size in indents if size is not None), 0)
    end = next((at for at, size in enumerate(indents) if size is not None and size < indent), len(block))
    # The same lines at the same height: the places are those of the outer file.
    found = Diagnostics()
    placed = parse_yaml("\n" * mark.line + "\n".join(block[:end]), file, found).value
    if placed != value:
        return _at(value, mark)
    problems.extend(found)
    return placed


def _at(value: Any, mark: Mark) -> Any:
    """``value`` with everything in it at ``mark``: where a folded or quoted text starts."""
    if isinstance(value, ConfigMap):
        return ConfigMap({key: _at(item, mark) for key, item in value.items()}, dict.fromkeys(value, mark))
    if isinstance(value, ConfigList):
        return ConfigList([_at(item, mark) for item in value], [mark] * len(value))
    return value
