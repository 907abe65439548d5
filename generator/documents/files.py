"""Reading the files a configuration names: regular files only, of a bounded size, as UTF-8."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from generator.problems.diagnostic import Diagnostics

MAX_BYTES: Final = 32 * 1024 * 1024

_CODES: Final = {
    errno.EISDIR: ("EISDIR", "illegal operation on a directory, read"),
    errno.EACCES: ("EACCES", "permission denied, open '{path}'"),
    errno.EPERM: ("EPERM", "operation not permitted, open '{path}'"),
    errno.ELOOP: ("ELOOP", "too many symbolic links encountered, open '{path}'"),
    errno.ENOTDIR: ("ENOTDIR", "not a directory, open '{path}'"),
    errno.ENAMETOOLONG: ("ENAMETOOLONG", "name too long, open '{path}'"),
}


class ReadError(Exception):
    """A file that cannot be read.

    ``reason`` completes "cannot read x: …", ``node`` is the message Node.js gives; ``missing`` means there is no such file.
    """

    def __init__(self, reason: str, node: str, hint: str = "", *, missing: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.node, self.hint, self.missing = reason, node, hint, missing


class Text(NamedTuple):
    """The content of a file.

    ``bad_byte`` is line and column of the first byte that is not UTF-8; such bytes are replaced, as Node.js does.
    """

    text: str
    bad_byte: tuple[int, int] | None = None
    is_utf16: bool = False


def display_path(path: str | os.PathLike[str]) -> str:
    """``path`` as a user would write it: from the working directory, or from the root where that is shorter."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - as Node's path.resolve: links stay as they are written
    relative = os.path.relpath(absolute)
    return min(Path(relative).as_posix(), absolute, key=len)


def read_bytes(path: str, limit: int = MAX_BYTES) -> bytes:
    """The content of the regular file at ``path``, of ``limit`` bytes at most.

    Never blocks: a pipe or a device is refused before it is read. Raises :class:`ReadError`.
    """
    if "\0" in path:
        raise ReadError("the path holds a NUL character", "The argument 'path' must be a string without null bytes")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - before open(): opening a device can have effects
            raise _not_regular(path)
        if os.path.realpath(path).startswith("/proc/"):  # what the system says of this process, its environment for one
            raise _not_regular(path)
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as handle:
            if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
                raise _not_regular(path)
            content = handle.read(limit + 1)
    except OSError as error:
        raise _failed(path, error) from None
    if len(content) > limit:
        hint = "is this the right file? A configuration, certificate or password is much smaller"
        raise ReadError(f"it is larger than {limit // 1024 // 1024} MiB", "file too large", hint)
    return content


def decode(content: bytes) -> Text:
    """``content`` as UTF-8 text; bytes that are not become U+FFFD."""
    try:
        return Text(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        return Text(content.decode("utf-8", "replace"), (line, column), is_utf16)


def report_encoding(text: Text, file: str, diagnostics: Diagnostics, *, is_warning: bool = False) -> None:
    """Report bytes that are not UTF-8."""
    if text.bad_byte is not None:
        (diagnostics.warning if is_warning else diagnostics.error)(
            "GR103",
            "the file is UTF-16, not UTF-8" if text.is_utf16 else "the file is not UTF-8",
            Location(file, *text.bad_byte),
            hint=f"save it as UTF-8 (for example: iconv -f {'utf-16' if text.is_utf16 else 'latin1'} -t utf-8)",
            backstage="reads it, with each wrong byte replaced by U+FFFD",
        )


def report_unreadable(error: ReadError, file: str, location: Location | None, diagnostics: Diagnostics) -> None:
    """Report a file that is there but cannot be read."""
    diagnostics.error(
        "GR102",
        f"cannot read {file}: {error.reason}",
        location or Location(file),
        hint=error.hint,
        backstage=f"fails to start: {error.node}",
    )


def read_text(path: str | os.PathLike[str], diagnostics: Diagnostics) -> str | None:
    """The text of a file the user named, or ``None`` after reporting why there is none (GR101, GR102, GR103)."""
    file = display_path(path)
    try:
        text = decode(read_bytes(os.fspath(path)))
    except ReadError as error:
        if error.missing:
            diagnostics.error("GR101", f"{file} does not exist", Location(file), hint="check the path")
        else:
            diagnostics.error("GR102", f"cannot read {file}: {error.reason}", Location(file), hint=error.hint)
        return None
    report_encoding(text, file, diagnostics)
    return text.text


def _not_regular(path: str) -> ReadError:
    if Path(path).is_dir():
        return ReadError("it is a directory", "EISDIR: illegal operation on a directory, read", "name the file inside it")
    return ReadError("it is not a regular file (a pipe, socket or device)", "waits for its content", "name a regular file")


def _failed(path: str, error: OSError) -> ReadError:
    if error.errno == errno.ENOENT:
        return ReadError("there is no such file", "ENOENT: no such file or directory", missing=True)
    code, text = _CODES.get(error.errno or 0, (errno.errorcode.get(error.errno or 0, "EIO"), "{reason}, open '{path}'"))
    reason = (error.strerror or "it cannot be read").lower()
    hint = "let the user that runs greenroom read it" if error.errno in (errno.EACCES, errno.EPERM) else ""
    return ReadError(reason, f"{code}: {text.format(path=path, reason=reason)}", hint)
