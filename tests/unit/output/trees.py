"""An old tree, the new one it should become, and what stands around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sabotage import Tree, tree

from generator.output.write.tree import WriteResult, write_tree
from generator.output.write.unfinished import is_unfinished, read_unfinished

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

OLD = {
    "out/same.txt": b"same\n",
    "out/changed.txt": b"old\n",
    "out/deep/gone.txt": b"gone\n",
    "out/deep/er/gone.txt": b"gone\n",
}
NEW = {
    "out/same.txt": b"same\n",
    "out/changed.txt": b"new, and longer\n" * 2000,
    "out/added.txt": b"added\n",
    "out/new/folder/added.txt": b"added\n",
    "fragment.yaml": b"a: b\n",
    "empty.txt": b"",
}
GONE = ("out/deep/gone.txt", "out/deep/er/gone.txt")


@dataclass(frozen=True)
class Case:
    """``root`` holds the old tree and a stranger's file; ``before`` and ``after`` are what it may look like."""

    root: Path
    before: Tree
    after: Tree

    def write(self, files: Mapping[str, bytes] = NEW, delete: Collection[str] = GONE) -> WriteResult:
        """The write under test, as greenroom calls it: what a run that was killed left is its own."""
        unfinished = read_unfinished(self.root)
        left = [path for path in unfinished if is_unfinished(path, unfinished)]
        return write_tree(
            {self.root / name: content for name, content in files.items()},
            [self.root / name for name in delete],
            owned=lambda path: str(path.relative_to(self.root)) in OLD or path in left,
            folder=self.root,
            lock=self.root / "fragment.yaml",
        )

    def now(self) -> Tree:
        """What the tree looks like."""
        return tree(self.root)

    def reset(self) -> None:
        """Back to the old tree, strays removed."""
        for path in sorted(self.root.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        make_old(self.root)


def make_old(root: Path) -> None:
    """The old tree."""
    for name, content in {**OLD, "out/stranger.txt": b"somebody else's\n"}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (root / "out/changed.txt").chmod(0o640)


def make_case(tmp_path: Path) -> Case:
    """The old tree, and what it becomes, made without the writer."""
    root, wanted = tmp_path / "project", tmp_path / "wanted"
    make_old(root)
    make_old(wanted)
    for name in GONE:
        (wanted / name).unlink()
    (wanted / "out/deep/er").rmdir()
    (wanted / "out/deep").rmdir()
    for name, content in NEW.items():
        (wanted / name).parent.mkdir(parents=True, exist_ok=True)
        (wanted / name).write_bytes(content)
    return Case(root, tree(root), tree(wanted))
