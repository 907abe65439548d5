"""Values that only the run-time environment has: what they wait for, and how to say them when generating."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.documents.values import Reference


def waits_for(references: Iterable[Reference]) -> str:
    """``${POSTGRES_DB}, the file db.txt``: each once, and nothing else of the value."""
    names = (f"${{{item.name}}}" if item.kind == "env" else f"the file {item.name}" for item in references)
    return ", ".join(dict.fromkeys(names))


def how_to_say(references: Iterable[Reference]) -> str:
    """How a value that waits for ``references`` becomes known when generating."""
    known = list(references)
    names = dict.fromkeys(item.name for item in known if item.kind == "env")
    if len(names) < len(dict.fromkeys(known)):
        return "write the value into app-config: it must not depend on a file that is not here when greenroom runs"
    listed = ", ".join(f"{name}: …" for name in names)
    return f"say it in greenroom.yaml: `values: {{{listed}}}` (or `envFiles`), or with --env-file"
