"""kill -9 at every system call: the old tree or the new one, and nothing beside it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sabotage import CALLS, die, in_another_process, sabotage
from trees import GONE, NEW, OLD

from generator.output.write import journal as commit
from generator.output.write import tree as writer
from generator.output.write.tree import recover

if TYPE_CHECKING:
    from collections.abc import Callable

    from trees import Case

HERE = Path(__file__).parent
MOMENTS = pytest.mark.parametrize("afterwards", [False, True], ids=["before the call", "after the call"])


def sweep(case: Case, work: Callable[[], None], look: Callable[[int], None], *, afterwards: bool) -> int:
    """Kill ``work`` at its first call, at its second … until it gets through. Returns how many calls that were."""
    for number in range(1, 1000):
        case.reset()

        def killed(number: int = number) -> None:
            sabotage(number, die, afterwards=afterwards)
            work()

        code = in_another_process(killed)
        look(number)
        if code == 0:
            return number - 1
        assert code == -signal.SIGKILL
    raise AssertionError("it never got through")


@MOMENTS
def test_greenroom_is_killed(case: Case, afterwards: bool) -> None:
    """The process of its own finishes or cleans up: right after it has ended, without another run."""
    seen = set()

    def look(number: int) -> None:
        now = case.now()
        assert now in (case.before, case.after), f"killed at call {number}"
        seen.add(now == case.after)

    calls = sweep(case, lambda: case.write() and None, look, afterwards=afterwards)
    assert seen == {False, True}
    assert calls > 60


@MOMENTS
def test_greenroom_and_its_finisher_are_killed(case: Case, afterwards: bool) -> None:
    """As when the machine stops: nobody is left to finish, so the next run does."""
    half_way = 0

    def work() -> None:
        sys.frozen = True  # type: ignore[attr-defined] # no process of its own: both die at once
        case.write()

    def look(number: int) -> None:
        nonlocal half_way
        half_way += case.now() not in (case.before, case.after)
        recover(case.root)
        if (case.root / commit.HOME_NAME).exists():
            # Not decided, and nothing to recover a folder from: rubbish that the next write removes.
            case.write()
            assert case.now() == case.after
        assert case.now() in (case.before, case.after), f"killed at call {number}"

    sweep(case, work, look, afterwards=afterwards)
    assert half_way > 10, "the kill never hit the renames, so this proves nothing"


@pytest.mark.slow
@MOMENTS
def test_the_recovery_is_killed_too(case: Case, afterwards: bool) -> None:
    """Killed at any call, and the run that recovers from it at any call, and the next at any."""
    generator = random.Random(1)

    def work() -> None:
        sys.frozen = True  # type: ignore[attr-defined]
        case.write()

    def look(number: int) -> None:
        for _ in range(3):
            at = generator.randint(1, 40)

            def killed(at: int = at) -> None:
                sabotage(at, die, afterwards=afterwards)
                recover(case.root)

            if in_another_process(killed) == 0:
                break
        recover(case.root)
        assert {**case.now()} in (case.before, case.after), f"killed at call {number}"

    sweep(case, work, look, afterwards=afterwards)


WRAPPER = """
import os, runpy, sys
sys.path.insert(0, {here!r})
from sabotage import die, sabotage
sabotage({number}, die, afterwards={afterwards})
runpy.run_path({program!r}, run_name="__main__")
"""


@MOMENTS
def test_the_finisher_is_killed(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, afterwards: bool) -> None:
    """Greenroom notices that its finisher died and does the rest itself."""
    spawn, ended = writer._spawn, []

    def wrapped(arguments: list[str], actions: list[tuple[int, int, int]]) -> int:
        code = WRAPPER.format(here=str(HERE), number=number, afterwards=afterwards, program=commit.__file__)
        return spawn([arguments[0], "-I", "-c", code, arguments[-1]], actions)

    def wait(pid: int, options: int) -> tuple[int, int]:
        ended.append(os.waitstatus_to_exitcode(status := waitpid(pid, options)[1]))
        return pid, status

    waitpid = os.waitpid
    monkeypatch.setattr(writer, "_spawn", wrapped)
    monkeypatch.setattr(os, "waitpid", wait)
    number = 0
    while not ended or ended[-1]:
        number += 1
        case.reset()
        case.write()
        assert case.now() == case.after, f"the finisher was killed at its call {number}"
    assert ended.count(-signal.SIGKILL) > 30


SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
import trees
from trees import Case
trees.OLD = {own!r}  # greenroom made all of it, so that both directions are allowed
print("go", flush=True)
while True:
    case = Case(Path({root!r}), {{}}, {{}})
    case.write()
    case.write({old!r}, {added!r})
"""


def test_the_process_group_is_killed_at_any_time(case: Case, tmp_path: Path) -> None:
    """A process that writes the new tree, then the old one, and so on, killed with its group at a random moment."""
    both = [case.before, case.after]
    added = [name for name in NEW if name not in OLD]
    script = tmp_path / "script.py"
    paths, root, own = [str(HERE), *sys.path], str(case.root), [*NEW, *GONE]
    script.write_text(SCRIPT.format(paths=paths, root=root, old=OLD, added=added, own=own))
    generator = random.Random(2)
    seen = []
    for _ in range(25):
        process = subprocess.Popen(
            [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        assert process.stdout
        assert process.stdout.readline() == b"go\n"
        time.sleep(generator.uniform(0, 0.06))
        os.killpg(process.pid, signal.SIGKILL)
        _, errors = process.communicate()  # ends when the last process that holds the stream has ended
        assert not errors, errors.decode()
        # The mode of a file that comes back is a new file's.
        plain = [{name: content for name, (_, content) in tree.items()} for tree in (case.now(), *both)]
        assert plain[0] in plain[1:]
        seen.append(plain[0] == plain[1])
    assert len(set(seen)) == 2, "every kill hit the same state, so this proves little"


def test_every_call_is_watched() -> None:
    """The calls the writer makes that change something are all among those the sabotage knows."""
    import ast
    import inspect

    used = set()
    for module in (writer, commit):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                used.add(node.attr)
    harmless = {"access", "environ", "fsencode", "fsdecode", "geteuid", "getpid", "getsid", "path", "setsid", "stat_result"}
    flags = {name for name in used if name.isupper()}
    assert used - harmless - flags - {"stat", "strerror"} <= set(CALLS)
