"""What was rendered, on disk: with the lock file last, and only where that is still the one that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.output.write import tree

if TYPE_CHECKING:
    from generator.output.rendering import Rendering
    from generator.problems.diagnostic import Diagnostics


def write_rendering(rendering: Rendering) -> None:
    """Write everything of ``rendering``, and delete what it replaces.

    Raises:
        GreenroomError: it cannot be written, and why.
    """
    layout = rendering.layout
    tree.write_tree(
        rendering.files,
        rendering.delete,
        owned=rendering.owned,
        folder=layout.base,
        lock=layout.lock,
        read={layout.lock: rendering.past.digest},
    )


def obstacles_of(rendering: Rendering) -> Diagnostics:
    """What would stop :func:`write_rendering`; nothing is touched."""
    layout = rendering.layout
    return tree.find_obstacles(
        rendering.files,
        rendering.delete,
        owned=rendering.owned,
        folder=layout.base,
        read={layout.lock: rendering.past.digest},
    )
