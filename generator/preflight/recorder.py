"""The checks of one target as they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from generator.preflight.network import SILENT
from generator.preflight.results import Check, PreflightResult

if TYPE_CHECKING:
    from generator.preflight.network import Network
    from generator.preflight.options import PreflightOptions
    from generator.preflight.postgresql.failures import Failure
    from generator.preflight.private_files import PrivateFiles
    from generator.preflight.probes import PreflightTarget
    from generator.preflight.results import Room

#: Name of a check to the code of its problem; docs/preflight.md has a section for each name.
CODES: Final = {
    "credentials": "GR711",
    "reachable": "GR712",
    "as planned": "GR713",
    "search path": "GR714",
    "create table": "GR715",
    "temporary table": "GR716",
    "existing tables": "GR717",
    "restricted": "GR718",
    "isolated": "GR719",
    "tls": "GR720",
    "login": "GR721",
    "database": "GR722",
    "writable": "GR723",
    "ensure": "GR724",
    "pooler": "GR725",
    "pool": "GR726",
    "role": "GR727",
    "connection limit": "GR728",
    "connections": "GR729",
    "password expiry": "GR730",
    "session": "GR731",
    "migration lock": "GR732",
    "second connection": "GR733",
    "extensions": "GR738",
    "owner": "GR735",
    "pair": "GR736",
    "other login": "GR737",
}


#: A server's words are repeated, and a server may have many.
_LONGEST: Final = 2000


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text)} characters)"


class NotReadyError(Exception):
    """A check failed that makes the ones after it pointless."""


class Recorder:
    """Collects the checks of one target.

    ``room`` is what its session saw of connection limits, ``schema`` where tables are created.
    """

    def __init__(self, target: PreflightTarget, options: PreflightOptions, files: PrivateFiles, network: Network) -> None:
        self.target = target
        self.options = options
        self.files = files
        self.network = network
        self.checks: list[Check] = []
        self.room: Room | None = None
        self.schema = "public"

    def hung(self) -> None:
        """The server took the login and then said nothing more."""
        self.gave_up(SILENT)

    def gave_up(self, reason: str) -> None:
        """The server is not talked to any longer: after a second time no other plugin tries."""
        if self.target.address is not None:
            self.network.was_silent(self.target.address, reason)

    def passed(self, name: str, detail: str) -> None:
        """A check that is in order."""
        self.checks.append(Check(name, True, _shortened(detail)))

    def warned(self, name: str, failure: Failure) -> None:
        """A check that is in order and wants a reader all the same."""
        self._add(name, failure, ok=True, stops=False)

    def failed(self, name: str, failure: Failure, *, stops: bool = True) -> None:
        """A check that is not in order; ``stops`` when Backstage would not start."""
        self._add(name, failure, ok=False, stops=stops)

    def stop(self, name: str, failure: Failure) -> NoReturn:
        """A check that is not in order, and there is no point in going on.

        Raises:
            NotReadyError: always.
        """
        self.failed(name, failure)
        raise NotReadyError

    def stop_ready(self, name: str, failure: Failure) -> NoReturn:
        """Nothing is wrong, and nothing more can be looked at yet.

        Raises:
            NotReadyError: always.
        """
        self.warned(name, failure)
        raise NotReadyError

    def result(self, seconds: float) -> PreflightResult:
        """What was found."""
        target = self.target
        return PreflightResult(
            plugin_id=target.plugin_id,
            engine=target.engine,
            server=str(target.address or ""),
            database=target.connects_to or target.database,
            schema=target.schema,
            user=target.user or target.role,
            checks=tuple(self.checks),
            seconds=seconds,
            room=self.room,
            told=target.told,
        )

    def _add(self, name: str, failure: Failure, *, ok: bool, stops: bool) -> None:
        self.checks.append(
            Check(
                name,
                ok,
                _shortened(failure.detail),
                warning=ok,
                stops=stops,
                code=CODES[name],
                backstage=_shortened(failure.backstage),
                hint=_shortened(failure.hint),
                answered=failure.answered,
            )
        )
