"""What a user's own Terraform file declares, with lines. python-hcl2 takes long to import: only this needs it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from generator.problems.diagnostic import Location
from generator.problems.paths import shown
from generator.targets.terraform.neighbours.model import ADDRESSED, LABELLED, Declared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.problems.diagnostic import Diagnostics

_HINT: Final = "correct it, or move it out of the folder: Terraform reads every file in there"
_HEADER: Final = re.compile(r'^[ \t]*([\w-]+)((?:[ \t]+"?[\w-]+"?)*)[ \t]*\{', re.MULTILINE)
_ARGUMENT: Final = re.compile(r"^[ \t]*([\w-]+)[ \t]*=", re.MULTILINE)


class _SyntaxError(ValueError):
    def __init__(self, line: int, column: int) -> None:
        super().__init__("not HCL")
        self.line, self.column = line, column


def read_declared(path: Path, diagnostics: Diagnostics) -> list[Declared]:
    """What ``path`` declares; nothing, and an error (GR642), where it cannot be read."""
    place = Location(shown(path))
    try:
        text = path.read_bytes().decode()
        is_json = path.name.endswith(".json")
        document = _json(text) if is_json else _hcl(text)
        lines = _lines_of_json(document, text) if is_json else _lines_of_hcl(text)
        return [
            Declared(kind, name, path.name, next(iter(lines.get((kind, *labels), ())), 0))
            for kind, name, labels in _declared(document, lines)
        ]
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except json.JSONDecodeError as error:
        problem, place = f"is not JSON: {error.msg}", Location(place.file, error.lineno, error.colno)
    except RecursionError:
        problem = "is nested too deeply"
    except _SyntaxError as error:
        problem, place = "is not HCL", Location(place.file, error.line, error.column)
    diagnostics.error("GR642", f"{path.name} {problem}", place, hint=_HINT)
    return []


Lines = dict[tuple[str, ...], list[int]]
"""Where blocks begin: kind and labels (``local`` and a name) to their lines, the next one to be asked for first."""


def _hcl(text: str) -> dict[str, Any]:
    import hcl2

    try:
        # The last line may have no end, which the grammar wants.
        found: dict[str, Any] = hcl2.loads(f"{text}\n")
    except Exception as error:  # lark raises several unrelated classes
        last = text.count("\n") + 1
        line, column = (getattr(error, name, 0) for name in ("line", "column"))
        known = isinstance(line, int) and line > 0
        raise _SyntaxError(min(line, last) if known else last, column if known and column > 0 else 1) from None
    return found


def _lines_of_hcl(text: str) -> Lines:
    found: Lines = defaultdict(list)
    for match in _HEADER.finditer(text):
        found[match[1], *re.findall(r"[\w-]+", match[2])].append(text.count("\n", 0, match.start()) + 1)
    for match in _ARGUMENT.finditer(text):
        found["local", match[1]].append(text.count("\n", 0, match.start()) + 1)
    return found


def _json(text: str) -> dict[str, Any]:
    """Terraform's JSON in the form of a parsed ``.tf`` file: every block on its own, below its labels."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise json.JSONDecodeError("not an object", text, 0)
    return {kind: list(_blocks(value, _depth(kind))) for kind, value in document.items()}


def _blocks(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, dict):
            continue
        if depth == 0:
            yield entry
        for label, inner in entry.items() if depth else ():
            yield from ({label: block} for block in _blocks(inner, depth - 1))


def _lines_of_json(document: dict[str, Any], text: str) -> Lines:
    """The line on which the last label of a block (a kind without labels) first stands in quotes."""
    found: Lines = defaultdict(list)
    for kind, _, labels in _declared(document, {}):
        last = labels[-1] if labels else kind
        match = re.search(re.escape(json.dumps(last, ensure_ascii=False)), text)
        found[kind, *labels].append(text.count("\n", 0, match.start()) + 1 if match else 0)
    return found


def _depth(kind: str) -> int:
    return LABELLED.get(kind, 1 if kind == "provider" else 0)


def _declared(document: dict[str, Any], lines: Lines) -> Iterator[tuple[str, str, list[str]]]:
    """Kind, name and labels of everything that may be there once only. Each use of ``lines`` moves on to the next block."""
    for kind, blocks in document.items():
        for block in blocks if isinstance(blocks, list) else ():
            if not isinstance(block, dict):
                continue
            for labels, body in _labels(block, _depth(kind)):
                if kind in LABELLED:
                    yield kind, ".".join(labels), labels
                elif kind == "provider":
                    alias = _unquoted(body.get("alias", ""))
                    yield kind, f"{labels[0]}.{alias}" if alias else labels[0], labels
                elif kind in ADDRESSED:
                    yield kind, re.sub(r"^\$\{(.*)\}$", r"\1", _unquoted(body.get(ADDRESSED[kind], ""))), []
                elif kind == "locals":
                    yield from (("local", name, [name]) for key in body if not _is_meta(key) for name in (_unquoted(key),))
                elif kind == "terraform" and "required_providers" in body:
                    yield "required_providers", "", []
                if lines.get((kind, *labels)):
                    lines[kind, *labels].pop(0)


def _labels(block: dict[str, Any], depth: int) -> Iterator[tuple[list[str], dict[str, Any]]]:
    if depth == 0:
        yield [], block
        return
    for key, inner in block.items():
        if not _is_meta(key) and isinstance(inner, dict):
            yield from (([_unquoted(key), *rest], body) for rest, body in _labels(inner, depth - 1))


def _is_meta(key: str) -> bool:
    return key.startswith("__") and key.endswith("__")


def _unquoted(token: Any) -> str:
    text = str(token)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
