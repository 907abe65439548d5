"""Plans in Terraform's JSON, as short as they can be written."""

from __future__ import annotations

import re
from typing import Any

#: What the one module of most of these plans is called from.
SOURCE = "./modules/postgresql-database"
_ADDRESS = re.compile(r"((?:module\.[\w-]+(?:\[[^]]*\])?\.)*)([\w-]+)\.([\w-]+)(?:\[(.*)\])?")


def resource(address: str) -> dict[str, Any]:
    """What the JSON says about a resource, wherever it is."""
    match = _ADDRESS.fullmatch(address)
    assert match is not None, address
    module, kind, name, key = match.groups()
    found: dict[str, Any] = {"address": address, "mode": "managed", "type": kind, "name": name}
    if module:
        found["module_address"] = module.removesuffix(".")
    if key is not None:
        found["index"] = key[1:-1] if key.startswith('"') else int(key)
    return found


def change(
    address: str,
    *actions: str,
    name: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A change. ``name`` is that of the object before it; what stays has it afterwards too."""
    was = before if before is not None else ({} if name is None else {"name": name})
    gone = set(actions) <= {"delete", "forget"}
    inner: dict[str, Any] = {
        "actions": list(actions),
        "before": None if actions == ("create",) else was,
        "after": None if gone else (after if after is not None else was),
    }
    inner |= {key: more.pop(key) for key in ("importing", "replace_paths", "before_sensitive") if key in more}
    return {**resource(address), **more, "change": inner}


def calls(*labels: str, source: str = SOURCE, resources: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """The part of the configuration that calls the modules of plugins."""
    listed = [{"type": kind, "name": name} for kind, name in resources]
    return {
        label: {
            "source": source,
            "expressions": {"plugin_id": {"constant_value": label}},
            "module": {"resources": listed} if listed else {},
        }
        for label in labels
    }


def document(
    *changes: dict[str, Any],
    called: dict[str, Any] | None = None,
    prior: tuple[str, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """A plan of the databases' configuration with ``changes``, that calls ``called``; ``prior`` is in the state before."""
    root: dict[str, Any] = {"resources": [], "child_modules": {}}
    for address in prior:
        entry = resource(address)
        module = entry.pop("module_address", None)
        if module is None:
            root["resources"].append(entry)
        else:
            child = root["child_modules"].setdefault(module, {"address": module, "resources": []})
            child["resources"].append(entry)
    root["child_modules"] = list(root["child_modules"].values())
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {},
        "resource_changes": list(changes),
        "prior_state": {"values": {"root_module": root}},
        "configuration": {"root_module": {"module_calls": called or {}}},
        "applyable": True,
        "complete": True,
        "errored": False,
        **more,
    }
