"""Plans of every shape the cloudformation target knows, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from terraform_plans import Wanted, make_plan, retired, server

from generator.settings.model import Adopted
from generator.targets.base import RenderContext
from generator.targets.cloudformation import TARGET

if TYPE_CHECKING:
    from generator.planning.model import Plan, Server
    from generator.targets.base import Artifact

Case = tuple["Plan", dict[str, Any]]


def context(plan: Plan, options: dict[str, Any] | None = None) -> RenderContext:
    """What the target is given for ``plan`` and its own settings."""
    return RenderContext(plan=plan, resolved={}, options=options or {})


def render(plan: Plan, **options: Any) -> list[Artifact]:
    """What the target makes of ``plan``."""
    return TARGET.render(context(plan, options))


def files(plan: Plan, **options: Any) -> dict[str, str]:
    """The rendered files by path, without the functions."""
    return {item.path: item.text for item in render(plan, **options) if not item.path.startswith("functions/")}


def on(kind: str, engine: str = "postgresql", name: str = "primary") -> Server:
    """A server of a kind."""
    return server(name)._replace(kind=kind, engine=engine)


def with_iam(plan: Plan) -> Plan:
    """``plan`` without passwords."""
    return plan._replace(
        credentials="iam",
        roles=tuple(role._replace(iam="rds") for role in plan.roles),
        plugins=tuple(plugin._replace(role=plugin.role._replace(iam="rds")) for plugin in plan.plugins),
    )


def in_stacks(plan: Plan, size: int) -> Plan:
    """``plan`` with ``size`` plugins in each stack."""
    return plan._replace(
        plugins=tuple(plugin._replace(stack=1 + number // size) for number, plugin in enumerate(plan.plugins))
    )


def shapes() -> dict[str, Case]:
    """A plan, and settings of the target, for each shape of output."""
    plain = [Wanted("auth"), Wanted("catalog"), Wanted("tech-insights")]
    schemas = [Wanted(item.plugin_id, database="backstage", schema=item.plugin_id.replace("-", "_")) for item in plain]
    both = [Wanted("search", role="both", database="both"), Wanted("techdocs", role="both", database="both")]
    group = [
        Wanted("search", database="group"),
        Wanted("techdocs", database="group"),
        Wanted("todo", database="group", role="two"),
        Wanted("x", database="group", role="two"),
    ]
    two_roles = [Wanted("search", role="shared"), Wanted("techdocs", role="shared")]
    mixed = make_plan(*plain, *group, Wanted("reports", server="reporting"))
    found: dict[str, Case] = {
        "databases": (make_plan(*plain), {}),
        "everything known": (make_plan(plain[0], servers=[server(host="db.example.com", port=5433)]), {}),
        "nothing known": (make_plan(plain[0], servers=[server(host=None, port=None)]), {}),
        "schemas": (make_plan(*schemas), {}),
        "several servers": (
            make_plan(*plain, Wanted("search", server="reporting"), servers=[server(), on("aws-rds", name="reporting")]),
            {},
        ),
        "a lone server with a name": (make_plan(Wanted("catalog", server="sql")), {}),
        "one role for two plugins": (make_plan(*plain, *two_roles), {}),
        "one database, one role": (make_plan(*plain, *both), {}),
        "one database, several roles": (make_plan(*plain, *group), {}),
        "retired": (make_plan(*plain, gone=[retired("old"), retired("x", role="backstage_auth")]), {}),
        "renamed": (make_plan(*schemas, renamed={"backstage": "portal", "catalog": "old_catalog"}), {}),
        "odd ids": (
            make_plan(Wanted("9lives"), Wanted("a_b"), Wanted("a-b"), Wanted("AB"), Wanted("a-1"), Wanted("a1")),
            {},
        ),
        "adopted": (
            make_plan(*plain)._replace(
                adopted=(Adopted("primary", databases=("backstage_plugin_auth",), roles=("backstage_catalog",)),)
            ),
            {},
        ),
        "dropped": (make_plan(*plain), {"allowDrop": ["catalog"]}),
        "tags": (make_plan(*plain)._replace(tags=(("cost-center", "12 34"), ("team", "portal + co"))), {}),
        "iam": (with_iam(make_plan(*plain)), {}),
        "iam, schemas": (with_iam(make_plan(*schemas)), {}),
        "iam, RDS": (with_iam(make_plan(*plain, servers=[on("aws-rds")])), {}),
        "several stacks": (in_stacks(make_plan(*plain, *group), 2), {}),
        "several stacks, servers and shapes": (in_stacks(mixed, 3), {}),
        "several stacks, RDS": (in_stacks(make_plan(*plain, servers=[on("aws-rds")]), 1), {}),
        "several stacks, iam": (in_stacks(with_iam(make_plan(*schemas)), 1), {}),
        "data API": (make_plan(*plain), {"dataApi": True}),
        "data API, Aurora, several stacks": (in_stacks(make_plan(*plain, servers=[on("aws-aurora")]), 1), {"dataApi": True}),
    }
    for kind in ("existing", "aws-rds", "aws-aurora"):
        for engine in ("postgresql", "mysql"):
            found[f"{kind}, {engine}"] = (make_plan(*plain, servers=[on(kind, engine)]), {})
    return found
