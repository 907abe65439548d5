"""The guard, and plans of the generated configuration's shape: no provider and no server, so this runs wherever Terraform or
OpenTofu does. The modules of the generated configuration have built-in resources in place of the provider's."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from generator.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_RESOURCE = re.compile(r'^resource "(\w+)" "(\w+)"', re.MULTILINE)
_OUTPUT = re.compile(r'^output "(\w+)"', re.MULTILINE)
#: Terraform says "Instance", OpenTofu "Resource instance".
_FAILS = "nstance cannot be destroyed"


class Shape:
    """A portal's generated configuration, with modules of built-in resources, in a folder with a state of its own."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder, self.program = folder, program
        self.root = folder / "work"
        self.root.mkdir()

    def greenroom(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command, and all it printed."""
        said = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = run(list(arguments))
        return code, said.getvalue()

    def generate(self, plugins: Sequence[str], settings: str = "", *, anew: bool = False, **database: Any) -> None:
        """Generate for ``plugins`` (``anew``: without what was generated before), and put it into the shape."""
        if anew:
            shutil.rmtree(self.folder / "infra", ignore_errors=True)
        connection = {"host": "db", "port": 5432, **database.pop("connection", {})}
        value = {"client": "pg", "connection": connection, **database, "plugin": {name: {} for name in plugins}}
        if not plugins:
            value["plugin"] = {"devtools": {"client": "better-sqlite3", "connection": ":memory:"}}
        (self.folder / "app-config.yaml").write_text(json.dumps({"backend": {"database": value}}))
        (self.folder / "greenroom.yaml").write_text(settings)
        code, said = self.greenroom("generate")
        assert code == 0, said
        self.copy()

    def copy(self) -> None:
        """The generated files, the provider's resources replaced."""
        for path in self.root.iterdir():
            if path.suffix == ".tf" or path.name == "modules":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        generated = self.folder / "infra" / "terraform" / "databases"
        for path in generated.glob("*.tf"):
            if path.name not in ("providers.tf", "terraform.tf"):
                shutil.copy(path, self.root)
        for module in (generated / "modules").glob("*"):
            into = self.root / "modules" / module.name
            into.mkdir(parents=True)
            shutil.copy(module / "variables.tf", into)
            resources = _RESOURCE.findall((module / "main.tf").read_text())
            outputs = _OUTPUT.findall((module / "outputs.tf").read_text())
            blocks = [f'resource "terraform_data" "{kind}_{name}" {{}}\n' for kind, name in resources]
            blocks += [f'output "{name}" {{\n  value = "{name}"\n}}\n' for name in outputs]
            (into / "main.tf").write_text("\n".join(blocks))
        self.run("init", "-input=false")

    def run(self, *arguments: str, status: tuple[int, ...] = (0,)) -> str:
        variables = {"TF_VAR_primary_admin_user": "a", "TF_VAR_primary_admin_password": "p"}
        names = re.findall(r'plugin_passwords\["([^"]+)"\]', "".join(path.read_text() for path in self.root.glob("*.tf")))
        variables["TF_VAR_plugin_passwords"] = json.dumps(dict.fromkeys(names, "long-enough"))
        done = subprocess.run(
            [self.program, *arguments, "-no-color"],
            cwd=self.root,
            env={**os.environ, **variables, "TF_IN_AUTOMATION": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = " ".join((done.stdout + done.stderr).replace("│", " ").split())
        assert done.returncode in status, said
        return said

    def apply(self) -> None:
        self.run("apply", "-input=false", "-auto-approve")
        self.run("plan", "-input=false", "-detailed-exitcode")

    def check(self, *arguments: str, fails: bool = False) -> tuple[int, str]:
        """Plan as the README says; the exit code of plan-check, and what it says."""
        self.run("plan", "-input=false", "-out=tfplan", *arguments, status=(1,) if fails else (0,))
        with (self.root / "tfplan.json").open("w") as file:
            subprocess.run([self.program, "show", "-json", "tfplan"], cwd=self.root, stdout=file, check=True)
        return self.greenroom("plan-check", "work/tfplan.json")

    def changes(self) -> dict[str, list[str]]:
        """What the plan that was checked last does."""
        plan = json.loads((self.root / "tfplan.json").read_text())
        found = {item["address"]: item["change"]["actions"] for item in plan["resource_changes"]}
        return {address: actions for address, actions in found.items() if actions != ["no-op"]}


@pytest.fixture
def shape(program: str, tmp_path: Path) -> Shape:
    made = Shape(tmp_path, program)
    made.generate(["auth", "catalog", "search"])
    made.apply()
    return made


def test_the_guard_comes_to_an_installation_from_before(shape: Shape) -> None:
    """Its first apply adds the guard, and nothing else."""
    shape.run("state", "rm", "terraform_data.kept")
    code, said = shape.check()
    assert code == 0, said
    assert shape.changes() == {f'terraform_data.kept["{name}"]': ["create"] for name in ("auth", "catalog", "search")}


def test_a_revert_fails_the_plan(shape: Shape) -> None:
    shape.generate(["auth", "catalog"], anew=True)
    assert _FAILS in shape.run("plan", "-input=false", status=(1,))
    assert _FAILS in shape.run("apply", "-input=false", "-auto-approve", status=(1,))
    code, said = shape.check(fails=True)
    assert code == 3
    assert "terraform_data.kept[\"search\"]: the plan removes the guard of plugin 'search'" in said
    assert "could not finish this plan" in said
    shape.generate(["auth", "catalog", "search"], anew=True)
    shape.run("plan", "-input=false", "-detailed-exitcode")


def test_without_the_guard_the_plan_is_refused(shape: Shape) -> None:
    """Somebody deletes the file: Terraform would do as it is told, and plan-check does not let it."""
    shape.generate(["auth", "catalog"], anew=True)
    (shape.root / "guard.tf").unlink()
    code, said = shape.check()
    assert code == 3
    assert said.count("GR914") == 3


def test_what_the_provider_s_resources_would_be(shape: Shape) -> None:
    """No guard anywhere: the modules of the plan are known by what is in them."""
    shape.run("state", "rm", "terraform_data.kept")
    shape.generate(["auth", "catalog"], anew=True)
    (shape.root / "guard.tf").unlink()
    shape.check()
    plan = shape.root / "tfplan.json"
    text = re.sub(r"terraform_data\.(postgresql_[a-z]+)_(\w+)", r"\1.\2", plan.read_text())
    text = re.sub(r'"type":"terraform_data","name":"(postgresql_[a-z]+)_(\w+)"', r'"type":"\1","name":"\2"', text)
    plan.write_text(text)
    code, said = shape.greenroom("plan-check", "work/tfplan.json")
    assert code == 3
    assert "module.search.postgresql_database.plugin: the plan deletes the database of plugin 'search'" in said
    assert "module.search.postgresql_role.plugin" in said
    assert "module.auth" not in said


def test_a_plugin_that_is_retired(shape: Shape) -> None:
    shape.generate(["auth", "catalog"])
    code, said = shape.check()
    assert code == 0, said
    assert {tuple(actions) for actions in shape.changes().values()} == {("forget",)}
    shape.apply()
    # Every plugin goes. The guard stays, and still fails what has forgotten one of them.
    shape.generate([])
    assert shape.check()[0] == 0
    shape.apply()
    assert 'terraform_data.kept["search"]' in shape.run("state", "list")
    shape.generate(["catalog"], anew=True)
    assert _FAILS in shape.run("plan", "-input=false", status=(1,))


def test_destroy_fails(shape: Shape) -> None:
    assert _FAILS in shape.run("destroy", "-auto-approve", status=(1,))


def test_a_guard_that_somebody_gives_up(shape: Shape) -> None:
    """What the README says for a plugin that is to be dropped by hand."""
    shape.generate(["auth", "catalog"], anew=True)
    assert _FAILS in shape.run("plan", "-input=false", status=(1,))
    shape.run("state", "rm", 'terraform_data.kept["search"]')
    assert _FAILS not in shape.run("plan", "-input=false")


def test_what_is_shared_and_renamed(program: str, tmp_path: Path) -> None:
    """A shared database and a shared role get other names: their keys move along with their modules."""
    shape = Shape(tmp_path, program)
    shared = "credentials: {mode: shared, roleName: %s}\n"
    mode: dict[str, Any] = {"pluginDivisionMode": "schema"}
    shape.generate(["auth", "catalog"], shared % "portal", connection={"database": "portal"}, **mode)
    shape.apply()
    shape.generate(["auth", "catalog"], shared % "backstage", connection={"database": "backstage"}, **mode)
    code, said = shape.check()
    assert code == 0, said
    assert shape.changes() == {}
    shape.apply()
    state = shape.run("state", "list")
    assert 'terraform_data.kept["database_backstage"]' in state
    assert 'terraform_data.kept["role_backstage"]' in state


def test_a_role_of_all_plugins_is_let_go_of(program: str, tmp_path: Path) -> None:
    """The role that plugins act as owns all tables; it stays when its last plugin goes, and so does a lone shared role."""
    shape = Shape(tmp_path, program)
    shape.generate(["auth"], "credentials: {mode: shared}\n", role="owner")
    shape.apply()
    shape.generate([])
    code, said = shape.check()
    assert code == 0, said
    assert {tuple(actions) for actions in shape.changes().values()} == {("forget",)}
    assert {address.split(".")[1] for address in shape.changes()} == {"acting_owner", "auth", "role_backstage"}


def test_what_opentofu_suggests_is_no_way_round(shape: Shape) -> None:
    """Its error ends with the advice to leave the guard out of the plan."""
    if not shape.program.endswith("tofu"):
        pytest.skip("only OpenTofu has -exclude")
    shape.generate(["auth", "catalog"], anew=True)
    code, said = shape.check("-exclude=terraform_data.kept")
    assert code == 1
    assert 'it says nothing about terraform_data.kept["auth"]' in said


def test_a_part_of_a_plan_has_no_verdict(shape: Shape) -> None:
    shape.generate(["auth", "catalog", "search", "techdocs"])
    code, said = shape.check("-target=module.techdocs")
    assert (code, "only a part of what there is to do" in said) == (1, True)
    code, said = shape.check("-refresh-only")
    assert (code, "only a part of what there is to do" in said) == (1, True)
