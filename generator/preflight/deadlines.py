"""An end for what happens on a socket, whoever reads from it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def hang_up_after(fileno: int, seconds: float, on_hang: Callable[[], None] | None = None) -> Iterator[None]:
    """Shut the socket ``fileno`` down when the block takes longer than ``seconds``; ``on_hang`` is called before."""
    with socket.socket(fileno=os.dup(fileno)) as line:

        def hang_up() -> None:
            if on_hang is not None:
                on_hang()
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
