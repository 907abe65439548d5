"""Secrets that exist, secrets under another name, and a state that is lost: whatever happens, every role's password is the
one in the store. Real Terraform and real providers on real servers; Vault and Kubernetes are stand-ins."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from portal import Portal
from store_stand_ins import KubernetesStandIn, StandIn, VaultStandIn, serving
from terraform_workspace import ADMIN, ADMIN_PASSWORD

from generator.stores.names import secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

SEED = "3f0c2f9a-throw-away-seed-of-the-tests-8d1e"
PLUGINS = ("auth", "catalog")
MODES: dict[str, dict[str, Any]] = {
    "database": {},
    "schema": {"pluginDivisionMode": "schema", "connection": {"database": "portal"}},
}


class StorePortal(Portal):
    """A portal whose passwords are in ``store``: ``stand_in``, or nowhere (``variables``)."""

    def __init__(
        self, folder: Path, mirror: Path, server: EmbeddedServer, program: str, store: str, stand_in: StandIn | None
    ) -> None:
        super().__init__(folder, mirror, server, program, folder)
        self.store, self.stand_in = store, stand_in
        if isinstance(stand_in, VaultStandIn):
            self.terraform.extra = {
                "VAULT_ADDR": stand_in.url,
                "VAULT_TOKEN": "throw-away",
                "TERRAFORM_VAULT_SKIP_CHILD_TOKEN": "true",
                "TF_VAR_vault_mount": "kv",
            }
        elif isinstance(stand_in, KubernetesStandIn):
            config = folder / "kubeconfig"
            config.write_text(
                "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                f"clusters: [{{name: c, cluster: {{server: '{stand_in.url}'}}}}]\nusers: [{{name: c, user: {{}}}}]\n"
                "contexts: [{name: c, context: {cluster: c, user: c}}]\n"
            )
            self.terraform.extra = {
                "TF_VAR_kubernetes_config_path": str(config),
                "TF_VAR_kubernetes_namespace": "portal",
                "TF_VAR_password_seed": SEED,
            }

    def settings(self, credentials: str = "", more: str = "") -> str:
        return f"credentials: {{store: {self.store}{credentials and ', '}{credentials}}}\n{more}"

    def planned(self, plugin: str) -> dict[str, str]:
        lock = json.loads((self.folder / "infra" / "greenroom.lock.json").read_text())
        found: dict[str, str] = lock["plugins"][plugin]
        return found

    def password(self, plugin: str) -> str:
        """What the store has for a plugin, or whoever applies."""
        if self.stand_in is None:
            return self.terraform.passwords[plugin]
        return self.stand_in.password(self.planned(plugin)["secret"])

    def log_in(self, plugin: str, password: str | None = None) -> None:
        names = self.planned(plugin)
        wanted = self.password(plugin) if password is None else password
        self.terraform.connect(names["role"], wanted, names["database"]).close()

    def check(self, plugins: tuple[str, ...] = PLUGINS) -> dict[str, str]:
        """Every plugin logs in with what the store has, and finds its row; no password is in a state or a plan."""
        found = {name: self.password(name) for name in plugins}
        for name in plugins:
            names = self.planned(name)
            with self.terraform.connect(names["role"], found[name], names["database"]) as connection:
                connection.execute(f'SET search_path TO "{names.get("schema", "public")}"')
                connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT current_user::text AS value")
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)
        self.terraform.passwords |= found
        self.terraform.assert_no_secret()
        assert self.stand_in is None or self.stand_in.unknown == []
        return found

    @contextmanager
    def may_not_change_roles(self) -> Iterator[None]:
        """The administrator lacks a right for a while: an apply stops between the store and the roles."""
        self.superuser(f"ALTER ROLE {ADMIN} NOCREATEROLE")
        yield
        self.superuser(f"ALTER ROLE {ADMIN} CREATEROLE")

    def adopt(self, *arguments: str) -> str:
        done = self.greenroom("adopt", "--user", ADMIN, "--write", *arguments, GREENROOM_ADMIN_PASSWORD=ADMIN_PASSWORD)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def generate_again(self) -> str:
        done = self.greenroom("generate", "--verify")
        assert done.returncode == 0, done.stderr
        self.terraform.run("init", "-input=false")
        return done.stdout + done.stderr

    def take_out(self, plugins: tuple[str, ...] = PLUGINS) -> None:
        """What the README says for Kubernetes: read the passwords, delete the Secrets."""
        assert isinstance(self.stand_in, KubernetesStandIn)
        names = {self.planned(name)["secret"] for name in plugins}
        passwords = {name: self.stand_in.password(name) for name in names}
        self.terraform.extra["TF_VAR_existing_passwords"] = json.dumps(passwords)
        for name in names:
            del self.stand_in.secrets[name]

    def put(self, plugin: str, password: str) -> None:
        """Somebody puts a password into the store."""
        name = secret_name(f"backstage/production/database/{plugin}", store=self.store)
        if isinstance(self.stand_in, VaultStandIn):
            self.stand_in.write(name, {"password": password})
        elif isinstance(self.stand_in, KubernetesStandIn):
            self.stand_in.write(name, "portal", {"password": password})


@pytest.fixture(params=["kubernetes", "variables", "vault"])
def portal(
    request: pytest.FixtureRequest, mirror: Path, server: EmbeddedServer, program_path: str, tmp_path: Path
) -> Iterator[StorePortal]:
    store = str(request.param)
    if store == "variables":
        made = StorePortal(tmp_path, mirror, server, program_path, store, None)
        yield made
        made.terraform.clean()
        return
    if not (mirror / "registry.terraform.io" / "hashicorp" / store).is_dir():
        pytest.skip(f"the provider hashicorp/{store} is not in {mirror.name}")
    with serving(VaultStandIn() if store == "vault" else KubernetesStandIn()) as stand_in:
        made = StorePortal(tmp_path, mirror, server, program_path, store, stand_in)
        yield made
        made.terraform.clean()


def by_hand(portal: StorePortal, plugin: str, password: str) -> None:
    """An installation from before: a database, a role with a password, and that password in the store."""
    portal.superuser(
        f"CREATE ROLE backstage_{plugin} LOGIN PASSWORD '{password}'",
        f"GRANT backstage_{plugin} TO {ADMIN} WITH ADMIN OPTION",
        f"CREATE DATABASE backstage_plugin_{plugin} OWNER {ADMIN}",
    )
    portal.superuser(f"GRANT ALL ON SCHEMA public TO backstage_{plugin}", database=f"backstage_plugin_{plugin}")
    portal.put(plugin, password)


def test_the_password_of_today_is_kept(portal: StorePortal) -> None:
    """ "Put the password of today into the store first": it is true."""
    today = "pass word-of-today:$+/="[5:]
    by_hand(portal, "auth", today)
    portal.generate(PLUGINS, portal.settings())
    said = portal.adopt(*(() if portal.store == "variables" else ("--secrets",)))
    assert ("GR766" in said) == (portal.store == "variables")
    portal.generate_again()
    if portal.store == "kubernetes":
        portal.take_out(("auth",))
    portal.terraform.passwords["auth"] = today
    portal.apply()
    assert portal.password("auth") == today
    assert portal.check()["auth"] == today
    # A new one when it is asked for, and only then.
    portal.generate(PLUGINS, portal.settings("passwordVersions: {auth: 2}"))
    portal.terraform.passwords["auth"] = "another-one-of-auth"
    before = portal.password("catalog")
    portal.apply()
    found = portal.check()
    assert found["auth"] != today
    assert found["catalog"] == before
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        portal.log_in("auth", today)


def test_a_secret_that_is_not_there(portal: StorePortal) -> None:
    """It is listed, and nobody has put it there: the plan stops, and the variable makes it."""
    portal.generate(PLUGINS, portal.settings(more="adopt: {primary: {secrets: {backstage_auth: 1}}}\n"))
    if portal.store == "variables":
        return
    assert portal.terraform.run("plan", "-input=false", status=(1,))
    portal.variables = {"import_existing_secrets": "false"}
    portal.apply()
    portal.check()


@pytest.mark.parametrize("mode", sorted(MODES))
@pytest.mark.parametrize("credentials", ["", "mode: shared"], ids=["each", "shared"])
def test_a_lost_state(portal: StorePortal, mode: str, credentials: str) -> None:
    """An apply without the state changes no password; adopted again, everything is as it was."""
    if credentials and portal.store == "variables":
        pytest.skip("the password of all is one variable: test_terraform_life.py")
    portal.generate(PLUGINS, portal.settings(credentials), **MODES[mode])
    portal.apply()
    before = portal.check()
    portal.terraform.clean_state()
    (portal.terraform.root / "terraform.tfstate").write_text("")  # as a kill leaves it
    said = portal.terraform.run("apply", "-input=false", "-auto-approve", status=(1,))
    assert "already exists" in said.lower() or "alreadyexists" in said.lower()
    assert portal.check() == before
    portal.terraform.clean_state()

    portal.adopt(*(() if portal.store == "variables" else ("--secrets",)))
    portal.generate_again()
    if portal.store == "kubernetes":
        portal.take_out()
    said = portal.apply()
    assert ", 0 destroyed" in said
    assert portal.check() == before
    # The list may stay: nothing more is to be done, whatever is generated next.
    portal.terraform.extra.pop("TF_VAR_existing_passwords", None)
    if portal.store == "kubernetes":
        portal.adopt("--no-secrets")
        portal.generate_again()
    portal.apply()
    assert portal.check() == before


@pytest.mark.parametrize("mode", sorted(MODES))
def test_another_name_of_every_secret_and_back(portal: StorePortal, mode: str) -> None:
    if portal.stand_in is None:
        pytest.skip("there are no secrets")
    portal.generate(PLUGINS, portal.settings(), **MODES[mode])
    portal.apply()
    portal.check()
    delivered = {name: portal.planned(name)["secret"] for name in PLUGINS}
    # The administrator may not change roles for a while: the apply stops between store and role.
    portal.generate(PLUGINS, portal.settings("secretName: 'portal/{plugin}'"), **MODES[mode])
    with portal.may_not_change_roles():
        assert "permission denied" in portal.terraform.run("apply", "-input=false", "-auto-approve", status=(1,))
    for name in PLUGINS:
        portal.log_in(name, portal.stand_in.password(delivered[name]))
    # The provider takes a password for set although it is not: one more version, as the README says.
    again = "passwordVersions: {auth: 2, catalog: 2}"
    portal.generate(PLUGINS, portal.settings(f"secretName: 'portal/{{plugin}}', {again}"), **MODES[mode])
    portal.apply()
    portal.check()
    portal.generate(PLUGINS, portal.settings(again), **MODES[mode])
    portal.apply()
    portal.check()


def test_a_secret_of_a_plugin_that_is_back(portal: StorePortal) -> None:
    """Under the name it left by, or under another one: its secret is adopted, or left alone."""
    portal.generate((*PLUGINS, "search"), portal.settings())
    portal.apply()
    portal.check((*PLUGINS, "search"))
    left = portal.planned("search").get("secret")
    for away, back in (("", ""), ("secretName: 'away/{plugin}'", "secretName: 'back/{plugin}'")):
        portal.generate(PLUGINS, portal.settings(away))
        portal.apply()
        if isinstance(portal.stand_in, KubernetesStandIn) and not back:
            del portal.stand_in.secrets[str(left)]
        portal.generate((*PLUGINS, "search"), portal.settings(back))
        portal.apply()
        portal.check((*PLUGINS, "search"))
        if back and portal.stand_in is not None:
            assert portal.stand_in.password(str(left))  # nobody deleted it


def test_another_store_whose_apply_fails(portal: StorePortal) -> None:
    """The old store keeps its secrets until the roles have the passwords of the new one."""
    if not isinstance(portal.stand_in, VaultStandIn):
        pytest.skip("one store that leaves is enough; the provider of the other one has to be configured by hand")
    portal.generate(PLUGINS, portal.settings())
    portal.apply()
    portal.check()
    secrets = {name: portal.planned(name)["secret"] for name in PLUGINS}
    portal.generate(PLUGINS, "credentials: {store: variables}\n")
    with portal.may_not_change_roles():
        assert "permission denied" in portal.terraform.run("apply", "-input=false", "-auto-approve", status=(1,))
    for name in PLUGINS:
        portal.log_in(name, portal.stand_in.password(secrets[name]))


def test_a_destroy_stops_at_the_role(portal: StorePortal) -> None:
    """Somebody takes a plugin and the guard out by hand: PostgreSQL drops no role that owns tables, so all of it stays."""
    portal.generate(PLUGINS, portal.settings())
    portal.apply()
    portal.check()
    password = portal.password("catalog")
    for name in ("plugins.tf", "outputs.tf"):
        path = portal.terraform.root / name
        text = re.sub(r'^module "catalog" \{.*?^\}\n', "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        path.write_text("".join(line for line in text.splitlines(keepends=True) if "module.catalog" not in line))
    (portal.terraform.root / "guard.tf").unlink()
    said = portal.terraform.run("apply", "-input=false", "-auto-approve", status=(1,))
    assert "some objects depend on it" in said
    assert portal.terraform.query("SELECT value FROM kept", database="backstage_plugin_catalog") == [("backstage_catalog",)]
    assert portal.password("catalog") == password
    portal.generate_again()
    portal.apply()
    assert portal.check()["catalog"] == password
