"""Who owns what: which databases and roles are one plugin's, which are of several, and in which template everything is.

A logical id depends on a plugin's first id, or on a server and a name, and on nothing else: CloudFormation takes another
logical id for another resource.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from generator.planning.access import access_of
from generator.targets.cloudformation.escaping import logical_id, logical_part
from generator.targets.cloudformation.servers import KINDS
from generator.targets.cloudformation.servers.existing import parameter_connection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.access import Place
    from generator.planning.model import Database, Plan, PluginPlan, Role
    from generator.targets.base import RenderContext
    from generator.targets.cloudformation.servers.base import Connection
    from generator.targets.text.escaped import Escaped

PRIMARY: Final = "primary"
ROOT: Final = 1
ROOT_FILE: Final = "databases.yaml"

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def stack_file(stack: int) -> str:
    """The template of a stack."""
    return ROOT_FILE if stack == ROOT else f"databases-{stack}.yaml"


def shared_id(item: Database | Role, what: str) -> Escaped:
    """The logical id of a ``Database``, or of a ``Role`` or its ``Secret``, of several plugins."""
    server = "" if item.server == PRIMARY else logical_part(item.server.replace("_", "-"))
    return logical_id("Shared", server, logical_part(item.name), what)


@dataclass(frozen=True)
class Shape:
    """A plan, and how CloudFormation sees it. ``data_api``: the SQL goes through the RDS Data API."""

    plan: Plan
    options: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @classmethod
    def of(cls, context: RenderContext) -> Shape:
        """The shape of what a run asks for."""
        return cls(context.plan, context.options)

    def logical_id(self, plugin_id: str, what: str) -> Escaped:
        """The logical id of a plugin's ``Database`` or ``Secret``: that of the first id it had, if it was given another."""
        return logical_id("Plugin", logical_part(self._first_ids.get(plugin_id, plugin_id)), what)

    @cached_property
    def _first_ids(self) -> dict[str, str]:
        return {plugin.plugin_id: plugin.former_ids[0] for plugin in self.plan.plugins if plugin.former_ids}

    @cached_property
    def data_api(self) -> bool:
        """Whether no function in the VPC is needed."""
        return bool(self.options.get("dataApi"))

    @cached_property
    def droppable(self) -> frozenset[str]:
        """The plugins whose databases may be dropped."""
        return frozenset(self.options.get("allowDrop", ()))

    @cached_property
    def shared_roles(self) -> dict[Place, Role]:
        """The roles with a resource of their own."""
        return access_of(self.plan).shared_roles

    @cached_property
    def shared_databases(self) -> list[Database]:
        """The databases with a resource of their own."""
        return access_of(self.plan).shared_databases

    @cached_property
    def stacks(self) -> dict[int, list[PluginPlan]]:
        """The plugins of each stack. The first one is there in any case: it has the functions."""
        found: dict[int, list[PluginPlan]] = {ROOT: []}
        for plugin in self.plan.plugins:
            found.setdefault(plugin.stack or ROOT, []).append(plugin)
        return dict(sorted(found.items()))

    @cached_property
    def root_connections(self) -> dict[str, Connection]:
        """How the first template gets to each server."""
        return {server.name: KINDS[server.kind].connection(server, data_api=self.data_api) for server in self.plan.servers}

    @cached_property
    def nested_connections(self) -> dict[str, Connection]:
        """How every other template does: by parameters that the first one fills."""
        return {server.name: parameter_connection(server, data_api=self.data_api) for server in self.plan.servers}

    @cached_property
    def _adopted(self) -> frozenset[tuple[str, ...]]:
        found: set[tuple[str, ...]] = set()
        for item in self.plan.adopted:
            found |= {("database", item.server, name) for name in item.databases}
            found |= {("role", item.server, name) for name in item.roles}
            found |= {("schema", item.server, *names) for names in item.schemas}
        return frozenset(found)

    def adopts(self, *things: tuple[str, ...]) -> bool:
        """Whether one of ``things`` (kind, server, name …) is there already and is to be taken over."""
        return bool(self._adopted) and not self._adopted.isdisjoint(things)
