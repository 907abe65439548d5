"""Servers that speak PostgreSQL's or MySQL's protocol up to a point, and then do as they like."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GIANT = 1 << 30
_CHUNK = b"x" * (1 << 18)
#: What a client may wait at the end of a test before the line is closed.
_LONGEST = 300


class HostileServer:
    """Listens on ``port`` of 127.0.0.1; ``connections`` is how many came, ``logins`` how many got past the greeting."""

    def __init__(self, behave: Callable[[Line], None]) -> None:
        self._behave = behave
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(128)
        self.port = int(self._socket.getsockname()[1])
        self.connections = 0
        self.closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError, struct.error, IndexError):
            self._behave(Line(line, self.closed))

    def close(self) -> None:
        """No more connections; those that are open end."""
        self.closed.set()
        self._socket.close()


class Line:
    """One connection."""

    def __init__(self, line: socket.socket, closed: threading.Event) -> None:
        self._line = line
        self._closed = closed

    def send(self, data: bytes) -> None:
        self._line.sendall(data)

    def for_ever(self, data: bytes) -> None:
        """``data``, again and again."""
        many = data * max(1, (1 << 16) // len(data))
        while not self._closed.is_set():
            self._line.sendall(many)

    def drip(self, data: bytes) -> None:
        """One byte of ``data`` every half second: each is in time for a timeout that begins anew."""
        for byte in itertools.cycle(data):
            if self._closed.wait(0.5):
                return
            self._line.sendall(bytes([byte]))

    def hang(self) -> None:
        """Nothing, for as long as the test takes."""
        self._closed.wait(_LONGEST)

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self._line.recv(size - len(found))
            if not more:
                raise ConnectionError
            found += more
        return found


@contextlib.contextmanager
def hostile(behave: Callable[[Line], None]) -> Iterator[HostileServer]:
    """A server that does ``behave`` on each connection."""
    server = HostileServer(behave)
    try:
        yield server
    finally:
        server.close()


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


_FIELD = b"a\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
_ROWS = _message(b"T", struct.pack("!h", 1) + _FIELD)
_READY = _message(b"Z", b"I")


def _fields(kind: bytes, text: bytes) -> bytes:
    return _message(kind, b"SERROR\0VERROR\0C42501\0M" + text + b"\0\0")


def _startup(line: Line) -> None:
    (size,) = struct.unpack("!i", line.read(4))
    line.read(size - 4)


def _postgresql_login(line: Line) -> None:
    _startup(line)
    line.send(_message(b"R", struct.pack("!i", 0)))
    for name, value in (("server_version", "18.0"), ("client_encoding", "UTF8"), ("server_encoding", "UTF8")):
        line.send(_message(b"S", f"{name}\0{value}\0".encode()))
    line.send(_message(b"K", struct.pack("!ii", 1, 2)) + _READY)


def _after_login(act: Callable[[Line], None]) -> Callable[[Line], None]:
    def behave(line: Line) -> None:
        _postgresql_login(line)
        line.read(5)
        act(line)
        line.hang()

    return behave


def _instead_of_login(act: Callable[[Line], None]) -> Callable[[Line], None]:
    def behave(line: Line) -> None:
        _startup(line)
        act(line)
        line.hang()

    return behave


def _giant(kind: bytes, begin: bytes = b"") -> Callable[[Line], None]:
    """One message of a gigabyte."""

    def act(line: Line) -> None:
        line.send(kind + struct.pack("!i", _GIANT) + begin)
        line.for_ever(_CHUNK)

    return act


def _parameters(line: Line) -> None:
    line.send(_message(b"R", struct.pack("!i", 0)))
    for number in itertools.count():
        line.send(_message(b"S", f"parameter_{number}\0{'x' * 8000}\0".encode()))


def _key_derivation(line: Line) -> None:
    """Two thousand million rounds, in which libpq looks at no clock."""
    line.send(_message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0"))
    (size,) = struct.unpack("!i", line.read(5)[1:])
    nonce = line.read(size - 4).split(b"r=")[1]
    line.send(_message(b"R", struct.pack("!i", 11) + b"r=" + nonce + b"x,s=QUJDRA==,i=2000000000"))


def _rows_of_answers(line: Line) -> None:
    line.send(_ROWS)
    line.for_ever(_message(b"D", struct.pack("!hi", 1, 4000) + b"x" * 4000))


def _answers(line: Line) -> None:
    """Well-formed, and none of them what was asked for."""
    answer = _ROWS + _message(b"D", struct.pack("!hi", 1, 3) + b"\xff\0x") + _message(b"C", b"SELECT 1\0") + _READY
    line.for_ever(answer)


POSTGRESQL: dict[str, Callable[[Line], None]] = {
    "silence": _instead_of_login(Line.hang),
    "drip": _instead_of_login(lambda line: line.drip(_message(b"R", struct.pack("!i", 0)) + _fields(b"N", b"x" * 20000))),
    "endless noise": _instead_of_login(lambda line: line.for_ever(b"\0\xff")),
    "endless parameters": _instead_of_login(_parameters),
    "endless notices before the login": _instead_of_login(
        lambda line: (line.send(_message(b"R", struct.pack("!i", 0))), line.for_ever(_fields(b"N", b"x" * 9000)))[0]
    ),
    "a giant error before the login": _instead_of_login(_giant(b"E", b"SFATAL\0C28000\0M")),
    "a giant request": _instead_of_login(_giant(b"R", struct.pack("!i", 10))),
    "endless key derivation": _instead_of_login(_key_derivation),
    "hangs after the login": _after_login(Line.hang),
    "drips after the login": _after_login(lambda line: line.drip(_ROWS * 9999)),
    "endless rows": _after_login(_rows_of_answers),
    "endless empty rows": _after_login(lambda line: (line.send(_ROWS), line.for_ever(_message(b"D", b"\0\0")))[0]),
    "a giant row": _after_login(lambda line: (line.send(_ROWS), _giant(b"D", b"\0\1")(line))[0]),
    "a giant error": _after_login(_giant(b"E", b"SERROR\0C42501\0M")),
    "endless errors": _after_login(lambda line: line.for_ever(_fields(b"E", b"x" * 9000) + _READY)),
    "endless notices": _after_login(lambda line: line.for_ever(_fields(b"N", b"x" * 9000))),
    "endless notifications": _after_login(lambda line: line.for_ever(_message(b"A", b"\0\0\0\1" + b"x" * 9000 + b"\0y\0"))),
    "other answers": _after_login(_answers),
}


# --- MySQL --------------------------------------------------------------------------------------------------------------


def _packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def _greeting() -> bytes:
    capabilities = 0x81FFF7DF & ~0x800  # no TLS
    return (
        b"\x0a10.11.0-MariaDB\0"
        + struct.pack("<I", 7)
        + b"12345678\0"
        + struct.pack("<HBHHB", capabilities & 0xFFFF, 45, 2, capabilities >> 16, 21)
        + b"\0" * 10
        + b"123456789012\0mysql_native_password\0"
    )


_OK = b"\0\0\0\x02\0\0\0"


def _mysql_login(line: Line) -> None:
    line.send(_packet(0, _greeting()))
    _mysql_read(line)
    line.send(_packet(2, _OK))


def _mysql_read(line: Line) -> bytes:
    size = struct.unpack("<I", line.read(3) + b"\0")[0]
    line.read(1)
    return line.read(size)


def _mysql_query(act: Callable[[Line], Any]) -> Callable[[Line], None]:
    """``act`` is the answer to the first question that is none of the driver's own."""

    def behave(line: Line) -> None:
        _mysql_login(line)
        while _mysql_read(line)[1:4].upper() in (b"SET", b""):
            line.send(_packet(1, _OK))
        act(line)
        line.hang()

    return behave


def _column(number: int) -> bytes:
    words = b"".join(bytes([len(word)]) + word for word in (b"def", b"", b"", b"", b"a", b"a"))
    return _packet(number, words + b"\x0c" + struct.pack("<HIBHBxx", 45, 100, 253, 0, 0))


def _eof(number: int) -> bytes:
    return _packet(number, b"\xfe\0\0\x02\0")


def _mysql_rows(line: Line, body: bytes) -> None:
    line.send(_packet(1, b"\1") + _column(2) + _eof(3))
    for number in itertools.count(4):
        line.send(_packet(number % 256, body))


def _mysql_giant(line: Line, number: int) -> None:
    """Packets of the greatest length, each of which says that the message goes on."""
    for sequence in itertools.count(number):
        line.send(b"\xff\xff\xff" + bytes([sequence % 256]))
        for _ in range(63):
            line.send(_CHUNK)
        line.send(_CHUNK[:-1])


def _mysql_columns(line: Line) -> None:
    line.send(_packet(1, b"\xfd\xff\xff\xff"))
    for number in itertools.count(2):
        line.send(_column(number % 256))


MYSQL: dict[str, Callable[[Line], None]] = {
    "silence": Line.hang,
    "drip": lambda line: line.drip(_packet(0, _greeting() + b"x" * 60000)),
    "endless noise": lambda line: line.for_ever(b"\x01\0\0"),
    "a giant greeting": lambda line: _mysql_giant(line, 0),
    "a giant answer to the login": lambda line: (line.send(_packet(0, _greeting())), _mysql_giant(line, 2))[0],
    "endless switches of authentication": lambda line: (
        line.send(_packet(0, _greeting())),
        [
            line.send(_packet(number % 256, b"\xfemysql_native_password\0" + b"12345678901234567890\0"))
            for number in itertools.count(2, 2)
        ],
    )[0],
    "hangs after the login": _mysql_query(Line.hang),
    "drips after the login": _mysql_query(lambda line: line.drip(_packet(1, b"x" * 60000))),
    "endless rows": _mysql_query(lambda line: _mysql_rows(line, b"\xfc\xa0\x0f" + b"x" * 4000)),
    "endless empty rows": _mysql_query(lambda line: _mysql_rows(line, b"\0")),
    "endless columns": _mysql_query(_mysql_columns),
    "a giant row": _mysql_query(lambda line: (line.send(_packet(1, b"\1") + _column(2) + _eof(3)), _mysql_giant(line, 4))),
    "a giant error": _mysql_query(lambda line: _mysql_giant(line, 1)),
    "asks for a file": _mysql_query(lambda line: line.send(_packet(1, b"\xfb/etc/passwd"))),
    "other answers": _mysql_query(lambda line: line.for_ever(_packet(1, b"\1\xff"))),
}
