"""Names that only the run-time environment has: one cause concerns many plugins, and is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.documents.unknown import how_to_say, waits_for

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase
    from generator.documents.values import Placeholder, Reference
    from generator.problems.diagnostic import Diagnostics, Location


class UnknownNames:
    """Collects names without a value; :meth:`report` says each cause with the plugins it concerns (GR302)."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[Reference, ...], Location | None], list[tuple[str, str]]] = {}

    def add(self, kind: str, name: Placeholder, plugin: PluginDatabase, location: Location | None, path: str) -> None:
        """Remember that the ``kind`` (``database`` or ``user``) of ``plugin`` is ``name``, written at ``location``."""
        cause = (kind, tuple(dict.fromkeys(name.references)), location)
        self._found.setdefault(cause, []).append((plugin.plugin_id, path))

    def report(self, diagnostics: Diagnostics) -> None:
        """Say what was found."""
        for (kind, references, location), plugins in self._found.items():
            ids = [repr(plugin_id) for plugin_id, _ in plugins]
            several = len(ids) > 1
            who = f"plugins {', '.join(ids[:-1])} and {ids[-1]}" if several else f"plugin {ids[0]}"
            hint = how_to_say(references)
            if kind == "user":
                hint += "; or leave `user` out, and credentials.roleName names it"
            diagnostics.error(
                "GR302",
                f"the {kind}{'s' if several else ''} of {who} cannot be named: {waits_for(references)} has no value here",
                location,
                path="backend.database" if several else plugins[0][1],
                hint=hint,
            )
