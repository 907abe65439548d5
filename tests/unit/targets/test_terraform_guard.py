"""The guard names every module that has data, and a module never disappears from a configuration without a word."""

from __future__ import annotations

import contextlib
import io
import json
import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from terraform_plans import Wanted, make_plan, on_mysql, render, retired, server

from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

    from generator.planning.model import Plan


def guard(plan: Plan) -> tuple[list[str], list[tuple[str, str]]]:
    """The keys of the guard, and its moves."""
    text = next(item.text for item in render(plan) if item.path == "databases/guard.tf")
    return keys_of(text), re.findall(r"  from = (\S+)\n  to   = (\S+)", text)


def keys_of(text: str) -> list[str]:
    return re.findall(r'^    "([^"]+)",$', text, re.MULTILINE)


SHARED = [Wanted("a", database="portal", schema="a"), Wanted("b", database="portal", schema="b", role="backstage_a")]


@pytest.mark.parametrize(
    ("plan", "keys"),
    [
        (make_plan(Wanted("b"), Wanted("a")), ["a", "b"]),
        (make_plan(*SHARED), ["a", "b", "database_portal", "role_backstage_a"]),
        (make_plan(Wanted("a"), gone=[retired("z")]), ["a", "z"]),
        (make_plan(gone=[retired("z")], servers=[]), ["z"]),
        (make_plan(gone=[retired("z", schema="z", database="portal", shared=True)]), ["database_portal", "z"]),
        (
            make_plan(gone=[retired("y", role="portal"), retired("z", role="portal")]),
            ["role_portal", "y", "z"],
        ),
        (make_plan(Wanted("a"), servers=on_mysql()), ["a"]),
        (
            make_plan(Wanted("a"), Wanted("b", server="my"), servers=[server(), server("my", engine="mysql")]),
            ["a", "b"],
        ),
        (make_plan(gone=[retired("z", engine="mysql")]), ["z"]),
    ],
)
def test_the_keys(plan: Plan, keys: list[str]) -> None:
    assert guard(plan) == (keys, [])


def test_a_role_of_all_plugins_whose_last_plugin_went() -> None:
    gone = retired("z", role="portal")._replace(common=True, group="owner")
    plan = make_plan(gone=[gone])
    assert guard(plan)[0] == ["acting_owner", "role_portal", "z"]
    text = next(item.text for item in render(plan) if item.path == "databases/retired.tf")
    assert re.findall(r"from = module\.(\w+)", text) == ["acting_owner", "role_portal", "z"]


def test_what_is_renamed_moves() -> None:
    renamed = make_plan(*SHARED, renamed={"portal": "old", "backstage_a": "before"})
    assert guard(renamed)[1] == [
        ('terraform_data.kept["database_old"]', 'terraform_data.kept["database_portal"]'),
        ('terraform_data.kept["role_before"]', 'terraform_data.kept["role_backstage_a"]'),
    ]


# --- whatever is generated, one after the other -----------------------------------------------------------------------

PLUGINS = ("auth", "catalog", "search", "tech-insights")


class Portal:
    """What is generated, in memory as far as possible, step by step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.databases = folder / "infra" / "terraform" / "databases"

    def generate(self, plugins: list[str], settings: dict[str, Any], database: dict[str, Any]) -> bool:
        """Whether greenroom agreed."""
        entries: dict[str, Any] = {name: {} for name in plugins}
        if "pluginDivisionMode" not in database:  # which SQLite does not have
            entries["devtools"] = {"client": "better-sqlite3", "connection": ":memory:"}
        value = {"client": "pg", "connection": {"host": "db", "port": 5432}, **database, "plugin": entries}
        (self.folder / "app-config.yaml").write_text(json.dumps({"backend": {"database": value}}))
        (self.folder / "greenroom.yaml").write_text(json.dumps(settings))
        said = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = run(["generate", "--quiet"])
        assert code in (0, 1), said.getvalue()
        return code == 0

    def text(self, *names: str) -> str:
        files = [self.databases / name for name in names]
        return "".join(path.read_text() for path in files if path.is_file())

    def modules(self) -> set[str]:
        """The addresses of the modules that are called."""
        calls = self.text("plugins.tf", "databases.tf", "roles.tf")
        return {f"module.{label}" for label in re.findall(r'^module "([^"]+)"', calls, re.MULTILINE)}

    def accounted(self) -> set[str]:
        """The addresses something is said about: they are called, moved or let go of."""
        said = self.text("plugins.tf", "databases.tf", "roles.tf", "retired.tf")
        return self.modules() | set(re.findall(r"^  from = (module\.\S+)", said, re.MULTILINE))

    def keys(self) -> set[str]:
        return set(keys_of(self.text("guard.tf")))

    def key_moves(self) -> set[str]:
        return set(re.findall(r'^  from = terraform_data\.kept\["([^"]+)"\]', self.text("guard.tf"), re.MULTILINE))


def _step(random: Random, mode: dict[str, Any]) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    plugins = [name for name in PLUGINS if random.random() < 0.6]
    settings: dict[str, Any] = {"credentials": {"mode": mode["mode"]}}
    if random.random() < 0.4:
        role = random.choice(["portal", "other"])
        settings["credentials"]["roleName"] = role if mode["mode"] == "shared" else f"{role}_{{plugin}}"
    database: dict[str, Any] = {}
    if mode["division"] == "schema":
        plugins = plugins or ["auth"]
        name = random.choice(["portal", "portal", "backstage"])
        database |= {"pluginDivisionMode": "schema", "connection": {"host": "db", "port": 5432, "database": name}}
    elif random.random() < 0.4:
        database["prefix"] = random.choice(["portal_", "x_"])
    if mode["base"]:
        database["role"] = "owner"
    return plugins, settings, database


@pytest.mark.parametrize("seed", range(12))
def test_no_module_disappears_without_a_word(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    mode = {
        "mode": random.choice(["shared", "per-plugin"]),
        "division": random.choice(["schema", "database"]),
        "base": random.random() < 0.4,
    }
    portal = Portal(tmp_path)
    modules: set[str] = set()
    keys: set[str] = set()
    agreed = 0
    for _ in range(6):
        if not portal.generate(*_step(random, mode)):
            continue
        agreed += 1
        assert modules <= portal.accounted()
        assert keys <= portal.keys() | portal.key_moves()
        modules, keys = portal.modules(), portal.keys()
        assert {f"module.{key}" for key in keys} >= modules
    assert agreed > 1
