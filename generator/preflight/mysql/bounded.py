"""A PyMySQL connection on which a server cannot send without end."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import load_pymysql
from generator.preflight.network import MOST_BYTES, SILENT, floods

if TYPE_CHECKING:
    from collections.abc import Callable

#: CR_SERVER_LOST: PyMySQL's own, for a line that ended or a server that said nothing.
_LOST: Final = 2013
#: Two reads make a packet, and the objects PyMySQL makes of the smallest ones are many times as large.
_OVERHEAD: Final = 64


@cache
def bounded_class() -> Any:
    """A ``pymysql.Connection`` that counts what the server sends, from its greeting on."""
    pymysql = load_pymysql()

    class BoundedConnection(pymysql.Connection):  # type: ignore[misc, name-defined]
        """``begin`` comes before ``connect``."""

        _left = _most = MOST_BYTES
        _logged_in = False
        _on_end: Callable[[str], None] = staticmethod(lambda _reason: None)

        def begin(self, on_end: Callable[[str], None], most: int) -> None:
            """Start to count.

            Args:
                on_end: is called with the reason when the connection is given up.
                most: how many bytes the server may send in all.
            """
            self._on_end, self._left, self._most = on_end, most, most

        def _read_bytes(self, num_bytes: int) -> Any:
            # Everything PyMySQL reads it reads here, and in one piece: the server says how long it is.
            self._left -= num_bytes + _OVERHEAD
            if self._left < 0:
                self._on_end(floods(self._most))
                self._force_close()
                raise pymysql.err.OperationalError(_LOST, f"the server {floods(self._most)}")
            try:
                return super()._read_bytes(num_bytes)
            except pymysql.err.OperationalError as error:
                if self._logged_in and "timed out" in str(error):
                    self._on_end(SILENT)
                raise

        def in_statements(self) -> None:
            """The login is over: one that takes too long is told by who connects."""
            self._logged_in = True

    return BoundedConnection
