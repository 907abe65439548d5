"""What Backstage resolves for each plugin. It knows nothing about infrastructure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from generator.backstage.database.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.problems.diagnostic import Location

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class PluginDatabase(NamedTuple):
    """What Backstage's database manager resolves for one plugin.

    ``connection`` is what knex gets (for pg after the deep merge with the base connection), ``own_connection`` the
    plugin's own part of it before any merge, ``role`` the role the manager reports and ``set_role`` the one it really
    sends with ``SET ROLE``. ``sources`` says where a value was written, by key (``databaseName``, ``connection.host``); a
    key without a source is Backstage's default. ``cloud`` is the cloud that signs it in (``connection.type``: ``rds``,
    ``cloudsql``, ``azure``), ``origin`` how app-config writes the connection. With ``error`` set (Backstage's own message)
    all other fields may be empty.
    """

    plugin_id: str
    client: str | None = None
    client_overridden: bool | None = None
    plugin_division_mode: str | None = None
    database_name: Any = None
    schema_name: str | None = None
    role: str | None = None
    set_role: str | None = None
    search_path: tuple[str, ...] | None = None
    ensure_exists: bool | None = None
    ensure_schema_exists: bool | None = None
    skip_migrations: bool | None = None
    connection: Any = None
    own_connection: Mapping[str, Any] = _NOTHING
    sources: Mapping[str, Location] = _NOTHING
    error: str | None = None
    cloud: str | None = None
    origin: Origin = Origin()

    @property
    def is_sqlite(self) -> bool:
        """Whether the plugin lives in SQLite and needs nothing provisioned."""
        return self.client is not None and "sqlite3" in self.client

    @property
    def engine(self) -> str | None:
        """``postgresql``, ``mysql`` or ``sqlite``; ``None`` when Backstage would fail."""
        if self.error or not self.client:
            return None
        if self.is_sqlite:
            return "sqlite"
        return "mysql" if self.client.startswith("mysql") else "postgresql"


PluginDatabaseMap = dict[str, PluginDatabase]
"""Plugin id to what Backstage resolves for it, sorted by plugin id."""
