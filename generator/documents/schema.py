"""JSON Schema checks with every problem at its place in the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from generator.documents.schema_quick import conforms
from generator.documents.values import ConfigList, ConfigMap
from generator.package_data import data_folder
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jsonschema.exceptions import ValidationError

    from generator.problems.diagnostic import Diagnostics

_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a number", float: "a number"}


def schema_text(name: str) -> str:
    """The text of ``schemas/<name>.schema.json``.

    Raises:
        FileNotFoundError: there is no schema of that name.
    """
    return (data_folder("schemas") / f"{name}.schema.json").read_text(encoding="utf-8")


def schema_names() -> list[str]:
    """The schemas there are."""
    return sorted(path.name.removesuffix(".schema.json") for path in data_folder("schemas").glob("*.schema.json"))


def check_schema(name: str, value: Any, file: str, diagnostics: Diagnostics) -> bool:
    """Whether ``value`` is valid under schema ``name``; each problem is reported with its place and a hint."""
    schema = json.loads(schema_text(name))
    if conforms(schema, value):
        return True
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(schema)
    problems = sorted(validator.iter_errors(value), key=lambda problem: [str(part) for part in problem.absolute_path])
    for problem in problems:
        _report(value, problem, file, diagnostics)
    return not problems


def _report(root: Any, problem: ValidationError, file: str, diagnostics: Diagnostics) -> None:
    path = list(problem.absolute_path)
    if problem.validator == "additionalProperties" and isinstance(problem.instance, dict):
        import difflib

        schema = problem.schema
        known = list(schema.get("properties", {})) if isinstance(schema, dict) else []
        for key in [key for key in problem.instance if key not in known]:
            near = difflib.get_close_matches(key, known, 1)
            diagnostics.error(
                "GR401",
                f"there is no key {key!r} here",
                locate(root, [*path, key], file, key=True),
                path=dotted([*path, key]),
                hint=f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}",
            )
        return
    diagnostics.error("GR401", describe(problem), locate(root, path, file), path=dotted(path), hint=_hint(problem))


def describe(problem: ValidationError) -> str:
    """What is wrong, without the value itself: it may be a secret."""
    wanted: Any = problem.validator_value
    match problem.validator:
        case "type":
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            return f"has to be {' or '.join(names)}, not {_KINDS.get(type(_plain(problem.instance)), 'null')}"
        case "enum":
            return f"has to be one of {', '.join(map(json.dumps, wanted))}"
        case "const":
            return f"has to be {json.dumps(wanted)}"
        case "minLength" | "minItems" | "minProperties":
            return "is empty"
        case "pattern":
            return f"does not match {wanted}"
        case "minimum" | "maximum":
            return f"has to be {'at least' if problem.validator == 'minimum' else 'at most'} {wanted}"
        case "maxProperties":
            return f"has more than {wanted} keys"
        case _:
            return f"breaks the rule {problem.validator!r}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {}
    if isinstance(value, list):
        return []
    return str(value) if isinstance(value, str) else value


def _hint(problem: ValidationError) -> str:
    description = problem.schema.get("description") if isinstance(problem.schema, dict) else None
    wanted: Any = problem.validator_value
    if problem.validator == "enum" and isinstance(problem.instance, str):
        import difflib

        names = [str(value) for value in wanted]
        near = difflib.get_close_matches(problem.instance, names, 1) or [name for name in names if name in problem.instance]
        if near:
            return f"did you mean {near[0]!r}?"
    return description or "`greenroom schema` prints what is allowed"


def dotted(path: Iterable[str | int]) -> str:
    """A path as Backstage writes it: ``plugins.include[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def locate(root: Any, path: Sequence[str | int], file: str, *, key: bool = False) -> Location:
    """Where ``path`` was written: its value (or with ``key`` its key), else the nearest container that has a place."""
    best = Location(file, 1, 1)
    value = root
    for index, part in enumerate(path):
        found: Location | None = None
        if isinstance(value, ConfigMap) and isinstance(part, str):
            found = value.locate_key(part) if key and index == len(path) - 1 else value.locate(part)
            value = value.get(part)
        elif isinstance(value, ConfigList) and isinstance(part, int) and part < len(value):
            found = value.locate(part)
            value = value[part]
        best = found or best
    return best
