"""``greenroom generate`` itself, killed while it writes: ``--check`` says so, and the next run leaves what it has to."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from sabotage import die, in_another_process, sabotage, tree

from generator.output.write import tree as writer
from generator.output.write.unfinished import NOTE

pytestmark = pytest.mark.slow  # hundreds of processes

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "quickstart"
FIRST = ("--plugin", "events")
CHANGED = ("--plugin", "notifications", "--plugin", "proxy")
OTHER = ("--plugin", "signals", "--target", "terraform", "--target", "sql")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An example of its own, generated once."""
    root = tmp_path / "project"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("expected"))
    monkeypatch.chdir(root)
    assert generate(*FIRST) == 0
    return root


def generate(*options: str) -> int:
    """The command line in this process; its exit code."""
    from generator.cli import main

    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123, SIM117
        with pytest.raises(SystemExit) as end:
            main(["generate", "--root", ".", *options])
    return int(end.value.code or 0)


def killed(number: int, *options: str) -> int:
    """``generate`` in another process, killed at the ``number``-th call of the writer; how it ended."""

    def work() -> None:
        write_tree = writer.write_tree

        def watched(*arguments: object, **keywords: object) -> object:
            sabotage(number, die, afterwards=False)
            return write_tree(*arguments, **keywords)  # type: ignore[arg-type]

        writer.write_tree = watched  # type: ignore[assignment]
        assert generate(*options) == 0

    return in_another_process(work)


def listed(root: Path) -> set[str]:
    """What the lock file says there is, and itself."""
    lock = json.loads((root / "infra" / "greenroom.lock.json").read_text())
    return {f"infra/{name}" for files in lock["files"].values() for name in files} | {"infra/greenroom.lock.json"}


def there(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in (root / "infra").rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("then", [CHANGED, OTHER], ids=["the same again", "with another input"])
@pytest.mark.parametrize("first", [True, False], ids=["the first run", "a later run"])
def test_killed_at_calls_of_the_writer(project: Path, tmp_path: Path, first: bool, then: tuple[str, ...]) -> None:
    """Every fifth call: all of them are tried on a smaller tree, without the command line around it."""
    if first:
        shutil.rmtree(project / "infra")
    kept = tmp_path / "kept"
    shutil.copytree(project, kept)
    half = 0
    for number in range(1, 1000, 5):
        code = killed(number, *CHANGED)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        if (project / "infra" / NOTE).exists():
            half += 1
            before = tree(project)
            assert generate("--check", *then) in (0, 3)
            assert tree(project) == before, "--check has changed something"
        assert generate(*then) == 0, number
        # What a target that is not rendered this time has left stays, and stays noted.
        left = ("app-config.databases.yaml", "README.md", ".gitattributes", NOTE)
        beside = {f"infra/{name}" for name in left} if then == OTHER else set()
        assert there(project) - beside == listed(project) - beside, number
        assert generate("--check", *then) == 0
        # The next run of everything takes it over.
        assert generate(*then[:2]) == 0, number
        assert there(project) == listed(project), number
        for path in (project / "infra", project):
            shutil.rmtree(path)
        shutil.copytree(kept, project)
        os.chdir(project)
    assert half > 10, "the kill never hit the writing, so this proves little"


@pytest.mark.slow
def test_killed_at_any_time(project: Path, tmp_path: Path) -> None:
    """The process and its group, at a random moment of the whole run; then the same once more."""
    run = [sys.executable, "-c", "import sys; from generator.cli import main; main(sys.argv[1:])", "generate", "--quiet"]
    kept, wanted = tmp_path / "kept", tmp_path / "wanted"
    shutil.copytree(project, kept)
    assert generate(*CHANGED) == 0
    shutil.copytree(project, wanted)
    chooser = random.Random(3)
    for _ in range(10):
        shutil.rmtree(project)
        shutil.copytree(kept, project)
        process = subprocess.Popen(
            [*run, *CHANGED], cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(chooser.uniform(0.2, 0.6))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.chdir(project)
        assert generate(*CHANGED) == 0
        assert tree(project) == tree(wanted)


def test_other_folders_after_a_kill(project: Path) -> None:
    """What the killed run left goes where the lock file lists it, wherever the targets are now."""
    before = (project / "infra/sql/databases.sql").read_bytes()
    number = 100
    while (project / "infra/sql/databases.sql").read_bytes() == before:  # one of the first that are replaced
        number += 3
        assert killed(number, *CHANGED) == -signal.SIGKILL
    assert (project / "infra" / NOTE).exists()
    with (project / "greenroom.yaml").open("a") as settings:
        settings.write("targets: {terraform: {path: tf}, sql: {path: sql}}\n")
    assert generate(*CHANGED) == 0
    assert not [name for name in there(project) if name.startswith(("infra/terraform/", "infra/sql/"))]
    assert generate("--check", *CHANGED) == 0


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "../x", "/x"])
def test_a_note_with_a_name_that_no_run_wrote(project: Path, name: str) -> None:
    (project / "infra" / NOTE).write_text(json.dumps({"files": {name: ["x"]}}))
    assert generate("--check", *FIRST) == 0
    assert generate(*FIRST) == 0
