"""What app-config says for all plugins: the base connection Backstage creates databases with, and the pools."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator.backstage.database import resolve_plugins
from generator.backstage.database.search_path import problem_of, written_search_path
from generator.backstage.javascript import lodash
from generator.backstage.versions import NEWEST
from generator.documents.values import ConfigMap
from generator.preflight.pool import Pool, read_pool
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.run.project import Project

#: No plugin has this id: what it resolves to is the base connection alone.
_NOBODY = "greenroom-base"


@dataclass(frozen=True, slots=True)
class BaseSettings:
    """``connection`` and ``set_role`` of the base, and the merged ``database`` settings the pools come from.

    ``pool_min`` is what this version of Backstage starts a pool with where nothing else is said.
    """

    connection: Mapping[str, Any] = field(default_factory=dict, repr=False)
    set_role: str | None = None
    database: ConfigMap = field(default_factory=ConfigMap, repr=False)
    pool_min: int = NEWEST.pool_min

    def pool_of(self, plugin_id: str, engine: str) -> Pool:
        """The pool of one plugin.

        The PostgreSQL connector hands all of ``backend.database`` to knex, an undocumented ``pool`` there included; the
        MySQL connector only ``knexConfig``. The plugin's own ``knexConfig`` is merged over the base's.
        """
        knex = self._knex_config(plugin_id)
        if engine == "mysql":
            return read_pool(knex.get("pool"), self.pool_min)
        return read_pool(lodash.merge(ConfigMap(), _map(self.database.get("pool")), knex.get("pool")), self.pool_min)

    def search_path_problem(self, plugin_id: str, schema: str | None) -> str:
        """What knex throws for the search path of a plugin that works in ``schema``; empty when it takes it."""
        return problem_of(written_search_path(self.database, self._knex_config(plugin_id), schema))

    def _knex_config(self, plugin_id: str) -> ConfigMap:
        own = _map(_map(_map(self.database.get("plugin")).get(plugin_id)).get("knexConfig"))
        merged: ConfigMap = lodash.merge(ConfigMap(), _map(self.database.get("knexConfig")), own)
        return merged


def read_base(project: Project) -> BaseSettings:
    """The base settings of ``project``, which was loaded as Backstage would (``--placeholders backstage``)."""
    resolved = resolve_plugins(
        project.reader,
        [_NOBODY],
        manager=project.settings.database_manager,
        environ=project.environ,
        diagnostics=Diagnostics(),  # what is wrong with the base is said for the plugins that use it
        placeholders="backstage",
        behaviour=project.backstage.behaviour,
    )
    found = resolved[_NOBODY]
    connection = dict(found.connection) if isinstance(found.connection, dict) else {}
    return BaseSettings(connection, found.set_role, project.database, project.backstage.behaviour.pool_min)


def _map(value: Any) -> ConfigMap:
    return value if isinstance(value, ConfigMap) else ConfigMap()
