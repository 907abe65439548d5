"""How preflight looks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightOptions:
    """How to look. Times are in seconds.

    ``connect_timeout`` bounds each connection attempt and each question to a name server, ``statement_timeout`` each
    statement, ``total_timeout`` everything after the connection of one plugin, also when the server no longer answers: twice
    and six times as long as a connection attempt.
    ``parallel`` plugins are looked at at once, each with one connection at a time (two behind a pooler). ``replicas`` is how
    many Backstage instances share the servers.
    """

    connect_timeout: int = 5
    statement_timeout: float = 10
    total_timeout: float = 30
    parallel: int = 12
    replicas: int = 1
