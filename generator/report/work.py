"""What is left to do after a change: what an apply does by itself, and what takes a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.stores.names import makes_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from generator.output.rendering import Rendering
    from generator.planning.model import PluginPlan

_MOST_NAMES: Final = 20

Step = dict[str, Any]


def apply_steps(rendering: Rendering) -> list[Step]:
    """What an apply does, by kind of change: a text, and the names it is about."""
    plugins = {plugin.plugin_id: plugin for plugin in rendering.plan.plugins}
    kinds: dict[str, list[str]] = {}
    for change in rendering.changes:
        kinds.setdefault(change.kind, []).append(change.plugin_id)
    new = [plugins[name] for name in kinds.get("added", ()) if name in plugins]
    steps = []
    if new:
        parts = ["database", *(["schema"] if any(plugin.schema is not None for plugin in new) else []), "role", "grants"]
        store = rendering.plan.store
        if makes_secrets(store) and rendering.plan.credentials != "iam":
            parts.append(f"secret (in {store})")
        steps.append(
            _step(f"create the {', '.join(parts[:-1])} and {parts[-1]}, where they do not exist yet, of", kinds["added"])
        )
    if "back" in kinds:
        steps.append(_step("use the databases that were kept of", kinds["back"]))
    steps += [
        _step(f"change {change.line.partition(': ')[2]}, in place, of", [change.plugin_id])
        for change in rendering.changes
        if change.kind == "changed"
    ]
    if "retired" in kinds:
        steps.append(_step("stop managing, without dropping anything,", kinds["retired"]))
    return steps


def human_steps(rendering: Rendering, command: str) -> list[Step]:
    """What takes a person, in the order in which it is done."""
    plan = rendering.plan
    changed = {change.plugin_id: change.kind for change in rendering.changes}
    new = [plugin for plugin in plan.plugins if changed.get(plugin.plugin_id) in ("added", "back")]
    steps = [_step("run and commit", [command])]
    if "forgotten" in changed.values():
        steps.append(_step("find out why the lock file has forgotten", [k for k, v in changed.items() if v == "forgotten"]))
    if new and plan.credentials == "iam":
        roles = _names(plugin.role.name for plugin in new)
        steps.append(_step("let Backstage's identity log in as", roles))
    elif new:
        names = _names(_given_as(plugin) for plugin in new)
        if not makes_secrets(plan.store):
            steps.append(_step("choose a password, and pass it to the apply and to Backstage as", names))
        else:
            steps.append(_step(f"pass the new secret in {plan.store} to Backstage as", names))
    if any(change.kind == "changed" and "database " in change.line for change in rendering.changes):
        steps.append(_step("stop Backstage during the apply: a server does not rename a database that is in use", []))
    return steps


def _given_as(plugin: PluginPlan) -> str:
    return plugin.role.live.delivery.file or plugin.role.live.delivery.env


def _names(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _step(text: str, names: Sequence[str]) -> Step:
    return {"text": text, "names": list(names[:_MOST_NAMES]), "more": max(0, len(names) - _MOST_NAMES)}
