"""Keys are in memory where the system has files in memory; elsewhere nothing of a run that was killed stays."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from generator.preflight import private_files
from generator.preflight.private_files import NoFileError, PrivateFiles, remove_left_behind

needs_memory = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)


@needs_memory
def test_a_key_touches_no_disk(folder: Path) -> None:
    with PrivateFiles() as files:
        path = files.path_of("a key")
        assert files.path_of("a key") == path
        assert Path(path).read_text() == "a key"
        assert Path(path).stat().st_mode & 0o777 == 0o600
        assert list(folder.iterdir()) == []
    assert not Path(path).exists()


def test_without_memory_a_private_folder(folder: Path, no_memory: None) -> None:
    with PrivateFiles() as files:
        path = Path(files.path_of("a key"))
        assert (path.read_text(), path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == ("a key", 0o600, 0o700)
        remove_left_behind()  # another run
        assert path.exists(), "what another run uses stays"
    assert list(folder.iterdir()) == []


def test_without_proc_a_private_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container in which /proc is not mounted: what is written is not found under its path."""
    monkeypatch.setattr(os, "memfd_create", lambda _name: os.open(folder / "other", os.O_WRONLY | os.O_CREAT), raising=False)
    with PrivateFiles() as files:
        (folder / "other").touch()
        monkeypatch.setattr(Path, "read_text", lambda *_arguments, **_options: "")
        path = files.path_of("a key")
        monkeypatch.undo()
        assert Path(path).parent.parent == folder
    assert [item.name for item in folder.iterdir()] == ["other"]


def test_no_place_at_all(folder: Path, no_memory: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "not there"))
    with PrivateFiles() as files, pytest.raises(NoFileError):
        files.path_of("a key")


_KILLED = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[1]
del os.memfd_create
from generator.preflight.private_files import PrivateFiles
files = PrivateFiles().__enter__()
print(files.path_of("a key"), flush=True)
os.kill(os.getpid(), 9)
"""


@needs_memory
def test_the_next_run_removes_what_a_killed_one_left(folder: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, folder], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert Path(killed.stdout.strip()).read_text() == "a key"
    (folder / "greenroom-preflight-old").mkdir()  # of a version that locked nothing
    (folder / "greenroom-preflight-old" / "key.pem").write_text("a key")
    os.utime(folder / "greenroom-preflight-old", (0, 0))
    (folder / "greenroom-preflight-new").mkdir()  # a run of that version may be using it
    (folder / "somebody else's").mkdir()
    (folder / "greenroom-keys-link").symlink_to(folder / "somebody else's")
    with PrivateFiles():
        assert sorted(path.name for path in folder.iterdir()) == [
            "greenroom-keys-link",
            "greenroom-preflight-new",
            "somebody else's",
        ]


def test_a_folder_that_another_run_removes_is_made_again(
    folder: Path, no_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making a folder and locking it, a run that cleans up may come."""
    locks, lock = [], private_files._locked

    def locked(path: Path) -> int | None:
        locks.append(path)
        if len(locks) == 1:
            path.rmdir()
            return None
        return lock(path)

    monkeypatch.setattr(private_files, "_locked", locked)
    with PrivateFiles() as files:
        assert Path(files.path_of("a key")).parent == locks[1]


@needs_memory
def test_openssl_asks_nobody_for_a_passphrase() -> None:
    from generator.preflight.mysql.mysql_connection import context_of
    from generator.preflight.postgresql.libpq import ConnectionSettingError

    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=x", "-passout", "pass:secret", "-keyout", "-"],
        capture_output=True,
        text=True,
    )
    pem = made.stdout
    assert isinstance(context_of({"ssl": {"cert": pem, "key": pem, "passphrase": "secret"}}, {}), ssl.SSLContext)
    with pytest.raises(ConnectionSettingError):
        context_of({"ssl": {"cert": pem, "key": pem}}, {})
