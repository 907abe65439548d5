"""A bounded number of threads that never keep the process alive.

The threads of :mod:`concurrent.futures` are waited for at exit, for as long as a silent server takes; Ctrl-C should not.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(function: Callable[[T], R], items: Sequence[T], workers: int, *, grace: float = 0.0) -> Iterator[R]:
    """``function`` of every item, in the order in which they are done.

    An exception of ``function`` is raised here. When the iteration ends early (Ctrl-C), the items that wait are not begun,
    and those under way have ``grace`` seconds to clean up.
    """
    stop = threading.Event()
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[R | None, BaseException | None]] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)

    def work() -> None:
        while not stop.is_set():
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((function(item), None))
            except BaseException as error:  # raised again in the caller's thread
                done.put((None, error))

    threads = [
        threading.Thread(target=work, name=f"preflight-{number}", daemon=True)
        for number in range(max(1, min(workers, len(items))))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in items:
            result, error = done.get()
            if error is not None:
                raise error
            yield result  # type: ignore[misc]  # a result of None is one, too
    finally:
        stop.set()
        until = time.monotonic() + grace
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


class BoundedTimeoutError(Exception):
    """A call took longer than it may."""


def bounded(function: Callable[[], R], seconds: float) -> R:
    """``function()``, or :class:`BoundedTimeoutError` after ``seconds``: for calls that know no timeout themselves.

    The call goes on in its thread, which nobody waits for.
    """
    answer: queue.SimpleQueue[tuple[R | None, BaseException | None]] = queue.SimpleQueue()

    def call() -> None:
        try:
            answer.put((function(), None))
        except BaseException as error:  # raised again in the caller's thread
            answer.put((None, error))

    threading.Thread(target=call, name="preflight-bounded", daemon=True).start()
    try:
        result, error = answer.get(timeout=seconds)
    except queue.Empty:
        raise BoundedTimeoutError from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # a result of None is one, too
