"""What the gate costs on a machine that has nothing: install the wheel, check once. The download is not counted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: The backend's code and app-config of a small portal: the gate reads both.
_FILES = {
    "package.json": '{"workspaces": ["packages/*"]}',
    "packages/backend/package.json": '{"name": "backend", "backstage": {"role": "backend"}}',
    "packages/backend/src/index.ts": "import { createBackend } from '@backstage/backend-defaults';\n"
    "const backend = createBackend();\n"
    "backend.add(import('@backstage/plugin-catalog-backend'));\nbackend.add(import('@backstage/plugin-auth-backend'));\n",
    "app-config.yaml": "backend:\n  database:\n    client: pg\n    connection: {host: h, user: u, password: '${P}'}\n",
}


def prepare(greenroom: Path, wheel: Path, folder: Path) -> tuple[Path, Path]:
    """A repository whose gate is green, and a folder with every wheel that the installation needs."""
    portal, wheels = folder / "portal", folder / "wheels"
    for name, text in _FILES.items():
        (portal / name).parent.mkdir(parents=True, exist_ok=True)
        (portal / name).write_text(text)
    subprocess.run([greenroom, "generate", "--quiet"], cwd=portal, check=True, stdout=subprocess.DEVNULL)
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", wheels, wheel]
    subprocess.run(download, check=True)
    return portal, wheels


def steps(portal: Path, wheels: Path, folder: Path) -> Callable[[], list[list[str | Path]]]:
    """A function: the commands of a cold gate, the way ``pipelines/install.sh`` installs, in a new environment."""
    venv = folder / "venv"
    (wheel,) = wheels.glob("greenroom-*.whl")

    def commands() -> list[list[str | Path]]:
        shutil.rmtree(venv, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--quiet", "--no-compile"]
        return [
            [sys.executable, "-m", "venv", "--without-pip", venv],
            [*pip, "--disable-pip-version-check", "--no-index", "--find-links", wheels, wheel],
            [venv / "bin" / "greenroom", "generate", "--check", "--quiet", "--root", portal],
        ]

    return commands
