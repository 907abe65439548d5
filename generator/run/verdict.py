"""What ``generate --check`` says to a pull request: one sentence with the plugin, who asks for it, and what to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.documents.values import ConfigMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.output.changes import Change
    from generator.output.rendering import Rendering
    from generator.planning.history import Forgotten
    from generator.planning.history.history import Compared
    from generator.problems.diagnostic import Location
    from generator.run.project import Project


class Asked(NamedTuple):
    """Who asks for a plugin: the code, app-config or the settings at ``location``, or (without one) the command line."""

    location: Location | None
    verb: str

    def about(self, plugin_id: str) -> str:
        """A clause: who does what to the plugin."""
        return f"{self.location or '--plugin'} {self.verb} the plugin {plugin_id!r}"


class Gate(NamedTuple):
    """The verdict of a check: which plugins differ, and the sentence (empty where nothing would change).

    ``base`` is the commit that the lock file was compared with besides HEAD.
    """

    sentence: str
    command: str
    plugins: Sequence[tuple[Change, Asked | None]]
    base: Compared | None = None

    def to_json(self) -> dict[str, Any]:
        """The shape of ``check`` in ``generate --check --format json``."""
        return {
            "base": {"revision": self.base.revision, "commit": self.base.commit, "source": self.base.source}
            if self.base
            else None,
            "sentence": self.sentence or None,
            "command": self.command if self.sentence else None,
            "plugins": [
                {
                    "plugin": change.plugin_id,
                    "change": change.kind,
                    "file": asked.location.file if asked and asked.location else None,
                    "line": (asked.location.line or None) if asked and asked.location else None,
                }
                for change, asked in self.plugins
            ],
        }


def judge(project: Project, rendering: Rendering, command: str) -> Gate:
    """The verdict on ``rendering``. ``command`` is what the user has to run to make the check succeed."""
    plugins = [
        (change, None if change.kind in ("retired", "forgotten") else who_asks(project, change.plugin_id))
        for change in rendering.changes
    ]
    past = rendering.past
    if not rendering.changed:
        return Gate("", command, plugins, past.base)
    clauses = [*_forgotten(past.forgotten), *_new(plugins), *_changed(plugins), *_gone(plugins)]
    clauses = clauses or [_files(len(rendering.changed))]
    return Gate(f"{'; '.join(clauses)}: run `{command}` and commit the result", command, plugins, past.base)


def who_asks(project: Project, plugin_id: str) -> Asked:
    """The place that makes ``plugin_id`` part of the run, the one a reader would look for first."""
    found = project.discovery.plugins.get(plugin_id) if project.discovery else None
    if found is not None:
        return Asked(found.location, "adds")
    configured = project.database.get("plugin")
    if isinstance(configured, ConfigMap) and plugin_id in configured:
        return Asked(configured.locate(plugin_id), "configures")
    if plugin_id in project.settings.include:
        return Asked(project.settings.locations.get("plugins.include"), "includes")
    return Asked(None, "names")


def _forgotten(items: Sequence[Forgotten]) -> list[str]:
    """What earlier commits had and the lock file does not mention."""
    return [
        f"the lock file of {item.origin} has "
        + (f"the plugin {item.plugin_id!r} ({item.what})" if item.whole else f"{item.what} of the plugin {item.plugin_id!r}")
        + ", and this one does not, so an apply could destroy its data or leave it behind"
        for item in items
    ]


def _new(plugins: Sequence[tuple[Change, Asked | None]]) -> list[str]:
    """The plugins without a database: each with who asks for it."""
    new = [(change, asked) for change, asked in plugins if change.kind in ("added", "back") and asked is not None]
    if not new:
        return []
    if len(new) > 1:
        listed = [f"{change.plugin_id!r} ({asked.location or '--plugin'})" for change, asked in new]
        return [f"nothing has made the databases of the plugins {_and(listed)} yet"]
    ((change, asked),) = new
    again = " again, which was retired" if change.kind == "back" else ""
    return [f"{asked.about(change.plugin_id)}{again}, and nothing has made its database yet"]


def _changed(plugins: Sequence[tuple[Change, Asked | None]]) -> list[str]:
    names = [repr(change.plugin_id) for change, _ in plugins if change.kind == "changed"]
    if not names:
        return []
    return [f"what is generated for the plugin{'s' if len(names) > 1 else ''} {_and(names)} is out of date"]


def _gone(plugins: Sequence[tuple[Change, Asked | None]]) -> list[str]:
    names = [repr(change.plugin_id) for change, _ in plugins if change.kind == "retired"]
    if not names:
        return []
    if len(names) > 1:
        return [f"nothing adds the plugins {_and(names)} any more, and their databases are to be retired (the data stays)"]
    return [f"nothing adds the plugin {names[0]} any more, and its database is to be retired (the data stays)"]


def _files(count: int) -> str:
    return f"{count} generated file{' is' if count == 1 else 's are'} out of date"


def _and(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
