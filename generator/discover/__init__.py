"""Which plugins of a Backstage repository will ask for a database, and where each of them was added."""

from __future__ import annotations

from generator.discover.discovery import discover
from generator.discover.model import Confidence, Discovery, Found, Source

__all__ = ["Confidence", "Discovery", "Found", "Source", "discover"]
