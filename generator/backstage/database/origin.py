"""How app-config writes what Backstage resolves: as an object, as a string, or as the driver's own string inside an object.

What is resolved no longer says it, and whoever has to write something over app-config has to know: an object replaces a
string as a whole, and a driver's string wins over everything beside it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from generator.clouds import CLOUDS
from generator.documents.values import UNDEFINED, ConfigMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.problems.diagnostic import Location

CERTIFICATES: Final = {"sslrootcert": "ca", "sslcert": "cert", "sslkey": "key"}
"""Parameters of a connection string that name a file, and the keys of ``ssl`` its content goes to."""

Form = Literal["nothing", "object", "string", "driver string"]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
#: What a plan decides, whatever app-config says.
_PLANNED: Final = ("database", "user", "password")
_IN_STRING: Final = (*_PLANNED, "connectionString", "host", "port", "type", "instance", "region", "tokenCredential")
#: What lets Backstage create things; the last is how its code spells a plugin's `ensureSchemaExists`.
_CREATES: Final = ("ensureExists", "ensureSchemaExists", "getEnsureSchemaExistsConfig")


def driver_string(connection: Any) -> Any:
    """The driver's own ``connectionString`` inside a connection object, ``None`` without one."""
    return connection.get("connectionString") if isinstance(connection, dict) else None


def form_of(connection: Any) -> Form:
    """In which form a connection is written."""
    if driver_string(connection) is not None:
        return "driver string"
    return "object" if isinstance(connection, dict) else "string" if isinstance(connection, str) else "nothing"


class Origin(NamedTuple):
    """How app-config writes what one plugin has.

    ``base`` is the base connection as it is written, ``written`` the plugin's own (``None`` without one), ``parts`` the same
    with a string in its parts. ``place`` is where the plugin's connection was written, ``client`` the one it has.
    ``creates`` are its keys that let Backstage create something, and ``sets_role`` says that it names a role.
    """

    base: Any = None
    written: Any = None
    parts: Mapping[str, Any] = _NOTHING
    place: Location | None = None
    client: Any = None
    creates: tuple[str, ...] = ()
    sets_role: bool = False

    @property
    def form(self) -> Form:
        """In which form the plugin's own connection is written."""
        return form_of(self.written)

    @property
    def string_parts(self) -> dict[str, Any]:
        """The parts of the plugin's connection string, without what a plan decides; empty when it has none."""
        if self.form != "string":
            return {}
        return {key: value for key, value in self.parts.items() if key not in _PLANNED and value is not UNDEFINED}

    @property
    def beside_string(self) -> dict[str, Any]:
        """What stands beside the ``connectionString`` of the base connection, under the plugin's own values."""
        if form_of(self.base) != "driver string":
            return {}
        rest = {key: value for key, value in self.base.items() if key not in _IN_STRING}
        if not rest.get("application_name"):  # an empty one of the base counts as none
            rest.pop("application_name", None)
        own = self.written if isinstance(self.written, dict) else {}
        return {key: _over(own[key], value) if key in own else value for key, value in rest.items()}

    @property
    def cloud_type(self) -> str | None:
        """The cloud sign-in that would come in the way of a password: ``rds``, ``azure``, ``cloudsql``."""
        for connection in (self.written, self.base):
            kind = connection.get("type") if isinstance(connection, dict) else None
            if kind is not None:
                return kind if isinstance(kind, str) and kind in CLOUDS else None
        return None

    def locate(self, *keys: str) -> Location | None:
        """Where the first of ``keys`` (of the plugin's connection) was written, else the connection itself."""
        if isinstance(self.written, ConfigMap):
            found = next((place for key in keys if (place := self.written.locate(key))), None)
            if found:
                return found
        return self.place


class BaseOrigin(NamedTuple):
    """How app-config writes what is for all plugins. ``merged`` is ``backend.database``; nothing else reads it."""

    merged: Mapping[str, Any] = _NOTHING

    @property
    def connection(self) -> Any:
        """The base connection as it is written, ``None`` without one."""
        return self.merged.get("connection")

    @property
    def form(self) -> Form:
        """In which form the base connection is written."""
        return form_of(self.connection)

    @property
    def role(self) -> Any:
        """The role that every connection switches to, ``None`` without one."""
        return self.merged.get("role")

    @property
    def creates_schemas(self) -> bool:
        """Whether it lets Backstage create the schemas of plugins."""
        return self.merged.get("ensureSchemaExists") not in (None, False)

    def locate(self, *keys: str) -> Location | None:
        """Where the innermost of ``keys`` below ``backend.database`` was written."""
        value: Any = self.merged
        for key in keys[:-1]:
            value = value.get(key) if isinstance(value, ConfigMap) else None
        return value.locate(keys[-1]) if isinstance(value, ConfigMap) else None

    @property
    def configured(self) -> tuple[str, ...]:
        """The plugins that app-config has settings for."""
        plugins = self.merged.get("plugin")
        return tuple(plugins) if isinstance(plugins, ConfigMap) else ()

    def plugin(self, plugin_id: str, parts: Mapping[str, Any] = _NOTHING) -> Origin:
        """The origin of a plugin. ``parts`` is its own connection, a string in its parts."""
        plugins = self.merged.get("plugin")
        settings = plugins.get(plugin_id) if isinstance(plugins, dict) else None
        client = self.merged.get("client")
        if not isinstance(settings, dict):
            return Origin(base=self.connection, parts=parts, client=client)
        return Origin(
            base=self.connection,
            written=settings.get("connection"),
            parts=parts,
            place=settings.locate("connection") if isinstance(settings, ConfigMap) else None,
            client=settings.get("client", client),
            creates=tuple(key for key in _CREATES if settings.get(key) not in (None, False)),
            sets_role=settings.get("role") is not None,
        )


def _over(value: Any, base: Any) -> Any:
    """``value`` with the keys it does not have taken from ``base``, as knex gets them."""
    if not (isinstance(value, dict) and isinstance(base, dict)):
        return value
    return {**base, **{key: _over(item, base.get(key)) for key, item in value.items()}}
