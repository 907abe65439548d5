"""The MySQL script as text: escaping, what it refuses, and what can be read back from it. Real servers: tests/e2e/mysql."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sql_plans import Want, context, expected, make_plan
from test_sql import problems

from generator.planning.model import Retired
from generator.targets.sql import TARGET
from generator.targets.text.mysql import (
    file,
    identifier,
    literal,
    message,
    pattern,
    read_identifier,
    read_literal,
    statement,
    variable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from generator.planning.model import Plan

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


def want(plugin: str, **fields: str) -> Want:
    return Want(plugin=plugin, engine="mysql", **fields)


def files(plan: Plan) -> dict[str, str]:
    assert problems(plan) == []
    return {item.path: item.text for item in TARGET.render(context(plan))}


@given(ANY_TEXT)
def test_nothing_active_of_a_value_reaches_the_script(value: str) -> None:
    for made in (literal(value), message(value)):
        assert re.fullmatch(r"'(?:[A-Za-z0-9_.@/+ `%-]|''|\\\\)*'|_utf8mb4 X'[0-9A-F]*'", made)
    assert read_literal(literal(value)) == value
    made = statement(f"CREATE DATABASE {identifier(value or 'x')} CHARACTER SET utf8mb4")
    assert made.isascii()
    assert "\n" not in made
    assert re.fullmatch(
        r"CREATE DATABASE `(?:[A-Za-z0-9_.@/+% -]|``)+` CHARACTER SET utf8mb4;|SET @greenroom_sql = _utf8mb4 X.*", made
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("`a-b`@`%`", "'`a-b`@`%`'"),
        ("'a-b'@'%'", "'''a-b''@''%'''"),
        (r"a\_b", r"'a\\_b'"),
        ("a'b", "_utf8mb4 X'612762'"),
        ("a\\", "_utf8mb4 X'615C'"),
    ],
)
def test_what_a_reader_can_see(value: str, text: str) -> None:
    assert literal(value) == text
    assert read_literal(text) == value


@given(ANY_TEXT.filter(bool))
def test_an_identifier_is_read_back_as_it_was(value: str) -> None:
    assert read_identifier(identifier(value)) == value


def test_wildcards_of_a_grant_are_taken_away() -> None:
    assert pattern("backstage_plugin_a-b") == r"backstage\_plugin\_a-b"
    assert pattern(r"50%\_x") == r"50\%\\\_x"
    plain = r"GRANT SELECT ON `backstage\_plugin\_a`.* TO `a`@`%`"
    assert statement(plain) == f"{plain};"
    assert statement("GRANT SELECT ON `a\\`.* TO `a`@`%`").startswith("SET @greenroom_sql = ")


@pytest.mark.parametrize("name", ["", "1x", "a b", "A-B", "Ä", "x" * 65, "a\n"])
def test_the_name_of_a_variable(name: str) -> None:
    with pytest.raises(ValueError, match="variable"):
        variable(name)
    plan = make_plan(want("catalog", env="X"))
    role = plan.roles[0]._replace(delivery=plan.roles[0].delivery._replace(env=name))
    assert [code for code, _ in problems(plan._replace(roles=(role,)))] == ["GR621"]


@pytest.mark.parametrize("name", ["a b.sql", "-x.sql", "$(id).sql", "../a.sql", "a.sql\n"])
def test_the_name_of_a_file(name: str) -> None:
    with pytest.raises(ValueError, match="script"):
        file(name)


def test_variables_that_differ_in_case_only_are_one_to_mysql() -> None:
    plan = make_plan(want("a", env="Password"), want("b", env="PASSWORD"))
    [(code, text)] = problems(plan)
    assert code == "GR626"
    assert "'Password' and 'PASSWORD' are one variable to MySQL" in text
    assert problems(make_plan(Want(plugin="a", env="Password"), Want(plugin="b", env="PASSWORD"))) == []


def test_both_engines_in_one_folder() -> None:
    plan = make_plan(Want(plugin="catalog"), want("search", server="reporting"))
    found = files(plan)
    assert sorted(found) == ["README.md", "primary.sql", "reporting.sh", "reporting.sql"]
    assert TARGET.read_back(TARGET.render(context(plan))) == expected(plan)
    assert found["README.md"].startswith("# PostgreSQL databases")
    assert "\n\n# MySQL databases" in found["README.md"]
    assert "psql" not in found["reporting.sql"]


def test_a_hostile_plan_is_read_back() -> None:
    names = ["a`b", "it's; DROP", "x\ny", "\\`", "` IDENTIFIED BY 'x", "数据"]
    plan = make_plan(
        *(want(f"p{number}", database=f"d{name}", role=f"r{name}", env=f"P{number}") for number, name in enumerate(names))
    )
    assert TARGET.read_back(TARGET.render(context(plan))) == expected(plan)


def test_a_user_of_app_config_without_tls() -> None:
    plan = make_plan(want("catalog"))
    assert "' REQUIRE SSL'" in files(plan)["databases.sql"]
    role = plan.roles[0]._replace(requires_tls=False)
    assert "' REQUIRE NONE'" in files(plan._replace(roles=(role,)))["databases.sql"]


def test_what_is_retired_is_a_comment() -> None:
    gone = Retired("old", "old", "primary", "mysql", "d\nDROP DATABASE x;", None, "r")
    text = files(make_plan(want("catalog"))._replace(retired=(gone,)))["databases.sql"]
    assert "-- old: database d DROP DATABASE x;, user r\n" in text


def test_the_shell_script_is_one(tmp_path: Path) -> None:
    script = tmp_path / "databases.sh"
    script.write_text(files(make_plan(want("catalog"), want("a-b")))["databases.sh"])
    assert subprocess.run(["sh", "-n", str(script)]).returncode == 0
    # Without its SQL beside it, nothing runs.
    done = subprocess.run(
        ["sh", str(script)], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "CLIENT": "cat"}
    )
    assert (done.returncode, done.stdout) == (1, "")
