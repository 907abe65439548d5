"""Full disks, read-only file systems, missing permissions, calls that fail: one clear error, and nothing has changed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sabotage import in_another_process, sabotage
from trees import GONE, NEW, Case, make_case

from generator.output.write import tree as writer
from generator.output.write.tree import write_tree
from generator.output.write.unfinished import NOTE
from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.output.write.obstacles import Change

NOBODY = 65534


def fails(case: Case, *, code: str, message: str, write: Callable[[], object] | None = None) -> None:
    """The write ends in exactly one error, and the tree is the old one."""
    with pytest.raises(GreenroomError) as error:
        (write or case.write)()
    assert [item.code for item in error.value.diagnostics] == [code], str(error.value)
    item = error.value.diagnostics[0]
    assert message in item.summary
    assert item.hint
    assert item.location
    assert case.now() == case.before


def failure(case: Case) -> GreenroomError | None:
    """The error the write ends in, if it does."""
    try:
        case.write()
    except GreenroomError as error:
        return error
    return None


# --- file systems of a chosen size, for real --------------------------------------------------------------------------


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts small file systems in memory: ``mount(options)`` returns a folder, ``mount(options, folder)`` mounts there."""
    mounted: list[Path] = []

    def make(options: str, folder: Path | None = None) -> Path:
        folder = folder or tmp_path / "mounted"
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True) if shutil.which("mount") else None
        if done is None or done.returncode:
            pytest.skip(f"cannot mount a file system here: {done.stderr.strip() if done else 'there is no mount command'}")
        mounted.append(folder)
        return folder

    yield make
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_a_full_disk(mount: Callable[..., Path]) -> None:
    folder = mount("size=1m")
    case = make_case(folder)
    with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"x" * 4096):
            pass
    fails(case, code="GR505", message="No space left on device")
    (folder / "filler").unlink()
    case.write()
    assert case.now() == case.after


def test_a_disk_that_is_full_after_any_number_of_blocks_or_files(mount: Callable[..., Path]) -> None:
    """From no room at all up to just enough: either the error and the old tree, or the new one."""
    folder = mount("size=1m,nr_inodes=200")
    case = make_case(folder)
    outcomes = []
    for option, sizes in (("size", range(48 << 10, 200 << 10, 4096)), ("nr_inodes", range(20, 60))):
        remount(folder, "size=1m,nr_inodes=200")
        for size in sizes:
            case.reset()
            try:
                remount(folder, f"{option}={size}")
            except subprocess.CalledProcessError:
                continue  # less than what is there already
            error = failure(case)
            assert error is None or "GR505" in str(error)
            assert error is None or "No space left on device" in str(error)
            assert case.now() == (case.after if error is None else case.before)
            outcomes.append((option, error is None))
            remount(folder, "size=1m,nr_inodes=200")
    assert set(outcomes) == {("size", False), ("size", True), ("nr_inodes", False), ("nr_inodes", True)}


def test_a_read_only_file_system(mount: Callable[..., Path]) -> None:
    folder = mount("size=1m")
    case = make_case(folder)
    remount(folder, "ro")
    with pytest.raises(GreenroomError) as error:
        case.write()
    assert {item.code for item in error.value.diagnostics} == {"GR504"}
    assert all("read-only file system" in item.summary for item in error.value.diagnostics)
    assert case.now() == case.before
    # Nothing to change, nothing to complain about.
    same = {name: content for name, (_, content) in case.before.items() if content is not None}
    assert case.write(same, []).written == ()


def test_an_output_folder_on_another_file_system(case: Case, mount: Callable[..., Path]) -> None:
    """One set of files on two file systems, where nothing can be renamed or linked across."""
    mount("size=1m", case.root / "out/deep")
    mount("size=1m", case.root / "new")
    names = ["out/deep/gone.txt", "out/deep/kept.txt"]
    for name in names:
        (case.root / name).write_bytes(b"old")
    (case.root / names[1]).chmod(0o600)
    files = {"out/deep/kept.txt": b"2", "out/deep/fresh.txt": b"3", "out/changed.txt": b"4", "new/a/b.txt": b"5"}
    owned = {**NEW, **dict.fromkeys([*names, *GONE])}
    write_tree(
        {case.root / name: content for name, content in files.items()},
        [case.root / names[0]],
        owned=lambda path: str(path.relative_to(case.root)) in owned,
        folder=case.root,
    )
    now = case.now()
    assert {name: now[name][1] for name in files} == files
    assert "out/deep/gone.txt" not in now
    assert now["out/deep/kept.txt"][0] & 0o777 == 0o600
    assert not [name for name in now if "greenroom" in name]


def test_another_file_system_that_is_full_changes_nothing(case: Case, mount: Callable[..., Path]) -> None:
    """Everything new is beside what it replaces, on every file system, before the first file is replaced."""
    mount("size=16k", case.root / "out/zzz")
    before = case.now()
    files = {**NEW, "out/zzz/big.txt": b"x" * 20000}
    fails(
        Case(case.root, before, {}),
        code="GR505",
        message="No space left on device",
        write=lambda: case.write(files) and None,
    )


def test_a_limit_on_the_size_of_files(case: Case) -> None:
    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        fails(case, code="GR505", message="File too large")

    assert in_another_process(work) == 0


# --- permissions, for real --------------------------------------------------------------------------------------------


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="greenroom-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_nobody(work: Callable[[], None]) -> int:
    """Run ``work`` as a user without privileges."""

    def drop() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        work()

    return in_another_process(drop)


def give_away(root: Path) -> None:
    if os.geteuid() == 0:
        for path in (root, *root.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


@pytest.mark.parametrize("locked", ["out", "out/deep", "."])
def test_a_folder_without_permission(open_folder: Path, locked: str) -> None:
    case = make_case(open_folder)
    give_away(open_folder)
    case.root.joinpath(locked).chmod(0o555)
    before = case.now()
    try:
        work = lambda: fails(Case(case.root, before, {}), code="GR504", message="may not be written to")  # noqa: E731
        assert as_nobody(work) == 0
    finally:
        case.root.joinpath(locked).chmod(0o755)


def test_a_file_that_cannot_be_read(open_folder: Path) -> None:
    case = make_case(open_folder)
    give_away(open_folder)
    (case.root / "out/same.txt").chmod(0o200)
    os.truncate(case.root / "out/same.txt", len(NEW["out/same.txt"]))

    def work() -> None:
        with pytest.raises(GreenroomError, match="cannot be read: Permission denied"):
            case.write()

    assert as_nobody(work) == 0


def test_a_folder_that_cannot_be_searched(open_folder: Path) -> None:
    case = make_case(open_folder)
    give_away(open_folder)
    (case.root / "out").chmod(0o600)

    def work() -> None:
        with pytest.raises(GreenroomError) as error:
            case.write()
        assert {item.code for item in error.value.diagnostics} == {"GR504"}

    try:
        assert as_nobody(work) == 0
    finally:
        (case.root / "out").chmod(0o755)


def test_only_the_output_folder_is_writable(open_folder: Path) -> None:
    """As in a container that mounts the output folder and nothing else: what it takes is kept inside."""
    case = make_case(open_folder)
    give_away(case.root / "out")

    def work() -> None:
        write_tree({case.root / "out/changed.txt": b"new"}, owned=lambda _: True, folder=case.root / "out")

    assert as_nobody(work) == 0
    assert (case.root / "out/changed.txt").read_bytes() == b"new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mark files immutable")
def test_a_file_that_refuses_to_be_replaced(case: Case) -> None:
    """Nothing announces it: the rename fails when others have been made already. The next run writes the rest."""
    protected = case.root / "out/changed.txt"
    done = (
        subprocess.run(["chattr", "+i", str(protected)], capture_output=True, text=True) if shutil.which("chattr") else None
    )
    if done is None or done.returncode:
        pytest.skip("this file system has no immutable files")
    try:
        error = failure(case)
        assert error
        assert re.search(r"\d of 7 files were written, then \S*changed\.txt: Operation not permitted", str(error))
    finally:
        subprocess.run(["chattr", "-i", str(protected)], check=True)
    case.write()
    assert case.now() == case.after


# --- any call fails ---------------------------------------------------------------------------------------------------


def test_any_call_of_the_writer_fails(case: Case) -> None:
    """An input/output error at the first call, at the second … : an error that is true, and the next run does the rest."""

    def fail() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    outcomes = []
    for number in range(1, 1000):
        case.reset()

        def work(number: int = number) -> None:
            count = sabotage(number, fail, afterwards=False)
            error = failure(case)
            assert error is None or {item.code for item in error.diagnostics} <= {"GR503", "GR504", "GR505"}
            code = 22 if count[0] >= number else 23
            os._exit(code if error is None else 21 if " of 7 files were written" in str(error) else 20)

        code = in_another_process(work)
        outcomes.append(code)
        assert code in (20, 21, 22, 23), f"another exception came out at call {number}"
        files = {name: value for name, value in case.now().items() if value[1] is not None and ".greenroom-" not in name}
        if code == 20:
            assert files == {name: value for name, value in case.before.items() if value[1] is not None}, number
        elif code != 21:  # an emptied folder, or a note, that cannot be removed is not worth a failure
            assert files == {name: value for name, value in case.after.items() if value[1] is not None}, number
        case.write()
        # A hidden file that could not be removed at the end is all that may be left.
        files = {name: value for name, value in case.now().items() if value[1] is not None and ".greenroom-" not in name}
        assert files == {name: value for name, value in case.after.items() if value[1] is not None}, number
        if code == 23:
            break
    assert outcomes.count(20) > 20
    assert outcomes.count(21) > 5


def test_an_error_says_how_much_was_written(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = writer._replace

    def broken(change: Change) -> None:
        if change.path.name == "fragment.yaml":
            raise OSError(errno.EIO, "Input/output error")
        replace(change)

    monkeypatch.setattr(writer, "_replace", broken)
    error = failure(case)
    assert error
    (item,) = error.diagnostics
    assert item.summary == f"6 of 7 files were written, then {case.root}/fragment.yaml: Input/output error"
    assert item.hint == "make room or permissions there, then run this again: it writes the rest"
    assert (case.root / NOTE).exists()
    monkeypatch.undo()
    case.write()
    assert case.now() == case.after
