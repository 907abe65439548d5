"""Connection strings: ``pg-connection-string`` for PostgreSQL, Backstage's own parser for MySQL."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generator.backstage.config.reader import ConfigError
from generator.backstage.javascript.uri import decode_uri, decode_uri_component, encode_uri, parse_url, query_of
from generator.documents.javascript import yes_or_no
from generator.documents.values import UNDEFINED, ConfigMap, Placeholder, Reference

FileReader = Callable[[str], str]
"""Gives the content of a file that ``sslcert``, ``sslkey`` or ``sslrootcert`` names."""

_BADLY_ENCODED = re.compile(r" |%[^a-f0-9]|%[a-f0-9][^a-f0-9]", re.IGNORECASE | re.ASCII)
_ENCODED_TWICE = re.compile(r"%25([0-9][0-9])")
_SINGLE_SEGMENT = re.compile(r"/[^/]+")

_NO_CA = (
    "SECURITY WARNING: Using sslmode=verify-ca requires specifying a CA with sslrootcert. If a public CA is used, "
    "verify-ca allows connections to a server that somebody else may have registered with the CA, making you vulnerable "
    "to Man-in-the-Middle attacks. Either specify a custom CA certificate with sslrootcert parameter or use "
    "sslmode=verify-full for proper security."
)
_FILE_ERRORS = {
    errno.ENOENT: "ENOENT: no such file or directory, open '{}'",
    errno.ENOTDIR: "ENOTDIR: not a directory, open '{}'",
    errno.EACCES: "EACCES: permission denied, open '{}'",
    errno.EPERM: "EPERM: operation not permitted, open '{}'",
    errno.ELOOP: "ELOOP: too many symbolic links encountered, open '{}'",
    errno.ENAMETOOLONG: "ENAMETOOLONG: name too long, open '{}'",
    errno.EISDIR: "EISDIR: illegal operation on a directory, read",
}


def read_file(path: str) -> str:
    """The content of ``path`` as node reads it. Raises ``ConfigError`` with node's message."""
    if "\0" in path:
        shown = path.replace("\0", "\\x00")
        message = f"The argument 'path' must be a string, Uint8Array, or URL without null bytes. Received '{shown}'"
        raise ConfigError("TypeError", message)
    try:
        if not path:
            raise FileNotFoundError(errno.ENOENT, "")
        return Path(path).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        template = _FILE_ERRORS.get(error.errno or 0, "{}")
        raise ConfigError("Error", template.format(path)) from None


def leave_file(path: str) -> Placeholder:
    """Stands in for the content of ``path``, which only the run-time environment has."""
    return Placeholder(path, (Reference("file", path),))


def parse_pg(text: str, read: FileReader = read_file) -> ConfigMap:
    """``pg-connection-string``'s ``parse(text)``: ``user``, ``password``, ``host``, ``port`` (text), ``database``, ``ssl``.

    Missing parts are ``""`` (the database: ``None``). Raises ``ConfigError`` with the package's message.
    """
    if text.startswith("/"):  # a Unix socket, and after a space the database
        pieces = text.split(" ")
        return ConfigMap({"host": pieces[0], "database": pieces[1] if len(pieces) > 1 else UNDEFINED})
    if _BADLY_ENCODED.search(text):
        text = _ENCODED_TWICE.sub(r"%\1", encode_uri(text))
    no_host = False
    try:
        url = parse_url(text, "postgres://base")
    except ConfigError:
        url = parse_url(text.replace("@/", "@___DUMMY___/", 1), "postgres://base")
        no_host = True
    config: dict[str, Any] = dict(query_of(url))
    config["user"] = config.get("user") or decode_uri_component(str(url.username))
    config["password"] = config.get("password") or decode_uri_component(str(url.password))
    if url.protocol == "socket:":
        query = dict(reversed(query_of(url)))
        config["host"] = decode_uri(str(url.pathname))
        config["database"] = query.get("db")
        config["client_encoding"] = query.get("encoding")
        return ConfigMap(config)
    hostname = "" if no_host else re.sub(r"^\[(.+)\]$", r"\1", str(url.hostname))
    if not config.get("host"):
        config["host"] = decode_uri_component(hostname)
    elif hostname[:3].lower() == "%2f":
        url.pathname = hostname + str(url.pathname)
    if not config.get("port"):
        config["port"] = url.port
    path = str(url.pathname)[1:]
    config["database"] = decode_uri(path) if path else None
    _read_ssl(config, read)
    return ConfigMap(config)


def _read_ssl(config: dict[str, Any], read: FileReader) -> None:
    """Turn the ``ssl…`` parameters of a URL into the driver's ``ssl``."""
    if config.get("ssl") in ("true", "1"):
        config["ssl"] = True
    if config.get("ssl") == "0":
        config["ssl"] = False
    if any(config.get(key) for key in ("sslcert", "sslkey", "sslrootcert", "sslmode")):
        config["ssl"] = ConfigMap()
    if config.get("sslnegotiation") == "direct" and "ssl" not in config:
        config["ssl"] = True
    for parameter, key in (("sslcert", "cert"), ("sslkey", "key"), ("sslrootcert", "ca")):
        if config.get(parameter):
            config["ssl"][key] = read(config[parameter])
    mode = config.get("sslmode")
    if mode == "disable":
        config["ssl"] = False
    elif config.get("uselibpqcompat") == "true":
        _read_libpq_mode(config, mode)
    elif mode == "no-verify":
        config["ssl"]["rejectUnauthorized"] = False


def _read_libpq_mode(config: dict[str, Any], mode: str | None) -> None:
    """``sslmode`` with libpq's meaning. The host-name check that some modes replace is a function: no value shows it."""
    if mode == "prefer" or (mode == "require" and not config.get("sslrootcert")):
        config["ssl"]["rejectUnauthorized"] = False
    elif mode == "verify-ca" and not config["ssl"].get("ca"):
        raise ConfigError("Error", _NO_CA)


def parse_mysql(text: str) -> ConfigMap:
    """A MySQL URL as Backstage reads it; user and password stay percent-encoded.

    Raises ``ConfigError`` (an ``InputError``) with Backstage's message.
    """
    try:
        return _parse_mysql(text)
    except ConfigError as error:
        message = f"Error while parsing MySQL connection string, {error}; caused by {error}"
        raise ConfigError("InputError", message) from None


def _parse_mysql(text: str) -> ConfigMap:
    url = parse_url(text)
    if url.protocol != "mysql:":
        raise ConfigError("Error", f"Unknown protocol {url.protocol}")
    if not url.username or not url.password:
        raise ConfigError("Error", "Missing username/password")
    path = str(url.pathname)
    if not _SINGLE_SEGMENT.fullmatch(path):
        raise ConfigError("Error", "Expected single path segment")
    query = dict(reversed(query_of(url)))
    config = ConfigMap(
        {
            "user": url.username,
            "password": url.password,
            "host": url.hostname,
            "port": int(str(url.port) or 3306),
            "database": decode_uri_component(path[1:]),
        }
    )
    if query.get("ssl"):
        config["ssl"] = query["ssl"]
    if query.get("debug"):
        debug = yes_or_no(query["debug"])
        config["debug"] = UNDEFINED if debug is None else debug
    return config
