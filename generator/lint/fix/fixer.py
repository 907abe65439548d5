"""``--fix``: the edits of the findings put into the files, byte for byte the same everywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from generator.documents.documents import parse_yaml
from generator.documents.embedded import Outer
from generator.lint.fix.hiding import hide_secrets
from generator.output.changes import unified_diff
from generator.problems.diagnostic import Diagnostics, GreenroomError, Location, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.lint.model import Edit
    from generator.lint.texts import Texts


class Fixed(NamedTuple):
    """New texts by file, ``applied`` the edits that made them, ``refused`` those that could not be made safely."""

    texts: dict[str, str]
    before: dict[str, str]
    applied: list[Edit]
    refused: list[Edit]

    def diff(self) -> str:
        """A unified diff of all files for people to look at, without the secrets that are written in them."""
        files = sorted(self.texts)
        shown = hide_secrets([*(self.before[file] for file in files), *(self.texts[file] for file in files)])
        return unified_diff(dict(zip(files, shown, strict=False)), dict(zip(files, shown[len(files) :], strict=True)))


def fix(edits: Iterable[Edit], texts: Texts) -> Fixed:
    """Apply ``edits`` in memory. One that does not fit, overlaps another, or changes more than its value is left out."""
    result = Fixed({}, {}, [], [])
    by_file: dict[str, list[Edit]] = {}
    for edit in edits:
        by_file.setdefault(edit.location.file, []).append(edit)
    for file, wanted in sorted(by_file.items()):
        old = texts.text(file)
        if old is None:
            result.refused.extend(wanted)
            continue
        placed, misfits = _place(old, wanted, texts)
        result.refused.extend(misfits)
        new = _apply(old, placed)
        if placed and not _changes_only(old, new, len(placed)):
            result.refused.extend(edit for _, edit in placed)
        elif placed:
            result.before[file], result.texts[file] = old, new
            result.applied.extend(edit for _, edit in placed)
    return result


def write(fixed: Fixed, texts: Texts) -> None:
    """Put the new texts in place of the old ones, once every one of them can be written.

    Raises:
        GreenroomError: a file was changed meanwhile, is a link, or may not be written; nothing was changed, unless it says
            how many files were.
    """
    from generator.output.write.obstacles import common_folder
    from generator.output.write.tree import absolute, write_tree

    if not fixed.texts:
        return
    for file in fixed.texts:
        _still_the_same(file, texts.data(file))
    files = {absolute(Path(file)): text.encode("utf-8") for file, text in fixed.texts.items()}
    # Each of them is the user's own file, named by the user: that is what --fix is for.
    write_tree(files, owned=lambda _: True, folder=common_folder(files))


def _still_the_same(file: str, data: bytes) -> None:
    diagnostics = Diagnostics()
    place = Location(file)
    try:
        if Path(file).is_symlink():
            what = f"nothing was written: {file} is a symbolic link"
            diagnostics.error("GR502", what, place, hint="give the file it leads to to --config")
        elif Path(file).read_bytes() != data:
            diagnostics.error("GR505", f"nothing was written: {file} has changed meanwhile", place, hint="run this again")
    except OSError as error:
        diagnostics.error("GR505", f"nothing was written: {file}: {error.strerror}", place, hint="run this again")
    if diagnostics.has_errors:
        raise GreenroomError(diagnostics)


def _place(text: str, edits: list[Edit], texts: Texts) -> tuple[list[tuple[int, Edit]], list[Edit]]:
    """The edits with their offsets, sorted, and those that do not fit or overlap an earlier one."""
    placed: list[tuple[int, Edit]] = []
    misfits = []
    end = 0
    located = [(texts.offset(edit.location), edit) for edit in edits]
    for offset, edit in sorted(located, key=lambda item: (item[0] is None, item[0] or 0)):
        if offset is None or offset < end or not text.startswith(edit.old, offset):
            misfits.append(edit)
            continue
        placed.append((offset, edit))
        end = offset + len(edit.old)
    return placed, misfits


def _apply(text: str, placed: list[tuple[int, Edit]]) -> str:
    for offset, edit in reversed(placed):
        text = text[:offset] + edit.new + text[offset + len(edit.old) :]
    return text


def _changes_only(old: str, new: str, count: int) -> bool:
    """Whether ``new`` can be read and differs from ``old`` in at most ``count`` values, of whichever document."""
    before, after = Outer("", old).documents(), Outer("", new).documents()
    if any(item.severity is Severity.ERROR for document in after for item in document.problems):
        return False
    try:
        found = list(_differences([document.value for document in before], [document.value for document in after]))
    except _Damaged:
        return False
    return 0 < len(found) <= count


class _Damaged(Exception):  # noqa: N818 - never leaves this module
    """A text that is a document itself can no longer be read."""


def _differences(before: Any, after: Any, path: str = "") -> Iterable[str]:
    """The innermost places where two documents differ."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key in before:
            yield from _differences(before[key], after[key], f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, item in enumerate(before):
            yield from _differences(item, after[index], f"{path}[{index}]")
    elif isinstance(before, str) and isinstance(after, str) and before != after and "\n" in before:
        yield from _inner_differences(before, after, path)
    elif type(before) is not type(after) or before != after:
        yield path


def _inner_differences(before: str, after: str, path: str) -> Iterable[str]:
    """The differences of two texts of several lines: of the documents in them, where they are such."""
    problems = Diagnostics()
    one = parse_yaml(before, "", problems).value
    if problems.has_errors or not isinstance(one, (dict, list)):
        yield path
        return
    two = parse_yaml(after, "", problems).value
    if problems.has_errors:
        raise _Damaged
    yield from _differences(one, two, path)
