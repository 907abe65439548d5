"""What the writer writes, what it leaves alone, and what it refuses before it touches anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sabotage import in_another_process, tree
from trees import GONE, NEW, Case

from generator.output.write import tree as writer
from generator.output.write.tree import WriteResult, write_tree
from generator.output.write.unfinished import NOTE, note, read_unfinished
from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from generator.output.write.obstacles import Change


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
    assert write_tree({}, [], owned=lambda _: False, folder=tmp_path) == WriteResult()
    assert write_tree({}, [tmp_path / "not there"], owned=lambda _: False, folder=tmp_path) == WriteResult()
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
    result = write_tree(files, owned=lambda _: False, folder=Path("a/b/out"))
    assert result.written == tuple(files)
    assert {name for name, (_, content) in tree(tmp_path).items() if content} == {"a/b/out/x.txt", "a/b/out/y/z.txt"}


def test_the_name_of_a_file_may_be_anything(tmp_path: Path) -> None:
    names = ["line\nbreak", "tab\there", "ünï", "-dash", "a b", "$HOME", os.fsdecode(b"\xff\xfe"), "x" * 255]
    files = {tmp_path / "out" / name: name.encode(errors="surrogateescape") for name in names}
    write_tree(files, owned=lambda _: False, folder=tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == files
    write_tree(dict.fromkeys(files, b"2"), owned=lambda _: True, folder=tmp_path)
    assert {path.read_bytes() for path in files} == {b"2"}
    write_tree({}, list(files), owned=lambda _: True, folder=tmp_path)
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
        write_tree(files, owned=lambda _: True, folder=tmp_path)
    assert codes(error) == ["GR503"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("root", ["out", "out/below", "."])
def test_an_output_folder_that_is_a_file(tmp_path: Path, root: str) -> None:
    (tmp_path / "out").write_bytes(b"a file")
    with pytest.raises(GreenroomError) as error:
        write_tree({tmp_path / "out/below/x.txt": b"x"}, owned=lambda _: True, folder=tmp_path / root)
    assert codes(error) == ["GR503"]
    assert tree(tmp_path).keys() == {"out"}


def test_a_link_to_the_output_folder_is_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    files = {tmp_path / "out/x.txt": b"x", tmp_path / "out/sub/y.txt": b"y"}
    write_tree(files, owned=lambda _: False, folder=tmp_path / "out")
    assert (tmp_path / "real/sub/y.txt").read_bytes() == b"y"
    assert (tmp_path / "out").is_symlink()


def late(monkeypatch: pytest.MonkeyPatch, path: Path, content: bytes) -> None:
    """Somebody writes ``path`` when everything is prepared, before the first file is replaced."""
    carry_out = writer._Writing.carry_out

    def carry_out_late(self: writer._Writing, top: Path) -> None:
        path.write_bytes(content)
        carry_out(self, top)

    monkeypatch.setattr(writer._Writing, "carry_out", carry_out_late)


def test_a_change_after_the_look_is_not_overwritten(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    late(monkeypatch, case.root / "out/changed.txt", b"my edit")
    with pytest.raises(GreenroomError, match="something else changed it") as error:
        case.write()
    assert codes(error) == ["GR505"]
    assert (case.root / "out/changed.txt").read_bytes() == b"my edit"


def test_a_file_that_appears_late_is_not_overwritten(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    late(monkeypatch, case.root / "fragment.yaml", b"mine")
    with pytest.raises(GreenroomError, match=r"6 of 7 files were written, then \S*fragment\.yaml: File exists"):
        case.write()
    assert (case.root / "fragment.yaml").read_bytes() == b"mine"
    monkeypatch.undo()
    # The hint: out of the way, and once more.
    (case.root / "fragment.yaml").unlink()
    case.write()
    assert case.now() == case.after


def test_two_runs_wait_for_each_other(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four processes write two different trees at the same time, over and over: it is always one of the two."""

    def work(content: bytes) -> None:
        for _ in range(10):
            write_tree(
                {case.root / f"out/{number}.txt": content for number in range(5)},
                owned=lambda _: True,
                folder=case.root,
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
    assert not (case.root / NOTE).exists()


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


def test_an_interrupt_while_preparing_leaves_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "_stage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        case.write()
    assert case.now() == case.before


def test_an_interrupt_while_writing_leaves_each_file_old_or_new(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[Path] = []
    replace = writer._replace

    def interrupted(change: Change) -> None:
        if len(replaced) == 3:
            raise KeyboardInterrupt
        replaced.append(change.path)
        replace(change)

    monkeypatch.setattr(writer, "_replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        case.write()
    assert not [name for name in case.now() if name.endswith(".new")]
    monkeypatch.undo()
    case.write()
    assert case.now() == case.after


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


# --- the note of a run that was killed --------------------------------------------------------------------------------


def test_the_lock_file_is_last(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[Path] = []
    replace = writer._replace
    monkeypatch.setattr(writer, "_replace", lambda change: (order.append(change.path), replace(change)))
    case.write()
    assert order[-1] == case.root / "fragment.yaml"
    assert len(order) == 7


@pytest.mark.parametrize(
    "content",
    [b"", b"junk", b"[]", b'{"files": 1}', b'{"files": {"out/stranger.txt": 1}}', b'{"files": {"/etc/passwd": ["x"]}}',
     b"[" * 100_000, b"\xff", b'{"files": {"out/stranger.txt": ["wrong"], "../x": ["y"]}}'],
)  # fmt: skip
def test_a_note_that_no_run_wrote_changes_nothing(case: Case, content: bytes) -> None:
    (case.root / NOTE).write_bytes(content)
    assert all(path.is_relative_to(case.root) and ".." not in path.parts for path in read_unfinished(case.root))
    with pytest.raises(GreenroomError) as error:
        case.write({**NEW, "out/stranger.txt": b"x"})
    assert codes(error) == ["GR501"]
    case.write()
    now = case.now()
    now.pop(NOTE, None)  # what is noted of a file of which this run knows nothing stays noted
    assert now == case.after


@pytest.mark.parametrize("junk", ["folder", "link", "pipe"])
def test_something_else_where_the_note_should_be(case: Case, tmp_path: Path, junk: str) -> None:
    path = case.root / NOTE
    if junk == "folder":
        path.mkdir()
    elif junk == "link":
        path.symlink_to(tmp_path / "nowhere")
    else:
        os.mkfifo(path)
    before = case.now()
    with pytest.raises(GreenroomError, match="is not a plain file") as error:
        case.write()
    assert codes(error) == ["GR507"]
    assert case.now() == before
    path.rmdir() if junk == "folder" else path.unlink()
    case.write()
    assert case.now() == case.after


def test_what_is_left_of_another_target_stays_noted(case: Case) -> None:
    """``--target sql`` after a run that was killed while it wrote Terraform as well."""
    (case.root / "out/other.tf").write_bytes(b"made")
    note(case.root, {case.root / "out/other.tf": b"made", case.root / "out/added.txt": b"other"}, {})
    case.write()
    assert read_unfinished(case.root).keys() == {case.root / "out/other.tf"}
    case.write({**NEW, "out/other.tf": b"anew"})
    assert not (case.root / NOTE).exists()
    assert (case.root / "out/other.tf").read_bytes() == b"anew"
