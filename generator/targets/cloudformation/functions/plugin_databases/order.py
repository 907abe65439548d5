"""What one request asks for, read from CloudFormation's event: the same in both functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .failures import RefusedError
from .marker import Claim
from .wanted import Wanted, read_wanted

_EVENT_KEYS = (
    "RequestType",
    "RequestId",
    "StackId",
    "ResourceType",
    "LogicalResourceId",
    "PhysicalResourceId",
    "ResourceProperties",
    "OldResourceProperties",
)


@dataclass(frozen=True)
class Order:
    """``wanted`` is what has to be (for a Delete: what has to go), ``old`` what an Update finds on the same server."""

    kind: str
    wanted: Wanted
    old: Wanted | None
    claim: Claim

    @property
    def is_delete(self) -> bool:
        """Whether something has to go."""
        return self.kind == "Delete"


def event_part(event: dict[str, Any]) -> dict[str, Any]:
    """The keys of the event that :func:`read_order` needs; not ``ResponseURL``, which is a credential."""
    return {key: event[key] for key in _EVENT_KEYS if key in event}


def default_owner(stack_id: str, logical_id: str) -> str:
    """``<account>/<region>/<stack>/<logical id>``: the same again when a stack of the same name is created anew."""
    parts = stack_id.split(":")
    stack = parts[5].split("/")[1] if len(parts) > 5 and "/" in parts[5] else stack_id
    account, region = (parts[4], parts[3]) if len(parts) > 5 else ("", "")
    return f"{account}/{region}/{stack}/{logical_id}"


def read_order(event: dict[str, Any]) -> Order:
    """Check the event.

    Raises:
        RefusedError: the properties are wrong.
    """
    kind = event["RequestType"]
    resource_type = event["ResourceType"]
    owner = default_owner(event["StackId"], event["LogicalResourceId"])
    wanted = read_wanted(resource_type, event["ResourceProperties"], owner)
    old_id = event.get("PhysicalResourceId", "")
    old = None
    if kind == "Update":
        try:
            old = read_wanted(resource_type, event.get("OldResourceProperties", {}), owner)
        except RefusedError:
            old = None  # a rollback: those were refused, so nothing was done with them
    if old is not None and (old.host, old.port) != (wanted.host, wanted.port):
        old = None  # another server, where the old names say nothing
    claim = Claim(
        # What a Delete may touch is what its physical id names.
        id=old_id if kind == "Delete" else wanted.id,
        old_id=old_id,
        request=event["RequestId"],
        kind=kind,
        drops=wanted.drops,
        adopts=wanted.adopts,
        stack=event["StackId"].rpartition("/")[2],
        shape=wanted.shape,
    )
    return Order(kind, wanted, old, claim)
