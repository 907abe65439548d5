"""Which plugins of a Backstage repository will ask for a database, and where each of them was added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generator.backstage.repository.discovery import discover
    from generator.backstage.repository.model import Confidence, Discovery, Found, Source

__all__ = ["Confidence", "Discovery", "Found", "Source", "discover"]


def __getattr__(name: str) -> Any:
    """Imported on first use: most runs look at a folder that is no repository."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from generator.backstage.repository import discovery, model

    return getattr(discovery if name == "discover" else model, name)
