"""Certificates and keys of app-config as files, for libraries that read nothing else.

On Linux they are in memory: a file without a name, which is gone with the process however that ends. Elsewhere they are in a
private folder, which the next run removes when this one was killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import Final, Self

_PREFIX: Final = "greenroom-keys-"
#: What older versions called it. They lock nothing: what is old enough is nobody's any more.
_OLD_PREFIX: Final = "greenroom-preflight-"
_OLD_SECONDS: Final = 24 * 3600
_ATTEMPTS: Final = 3


class NoFileError(OSError):
    """There is neither memory nor a folder for a file."""


class PrivateFiles:
    """The files of one run, which nobody else may read. Used by all threads; gone at the end of the ``with`` block.

    ``missing`` is a path at which there is nothing.
    """

    missing: Final = f"{os.devnull}/none"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: dict[str, str] = {}
        self._descriptors: list[int] = []
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        remove_left_behind()
        return self

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            for descriptor in self._descriptors:
                os.close(descriptor)
            self._paths.clear()
            self._descriptors.clear()
            self._folder = None

    def path_of(self, text: str) -> str:
        """The path of a file with ``text``; the same text gives the same file.

        Raises:
            NoFileError: there is no place for it.
        """
        with self._lock:
            if text not in self._paths:
                self._paths[text] = self._in_memory(text) or self._on_disk(text)
            return self._paths[text]

    def _in_memory(self, text: str) -> str | None:
        path = None
        with contextlib.suppress(OSError, AttributeError):
            descriptor = os.memfd_create("greenroom")
            self._descriptors.append(descriptor)
            os.fchmod(descriptor, 0o600)  # libpq refuses a key that others can read
            os.write(descriptor, text.encode())
            candidate = f"/proc/self/fd/{descriptor}"
            if Path(candidate).read_text(encoding="utf-8") == text:  # no /proc in some containers
                path = candidate
        return path

    def _on_disk(self, text: str) -> str:
        try:
            if self._folder is None:
                self._folder = self._new_folder()
            descriptor, path = tempfile.mkstemp(dir=self._folder, suffix=".pem")  # mode 0600
        except OSError as error:
            raise NoFileError(error.errno, error.strerror) from None
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _new_folder(self) -> Path:
        """A folder of mode 0700 that is locked for as long as this process lives."""
        for _ in range(_ATTEMPTS):
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            descriptor = _locked(folder)
            if descriptor is None:
                continue  # another run took it for one that was left behind
            self._descriptors.append(descriptor)
            if folder.is_dir():
                return folder
        raise NoFileError(0, "folders for temporary files disappear")


def remove_left_behind() -> None:
    """Remove the folders of runs that were killed: those of this user that no process has locked."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(tempfile.gettempdir()):
            if entry.name.startswith((_PREFIX, _OLD_PREFIX)):
                with contextlib.suppress(OSError):
                    _remove_unless_locked(Path(entry.path))


def _remove_unless_locked(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return
    if folder.name.startswith(_OLD_PREFIX) and time.time() - found.st_mtime < _OLD_SECONDS:
        return
    descriptor = _locked(folder)
    if descriptor is not None:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


def _locked(folder: Path) -> int | None:
    """A descriptor that holds a lock of ``folder``, ``None`` when another process has it."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
