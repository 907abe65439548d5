"""Options of a connection URL that its reader does not know, and so drops without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.backstage.checks.tls_names import is_tls_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_PG_TLS: Final = ("ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation")
_PG_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full", "no-verify")
_MYSQL: Final = ("ssl", "debug")
#: An option that became a part of the database's name.
_IN_PATH: Final = re.compile(r"[&;]([A-Za-z_-]+)=")


def option_problems(text: str, client: str, *, read_by_driver: bool) -> Iterator[tuple[str, str, str]]:
    """The options of the URL ``text`` that have no effect, or not the one they seem to have: for each what is wrong, what
    Backstage does, and a hint. ``read_by_driver``: the URL is inside a connection object, so Backstage does not read it.
    """
    address, _, query = text.partition("#")[0].partition("?")
    hidden = _IN_PATH.search(address.partition("://")[2].partition("/")[2])
    if hidden:
        yield (
            f"{hidden[1]} is no option of this URL: the first one comes after a question mark",
            "takes it for a part of the database's name, and sets nothing",
            f"write ?{hidden[1]}=… after the name of the database",
        )
    for option in query.split("&"):
        name, _, value = option.partition("=")
        if not name:
            continue
        if client != "pg":
            # What mysql2 itself reads (`uri`) may have every option of mysql2.
            if name not in _MYSQL and not read_by_driver:
                yield (
                    f"the option {name!r} of this URL has no effect",
                    "reads the options ssl and debug of a MySQL URL, and drops the others",
                    "write the connection as an object, with what is wanted among its keys; TLS as `ssl: {…}`",
                )
        elif name not in _PG_TLS and is_tls_name(name, inside=False):
            yield (
                f"pg knows no option {name!r} in a URL",
                "hands it to the driver, which ignores it",
                f"pg reads {', '.join(_PG_TLS[:-1])}, spelt so: sslmode=verify-full, or sslmode=disable",
            )
        elif name == "sslmode" and value and "${" not in value and value not in _PG_MODES:
            yield (
                f"sslmode={value} is none that pg knows: the connection is encrypted, and the certificate checked",
                "takes every sslmode but disable and no-verify for verify-full",
                f"one of {', '.join(_PG_MODES)}",
            )
