"""Plans made by hand, and rendered: the input of the tests on real servers."""

from __future__ import annotations

import stringprep
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.planning.model import Database, Delivery, Plan, PluginPlan, Role, Server
from generator.targets.base import RenderContext
from generator.targets.sql import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Want:
    """One plugin as a test wants it; what is not said gets the default names."""

    plugin: str
    database: str | None = None
    role: str | None = None
    schema: str | None = None
    server: str = "primary"
    engine: str = "postgresql"
    env: str | None = None
    file: str | None = None
    database_was: str | None = None
    role_was: str | None = None
    schema_was: str | None = None

    @property
    def database_name(self) -> str:
        return self.database or f"backstage_plugin_{self.plugin}"

    @property
    def role_name(self) -> str:
        return self.role or f"backstage_{self.plugin}"

    @property
    def variable(self) -> str:
        return self.env or f"DB_{self.role_name.upper().replace('-', '_')}_PASSWORD"


def make_plan(*wanted: Want, **fields: Any) -> Plan:
    """A plan for ``wanted``, with the same rules for sharing as the planner's."""
    databases, roles = {}, {}
    for want in wanted:
        key = want.server, want.database_name
        users = [other for other in wanted if (other.server, other.database_name) == key]
        several_roles = len({other.role_name for other in users}) > 1
        databases[key] = Database(
            name=want.database_name,
            server=want.server,
            plugins=tuple(sorted(other.plugin for other in users)),
            label=want.database_name.replace("-", "_"),
            shared=len(users) > 1 or want.schema is not None,
            group=f"{want.database_name}_plugins" if several_roles and _may_group(want) else None,
            renamed_from=want.database_was,
        )
        same_role = [other for other in wanted if (other.server, other.role_name) == (want.server, want.role_name)]
        roles[want.server, want.role_name] = Role(
            name=want.role_name,
            server=want.server,
            plugins=tuple(sorted(other.plugin for other in same_role)),
            label=want.plugin.replace("-", "_"),
            delivery=Delivery(env=want.variable, file=want.file),
            secret_name=f"backstage/test/{want.plugin}",
            password_version=1,
            group=databases[key].group,
            renamed_from=want.role_was,
        )
    plugins = tuple(
        PluginPlan(
            plugin_id=want.plugin,
            label=want.plugin.replace("-", "_"),
            server=want.server,
            database=databases[want.server, want.database_name],
            role=roles[want.server, want.role_name],
            schema=want.schema,
            schema_renamed_from=want.schema_was,
        )
        for want in sorted(wanted, key=lambda item: item.plugin)
    )
    servers = sorted({(want.server, want.engine) for want in wanted})
    return Plan(
        **{
            "environment": "test",
            "store": "variables",
            "servers": tuple(
                Server(name=name, kind="existing", engine=engine, host="127.0.0.1", port=None) for name, engine in servers
            ),
            "databases": tuple(databases[key] for key in sorted(databases)),
            "roles": tuple(roles[key] for key in sorted(roles)),
            "plugins": plugins,
            **fields,
        }
    )


def _may_group(want: Want) -> bool:
    return want.schema is None and want.engine == "postgresql"


def context(plan: Plan) -> RenderContext:
    return RenderContext(plan=plan, resolved={})


def write_scripts(plan: Plan, folder: Path) -> dict[str, Path]:
    """Render the scripts of ``plan`` into ``folder``: server name to path."""
    artifacts = TARGET.render(context(plan))
    paths = {}
    for artifact in artifacts:
        path = folder / artifact.path
        path.write_text(artifact.text, encoding="utf-8")
        if path.suffix == ".sql":
            paths[path.stem if len(plan.servers) > 1 else plan.servers[0].name] = path
    return paths


def passwords(plan: Plan) -> dict[str, str]:
    """A password for each role of ``plan``, by variable."""
    return {role.delivery.env: _password(f"pw of {role.name}'s") for role in plan.roles}


def _password(text: str) -> str:
    """``text``, or where the script would refuse it (SASLprep changes something in it), with escapes."""
    changes = any(stringprep.in_table_b1(character) or stringprep.in_table_c12(character) for character in text)
    return ascii(text) if changes or not unicodedata.is_normalized("NFKC", text) else text


def expected(plan: Plan) -> set[tuple[str, ...]]:
    """What reading the scripts of ``plan`` back has to give."""
    found: set[tuple[str, ...]] = {("role", role.server, role.name) for role in plan.roles}
    found |= {("role", item.server, item.group) for item in plan.databases if item.group}
    found |= {("database", item.server, item.name) for item in plan.databases}
    found |= {("schema", item.server, item.database.name, item.schema) for item in plan.plugins if item.schema}
    return found


def by_plugin(plan: Plan) -> dict[str, PluginPlan]:
    return {plugin.plugin_id: plugin for plugin in plan.plugins}


def many(names: Iterable[str]) -> list[Want]:
    return [Want(plugin=name) for name in names]
