"""What earlier runs generated: the lock file, what it forgot of earlier commits, and plugins under the ids they have now."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from generator.planning.history.file import read_lock
from generator.planning.history.history import read_history
from generator.planning.history.moves import settle
from generator.planning.history.passwords import check_behind
from generator.planning.history.remember import remember
from generator.planning.history.renamed import mark_dropped, rename_plugins
from generator.planning.history.trust import believe
from generator.problems.diagnostic import Location
from generator.problems.paths import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from generator.planning.history.base import Base
    from generator.planning.history.history import Compared
    from generator.planning.history.record import Lock
    from generator.planning.history.remember import Forgotten
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Past(NamedTuple):
    """What earlier runs generated, as a plan is compared with it.

    ``lock`` is the lock file with what it forgot of earlier commits (``forgotten``), and with each plugin under the id it
    has now (``renamed``: new id to old id, of this run). ``base`` is the commit that was named to compare with. ``digest``
    is the start of the SHA-256 of the lock file that was read, ``None`` where there was none.
    """

    lock: Lock | None = None
    forgotten: Sequence[Forgotten] = ()
    renamed: Mapping[str, str] = _NOTHING
    base: Compared | None = None
    digest: str | None = None


def read_past(
    path: Path,
    base: Base | None,
    planned: Collection[str],
    settings: Settings,
    diagnostics: Diagnostics,
    *,
    root: Path,
) -> Past:
    """What earlier runs generated: what the lock file at ``path`` says, and Git has of it (:func:`read_history`).

    ``planned`` are the ids of the plugins of this run, ``root`` the folder of the Backstage repository. Problems go to
    ``diagnostics``.
    """
    present = read_lock(path, diagnostics)
    history = read_history(path, base, diagnostics, root=root)
    if diagnostics.has_errors:  # a lock file that cannot be read has forgotten nothing
        return Past(present, base=history.base, digest=present.digest if present else None)
    # Where it is gone, the one of the last commit says whose folder this is.
    known = present or next((lock for _, lock in history.locks), None)
    if known is not None and known.environment not in (None, settings.environment):
        diagnostics.error(
            "GR550",
            f"this lock file {'is' if present else 'was'} that of the environment {known.environment!r}, and the settings "
            f"are for {settings.environment!r}",
            Location(shown(path)),
            path="environment",
            hint=f"give {settings.environment} a folder of its own: --out, or greenroom.yaml in another folder; if it is "
            'the same environment under a new name, change "environment" in the lock file',
        )
        return Past(present, base=history.base, digest=present.digest if present else None)
    present = believe(present, history, path, diagnostics)
    check_behind(present, history.locks, Location(shown(path)), diagnostics)
    remembered, forgotten = remember(present, history.locks, settings.renames_applied)
    renamed = rename_plugins(
        remembered, settings.renamed, planned, settings.locations, diagnostics, settings.renames_applied
    )
    settled = settle(renamed, settings.renames_applied)
    lock = mark_dropped(settled, settings.dropped, planned, settings.locations, diagnostics)
    before = remembered.known if remembered else {}
    return Past(
        lock,
        # A plugin that is planned is not forgotten: the lock file is missing, or this branch has added it as well.
        [
            item
            for item in forgotten
            if not (item.whole and item.plugin_id in planned) and item.plugin_id not in settings.dropped
        ],
        {new: plugin.former_ids[-1] for new, plugin in (lock.known if lock else {}).items() if new not in before},
        history.base,
        present.digest if present else None,
    )
