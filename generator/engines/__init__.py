"""What a database server is like, engine by engine. A new engine is a new module and one line here."""

from __future__ import annotations

from typing import Final

from generator.engines.model import Engine
from generator.engines.mysql import MYSQL
from generator.engines.postgresql import POSTGRESQL

__all__ = ["ENGINES", "MYSQL", "POSTGRESQL", "Engine"]

ENGINES: Final = {engine.name: engine for engine in (POSTGRESQL, MYSQL)}
