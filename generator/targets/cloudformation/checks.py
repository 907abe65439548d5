"""What CloudFormation cannot carry, found before anything is rendered."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final

from generator.problems.diagnostic import Diagnostic, Severity
from generator.stores.names import DEFAULT
from generator.targets.cloudformation.escaping import text_problem
from generator.targets.cloudformation.limits import check_limits
from generator.targets.cloudformation.servers import KINDS
from generator.targets.cloudformation.servers.base import ENVIRONMENT_TAG, server_id
from generator.targets.cloudformation.shape import Shape, shared_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.planning.model import PluginPlan
    from generator.problems.diagnostic import Diagnostics, Location
    from generator.targets.base import RenderContext

STORE: Final = "aws-secretsmanager"
_SECRET_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)
_TAG_KEY: Final = re.compile(r"[\w .:/=+@-]{1,128}")
_TAG_VALUE: Final = re.compile(r"[\w .:/=+@-]{0,256}")
TAGS: Final = 49
#: Secrets Manager ends every ARN with a dash and six characters of its own, and finds a secret by a part of its ARN.
_LIKE_AN_ARN: Final = re.compile(r"-[A-Za-z0-9]{6}$", re.ASCII)


def check_context(context: RenderContext, diagnostics: Diagnostics) -> None:
    """Report every item the ``cloudformation`` target has to refuse: GR670 to GR689."""
    shape = Shape.of(context)
    if not shape.plan.plugins:
        return
    known = len(diagnostics)
    _check_servers(shape, diagnostics)
    _check_store(context, diagnostics)
    _check_texts(shape, diagnostics)
    _check_tags(shape, diagnostics)
    _check_secrets(shape, diagnostics)
    _check_drops(shape, diagnostics)
    _check_moves(shape, diagnostics)
    if len(diagnostics) > known and diagnostics.has_errors:
        return  # the rest needs templates that can be made
    _check_ids(shape, diagnostics)
    check_limits(shape, diagnostics)
    if context.options.get("parameters"):
        from generator.targets.cloudformation.parameter_files import check_parameter_files

        check_parameter_files(context, shape, diagnostics)


def _check_servers(shape: Shape, diagnostics: Diagnostics) -> None:
    for server in shape.plan.servers:
        users = [plugin for plugin in shape.plan.plugins if plugin.server == server.name]
        kind = KINDS.get(server.kind)
        if kind is None:
            diagnostics.error(
                "GR672",
                f"CloudFormation cannot make or reach a server of the kind {server.kind!r} ({server.name!r})",
                path=f"servers.{server.name}.kind",
                hint=f"one of {', '.join(sorted(KINDS))}; or leave the target cloudformation out (--target)",
            )
            continue
        kind.check(server, partial(_location, users), diagnostics)
        if shape.data_api and server.engine == "mysql":
            diagnostics.error(
                "GR670",
                f"the Data API is for PostgreSQL here, and server {server.name!r} is MySQL (plugins {_ids(users)})",
                _location(users, "client"),
                path="targets.cloudformation.dataApi",
                hint="leave dataApi out, or generate for the other plugins alone (--plugin)",
            )
        if shape.data_api and server.kind == "aws-rds":
            diagnostics.error(
                "GR670",
                f"only Aurora has the Data API, and server {server.name!r} is of the kind aws-rds",
                path="targets.cloudformation.dataApi",
                hint="leave dataApi out, or use the kind aws-aurora",
            )
        clouds = {role.iam for role in shape.plan.roles if role.server == server.name} - {None, "rds"}
        for cloud in sorted(map(str, clouds)):
            diagnostics.error(
                "GR672",
                f"the plugins of server {server.name!r} sign in with {cloud!r}, which is not a cloud of CloudFormation's",
                path="credentials.iam",
                hint="credentials.iam: rds; or leave the target cloudformation out (--target)",
            )


def _check_store(context: RenderContext, diagnostics: Diagnostics) -> None:
    plan = context.plan
    if plan.store == STORE or all(role.iam for role in plan.roles):
        return
    written = context.written.get("credentials.store")
    if written is None and plan.store == DEFAULT:
        note = "CloudFormation keeps the passwords in AWS Secrets Manager, although credentials.store does not say so"
        hint = f"credentials.store: {STORE}"
        diagnostics.add(Diagnostic("GR671", Severity.INFO, note, path="credentials.store", hint=hint))
        return
    diagnostics.error(
        "GR671",
        f"CloudFormation cannot keep passwords in {plan.store!r}",
        written,
        path="credentials.store",
        hint=f"{STORE} is what it can use; or leave the target cloudformation out (--target)",
    )


def _check_texts(shape: Shape, diagnostics: Diagnostics) -> None:
    seen: set[tuple[str, str]] = set()
    for what, value, plugin, path in _texts(shape):
        problem = text_problem(value)
        if problem and (what, value) not in seen:
            seen.add((what, value))
            diagnostics.error(
                "GR674",
                f"no template can hold the {what} {value[:80]!r}: it {problem}",
                _location([plugin], "connection.database", "databaseName", "connection.user") if plugin else None,
                path=path,
                hint="choose another one",
            )


def _texts(shape: Shape) -> Iterator[tuple[str, str, PluginPlan | None, str]]:
    for plugin in shape.plan.plugins:
        own = f"backend.database.plugin.{plugin.plugin_id}"
        yield "plugin id", plugin.plugin_id, plugin, own
        yield "database name", plugin.database.name, plugin, f"{own}.connection.database"
        yield "role name", plugin.role.name, plugin, f"{own}.connection.user"
        if plugin.schema is not None:
            yield "schema name", plugin.schema, plugin, own
    for server in shape.plan.servers:
        yield "host", str(server.host or ""), None, "backend.database.connection.host"
        yield "port", str(server.port or ""), None, "backend.database.connection.port"
    for key, value in shape.plan.tags:
        yield "tag", f"{key}: {value}", None, f"tags.{key}"


def _check_tags(shape: Shape, diagnostics: Diagnostics) -> None:
    for key, value in shape.plan.tags:
        is_free = not key.lower().startswith("aws:") and key != ENVIRONMENT_TAG
        if not (_TAG_KEY.fullmatch(key) and _TAG_VALUE.fullmatch(value) and is_free):
            diagnostics.error(
                "GR679",
                f"AWS takes no such tag, or it has a meaning already: {key[:80]!r}",
                path=f"tags.{key}",
                hint="a key of 1 to 128 and a value of up to 256 letters, digits, blanks and _.:/=+-@",
            )
    if len(shape.plan.tags) > TAGS:
        diagnostics.error(
            "GR679",
            f"there are {len(shape.plan.tags)} tags, and with greenroom's own a resource in AWS has at most {TAGS + 1}",
            path="tags",
            hint="leave some out",
        )


def _check_secrets(shape: Shape, diagnostics: Diagnostics) -> None:
    for role in shape.plan.roles:
        if role.iam:
            continue
        if not _SECRET_NAME.fullmatch(role.secret_name):
            diagnostics.error(
                "GR675",
                f"{role.secret_name[:80]!r} cannot be the name of a secret in AWS Secrets Manager (role {role.name!r})",
                path="credentials.secretName",
                hint="1 to 512 letters, digits and /_+=.@-",
            )
        elif _LIKE_AN_ARN.search(role.secret_name):
            diagnostics.warning(
                "GR676",
                f"the secret {role.secret_name!r} ends like an ARN, in a dash and six characters: AWS may find another",
                path="credentials.secretName",
                hint="add a part to credentials.secretName, such as backstage/{environment}/database/{plugin}/password",
            )


def _check_drops(shape: Shape, diagnostics: Diagnostics) -> None:
    plugins = {plugin.plugin_id: plugin for plugin in shape.plan.plugins}
    for plugin_id in sorted(shape.droppable):
        plugin = plugins.get(plugin_id)
        if plugin is None:
            diagnostics.warning(
                "GR680",
                f"the plugin {plugin_id!r} may be dropped, and it is not there any more",
                path="targets.cloudformation.allowDrop",
                hint="take it out of allowDrop",
            )
        elif plugin.database.shared and plugin.schema is None:
            diagnostics.warning(
                "GR680",
                f"the plugin {plugin_id!r} may be dropped, but it shares the database {plugin.database.name!r}, which stays",
                path="targets.cloudformation.allowDrop",
                hint="take it out of allowDrop",
            )


def _check_moves(shape: Shape, diagnostics: Diagnostics) -> None:
    """GR685: a resource cannot become one of another shape; its deployment would be rolled back."""
    plugins = {plugin.plugin_id: plugin for plugin in shape.plan.plugins}
    engines = {server.name: server.engine for server in shape.plan.servers}
    for gone in shape.plan.retired:
        plugin = plugins.get(gone.owner)
        if plugin is None or gone.owner == gone.plugin_id or gone.stack is None or gone.returned or gone.dropped:
            continue
        is_elsewhere = plugin.server != gone.server and engines[plugin.server] == gone.engine
        now = (plugin.schema is None, plugin.database.shared, plugin.role.is_common)
        if not is_elsewhere and (engines[plugin.server], *now) != (
            gone.engine,
            gone.schema is None,
            gone.shared,
            gone.common,
        ):
            diagnostics.error(
                "GR685",
                f"the resource of plugin {gone.owner!r} is in the stack and cannot change its shape, so it cannot leave "
                f"{gone.plugin_id.partition(' (')[2][:-1]!r} in one deployment",
                path="plugins.moved",
                hint="first leave the plugin out (plugins.exclude) and deploy, which keeps what it has; then move it: "
                "docs/moving-data.md (CloudFormation)",
            )


def _check_ids(shape: Shape, diagnostics: Diagnostics) -> None:
    """GR678: two things with the same logical id."""
    owners: dict[str, list[str]] = defaultdict(list)
    for server in shape.plan.servers:
        owners[server_id(server.name, "Host")].append(f"the server {server.name!r}")
    for plugin in shape.plan.plugins:
        owners[shape.logical_id(plugin.plugin_id, "Database")].append(f"the plugin {plugin.plugin_id!r}")
    for database in shape.shared_databases:
        owners[shared_id(database, "Database")].append(f"the shared database {database.name!r}")
    for role in shape.shared_roles.values():
        owners[shared_id(role, "Role")].append(f"the shared role {role.name!r}")
    for logical, things in owners.items():
        if len(things) > 1:
            diagnostics.error(
                "GR678",
                f"{' and '.join(things)} would both have the logical id {logical!r}",
                path="backend.database.plugin",
                hint="rename one of them",
            )


def _ids(plugins: list[PluginPlan]) -> str:
    return ", ".join(plugin.plugin_id for plugin in plugins)


def _location(plugins: list[PluginPlan], *keys: str) -> Location | None:
    for plugin in plugins:
        if plugin.source is not None:
            for key in keys:
                if key in plugin.source.sources:
                    return plugin.source.sources[key]
    return None
