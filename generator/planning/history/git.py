"""What Git has of a file: the only memory that a revert, an older branch or an empty folder does not take away.

Git is asked through its own program, read-only. Nothing in the repository's configuration that would run a program
(hooks, a file system monitor, text conversion) takes part in these commands.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SECONDS: Final = 60


class GitError(Exception):
    """Git cannot say; the message is its own last line, or why it could not be asked."""


def was_committed(path: Path) -> bool:
    """Whether a commit that leads to HEAD has, or had, a file at ``path``; false where Git cannot say."""
    repository = Repository.around(path.parent)
    try:
        return repository is not None and repository.commit("HEAD") is not None and bool(repository.last_changes(path, 1))
    except GitError:
        return False


@dataclass(frozen=True)
class Repository:
    """A folder inside the Git work tree at ``top``. Paths are relative to the folder or absolute."""

    folder: Path
    top: Path

    @classmethod
    def around(cls, path: Path) -> Repository | None:
        """The work tree that ``path`` is in, or would be in; ``None`` where there is none."""
        folder = Path(os.path.abspath(path))  # noqa: PTH100 - a link in the path stays what it is
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        top = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)
        return cls(folder, top) if top is not None else None

    def commit(self, revision: str) -> str | None:
        """The commit that ``revision`` names, ``None`` where it names none."""
        if revision.startswith("-") or not revision.isprintable():
            return None
        found = self._run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", fails=True)
        return found.decode().strip() or None

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits, ``None`` where there is none (or a shallow clone lacks it)."""
        return self._run("merge-base", one, other, fails=True).decode().strip() or None

    @property
    def is_shallow(self) -> bool:
        """Whether older commits were not fetched."""
        return self._run("rev-parse", "--is-shallow-repository").strip() == b"true"

    def last_changes(self, path: Path, number: int) -> list[str]:
        """The last ``number`` commits that changed the file at ``path``, newest first."""
        return self._run("rev-list", f"--max-count={number}", "HEAD", "--", str(self._inside(path))).decode().split()

    def read(self, commit: str, path: Path) -> bytes | None:
        """The content of the file at ``path`` in ``commit``; ``None`` where the commit has no such file."""
        listed = self._run("ls-tree", "-z", commit, "--", str(self._inside(path))).split(b"\0")[0]
        if listed.split()[1:2] != [b"blob"]:
            return None
        return self._run("cat-file", "blob", listed.split()[2].decode())

    def files_named(self, commit: str, name: str) -> list[Path]:
        """The files called ``name`` in ``commit``, as absolute paths, sorted."""
        listed = self._run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).split(b"\0")
        end = os.fsencode(name)
        return sorted(self.top / os.fsdecode(item) for item in listed if item == end or item.endswith(b"/" + end))

    def _inside(self, path: Path) -> Path:
        """``path`` as Git wants it: relative to the folder it works in."""
        return Path(os.path.relpath(path, self.folder))

    def _run(self, *arguments: str, fails: bool = False) -> bytes:
        """What ``git ARGUMENTS`` prints; with ``fails``, nothing where it ends with exit code 1."""
        import subprocess

        environ = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        command = ["git", "-c", "core.fsmonitor=false", *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - no shell, and nothing of the input is an option
                command, cwd=self.folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS
            )
        except FileNotFoundError:
            raise GitError("the program git is not installed") from None
        except subprocess.TimeoutExpired:
            raise GitError(f"`git {arguments[0]}` did not end within {_SECONDS} seconds") from None
        if done.returncode == 0 or (fails and done.returncode == 1):
            return done.stdout if done.returncode == 0 else b""
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitError(lines[0] if lines else f"`git {arguments[0]}` ended with exit code {done.returncode}")
