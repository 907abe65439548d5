"""Passwords that Terraform makes: the real providers of Vault and Kubernetes, and a real PostgreSQL."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest
from store_stand_ins import KubernetesStandIn, StandIn, VaultStandIn, serving
from terraform_plans import Wanted, in_store, make_plan, render

from generator.stores.names import secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from terraform_workspace import Workspace

    from generator.planning.model import Plan

SEED = "3f0c2f9a-throw-away-seed-of-the-tests-8d1e"
STORES = {"vault": VaultStandIn, "kubernetes": KubernetesStandIn}
PLUGINS = ("auth", "catalog")


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, mirror: Path) -> str:
    """A store whose provider is there."""
    name = str(request.param)
    if not (mirror / "registry.terraform.io" / "hashicorp" / name).is_dir():
        pytest.skip(f"the provider hashicorp/{name} is not in {mirror.name}")
    return name


@pytest.fixture
def stand_in(store: str) -> Iterator[StandIn]:
    """What the provider of the store talks to."""
    with ExitStack() as stack:
        yield stack.enter_context(serving(STORES[store]()))


@pytest.fixture
def prepared(workspace: Workspace, store: str, stand_in: StandIn) -> Workspace:
    """A workspace with the way to the store."""
    if store == "vault":
        workspace.extra = {
            "VAULT_ADDR": stand_in.url,
            "VAULT_TOKEN": "throw-away",
            "TERRAFORM_VAULT_SKIP_CHILD_TOKEN": "true",
        }
        workspace.extra |= {"TF_VAR_vault_mount": "kv"}
        return workspace
    config = workspace.folder / "kubeconfig"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        f"clusters: [{{name: c, cluster: {{server: '{stand_in.url}'}}}}]\nusers: [{{name: c, user: {{}}}}]\n"
        "contexts: [{name: c, context: {cluster: c, user: c}}]\n"
    )
    workspace.extra = {"TF_VAR_kubernetes_config_path": str(config), "TF_VAR_kubernetes_namespace": "portal"}
    workspace.extra |= {"TF_VAR_password_seed": SEED}
    return workspace


def plan_for(store: str, **versions: int) -> Plan:
    plan = make_plan(*map(Wanted, PLUGINS))
    roles = tuple(role._replace(password_version=versions.get(role.plugins[0], 1)) for role in plan.roles)
    by_name = {role.name: role for role in roles}
    plugins = tuple(plugin._replace(role=by_name[plugin.role.name]) for plugin in plan.plugins)
    return in_store(plan._replace(roles=roles, plugins=plugins), store)


def passwords(store: str, stand_in: StandIn) -> dict[str, str]:
    """What the store has for each plugin."""
    return {
        plugin: stand_in.password(secret_name(f"backstage/production/database/{plugin}", store=store)) for plugin in PLUGINS
    }


def apply(workspace: Workspace, store: str, stand_in: StandIn, **versions: int) -> dict[str, str]:
    """Apply; afterwards there is nothing to do, every plugin gets in with what the store has, and no secret is anywhere."""
    workspace.write(render(plan_for(store, **versions)))
    workspace.apply()
    found = passwords(store, stand_in)
    assert all(len(password) >= 32 for password in found.values())
    assert len(set(found.values())) == len(found)
    workspace.assert_nothing_to_do()
    for plugin, password in found.items():
        workspace.connect(f"backstage_{plugin}", password, f"backstage_plugin_{plugin}").close()
    workspace.passwords = {**found, "seed": SEED}
    workspace.assert_no_secret()
    assert stand_in.unknown == []
    return found


def test_from_nothing_and_a_new_password_for_one(prepared: Workspace, store: str, stand_in: StandIn) -> None:
    before = apply(prepared, store, stand_in)
    after = apply(prepared, store, stand_in, catalog=2)
    assert after["auth"] == before["auth"]
    assert after["catalog"] != before["catalog"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        prepared.connect("backstage_catalog", before["catalog"], "backstage_plugin_catalog")


def execute(workspace: Workspace, statement: str) -> None:
    """Do something on the server as its superuser."""
    with psycopg.connect(workspace.servers["primary"].dsn("postgres"), autocommit=True) as connection:
        connection.execute(statement)


def test_an_apply_that_stops_between_store_and_role(prepared: Workspace, store: str, stand_in: StandIn) -> None:
    """Somebody else's role has the name: the secret is written, the role is not. The next apply gives it that password."""
    execute(prepared, "CREATE ROLE backstage_catalog")
    prepared.write(render(plan_for(store)))
    said = prepared.run("apply", "-input=false", "-auto-approve", status=(1,))
    assert "already exists" in said
    written = passwords(store, stand_in)
    execute(prepared, "DROP ROLE backstage_catalog")
    assert apply(prepared, store, stand_in) == written


def test_a_secret_that_somebody_deleted(prepared: Workspace, store: str, stand_in: StandIn) -> None:
    before = apply(prepared, store, stand_in)
    gone = secret_name("backstage/production/database/catalog", store=store)
    (stand_in.versions if isinstance(stand_in, VaultStandIn) else stand_in.secrets).pop(gone)  # type: ignore[attr-defined]
    # In Kubernetes the new Secret has the same password; Vault gets a new one, and the role with the next version.
    after = apply(prepared, store, stand_in, **({"catalog": 2} if store == "vault" else {}))
    assert after["auth"] == before["auth"]
    assert (after["catalog"] == before["catalog"]) == (store == "kubernetes")


def test_another_store(prepared: Workspace, store: str, stand_in: StandIn) -> None:
    """From passwords of one's own to a store and back: roles get what is there now, although no version grew."""
    plan = make_plan(*map(Wanted, PLUGINS))
    prepared.passwords = {plugin: f"{plugin}-from-a-variable" for plugin in PLUGINS}
    own = dict(prepared.passwords)
    prepared.write(render(plan))
    prepared.apply()
    apply(prepared, store, stand_in)
    prepared.passwords = own
    prepared.write(render(plan))
    if store == "kubernetes":  # what was there goes, by way of a provider that is not generated any more
        config = prepared.extra["TF_VAR_kubernetes_config_path"]
        (prepared.root / "leaving.tf").write_text(f'provider "kubernetes" {{\n  config_path = "{config}"\n}}\n')
        prepared.run("init", "-input=false")
    prepared.apply()
    for plugin in PLUGINS:
        prepared.connect(f"backstage_{plugin}", own[plugin], f"backstage_plugin_{plugin}").close()


def test_another_name_of_a_secret(prepared: Workspace, store: str, stand_in: StandIn) -> None:
    apply(prepared, store, stand_in)
    name = secret_name("portal/catalog", store=store)
    plan = plan_for(store)
    roles = {role.name: role._replace(secret_name=name) if "catalog" in role.plugins else role for role in plan.roles}
    plugins = tuple(plugin._replace(role=roles[plugin.role.name]) for plugin in plan.plugins)
    prepared.write(render(plan._replace(roles=tuple(roles.values()), plugins=plugins)))
    prepared.apply()
    prepared.assert_nothing_to_do()
    prepared.connect("backstage_catalog", stand_in.password(name), "backstage_plugin_catalog").close()
