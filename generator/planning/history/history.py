"""The lock file as earlier commits have it: what the present one is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from generator.documents.files import ReadError, read_bytes
from generator.planning.history.file import parse_lock
from generator.planning.history.git import GitError, Repository
from generator.problems.diagnostic import Diagnostics, Location

if TYPE_CHECKING:
    from pathlib import Path

    from generator.planning.history.base import Base
    from generator.planning.history.record import Lock

_FETCH = (
    "fetch the whole history (GitHub Actions: `fetch-depth: 0` of actions/checkout; GitLab: `GIT_DEPTH: 0`; Bitbucket: "
    "`clone: {depth: full}`; Azure: `fetchDepth: 0`), or name another base: --base HEAD looks no further back"
)


class Compared(NamedTuple):
    """The base that was looked at: as it was named, the commit, and who named it."""

    revision: str
    commit: str
    source: str

    @property
    def name(self) -> str:
        """What a user would type: the revision they named, or the commit where a CI service named a branch."""
        return self.revision if self.source == "--base" else self.commit[:12]


class History(NamedTuple):
    """The lock files of earlier commits, by how a reader would name the commit; ``base`` where one was asked for."""

    locks: tuple[tuple[str, Lock], ...] = ()
    base: Compared | None = None


def read_history(
    lock: Path, base: Base | None, diagnostics: Diagnostics, *, root: Path, environment: str | None = None
) -> History:
    """What earlier commits have of the lock file at ``lock``, which is that of ``environment``.

    Always: HEAD's, or where that is the present one, the one before its last change (a ``git revert`` that was just made
    has taken it away). With ``base``: that commit's too, unless a CI service named it for another repository, that of
    ``root`` (app-config): then HEAD of the one with the lock file is what there was before. Without a Git work tree there is
    nothing to compare with.

    A base that cannot be looked at is an error: GR540 (Git cannot say), GR541 (no such commit), GR542 (nothing in common
    with HEAD), GR544 (several lock files are gone since); without a base the same is a warning (GR543). A lock file of the
    base that cannot be read, or that a newer greenroom wrote, is an error as well (GR510 to GR512).
    """
    repository = Repository.around(lock.parent)
    if repository is None:
        if base is not None and base.source == "--base":
            diagnostics.error(
                "GR541",
                f"--base names {base.revision!r}, but {lock.parent} is in no Git work tree",
                hint="run greenroom in the checkout, with its .git folder",
            )
        return History()
    if base is not None and base.source != "--base":
        of_change = Repository.around(root)
        base = base if of_change is not None and of_change.top == repository.top else None
    try:
        head = repository.commit("HEAD")
        if head is None:
            if base is not None and base.source == "--base":
                _no_commit(base, repository, diagnostics)
            return History()
        locks = _before(repository, head, lock, diagnostics)
    except GitError as error:
        report = diagnostics.warning if base is None else diagnostics.error
        report(
            "GR543" if base is None else "GR540",
            f"cannot read the history of {lock}: {error}",
            hint="without it nobody knows what an earlier commit had generated; make `git log` work in that folder",
        )
        return History()
    if base is None:
        return History(tuple(locks))
    try:
        compared = _compared(repository, head, base, diagnostics)
        found = _at_base(repository, compared, lock, diagnostics, environment) if compared else []
    except GitError as error:
        diagnostics.error("GR540", f"cannot read the base {base.revision}: {error}", hint=_FETCH)
        return History(tuple(locks))
    return History((*locks, *found), compared)


def _before(repository: Repository, head: str, lock: Path, diagnostics: Diagnostics) -> list[tuple[str, Lock]]:
    """The lock file before the present one."""
    committed = repository.read(head, lock)
    if committed is not None and committed.replace(b"\r\n", b"\n") != _on_disk(lock):
        return _parsed(committed, "HEAD", lock, diagnostics)
    changed = repository.last_changes(lock, 1)
    parent = repository.commit(f"{changed[0]}^") if changed else None
    content = repository.read(parent, lock) if parent else None
    if parent is None or content is None:
        return []
    return _parsed(content, parent[:12], lock, diagnostics)


def _on_disk(lock: Path) -> bytes | None:
    try:
        return read_bytes(str(lock)).replace(b"\r\n", b"\n")
    except ReadError:
        return None


def _parsed(content: bytes, origin: str, lock: Path, diagnostics: Diagnostics) -> list[tuple[str, Lock]]:
    """The lock file of a commit that nobody asked for: one that cannot be read is no error of this run."""
    found = Diagnostics()
    parsed = parse_lock(content, f"{origin}:{lock.name}", found)
    for item in found.items:
        what = f"what {origin} had generated is not compared: {item.summary}"
        diagnostics.warning("GR543", what, item.location, hint="name a commit whose lock file can be read: --base REF")
    return [(origin, parsed)] if parsed else []


def _compared(repository: Repository, head: str, base: Base, diagnostics: Diagnostics) -> Compared | None:
    commit = repository.commit(base.revision)
    if commit is None:
        # The first commit of all has no parent, and nothing before it.
        if base.revision != "HEAD^" or repository.is_shallow:
            _no_commit(base, repository, diagnostics)
        return None
    if base.diverged:
        ancestor = repository.merge_base(commit, head)
        if ancestor is None:
            diagnostics.error(
                "GR542",
                f"HEAD and the base {base.revision} ({base.source}) have no commit in common here, so what the change "
                "takes away is unknown",
                hint=_FETCH if repository.is_shallow else "name the commit to compare with: --base REF",
            )
            return None
        commit = ancestor
    return Compared(base.revision, commit, base.source)


def _no_commit(base: Base, repository: Repository, diagnostics: Diagnostics) -> None:
    diagnostics.error(
        "GR541",
        f"the base {base.revision} ({base.source}) is no commit of this checkout: what the change takes away is unknown",
        hint=_FETCH if repository.is_shallow else "`git fetch` it, or name a commit that is there: --base REF",
    )


def _at_base(
    repository: Repository, compared: Compared, lock: Path, diagnostics: Diagnostics, environment: str | None
) -> list[tuple[str, Lock]]:
    name = compared.name
    content = repository.read(compared.commit, lock)
    if content is None:
        # The folder of the output may have another name since. What another environment has is not this one's.
        there = repository.files_named(compared.commit, lock.name)
        contents = {path: repository.read(compared.commit, path) for path in there if not path.exists()}
        gone = [path for path, old in contents.items() if not _is_of_another(old, environment)]
        if len(gone) > 1:
            listed = ", ".join(str(path) for path in gone)
            diagnostics.error(
                "GR544",
                f"{name} has no {lock}, but several lock files that no longer exist ({listed}): each may be this one",
                Location(str(lock)),
                hint="move them one commit at a time",
            )
        if len(gone) != 1:
            return []
        content = contents[gone[0]]
    parsed = parse_lock(content, f"{name}:{lock.name}", diagnostics) if content is not None else None
    return [(name, parsed)] if parsed else []


def _is_of_another(content: bytes | None, environment: str | None) -> bool:
    """Whether a lock file says that it is another environment's."""
    parsed = parse_lock(content, "", Diagnostics()) if content is not None else None
    return environment is not None and parsed is not None and parsed.environment not in (None, environment)
