"""A connection as Backstage gives it to mysql2, made with PyMySQL: same server, same user, same TLS.

``ssl`` means to mysql2: an object encrypts and verifies the certificate, unless it says ``rejectUnauthorized: false``, but
the host name in it only with ``verifyIdentity: true``; the text ``Amazon RDS`` is an object with Amazon's authorities; any
other text and ``true`` are errors; ``false`` or nothing is no encryption.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl as openssl
import threading
from typing import TYPE_CHECKING, Any, Final

from generator.engines import MYSQL
from generator.preflight.deadlines import hang_up_after
from generator.preflight.driver import load_pymysql
from generator.preflight.mysql.bounded import bounded_class
from generator.preflight.network import MOST_BYTES
from generator.preflight.postgresql.libpq import Address, ConnectionSettingError
from generator.preflight.private_files import PrivateFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.preflight.network import Network

#: mysql2's profile brings Amazon's certificate authorities along; there is no such list here.
AMAZON: Final = "Amazon RDS"
#: CR_SSL_CONNECTION_ERROR: PyMySQL's own, before it has said anything about the user.
_NO_TLS: Final = 2026


class NoTlsError(Exception):
    """The server offers no TLS, and app-config wants it."""


def address(connection: Mapping[str, Any], _environment: Mapping[str, str]) -> Address:
    """The server of ``connection``; a socket path stands for the host.

    Raises:
        ConnectionSettingError: the port is no number.
    """
    number = re.match(r"\s*(\d{1,5})", str(connection.get("port") or MYSQL.port), re.ASCII)
    if number is None:
        raise ConnectionSettingError("connection.port is not a number")
    return Address(str(connection.get("socketPath") or connection.get("host") or "localhost"), int(number[1]))


def user_of(connection: Mapping[str, Any], _environment: Mapping[str, str]) -> str | None:
    """The user mysql2 logs in as."""
    user = connection.get("user")
    return None if user is None else str(user)


def database_of(connection: Mapping[str, Any], _environment: Mapping[str, str]) -> str | None:
    """The database mysql2 connects to; without one, none is selected."""
    name = connection.get("database")
    return str(name) if name else None


def context_of(connection: Mapping[str, Any], environment: Mapping[str, str]) -> openssl.SSLContext | None:
    """What TLS has to be like, ``None`` for none at all.

    Raises:
        ConnectionSettingError: mysql2 refuses the setting.
    """
    ssl = connection.get("ssl")
    if not ssl and not isinstance(ssl, dict):
        return None
    if isinstance(ssl, str) and ssl != AMAZON:
        raise ConnectionSettingError(f"connection.ssl is {ssl!r}", f"TypeError: Unknown SSL profile '{ssl}'")
    if not isinstance(ssl, str | dict):
        kind = "boolean" if isinstance(ssl, bool) else "number"
        said = f"TypeError: SSL profile must be an object, instead it's a {kind}"
        raise ConnectionSettingError(f"connection.ssl is {str(ssl).lower()}, and mysql2 wants an object", said)
    options: Mapping[str, Any] = ssl if isinstance(ssl, dict) else {}
    context = openssl.SSLContext(openssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = bool(options.get("verifyIdentity"))
    if isinstance(ssl, str) or options.get("rejectUnauthorized") is False:
        context.check_hostname = False
        context.verify_mode = openssl.CERT_NONE
    try:
        if options.get("ca"):
            context.load_verify_locations(cadata=_text(options["ca"]))
        else:
            context.load_default_certs()
            if extra := environment.get("NODE_EXTRA_CA_CERTS"):
                with contextlib.suppress(OSError):
                    context.load_verify_locations(cafile=extra)
        if options.get("cert"):
            _load_client_certificate(context, options)
    except (openssl.SSLError, ValueError, OSError):
        raise ConnectionSettingError(
            "connection.ssl has a ca, cert or key that is not PEM text (a path belongs into `ca: {$file: path}`)"
        ) from None
    return context


def connect(
    connection: Mapping[str, Any],
    password: str,
    context: openssl.SSLContext | None,
    timeout: int,
    statement_timeout: float,
    network: Network,
    database: str | None,
    most_bytes: int = MOST_BYTES,
) -> Any:
    """A ``pymysql.Connection`` in autocommit.

    Args:
        most_bytes: what the server may send in all.

    Raises:
        pymysql.MySQLError: the server refuses.
        OSError: the server cannot be reached, or TLS with it is not to be trusted (``ssl.SSLError``).
        NoTlsError: it has no TLS.
        HostNameError: the host name leads nowhere.
        SilentServerError: this run gave up on the server before.
    """
    pymysql = load_pymysql()
    place = address(connection, {})
    kind = bounded_class()
    network.refuse_if_silent(place)
    try:
        line = _dial(place, network.resolve(place.host), timeout)
    except TimeoutError:
        network.was_silent(place)
        raise
    opened = kind(
        host=place.host,
        port=place.port,
        user=str(connection.get("user") or ""),
        password=password,
        database=database,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=timeout,
        read_timeout=max(1, int(timeout)),
        write_timeout=max(1, int(timeout)),
        ssl=context,
        ssl_disabled=context is None,
        program_name="greenroom preflight",
        defer_connect=True,
    )
    opened.begin(lambda reason: network.was_silent(place, reason), most_bytes)
    hung = threading.Event()
    try:
        with hang_up_after(line.fileno(), timeout, hung.set):  # the driver's own timeout is for each byte anew
            opened.connect(line)
    except pymysql.MySQLError as error:
        line.close()
        if error.args and error.args[0] == _NO_TLS:
            raise NoTlsError from None
        cause = getattr(error, "original_exception", None)
        if isinstance(cause, OSError) and not isinstance(cause, TimeoutError):
            raise cause from None
        if hung.is_set() or "timed out" in str(error):
            network.was_silent(place)
            raise TimeoutError from None
        raise
    opened.in_statements()
    opened._read_timeout = max(1, int(statement_timeout))
    return opened


def _dial(place: Address, addresses: tuple[str, ...], timeout: float) -> socket.socket:
    if place.host.startswith("/"):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(timeout)
        line.connect(place.host)
        return line
    problem: OSError | None = None
    for host in addresses or (place.host,):
        try:
            return socket.create_connection((host, place.port), timeout)
        except OSError as error:
            problem = error
    assert problem is not None
    raise problem


def _text(value: Any) -> str:
    return "\n".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _load_client_certificate(context: openssl.SSLContext, options: Mapping[str, Any]) -> None:
    """The client's certificate and key; OpenSSL takes them from files only."""
    with PrivateFiles() as files:
        cert, key = files.path_of(_text(options["cert"])), files.path_of(_text(options.get("key") or options["cert"]))
        # Without one, not even an empty one, OpenSSL would ask the terminal.
        context.load_cert_chain(cert, key, str(options.get("passphrase") or ""))


def rows_of(connection: Any, statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows a statement gives."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def row_of(connection: Any, statement: str, values: list[Any] | None = None) -> tuple[Any, ...]:
    """The first row of a statement that always gives one."""
    return rows_of(connection, statement, values)[0]
