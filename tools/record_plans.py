"""Records the plans in tests/golden/plan_check/plans anew, from real runs: tools/record_plans.py [-k PART]

Needs Terraform, the providers in the mirror (GREENROOM_TERRAFORM_MIRROR), PostgreSQL and MariaDB. A plan is kept as small as
it can be: what plan-check reads and what tells a reader what happened. Values of attributes are names only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).resolve().parent.parent
PLANS = PROJECT / "tests" / "golden" / "plan_check" / "plans"
#: Attributes that say which object it is.
_ATTRIBUTES = ("name", "database", "user", "host", "role", "metadata", "secret_id", "identifier", "input")
_TOP = ("format_version", "terraform_version", "applyable", "complete", "errored")
_RESOURCE = ("address", "previous_address", "module_address", "mode", "type", "name", "index", "deposed", "action_reason")


def stripped(document: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` with what matters only."""
    found: dict[str, Any] = {key: document[key] for key in _TOP if key in document}
    if "resource_changes" in document:
        found["resource_changes"] = [_change(item) for item in document["resource_changes"]]
    values = document.get("prior_state", {}).get("values", {})
    plugins = values.get("outputs", {}).get("plugins")
    state: dict[str, Any] = {"outputs": {"plugins": plugins}} if plugins else {}
    if "root_module" in values:
        state["root_module"] = _module(values["root_module"])
    if state:
        found["prior_state"] = {"values": state}
    found["planned_values"] = {}
    found["configuration"] = {"root_module": _calls(document.get("configuration", {}).get("root_module", {}))}
    return found


def _change(item: Mapping[str, Any]) -> dict[str, Any]:
    change = item["change"]
    kept = {"actions": change["actions"], "before": _values(change["before"]), "after": _values(change["after"])}
    kept |= {key: change[key] for key in ("importing", "replace_paths") if key in change}
    return {**{key: item[key] for key in _RESOURCE if key in item}, "change": kept}


def _values(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key: _values(inner) if key != "metadata" else _metadata(inner) for key, inner in value.items() if key in _ATTRIBUTES
    }


def _metadata(value: Any) -> Any:
    return [{key: item.get(key) for key in ("name", "namespace")} for item in value or []]


def _module(module: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"address": module["address"]} if "address" in module else {}
    found["resources"] = [{key: item[key] for key in _RESOURCE if key in item} for item in module.get("resources", [])]
    if module.get("child_modules"):
        found["child_modules"] = [_module(child) for child in module["child_modules"]]
    return found


def _calls(module: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if module.get("resources"):
        found["resources"] = [{"type": item["type"], "name": item["name"]} for item in module["resources"]]
    if module.get("module_calls"):
        found["module_calls"] = {
            label: {
                "source": call["source"],
                "expressions": {"plugin_id": call.get("expressions", {}).get("plugin_id", {})},
                "module": _calls(call.get("module", {})),
            }
            for label, call in module["module_calls"].items()
        }
    return found


def text(document: Mapping[str, Any]) -> str:
    """The JSON of a recorded plan, with a line for each resource."""
    parts = [f'"{key}": {_lines(value)}' for key, value in document.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n]"


def main() -> int:
    """Let the test that plans all situations keep what it planned."""
    test = [sys.executable, "-m", "pytest", "-n0", "-q", "-rs", "tests/e2e/terraform/test_plan_situations.py", *sys.argv[1:]]
    environ = {**os.environ, "GREENROOM_TERRAFORM": "terraform", "GREENROOM_RECORD_PLANS": "1"}
    return subprocess.run(test, cwd=PROJECT, env=environ, check=False).returncode  # noqa: S603 - our own tests


if __name__ == "__main__":
    sys.exit(main())
