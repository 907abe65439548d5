"""The community RBAC backend: a module of ``permission`` that opens a second connection, with the *base* credentials.

Its adapter takes host, port, user, password and ssl of ``backend.database.connection``, whatever the
plugin's own are, and the database and schema of the plugin ``permission``. Where that plugin's connection fetches a token
(rds, azure), its password is that token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.config.reader import ConfigError, ConfigReader
from generator.documents.values import UNDEFINED, ConfigMap, Placeholder

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase
    from generator.backstage.repository import Discovery
    from generator.problems.diagnostic import Location

#: The plugin it is a module of.
PLUGIN: Final = "permission"
#: From which version on its adapter asks the plugin's connection for a token.
TOKENS_SINCE: Final = "7.16.0"
#: The version whose adapter was run beside preflight.
VERIFIED: Final = "8.1.3"
_PACKAGE: Final = "rbac-backend"
_PATH: Final = "backend.database.connection"
_IS_TEXT: Final = "Postgres connection config in string format is not supported yet, an object is expected"


class AdapterProblem(NamedTuple):
    """What the adapter throws for a configuration: ``message`` is its own, ``path`` the key, ``hint`` what helps."""

    message: str
    path: str
    location: Location | None
    hint: str


def has_rbac(discovery: Discovery | None, reader: ConfigReader) -> bool:
    """Whether the backend adds it, or app-config configures it (``permission.rbac``)."""
    added = discovery.plugins.get(PLUGIN) if discovery is not None else None
    if added is not None and any(_PACKAGE in (name or "") for name in (added.package, *added.modules)):
        return True
    try:
        return reader.get_optional("permission.rbac") is not UNDEFINED
    except ConfigError:
        return False


def adapter_problem(database: ConfigMap) -> AdapterProblem | None:
    """What the adapter throws before it connects, for the merged ``backend.database``."""
    client, connection = database.get("client"), database.get("connection", UNDEFINED)
    if client == "better-sqlite3" or isinstance(client, Placeholder):
        return None
    if client != "pg":
        hint = "the RBAC backend needs `client: pg` (or better-sqlite3) as the base client"
        return AdapterProblem(
            f"Error: Unsupported database client {client}", "backend.database.client", database.locate("client"), hint
        )
    if isinstance(connection, str):
        hint = "write the base connection as an object: host, port, user and password"
        return AdapterProblem(f"Error: {_IS_TEXT}", _PATH, database.locate("connection"), hint)
    reader = ConfigReader(ConfigMap({"backend": ConfigMap({"database": database})}))
    place = database.locate("connection")
    try:
        reader.get_string(f"{_PATH}.host")
        port = reader.get_optional(f"{_PATH}.port")
        if isinstance(port, str) and not port.strip() and not isinstance(port, Placeholder):
            message = f"Unable to convert config value for key '{_PATH}.port' to a number"
            raise ConfigError("Error", message, reader.locate(f"{_PATH}.port"), f"{_PATH}.port")
        if not isinstance(port, Placeholder):
            reader.get_number(f"{_PATH}.port")
        for key in ("user", "password"):
            reader.get_optional_string(f"{_PATH}.{key}")
    except ConfigError as error:
        key = error.path or _PATH
        hint = f"set {key}" + (": 5432, or the port of the server" if key.endswith(".port") else "")
        message = re.sub(r" in '[^']*'", "", error.message, count=1)  # the file is in the location
        return AdapterProblem(f"{error.name}: {message}", key, error.location or place, hint)
    return None


def client_problem(found: PluginDatabase, database: ConfigMap) -> AdapterProblem | None:
    """What the adapter throws where its plugin is on SQLite and the base on PostgreSQL: it goes by the base client, and a
    connection to SQLite names no database.
    """
    if not found.is_sqlite or database.get("client") != "pg":
        return None
    return AdapterProblem(
        "Error: missing database name on Knex connection",
        f"backend.database.plugin.{PLUGIN}.client",
        found.sources.get("client") or found.sources.get("connection"),
        f"take client and connection of the plugin {PLUGIN!r} out: it then gets a database beside the others",
    )


def adapter_connection(connection: Any, database: str | None) -> dict[str, Any]:
    """The connection it makes, of the base connection Backstage resolves and the database of its plugin."""
    base: dict[str, Any] = connection if isinstance(connection, dict) else {}
    ssl = base.get("ssl")
    if isinstance(ssl, dict):
        ssl = {key: ssl[key] for key in ("ca", "rejectUnauthorized") if key in ssl} or True
    elif not isinstance(ssl, bool):
        ssl = False
    kept = {key: base[key] for key in ("host", "port", "user", "password") if base.get(key) is not None}
    return {**kept, "ssl": ssl, "database": database}
