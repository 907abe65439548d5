"""``greenroom rotate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, make_request, one_environment, same_command
from generator.cli.output import say
from generator.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.adopt.connection import AdminOptions
    from generator.output.rendering import Rendering
    from generator.planning.model import Role
    from generator.run.rotation import Step
    from generator.run.steps import Planned, Project

UNFINISHED = 3
_NOTHING = "nothing has been generated yet, so there is no password to rotate", "run `greenroom generate`, and apply it"


@click.command("rotate")
@click.argument("ids", nargs=-1, metavar="[PLUGIN]...")
@common_options
@click.option("--target", "targets", multiple=True, type=click.Choice(sorted(TARGETS)), help="As for generate. Repeatable.")
@click.option(
    "--out", type=click.Path(path_type=Path, readable=False), metavar="DIR", help="As for generate. [default: infra]"
)
@click.option("--templates", type=click.Path(path_type=Path, readable=False), metavar="DIR", help="As for generate.")
@click.option("--retire", is_flag=True, help="After the rollout: lock the logins that were live before.")
@click.option("--now", is_flag=True, help="A password has leaked: rotate, and lock every login there was at once.")
@click.option(
    "--check",
    "--status",
    "check",
    is_flag=True,
    help="Write nothing; say where each rotation is. Exit code 3 if unfinished.",
)
@click.option("--offline", is_flag=True, help="With --retire: do not ask the server whether the logins are in use.")
@click.option("--host", metavar="HOST", help="With --retire: where to connect instead of app-config's host.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port there.")
@click.option("--user", metavar="ROLE", help="Who connects. [default: the base connection's user]")
@click.option("--database", metavar="NAME", help="The database to connect to. [default: postgres]")
@click.option("--timeout", type=click.IntRange(1, 3600), default=15, show_default=True, help="Seconds for a connection.")
def command(
    *,
    ids: tuple[str, ...],
    output_format: str,
    quiet: bool,
    verbose: bool,
    retire: bool,
    now: bool,
    check: bool,
    offline: bool,
    host: str | None,
    port: int | None,
    user: str | None,
    database: str | None,
    timeout: int,
    **options: Any,
) -> int:
    """Change the passwords of plugins (all of them, if none is named) without an outage.

    With credentials.rotation: pair, two logins act as each plugin's role. A rotation gives the one that is not in use a new
    password and names it in the fragment: apply, roll out, then run it again with --retire and apply that. Writes what
    generate writes, and the lock file knows where a rotation stands. --retire refuses while the server has sessions of a
    login that is to be locked; the password of who asks comes from app-config or GREENROOM_ADMIN_PASSWORD.
    """
    from generator.adopt.connection import AdminOptions
    from generator.problems.diagnostic import GreenroomError, Location
    from generator.problems.paths import shown
    from generator.run import steps
    from generator.run.rotation import choose, report_unknown, standings

    asked = {"--offline": offline, "--host": host, "--port": port, "--user": user, "--database": database}.items()
    if retire + now + check > 1:
        raise click.UsageError("--retire, --now and --check are different steps: name one")
    if not retire and (given := [name for name, value in asked if value]):
        raise click.UsageError(f"{' and '.join(given)}: only --retire asks a server")
    project = steps.load(one_environment(make_request(**options)))
    resolved = steps.resolve(project)
    planned = steps.plan(project, resolved)
    for item in [item for item in project.diagnostics if item.code == "GR657"]:
        del project.diagnostics.items[item]  # this command says it in its own way
    step: Step = "retire" if retire else "now" if now else "rotate"
    if check:
        report_unknown(project, planned.plan, ids)
        if planned.past.lock is None:
            project.diagnostics.error("GR649", _NOTHING[0], Location(shown(project.layout.lock)), hint=_NOTHING[1])
        if project.diagnostics.has_errors:
            raise GreenroomError(project.diagnostics)
        roles = [role for role in planned.plan.roles if not ids or set(ids) & set(role.plugins)]
        _show_standings(project, roles, as_json=output_format == "json", quiet=quiet)
        return UNFINISHED if any(item.leaving for item in standings(roles)) else 0
    roles = choose(project, planned.plan, ids, step)
    rendering = steps.render(project, resolved, planned)
    _refuse_stale(project, rendering)
    if project.diagnostics.has_errors:
        raise GreenroomError(project.diagnostics)
    roles = [role for role in roles if role.leaving] if retire else roles
    if retire and roles:
        _look(project, planned, roles, AdminOptions(host, port, user, database), timeout, offline=offline)
    rendering = _write(project, resolved, planned, roles, step)
    _show(project, planned, rendering, roles, step, as_json=output_format == "json", quiet=quiet)
    return 0


def _refuse_stale(project: Project, rendering: Rendering) -> None:
    """A rotation changes logins and nothing else: whatever else would change has to be generated first (GR649)."""
    from generator.output.write.unfinished import is_unfinished, read_unfinished
    from generator.problems.diagnostic import Location
    from generator.problems.paths import shown
    from generator.report.build import edited_files

    # What a rotation that was killed has written already, the same one writes again.
    unfinished = read_unfinished(rendering.layout.base)
    if all(is_unfinished(path, unfinished) for path in rendering.changed):
        return
    edited = edited_files(rendering)
    if rendering.past.lock is None:
        what, hint = _NOTHING
    elif edited:
        what = f"{', '.join(edited)}: not as greenroom wrote it, and a rotation would overwrite it"
        hint = "`greenroom generate --diff` shows the difference; `greenroom generate` writes it anew"
    else:
        listed = ", ".join(shown(path) for path in rendering.changed)
        what = f"besides the rotation {listed} would change: app-config or the settings ask for more"
        hint = "run `greenroom generate`, apply it, and then rotate"
    project.diagnostics.error("GR649", what, Location(shown(rendering.layout.lock)), hint=hint)


def _write(project: Project, resolved: Any, planned: Planned, roles: Sequence[Role], step: Step) -> Rendering:
    """Take the step and write everything.

    Raises:
        GreenroomError: the files cannot be rendered or written.
    """
    from generator.output.write.rendered import write_rendering
    from generator.run import steps
    from generator.run.rotation import turned

    after = planned._replace(plan=turned(planned.plan, roles, step))
    rendering = steps.render(project, resolved, after)
    _ = rendering.changed  # as compared with what is on disk before anything is written
    write_rendering(rendering)
    return rendering


def _look(
    project: Project, planned: Planned, roles: Sequence[Role], options: AdminOptions, timeout: int, *, offline: bool
) -> None:
    """Ask the servers whether what is to be locked is in use.

    Raises:
        GreenroomError: it is, a server is not where the lock file is, or one cannot be asked.
    """
    from generator.adopt.retirement import check_server, say_offline
    from generator.problems.diagnostic import GreenroomError
    from generator.run.here import in_this_environment

    if offline:
        say_offline(roles, project.diagnostics)
        return
    here, environ = in_this_environment(project, planned.plan)
    servers = {role.server for role in roles}
    if len(servers) > 1 and (options.host or options.port):
        raise click.UsageError("--host and --port are about one server: name plugins of that one")
    for server in here.servers:
        if server.name in servers:
            mine = [role for role in roles if role.server == server.name]
            again = same_command(without=("offline",))
            check_server(here, server, mine, options, environ, timeout, project.diagnostics, f"{again} --offline")
    if project.diagnostics.has_errors:
        raise GreenroomError(project.diagnostics)


# --- what is printed ------------------------------------------------------------------------------------------------------


def _show_standings(project: Project, roles: Sequence[Role], *, as_json: bool, quiet: bool) -> None:
    from generator.cli.output import show_diagnostics, show_json, show_table
    from generator.run.rotation import standings

    found = standings(roles)
    if as_json:
        diagnostics = [item.to_json() for item in project.diagnostics]
        show_json({"rotations": [item.to_json() for item in found], "diagnostics": diagnostics})
        return
    rows = [
        (", ".join(item.plugins), item.role, item.live, str(item.version), ", ".join(item.leaving) or "-", item.state)
        for item in found
    ]
    show_table(("plugin", "role", "live login", "version", "may log in too", "rotation"), rows)
    show_diagnostics(project.diagnostics, quiet=quiet)


def _show(
    project: Project,
    planned: Planned,
    rendering: Rendering,
    roles: Sequence[Role],
    step: Step,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from generator.cli.output import show_diagnostics, show_json
    from generator.report.next_steps import next_steps
    from generator.run.rotation import next_of, said_of, standings

    names = {(role.server, role.name) for role in roles}
    after = [role for role in rendering.plan.roles if (role.server, role.name) in names]
    found = said_of(step, roles, project.diagnostics)
    if as_json:
        show_json(
            {
                "step": step,
                "rotations": [item.to_json() for item in standings(after)],
                "changedFiles": [path.as_posix() for path in rendering.changed],
                "written": bool(rendering.changed),
                "diagnostics": [item.to_json() for item in found],
            }
        )
        return
    for change in rendering.changes:
        say(change.line)
    show_diagnostics(found, quiet=quiet)
    if quiet or not roles:
        return
    count = len(rendering.changed)
    say(f"{count} file{'' if count == 1 else 's'} written to {rendering.layout.base.as_posix()}", err=True)
    again = same_command(without=("now", "retire"))
    for line in next_of(project, after, step, next_steps(project, rendering), f"{again} --retire"):
        say(f"next: {line}", err=True)
