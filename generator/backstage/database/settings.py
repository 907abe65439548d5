"""``backend.database`` as a database manager reads it: base settings once, plugin settings one plugin at a time.

Base reads are remembered, their errors included, because every plugin asks for the same ones in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from generator.backstage.config.reader import ConfigError, ConfigReader, PlaceholderError
from generator.backstage.database.connection_string import leave_file, read_file
from generator.backstage.database.placeholders import parse_around
from generator.backstage.javascript import lodash
from generator.backstage.versions import NEWEST, Behaviour
from generator.documents.values import UNDEFINED, ConfigMap, Mark, Placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.problems.diagnostic import Location

T = TypeVar("T")
Parser = Callable[[str], ConfigMap]
"""Makes an object of a connection string. Raises ``ConfigError``."""

IN_STRING = ("user", "password", "host", "port", "database")
"""What a connection string always decides, also when it leaves them out."""


def parse_file_name(text: str) -> ConfigMap:
    """SQLite's connection string, which is a file name: the only one that needs no taking apart."""
    return ConfigMap({"filename": text})


class OpaqueConnection(ConfigMap):
    """A connection string that cannot be taken apart at generation time, under the driver's key ``connectionString``."""

    __slots__ = ()

    @property
    def text(self) -> Placeholder:
        """The whole string."""
        text: Placeholder = self["connectionString"]
        return text


class Setting(NamedTuple, Generic[T]):
    """A value and where it was written; without a location it is Backstage's default."""

    value: T
    location: Location | None = None


class PluginClient(NamedTuple):
    """A plugin and the client it uses; ``overridden`` when that is not the base client."""

    plugin_id: str
    client: Setting[str]
    overridden: bool
    skip_migrations: Setting[bool]


@dataclass(slots=True)
class DatabaseSettings:
    """The reads of a database manager.

    ``reader`` is at ``backend.database``, ``environ`` the environment Backstage would run in, ``keep`` whether references
    without a value stay placeholders, ``behaviour`` what depends on the version.
    """

    reader: ConfigReader
    environ: Mapping[str, str]
    keep: bool
    behaviour: Behaviour = NEWEST
    _known: dict[tuple[str, str], Any] = field(default_factory=dict)

    # --- plain settings --------------------------------------------------------------------------------------------

    def base_string(self, key: str) -> Setting[str | None]:
        """An optional string of ``backend.database``."""
        found: Setting[str | None] = self.once("string", key, lambda: self._string(key))
        return found

    def base_boolean(self, key: str) -> Setting[bool | None]:
        """An optional boolean of ``backend.database``."""
        found: Setting[bool | None] = self.once("boolean", key, lambda: self._boolean(key))
        return found

    def plugin_string(self, plugin_id: str, key: str) -> Setting[str | None]:
        """An optional string of ``backend.database.plugin.<id>``."""
        return self._string(f"plugin.{plugin_id}.{key}")

    def plugin_boolean(self, plugin_id: str, key: str) -> Setting[bool | None]:
        """An optional boolean of ``backend.database.plugin.<id>``."""
        return self._boolean(f"plugin.{plugin_id}.{key}")

    def base_client(self) -> Setting[str]:
        """The required ``client``."""
        found: Setting[str] = self.once("client", "client", self._client)
        return found

    def client(self, plugin_id: str) -> tuple[Setting[str], bool]:
        """The client of a plugin, and whether it differs from the base client."""
        own = self.plugin_string(plugin_id, "client")
        base = self.base_client()
        if own.value is None:
            return base, False
        self.require_known(own.value, "the name of a client", f"plugin.{plugin_id}.client", own.location)
        return Setting(own.value, own.location), own.value != base.value

    def division_mode(self) -> Setting[str]:
        """``pluginDivisionMode``, ``database`` by default."""
        found = self.base_string("pluginDivisionMode")
        if found.value is None:
            return Setting("database")
        self.require_known(found.value, "database or schema", "pluginDivisionMode", found.location)
        return Setting(found.value, found.location)

    def role(self, plugin_id: str) -> Setting[str | None]:
        """The role the manager reports: the plugin's, else the base one."""
        own = self.plugin_string(plugin_id, "role")
        return own if own.value is not None else self.base_string("role")

    def ensure_exists(self, plugin_id: str) -> Setting[bool]:
        """``ensureExists``: base first, then the plugin's; true by default."""
        base = self.base_boolean("ensureExists")
        own = self.plugin_boolean(plugin_id, "ensureExists")
        return own_or_base(own, base, default=True)

    def knex_config(self, plugin_id: str) -> ConfigMap:
        """``knexConfig``, the plugin's laid over the base one. It reaches knex, but never changes the connection."""
        own = self._object(f"plugin.{plugin_id}.knexConfig")
        base: ConfigMap | None = self.once("object", "knexConfig", lambda: self._object("knexConfig"))
        return lodash.merge(ConfigMap(), base, own) if own or base else _NOTHING

    # --- connections -----------------------------------------------------------------------------------------------

    def base_connection(self, name: str, parse: Parser) -> tuple[Any, Mark | None]:
        """The base connection, parsed when it is a string, and where it was written.

        ``name`` tells parsers apart, because clients read the same string differently.
        """
        found: tuple[Any, Mark | None] = self.once(f"connection {name}", "connection", lambda: self._base_connection(parse))
        return found

    def plugin_connection(self, plugin_id: str, parse: Parser) -> tuple[Any, Mark | None]:
        """The plugin's own connection, parsed when it is a string (an empty map without one), and where it was written."""
        key = f"plugin.{plugin_id}.connection"
        value = self.reader.get_optional(key)
        if value is UNDEFINED:
            return ConfigMap(), None
        return self._normalize(key, value, parse)

    def _base_connection(self, parse: Parser) -> tuple[Any, Mark | None]:
        return self._normalize("connection", self.reader.get("connection"), parse)

    def _normalize(self, key: str, value: Any, parse: Parser) -> tuple[Any, Mark | None]:
        mark = self.reader.mark(key)
        if not isinstance(value, str):
            return value, mark
        try:
            if isinstance(value, Placeholder) and parse is not parse_file_name:
                parsed = parse_around(value, parse) or OpaqueConnection({"connectionString": value})
            else:
                parsed = parse(value)
        except ConfigError as error:
            place = mark.location if mark else None
            raise ConfigError(error.name, error.message, place, self.reader.full_key(key)) from None
        _mark_all(parsed, mark)
        return parsed, mark

    def read_file(self, path: str) -> str:
        """The content of a file that a connection string names, or a placeholder for it."""
        return leave_file(path) if self.keep else read_file(path)

    # --- inside ----------------------------------------------------------------------------------------------------

    def require_known(self, value: Any, wanted: str, key: str, location: Location | None) -> None:
        """Raise ``PlaceholderError`` when ``value`` is a placeholder."""
        if isinstance(value, Placeholder):
            raise PlaceholderError(value, wanted, location, self.reader.full_key(key))

    def _client(self) -> Setting[str]:
        found = Setting(self.reader.get_string("client"), self.reader.locate("client"))
        self.require_known(found.value, "the name of a client", "client", found.location)
        return found

    def _string(self, key: str) -> Setting[str | None]:
        value = self.reader.get_optional_string(key)
        return _ABSENT if value is None else Setting(value, self.reader.locate(key))

    def _boolean(self, key: str) -> Setting[bool | None]:
        value = self.reader.get_optional_boolean(key)
        return _ABSENT if value is None else Setting(value, self.reader.locate(key))

    def _object(self, key: str) -> ConfigMap | None:
        # Backstage asks whether there is a value before it asks for an object.
        if not self.reader.has(key):
            return None
        value: ConfigMap = self.reader.get_config(key).get()
        return value

    def once(self, kind: str, key: str, read: Callable[[], Any]) -> Any:
        """What ``read`` gives or raises, remembered under ``kind`` and ``key``."""
        outcome = self._known.get((kind, key))
        if outcome is None:
            try:
                outcome = (True, read())
            except (ConfigError, PlaceholderError) as error:
                outcome = (False, error)
            self._known[kind, key] = outcome
        succeeded, value = outcome
        if not succeeded:
            raise value.with_traceback(None)  # raised again for each plugin: its trace would grow without end
        return value


_ABSENT: Setting[Any] = Setting(None)
_NOTHING = ConfigMap()


def own_or_base(own: Setting[bool | None], base: Setting[bool | None], *, default: bool) -> Setting[bool]:
    """The plugin's setting, else the base one, else ``default``."""
    if own.value is not None:
        return Setting(own.value, own.location)
    return Setting(default if base.value is None else base.value, base.location)


def require_name_outside(connection: Any, mark: Mark | None, key: str) -> None:
    """Raise ``PlaceholderError`` when the name of the database is inside a string that is not known."""
    if isinstance(connection, OpaqueConnection):
        place = mark.location if mark else None
        raise PlaceholderError(connection.text, "the name of the database", place, f"backend.database.{key}")


def _mark_all(value: ConfigMap, mark: Mark | None) -> None:
    """All parts of a string were written where the string was."""
    if mark is None:
        return
    for key, item in value.items():
        value.marks[key] = mark
        if isinstance(item, ConfigMap):
            _mark_all(item, mark)
