"""A portal's repository with real commits: app-config, greenroom.yaml and ``infra``, changed, reverted and branched."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: What git and greenroom get of this machine's environment: nobody's settings, no variables of a CI.
_KEPT = ("PATH", "PYTHONPATH", "HOME", "TMPDIR", "LANG")


class GitRepository:
    """A git repository in ``folder``. Commits have no time of their own, so the same changes give the same hashes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._hidden = folder.with_name(f"{folder.name}.git-hidden")
        self._environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        for who in ("AUTHOR", "COMMITTER"):
            self._environment |= {f"GIT_{who}_NAME": "test", f"GIT_{who}_EMAIL": "test@example.com"}
            self._environment[f"GIT_{who}_DATE"] = "2026-01-01T00:00:00Z"
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, check: bool = True) -> str:
        """Run git; what it printed."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout.strip()

    def greenroom(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the repository."""
        return command_line.run(
            [*arguments],
            cwd=self.folder,
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    def generate(self, *arguments: str) -> str:
        """``greenroom generate``, which has to succeed; what it said."""
        done = self.greenroom("generate", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    # --- commits ------------------------------------------------------------------------------------------------------

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def commit(self, message: str) -> str:
        """Commit everything there is; the commit, which is the one before where nothing has changed."""
        self.git("add", "--all")
        if self.git("status", "--porcelain"):
            self.git("commit", "--quiet", f"--message={message}")
        return self.head

    def revert(self, commit: str = "HEAD") -> str:
        self.git("revert", "--no-edit", commit)
        return self.head

    def switch(self, name: str, at: str | None = None) -> None:
        """Work on the branch ``name``; ``at`` makes it there."""
        self.git("switch", "--quiet", *(("--force-create", name, at) if at else (name,)))

    @contextmanager
    def without_history(self) -> Iterator[None]:
        """As an export of the files, or a container they were copied into: greenroom finds no commits."""
        (self.folder / ".git").rename(self._hidden)
        try:
            yield
        finally:
            self._hidden.rename(self.folder / ".git")

    # --- files --------------------------------------------------------------------------------------------------------

    def write(self, path: str, value: Mapping[str, Any] | str) -> None:
        """Write a text, or a document as JSON, which is YAML too: a line for each key, so that git can merge."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(value if isinstance(value, str) else json.dumps(value, indent=2) + "\n")

    def lock(self, path: str = "infra/greenroom.lock.json") -> dict[str, Any]:
        """The lock file."""
        found: dict[str, Any] = json.loads((self.folder / path).read_text())
        return found
