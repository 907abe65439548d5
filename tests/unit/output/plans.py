"""Plans, as short as they can be written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.planning.model import Database, Delivery, Plan, PluginPlan, Role, Server
from generator.planning.naming import label

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Wanted:
    name: str
    database: str
    role: str
    schema: str | None
    server: str
    engine: str


def plugin(
    name: str,
    *,
    database: str | None = None,
    role: str | None = None,
    schema: str | None = None,
    server: str = "primary",
    engine: str = "postgresql",
) -> Wanted:
    """What a plugin needs, with the default names."""
    return Wanted(name, database or f"backstage_plugin_{name}", role or f"backstage_{name}", schema, server, engine)


def make_plan(*wanted: Wanted, not_provisioned: Sequence[str] = ()) -> Plan:
    """A plan for ``wanted``; plugins that name the same database or role on a server share it."""
    wanted = tuple(sorted(wanted, key=lambda item: item.name))
    in_database, in_role = defaultdict(list), defaultdict(list)
    for item in wanted:
        in_database[item.server, item.database].append(item.name)
        in_role[item.server, item.role].append(item.name)
    databases = {
        (item.server, item.database): Database(
            name=item.database,
            server=item.server,
            plugins=tuple(in_database[item.server, item.database]),
            label=item.database,
            shared=item.schema is not None or len(in_database[item.server, item.database]) > 1,
        )
        for item in wanted
    }
    roles = {
        (item.server, item.role): Role(
            name=item.role,
            server=item.server,
            plugins=tuple(in_role[item.server, item.role]),
            label=item.name,
            delivery=Delivery(env=f"BACKSTAGE_DB_{item.name.upper()}_PASSWORD"),
            secret_name=f"backstage/{item.name}",
            password_version=1,
        )
        for item in wanted
    }
    engines = {item.server: item.engine for item in wanted}
    return Plan(
        environment="production",
        store="variables",
        servers=tuple(
            Server(name=name, kind="existing", engine=engine, host=None, port=None)
            for name, engine in sorted(engines.items())
        ),
        databases=tuple(databases[key] for key in sorted(databases)),
        roles=tuple(roles[key] for key in sorted(roles)),
        plugins=tuple(
            PluginPlan(
                plugin_id=item.name,
                label=label(item.name),
                server=item.server,
                database=databases[item.server, item.database],
                role=roles[item.server, item.role],
                schema=item.schema,
            )
            for item in wanted
        ),
        not_provisioned=tuple(not_provisioned),
    )
