"""Generates ``examples/<case>/expected`` anew, through the real command line: ``make goldens [ARGS=case]``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
EXAMPLES = PROJECT / "examples"
#: A copy of ``generator/targets/cloudformation/functions``, byte for byte: not kept once more for each example.
COPIED = "cloudformation/functions/"


class GenerateError(Exception):
    """``greenroom generate`` failed; the message is what it printed."""


def cases() -> list[str]:
    """The names of the examples."""
    return sorted(path.parent.name for path in EXAMPLES.glob("*/greenroom.yaml"))


def greenroom(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in an environment without any variable an app-config could ask for."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", "from generator.cli import main; main()", *arguments],
        cwd=cwd,
        env={name: os.environ[name] for name in kept if name in os.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def generate(root: Path, out: Path, *more: str) -> str:
    """What ``greenroom generate --root ROOT --out OUT`` writes to stderr and stdout.

    Raises:
        GenerateError: it did not succeed.
    """
    done = greenroom("generate", "--root", str(root), "--out", str(out), *more, cwd=PROJECT)
    if done.returncode:
        raise GenerateError(f"greenroom generate for {root.name} ended with exit code {done.returncode}\n{done.stderr}")
    return done.stderr + done.stdout


def regenerate(case: str) -> bool:
    """Replace the expected tree of ``case`` once everything rendered. Returns whether it changed."""
    expected = EXAMPLES / case / "expected"
    with tempfile.TemporaryDirectory(dir=EXAMPLES / case, prefix=".expected-") as work:
        out = Path(work) / "expected"
        generate(EXAMPLES / case, out, "--verify")
        if contents(out) == contents(expected):
            return False
        shutil.rmtree(out / COPIED, ignore_errors=True)
        shutil.rmtree(expected, ignore_errors=True)
        out.rename(expected)
    return True


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``, by its path in it, but for what is a copy of a part of the project (``COPIED``)."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(COPIED)}


def main() -> int:
    """Regenerate the named examples, or all of them and what `greenroom init` writes."""
    failed = False
    for case in sys.argv[1:] or cases():
        try:
            print(f"examples/{case}: {'changed' if regenerate(case) else 'as it was'}", flush=True)
        except GenerateError as error:
            failed = True
            print(error, file=sys.stderr)
    if not sys.argv[1:]:
        failed |= not regenerate_init()
    return int(failed)


def regenerate_init() -> bool:
    """Write the files of tests/golden/init anew. Whether that could be done."""
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "tests/golden/test_init.py", "-k", "expected"]
    environ = {**os.environ, "GREENROOM_UPDATE": "1"}
    done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    print(f"tests/golden/init: {'written' if done.returncode == 0 else done.stdout}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
