"""Syncing many files at once: every one is synced and closed, and the failure of any is the failure of all."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

import pytest

from generator.output.write.sync import Unsynced


def open_descriptors() -> set[str]:
    """What this process has open, less the listing itself."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc on this system: open descriptors cannot be listed")
    found = set()
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # the listing itself is closed by now
            found.add(f"{path.name} {path.readlink()}")
    return {entry for entry in found if not entry.endswith("/fd")}


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inodes that were synced."""
    seen: list[int] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        seen.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    return seen


@pytest.mark.parametrize("number", [0, 1, 2, 63, 64, 65, 200])
def test_every_file_is_synced_once_and_closed(tmp_path: Path, synced: list[int], number: int) -> None:
    before = open_descriptors()
    with Unsynced() as unsynced:
        for each in range(number):
            os.write(unsynced.open(str(tmp_path / str(each))), b"content")
            assert len(unsynced.descriptors) <= Unsynced.LIMIT
        unsynced.sync()
        assert open_descriptors() == before
    inodes = [path.stat().st_ino for path in tmp_path.iterdir()]
    assert sorted(synced) == sorted(inodes)
    assert len(inodes) == number


def test_one_failure_is_raised_and_nothing_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_descriptors()
    bad: list[int] = []

    def fsync(descriptor: int) -> None:
        if descriptor == bad[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with Unsynced() as unsynced:
        descriptors = [unsynced.open(str(tmp_path / str(each))) for each in range(10)]
        bad.append(descriptors[4])
        with pytest.raises(OSError, match="No space left"):
            unsynced.sync()
    assert open_descriptors() == before


def test_a_failure_elsewhere_closes_the_files(tmp_path: Path) -> None:
    before = open_descriptors()
    (tmp_path / "taken").touch()
    with Unsynced() as unsynced:
        unsynced.open(str(tmp_path / "a"))
        with pytest.raises(FileExistsError):
            unsynced.open(str(tmp_path / "taken"))
    assert open_descriptors() == before


def test_without_threads_it_takes_longer_and_no_more(
    tmp_path: Path, synced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with Unsynced() as unsynced:
        for each in range(5):
            unsynced.open(str(tmp_path / str(each)))
        unsynced.sync()
    assert len(synced) == 5
