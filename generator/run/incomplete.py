"""While it is not known which plugins a repository adds, nothing is retired because it was not found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from generator.planning.history import read_lock
from generator.planning.history.history import read_history
from generator.problems.diagnostic import Diagnostic, Diagnostics, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from generator.backstage.repository.model import Discovery, Gap
    from generator.planning.history import Base
    from generator.settings.model import Settings


#: What nobody can ignore: that a lock file says what no earlier run wrote, and what is kept, or stays where it is.
_ALWAYS_SAID = ("GR426", "GR515", "GR549", "GR552")


class Kept(NamedTuple):
    """The plugins of the lock file that discovery did not find, and the ``gaps`` that may hide them."""

    plugins: tuple[str, ...] = ()
    gaps: Sequence[Gap] = ()
    unseen: tuple[str, ...] = ()
    """Plugins of the lock file that are retired, while there was no backend to look at."""

    def report(self, planned: Collection[str], diagnostics: Diagnostics) -> None:
        """Say once what is kept, and why (GR549), and what is retired without a look at a backend (GR552)."""
        if self.unseen:
            diagnostics.warning(
                "GR552",
                f"{', '.join(self.unseen)}: retired, and there is no Backstage backend at --root that could have said "
                "otherwise",
                path="plugins",
                hint="run it at the repository (--root), or name what is still there under plugins.include; where there is "
                "never a repository, `plugins: {discover: false}` says so",
            )
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


def keep_unfound(
    lock: Path, ids: Collection[str], gaps: Sequence[Gap], settings: Settings, *, base: Base | None, root: Path, looked: bool
) -> Kept:
    """The plugins of the lock file, and of the ones that Git has of it, that are not among ``ids``, where ``gaps`` may be
    the reason. ``looked``: there was a backend to look at, or nobody wants one to be looked at.
    """
    if looked and not gaps:
        return Kept()
    quiet = Diagnostics()  # what is wrong with them is said when they are compared
    present = read_lock(lock, quiet)
    gone = {*settings.exclude, *settings.renamed, *settings.dropped, *ids}
    if not gaps:
        return Kept(unseen=tuple(sorted(set(present.plugins) - gone)) if present else ())
    earlier = [found for _, found in read_history(lock, base, quiet, root=root, environment=settings.one_of_several).locks]
    known = {name for found in (present, *earlier) if found is not None for name in found.plugins}
    # An earlier lock file has a renamed plugin under its old id, and one that is retired now as planned.
    past = {*present.retired, *(old for now in present.known.values() for old in now.former_ids)} if present else set()
    return Kept(tuple(sorted(known - gone - past)), gaps)


def leave_out_ignored(settings: Settings, diagnostics: Diagnostics) -> tuple[Diagnostic, ...]:
    """Take out what ``ignore`` in the settings answers for, and give it; never an error."""
    left_out = tuple(item for item in diagnostics.items if is_ignored(settings, item))
    for item in left_out:
        del diagnostics.items[item]
    return left_out


def is_ignored(settings: Settings, item: Diagnostic) -> bool:
    """Whether an entry of ``ignore`` names the code of ``item``, and its file or none."""
    return bool(ignoring(settings, item))


def ignoring(settings: Settings, item: Diagnostic) -> set[int]:
    """The numbers of the entries of ``ignore`` that name the code of ``item``, and its file or none."""
    if item.severity is Severity.ERROR or item.code in _ALWAYS_SAID:
        return set()
    file = item.location.file.removeprefix("./") if item.location else ""
    return {
        number
        for number, (code, name) in enumerate(settings.ignore)
        if code == item.code and (name is None or file == name or file.endswith(f"/{name}"))
    }
