"""What is not certain about the version of Backstage, said where it makes a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.versions import PACKAGE, VERIFIED, behaviour_of
from generator.documents.values import ConfigMap
from generator.problems.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from generator.run.project import Project

_SETTING = "backstage.backendDefaults"


def report_version(project: Project) -> None:
    """Report a version that greenroom was not verified with (GR752), or one that is assumed and matters (GR751)."""
    found = project.backstage
    if found.is_newer:
        project.diagnostics.add(
            Diagnostic(
                "GR752",
                Severity.INFO,
                f"{PACKAGE} {found.version} is newer than {VERIFIED[-1]}, the newest version greenroom was verified with",
                found.location,
                hint=f"what is said about Backstage is true for {VERIFIED[-1]}: look for a newer greenroom",
            )
        )
    doubt = found.doubt or ("" if found.source else f"the version of {PACKAGE} is not known; {found.version} is assumed")
    if doubt and _matters(project.database):
        project.diagnostics.add(
            Diagnostic(
                "GR751",
                Severity.INFO,
                f"{doubt} for what differs between versions (pool, keepalive)",
                found.location,
                hint=f"set {_SETTING} in greenroom.yaml, or run with --root at the repository with its lock file",
            )
        )


def _matters(database: ConfigMap) -> bool:
    """Whether something in ``backend.database`` means another thing in another version."""
    plugins = _map(database.get("plugin"))
    entries = [database, *(_map(entry) for entry in plugins.values())]
    pools = [database.get("pool"), *(_map(entry.get("knexConfig")).get("pool") for entry in entries)]
    if "keepalive" in database or any(_is_small(_map(pool)) for pool in pools):
        return True
    ports = (_map(entry.get("connection")).get("port") for entry in entries)
    return any(isinstance(port, str) and not port.strip() for port in ports)


def _is_small(pool: ConfigMap) -> bool:
    """Whether ``max`` is below the ``min`` that some versions take where none is given."""
    most = pool.get("max")
    return "min" not in pool and isinstance(most, int | float) and most < behaviour_of(VERIFIED[0]).pool_min


def _map(value: Any) -> ConfigMap:
    return value if isinstance(value, ConfigMap) else ConfigMap()
