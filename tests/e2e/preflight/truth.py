"""One state of a server, looked at twice: by preflight, and by the real DatabaseManager with the catalog's migrations."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backstage_packages import OLDEST, PACKAGE, backend_defaults
from sql_plans import Want, make_plan

from generator.preflight.base_settings import read_base
from generator.preflight.options import PreflightOptions
from generator.preflight.preflight import run_preflight
from generator.preflight.probes import targets_from_map
from generator.run import steps

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.preflight.results import PreflightReport, PreflightResult

HERE = Path(__file__).parent
PASSWORD = "it's secret"


@dataclass
class State:
    """What app-config says in ``backend.database`` (both sides read it), and the plan behind it."""

    name: str
    plan: Plan
    settings: dict[str, Any]
    environ: dict[str, str] = field(default_factory=dict)
    probe: bool = False
    version: str = ""
    rbac: bool = False

    @property
    def text(self) -> str:
        """The app-config file of the state: JSON is YAML."""
        rbac = {"permission": {"rbac": {}}} if self.rbac else {}
        return json.dumps({"backend": {"database": self.settings}, **rbac})

    @property
    def plugin(self) -> str:
        """The plugin that is looked at."""
        return "permission" if self.rbac else "catalog"

    def preflight(self, folder: Path) -> PreflightResult:
        """Preflight's verdict on the plugin. The files are read as the command reads them."""
        return next(result for result in self.report(folder).results if result.plugin_id == self.plugin)

    def report(self, folder: Path, **options: Any) -> PreflightReport:
        """Preflight's verdict on all plugins."""
        path = folder / f"{re.sub('[^a-z0-9]', '-', self.name)}.yaml"
        path.write_text(self.text)
        version = self.version or backend_defaults(OLDEST)
        (folder / "greenroom.yaml").write_text(f"version: 1\nbackstage: {{backendDefaults: {version}}}\n")
        request = steps.Request(
            root=folder,
            config=[str(path)],
            plugins=[item.plugin_id for item in self.plan.plugins],
            placeholders="backstage",
            environ={**self.environ, **{role.live.delivery.env: "set" for role in self.plan.roles}},
        )
        project = steps.load(request)
        resolved = steps.resolve(project)
        targets = targets_from_map(resolved, self.plan, project.environ, read_base(project))
        return run_preflight(targets, PreflightOptions(**{"connect_timeout": 3, **options}))


def version_of(packages: Path) -> str:
    """The version of backend-defaults in ``packages``: what a state that is compared with it has to be told."""
    manifest = json.loads((packages / "node_modules" / PACKAGE / "package.json").read_text(encoding="utf-8"))
    return str(manifest["version"])


def backstage(packages: Path, states: list[State]) -> dict[str, dict[str, Any]]:
    """What the real Backstage does in each state, by the state's name."""
    cases = [
        {
            "database": state.settings,
            "plugin": state.plugin,
            "environment": state.environ,
            "probe": state.probe,
            "rbac": state.rbac,
        }
        for state in states
    ]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "NODE_"))}
    done = subprocess.run(
        ["node", HERE / "backstage.mjs", packages],
        input=json.dumps({"cases": cases}),
        env={**environ, "NODE_ENV": "production"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    results = json.loads(done.stdout.splitlines()[-1])["results"]
    return {state.name: result for state, result in zip(states, results, strict=True)}


def same_words(found: PreflightResult, theirs: dict[str, Any]) -> bool:
    """Whether preflight says what Backstage printed; ``…`` stands for whatever comes there."""
    check = next(item for item in found.failed if item.stops)
    said = check.backstage.split("startup failed; caused by ", 1)[-1]
    said = re.sub(r" \((?:nobody|this|or:) [^()]*\)$", "", said)
    pattern = ".*".join(re.escape(part) for part in said.split("…"))
    # Which file a key is in is told by greenroom in another way.
    printed = [
        " ".join(text.replace(" in 'mock-config'", "").split()) for text in (theirs["error"], theirs["crashed"]) if text
    ]
    return any(re.fullmatch(pattern, text, re.I) for text in printed)


def two_plugins(name: str, *, schema: bool = False, database: str | None = None, **fields: Any) -> Plan:
    """Catalog and search of one state, with names of their own: all states live on one server."""
    shared = f"{name} shared" if schema else None
    return make_plan(
        *(
            Want(
                plugin=plugin,
                database=shared or (database if plugin == "catalog" and database else f"{name} {plugin}"),
                role=f"{name} {plugin} user",
                schema=plugin if schema else None,
                env=f"PW_{plugin.upper()}",
                **fields,
            )
            for plugin in ("catalog", "search")
        )
    )


def settings_of(plan: Plan, host: str, port: int, client: str = "pg", **base: Any) -> dict[str, Any]:
    """``backend.database`` as the generated fragment has it: a user, a password and a database for each plugin."""
    plugins = {
        item.plugin_id: {
            "connection": {"user": item.role.live.name, "password": PASSWORD}
            | ({} if item.schema else {"database": item.database.name})
        }
        for item in plan.plugins
    }
    connection: dict[str, Any] = {"host": host, "port": port, "user": "nobody", "password": "no password"}
    if any(item.schema for item in plan.plugins):
        base = {"pluginDivisionMode": "schema", **base}
        connection["database"] = plan.plugins[0].database.name
    return {"client": client, "connection": connection, "ensureExists": False, "plugin": plugins, **base}


def changed(state: State, *, plugin: str = "catalog", **connection: Any) -> State:
    """The state with other values in the connection of one plugin; ``None`` takes a key away."""
    settings = json.loads(json.dumps(state.settings))
    target = settings["plugin"][plugin]["connection"]
    target.update(connection)
    for key in [key for key, value in target.items() if value is None]:
        del target[key]
    return replace(state, settings=settings)
