"""What the backend's code adds, beside what app-config says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.backstage.rbac import adapter_problem, client_problem
from generator.documents.values import ConfigMap
from generator.lint.model import WARNING, Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.backstage.repository import Discovery
    from generator.lint.model import Finding
    from generator.lint.subject import Subject

NOT_ADDED: Final = Rule(
    "GR080",
    "plugin-not-added",
    WARNING,
    "The backend adds no plugin with this id, so its settings are never read.",
    "backend-defaults: DatabaseManager.forPlugin(id); issues 34743, 28472",
)
RBAC: Final = Rule(
    "GR081",
    "rbac-own-connection",
    WARNING,
    "The community RBAC backend connects with the base user, not with the permission plugin's.",
    "community-plugins: rbac-backend (casbin TypeORM adapter); community-plugins issue 8951",
)
RULES: Final = (NOT_ADDED, RBAC)

_RBAC = "rbac-backend"


def check(subject: Subject) -> Iterator[Finding]:
    """The plugins in app-config against those in the code."""
    discovery = subject.project.discovery
    if discovery is None:
        return
    yield from _not_added(subject, discovery)
    yield from _rbac(subject, discovery)


def _not_added(subject: Subject, discovery: Discovery) -> Iterator[Finding]:
    lists = any(item.code in ("GR803", "GR810", "GR811") for item in discovery.diagnostics)
    if discovery.unknown or lists or not discovery.plugins:
        return  # the list may be incomplete
    asked = {*subject.project.request.plugins, *subject.project.settings.include}
    reported = {item.path for item in subject.project.diagnostics if item.code == "GR204"}
    plugins = subject.database.get("plugin")
    if not isinstance(plugins, ConfigMap):
        return
    for name in plugins:
        if name in discovery.plugins or name in asked or f"backend.database.plugin.{name}" in reported:
            continue
        import difflib

        near = difflib.get_close_matches(name, discovery.plugins, 1, 0.75)
        yield found(
            NOT_ADDED,
            f"the backend adds no plugin {name!r}",
            plugins.locate_key(name),
            path=f"backend.database.plugin.{name}",
            backstage="never reads these settings",
            hint=f"did you mean {near[0]!r}?" if near else f"the backend adds: {', '.join(sorted(discovery.plugins))}",
        )


def _rbac(subject: Subject, discovery: Discovery) -> Iterator[Finding]:
    added = discovery.plugins.get("permission")
    resolved = subject.resolved.get("permission")
    if added is None or resolved is None or resolved.error:
        return
    if not any(_RBAC in (name or "") for name in (added.package, *added.modules)):
        return
    problem = client_problem(resolved, subject.database)
    if problem is None and resolved.engine == "postgresql":
        problem = adapter_problem(subject.database)
    if problem is not None:
        yield found(
            RBAC,
            "the RBAC backend opens a connection of its own, and cannot with this base connection",
            problem.location,
            path=problem.path,
            backstage=f"fails to start the plugin 'permission': {problem.message}",
            hint=problem.hint,
        )
        return
    if resolved.engine != "postgresql":
        return
    base = subject.base_connection
    own = [key for key in ("host", "user", "password") if resolved.own_connection.get(key) not in (None, "", base.get(key))]
    if not own and base.get("user"):
        return
    what = f"the permission plugin's {', '.join(own)}" if own else "a user"
    yield found(
        RBAC,
        f"the RBAC backend does not use {what}: it opens a connection of its own with the base host, user and password",
        resolved.sources.get("connection.user") or resolved.sources.get("connection"),
        path="backend.database.plugin.permission.connection",
        backstage="fails to start RBAC when the base user cannot connect to the permission plugin's database",
        hint="give the base connection the permission plugin's user and password, as the generated fragment does",
    )
