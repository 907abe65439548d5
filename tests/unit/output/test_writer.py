"""What the writer writes, what it leaves alone, and what it refuses before it touches anything."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sabotage import in_another_process, tree
from trees import GONE, NEW, Case

from generator.output.write import journal as commit
from generator.output.write import tree as writer
from generator.output.write.tree import WriteResult, recover, write_tree
from generator.problems.diagnostic import GreenroomError


def open_descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def codes(error: pytest.ExceptionInfo[GreenroomError]) -> list[str]:
    return [item.code for item in error.value.diagnostics]


def test_writes_changes_and_removes(case: Case) -> None:
    result = case.write()
    assert case.now() == case.after
    assert {path.relative_to(case.root).as_posix() for path in result.written} == set(NEW) - {"out/same.txt"}
    assert [path.relative_to(case.root).as_posix() for path in result.deleted] == sorted(GONE)
    assert [path.name for path in result.unchanged] == ["same.txt"]


def test_keeps_what_has_its_content_already(case: Case) -> None:
    same = case.root / "out/same.txt"
    os.utime(same, ns=(1, 1))
    case.write()
    assert same.stat().st_mtime_ns == 1
    again = case.write()
    assert again == WriteResult(unchanged=tuple(sorted(case.root / name for name in NEW)))


def test_nothing_to_do_touches_nothing(tmp_path: Path) -> None:
    assert write_tree({}, [], owned=lambda _: False, journal_root=tmp_path) == WriteResult()
    assert write_tree({}, [tmp_path / "not there"], owned=lambda _: False, journal_root=tmp_path) == WriteResult()
    assert not list(tmp_path.iterdir())


def test_modes(case: Case) -> None:
    os.umask(0o027)
    (case.root / "out/changed.txt").chmod(0o755)
    case.write()
    assert (case.root / "out/changed.txt").stat().st_mode & 0o7777 == 0o755
    assert (case.root / "out/added.txt").stat().st_mode & 0o7777 == 0o640
    assert (case.root / "out/new").stat().st_mode & 0o7777 == 0o750


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")
def test_keeps_the_owner(case: Case) -> None:
    os.chown(case.root / "out/changed.txt", 1234, 4321)
    case.write()
    status = (case.root / "out/changed.txt").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (1234, 4321, 0o640)


def test_a_new_output_folder_and_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {Path("a/b/out/x.txt"): b"x", Path("a/b/out/y/z.txt"): b"z"}
    result = write_tree(files, owned=lambda _: False, journal_root=Path("a/b/out"))
    assert result.written == tuple(files)
    assert {name for name, (_, content) in tree(tmp_path).items() if content} == {"a/b/out/x.txt", "a/b/out/y/z.txt"}


def test_the_name_of_a_file_may_be_anything(tmp_path: Path) -> None:
    names = ["line\nbreak", "tab\there", "ünï", "-dash", "a b", "$HOME", os.fsdecode(b"\xff\xfe"), "x" * 255]
    files = {tmp_path / "out" / name: name.encode(errors="surrogateescape") for name in names}
    write_tree(files, owned=lambda _: False, journal_root=tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == files
    write_tree(dict.fromkeys(files, b"2"), owned=lambda _: True, journal_root=tmp_path)
    assert {path.read_bytes() for path in files} == {b"2"}
    write_tree({}, list(files), owned=lambda _: True, journal_root=tmp_path)
    assert not list((tmp_path / "out").iterdir())


def test_every_obstacle_is_reported_and_nothing_is_touched(case: Case) -> None:
    root = case.root
    (root / "out/foreign.txt").write_bytes(b"not greenroom's")
    (root / "out/folder.txt").mkdir()
    (root / "out/link.txt").symlink_to("stranger.txt")
    (root / "out/dangling.txt").symlink_to("nowhere")
    (root / "elsewhere").mkdir()
    (root / "out/linked").symlink_to(root / "elsewhere")
    (root / "out/file").write_bytes(b"")
    os.mkfifo(root / "out/fifo.txt")
    (root / "out/readonly.txt").write_bytes(b"read-only")
    (root / "out/readonly.txt").chmod(0o444)
    bad = {
        "out/foreign.txt": "GR501",
        "out/folder.txt": "GR503",
        "out/link.txt": "GR502",
        "out/dangling.txt": "GR502",
        "out/linked/x.txt": "GR502",
        "out/file/x.txt": "GR503",
        "out/fifo.txt": "GR503",
        "out/stranger.txt": "GR501",
    }
    before = case.now()
    with pytest.raises(GreenroomError) as error:
        case.write({**NEW, **dict.fromkeys(bad, b"x")}, [*GONE, "out/readonly.txt"])
    # One for each, and the read-only file is also one that greenroom never made.
    assert sorted(codes(error)) == sorted([*bad.values(), "GR501"])
    assert all(item.hint and item.location for item in error.value.diagnostics)
    assert case.now() == before


def test_a_file_that_has_the_content_already_may_be_anybodys(case: Case) -> None:
    (case.root / "out/added.txt").write_bytes(NEW["out/added.txt"])
    case.write()
    assert case.now() == case.after


def test_a_read_only_file_of_greenroom_is_not_replaced(case: Case) -> None:
    (case.root / "out/changed.txt").chmod(0o444)
    before = case.now()
    with pytest.raises(GreenroomError, match="read-only") as error:
        case.write()
    assert codes(error) == ["GR504"]
    assert case.now() == before


def test_a_file_above_a_file(tmp_path: Path) -> None:
    files = {tmp_path / "infra": b"x", tmp_path / "infra/plugins.tf": b"y"}
    with pytest.raises(GreenroomError) as error:
        write_tree(files, owned=lambda _: True, journal_root=tmp_path)
    assert codes(error) == ["GR503"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("root", ["out", "out/below", "."])
def test_an_output_folder_that_is_a_file(tmp_path: Path, root: str) -> None:
    (tmp_path / "out").write_bytes(b"a file")
    with pytest.raises(GreenroomError) as error:
        write_tree({tmp_path / "out/below/x.txt": b"x"}, owned=lambda _: True, journal_root=tmp_path / root)
    assert codes(error) == ["GR503"]
    assert tree(tmp_path).keys() == {"out"}


def test_a_link_to_the_output_folder_is_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    files = {tmp_path / "out/x.txt": b"x", tmp_path / "out/sub/y.txt": b"y"}
    write_tree(files, owned=lambda _: False, journal_root=tmp_path / "out")
    assert (tmp_path / "real/sub/y.txt").read_bytes() == b"y"
    assert (tmp_path / "out").is_symlink()


def test_a_change_after_the_look_is_not_overwritten(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody saves a file, and another one appears, between the look at the tree and the renames."""
    journal = commit.write_journal

    def late(home: str, steps: list[commit.Step]) -> None:
        journal(home, steps)
        (case.root / "out/changed.txt").write_bytes(b"my edit")

    monkeypatch.setattr(commit, "write_journal", late)
    with pytest.raises(GreenroomError, match="something else changed it") as error:
        case.write()
    assert codes(error) == ["GR505"]
    mode = case.before["out/changed.txt"][0]
    assert case.now() == {**case.before, "out/changed.txt": (mode, b"my edit")}


def test_a_file_that_appears_late_is_not_overwritten(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = commit.write_journal

    def late(home: str, steps: list[commit.Step]) -> None:
        journal(home, steps)
        (case.root / "fragment.yaml").write_bytes(b"mine")

    monkeypatch.setattr(commit, "write_journal", late)
    with pytest.raises(GreenroomError, match=r"fragment\.yaml"):
        case.write()
    now = case.now()
    assert now.pop("fragment.yaml")[1] == b"mine"
    assert now == case.before


def test_two_runs_wait_for_each_other(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four processes write two different trees at the same time, over and over: it is always one of the two."""

    def work(content: bytes) -> None:
        for _ in range(10):
            write_tree(
                {case.root / f"out/{number}.txt": content for number in range(5)},
                owned=lambda _: True,
                journal_root=case.root,
            )

    processes = []
    for content in (b"a", b"b", b"a", b"b"):
        pid = os.fork()
        if pid == 0:
            try:
                work(content)
                os._exit(0)
            finally:
                os._exit(1)
        processes.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in processes] == [0, 0, 0, 0]
    found = {(case.root / f"out/{number}.txt").read_bytes() for number in range(5)}
    assert found in ({b"a"}, {b"b"})
    assert not (case.root / commit.HOME_NAME).exists()


def test_a_run_that_does_not_end(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LOCK_SECONDS", 0.2)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl,os,sys;fd=os.open(sys.argv[1],0);fcntl.flock(fd,2);print(1,flush=True);sys.stdin.read()",
            str(case.root),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    holder.stdout.readline()
    with pytest.raises(GreenroomError, match="another greenroom run") as error:
        case.write()
    holder.communicate()
    assert codes(error) == ["GR506"]
    assert case.now() == case.before


def test_an_interrupt_while_the_renames_run_waits_for_them(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    read, times = os.read, []

    def interrupted(descriptor: int, size: int) -> bytes:
        times.append(time.monotonic())
        if len(times) == 1:
            raise KeyboardInterrupt
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        case.write()
    assert case.now() == case.after


def test_an_interrupt_while_preparing_leaves_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commit, "write_journal", interrupted)
    with pytest.raises(KeyboardInterrupt):
        case.write()
    assert case.now() == case.before


@pytest.mark.parametrize("start", ["frozen", "impossible", "no setsid", "dies"])
def test_without_the_other_process(case: Case, monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    """Where no process can be started, or it does not do its work, the writer does."""
    spawn = os.posix_spawn

    def refuse(*_: object, **keywords: object) -> int:
        raise OSError(11, "Resource temporarily unavailable")

    def old(path: str, arguments: list[str], environment: object, *, file_actions: object, setsid: bool = False) -> int:
        if setsid:
            raise NotImplementedError
        return spawn(path, arguments, os.environ, file_actions=file_actions)  # type: ignore[arg-type]

    def dies(path: str, arguments: list[str], environment: object, **keywords: object) -> int:
        return spawn(path, [path, "-c", "import os; os.kill(os.getpid(), 9)"], os.environ, **keywords)  # type: ignore[arg-type]

    if start == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        monkeypatch.setattr(os, "posix_spawn", {"impossible": refuse, "no setsid": old, "dies": dies}[start])
    before = open_descriptors()
    case.write()
    assert case.now() == case.after
    assert open_descriptors() == before, "descriptors leak"


def test_descriptors_do_not_leak(case: Case) -> None:
    before = open_descriptors()
    case.write()
    case.write({"out/changed.txt": b"again"})
    assert open_descriptors() == before


def test_works_with_standard_streams_closed(case: Case) -> None:
    def work() -> None:
        os.close(0)
        os.close(1)
        case.write()

    assert in_another_process(work) == 0
    assert case.now() == case.after


# --- what an earlier run left -----------------------------------------------------------------------------------------


def leave_a_home(case: Case, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was killed together with its finisher right after the journal was written."""

    def work() -> None:
        sys.frozen = True  # type: ignore[attr-defined]
        commit.finish = lambda _, *, trusted=False: os._exit(9) if trusted else commit.Outcome("clean")  # type: ignore
        case.write()

    assert in_another_process(work) == 9
    home = case.root / commit.HOME_NAME
    assert (home / "journal").exists()
    return home


def test_the_next_run_finishes_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_a_home(case, monkeypatch)
    recover(case.root)
    assert case.now() == case.after


def test_a_home_above_the_folder_is_found_if_it_is_about_the_folder(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    home = leave_a_home(case, monkeypatch)
    recover(case.root / "unrelated")
    assert home.exists()
    recover(case.root / "out")
    assert case.now() == case.after


def test_the_folder_may_have_moved(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave_a_home(case, monkeypatch)
    case.root.rename(tmp_path / "moved")
    recover(tmp_path / "moved")
    assert tree(tmp_path / "moved") == case.after


def test_a_journal_that_came_with_a_copy_moves_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository could bring a journal along that overwrites what its author chose."""
    home = leave_a_home(case, monkeypatch)
    home.rename(case.root / "kept")
    home.mkdir()
    for path in (case.root / "kept").iterdir():
        path.rename(home / path.name)
    (case.root / "kept").rmdir()
    before = case.now()
    with pytest.raises(GreenroomError, match="not written here") as error:
        recover(case.root)
    assert codes(error) == ["GR507"]
    with pytest.raises(GreenroomError, match="not written here"):
        case.write()
    assert case.now() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make folders of other users")
def test_a_journal_of_another_user_moves_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    home = leave_a_home(case, monkeypatch)
    os.chown(home, 1234, 1234)
    before = case.now()
    with pytest.raises(GreenroomError, match="another user"):
        recover(case.root)
    assert case.now() == before


@pytest.mark.parametrize("junk", ["file", "link", "broken", "empty", "foreign"])
def test_rubbish_where_the_home_should_be(case: Case, tmp_path: Path, junk: str) -> None:
    home = case.root / commit.HOME_NAME
    if junk == "file":
        home.write_bytes(b"")
    elif junk == "link":
        home.symlink_to(tmp_path)
    else:
        home.mkdir()
        if junk != "empty":
            (home / ("journal" if junk == "broken" else "precious.txt")).write_bytes(b"greenroom-journal-1\0junk")
    if junk == "empty":
        case.write()
        assert case.now() == case.after
        return
    before = case.now()
    with pytest.raises(GreenroomError) as error:
        case.write()
    assert codes(error) == ["GR505" if junk == "foreign" else "GR507"]
    assert error.value.diagnostics[0].hint
    assert case.now() == before


def test_an_edit_after_the_crash_is_kept_and_the_rest_undone(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_a_home(case, monkeypatch)
    (case.root / "out/changed.txt").write_bytes(b"edited after the crash")
    recover(case.root)
    mode = case.before["out/changed.txt"][0]
    assert case.now() == {**case.before, "out/changed.txt": (mode, b"edited after the crash")}


def test_the_finisher_runs_what_was_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The compiled file only while it was made from this very source; it takes half the time to start."""
    source = tmp_path / "commit.py"
    source.write_text(Path(commit.__file__).read_text())
    made = Path(py_compile.compile(str(source), cfile=str(tmp_path / "commit.pyc"), doraise=True))
    monkeypatch.setattr(commit, "__file__", str(source))
    monkeypatch.setattr(commit, "__cached__", str(made))
    assert writer._program() == str(made)
    done = subprocess.run([sys.executable, "-I", "-S", made, str(tmp_path / "none")], stdin=subprocess.DEVNULL, check=True)
    assert done.returncode == 0

    source.write_text(source.read_text() + "# changed\n")
    assert writer._program() == str(source)
    for missing in (str(tmp_path / "none.pyc"), None):
        monkeypatch.setattr(commit, "__cached__", missing)
        assert writer._program() == str(source)
