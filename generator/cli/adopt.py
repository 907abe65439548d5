"""``greenroom adopt``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, make_request, one_environment
from generator.cli.output import say, say_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.adopt.assessment import Assessment, Standing
    from generator.adopt.connection import AdminOptions
    from generator.planning.history import Past
    from generator.planning.model import Plan, Server
    from generator.run.steps import Planned, Project


@click.command("adopt")
@common_options
@click.option("--server", "only", multiple=True, metavar="NAME", help="Only this server of the plan. Repeatable.")
@click.option("--host", metavar="HOST", help="Where to connect instead of app-config's host, such as a tunnel's end.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port there.")
@click.option("--user", metavar="ROLE", help="Who connects. [default: the base connection's user]")
@click.option("--database", metavar="NAME", help="The database to connect to first. [default: postgres]")
@click.option(
    "--administrator",
    metavar="ROLE",
    help="The role Terraform or CloudFormation will work as. [default: the one that connects]",
)
@click.option("--timeout", type=click.IntRange(1, 3600), default=15, show_default=True, help="Seconds for a connection.")
@click.option(
    "--secrets/--no-secrets",
    default=None,
    help="The store has the password of every role that exists: Terraform keeps it. [default: as the file says]",
)
@click.option("--write", is_flag=True, help="Write greenroom.adopt.yaml and the scripts beside greenroom.yaml.")
def command(
    *,
    output_format: str,
    quiet: bool,
    verbose: bool,
    only: tuple[str, ...],
    host: str | None,
    port: int | None,
    user: str | None,
    database: str | None,
    administrator: str | None,
    timeout: int,
    secrets: bool | None,
    write: bool,
    **options: Any,
) -> int:
    """Show what a live server already has of the plan, so that it is adopted instead of created.

    Reads a server that is in use as an administrator, and changes nothing on it. The result is greenroom.adopt.yaml
    (NAME.adopt.yaml for a settings file NAME.yaml), from which `generate` makes Terraform's import blocks and
    CloudFormation's adopt flags, and SQL scripts with what to fix before and after the first apply. The password comes from
    app-config or GREENROOM_ADMIN_PASSWORD. After a lost Terraform state, run it with --secrets.
    """
    from generator.adopt.connection import AdminOptions
    from generator.adopt.document import to_json
    from generator.cli.output import show_diagnostics, show_json
    from generator.run import steps
    from generator.stores.names import makes_secrets

    project = steps.load(one_environment(make_request(**options)))
    planned = steps.plan(project, steps.resolve(project))
    plan, as_of = planned.plan, _as_of(planned.past)
    if secrets and (not makes_secrets(plan.store) or plan.credentials == "iam"):
        raise click.UsageError("--secrets: there is no store of passwords (credentials.store, credentials.mode)")
    wanted = _chosen(project, plan, only)
    if len(wanted) > 1 and (host or port):
        raise click.UsageError("--host and --port are about one server: name it with --server")
    unseen = [server.name for server in plan.servers if server not in wanted]
    admin = AdminOptions(host, port, user, database)
    assessments = []
    for server in wanted:
        found = _look(project, planned, server, admin, administrator, timeout, _listed(project, server, secrets))
        if found is not None:
            assessments.append(found)
    failed = len(assessments) < len(wanted) or project.diagnostics.has_errors
    if output_format == "json":
        written = _write(project, assessments, unseen, as_of) if write and not failed else []
        show_json(
            {
                "servers": {item.server: to_json(item, _list(project).stem) for item in assessments},
                "written": list(written),
                "diagnostics": [item.to_json() for item in project.diagnostics],
            }
        )
        return 1 if failed else 0
    _show(assessments, _list(project).stem)
    show_diagnostics(project.diagnostics, quiet=quiet, together=True)
    if failed:
        return 1
    if write:
        for path in _write(project, assessments, unseen, as_of):
            say(f"written: {path}", err=True)
    elif not quiet:
        name = _list(project).name
        say(f"nothing was written; with --write this becomes {name} and the scripts beside it", err=True)
    return 0


def _as_of(past: Past) -> str | None:
    """Which lock file the list was made beside, where that matters: plugins that were away may have left other names."""
    lock = past.lock
    away = lock is not None and (bool(lock.retired) or any(plugin.returned for plugin in lock.plugins.values()))
    return past.digest if away else None


def _chosen(project: Project, plan: Plan, only: tuple[str, ...]) -> list[Server]:
    """The servers of the plan that ``--server`` names, or all.

    Raises:
        GreenroomError: there is none at all.
        click.BadParameter: there is none of that name.
    """
    from generator.problems.diagnostic import GreenroomError

    names = [server.name for server in plan.servers]
    if not names:
        project.diagnostics.error(
            "GR774",
            "no plugin is on a PostgreSQL or MySQL server: there is nothing to adopt",
            path="backend.database",
            hint="name production's files with --config, in Backstage's order",
        )
        raise GreenroomError(project.diagnostics)
    for name in only:
        if name not in names:
            known = ", ".join(names)
            raise click.BadParameter(f"there is no server {name!r} in the plan; there is {known}", param_hint="--server")
    return [server for server in plan.servers if not only or server.name in only]


def _list(project: Project) -> Path:
    """The file that says what the servers have."""
    from generator.settings.adopted import adopt_path

    settings = project.settings
    return adopt_path(Path(settings.path) if settings.path else None, settings.folder, settings.one_of_several)


def _stored(project: Project) -> Mapping[str, Any]:
    """What that file says now."""
    from generator.settings.adopted import stored_adoptions

    settings = project.settings
    path = Path(settings.path) if settings.path else None
    return stored_adoptions(path, settings.folder, project.diagnostics, settings.one_of_several)


def _listed(project: Project, server: Server, secrets: bool | None) -> Mapping[str, int] | None:
    """The roles whose secret the store has, as far as ``--secrets`` says so; ``None``: of all that exist."""
    if secrets is None:
        stored: Mapping[str, int] = (_stored(project).get(server.name) or {}).get("secrets") or {}
        return stored
    return None if secrets else {}


def _look(
    project: Project,
    planned: Planned,
    server: Server,
    options: AdminOptions,
    administrator: str | None,
    timeout: int,
    secrets: Mapping[str, int] | None,
) -> Assessment | None:
    from generator.adopt.assess import assess
    from generator.adopt.connection import admin_connection
    from generator.adopt.server import read_server
    from generator.run.here import in_this_environment

    plan = planned.plan
    here, environ = in_this_environment(project, plan)
    connection = admin_connection(here, server, options, environ, project.diagnostics)
    if connection is None:
        return None
    state = read_server(
        plan,
        server,
        connection,
        administrator=administrator,
        environ=environ,
        timeout=timeout,
        diagnostics=project.diagnostics,
    )
    if state is None:
        return None
    freed = project.settings.renames_applied.keys()
    return assess(plan, server, state, project.diagnostics, secrets=secrets, previous=planned.past.lock, freed=freed)


def _show(assessments: Sequence[Assessment], base: str) -> None:
    from generator.adopt.document import yaml_text
    from generator.adopt.scripts import scripts
    from generator.cli.output import show_table

    rows = [row for item in assessments for row in _rows(item)]
    if rows:
        show_table(("server", "what", "name", "state"), rows)
    for item in assessments:
        for where, value in (("app-config", item.keep.app_config), ("greenroom.yaml", item.keep.settings)):
            if value:
                say("")
                say(f"To keep the names there are on server {item.server}, write into {where}:")
                say("")
                say_text("    " + yaml_text(value).rstrip().replace("\n", "\n    ") + "\n")
        for name, text in scripts(item, base).items():
            statements = sum(line.startswith(("ALTER", "GRANT", ":hand_over", ":take_over")) for line in text.splitlines())
            say("")
            say(f"{name}: {statements} statement{'' if statements == 1 else 's'}")


def _rows(item: Assessment) -> list[tuple[str, str, str, str]]:
    rows = []
    for state, names in (("there: adopted", item.adopted), ("missing: will be made", item.missing)):
        rows += [(item.server, "database", name, state) for name in names.databases]
        rows += [(item.server, "schema", f"{base}.{name}", state) for base, name in names.schemas]
        rows += [(item.server, "role", name, state) for name in names.roles]
        rows += [(item.server, "secret of role", name, f"kept: password_version {kept}") for name, kept in names.secrets]
    rows += [(item.server, "rotation of", pair.role, _said(pair)) for pair in item.standings if pair.here]
    for stranger in item.strangers:
        like = f", looks like plugin {stranger.plugin}" if stranger.plugin else ""
        rows.append((item.server, "database", stranger.name, f"not planned{like}"))
    return rows


def _said(pair: Standing) -> str:
    return f"{pair.state}: {' and '.join(pair.here)} may log in, {pair.live} is live by the lock file"


def _write(project: Project, assessments: Sequence[Assessment], unseen: Sequence[str], as_of: str | None) -> list[str]:
    """Write the list and the scripts; what was there and is not ours, or of ``unseen`` servers, stays.

    Raises:
        GreenroomError: a file of these names is somebody else's, or cannot be written.
    """
    from generator.adopt.document import files, is_ours, leftovers
    from generator.output.write.tree import write_tree

    path = _list(project)
    wanted = files(assessments, path, _stored(project), as_of)
    done = write_tree(wanted, leftovers(path, wanted, unseen), owned=is_ours, folder=path.parent)
    return [os.path.relpath(path) for path in (*done.written, *done.unchanged)]
