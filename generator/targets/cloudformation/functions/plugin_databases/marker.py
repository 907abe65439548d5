"""The ownership marker: what says, on the server itself, which custom resource an object belongs to.

It is JSON in the comment of a role, database or schema (PostgreSQL) or in the table of :mod:`.mysql_registry`. It holds the
full physical id. Whoever has the same *owner* (the part before the host) may go on with an object; only whoever has the same
full id, and an armed marker, may drop it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

_VERSION = 1


@dataclass(frozen=True)
class Marker:
    """``armed``: the object may be dropped by its resource. ``request``: the request that made the object.

    ``stack`` tells a stack from an earlier one of its name; ``shape`` is what the resource was when it last had the object.
    """

    id: str
    armed: bool
    request: str
    stack: str = ""
    shape: str = ""

    @property
    def owner(self) -> str:
        """The part of the id that does not depend on the server."""
        return owner_of(self.id)

    def text(self) -> str:
        """The marker as it is stored."""
        return json.dumps({"greenroom": _VERSION, **asdict(self)})


def owner_of(physical_id: str) -> str:
    """The owner in a physical id ``<owner>@<host>:<port>``."""
    return physical_id.rpartition("@")[0]


def read_marker(text: str | None) -> Marker | None:
    """The marker in a comment; ``None`` when there is none, or something else."""
    if not text or not text.startswith('{"greenroom"'):
        return None
    try:
        found = json.loads(text)
        if found["greenroom"] != _VERSION:
            return None
        texts = {key: str(found[key]) for key in ("id", "request", "stack", "shape")}
        return Marker(armed=found["armed"] is True, **texts)
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Claim:
    """What one request may take: ``id`` is the resource's physical id after it, ``old_id`` the one before (an Update's)."""

    id: str
    old_id: str
    request: str
    kind: str
    drops: bool
    adopts: bool
    stack: str
    shape: str

    @property
    def is_in_place(self) -> bool:
        """Whether the resource keeps its physical id."""
        return self.kind == "Update" and self.id == self.old_id

    def owns(self, marker: Marker | None) -> bool:
        """Whether an object with this marker is the resource's own."""
        return marker is not None and marker.owner in {owner_of(self.id), owner_of(self.old_id)} - {""}

    def marker(self, found: Marker | None, *, is_new: bool) -> Marker:
        """The marker to write on an object that carries ``found`` now.

        It is armed when OnDelete says Drop, and the object was either made by this resource's own Create, or has been in its
        hands before this request. So the Delete that ends a rollback never drops what the failed request merely took over.
        """
        request = self.request if is_new or found is None else found.request
        made_here = is_new or (found is not None and found.armed and found.request == self.request)
        armed = self.drops and (self.is_in_place or (self.kind == "Create" and made_here))
        return Marker(self.id, armed, request, self.stack, self.shape)

    def is_current(self, marker: Marker | None) -> bool:
        """Whether an object is the one this stack works with, not one that an earlier stack of the name left behind."""
        return marker is not None and self.owns(marker) and marker.stack == self.stack

    def may_drop(self, marker: Marker | None) -> bool:
        """Whether a Delete may drop an object with this marker."""
        return self.drops and marker is not None and marker.armed and marker.id == self.id
