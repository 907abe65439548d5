"""What the input says about one plugin, as a fragment has to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.config.substitution import escape
from generator.documents.values import UNDEFINED, ConfigMap, Placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import PluginPlan
    from generator.problems.diagnostic import Location

CERTIFICATES: Final = {"sslrootcert": "ca", "sslcert": "cert", "sslkey": "key"}
"""Parameters of a connection string that name a file, and the keys of ``ssl`` its content goes to."""


_CLOUDS: Final = ("rds", "azure", "cloudsql")


_PLANNED: Final = ("database", "user", "password")


_IN_STRING: Final = (*_PLANNED, "connectionString", "host", "port", "type", "instance", "region", "tokenCredential")


def restate(value: Any) -> Any:
    """A value of the input as app-config has to spell it to get it again, references included."""
    if isinstance(value, Placeholder):
        return {"$file": escape(value)} if value.is_file else value
    if isinstance(value, dict):
        return {key: restate(item) for key, item in value.items() if item is not UNDEFINED}
    if isinstance(value, list):
        return [restate(item) for item in value]
    return escape(value) if isinstance(value, str) else value


def driver_string(connection: Any) -> Any:
    """The driver's own ``connectionString`` inside a connection object, ``None`` without one."""
    return connection.get("connectionString") if isinstance(connection, dict) else None


class PluginInput(NamedTuple):
    """What the merged input (``merged``: ``backend.database``) says about one planned plugin."""

    plan: PluginPlan
    merged: Mapping[str, Any]

    @property
    def settings(self) -> Mapping[str, Any]:
        """``backend.database.plugin.<id>``."""
        plugins = self.merged.get("plugin")
        settings = plugins.get(self.plan.plugin_id) if isinstance(plugins, dict) else None
        return settings if isinstance(settings, dict) else {}

    @property
    def connection(self) -> Any:
        """The plugin's own connection as it is written, ``None`` without one."""
        return self.settings.get("connection")

    @property
    def own(self) -> Mapping[str, Any]:
        """The plugin's own connection, a string in its parts."""
        return self.plan.source.own_connection if self.plan.source is not None else {}

    @property
    def resolved(self) -> Mapping[str, Any]:
        """The connection as Backstage resolves it from the input."""
        connection = self.plan.source.connection if self.plan.source is not None else None
        return connection if isinstance(connection, dict) else {}

    @property
    def string_parts(self) -> dict[str, Any]:
        """The parts of the plugin's connection string, without what the plan decides; empty when it has none."""
        if not isinstance(self.connection, str) or self.plan.source is None:
            return {}
        own = self.plan.source.own_connection
        return {key: value for key, value in own.items() if key not in _PLANNED and value is not UNDEFINED}

    @property
    def beside_string(self) -> dict[str, Any]:
        """What stands beside the ``connectionString`` of the base connection, under the plugin's own values."""
        base = self.merged.get("connection")
        if driver_string(base) is None or not isinstance(base, dict):
            return {}
        rest = {key: value for key, value in base.items() if key not in _IN_STRING}
        if not rest.get("application_name"):  # an empty one of the base counts as none
            rest.pop("application_name", None)
        own = self.connection if isinstance(self.connection, dict) else {}
        return {key: _over(own[key], value) if key in own else value for key, value in rest.items()}

    @property
    def cloud_type(self) -> str | None:
        """The cloud sign-in that would come in the way of a password: ``rds``, ``azure``, ``cloudsql``."""
        for connection in (self.connection, self.merged.get("connection")):
            kind = connection.get("type") if isinstance(connection, dict) else None
            if kind is not None:
                return kind if kind in _CLOUDS else None
        return None

    def locate(self, *keys: str) -> Location | None:
        """Where the first of ``keys`` (of the plugin's ``connection``) was written, else the connection itself."""
        if isinstance(self.connection, ConfigMap):
            found = next((place for key in keys if (place := self.connection.locate(key))), None)
            if found:
                return found
        settings = self.settings
        return settings.locate("connection") if isinstance(settings, ConfigMap) else None

    @property
    def path(self) -> str:
        """The key of the plugin's connection."""
        return f"backend.database.plugin.{self.plan.plugin_id}.connection"


def _over(value: Any, base: Any) -> Any:
    """``value`` with the keys it does not have taken from ``base``, as knex gets them."""
    if not (isinstance(value, dict) and isinstance(base, dict)):
        return value
    return {**base, **{key: _over(item, base.get(key)) for key, item in value.items()}}
