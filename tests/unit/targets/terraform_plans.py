"""Plans of every shape the terraform target knows, made by hand."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from generator.documents.values import Placeholder, Reference
from generator.planning.model import Database, Delivery, Plan, PluginPlan, Retired, Role, Server
from generator.planning.naming import label
from generator.settings.model import Adopted
from generator.settings.name_template import variable_part
from generator.stores.names import secret_name
from generator.targets.base import RenderContext
from generator.targets.terraform import TARGET, _servers
from generator.targets.terraform.servers import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from generator.targets.base import Artifact

HOST = Placeholder("${POSTGRES_HOST}", (Reference("env", "POSTGRES_HOST"),))
PORT = Placeholder("${POSTGRES_PORT}", (Reference("env", "POSTGRES_PORT"),))


class Wanted:
    """One plugin to plan for. What is not given has the name greenroom gives it."""

    def __init__(
        self,
        plugin_id: str,
        *,
        database: str | None = None,
        role: str | None = None,
        schema: str | None = None,
        server: str = "primary",
    ) -> None:
        self.plugin_id, self.schema, self.server = plugin_id, schema, server
        self.database = database or f"backstage_plugin_{plugin_id}"
        self.role = role or f"backstage_{plugin_id}"


def server(
    name: str = "primary", *, host: str | None = HOST, port: int | str | None = PORT, engine: str = "postgresql"
) -> Server:
    """An existing server, of PostgreSQL unless said otherwise."""
    return Server(name=name, kind="existing", engine=engine, host=host, port=port)


def on_mysql(*names: str) -> list[Server]:
    """Existing MySQL servers."""
    return [server(name, engine="mysql") for name in names or ("primary",)]


def retired(
    plugin_id: str, *, server: str = "primary", shared: bool = False, engine: str = "postgresql", **names: str
) -> Retired:
    """A plugin that was there once, in a database of its own unless ``names`` say otherwise."""
    return Retired(
        plugin_id=plugin_id,
        label=label(plugin_id),
        server=server,
        engine=engine,
        database=names.get("database", f"backstage_plugin_{plugin_id}"),
        schema=names.get("schema"),
        role=names.get("role", f"backstage_{plugin_id}"),
        shared=shared,
    )


def make_plan(
    *wanted: Wanted,
    store: str = "variables",
    servers: Sequence[Server] = (),
    gone: Iterable[Retired] = (),
    renamed: Mapping[str, str] | None = None,
    password_version: int = 1,
) -> Plan:
    """A plan for ``wanted``; ``renamed`` maps new names of databases, roles and schemas to old ones."""
    old = dict(renamed or {})
    engines = {item.name: item.engine for item in servers}
    of_database: dict[tuple[str, str], list[Wanted]] = defaultdict(list)
    of_role: dict[tuple[str, str], list[Wanted]] = defaultdict(list)
    for item in sorted(wanted, key=lambda item: item.plugin_id):
        of_database[item.server, item.database].append(item)
        of_role[item.server, item.role].append(item)
    databases = {
        (place, name): Database(
            name=name,
            server=place,
            plugins=tuple(user.plugin_id for user in users),
            label=label(name),
            shared=len(users) > 1 or users[0].schema is not None,
            group=f"{name}_plugins"
            if users[0].schema is None and len({user.role for user in users}) > 1 and engines.get(place) != "mysql"
            else None,
            renamed_from=old.get(name),
        )
        for (place, name), users in sorted(of_database.items())
    }
    roles = {
        (place, name): Role(
            name=name,
            server=place,
            plugins=tuple(user.plugin_id for user in users),
            label=label(users[0].plugin_id),
            delivery=Delivery(env=f"BACKSTAGE_DB_{variable_part(users[0].plugin_id)}_PASSWORD"),
            secret_name=f"backstage/production/database/{users[0].plugin_id}",
            password_version=password_version,
            group=databases[place, users[0].database].group,
            renamed_from=old.get(name),
        )
        for (place, name), users in sorted(of_role.items())
    }
    plugins = tuple(
        PluginPlan(
            plugin_id=item.plugin_id,
            label=label(item.plugin_id),
            server=item.server,
            database=databases[item.server, item.database],
            role=roles[item.server, item.role],
            schema=item.schema,
            schema_renamed_from=old.get(item.schema) if item.schema else None,
        )
        for item in sorted(wanted, key=lambda item: item.plugin_id)
    )
    return Plan(
        environment="production",
        store=store,
        servers=tuple(servers) or tuple(server(name) for name in sorted({item.server for item in wanted} or {"primary"})),
        databases=tuple(databases.values()),
        roles=tuple(roles.values()),
        plugins=plugins,
        retired=tuple(gone),
    )


def signed_in(
    *wanted: Wanted,
    iam: str | None = None,
    common: str | None = None,
    acts_as: str | None = None,
    password_version: int = 1,
    servers: Sequence[Server] = (),
) -> Plan:
    """A plan whose plugins sign in as one role (``common``), by way of a cloud (``iam``), or act as another role."""
    wanted = tuple(
        Wanted(item.plugin_id, database=item.database, role=common or item.role, schema=item.schema, server=item.server)
        for item in wanted
    )
    plan = make_plan(*wanted, password_version=password_version, servers=servers)
    changed = {"is_common": common is not None, "iam": iam, "group": acts_as}
    roles = {(role.server, role.name): role._replace(**changed) for role in plan.roles}
    databases = {(item.server, item.name): item._replace(group=acts_as or item.group) for item in plan.databases}
    plugins = tuple(
        plugin._replace(role=roles[plugin.server, plugin.role.name], database=databases[plugin.server, plugin.database.name])
        for plugin in plan.plugins
    )
    mode = "iam" if iam else "shared" if common else "per-plugin"
    return plan._replace(databases=tuple(databases.values()), roles=tuple(roles.values()), plugins=plugins, credentials=mode)


def modes() -> dict[str, Plan]:
    """A plan for each way to sign in, by name."""
    plain = [Wanted("auth"), Wanted("tech-insights")]
    schemas = [Wanted(name, database="backstage", schema=name.replace("-", "_")) for name in ("auth", "tech-insights")]
    other = Wanted("search", server="reporting")
    google = "backstage@my-project.iam"
    return {
        "one role for all": signed_in(*plain, common="backstage"),
        "one role for all schemas": signed_in(*schemas, common="backstage"),
        "one role for all of each server": signed_in(*plain, other, common="backstage"),
        "one role that acts as another": signed_in(*plain, common="backstage", acts_as="owner"),
        "one role for schemas that acts as another": signed_in(*schemas, common="backstage", acts_as="owner"),
        "rds": signed_in(*plain, other, iam="rds"),
        "rds with schemas": signed_in(*schemas, iam="rds"),
        "rds with one role that acts as another": signed_in(*plain, iam="rds", common="backstage", acts_as="owner"),
        "cloudsql": signed_in(*plain, iam="cloudsql", common=google),
        "cloudsql with one role that acts as another": signed_in(*plain, iam="cloudsql", common=google, acts_as="owner"),
        "azure": signed_in(*plain, iam="azure"),
        "azure with one role": signed_in(*schemas, iam="azure", common="backstage"),
    }


def render(plan: Plan) -> list[Artifact]:
    """What the target makes of ``plan``."""
    return TARGET.render(RenderContext(plan=plan, resolved={}))


def files(plan: Plan) -> dict[str, str]:
    """The rendered files by path."""
    return {artifact.path: artifact.text for artifact in render(plan)}


def shapes() -> dict[str, Plan]:
    """A plan for each shape of output, by name."""
    plain = [Wanted("auth"), Wanted("catalog"), Wanted("tech-insights")]
    schemas = [
        Wanted(name, database="backstage", schema=name.replace("-", "_")) for name in ("auth", "catalog", "tech-insights")
    ]
    found = {
        "databases": make_plan(*plain),
        "one server with everything known": make_plan(Wanted("catalog"), servers=[server(host="db.example.com", port=5433)]),
        "nothing known of the server": make_plan(Wanted("catalog"), servers=[server(host=None, port=None)]),
        "schemas": make_plan(*schemas),
        "several servers": make_plan(
            *plain,
            Wanted("search", server="search_example_com"),
            servers=[server(), server("search_example_com", host="::1", port="6432")],
        ),
        "a lone server with a name": make_plan(Wanted("catalog", server="main")),
        "one role for two plugins": make_plan(*plain, Wanted("search", role="shared"), Wanted("techdocs", role="shared")),
        "one role for two schemas": make_plan(
            *schemas,
            Wanted("search", database="backstage", schema="search", role="shared"),
            Wanted("techdocs", database="backstage", schema="techdocs", role="shared"),
        ),
        "one database, one role": make_plan(
            *plain, Wanted("search", role="both", database="both"), Wanted("techdocs", role="both", database="both")
        ),
        "one database, several roles": make_plan(
            *plain,
            Wanted("search", database="group"),
            Wanted("techdocs", database="group"),
            Wanted("todo", database="group", role="two"),
            Wanted("x", database="group", role="two"),
        ),
        "retired": make_plan(
            *plain,
            gone=[
                retired("old"),
                retired("elsewhere", server="reporting"),
                retired("a", schema="a", database="backstage"),
                retired("b", database="both", shared=True, role="both"),
                retired("c", database="both", shared=True, role="both"),
            ],
        ),
        "all retired": make_plan(gone=[retired("old")], servers=[]),
        "renamed": make_plan(
            *schemas,
            Wanted("search", database="backstage", schema="search", role="shared"),
            Wanted("techdocs", database="backstage", schema="techdocs", role="shared"),
            renamed={"backstage": "portal", "shared": "common", "catalog": "old_catalog", "backstage_auth": "auth_user"},
        ),
        "odd ids": make_plan(
            Wanted("9lives"),
            Wanted("plugin.with.dots", database="dots", role="dots"),
            Wanted('${x} "quoted"\n', database="odd", role="odd"),
        ),
    }
    found |= {
        "adopted": make_plan(*plain)._replace(
            adopted=(Adopted("primary", ("backstage_plugin_auth", "no-one's"), (), ("backstage_auth", "backstage_catalog")),)
        ),
        "adopted schemas": make_plan(*schemas)._replace(
            adopted=(Adopted("primary", ("backstage",), (("backstage", "auth"), ("backstage", "tech_insights"))),)
        ),
        "adopted roles of several": make_plan(
            Wanted("search", database="group"),
            Wanted("techdocs", database="group"),
            Wanted("a", role="s"),
            Wanted("b", role="s"),
        )._replace(adopted=(Adopted("primary", ("group",), (), ("group_plugins", "s")),)),
    }
    found |= mysql_shapes()
    in_aws = {f"{name} in AWS": in_store(plan, "aws-secretsmanager") for name, plan in found.items() if name != "odd ids"}
    everywhere = {f"schemas in {store}": in_store(found["schemas"], store) for store in MADE}
    everywhere |= {f"secrets that are in {store}": with_secrets(store) for store in MADE}
    return found | in_aws | everywhere | modes()


def with_secrets(store: str) -> Plan:
    """A plan in whose ``store`` some secrets are already, one of them with a password nobody wants any more."""
    wanted = (Wanted("auth"), Wanted("a", role="s"), Wanted("b", role="s"), Wanted("c", database="both", schema="c"))
    secrets = (("backstage_auth", 1), ("backstage_c", 0), ("s", 1))
    renamed = ((("database", "backstage_plugin_auth"), ("old",)), (("schema", "both", "c"), ("both", "old_c")))
    there = Adopted("primary", ("backstage_plugin_auth",), (("both", "c"),), ("backstage_auth", "s"), secrets, renamed)
    return in_store(make_plan(*wanted), store)._replace(adopted=(there,))


def mysql_shapes() -> dict[str, Plan]:
    """A plan for each shape of output on MySQL, and on both engines."""
    plain = [Wanted("auth"), Wanted("catalog"), Wanted("tech-insights")]
    no_tls = make_plan(Wanted("auth"), servers=on_mysql())
    role = no_tls.roles[0]._replace(requires_tls=False, host="10.%")
    shared = [
        *plain,
        Wanted("search", database="both"),
        Wanted("techdocs", database="both", role="two"),
        Wanted("todo", role="two"),
    ]
    return {
        "mysql": make_plan(*plain, servers=on_mysql()),
        "mysql, several servers": make_plan(
            *plain, Wanted("search", server="reporting"), servers=on_mysql("primary", "reporting")
        ),
        "mysql, shared": make_plan(*shared, servers=on_mysql()),
        "mysql, one role for all": signed_in(*plain, common="backstage", servers=on_mysql()),
        "mysql, retired": make_plan(
            *plain,
            servers=on_mysql(),
            gone=[
                retired("old", engine="mysql"),
                retired("elsewhere", engine="mysql", server="reporting"),
                retired("b", engine="mysql", database="both", shared=True, role="both"),
                retired("c", engine="mysql", database="both", shared=True, role="both"),
            ],
        ),
        "mysql, all retired": make_plan(gone=[retired("old", engine="mysql")], servers=on_mysql()),
        "mysql without TLS": no_tls._replace(roles=(role,), plugins=(no_tls.plugins[0]._replace(role=role),)),
        "mysql, adopted": make_plan(*shared, servers=on_mysql())._replace(
            adopted=(
                Adopted(
                    "primary", ("backstage_plugin_auth", "both", "backstage_plugin_todo"), (), ("backstage_auth", "two")
                ),
            )
        ),
        "both engines": make_plan(
            *plain,
            Wanted("search", server="warehouse"),
            Wanted("techdocs", server="warehouse", database="shared"),
            Wanted("todo", server="warehouse", database="shared"),
            servers=[server(), *on_mysql("warehouse")],
            gone=[retired("old"), retired("older", engine="mysql", server="warehouse")],
        ),
        "both engines, one of them retired": make_plan(
            *plain, servers=[server()], gone=[retired("older", engine="mysql", server="warehouse")]
        ),
    }


def every_server() -> dict[str, str]:
    """The root module of every kind of server that is created, for both engines and with and without passwords."""
    found: dict[str, str] = {}
    plan = make_plan(Wanted("auth"))
    for kind in sorted(set(KINDS) - {"existing"}):
        for engine in ("mysql", "postgresql"):
            for credentials in ("per-plugin", "iam"):
                servers = (server()._replace(kind=kind, engine=engine),)
                made = plan._replace(servers=servers, credentials=credentials, tags=(("team", "portal"),))
                found |= {f"{kind}-{engine}-{credentials}/{path}": text for path, text in _servers(made).items()}
    return found


#: The stores that make the passwords.
MADE = ("aws-secretsmanager", "aws-ssm", "azure-keyvault", "google-secretmanager", "kubernetes", "vault")


def in_store(plan: Plan, store: str, file: str | None = None) -> Plan:
    """``plan`` with its passwords in ``store``, delivered in files (a template with ``{}`` for the plugin's id) if given."""
    roles = {
        (role.server, role.name): role._replace(
            secret_name=secret_name(role.secret_name, store=store),
            delivery=role.delivery._replace(file=file.format(role.plugins[0]) if file else None),
        )
        for role in plan.roles
    }
    return plan._replace(
        store=store,
        roles=tuple(roles.values()),
        plugins=tuple(plugin._replace(role=roles[plugin.server, plugin.role.name]) for plugin in plan.plugins),
    )
