"""A connection as Backstage gives it to node-postgres, in libpq's words: same server, same user, same TLS.

``ssl`` means to node-postgres: ``true`` (and the text ``"true"``) encrypts and verifies certificate and host name; an
object does the same with its own ``ca``, ``cert`` and ``key``, unless it says ``rejectUnauthorized: false``; ``false`` or
nothing is no encryption at all. Any other text or number, ``"false"`` too, ends the process when the server has TLS.
"""

from __future__ import annotations

import ipaddress
import re
import ssl as openssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from generator.engines import POSTGRESQL
from generator.preflight.driver import load_psycopg
from generator.preflight.private_files import NoFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.preflight.private_files import PrivateFiles

_SYSTEM_ROOTS_SINCE: Final = 160000  # sslrootcert=system
_SSL_MODES_OF_NODE: Final = {"prefer": True, "require": True, "verify-ca": True, "verify-full": True}
_PROTOCOLS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


class ConnectionSettingError(ValueError):
    """The connection cannot be used at all. The text says why; it never holds a secret of the connection.

    ``backstage`` is what Backstage would print, where that is known.
    """

    def __init__(self, problem: str, backstage: str = "") -> None:
        super().__init__(problem)
        self.backstage = backstage


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a server is: a host name, an IP address or a socket folder, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def setting(connection: Mapping[str, Any], key: str, environment: Mapping[str, str], default: Any = None) -> Any:
    """A value as node-postgres finds it: the connection's, else ``PG<KEY>``'s, else the default. Falsy counts as absent."""
    return connection.get(key) or environment.get(f"PG{key.upper()}") or default


def address(connection: Mapping[str, Any], environment: Mapping[str, str]) -> Address:
    """The server of ``connection``.

    Raises:
        ConnectionSettingError: the port is no number.
    """
    host = str(setting(connection, "host", environment, "localhost"))
    number = re.match(r"\s*(\d{1,5})", str(setting(connection, "port", environment, POSTGRESQL.port)), re.ASCII)  # parseInt
    if number is None:
        raise ConnectionSettingError("connection.port is not a number")
    return Address(host, int(number[1]))


def user_of(connection: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """The user node-postgres logs in as; ``None`` when nothing names one."""
    user = setting(connection, "user", environment, environment.get("USER"))
    return None if user is None else str(user)


def database_of(connection: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """The database node-postgres connects to: without a name, the one called like the user."""
    name = setting(connection, "database", environment, user_of(connection, environment))
    return None if name is None else str(name)


def parameters(connection: Mapping[str, Any], environment: Mapping[str, str], files: PrivateFiles) -> dict[str, str]:
    """libpq's parameters for ``connection``, password included.

    Args:
        environment: the variables of the run, for node-postgres' own ``PG*`` defaults.
        files: for certificates and keys that app-config holds as text.

    Raises:
        ConnectionSettingError: a setting makes a connection impossible.
    """
    place = address(connection, environment)
    found = {
        "host": place.host,
        "port": str(place.port),
        "user": user_of(connection, environment) or "",
        "dbname": database_of(connection, environment) or "",
        "password": str(setting(connection, "password", environment, "")),
        # node-postgres knows neither of these; libpq would take them from its own environment.
        "hostaddr": "",
        "gssencmode": "disable",
        "options": str(setting(connection, "options", environment, "")),
        "application_name": "greenroom preflight",
        "client_encoding": "UTF8",
    }
    if not place.host.startswith("/"):
        found.update(_tls(connection, environment, place.host, files))
    return found


def transport(connection: Any, wanted: Mapping[str, str]) -> tuple[str, str]:
    """How an open connection is protected, and what would be better (empty when nothing would)."""
    host = wanted["host"].split(",")[0]
    pgconn = connection.pgconn
    if not pgconn.ssl_in_use:
        if host.startswith("/") or host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback):
            return "no TLS, on this machine only", ""
        return "no TLS: the password and all data cross the network in the open", "set connection.ssl: {ca: {$file: ca.pem}}"
    if wanted["sslmode"] == "verify-full":
        return "TLS; certificate and host name verified", ""
    return (
        "TLS, but the certificate is not verified (rejectUnauthorized: false)",
        "set connection.ssl.ca to the server's certificate authority, and leave rejectUnauthorized out",
    )


def _tls(connection: Mapping[str, Any], environment: Mapping[str, str], host: str, files: PrivateFiles) -> dict[str, str]:
    ssl = connection["ssl"] if "ssl" in connection else _from_environment(environment)
    if not ssl and not isinstance(ssl, dict):
        return {"sslmode": "disable"}
    if ssl == "no-verify":
        ssl = {"rejectUnauthorized": False}
    elif isinstance(ssl, str | int | float) and ssl is not True and ssl != "true":
        raise ConnectionSettingError(
            f"connection.ssl is {ssl!r}, and only true, false or an object work (not the text 'false')",
            f"TypeError: Cannot use 'in' operator to search for 'key' in {ssl} (this ends the whole process)",
        )
    options: Mapping[str, Any] = ssl if isinstance(ssl, dict) else {}
    nothing = files.missing  # keeps libpq from the files in ~/.postgresql, which node-postgres does not know
    found = {"sslmode": "verify-full", "sslrootcert": nothing, "sslcert": nothing, "sslkey": nothing}
    allows_anything = environment.get("NODE_TLS_REJECT_UNAUTHORIZED") == "0"
    if options.get("rejectUnauthorized", not allows_anything) is False:
        found["sslmode"] = "require"
    else:
        found["sslrootcert"] = _roots(options.get("ca"), environment, files)
        if _is_address(host) and options.get("servername"):
            # Node checks the certificate against this name; libpq checks it against `host` and connects to `hostaddr`.
            found.update(host=str(options["servername"]), hostaddr=host)
    for key, parameter in (("cert", "sslcert"), ("key", "sslkey")):
        if options.get(key):
            found[parameter] = _file(_pem(options[key], key), files)
    if options.get("passphrase"):
        found["sslpassword"] = str(options["passphrase"])
    for key, parameter in (("minVersion", "ssl_min_protocol_version"), ("maxVersion", "ssl_max_protocol_version")):
        if options.get(key) in _PROTOCOLS:
            found[parameter] = str(options[key])
    if setting(connection, "sslnegotiation", environment) == "direct":
        found["sslnegotiation"] = "direct"
    return found


def _from_environment(environment: Mapping[str, str]) -> Any:
    mode = environment.get("PGSSLMODE", "")
    return {"rejectUnauthorized": False} if mode == "no-verify" else _SSL_MODES_OF_NODE.get(mode, False)


def _roots(ca: Any, environment: Mapping[str, str], files: PrivateFiles) -> str:
    """The file of the certificates to trust: ``ca`` alone when it is given, else what Node trusts by default.

    Node brings Mozilla's list along; the nearest thing here is the system's list, which usually is the same one.
    """
    if ca:
        return _file(_pem(ca, "ca"), files)
    extra = environment.get("NODE_EXTRA_CA_CERTS")
    paths = openssl.get_default_verify_paths()
    system = next((path for path in (paths.cafile, paths.openssl_cafile) if path and Path(path).is_file()), None)
    if extra and Path(extra).is_file():
        texts = [Path(path).read_text(encoding="utf-8", errors="replace") for path in (system, extra) if path]
        return _file("\n".join(texts), files)
    if system:
        return system
    if load_psycopg().pq.version() >= _SYSTEM_ROOTS_SINCE:
        return "system"
    raise ConnectionSettingError("no list of trusted certificates on this machine: set connection.ssl.ca")


def _pem(value: Any, key: str) -> str:
    text = "\n".join(str(part) for part in value) if isinstance(value, list) else str(value)
    if "-----BEGIN " not in text:
        raise ConnectionSettingError(f"connection.ssl.{key} is not PEM text (a path belongs into `{key}: {{$file: path}}`)")
    return text


def _file(text: str, files: PrivateFiles) -> str:
    try:
        return files.path_of(text)
    except NoFileError:
        raise ConnectionSettingError(
            "connection.ssl has certificates, and there is no folder to put them into: mount something writable at /tmp"
        ) from None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
