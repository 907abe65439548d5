"""The whole way on a throw-away PostgreSQL: generate, apply as a restricted admin, log in as every plugin."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_server
from generator.output.write.tree import write_tree
from generator.package_data import data_folder
from generator.preflight.preflight import run_preflight
from generator.preflight.probes import targets_from_map
from generator.problems.diagnostic import Diagnostic, GreenroomError, Severity
from generator.run import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer
    from generator.output.rendering import Rendering
    from generator.preflight.results import PreflightReport

ADMIN: Final = "backstage_admin"
EXAMPLE: Final = "quickstart"


def run_demo(out: Path, say: Callable[[str], None]) -> PreflightReport:
    """Generate from the quickstart example into ``out``, apply it to a server that is gone afterwards, and prove it.

    ``say`` gets one line for each step. The artifacts stay in ``out``.

    Raises:
        GreenroomError: a step failed; the server is stopped all the same.
    """
    # As in a pipeline: where files are generated, the environment Backstage will run in is not there.
    request = steps.Request(root=data_folder("examples") / EXAMPLE, out=out, environ={})
    project = steps.load(request)
    rendering = _generate(project)
    layout = project.layout
    write_tree(rendering.files, rendering.delete, owned=rendering.owned, folder=layout.base, lock=layout.lock)
    say(f"generated {len(rendering.files)} files for {len(rendering.plan.plugins)} plugins in {out}")
    for plugin_id in rendering.plan.not_provisioned:
        say(f"{plugin_id} is on SQLite: nothing has to exist for it")
    with embedded_server() as server:
        say(f"started PostgreSQL on {server.host}:{server.port}")
        admin_password = secrets.token_urlsafe(24)
        server.create_admin(ADMIN, admin_password)
        passwords = {role.delivery.env: secrets.token_urlsafe(24) for role in rendering.plan.roles}
        _apply(rendering, server, admin_password, passwords)
        say(f"applied the SQL as {ADMIN}: CREATEROLE and CREATEDB, not a superuser")
        say("logging in as every plugin")
        return _prove(request, server, passwords)


def _generate(project: steps.Project) -> Rendering:
    resolved = steps.resolve(project)
    return steps.render(project, resolved, steps.plan(project, resolved))


def _apply(rendering: Rendering, server: EmbeddedServer, admin_password: str, passwords: Mapping[str, str]) -> None:
    for script in sorted(path for path in rendering.files if path.suffix == ".sql"):
        result = apply_script(
            script,
            host=server.host,
            port=server.port,
            user=ADMIN,
            password=admin_password,
            env=passwords,
            psql=server.bin_dir / "psql",
        )
        if not result.ok:
            said = "; ".join(line.strip() for line in result.stderr.splitlines() if line.strip())
            raise GreenroomError([Diagnostic("GR706", Severity.ERROR, f"psql stopped {script}: {said}")])


def _prove(request: steps.Request, server: EmbeddedServer, passwords: Mapping[str, str]) -> PreflightReport:
    """What Backstage would see at start: its configuration, and the environment its operators give it."""
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **passwords,
        "POSTGRES_HOST": server.host,
        "POSTGRES_PORT": str(server.port),
        # Nobody logs in with the base connection any more: every plugin has a user of its own.
        "POSTGRES_USER": "nobody",
        "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
    }
    running = steps.load(request._replace(environ=environ, placeholders="backstage"))
    project = steps.with_fragment(running)
    resolved = steps.resolve(project)
    return run_preflight(targets_from_map(resolved, steps.plan_afresh(project, resolved), environ))
