"""Run a generated SQL script with psql, the program its readers would use."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.demo.embedded import find_psql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Variables of our own environment that would change what psql does or where it connects.
_PSQL_PREFIXES = ("PG", "PSQL")


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What psql said. ``returncode`` is 0, 1 or 2 (psql itself failed), 3 (the script was stopped), or 124 (timeout)."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Whether the whole script ran."""
        return self.returncode == 0


def apply_script(
    path: Path,
    *,
    host: str,
    port: int,
    user: str,
    password: str,
    database: str = "postgres",
    env: Mapping[str, str],
    psql: Path | None = None,
    timeout: float = 600,
) -> ApplyResult:
    """Run the script at ``path`` as ``user`` and wait for it.

    Args:
        env: the variables the script reads (the passwords of the roles). Our own environment is passed on as well, except
            for libpq's variables.
        password: reaches psql through its environment, never through the command line.
        psql: the program; found with :func:`generator.demo.embedded.find_psql` when not given.
        timeout: seconds until psql is stopped.

    Raises:
        GreenroomError: GR702, there is no psql.
    """
    program = psql or find_psql()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_PSQL_PREFIXES)}
    environment.update(env)
    environment.update(
        PGHOST=host,
        PGPORT=str(port),
        PGUSER=user,
        PGPASSWORD=password,
        PGDATABASE=database,
        PGCONNECT_TIMEOUT="10",
        PGAPPNAME="greenroom",
    )
    try:
        result = subprocess.run(  # noqa: S603
            [program, "-X", "-w", "-f", path],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return ApplyResult(124, "", f"psql was stopped after {timeout:.0f} s")
    return ApplyResult(result.returncode, result.stdout, result.stderr)
