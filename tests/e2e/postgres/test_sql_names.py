"""Whatever a name holds, the script creates exactly that name and does nothing else: read back from the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sql_plans import Want, make_plan, passwords

if TYPE_CHECKING:
    from postgres_stage import Stage

    from generator.planning.model import Plan

#: What would do harm if a name could leave the place it is written in.
FRAGMENTS = (
    "'",
    "''",
    '"',
    '""',
    "\\",
    "\\\\",
    "\n",
    "\r\n",
    "\n\\! touch pwned\n",
    "\\q",
    "\\gexec",
    "\\gset",
    "\\else",
    "\\endif",
    ":password",
    ":'x'",
    ':"x"',
    ":{?x}",
    "::",
    "$",
    "$$",
    "$do$",
    "$macro$",
    "$1",
    "%I",
    "%",
    "%%",
    ";",
    "; DROP ROLE canary; --",
    "'; DROP ROLE canary; --",
    '"; DROP ROLE canary; --',
    "--",
    "/*",
    "*/",
    "{{ x }}",
    "{% raw %}",
    "${X}",
    "`id`",
    "=",
    "dbname=postgres",
    "postgresql://",
    "a b",
    " ",
    "\t",
    "\x01",
    "\x7f",
    "\u2028",
    "\u202e",
    "ü",
    "日本",
    "💚",
    "\ufeff",
    "e\u0301",
    "-",
    "public",
    "U&",
    "\\0041",
    "\\u0041",
    "\\x41",
)


def _usable(name: str) -> bool:
    return 0 < len(name.encode()) <= 63 and not name.startswith("pg_") and name not in ("public", "none", "canary")


PIECES = st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8))
NAMES = st.lists(PIECES, min_size=1, max_size=6).map("".join).filter(_usable)


def check(stage: Stage, plan: Plan) -> None:
    """Apply ``plan`` twice; the server then holds its names, the canary, and nothing else."""
    with stage.superuser() as connection:
        connection.execute("CREATE ROLE canary")
    try:
        for _ in range(2):
            result = stage.must_apply(plan)
            assert result.stderr == ""
        groups = {database.group for database in plan.databases if database.group}
        assert stage.databases == {database.name for database in plan.databases}
        assert stage.roles == {role.name for role in plan.roles} | groups | {"canary"}
        for database in plan.databases:
            schemas = {plugin.schema for plugin in plan.plugins if plugin.database is database and plugin.schema}
            found = stage.names("pg_namespace", "nspname", database.name)
            assert {name for name in found if not name.startswith("pg_")} == schemas | {"public", "information_schema"}
        for plugin in plan.plugins:
            with stage.as_plugin(plan, plugin.plugin_id) as connection:
                connection.execute("CREATE TABLE mine (id int)")
                row = connection.execute("SELECT current_schema()").fetchone()
                assert row == (plugin.schema or "public",)
    finally:
        stage.clear()
        stage.server.create_admin(stage.admin, "admin's password")


def wanted(databases: list[str], roles: list[str], schemas: list[str]) -> Plan:
    """The last database holds the schemas; the last two roles share the one before it."""
    plugins = [
        Want(plugin=f"plugin{i}", database=name, role=role, env=f"PASSWORD_{i}")
        for i, (name, role) in enumerate(zip(databases[:-1], roles, strict=False))
    ]
    plugins += [
        Want(plugin=f"schema{i}", database=databases[-1], schema=schema, role=role, env=f"PASSWORD_S{i}")
        for i, (schema, role) in enumerate(zip(schemas, roles[len(databases) :], strict=False))
    ]
    return make_plan(*plugins)


@pytest.mark.slow
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    databases=st.lists(
        NAMES.filter(lambda name: name not in ("postgres", "template0", "template1")), min_size=3, max_size=3, unique=True
    ),
    roles=st.lists(
        NAMES.filter(lambda name: name not in ("postgres", "greenroom admin")), min_size=5, max_size=5, unique=True
    ),
    schemas=st.lists(NAMES.filter(lambda name: name != "information_schema"), min_size=2, max_size=2, unique=True),
)
def test_random_hostile_names(stage: Stage, databases: list[str], roles: list[str], schemas: list[str]) -> None:
    check(stage, wanted(databases, roles, schemas))


def test_every_hostile_fragment_as_database_role_and_schema(stage: Stage) -> None:
    usable = [name for name in FRAGMENTS if _usable(name)]
    plain = [Want(plugin=f"plugin{i}", database=name, role=name, env=f"PASSWORD_{i}") for i, name in enumerate(usable[::4])]
    in_schemas = [
        Want(plugin=f"schema{i}", database="in ; schemas", schema=name, role=f"{name} role", env=f"PASSWORD_S{i}")
        for i, name in enumerate(usable)
    ]
    check(stage, make_plan(*plain, *in_schemas))


@pytest.mark.parametrize(
    "name", ["a=b", "host=evil port=1", "postgresql://evil/x", "it's", 'dou"ble', "back\\", "li\nne", "-"]
)
def test_connect_goes_to_the_database_of_that_name(stage: Stage, name: str) -> None:
    """psql takes a connection string where it takes a database's name; a name must not become one."""
    check(stage, make_plan(Want(plugin="catalog", database=name)))


def test_a_shared_database_with_a_hostile_name(stage: Stage) -> None:
    name = 'it\'s "both" \\ :x $$\n'
    plan = make_plan(Want(plugin="left", database=name), Want(plugin="right", database=name))
    stage.must_apply(plan)
    with stage.as_plugin(plan, "left") as left, stage.as_plugin(plan, "right") as right:
        left.execute("CREATE TABLE ours (id int)")
        right.execute("DROP TABLE ours")


def test_renames_between_hostile_names(stage: Stage) -> None:
    old, new = 'it\'s "old" \\\n:x$$', 'it\'s "new" \\\n:x$$'
    first = make_plan(Want(plugin="catalog", database=old, role=old, schema=old, env="X"))
    stage.must_apply(first)
    with stage.as_plugin(first, "catalog") as connection:
        connection.execute("CREATE TABLE kept (id int)")
    second = make_plan(
        Want(plugin="catalog", database=new, role=new, schema=new, env="X", database_was=old, role_was=old, schema_was=old)
    )
    env = {"X": passwords(second)["X"]}
    stage.must_apply(second, env)
    stage.must_apply(second, env)
    assert (stage.databases, stage.roles) == ({new}, {new})
    with stage.as_plugin(second, "catalog") as connection:
        connection.execute("SELECT id FROM kept")
