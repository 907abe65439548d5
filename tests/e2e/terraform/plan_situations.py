"""Situations in which Terraform is about to drop something, or looks as if it were: each is brought about with the real
provider on a real server, and planned. ``tools/record_plans.py`` keeps the plans; a test asks for each verdict anew."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

from store_stand_ins import KubernetesStandIn, serving
from terraform_plans import Wanted, make_plan, on_mysql, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mysql_workspace import MysqlWorkspace
    from portal import Portal
    from terraform_workspace import Workspace

#: What plan-check has to say of each: the exit code, and what would be lost.
VERDICTS: dict[str, tuple[int, set[str]]] = {
    "first-apply": (0, set()),
    "new-plugin": (0, set()),
    "nothing-to-do": (0, set()),
    "revert": (3, {"module.search.postgresql_database.plugin", "module.search.postgresql_role.plugin"}),
    "revert-with-guard": (
        3,
        {
            "module.search.postgresql_database.plugin",
            "module.search.postgresql_role.plugin",
            'terraform_data.kept["search"]',
        },
    ),
    "guard-removed": (3, {f'terraform_data.kept["{name}"]' for name in ("auth", "catalog", "search")}),
    "old-branch": (3, {"module.search.postgresql_database.plugin", "module.search.postgresql_role.plugin"}),
    "infra-anew": (
        3,
        {f"module.{name}.postgresql_{kind}.plugin" for name in ("catalog", "search") for kind in ("database", "role")},
    ),
    "retired": (0, set()),
    "returned": (0, set()),
    "prefix": (0, set()),
    "rotated": (0, set()),
    "targeted": (1, set()),
    "refresh-only": (1, set()),
    "destroy": (
        3,
        {f"module.{name}.postgresql_{kind}.plugin" for name in ("auth", "catalog") for kind in ("database", "role")},
    ),
    "destroy-with-guard": (
        3,
        {
            f"module.{name}.postgresql_{kind}.plugin"
            for name in ("auth", "catalog", "search")
            for kind in ("database", "role")
        }
        | {f'terraform_data.kept["{name}"]' for name in ("auth", "catalog", "search")},
    ),
    "handed-over": (3, {"module.search.postgresql_database.plugin", "module.search.postgresql_role.plugin"}),
    "handed-over-unadopted": (3, {"module.search.postgresql_database.plugin", "module.search.postgresql_role.plugin"}),
    "moved": (0, set()),
    "own-resources": (0, set()),
    "own-drops-ours": (3, {"postgresql_database.mine"}),
    "schemas": (
        3,
        {
            "module.search.postgresql_role.plugin",
            "module.search.postgresql_schema.plugin",
        },
    ),
    "one-role": (
        3,
        {
            "module.acting_owner.postgresql_role.group",
            "module.auth.postgresql_database.plugin",
            "module.role_backstage.postgresql_role.plugin",
        },
    ),
    "base-role-retired": (0, set()),
    "store": (3, {f"module.{name}.kubernetes_secret_v1.plugin" for name in ("auth", "catalog")}),
    "secret-renamed": (3, {f"module.{name}.kubernetes_secret_v1.plugin" for name in ("auth", "catalog")}),
    "mysql-revert": (
        3,
        {"module.search.mysql_database.plugin", "module.search.mysql_user.plugin", 'terraform_data.kept["search"]'},
    ),
}

_IGNORED = ".gitignore\nlog.txt\nterraformrc\nmirror/\n.terraform*\n*.tfstate*\n*.tfplan\n"
_THREE = ("auth", "catalog", "search")
_OWN = """
resource "postgresql_role" "reporting" {
  name = "reporting"
}

module "mine" {
  source = "./own"
}
"""


def planned(work: Workspace, *arguments: str, **variables: Any) -> dict[str, Any]:
    """The plan as JSON, whether Terraform finished it or not."""
    work.run("plan", "-input=false", "-out=x.tfplan", *arguments, status=(0, 1), **variables)
    document: dict[str, Any] = json.loads(work.run("show", "-json", "x.tfplan"))
    (work.root / "x.tfplan").unlink()
    return document


@contextlib.contextmanager
def unguarded(work: Workspace) -> Iterator[None]:
    """As it was when the installation had no guard yet: neither in the files nor in the state."""
    state, guard = work.root / "terraform.tfstate", work.root / "guard.tf"
    kept = [(path, path.read_bytes()) for path in (state, guard)]
    work.run("state", "rm", "terraform_data.kept")
    guard.unlink()
    yield
    for path, data in kept:
        path.write_bytes(data)


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "core.hooksPath=/dev/null")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(portal: Portal, message: str) -> None:
    git(portal.folder, "add", "-A")
    git(portal.folder, "commit", "-qm", message)


def life(portal: Portal) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of three plugins, and what git can do to them."""
    work = portal.terraform
    git(portal.folder, "init", "-q")
    (portal.folder / ".gitignore").write_text(_IGNORED)
    portal.generate(["auth", "catalog"])
    commit(portal, "two plugins")
    yield "first-apply", planned(work)
    portal.apply()
    portal.generate(_THREE)
    commit(portal, "search")
    yield "new-plugin", planned(work)
    portal.apply()
    yield "nothing-to-do", planned(work)
    yield "targeted", planned(work, "-target=module.auth")
    yield "refresh-only", planned(work, "-refresh-only")

    git(portal.folder, "revert", "--no-edit", "HEAD")
    work.run("init", "-input=false")
    yield "revert-with-guard", planned(work)
    with unguarded(work):
        yield "revert", planned(work)
    git(portal.folder, "reset", "-q", "--hard", "HEAD~2")
    portal.generate(["auth", "catalog", "techdocs"])
    with unguarded(work):
        yield "old-branch", planned(work)
    git(portal.folder, "reset", "-q", "--hard", "HEAD@{1}")
    git(portal.folder, "clean", "-fdq")
    git(portal.folder, "revert", "--no-edit", "HEAD")
    yield from _generated_anew(portal)
    yield from _on_purpose(portal)
    yield from _handed_over(portal)


def _again(portal: Portal, plugins: Sequence[str] | dict[str, Any] = _THREE, settings: str = "", **database: Any) -> None:
    """What is generated without anything that was generated before, and without Git, which remembers it."""
    for path in (portal.folder / "infra").glob("*"):
        if path.name in ("greenroom.lock.json", "app-config.databases.yaml"):
            path.unlink()
    for path in [*work_files(portal), *(portal.folder / "infra" / "sql").glob("*")]:
        path.unlink()
    repository, away = portal.folder / ".git", portal.folder / ".git-away"
    if repository.exists():
        repository.rename(away)
    try:
        portal.generate(plugins, settings, **database)
    finally:
        if away.exists():
            away.rename(repository)


def work_files(portal: Portal) -> list[Path]:
    """What greenroom generated for Terraform."""
    root = portal.terraform.root
    found = [path for path in root.rglob("*") if path.is_file() and ".terraform" not in path.parts]
    made = (".tf", ".md", ".jq", ".rego", ".tftest.hcl")
    return [path for path in found if path.name.endswith(made) and not path.name.startswith("own")]


def _generated_anew(portal: Portal) -> Iterator[tuple[str, dict[str, Any]]]:
    work = portal.terraform
    _again(portal, ["auth"])
    with unguarded(work):
        yield "infra-anew", planned(work)
    _again(portal)
    guard = work.root / "guard.tf"
    text = guard.read_text()
    guard.unlink()
    yield "guard-removed", planned(work)
    guard.write_text(text)


def _on_purpose(portal: Portal) -> Iterator[tuple[str, dict[str, Any]]]:
    work = portal.terraform
    portal.generate(_THREE, prefix="portal_")
    yield "prefix", planned(work)
    _again(portal)
    portal.generate(_THREE, "credentials: {passwordVersions: {auth: 2}}\n")
    yield "rotated", planned(work)
    _again(portal)
    yield "destroy-with-guard", planned(work, "-destroy")
    portal.generate(["auth", "catalog"])
    yield "retired", planned(work)
    portal.apply()
    with unguarded(work):
        _unprotected(work)
        yield "destroy", planned(work, "-destroy")
    adopt = "adopt: {primary: {databases: [backstage_plugin_search], roles: [backstage_search]}}\n"
    _again(portal, _THREE, adopt)
    yield "returned", planned(work)
    portal.apply()
    _again(portal)


def _unprotected(work: Workspace) -> None:
    """Somebody takes every `prevent_destroy` out by hand."""
    for path in work.root.rglob("*.tf"):
        path.write_text(path.read_text().replace("prevent_destroy = true", "prevent_destroy = false"))


def _handed_over(portal: Portal) -> Iterator[tuple[str, dict[str, Any]]]:
    """A plugin gets another id, and its data is to stay: as GR524 hints, and with a `moved` block."""
    work = portal.terraform
    named = {"connection": {"database": "backstage_plugin_search", "user": "backstage_search"}}
    plugins: dict[str, Any] = {"auth": {}, "catalog": {}, "finder": named}
    _again(portal, plugins)
    with unguarded(work):
        yield "handed-over-unadopted", planned(work)
    adopt = "adopt: {primary: {databases: [backstage_plugin_search], roles: [backstage_search]}}\n"
    _again(portal, plugins, adopt)
    with unguarded(work):
        yield "handed-over", planned(work)
    _again(portal, plugins)
    moved = work.root / "own_moved.tf"
    moved.write_text(
        "moved {\n  from = module.search\n  to   = module.finder\n}\n\n"
        'moved {\n  from = terraform_data.kept["search"]\n  to   = terraform_data.kept["finder"]\n}\n'
    )
    yield "moved", planned(work)
    moved.unlink()
    _again(portal)


def own_resources(portal: Portal) -> Iterator[tuple[str, dict[str, Any]]]:
    """A user's own resources in the same folder, of the same types and names, are dropped; greenroom's are not."""
    work = portal.terraform
    portal.generate(["auth"])
    own = work.root / "own"
    own.mkdir(exist_ok=True)
    required = (work.root / "modules" / "postgresql-database" / "terraform.tf").read_text()
    (own / "own.tf").write_text(f'{required}\nresource "postgresql_role" "plugin" {{\n  name = "mine"\n}}\n')
    (work.root / "own.tf").write_text(_OWN)
    work.run("init", "-input=false")
    portal.apply()
    (work.root / "own.tf").write_text(
        _OWN.replace('resource "postgresql_role" "reporting"', 'resource "postgresql_role" "x"')
    )
    yield "own-resources", planned(work, "-replace=module.mine.postgresql_role.plugin")
    # The same database under two addresses: whoever drops one drops both.
    (work.root / "own.tf").write_text(
        f'{_OWN}\nresource "postgresql_database" "mine" {{\n  name = "backstage_plugin_auth"\n}}\n'
    )
    work.run("import", "-input=false", "postgresql_database.mine", "backstage_plugin_auth")
    (work.root / "own.tf").write_text(_OWN)
    yield "own-drops-ours", planned(work)


def schemas(portal: Portal) -> Iterator[tuple[str, dict[str, Any]]]:
    """Schemas in a shared database."""
    work = portal.terraform
    mode = {"pluginDivisionMode": "schema", "connection": {"database": "portal"}}
    portal.generate(["auth", "search"], **json.loads(json.dumps(mode)))
    portal.apply()
    _again(portal, ["auth"], **json.loads(json.dumps(mode)))
    with unguarded(work):
        yield "schemas", planned(work)


def one_role(portal: Portal) -> Iterator[tuple[str, dict[str, Any]]]:
    """A role of all plugins, and one they act as."""
    work = portal.terraform
    portal.generate(["auth"], "credentials: {mode: shared}\n", role="owner")
    portal.apply()
    portal.generate({"kept-in-memory": {"client": "better-sqlite3", "connection": ":memory:"}}, role="owner")
    # OpenTofu asks the server even about what it is to let go of, and no server is left in the configuration.
    yield "base-role-retired", planned(work, "-refresh=false")
    _again(portal, ["catalog"], "credentials: {mode: per-plugin}\n")
    with unguarded(work):
        yield "one-role", planned(work)


def secrets(portal: Portal) -> Iterator[tuple[str, dict[str, Any]]]:
    """Another store, and another name in it."""
    work = portal.terraform
    with serving(KubernetesStandIn()) as stand_in:
        config = work.folder / "kubeconfig"
        config.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            f"clusters: [{{name: c, cluster: {{server: '{stand_in.url}'}}}}]\nusers: [{{name: c, user: {{}}}}]\n"
            "contexts: [{name: c, context: {cluster: c, user: c}}]\n"
        )
        work.extra = {
            "TF_VAR_kubernetes_config_path": str(config),
            "TF_VAR_kubernetes_namespace": "portal",
            "TF_VAR_password_seed": "throw-away-seed-0123456789abcdef",
        }
        portal.generate(["auth", "catalog"], "credentials: {store: kubernetes}\n")
        portal.apply()
        renamed = "credentials: {store: kubernetes, secretName: 'portal/{plugin}'}\n"
        portal.generate(["auth", "catalog"], renamed)
        yield "secret-renamed", planned(work)
        portal.generate(["auth", "catalog"])
        block = f'provider "kubernetes" {{\n  config_path = "{config}"\n}}\n'
        (work.root / "own_provider.tf").write_text(block)
        yield "store", planned(work)


def mysql(work: MysqlWorkspace) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same revert on MariaDB."""
    plugins = [Wanted("auth"), Wanted("search")]
    work.passwords = {"auth": "Password-of-auth-1", "search": "Password-of-search-1"}
    work.write(render(make_plan(*plugins, servers=on_mysql())))
    work.apply()
    work.write(render(make_plan(plugins[0], servers=on_mysql())))
    yield "mysql-revert", planned(work)
