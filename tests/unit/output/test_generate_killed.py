"""``greenroom generate`` itself, killed while it writes: the tree of the run before, or the whole new one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import command_line
import pytest
from sabotage import die, in_another_process, sabotage, tree

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "quickstart"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An example of its own, generated once and then changed: a plugin more, a plugin less, one renamed."""
    root = tmp_path / "project"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("expected"))
    generate(root, "--plugin", "events")
    return root


CHANGED = ("--plugin", "notifications", "--plugin", "proxy")
MAIN = "import sys; from generator.cli import main; main(sys.argv[1:])"


def generate(root: Path, *options: str) -> None:
    command_line.run(["generate", "--root", str(root), "--quiet", *options], check=True, cwd=root)


def both(project: Path, tmp_path: Path) -> tuple[object, object]:
    """What it looks like now, and what it has to look like after the change."""
    copy = tmp_path / "copy" / "project"
    shutil.copytree(project, copy)
    generate(copy, *CHANGED)
    before, after = tree(project), tree(copy)
    assert len([name for name in {*before, *after} if before.get(name) != after.get(name)]) > 3
    return before, after


@pytest.mark.slow
@pytest.mark.parametrize("afterwards", [False, True], ids=["before the call", "after the call"])
def test_killed_at_calls_of_the_writer(project: Path, tmp_path: Path, afterwards: bool) -> None:
    """Every fourth call: all of them are tried on a smaller tree, without the command line around it."""
    from generator.cli import main
    from generator.output.write import tree as writer

    before, after = both(project, tmp_path)
    kept = tmp_path / "kept"
    shutil.copytree(project, kept)
    seen = set()
    write_tree = writer.write_tree

    def killed(number: int) -> None:
        def watched(*arguments: object, **keywords: object) -> object:
            sabotage(number, die, afterwards=afterwards)
            return write_tree(*arguments, **keywords)  # type: ignore[arg-type]

        writer.write_tree = watched  # type: ignore[assignment]  # in the fork only
        os.chdir(project)
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            sys.stdout = nowhere
            with pytest.raises(SystemExit) as end:
                main(["generate", "--root", ".", "--quiet", *CHANGED])
            assert not end.value.code

    for number in range(1 + 2 * afterwards, 1000, 4):
        code = in_another_process(lambda number=number: killed(number))  # type: ignore[misc]
        now = tree(project)
        assert now in (before, after), f"killed at call {number}"
        seen.add(now == after)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        if now == after:
            shutil.rmtree(project)
            shutil.copytree(kept, project)
    assert now == after
    assert seen == {False, True}
    assert number > 60


@pytest.mark.slow
def test_killed_at_any_time(project: Path, tmp_path: Path) -> None:
    """The process and its group, at a random moment of the whole run: without another run, nothing half done is there.

    From the first state to a changed one, and from there on to one with a plugin that comes back.
    """
    command = [sys.executable, "-c", MAIN, "generate", "--root", ".", "--quiet"]
    back = ("--plugin", "events")
    places = [tmp_path / "first", tmp_path / "second", tmp_path / "third"]
    lengths = []
    shutil.copytree(project, places[0])
    for place, options in zip(places[1:], (CHANGED, back), strict=True):
        start = time.monotonic()
        subprocess.run([*command, *options], check=True, cwd=project)
        lengths.append(time.monotonic() - start)
        shutil.copytree(project, place)
    states = [tree(place) for place in places]
    assert states[0] != states[1] != states[2]
    generator = random.Random(3)
    for number in range(20):
        step = number % 2
        shutil.rmtree(project)
        shutil.copytree(places[step], project)
        options = (CHANGED, back)[step]
        process = subprocess.Popen([*command, *options], cwd=project, stderr=subprocess.PIPE, start_new_session=True)
        time.sleep(generator.uniform(0.5, 1.1) * lengths[step])
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        assert process.stderr
        process.stderr.read()  # ends with the last process that has it
        process.wait()
        assert tree(project) in (states[step], states[step + 1]), "something is left over or missing"
    generate(project, *back)
    done = subprocess.run([*command, "--check", *back], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
