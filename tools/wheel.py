"""Builds the distributions and installs the wheel as a user would: what the packaging test and the bench measure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from setup_venv import PROJECT, create, run

if TYPE_CHECKING:
    from pathlib import Path


def build(folder: Path) -> tuple[Path, Path]:
    """Build the source distribution, and from it the wheel, into the empty ``folder``: (wheel, source distribution).

    Raises:
        setup_venv.SetupError: the build failed.
    """
    run(sys.executable, "-m", "build", "--outdir", folder, PROJECT)
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")
    return wheel, source


def install(distribution: Path, venv: Path, *, extra: str = "") -> Path:
    """Install ``distribution`` (a wheel or a source distribution) into the new environment ``venv``: its ``bin``.

    Raises:
        setup_venv.SetupError: the environment or the installation failed.
    """
    python = create(venv)
    requirement = f"{distribution}[{extra}]" if extra else str(distribution)
    run(python, "-m", "pip", "install", "--quiet", requirement, cwd=venv)
    return python.parent
