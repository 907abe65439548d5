"""A plan as values: what Terraform would do to which resource, what its state has, and what the configuration calls."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_STEP: Final = re.compile(r'module\.([\w-]+)(\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?(?:\.|$)')
_RESOURCE: Final = re.compile(r"([\w-]+)\.([\w-]+)(?:\[.*\])?$", re.DOTALL)
#: Modules in modules: more than anybody writes.
_MAX_DEPTH: Final = 50
#: What Terraform and OpenTofu can do to a resource.
_KNOWN_ACTIONS: Final = frozenset({"no-op", "create", "read", "update", "delete", "forget"})


class MalformedError(ValueError):
    """The JSON is not what Terraform writes; the message is the path of what is wrong."""


class Place(NamedTuple):
    """The module a resource is in: the address of the module around it (``""``: the root), and the labels from the root down
    to it (none: the resource is in the root module itself). ``keyed``: it is one of several instances."""

    around: str = ""
    labels: tuple[str, ...] = ()
    keyed: bool = False

    @property
    def label(self) -> str:
        """Its own label."""
        return self.labels[-1] if self.labels else ""


class Change(NamedTuple):
    """What happens to one object. ``before`` and ``after`` are its attributes, ``sensitive`` are those to be kept secret."""

    address: str
    module_address: str
    place: Place
    type: str
    name: str
    key: str | int | None
    deposed: bool
    actions: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    sensitive: Any
    imported: bool
    reason: str
    replaces: tuple[str, ...]
    previous: str | None = None

    @property
    def deletes(self) -> bool:
        """Whether the object is gone afterwards, or another one is in its place."""
        return "delete" in self.actions


@dataclass(frozen=True, slots=True)
class Call:
    """A module of the configuration, the root module too: its ``source``, its resources (type and name), and what it calls.

    ``plugin_id`` is the argument of that name, where it is a literal.
    """

    source: str
    plugin_id: str | None
    resources: frozenset[tuple[str, str]]
    calls: Mapping[str, Call]


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan. ``prior`` are the objects of the state before it; ``root`` is the configuration."""

    changes: tuple[Change, ...]
    prior: tuple[Change, ...]
    root: Call
    plugins: Mapping[str, Any]
    errored: bool
    complete: bool
    deferred: bool

    def call(self, place: Place) -> Call | None:
        """The module at ``place`` in the configuration; ``None`` when the configuration has none there any more."""
        found: Call | None = self.root
        for label in place.labels:
            found = found.calls.get(label) if found is not None else None
        return found


def parse_plan(document: Mapping[str, Any]) -> Plan:
    """``document``, the JSON of a plan, as values.

    Raises:
        MalformedError: it is not what Terraform writes.
    """
    changes = [
        _change(item, f"resource_changes[{index}]")
        for index, item in enumerate(_list(document.get("resource_changes"), "resource_changes"))
    ]
    deferred = _list(document.get("deferred_changes"), "deferred_changes")
    changes += [
        _change(_dict(item, f"deferred_changes[{index}]").get("resource_change"), f"deferred_changes[{index}]")
        for index, item in enumerate(deferred)
    ]
    state = _dict(_dict(document.get("prior_state"), "prior_state").get("values"), "prior_state.values")
    outputs = _dict(state.get("outputs"), "prior_state.values.outputs")
    return Plan(
        changes=tuple(item for item in changes if item is not None),
        prior=tuple(_objects(state.get("root_module"), "prior_state.values.root_module")),
        root=_call({"module": _dict(document.get("configuration"), "configuration").get("root_module")}, "configuration"),
        plugins=_plugins(outputs),
        errored=document.get("errored") is True,
        complete=document.get("complete") is not False,
        deferred=bool(deferred),
    )


def _call(entry: dict[str, Any], path: str, depth: int = 0) -> Call:
    if depth > _MAX_DEPTH:
        raise MalformedError(path)
    module = _dict(entry.get("module"), f"{path}.module")
    resources = [_dict(item, f"{path}.resources") for item in _list(module.get("resources"), f"{path}.resources")]
    calls = _dict(module.get("module_calls"), f"{path}.module_calls")
    plugin_id = _dict(entry.get("expressions"), f"{path}.expressions").get("plugin_id")
    value = plugin_id.get("constant_value") if isinstance(plugin_id, dict) else None
    return Call(
        source=str(entry.get("source", "")),
        plugin_id=value if isinstance(value, str) else None,
        resources=frozenset((str(item.get("type")), str(item.get("name"))) for item in resources),
        calls={
            label: _call(_dict(call, f"{path}.module_calls.{label}"), f"{path}.module_calls.{label}", depth + 1)
            for label, call in calls.items()
        },
    )


def _plugins(outputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The output ``plugins`` of the last apply: what each plugin has, by label."""
    output = outputs.get("plugins")
    value = output.get("value") if isinstance(output, dict) and output.get("sensitive") is not True else None
    return value if isinstance(value, dict) else {}


def _change(item: Any, path: str) -> Change | None:
    """A change of a managed resource; ``None`` for a data source."""
    entry = _dict(item, path)
    if entry.get("mode", "managed") != "managed":
        return None
    change = _dict(entry.get("change"), f"{path}.change")
    actions = tuple(_text(action, f"{path}.change.actions") for action in _list(change.get("actions"), f"{path}.change"))
    if not actions or not _KNOWN_ACTIONS.issuperset(actions):
        raise MalformedError(f"{path}.change.actions")
    found = _object(entry, path)
    return found._replace(
        deposed=entry.get("deposed") is not None,
        actions=actions,
        before=_dict(change.get("before"), f"{path}.change.before"),
        after=_dict(change.get("after"), f"{path}.change.after"),
        sensitive=change.get("before_sensitive"),
        imported=change.get("importing") is not None,
        reason=str(entry.get("action_reason") or ""),
        replaces=tuple(_paths(change.get("replace_paths"))),
        previous=_text(entry["previous_address"], f"{path}.previous_address") if "previous_address" in entry else None,
    )


def _object(entry: Mapping[str, Any], path: str) -> Change:
    """What a resource is and where, without anything that happens to it."""
    module_address = _text(entry.get("module_address", ""), f"{path}.module_address")
    key = entry.get("index")
    return Change(
        address=_text(entry.get("address"), f"{path}.address"),
        module_address=module_address,
        place=parse_place(module_address),
        type=_text(entry.get("type"), f"{path}.type"),
        name=_text(entry.get("name"), f"{path}.name"),
        key=key if isinstance(key, str | int) else None,
        deposed=False,
        actions=(),
        before={},
        after={},
        sensitive=None,
        imported=False,
        reason="",
        replaces=(),
    )


def _objects(module: Any, path: str) -> Iterator[Change]:
    """The managed objects of a state, module by module."""
    waiting = [(_dict(module, path), path)]
    while waiting:
        entry, path = waiting.pop()
        address = entry.get("address", "")
        for item in _list(entry.get("resources"), f"{path}.resources"):
            if _dict(item, f"{path}.resources").get("mode", "managed") == "managed":
                yield _object({"module_address": address, **item}, f"{path}.resources")
        children = f"{path}.child_modules"
        waiting += [(_dict(child, children), children) for child in _list(entry.get("child_modules"), children)]


def _paths(value: Any) -> Iterator[str]:
    """Names of the attributes whose change replaces the object."""
    for path in value if isinstance(value, list) else ():
        if isinstance(path, list) and path:
            yield ".".join(str(part) for part in path)


def parse_place(module_address: str) -> Place:
    """``module.a.module.b["c"]`` as a place. An address that is none is a module nobody knows."""
    labels: list[str] = []
    around, position, keyed = "", 0, False
    while match := _STEP.match(module_address, position):
        around = module_address[:position].removesuffix(".")
        labels.append(match[1])
        position, keyed = match.end(), match[2] is not None
    return Place(around, tuple(labels), keyed)


def split_address(address: str) -> tuple[str, str, str] | None:
    """The module's address, type and name in the address of a resource; ``None`` when it is not one."""
    position = 0
    while match := _STEP.match(address, position):
        position = match.end()
    found = _RESOURCE.match(address, position)
    return (address[:position].removesuffix("."), found[1], found[2]) if found else None


def _dict(value: Any, path: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError(path)
    return value


def _list(value: Any, path: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError(path)
    return value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise MalformedError(path)
    return value
