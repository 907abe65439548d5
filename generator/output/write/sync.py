"""Putting many new files on the disk in the time it takes for one."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Self


class Unsynced:
    """New files that are written and not yet on the disk. Waiting for all of them at once takes as long as for one."""

    LIMIT = 64  # open files, and threads that wait

    def __init__(self) -> None:
        self.descriptors: list[int] = []
        self.failures: list[OSError] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self.descriptors:
            os.close(self.descriptors.pop())

    def open(self, name: str) -> int:
        """A descriptor to write the new file ``name`` with."""
        if len(self.descriptors) == self.LIMIT:
            self.sync()
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        self.descriptors.append(descriptor)
        return descriptor

    def sync(self) -> None:
        """Wait until every file is on the disk."""
        threads = [threading.Thread(target=self._work) for _ in self.descriptors[1:]]
        started = []
        for thread in threads:
            try:
                thread.start()
            except RuntimeError:
                break  # no more of them: those there are, and this one, do the rest
            started.append(thread)
        self._work()
        for thread in started:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def _work(self) -> None:
        with suppress(IndexError):
            while True:
                descriptor = self.descriptors.pop()
                try:
                    try:
                        os.fsync(descriptor)
                    finally:
                        os.close(descriptor)
                except OSError as error:
                    self.failures.append(error)
