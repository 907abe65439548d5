"""The rows of the atlas: made from what was measured, merged with what is there, and written with one package a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from atlas_ask import Looked
    from atlas_stage import Outcome

FILE = Path(__file__).resolve().parents[2] / "generator" / "backstage" / "repository" / "atlas.json"
_COMMENT = (
    "Published Backstage backend packages, measured: made by tools/atlas/measure.py, do not edit. version: what was "
    "measured; plugin: its id, module: the plugin it belongs to, as getRegistrations() says (also: what else "
    "it registers; was: an earlier version was a plugin); "
    "tables: how many it has beside the keys that every plugin with an HTTP router stores (some: it has migrations that "
    "could not run; absent: not known); extensions: what it creates; connections: how it opens connections of its own; ran: "
    "started (its init ran), migrated (its migrations ran), code (its code was scanned), read (by a person, earlier); why: "
    "what kept it from being started, or measured; without: dependencies that the registry did not have, replaced by "
    "nothing; downloads: a month."
)


@dataclass(frozen=True)
class Measured:
    """All that one run found out, by package."""

    looked: Mapping[str, Looked]
    outcomes: Mapping[str, Mapping[str, Outcome]]
    refused: Mapping[str, str]
    replaced: frozenset[str]
    downloads: Mapping[str, int]
    defaults: str


def read() -> dict[str, dict[str, Any]]:
    """The rows there are, by package."""
    if not FILE.is_file():
        return {}
    rows: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["packages"]
    return rows


def row_of(name: str, measured: Measured, before: Mapping[str, Any]) -> dict[str, Any]:
    """The row of one package. Of one that could not be measured the id is kept, and it says why."""
    item = measured.looked.get(name)
    first = item.first() if item is not None else None
    downloads = measured.downloads.get(name) or before.get("downloads")
    if item is None or first is None or not first[1]:
        kept = ("plugin", "module", *(("tables", "extensions", "ran") if before.get("ran") == "read" else ()))
        row = {key: before[key] for key in kept if key in before}
        if item is not None and row:  # it cannot be asked, and its migrations may run all the same
            row |= _run(name, measured)
        row["why"] = _why(name, measured)
        return _with(row, version=item.version if item else None, downloads=downloads)
    kind, plugin_id = first
    others = sorted({f"{type_} {owner}" for _, type_, owner in item.features if owner and (type_, owner) != first})
    row = {"version": item.version, kind: plugin_id}
    row |= _run(name, measured)
    if before.get("was") or (kind == "module" and "plugin" in before):
        row["was"] = "plugin"
    return _with(row, also=others, without=sorted(measured.replaced & set(item.dependencies)), downloads=downloads)


def _run(name: str, measured: Measured) -> dict[str, Any]:
    """What running it says: tables, extensions, connections, and how it was run."""
    item, outcomes = measured.looked[name], measured.outcomes.get(name, {})
    found = outcomes.get("database")
    uses = item.database or item.migrations or item.creates
    row: dict[str, Any] = {}
    if found is None or not (found.started or found.migrated):
        if not uses:
            row |= {"tables": 0, "ran": "code"}
        elif item.migrations:
            row |= {"tables": "some", "ran": "code"}
        if found is not None and found.error:
            row["why"] = found.error
        elif uses:
            row["why"] = "it was not started, and has no migrations that run by themselves"
    else:
        base = _tables_of_plugin(name, measured)
        row |= {"tables": len(set(found.tables) - base), "ran": "started" if found.started else "migrated"}
    extensions = sorted({*item.creates, *(found.extensions if found else ())})
    logins = sorted({login for outcome in outcomes.values() for login in outcome.connections})
    kinds = [*item.libraries, *(["logs in as another role"] if logins else [])]
    failed = {mode: outcome.error for mode, outcome in outcomes.items() if outcome.database_failed}
    return _with(row, extensions=extensions, connections=kinds, fails=failed)


def _tables_of_plugin(name: str, measured: Measured) -> set[str]:
    """For a module: the tables of its plugin, which was started with it."""
    item = measured.looked[name]
    first = item.first()
    if first is None or first[0] != "module":
        return set()
    found: set[str] = set()
    for other, outcomes in measured.outcomes.items():
        theirs = measured.looked[other].first()
        if theirs == ("plugin", first[1]) and "database" in outcomes:
            found |= set(outcomes["database"].tables)
    return found


def _why(name: str, measured: Measured) -> str:
    if name in measured.refused:
        return measured.refused[name]
    item = measured.looked.get(name)
    if item is None:
        return "not measured"
    return item.error.replace("\n", " ")[:160] or "it exports no feature of the new backend system"


def _with(row: dict[str, Any], **values: Any) -> dict[str, Any]:
    return row | {key: value for key, value in values.items() if value}


def write(rows: Mapping[str, Mapping[str, Any]], measured: Measured, names: Iterable[str]) -> None:
    """Write the file anew: the rows of ``names`` as they were measured, the others as they were."""
    merged = {name: dict(row) for name, row in rows.items()}
    merged.update({name: row_of(name, measured, rows.get(name, {})) for name in names})
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "backendDefaults": measured.defaults,
        "postgresql": 18,
        "downloads": "of one month, as npm counts them (autumn 2026); none: fewer than 500, or not known",
    }
    lines = [f"{json.dumps(name)}: {json.dumps(merged[name], ensure_ascii=False)}" for name in sorted(merged)]
    text = (
        f'{{\n"$comment": {json.dumps(_COMMENT)},\n"measured": {json.dumps(about)},\n"packages": {{\n'
        + ",\n".join(lines)
        + "\n}\n}\n"
    )
    FILE.write_text(text, encoding="utf-8")


def problems(measured: Measured) -> list[str]:
    """What must not be: a plugin that fails on a database that preflight called ready, or starts on one it did not."""
    found = []
    for name, outcomes in sorted(measured.outcomes.items()):
        for mode, outcome in outcomes.items():
            if outcome.ready and outcome.database_failed:
                found.append(f"{name} ({mode} mode): preflight says ready, and it fails: {outcome.error}")
            if not outcome.ready and (outcome.started or outcome.migrated):
                found.append(f"{name} ({mode} mode): preflight says not ready ({outcome.said}), and it starts")
    return found
