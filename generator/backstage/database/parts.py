"""The parts of a connection as its client takes it apart, for whoever looks at settings and not at a plugin."""

from __future__ import annotations

from typing import Any

from generator.backstage.config.reader import ConfigError
from generator.backstage.database.connection_string import leave_file, parse_mysql, parse_pg
from generator.backstage.database.placeholders import parse_around
from generator.documents.values import ConfigMap, Placeholder

_MYSQL = ("mysql", "mysql2")


def connection_parts(connection: Any, client: Any) -> ConfigMap:
    """The keys of ``connection``, a string taken apart as ``client`` does; empty where that cannot be done."""
    if isinstance(connection, ConfigMap):
        return connection
    if not isinstance(connection, str) or client not in ("pg", *_MYSQL):
        return ConfigMap()

    def parse(text: str) -> ConfigMap:
        return parse_mysql(text) if client in _MYSQL else parse_pg(text, leave_file)

    try:
        if isinstance(connection, Placeholder):
            return parse_around(connection, parse) or ConfigMap()
        return parse(connection)
    except ConfigError:
        return ConfigMap()
