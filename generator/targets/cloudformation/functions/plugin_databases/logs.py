"""One JSON object per line on standard output, and no secret in any of them."""

from __future__ import annotations

import json
import sys

_MASK = "********"


class Secrets:
    """The secrets of one invocation: texts that must appear in no log line and no reason."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        """Hide ``text`` from now on, as it is and as JSON writes it."""
        if text:
            self._texts = sorted({*self._texts, text, json.dumps(text)[1:-1]}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """``text`` with a mask in place of every secret."""
        for secret in self._texts:
            text = text.replace(secret, _MASK)
        return text


def log(secrets: Secrets, message: str, **fields: object) -> None:
    """Write one line. Values that are no text are written as JSON."""
    line = json.dumps({"message": message, **fields}, default=str)
    sys.stdout.write(secrets.hide(line) + "\n")
    sys.stdout.flush()
