"""Tools that look at generated files."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
_CHECKOV = "checkov==3.3.30"


@pytest.fixture(scope="session")
def checkov() -> Path:
    """The program checkov, installed on first use into a folder of its own: it wants other versions of what is here.

    ``GREENROOM_CHECKOV`` names one that is there already.
    """
    given = os.environ.get("GREENROOM_CHECKOV")
    if given:
        return Path(given)
    folder = PROJECT / ".cache" / "checkov"
    folder.parent.mkdir(exist_ok=True)
    with folder.with_name("checkov.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            try:
                for command in (
                    [sys.executable, "-m", "venv", folder],
                    [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", _CHECKOV],
                ):
                    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
            except (OSError, subprocess.SubprocessError) as error:
                pytest.skip(f"checkov could not be installed: {error}")
            (folder / "complete").touch()
    return folder / "bin" / "checkov"
