"""The policies for pipelines without greenroom: the rules of ``plan-check`` as Rego and as a program of jq."""

from __future__ import annotations

import json
from typing import Any, Final

from generator.plan_check.resources import GUARD, MODULE_NAMES, MODULE_SOURCE, PROTECTED
from generator.targets.text.escaped import Escaped

#: The generated files and their templates.
POLICIES: Final = {"policy/plan.jq": "policy/plan.jq.j2", "policy/plan.rego": "policy/plan.rego.j2"}


def policy_view() -> dict[str, Any]:
    """What the templates in ``policy/`` print: the list of what is protected, as JSON."""
    facts = [
        {"type": _json(item.type), "names": _json(item.names), "identity": _json(item.identity)}
        for item in PROTECTED.values()
    ]
    identities = [fact for item, fact in zip(PROTECTED.values(), facts, strict=True) if item.identity]
    return {
        "facts": _separated(facts),
        "identities": _separated(identities),
        "rotates": _json(sorted(item.type for item in PROTECTED.values() if item.rotates)),
        "module_names": _json(sorted(MODULE_NAMES)),
        "guard": {"type": _json(GUARD.type), "name": _json(GUARD.names[0])},
        "source": _json(MODULE_SOURCE),
    }


def _separated(items: list[dict[str, Escaped]]) -> list[dict[str, Escaped]]:
    """``items``, each but the last with a comma after it: jq takes no further one."""
    return [item | {"comma": Escaped("" if item is items[-1] else ",")} for item in items]


def _json(value: Any) -> Escaped:
    """``value`` as JSON, which is what both languages take for a value too."""
    return Escaped(json.dumps(value))
