"""What stands between function and server in these tests: TLS for a server that has none, and a line that can be cut."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _read_exactly(stream: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = stream.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _hang_up(*streams: socket.socket) -> None:
    for stream in streams:
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)


class Relay:
    """Listens on 127.0.0.1 and hands every connection to ``serve`` in a thread of its own."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(client,), daemon=True).start()

    def _run(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), contextlib.ExitStack() as stack:
            stack.callback(client.close)
            server = socket.create_connection(self.target, timeout=10)
            server.settimeout(None)
            stack.callback(server.close)
            # A thread that still reads would keep the connection open.
            stack.callback(_hang_up, client, server)
            self.serve(client, server)

    def serve(self, client: socket.socket, server: socket.socket) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._listener.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _hang_up(source, sink)


class TlsFront(Relay):
    """Gives a PostgreSQL that was built without TLS a certificate."""

    def __init__(self, target: tuple[str, int], certificate: str, key: str) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        super().__init__(target)

    def serve(self, client: socket.socket, server: socket.socket) -> None:
        assert _read_exactly(client, 8)[4:] == (80877103).to_bytes(4, "big"), "the client does not begin with TLS"
        client.sendall(b"S")
        with self._context.wrap_socket(client, server_side=True) as secure:
            back = threading.Thread(target=_pump, args=(server, secure), daemon=True)
            back.start()
            _pump(secure, server)
            back.join()


class Cutter(Relay):
    """Counts the encrypted records of the client, one for each statement, and does something at the n-th.

    ``first`` is the size of what the client says before TLS begins (PostgreSQL 8 bytes, MySQL a packet of 36). The count
    goes on over all connections. At number ``at``: ``before`` cuts the line with the statement unsent, ``after`` with the
    answer unread; every later connection works. ``on_cut`` is called at that moment.
    """

    def __init__(self, target: tuple[str, int], first: int) -> None:
        self._first = first
        self._lock = threading.Lock()
        self.count = 0
        self.at = 0
        self.mode = "before"
        self.on_cut: Callable[[], None] = lambda: None
        super().__init__(target)

    def arm(self, at: int, mode: str, on_cut: Callable[[], None] = lambda: None) -> None:
        with self._lock:
            self.count, self.at, self.mode, self.on_cut = 0, at, mode, on_cut

    def serve(self, client: socket.socket, server: socket.socket) -> None:
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        server.sendall(_read_exactly(client, self._first))
        while True:
            head = _read_exactly(client, 5)
            record = head + _read_exactly(client, int.from_bytes(head[3:], "big"))
            if head[0] == 23:
                with self._lock:
                    self.count += 1
                    is_cut = self.count == self.at
                if is_cut:
                    if self.mode == "after":
                        server.sendall(record)
                    self.on_cut()
                    _hang_up(client, server)
                    return
            server.sendall(record)


@contextlib.contextmanager
def running(relay: Relay) -> Iterator[Relay]:
    try:
        yield relay
    finally:
        relay.close()
