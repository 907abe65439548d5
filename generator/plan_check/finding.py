"""What a plan would do to one of greenroom's objects, in words: which plugin, what is lost, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.plan_check.plan import Place
from generator.plan_check.resources import GUARD, PROTECTED
from generator.plan_check.text import quoted, shown
from generator.problems.diagnostic import Diagnostic, Severity
from generator.problems.pages import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.plan_check.plan import Change, Plan
    from generator.plan_check.resources import Protected

#: What the first part of a label stands for, where the module is not that of one plugin.
_SHARED: Final = {
    "database": "a shared database",
    "role": "a shared role",
    "acting": "a role that plugins act as",
    "login": "a login",
}
_VERBS: Final = {
    "GR910": "deletes",
    "GR911": "replaces",
    "GR912": "replaces",
    "GR913": "deletes",
    "GR914": "removes",
}


_LET_GO: Final = "let Terraform forget it instead of deleting it: `terraform state rm {}`"


class Finding(NamedTuple):
    """One object that would be lost. ``name`` is empty where the plan does not say it, or says that it is secret."""

    code: str
    address: str
    type: str
    noun: str
    name: str
    plugin: str | None
    module: str | None
    action: str
    also: str | None
    hint: str
    allowed: bool = False

    @property
    def summary(self) -> str:
        """One clause, to be read after the address."""
        name = f" {quoted(self.name)}" if self.name and self.type != GUARD.type else ""
        if self.plugin is not None:
            owner = f" of plugin {quoted(self.plugin)}"
        else:
            owner = f" of {shown(self.module)}" if self.module and (self.type == GUARD.type or not name) else ""
        first = " (the new one is created first)" if self.code == "GR912" else ""
        return f"the plan {_VERBS[self.code]} the {self.noun}{name}{owner}{first}{self._elsewhere}"

    @property
    def _elsewhere(self) -> str:
        return f", and {shown(self.also)} has the same {self.noun}: the apply would drop it there too" if self.also else ""

    def diagnostic(self) -> Diagnostic:
        """The finding as a problem."""
        severity = Severity.INFO if self.allowed else Severity.ERROR
        return Diagnostic(self.code, severity, self.summary, path=shown(self.address), hint=self.hint)

    def to_json(self) -> dict[str, Any]:
        """The shape of ``findings[]`` in ``--format json``."""
        return {
            "code": self.code,
            "plugin": shown(self.plugin) if self.plugin is not None else None,
            "module": shown(self.module) if self.module is not None else None,
            "address": shown(self.address),
            "type": self.type,
            "kind": self.noun,
            "name": shown(self.name) or None,
            "action": self.action,
            "sameAs": shown(self.also) if self.also else None,
            "allowed": self.allowed,
            "summary": self.summary,
            "hint": self.hint,
            "page": page(self.code),
        }


def make_finding(
    change: Change, known: Protected, plan: Plan, *, owned: bool, same_as: Change | None, allowed: bool
) -> Finding:
    """The finding about ``change``, which deletes or replaces its object, of a type about which ``known`` is known.

    ``owned``: it is greenroom's. ``same_as`` is one of greenroom's that stands for the same object and stays.
    """
    is_guard = known is GUARD
    # The guard is beside the module it stands for.
    place = Place(change.module_address, (*change.place.labels, str(change.key))) if is_guard else change.place
    plugin, module = _owner(place, plan)
    code, action = _action(change)
    if is_guard:
        code = "GR914"
    elif same_as is not None:
        code = "GR913"
    return Finding(
        code=code,
        address=change.address,
        type=change.type,
        noun=known.noun,
        name=str(change.key) if is_guard else name_of(known, change.before, change.sensitive),
        plugin=plugin,
        module=module,
        action=action,
        also=same_as.address if same_as else None,
        hint=_hint(code, change, known, place, plugin, plan) if owned else _LET_GO.format(_word(change.address)),
        allowed=allowed,
    )


def _action(change: Change) -> tuple[str, str]:
    if change.actions == ("delete", "create"):
        return "GR911", "replace"
    if change.actions == ("create", "delete"):
        return "GR912", "createThenDelete"
    return "GR910", "delete"


def _owner(place: Place, plan: Plan) -> tuple[str | None, str | None]:
    """The plugin whose module it is, where it is a plugin's, and the module's address."""
    if not place.labels:
        return None, None
    address = f"{place.around}.module.{place.label}".removeprefix(".")
    call = plan.call(place)
    recorded = plan.plugins.get(place.label)
    if call is not None and call.plugin_id is not None:
        return call.plugin_id, address
    if isinstance(recorded, dict) and isinstance(recorded.get("plugin_id"), str):
        return recorded["plugin_id"], address
    return None if place.label.partition("_")[0] in _SHARED and "_" in place.label else place.label, address


def name_of(known: Protected, values: Mapping[str, Any], sensitive: Any) -> str:
    """The name of an object as a reader knows it; empty where there is none, or where it is marked as secret."""
    identity = known.identity
    parts = [_value(values, path) for path in identity if not _is_secret(sensitive, path)]
    if not identity or len(parts) != len(identity) or not isinstance(parts[-1], str):
        return ""
    if known.type == "postgresql_schema" and isinstance(parts[0], str):
        return f"{parts[0]}.{parts[-1]}"
    return parts[-1]


def identity_of(kind: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What tells an object from others of its type; ``None`` where the plan does not say it."""
    parts = tuple(_value(values, path) for path in PROTECTED[kind].identity) if kind in PROTECTED else ()
    return (kind, *parts) if parts and all(isinstance(part, str) for part in parts) else None


def _value(values: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def _is_secret(sensitive: Any, path: tuple[str | int, ...]) -> bool:
    """Whether the value at ``path``, or something around it, is marked as sensitive."""
    for step in path:
        if sensitive is True:
            return True
        try:
            sensitive = sensitive[step]
        except (KeyError, IndexError, TypeError):
            return False
    return sensitive is True


def _hint(code: str, change: Change, known: Protected, place: Place, plugin: str | None, plan: Plan) -> str:
    if code == "GR913":
        return (
            "take two steps: first apply a plan that only lets go of the old module (its plugin is retired), then the one "
            "that adopts what it had. Or name both plugins under plugins.renamed, which moves the database"
        )
    if code in ("GR911", "GR912"):
        return _replaced(code, change, known)
    call = plan.call(place)
    if change.type == GUARD.type and call is not None and change.reason:
        return "the module is still there, and nothing would protect it any more: restore guard.tf"
    block = (change.type, change.name)
    if not place.labels or (call is not None and (block in call.resources or change.type == GUARD.type)):
        return "nothing that greenroom generates asks for this: is it a plan of `terraform destroy`?"
    if call is not None:
        return (
            "the module does not have it any more; the passwords have another store, say. Accept it with --allow when "
            "Backstage has what takes its place"
        )
    unknown = f"plugin {quoted(plugin)}" if plugin is not None else f"module.{shown(place.label)}"
    return (
        f"this configuration does not know {unknown}, and has not retired it: rebase on the branch that does; or run "
        "`greenroom generate --base REF`, where REF is a commit that does. Then plan again"
    )


def _word(address: str) -> str:
    """``address`` as one word of a shell, always in quotes: what is in its brackets has some."""
    return "'" + shown(address).replace("'", "'\\''") + "'"


def _replaced(code: str, change: Change, known: Protected) -> str:
    if change.reason == "replace_because_tainted":
        return f"it is marked as tainted: run `terraform untaint {_word(change.address)}`, and plan again"
    if change.reason == "replace_by_request":
        return "plan again without -replace"
    names = ", ".join(f"`{shown(name)}`" for name in dict.fromkeys(change.replaces))
    why = f"a new value of {names} replaces it" if names else "the change replaces it"
    if code == "GR912":
        return f"{why}. Accept it with --allow when whatever reads the old one reads the new one from then on"
    if known.noun.startswith("secret"):
        return (
            f"{why}, and the old one is deleted first: should the apply fail in between, Backstage finds neither. Take the "
            "change back, or accept it with --allow"
        )
    return f"{why}, and what it holds is lost: take the change back"
