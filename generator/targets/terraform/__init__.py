"""The target ``terraform``: one module call per plugin, passwords that never reach state, nothing that drops data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.problems.paths import shown
from generator.targets.base import Artifact, Entrance, Target
from generator.targets.terraform.checks import check_plan
from generator.targets.terraform.engines import Engines
from generator.targets.terraform.escaping import FILTERS, identifier, string
from generator.targets.terraform.hcl import ProviderConfiguration, aligned
from generator.targets.terraform.imports import adopted_databases
from generator.targets.terraform.kinds import module_view
from generator.targets.terraform.logins import logins_of
from generator.targets.terraform.policy import POLICIES, policy_view
from generator.targets.terraform.providers import required_providers
from generator.targets.terraform.readme import readme_view
from generator.targets.terraform.servers import KINDS
from generator.targets.terraform.servers.base import folder
from generator.targets.terraform.shape import ENGINE
from generator.targets.terraform.stores import store_of
from generator.targets.terraform.stores.iam import Iam
from generator.targets.text.escaped import Escaped
from generator.targets.text.templates import render_template
from generator.targets.text.yaml import FILTERS as YAML_FILTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from generator.planning.model import Plan, Server
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.base import RenderContext
    from generator.targets.terraform.hcl import RequiredProvider, Variable
    from generator.targets.terraform.kinds import Kind
    from generator.targets.terraform.servers.base import ServerKind, ServerModule
    from generator.targets.terraform.stores.base import Store

_FOLDER: Final = "databases"


class TerraformTarget(Target):
    """The target ``terraform``."""

    def check(self, context: RenderContext, diagnostics: Diagnostics) -> None:
        """Report what Terraform cannot carry (GR61x)."""
        check_plan(context.plan, diagnostics)

    def render(self, context: RenderContext) -> list[Artifact]:
        """The root module ``databases/`` and the modules it calls, sorted by path.

        No artifact at all when nothing has to exist, or ever had to.
        """
        plan = context.plan
        if not plan.plugins and not plan.retired:
            return []
        store = store_of(plan)
        assert store is not None, "check() refuses it"
        engines = Engines(plan, store)
        files = _root(plan, store, engines)
        shows_owner = bool(adopted_databases(engines.shape(ENGINE)))
        for kind in sorted(engines.used, key=lambda kind: kind.folder):
            files |= _module(kind, store, shows_owner=shows_owner, strangers=engines.strangers(kind))
        found = {f"{_FOLDER}/{path}": text for path, text in files.items()} | _servers(plan)
        return [Artifact(path, found[path]) for path in sorted(found)]

    def way(self, folder: Path, files: Collection[Path]) -> str:
        """The root module of the databases; before it that of the server, where one is created."""
        server = folder / "server"
        first = f"Terraform in {shown(server)}, then " if any(server in path.parents for path in files) else ""
        return f"{first}Terraform in {shown(folder / 'databases')} (README.md has the variables)"

    def entrance(self, context: RenderContext, at: str, artifacts: list[Artifact]) -> Entrance | None:
        """The root modules: those that create servers, then the databases."""
        from generator.targets.terraform.entrance import commands

        plan, store = context.plan, store_of(context.plan)
        if not artifacts or store is None:
            return None
        roots: dict[str, Sequence[Variable]] = {folder(server): module.variables for server, module in _modules(plan)}
        roots[_FOLDER] = _variables(plan, store, Engines(plan, store))
        what = "one module call for each plugin" if len(roots) == 1 else "first what creates the servers, then the databases"
        return Entrance("platform engineers (Terraform)", what, tuple(commands(at, roots, plan.roles)))

    def read_back(self, artifacts: list[Artifact]) -> set[tuple[str, ...]]:
        """What the rendered configuration creates, from the module calls as an HCL parser reads them."""
        from generator.targets.terraform.readback import read_back

        return read_back(artifacts)

    def creates(self, plan: Plan) -> set[tuple[str, ...]]:
        """What is planned, and the locked logins of pairs that roles had before."""
        former = {("role", role.server, login.name) for role in plan.roles for login in logins_of(role)}
        return super().creates(plan) | former

    def check_beside(
        self, files: Mapping[Path, bytes], owned: Callable[[Path], bool], folder: Path, diagnostics: Diagnostics
    ) -> None:
        """Report what the user's own Terraform files declare that greenroom's declare too (GR64x)."""
        from generator.targets.terraform.neighbours.clashes import check_beside

        check_beside(files, owned, folder, diagnostics)

    def check_readable(self, folder: Path, diagnostics: Diagnostics) -> None:
        """Report the user's own Terraform files that cannot be read (GR642)."""
        from generator.targets.terraform.neighbours.clashes import check_readable

        check_readable(folder, diagnostics)


def _render(name: str, view: Mapping[str, Any]) -> str:
    return render_template("terraform", name, view, (*FILTERS, *YAML_FILTERS))


def _root(plan: Plan, store: Store, engines: Engines) -> dict[str, str]:
    header = ["What each plugin has, sorted by plugin id. Generated by greenroom: change app-config, not this file."]
    plugins = {"header": header, "moves": engines.moved_plugins(), "calls": engines.plugins()}
    files = {
        "README.md": _render("README.md.j2", readme_view(plan, store, engines)),
        "guard.tf": _render("guard.tf.j2", engines.guard()),
        "outputs.tf": _render("outputs.tf.j2", {"plugins": engines.outputs()}),
        "plugins.tf": _render("calls.tf.j2", plugins),
        "providers.tf": _render("providers.tf.j2", _providers(plan, store, engines)),
        "terraform.tf": _render("terraform.tf.j2", {"providers": _required(plan, store, engines)}),
        "variables.tf": _render("variables.tf.j2", {"variables": _variables(plan, store, engines)}),
    }
    files |= {file: _render(template, policy_view()) for file, template in POLICIES.items()}
    databases, roles = engines.databases(), engines.roles()
    if databases:
        header = ["Databases that are not the database of exactly one plugin. Generated by greenroom."]
        view = {"header": header, "moves": engines.moved_databases(), "calls": databases}
        files["databases.tf"] = _render("calls.tf.j2", view)
    if roles:
        header = ["Roles that several plugins use. Generated by greenroom."]
        files["roles.tf"] = _render("calls.tf.j2", {"header": header, "moves": engines.moved_roles(), "calls": roles})
    if logins := engines.logins():
        header = ["Logins that take turns (credentials.rotation: pair). Generated by greenroom."]
        files["logins.tf"] = _render("calls.tf.j2", {"header": header, "moves": engines.moved_logins(), "calls": logins})
    if extensions := engines.extensions():
        header = ["Extensions that the migrations of plugins create. Generated by greenroom."]
        view = {"header": header, "moves": engines.moved_extensions(), "calls": extensions}
        files["extensions.tf"] = _render("calls.tf.j2", view)
    if isinstance(store, Iam):
        view = store.view(list(plan.roles))
        files |= {file: _render(template, view) for file, template in store.files.items()}
    if there := engines.imports():
        files["imports.tf"] = _render("imports.tf.j2", there)
    if plan.plugins:
        files["tests/plan.tftest.hcl"] = _render("plan.tftest.hcl.j2", engines.tests())
    if plan.retired:
        files["retired.tf"] = _render("retired.tf.j2", engines.retired())
    return files


def _module(kind: Kind, store: Store, *, shows_owner: bool, strangers: tuple[str, ...]) -> dict[str, str]:
    view = module_view(kind, store, shows_owner=shows_owner, strangers=strangers)
    templates = {
        "main.tf": "modules/main.tf.j2",
        "outputs.tf": "modules/outputs.tf.j2",
        "terraform.tf": "terraform.tf.j2",
        "variables.tf": "variables.tf.j2",
    }
    return {f"modules/{kind.folder}/{file}": _render(template, view) for file, template in templates.items()}


def _servers(plan: Plan) -> dict[str, str]:
    """The root modules that create servers, by path."""
    found: dict[str, str] = {}
    for server, module in _modules(plan):
        view = module._asdict() | module.view | {"server_name": identifier(server.name), "folder": Escaped(folder(server))}
        view["about"] = Escaped(module.summary)
        view["variables"] = sorted(module.variables, key=lambda variable: variable.name)
        view["configurations"], view["ephemerals"] = [module.configuration], []
        templates = {
            "README.md": module.readme,
            "main.tf": "server/main.tf.j2",
            "outputs.tf": "server/outputs.tf.j2",
            "providers.tf": "providers.tf.j2",
            "terraform.tf": "terraform.tf.j2",
            "variables.tf": "variables.tf.j2",
        }
        found |= {f"{folder(server)}/{file}": _render(template, view) for file, template in templates.items()}
    return found


def _modules(plan: Plan) -> Iterator[tuple[Server, ServerModule]]:
    """The servers that are created, each with its root module."""
    for server in plan.servers:
        kind = _kind(plan, server)
        module = kind.module(server, plan) if server.engine in kind.engines else None
        if module is not None:
            yield server, module


def _kind(plan: Plan, server: Server) -> ServerKind:
    kind = KINDS[server.kind]
    return kind.without_passwords if plan.credentials == "iam" else kind


def _kinds(plan: Plan) -> list[ServerKind]:
    """The kinds of the servers Terraform works on."""
    return [_kind(plan, server) for server in plan.servers]


class _Providers(NamedTuple):
    """Further demands on providers."""

    providers: Sequence[RequiredProvider]


def _required(plan: Plan, store: Store, engines: Engines) -> list[RequiredProvider]:
    to_take_over = _Providers(store.to_take_over) if engines.takes_over else None
    return required_providers(engines, store, to_take_over, *_kinds(plan))


def _providers(plan: Plan, store: Store, engines: Engines) -> dict[str, Any]:
    found, ephemerals = [], []
    for server in plan.servers:
        alias = engines.shape(server.engine).aliases[server.name]
        arguments = {"alias": string(alias)} if alias else {}
        kind = _kind(plan, server)
        ephemerals += kind.ephemerals(server)
        found.append(
            ProviderConfiguration(
                name=identifier(server.engine),
                comment=f"Server {server.name}. The administrator is no superuser, and need not be one.",
                arguments=aligned(arguments | kind.provider_arguments(server)),
                blocks=kind.provider_blocks(server),
            )
        )
    own = store.configurations(plan.tags, takes_over=engines.takes_over)
    others = [*own, *(item for kind in _kinds(plan) for item in kind.configurations(plan.tags))]
    once = {configuration.name: configuration for configuration in reversed(others)}
    return {"ephemerals": ephemerals, "configurations": [*found, *(once[name] for name in sorted(once))]}


def _variables(plan: Plan, store: Store, engines: Engines) -> list[Variable]:
    found = [variable for server in plan.servers for variable in _kind(plan, server).variables(server)]
    found += [*store.variables(list(plan.roles)), *store.existing_variables(engines.kept)]
    found += [variable for kind in _kinds(plan) for variable in kind.shared_variables]
    return sorted({variable.name: variable for variable in reversed(found)}.values(), key=lambda variable: variable.name)


TARGET: Final = TerraformTarget()
