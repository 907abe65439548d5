"""Prefixes of the mode that is not in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.documents.values import Placeholder

if TYPE_CHECKING:
    from generator.documents.values import ConfigMap
    from generator.problems.diagnostic import Diagnostics

_ROOT = "backend.database"


def check_prefixes(merged: ConfigMap, diagnostics: Diagnostics) -> None:
    """GR227: ``prefix`` names databases and ``schemaPrefix`` schemas, and only one of the two is made."""
    mode = merged.get("pluginDivisionMode")
    if isinstance(mode, Placeholder):
        return
    in_schema_mode = mode == "schema"
    unused, used = ("prefix", "schemaPrefix") if in_schema_mode else ("schemaPrefix", "prefix")
    if not merged.get(unused):
        return
    if in_schema_mode:
        backstage = "names the schemas by schemaPrefix and plugin id, inside the database of the connection"
        other = "write it as schemaPrefix, which gives the schemas other names; or remove it"
    else:
        backstage = "names the databases by prefix (backstage_plugin_ without one) and plugin id, and makes no schemas"
        other = "write it as prefix, which gives the databases other names; or remove it"
        if merged.get("client") == "pg":
            other += ", or set pluginDivisionMode: schema"
    diagnostics.warning(
        "GR227",
        f"{unused} is not used in the mode {'schema' if in_schema_mode else 'database'}",
        merged.locate_key(unused),
        path=f"{_ROOT}.{unused}",
        backstage=backstage,
        hint="remove it" if merged.get(used) else other,
    )
