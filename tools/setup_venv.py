"""Makes the virtual environment of the checkout and installs greenroom into it. Called by ``tools/setup``; stdlib only."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
CONSTRAINTS = PROJECT / "constraints.txt"


class SetupError(Exception):
    """A step failed; the message holds what it printed and what to do."""


def run(*command: str | Path, cwd: Path = PROJECT) -> str:
    """The output of ``command``.

    Raises:
        SetupError: it failed; everything it printed is in the message.
    """
    # A user-wide `pip install --user` setting makes pip refuse to install into a virtual environment.
    environment = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(  # noqa: S603 - the commands are spelled out in this file
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        shown = " ".join(str(word) for word in command)
        raise SetupError(f"{done.stdout.rstrip()}\n`{shown}` failed with exit code {done.returncode}")
    return done.stdout


def _ways(folder: Path) -> Iterator[list[list[str | Path]]]:
    """The ways to make a virtual environment with pip that this machine offers, best first."""
    me = sys.executable
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        yield [[me, "-m", "venv", "--clear", folder]]
    if importlib.util.find_spec("virtualenv"):
        yield [[me, "-m", "virtualenv", "--clear", folder]]
    if program := shutil.which("virtualenv"):
        yield [[program, "--clear", "--python", me, folder]]
    if program := shutil.which("uv"):
        yield [[program, "venv", "--clear", "--seed", "--python", me, folder]]
    # Debian without python3-venv, but with python3-pip.
    if importlib.util.find_spec("venv") and importlib.util.find_spec("pip"):
        python = folder / "bin" / "python"
        yield [
            [me, "-m", "venv", "--clear", "--without-pip", folder],
            [me, "-m", "pip", "--python", python, "install", "pip"],
        ]


def create(folder: Path) -> Path:
    """Make ``folder`` a virtual environment of this interpreter, with pip. Returns its Python.

    Raises:
        SetupError: no way to make one worked.
    """
    failures = []
    python = folder / "bin" / "python"
    for commands in _ways(folder):
        try:
            for command in commands:
                run(*command)
            run(python, "-m", "pip", "--version")
        except (SetupError, OSError) as error:
            failures.append(str(error))
        else:
            return python
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    failures.append(
        f"{sys.executable} cannot make a virtual environment: it has no ensurepip, and neither virtualenv nor uv is there\n"
        f"help: apt-get install python{version}-venv (Debian, Ubuntu), or python{version} -m pip install virtualenv"
    )
    raise SetupError("\n".join(failures))


def _reusable(stamp: str) -> bool:
    """Whether the environment that is there works, and the checkout was not moved: scripts in it name their own path."""
    place = stamp.rsplit(" ", 2)[0]
    if any(file.read_text().rsplit(" ", 2)[0] != place for file in VENV.glob(".installed-*")):
        return False
    try:
        run(VENV / "bin" / "python", "-c", "import sys, pip; assert sys.version_info >= (3, 11)")
    except (SetupError, OSError):
        return False
    return True


def setup(extra: str, stamp: str) -> None:
    """Make ``.venv`` hold ``greenroom[extra]`` and write down that it does."""
    done = VENV / f".installed-{extra}"
    if done.is_file() and done.read_text() == stamp:
        return  # another process was faster while this one waited for the lock
    started = time.monotonic()
    if not _reusable(stamp):
        print(f"Making .venv with Python {sys.version.split()[0]} …", flush=True)
        create(VENV)
    print(f"Installing greenroom[{extra}] into .venv …", flush=True)
    run(VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--constraint", CONSTRAINTS, "--editable", f".[{extra}]")
    # Start-up time, also for those whose PYTHONDONTWRITEBYTECODE keeps Python from doing this by itself.
    run(VENV / "bin" / "python", "-m", "compileall", "-q", "generator")
    # What was installed from an older pyproject.toml or constraints.txt is not known to be complete any more.
    for old in VENV.glob(".installed-*"):
        old.unlink()
    done.write_text(stamp)
    print(f"Ready after {time.monotonic() - started:.0f} s", flush=True)


def main() -> int:
    """``setup_venv.py EXTRA STAMP``."""
    extra, stamp = sys.argv[1:]
    cache = PROJECT / ".cache"
    cache.mkdir(exist_ok=True)
    try:
        # `make -j demo test` comes here twice at the same time.
        with (cache / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            setup(extra, stamp)
    except (SetupError, OSError) as error:
        print(f"{error}\nerror: the virtual environment could not be set up", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
