"""A psycopg connection on which a server can neither send without end nor keep a statement for ever."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import load_psycopg
from generator.preflight.network import SILENT, floods

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

#: Where ``tcpi_bytes_received`` is in Linux's ``struct tcp_info`` (since 4.1).
_RECEIVED_AT: Final = 128
#: Of a connection whose kernel does not count, the bytes that wait are added up whenever some are read. Most of them are
#: counted more than once.
_COARSE: Final = 16
_LOOK_SECONDS: Final = 0.01
#: libpq's words when it would need as much memory as a server says that a message is long.
_TOO_LARGE: Final = "cannot allocate memory for input buffer"


class Budget:
    """What one connection may still cost.

    Args:
        most: how many bytes the server may send in all.
        seconds: how long one statement may take; the login has the driver's own timeout.
        on_end: is called once, with the reason, when the budget is used up.
    """

    def __init__(self, most: int, seconds: float, on_end: Callable[[str], None] | None = None) -> None:
        self.most = most
        self.seconds = seconds
        self.on_end = on_end
        self.reason = ""
        self._coarse = 0

    def end(self, reason: str) -> None:
        """Note why the connection is given up."""
        if not self.reason:
            self.reason = reason
            if self.on_end is not None:
                self.on_end(reason)

    def is_flooded(self, line: socket.socket) -> bool:
        """Whether the server has sent more on the socket than it may."""
        received = _received(line)
        if received is not None:
            return received > self.most
        self._coarse += _waiting(line)
        return self._coarse > self.most * _COARSE

    def guarded(self, steps: Generator[Any, Any, Any], connection: Any = None) -> Generator[Any, Any, Any]:
        """psycopg's ``steps``, each of which reads what has arrived; the budget is looked at before and meanwhile.

        Args:
            connection: whose steps they are; ``None`` during the login, when every step names the socket.

        Raises:
            psycopg.OperationalError: the budget is used up, and the connection is closed.
        """
        psycopg = load_psycopg()
        until = time.monotonic() + self.seconds
        answer: Any = None
        with contextlib.ExitStack() as watched:
            line: socket.socket | None = None
            while True:
                try:
                    wanted = steps.send(answer)
                except StopIteration as stop:
                    return stop.value
                except psycopg.OperationalError as error:
                    if _TOO_LARGE in str(error):
                        self.end(floods(self.most))
                    if self.reason:
                        raise psycopg.OperationalError(f"the server {self.reason}") from None
                    raise
                if line is None:
                    fileno = wanted[0] if connection is None else connection.pgconn.socket
                    line = watched.enter_context(_WATCH.watching(fileno, self))
                answer = yield wanted
                if self.is_flooded(line):
                    self.end(floods(self.most))
                elif connection is not None and time.monotonic() > until:
                    self.end(SILENT)
                if self.reason:
                    steps.close()
                    if connection is not None:
                        connection.pgconn.finish()  # the rest of the answer is never read
                    raise psycopg.OperationalError(f"the server {self.reason}")


class _Watch:
    """One thread that looks at all sockets: libpq reads a long message in one go, for as long as more arrives."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._budgets: dict[socket.socket, Budget] = {}
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self, fileno: int, budget: Budget) -> Iterator[socket.socket]:
        """Cut the line when the server sends more than ``budget`` allows; gives a socket of the same connection."""
        with socket.socket(fileno=os.dup(fileno)) as line:
            with self._changed:
                self._budgets[line] = budget
                if self._thread is None:
                    self._thread = threading.Thread(target=self._look, name="preflight-watch", daemon=True)
                    self._thread.start()
                self._changed.notify()
            try:
                yield line
            finally:
                with self._changed:
                    del self._budgets[line]

    def _look(self) -> None:
        while True:
            with self._changed:
                while not self._budgets:
                    self._changed.wait()
                for line, budget in self._budgets.items():
                    # Only where the kernel counts: what waits is counted by who reads it.
                    if (_received(line) or 0) > budget.most:
                        budget.end(floods(budget.most))
                        with contextlib.suppress(OSError):
                            line.shutdown(socket.SHUT_RDWR)
            time.sleep(_LOOK_SECONDS)


_WATCH: Final = _Watch()


@cache
def _connection_class() -> Any:
    psycopg = load_psycopg()

    class BoundedConnection(psycopg.Connection[Any]):  # type: ignore[misc, name-defined]
        """``budget`` is set by :func:`connect_within`, on a subclass for each connection."""

        budget: Budget

        @classmethod
        def _connect_gen(cls, conninfo: str = "", **options: Any) -> Any:
            # psycopg waits for this generator itself. Should a later one have another: only the login is not counted then.
            return cls.budget.guarded(super()._connect_gen(conninfo, **options))

        def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
            return super().wait(self.budget.guarded(gen, self), *arguments, **options)

    return BoundedConnection


def connect_within(budget: Budget, **options: Any) -> Any:
    """``psycopg.connect(**options)``, within ``budget``.

    Raises:
        psycopg.OperationalError: there is no connection to be had, or the server sends too much.
    """
    kind: Any = type("BoundedConnection", (_connection_class(),), {"budget": budget})
    return kind.connect(**options)


def _received(line: socket.socket) -> int | None:
    """The bytes that have arrived on a TCP socket since it was opened; ``None`` where the kernel does not count them."""
    try:
        found = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED_AT + 8)
    except (OSError, AttributeError):
        return None
    if len(found) < _RECEIVED_AT + 8:
        return None
    return int(struct.unpack_from("=Q", found, _RECEIVED_AT)[0])


def _waiting(line: socket.socket) -> int:
    """How many bytes wait to be read, where the system says so."""
    try:
        import fcntl
        import termios

        return int(struct.unpack("i", fcntl.ioctl(line.fileno(), termios.FIONREAD, b"\0" * 4))[0])
    except (ImportError, OSError, AttributeError):
        return 0
