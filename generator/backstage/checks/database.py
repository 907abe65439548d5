"""Checks of the merged ``backend.database``, with the reason Backstage or the driver would give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from generator.backstage.checks.advice import advise
from generator.backstage.checks.keys import check_keys, report_include
from generator.backstage.checks.modes import check_prefixes
from generator.backstage.checks.strings import check_strings
from generator.backstage.checks.templates import check_templates
from generator.backstage.versions import NEWEST, Behaviour
from generator.documents.schema import schema_text
from generator.documents.schema_quick import conforms
from generator.documents.values import ConfigMap
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from jsonschema.exceptions import ValidationError

    from generator.backstage.database import Manager
    from generator.problems.diagnostic import Location

ROOT = "backend.database"

_SHOWN = frozenset(
    {"client", "type", "ipAddressType", "schemaPrefix", "ensureExists", "ensureSchemaExists", "skipMigrations"}
)
_CLIENTS = {
    "postgres": "pg",
    "postgresql": "pg",
    "pgsql": "pg",
    "mariadb": "mysql2",
    "sqlite": "better-sqlite3",
    "better-sqlite": "better-sqlite3",
} | {client: client for client in ("pg", "mysql", "mysql2", "sqlite3", "better-sqlite3")}


def validate_database(
    merged: ConfigMap, diagnostics: Diagnostics, behaviour: Behaviour = NEWEST, *, manager: Manager = "current"
) -> None:
    """Report everything that is wrong or suspicious in ``merged``, the merged value of ``backend.database``.

    Errors are values with which Backstage or its driver fails (GR001, GR004, GR210, GR216, GR218, GR224), includes it
    does not know (GR215) and connection strings without a host (GR051, GR220). Warnings are unknown keys (GR211), keys in
    the wrong place (GR212), passwords written out (GR213), values that do not mean what they seem to mean (GR024, GR035,
    GR062) and keys that nobody reads where they are (GR221 to GR227). ``manager`` is the database manager of the
    installation, ``behaviour`` that of its version of backend-defaults. An empty ``merged`` has nothing to check; what is
    missing is the resolver's to say.
    """
    if not merged:
        return
    templates = check_templates(merged, ROOT, diagnostics)
    _check_types(merged, diagnostics, templates)
    check_keys(merged, diagnostics, behaviour)
    rest = Diagnostics()
    check_strings(merged, rest)
    advise(merged, rest)
    # A template is a connection string of no kind at all; that it is a template is told.
    diagnostics.extend(item for item in rest if item.code != "GR220" or item.location not in templates)
    if manager == "current":  # the older ones have one mode
        check_prefixes(merged, diagnostics)


def _check_types(merged: ConfigMap, diagnostics: Diagnostics, templates: Collection[Location | None]) -> None:
    schema = json.loads(schema_text("app-config"))
    if conforms(schema, merged):
        return
    from jsonschema import Draft202012Validator

    for problem in Draft202012Validator(schema).iter_errors(merged):
        # A key that is missing altogether has no place here; the resolver reports it in Backstage's own words.
        place = locate(merged, [str(part) for part in problem.absolute_path])
        if problem.validator != "required" and place not in templates:
            _report(merged, problem, diagnostics)


def _report(merged: ConfigMap, problem: ValidationError, diagnostics: Diagnostics) -> None:
    path = [str(part) for part in problem.absolute_path]
    schema: dict[str, Any] = problem.schema if isinstance(problem.schema, dict) else {}
    name = path[-1] if path else ""
    old = (
        next((key for key in problem.instance if key.startswith("$")), None) if isinstance(problem.instance, dict) else None
    )
    if old is not None:
        report_include(old, locate(merged, path), ".".join([ROOT, *path]), diagnostics)
        return
    near = _CLIENTS.get(str(problem.instance).lower()) if name == "client" else None
    diagnostics.error(
        "GR210",
        f"has to be {schema.get('title', 'something else')}, not {_kind(problem.instance, name)}",
        locate(merged, path),
        path=".".join([ROOT, *path]),
        hint=f"did you mean {near!r}?" if near else schema.get("description", ""),
        backstage=schema.get("$comment", ""),
    )


def locate(root: ConfigMap, path: Sequence[str]) -> Location | None:
    """Where the value at ``path`` was written, else the nearest container that has a place."""
    best: Location | None = None
    value: Any = root
    for part in path:
        if not isinstance(value, ConfigMap):
            break
        best = value.locate(part) or best
        value = value.get(part)
    return best


def _kind(value: Any, name: str) -> str:
    """What ``value`` is; what it says only where it is the name of something, as it may be a secret elsewhere."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(str(value)) if name in _SHOWN and value else "this text" if value else "an empty text"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else "a number"
