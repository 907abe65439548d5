"""What an earlier version of the lock file knew and this one does not: a revert, an older branch, a folder made anew.

Whatever applied the earlier version has its databases still. Forgotten, they would be destroyed by Terraform, or left under
a name that nobody knows.
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.planning.history.record import Lock
from generator.planning.model import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.planning.history.record import LockedPlugin

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Forgotten(NamedTuple):
    """Something of a plugin that the lock file of ``origin`` (a Git revision) had and the present one does not mention.

    ``what`` says it to a reader: ``database 'backstage_plugin_search'``. ``whole``: the plugin itself is not mentioned.
    """

    plugin_id: str
    what: str
    origin: str
    whole: bool


def remember(
    present: Lock | None, earlier: Iterable[tuple[str, Lock]], applied: Mapping[str, str] = _NOTHING
) -> tuple[Lock | None, list[Forgotten]]:
    """``present`` with what it forgot of ``earlier`` (lock files by the revision each is from), and what that is.

    A plugin that is not mentioned any more is taken from the earlier file as it was there. Of a plugin that lost a name
    without having been renamed, the earlier file's record is the one that counts: its names are the ones on the servers. So
    it does for a plugin that has its former id again. A plugin that was retired there and is planned here has returned.
    Nothing is forgotten of a plugin whose data a person dropped, and no old name of a rename in ``applied`` (old name to new
    one), which every environment has seen.
    """
    forgotten: list[Forgotten] = []
    for origin, lock in earlier:
        # Without a lock file, what the earlier one lists are greenroom's own files still.
        present = present or Lock(plugins={}, files=lock.files)
        plugins, retired = dict(present.plugins), dict(present.retired)
        successors = {old: new for new, plugin in present.known.items() for old in plugin.former_ids}
        # A plugin that moved has its former place as one more entry, called `<id> (<place>)`.
        places: dict[str, list[LockedPlugin]] = defaultdict(list)
        for name, entry in present.known.items():
            if (owner := owner_of(name)) != name:
                places[owner].append(entry)
        for plugin_id, was in sorted(lock.present.items()):
            now_id = plugin_id if present.of(plugin_id) else successors.get(plugin_id, plugin_id)
            now = present.of(now_id)
            former = _former_id(was, present, lock) if now is None else None
            if former is not None and (former_entry := present.of(former)) is not None:
                forgotten.append(Forgotten(former, f"the id {plugin_id!r}", origin, whole=False))
                kept = was._replace(label=former_entry.label, former_ids=(*was.former_ids, plugin_id))
                (plugins if former in plugins else retired)[former] = kept
                continue
            if now is not None and now_id in plugins and plugin_id in lock.retired and not now.returned:
                forgotten.append(Forgotten(now_id, "the retirement", origin, whole=False))
                retired[now_id] = was._replace(label=now.label, former_ids=plugins.pop(now_id).former_ids)
                continue
            missing = _missing(now, was, applied)
            entries = [*places.get(now_id, ()), *([now] if now is not None else ())]
            if any(entry.dropped or not _missing(entry, was, applied) for entry in entries):
                continue
            forgotten.append(Forgotten(now_id, " and ".join(missing), origin, whole=now is None))
            if now is None:
                (plugins if plugin_id in lock.plugins else retired)[plugin_id] = was
            else:
                kept = was._replace(label=now.label, former_ids=now.former_ids)
                if now.returned and not was.returned:
                    kept = kept._replace(returned=True, left=now.left, left_as_of=now.left_as_of)
                (plugins if now_id in plugins else retired)[now_id] = kept
        present = present._replace(plugins=plugins, retired=retired)
    return present, forgotten


def _former_id(was: LockedPlugin, present: Lock, lock: Lock) -> str | None:
    """The id under which ``present`` has a plugin that had another one in ``lock``: its change of id was taken back."""
    return next((old for old in reversed(was.former_ids) if present.of(old) and not lock.of(old)), None)


def _missing(now: LockedPlugin | None, was: LockedPlugin, applied: Mapping[str, str]) -> list[str]:
    """What ``now`` does not mention of ``was``, neither as a present name nor as one it was renamed from."""
    found = []
    if now is not None:
        was = was._replace(
            **{
                kind: getattr(now, kind)
                for kind in ("database", "schema", "role")
                if (old := getattr(was, kind)) is not None and applied.get(old) == getattr(now, kind)
            }
        )
    before = now.renamed_from if now else None
    if now is not None and (now.server, now.engine) != (was.server, was.engine):
        found.append(f"server {was.server!r}")
    if now is None or before is None or was.database not in (now.database, before.database):
        found.append(f"database {was.database!r}")
    if was.schema is not None and (now is None or before is None or was.schema not in (now.schema, before.schema)):
        found.append(f"schema {was.schema!r}")
    if now is None or before is None or was.role not in (now.role, before.role):
        found.append(f"role {was.role!r}")
    secret = (was.store, was.secret)
    if was.secret is not None and (
        now is None or before is None or secret not in ((now.store, now.secret), (before.store, before.secret))
    ):
        found.append(f"secret {was.secret!r}")
    return found
