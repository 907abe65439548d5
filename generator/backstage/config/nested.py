"""An app-config inside another file: the values of a Helm chart, or a ConfigMap. ``values.yaml#backstage.appConfig``."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.documents.documents import parse_yaml
from generator.documents.values import ConfigList, ConfigMap, Mark
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from generator.problems.diagnostic import Diagnostic

#: How the keys are called that hold an app-config, and how deep charts of charts put them.
_NAMES: Final = frozenset(("appconfig", "app-config", "app_config"))
_DEEPEST: Final = 6
# A shell takes it as it is: a # inside a word starts no comment.
_PLAIN: Final = re.compile(r"[\w./][\w./#:@%+=-]*", re.ASCII)
# A line of a text that is no line of the file.
_LINE: Final = re.compile(r" \(line \d+\)")
#: What an app-config has at its top.
CONFIG_PARTS: Final = frozenset(("app", "backend"))


class Nested(NamedTuple):
    """What is at a path: ``value``, or ``None`` and the ``problem`` with it at ``place``.

    ``problems`` are those of a text that was read as YAML, ``error`` what npm ``yaml`` would throw for it.
    """

    value: Any = None
    problem: str = ""
    place: Mark | None = None
    problems: tuple[Diagnostic, ...] = ()
    error: str | None = None


def split_config(target: str) -> tuple[str, str]:
    """The file of a ``--config`` and the path inside it. A file or folder whose own name has a ``#`` is itself."""
    if "#" not in target or os.path.exists(target):  # noqa: PTH110 - a path as it is written
        return target, ""
    cuts = [at for at in range(len(target) - 1, -1, -1) if target[at] == "#"]
    cut = next((at for at in cuts if os.path.exists(target[:at]) and not os.path.isdir(target[:at])), cuts[0])  # noqa: PTH110, PTH112
    return target[:cut], target[cut + 1 :]


def config_options(file: str, paths: Iterable[str]) -> str:
    """What to give to greenroom to read what is at ``paths`` of ``file``: options for a shell."""
    import shlex

    targets = [f"{file}#{path}" for path in paths]
    return " or ".join(f"--config {target if _PLAIN.fullmatch(target) else shlex.quote(target)}" for target in targets)


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
    problems: tuple[Diagnostic, ...] = ()
    error = None
    if isinstance(value, str) and mark is not None:
        value, problems, error = _read(value, mark, file, text)
    if not isinstance(value, ConfigMap):
        return Nested(problem=f"{path!r} holds a value or a list, no keys", place=mark, problems=problems, error=error)
    return Nested(value, problems=problems, error=error)


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


def _read(text: str, mark: Mark, file: str, outer: str) -> tuple[Any, tuple[Diagnostic, ...], str | None]:
    """The document in ``text`` and its problems, with the places of the outer file where the text is a block as it stands
    there, and else with ``mark``; and what npm ``yaml`` would throw.
    """
    found = Diagnostics()
    indent = _indent(text, mark, outer)
    # The same lines below one another: only the columns differ from those of the outer file.
    parsed = parse_yaml(text if indent is None else "\n" * mark.line + text, file, found)

    def moved(place: Mark) -> Mark:
        if indent is None:
            return mark
        return Mark(file, place.line, place.column + indent, place.key_line, place.key_column and place.key_column + indent)

    def located(problem: Diagnostic) -> Diagnostic:
        place = problem.location
        if place is None or indent is None:
            return problem._replace(location=mark.location, summary=_LINE.sub("", problem.summary))
        return problem._replace(location=place._replace(column=place.column + indent))

    error = parse_yaml(text, file, Diagnostics()).error if parsed.error is not None else None
    return _moved(parsed.value, moved), tuple(map(located, found)), error


def _indent(text: str, mark: Mark, outer: str) -> int | None:
    """How far the lines of ``text`` are indented in ``outer``, below ``mark``; ``None`` where they do not stand there."""
    lines = text.rstrip("\n").split("\n")
    block = [line.removesuffix("\r") for line in outer.split("\n")[mark.line : mark.line + len(lines)]]
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    if first is None or len(block) < len(lines) or not block[first].endswith(lines[first]):
        return None
    before = block[first][: len(block[first]) - len(lines[first])]
    same = all(
        there == before + line or not (there.strip() or line.strip()) for there, line in zip(block, lines, strict=True)
    )
    return len(before) if same and not before.strip(" ") else None


def _moved(value: Any, moved: Callable[[Mark], Mark]) -> Any:
    """A copy of ``value`` with other places."""
    if isinstance(value, ConfigMap):
        marks = {key: moved(mark) for key, mark in value.marks.items()}
        return ConfigMap({key: _moved(item, moved) for key, item in value.items()}, marks)
    if isinstance(value, ConfigList):
        return ConfigList([_moved(item, moved) for item in value], [moved(mark) for mark in value.marks])
    return value
