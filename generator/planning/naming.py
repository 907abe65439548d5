"""Names of roles, secrets and variables, and the limits a server or a target sets for them."""

from __future__ import annotations

import re

_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9_-]")


def label(text: str) -> str:
    """``text`` as an identifier of Terraform: letters, digits, ``_`` and ``-``, never a digit first."""
    made = _NOT_IN_LABEL.sub("_", text)
    return made if made[:1].isalpha() or made[:1] == "_" else f"_{made}"


def server_name(host: str) -> str:
    """A server's name from its host: ``db-2.example.com`` → ``db_2_example_com``, ``${X_HOST}`` → ``x_host``."""
    made = re.sub(r"[^a-z0-9]+", "_", host.lower()).strip("_")
    return made if made[:1].isalpha() else f"server_{made}"
