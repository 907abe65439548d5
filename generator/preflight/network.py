"""Names and addresses of servers, within a bounded time; a server that did not answer is not asked 200 times."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import TYPE_CHECKING, Final

from generator.preflight.workers import BoundedTimeoutError, bounded

if TYPE_CHECKING:
    from generator.preflight.postgresql.libpq import Address


class HostNameError(Exception):
    """A host name leads nowhere. ``code`` is Node's word for it (``ENOTFOUND``, ``EAI_AGAIN``)."""

    def __init__(self, problem: str, code: str) -> None:
        super().__init__(problem)
        self.code = code


class SilentServerError(Exception):
    """Two plugins of this run gave up on the same server; the text says why."""


_ATTEMPTS: Final = 2
#: Why a run gives up on a server.
SILENT: Final = "does not answer"
#: What a server may send on one connection of preflight, which asks for names and numbers: a few thousand bytes.
MOST_BYTES: Final = 2 * 1024 * 1024


def floods(most: int) -> str:
    """Why a run gives up on a server that sends more than ``most`` bytes."""
    return f"sends more than {most // 1024**2} MiB in answer to a few short questions"


class Network:
    """What one run knows about the servers it talks to, and how patient it is. Used by all threads."""

    def __init__(self, timeout: float, statement_timeout: float | None = None) -> None:
        self.timeout = timeout
        self.statement_timeout = 2 * timeout if statement_timeout is None else statement_timeout
        self._lock = threading.Lock()
        self._names: dict[str, tuple[str, ...] | HostNameError] = {}
        self._name_locks: dict[str, threading.Lock] = {}
        self._silent: dict[tuple[str, int], list[str]] = {}

    def resolve(self, host: str) -> tuple[str, ...]:
        """The IP addresses of ``host``, in the system's order; nothing for an address or a socket folder.

        libpq and PyMySQL resolve names themselves, and wait for a name server as long as the system likes.

        Raises:
            HostNameError: there is no such name, or no answer within the timeout.
        """
        if host.startswith("/") or _is_address(host):
            return ()
        with self._lock:
            lock = self._name_locks.setdefault(host, threading.Lock())
        with lock:  # one question for each name, however many plugins want it
            if host not in self._names:
                self._names[host] = self._ask(host)
            found = self._names[host]
        if isinstance(found, HostNameError):
            raise found
        return found

    def _ask(self, host: str) -> tuple[str, ...] | HostNameError:
        try:
            rows = bounded(lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM), self.timeout)
        except BoundedTimeoutError:
            return HostNameError(f"no name server answers for {host!r} within {self.timeout:g} s", "EAI_AGAIN")
        except socket.gaierror as error:
            code = "EAI_AGAIN" if error.errno == socket.EAI_AGAIN else "ENOTFOUND"
            return HostNameError(f"the host name {host!r} cannot be resolved", code)
        except (OSError, UnicodeError):
            return HostNameError(f"the host name {host!r} cannot be resolved", "ENOTFOUND")
        return tuple(dict.fromkeys(str(row[4][0]) for row in rows))

    def refuse_if_silent(self, place: Address) -> None:
        """Before a connection attempt.

        Raises:
            SilentServerError: this run gave up on the server twice.
        """
        reasons = self._silent.get((place.host, place.port), [])
        if len(reasons) >= _ATTEMPTS:
            raise SilentServerError(reasons[-1])

    def was_silent(self, place: Address, reason: str = SILENT) -> None:
        """Note that this run gave up on a server; ``reason`` follows its address in a sentence."""
        with self._lock:
            self._silent.setdefault((place.host, place.port), []).append(reason)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
