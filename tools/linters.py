"""Linters whose dependencies are many and not the project's: they live in an environment of their own."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from setup_venv import PROJECT, create, run

PACKAGES = ("cfn-lint>=1.51,<2", "checkov>=3.3.30,<4")


def linters() -> Path:
    """The ``bin`` folder of the environment with :data:`PACKAGES`; made the first time (a minute or two).

    ``GREENROOM_LINTERS_DIR`` names another place than ``.cache/linters``.

    Raises:
        setup_venv.SetupError: the packages cannot be installed; its message says why.
    """
    folder = Path(os.environ.get("GREENROOM_LINTERS_DIR") or PROJECT / ".cache" / "linters")
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder / "installed.txt"
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (done.is_file() and done.read_text() == "\n".join(PACKAGES)):
            shutil.rmtree(folder, ignore_errors=True)
            python = create(folder)
            run(python, "-m", "pip", "install", "--quiet", *PACKAGES)
            done.write_text("\n".join(PACKAGES))
    return folder / "bin"
