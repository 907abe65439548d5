"""The variables that a run knows: from files of the repository, and from the process only where somebody asks for that."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from generator.backstage.config.environment import PREFIX
from generator.backstage.database.redaction import is_secret_name
from generator.documents.env_files import read_env_files
from generator.documents.files import display_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from generator.backstage.config.loader import LoadedConfig
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings

#: Where a variable comes from that no file has.
PROCESS = "the environment"
_LOOKUP = "BACKSTAGE_ENV"


class Variables(NamedTuple):
    """``values`` by name, and where each was written (``greenroom.yaml:12:3``, ``production.env``, ``the environment``)."""

    values: Mapping[str, str]
    origins: Mapping[str, str]

    def used(self, config: LoadedConfig, *, lookup: bool) -> dict[str, str]:
        """The variables that the database settings of ``config`` took a value from, sorted, each with its origin.

        Passwords are not among them: no artifact has one, or depends on one.
        ``lookup``: no file was named, so that ``BACKSTAGE_ENV`` chose them.
        """
        names = {name for name, near in config.asked.items() if near and name in self.values}
        names |= {name for name in self.values if name.startswith(PREFIX) and _is_database(name.removeprefix(PREFIX))}
        if lookup and self.values.get(_LOOKUP):
            names.add(_LOOKUP)
        return {name: self.origins[name] for name in sorted(names) if not is_secret_name(name)}


def read_variables(
    settings: Settings,
    env_files: Sequence[Path],
    environ: Mapping[str, str] | None,
    diagnostics: Diagnostics,
    *,
    as_backstage: bool,
) -> Variables:
    """The variables of ``envFiles`` and ``values`` in the settings, ``--env-file`` and ``environ``: of each, the last one.

    With ``as_backstage`` the settings have no say, because Backstage reads none of them, and the environment is that of the
    process unless it is given.
    """
    given = os.environ if environ is None and as_backstage else environ or {}
    layers: list[tuple[Mapping[str, str], str]] = []
    if not as_backstage:
        layers += [(read_env_files([path], diagnostics), display_path(path)) for path in settings.env_files]
        layers.append((settings.values, ""))
    layers += [(read_env_files([path], diagnostics), display_path(path)) for path in env_files]
    layers.append((given, PROCESS))
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    for layer, origin in layers:
        values.update(layer)
        origins.update({name: origin or str(settings.locations.get(f"values.{name}", settings.path)) for name in layer})
    return Variables(values, origins)


def sentence(used: Mapping[str, str]) -> str:
    """``with POSTGRES_DB from greenroom.yaml:3:5, and CLIENT and HOST from production.env``; empty without any."""
    by_origin: dict[str, list[str]] = {}
    for name, origin in used.items():
        by_origin.setdefault(origin, []).append(name)
    parts = [f"{_and(names)} from {origin}" for origin, names in by_origin.items()]
    return f"with {', '.join(parts)}" if parts else ""


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is_database(key: str) -> bool:
    return key == "backend" or f"{key}_".startswith("backend_database_")


def unused(settings: Settings, config: LoadedConfig) -> Iterator[str]:
    """The names in ``values`` that nothing in app-config asks for."""
    for name in settings.values:
        if name not in config.asked and not name.startswith(PREFIX) and name != _LOOKUP:
            yield name
