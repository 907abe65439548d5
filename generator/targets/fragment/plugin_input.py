"""What a fragment has to say about one plugin: the plan's part, and how app-config writes the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.backstage.config.substitution import escape
from generator.backstage.database.origin import Origin
from generator.documents.values import UNDEFINED, Placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import PluginPlan


def restate(value: Any) -> Any:
    """A value of the input as app-config has to spell it to get it again, references included."""
    if isinstance(value, Placeholder):
        return {"$file": escape(value)} if value.is_file else value
    if isinstance(value, dict):
        return {key: restate(item) for key, item in value.items() if item is not UNDEFINED}
    if isinstance(value, list):
        return [restate(item) for item in value]
    return escape(value) if isinstance(value, str) else value


class PluginInput(NamedTuple):
    """A planned plugin, and where what is resolved for it comes from."""

    plan: PluginPlan

    @property
    def origin(self) -> Origin:
        """How app-config writes its connection."""
        return self.plan.source.origin if self.plan.source is not None else Origin()

    @property
    def resolved(self) -> Mapping[str, Any]:
        """The connection as Backstage resolves it from the input."""
        connection = self.plan.source.connection if self.plan.source is not None else None
        return connection if isinstance(connection, dict) else {}

    @property
    def path(self) -> str:
        """The key of the plugin's connection."""
        return f"backend.database.plugin.{self.plan.plugin_id}.connection"
