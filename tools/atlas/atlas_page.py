"""The page docs/plugins.md, made from the atlas."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / "generator" / "backstage" / "repository" / "atlas.json"

_HEAD = """# Which databases does Backstage need

Every plugin with an HTTP router has a database of its own, because Backstage stores its signing keys there; with scheduled
tasks their state as well. This page says which published plugins keep more in it, and what they need besides. It is
made from the atlas that `greenroom discover`, `generate` and `preflight` use: {count} packages, measured on {date} with
@backstage/backend-defaults {defaults} and PostgreSQL {postgresql} (`make atlas` measures it anew). Ids are what the
features themselves register (`getRegistrations()`).

- **tables**: how many tables it creates beside those of Backstage. `keys only`: none. `unknown`: it could not be measured,
  so it may have some. `yes`: its package has migrations, which could not be run here.
- **known from**: `started`: its `init` ran in a real backend, as the role that greenroom creates. `migrations`: its
  migrations ran through the real DatabaseManager as that role, in database and in schema mode. `code`: its code was
  scanned. `read`: a person read it earlier.
- **a month**: downloads from npm; nothing where they are fewer than 500 or not known.

A package that is not here is unknown: `discover` says so, and generates its database all the same.

"""
_COLUMNS = "| plugin | {} | version | tables | also needs | known from | a month |\n|---|---|---|---|---|---|---|\n"
_HOW = {"started": "started", "migrated": "migrations", "code": "code", "read": "read"}


def page() -> str:
    """The text of the page."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    rows: dict[str, dict[str, Any]] = data["packages"]
    about = data["measured"]
    parts = [
        _HEAD.format(
            count=sum("version" in row for row in rows.values()),
            date=about["date"],
            defaults=about["backendDefaults"],
            postgresql=about["postgresql"],
        ),
        "## Plugins\n\n",
        _COLUMNS.format("package"),
    ]
    plugins = sorted((row["plugin"], name) for name, row in rows.items() if "plugin" in row)
    parts += [_line(plugin_id, name, rows[name]) for plugin_id, name in plugins]
    parts.append(
        "\n## Modules with tables, extensions or connections of their own\n\n"
        "They use the database of the plugin they belong to.\n\n" + _COLUMNS.format("module")
    )
    modules = sorted((row["module"], name) for name, row in rows.items() if "module" in row)
    parts += [_line(parent, name, rows[name]) for parent, name in modules if _is_notable(rows[name])]
    parts.append("\n## Modules without\n\n")
    quiet: dict[str, list[str]] = defaultdict(list)
    for parent, name in modules:
        if not _is_notable(rows[name]):
            quiet[parent].append(f"`{name}`{'' if 'tables' in rows[name] else ' (unknown)'}")
    parts += [f"- **{parent}**: {', '.join(names)}\n" for parent, names in sorted(quiet.items())]
    return "".join(parts) + _unmeasured(rows)


def _line(plugin_id: str, name: str, row: dict[str, Any]) -> str:
    cells = (
        plugin_id,
        f"`{name}`",
        row.get("version", ""),
        _tables(row),
        "; ".join(_needs(row)),
        _HOW.get(row.get("ran", ""), ""),
        f"{row['downloads']:,}" if row.get("downloads") else "",
    )
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |")


def _tables(row: dict[str, Any]) -> str:
    tables = row.get("tables")
    if tables is None:
        return "unknown"
    return {0: "keys only", "some": "yes"}.get(tables, str(tables))


def _needs(row: dict[str, Any]) -> list[str]:
    found = [f"extension {name}" for name in row.get("extensions", ())]
    if row.get("connections"):
        found.append(f"connections of its own ({', '.join(row['connections'])})")
    return found


def _is_notable(row: dict[str, Any]) -> bool:
    return bool(row.get("tables") or row.get("extensions") or row.get("connections"))


def _unmeasured(rows: dict[str, dict[str, Any]]) -> str:
    """The packages that could not be measured, each with the reason."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, row in sorted(rows.items()):
        if "version" not in row or ("tables" not in row and "why" in row):
            reasons[row.get("why", "not measured").replace("|", "/")].append(f"`{name}`")
    lines = [f"- {reason}: {', '.join(names)}\n" for reason, names in sorted(reasons.items(), key=lambda item: item[1])]
    return "".join(["\n## Not measured, and why\n\n", *lines])
