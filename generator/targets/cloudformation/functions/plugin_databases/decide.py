"""Create, keep, rename or refuse: the same decision for every kind of object on every engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .marker import Claim, Marker

CREATE = "create"
KEEP = "keep"
RENAME = "rename"


@dataclass(frozen=True)
class Found:
    """An object that is on the server, with the marker it carries."""

    marker: Marker | None


@dataclass(frozen=True)
class Step:
    """What to do about one object, and the marker it gets."""

    kind: str
    name: str
    action: str
    marker: Marker
    old_name: str = ""


def decide(
    kind: str, name: str, old_name: str, found: Found | None, found_old: Found | None, claim: Claim, problems: list[str]
) -> Step:
    """The step for one object.

    Args:
        kind: the word for it in messages.
        old_name: its name before this Update, empty when it has none or the same.
        found: what has ``name`` now.
        found_old: what has ``old_name`` now.
        problems: gets what stands in the way; then the step means nothing.
    """
    if found is not None:
        if not claim.owns(found.marker) and not claim.adopts:
            whose = f"belongs to {found.marker.owner}" if found.marker else "is not ours"
            problems.append(
                f"{kind} {name!r} already exists and {whose}: nothing was changed. Set Adopt: true to take it over, "
                "or choose "
                "another name"
            )
        elif found_old is not None and claim.owns(found_old.marker) and not _is_rolled_back(found, found_old, claim):
            problems.append(
                f"{kind} {old_name!r} is to be renamed to {name!r}, but both exist: see which one holds the data, and "
                "rename or "
                "drop the other by hand"
            )
        _check_shape(kind, name, found, claim, problems)
        return Step(kind, name, KEEP, claim.marker(found.marker, is_new=False))
    if found_old is not None:
        if not claim.owns(found_old.marker) and not claim.adopts:
            problems.append(
                f"{kind} {old_name!r} is to be renamed to {name!r}, but is not ours: set Adopt: true to take it over"
            )
        _check_shape(kind, old_name, found_old, claim, problems)
        return Step(kind, name, RENAME, claim.marker(found_old.marker, is_new=False), old_name)
    return Step(kind, name, CREATE, claim.marker(None, is_new=True))


def _is_rolled_back(found: Found, found_old: Found, claim: Claim) -> bool:
    """The change of names was refused, and this Update undoes it: the wanted one has been the stack's all along."""
    return claim.is_current(found.marker) and not claim.is_current(found_old.marker)


def _check_shape(kind: str, name: str, found: Found, claim: Claim, problems: list[str]) -> None:
    marker = found.marker
    if claim.kind == "Update" and marker is not None and claim.is_current(marker) and marker.shape != claim.shape:
        problems.append(
            f"{kind} {name!r} was made for a resource with ({marker.shape}) of its own, and an Update cannot make it "
            "one with "
            f"({claim.shape}): DatabaseOf, RoleOf, Schema and Group stay or go together with the resource"
        )
