"""While it is not known which plugins a repository adds, nothing is retired because it was not found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from generator.planning.history import read_lock
from generator.problems.diagnostic import Diagnostic, Diagnostics, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from generator.backstage.repository.model import Discovery, Gap
    from generator.settings.model import Settings


class Kept(NamedTuple):
    """The plugins of the lock file that discovery did not find, and the ``gaps`` that may hide them."""

    plugins: tuple[str, ...] = ()
    gaps: Sequence[Gap] = ()

    def report(self, planned: Collection[str], diagnostics: Diagnostics) -> None:
        """Say once what is kept, and why (GR549)."""
        ids = [plugin_id for plugin_id in self.plugins if plugin_id in planned]
        if not ids:
            return
        gap = min(self.gaps, key=lambda item: not item.unread)
        others = f" (and {len(self.gaps) - 1} more)" if len(self.gaps) > 1 else ""
        listed = ", ".join(ids)
        several = len(ids) > 1
        diagnostics.warning(
            "GR549",
            f"plugin{'s' if several else ''} {listed} of the lock file {'were' if several else 'was'} not found, but not "
            f"everything is known: {gap.reason}{others}; {'they are' if several else 'it is'} kept",
            gap.location,
            path="plugins",
            hint=f"in greenroom.yaml, `plugins: {{exclude: [{listed}]}}` retires what is gone, and `plugins: {{include: "
            f"[{listed}]}}` says that it is still there",
        )


def settle(found: Discovery, named: Iterable[str], excluded: Collection[str]) -> list[Gap]:
    """Leave out of ``found`` what the user has answered: the plugins that are added somewhere unknown, and guessed ids.

    A plugin that is ``named`` (``plugins.include``, ``--plugin``) and that discovery did not find is what one unknown value
    adds; where as many are named as there are such values, all are answered. A guessed id is answered when it is named or
    excluded. Returns the gaps that are left.
    """
    known = set(named)
    values = [gap for gap in found.gaps if not gap.unread]
    answered = len(known - set(found.plugins)) >= len(values)
    guessed = {plugin_id for plugin_id in found.plugins if plugin_id in known or plugin_id in excluded}
    places = {(gap.location, gap.reason) for gap in values} if answered else set()
    for item in list(found.diagnostics.items):
        is_value = item.code == "GR803" and (item.location, item.summary) in places
        if is_value or (item.code == "GR804" and any(f"the id {name!r} " in item.summary for name in guessed)):
            del found.diagnostics.items[item]
    return [gap for gap in found.gaps if gap.unread or not answered]


def keep_unfound(lock: Path, ids: Collection[str], gaps: Sequence[Gap], settings: Settings) -> Kept:
    """The plugins of the lock file that are not among ``ids``, where ``gaps`` may be the reason."""
    if not gaps or not lock.is_file():
        return Kept()
    previous = read_lock(lock, Diagnostics())  # what is wrong with it is said when it is compared
    if previous is None:
        return Kept()
    gone = {*settings.exclude, *settings.renamed, *settings.dropped, *ids}
    return Kept(tuple(sorted(set(previous.plugins) - gone)), gaps)


def leave_out_ignored(settings: Settings, diagnostics: Diagnostics) -> None:
    """Take out what ``ignore`` in the settings answers for; never an error."""
    for item in list(diagnostics.items):
        if is_ignored(settings, item):
            del diagnostics.items[item]


def is_ignored(settings: Settings, item: Diagnostic) -> bool:
    """Whether an entry of ``ignore`` names the code of ``item``, and its file or none."""
    if item.severity is Severity.ERROR:
        return False
    file = item.location.file.removeprefix("./") if item.location else ""
    return any(
        code == item.code and (name is None or file == name or file.endswith(f"/{name}")) for code, name in settings.ignore
    )
