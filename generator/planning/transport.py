"""Whether a plugin's connection to MySQL is encrypted: its user is then refused without TLS, and the two have to agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.planning.encryption import is_created
from generator.planning.places import config_key, source

if TYPE_CHECKING:
    from generator.planning.names import Names
    from generator.problems.diagnostic import Diagnostics

_UNKNOWN = object()


def _ssl(names: Names) -> Any:
    """``ssl`` of the plugin's connection; ``None`` where nobody says it, ``_UNKNOWN`` behind a URL without a value."""
    connection = names.plugin.connection if isinstance(names.plugin.connection, dict) else {}
    return _UNKNOWN if "connectionString" in connection else connection.get("ssl")


def goes_without_tls(names: Names) -> bool:
    """Whether app-config says that the plugin connects to a MySQL server without TLS (``ssl: false``)."""
    return names.server.engine == "mysql" and _ssl(names) is False


def warn_without_tls(sharing: list[Names], diagnostics: Diagnostics) -> None:
    """GR319: the users of one name on MySQL. One who may not come without TLS, and would; or one who may."""
    if sharing[0].server.engine != "mysql" or is_created(sharing[0]):  # of those, GR325 tells
        return
    may = all(map(goes_without_tls, sharing))
    for names in sharing:
        if may or _ssl(names) in (None, False, "", 0):  # what JavaScript takes for false; an empty object is not
            says = "says `ssl: false`" if _ssl(names) is False else "does not say `ssl`"
            then = "its user may come without TLS" if may else f"its user {names.role!r} has to come with TLS"
            diagnostics.warning(
                "GR319",
                f"the connection of plugin {names.plugin.plugin_id!r} {says}, and {then}",
                source(names.plugin, "connection.ssl", "connection.host", "connection", "client"),
                path=config_key(names.plugin, "connection.ssl"),
                backstage="connects to MySQL without TLS",
                hint="set backend.database.connection.ssl, such as {ca: {$file: /etc/ssl/mysql-ca.pem}}",
            )
