"""greenroom: the databases of Spotify Backstage, generated before Backstage starts.

``from generator import load, resolve, plan, render`` is the public library; the command line is a shell around it::

    from pathlib import Path
    from generator import Request, load, plan, render, resolve

    project = load(Request(root=Path("my-portal")))
    resolved = resolve(project)                       # plugin id -> what Backstage resolves
    planned = plan(project, resolved)                 # what has to exist
    rendering = render(project, resolved, planned)    # path -> content; nothing is written
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generator.run.steps import Planned, Project, Request, load, plan, render, resolve

__version__ = "0.1.0"
__all__ = ["Planned", "Project", "Request", "load", "plan", "render", "resolve"]


def __getattr__(name: str) -> Any:
    """The library's names, imported on first use: ``greenroom --version`` has no need of them."""
    if name in __all__:
        from generator.run import steps

        return getattr(steps, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
