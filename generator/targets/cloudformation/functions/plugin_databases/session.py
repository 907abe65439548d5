"""The tiny interface between the SQL logic and what carries it: a driver, or the RDS Data API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Session(Protocol):
    """One database session of one user."""

    def run(self, sql: str) -> list[list[Any]]:
        """Run one statement; its rows.

        Raises:
            SqlError: the server refused it.
            TransientError: the connection broke, or the server says to try again.
        """

    def transaction(self) -> AbstractContextManager[None]:
        """``with`` this, all or nothing."""


class Server(Protocol):
    """One server, with the administrator's credentials."""

    def session(self, database: str) -> AbstractContextManager[Session]:
        """A session of the administrator.

        Raises:
            RefusedError: wrong credentials, unknown certificate authority.
            TransientError: the server cannot be reached.
        """

    def login(self, user: str, database: str) -> AbstractContextManager[Session]:
        """A session of the plugin's user, with the password in its secret. Raises as :meth:`session`."""
