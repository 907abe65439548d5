"""Why a request did not work out: for good, or perhaps only now."""

from __future__ import annotations


class RefusedError(Exception):
    """The request cannot be carried out as it is; trying again would not help. The message is for the stack's events."""


class TransientError(Exception):
    """The server or the network is not ready, or somebody was faster; the same request may work in a moment."""


class SqlError(Exception):
    """The server refused one statement.

    ``code`` is the SQLSTATE (PostgreSQL) or the error number (MySQL) as text, ``message`` the server's own first line.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


def problems_text(problems: list[str]) -> str:
    """All problems of one request in one message."""
    return problems[0] if len(problems) == 1 else "; ".join(f"({number}) {text}" for number, text in enumerate(problems, 1))
