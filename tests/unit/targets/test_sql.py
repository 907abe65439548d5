"""The psql script as text: what it refuses, what it holds, and what can be read back from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from growth import count_calls
from hypothesis import given
from hypothesis import strategies as st
from sql_plans import Want, context, expected, make_plan

from generator.planning.model import Retired
from generator.problems.diagnostic import Diagnostics
from generator.targets import TARGETS
from generator.targets.sql import TARGET
from generator.targets.text.postgresql import (
    SqlEscapeError,
    argument,
    conninfo,
    identifier,
    is_plain_database,
    literal,
    message,
    read_identifier,
    variable,
)

if TYPE_CHECKING:
    from generator.planning.model import Plan

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
#: Characters that mean something to psql or to SQL inside or outside a literal.
ACTIVE = set("'\"\\:;$`%{}()\n\r\t&=#~^|<>!?*,[]")


def problems(plan: Plan) -> list[tuple[str, str]]:
    diagnostics = Diagnostics()
    TARGET.check(context(plan), diagnostics)
    return [(item.code, item.summary) for item in diagnostics]


def script(plan: Plan) -> str:
    assert problems(plan) == []
    return next(item.text for item in TARGET.render(context(plan)) if item.path == "databases.sql")


# --- escaping ---------------------------------------------------------------------------------------------------------


@given(ANY_TEXT)
def test_nothing_active_of_a_value_reaches_the_script(value: str) -> None:
    """Between the quotes there is printable ASCII without anything a lexer reacts to, but for our own escapes."""
    for made, escape in (
        (literal(value)[:], r"\\(?:u[0-9A-F]{4}|U[0-9A-F]{8})"),
        (argument(value)[:], r"\\x[0-9A-F]{2}"),
        (message(value)[:], r"\\x[0-9A-F]{2}"),
        (conninfo(value)[:], r"\\x[0-9A-F]{2}"),
        (identifier(value or "x")[:], r"\\(?:[0-9A-F]{4}|\+[0-9A-F]{6})"),
    ):
        inside = re.fullmatch(r"""(?:E|U&)?(['"])(.*)\1""", made)
        assert inside is not None, made
        rest = re.sub(escape, "", inside[2])
        assert rest.isascii()
        assert not ACTIVE & set(rest), made


@given(ANY_TEXT.filter(bool))
def test_an_identifier_is_read_back_as_it_was(value: str) -> None:
    assert read_identifier(identifier(value)) == value


def test_plain_names_stay_readable() -> None:
    name = "backstage_plugin_tech-insights"
    assert (literal(name), identifier(name), argument(name)) == (f"'{name}'", f'"{name}"', f"'{name}'")
    assert is_plain_database(name)
    assert not any(map(is_plain_database, ("a=b", "postgresql://x", "a b", "", "ä", 'a"b', "a'b", "a\\b", "a\n")))


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
@pytest.mark.parametrize("escape", [literal, identifier, argument, conninfo])
def test_what_postgresql_cannot_hold_is_refused(escape: object, value: str) -> None:
    with pytest.raises(SqlEscapeError) as caught:
        escape(value)  # type: ignore[operator]
    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A\nB", "Ä", "A;", "A'"])
def test_a_variable_is_a_name_or_nothing(name: str) -> None:
    with pytest.raises(SqlEscapeError):
        variable(name)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_good_plan_has_no_problems() -> None:
    assert problems(make_plan(Want(plugin="catalog"), Want(plugin="a", database="s", schema="a"))) == []


@pytest.mark.parametrize("name", ["", "1X", "A B", "A-B", "Ä", "A\n\\! id"])
def test_the_name_of_a_variable(name: str) -> None:
    plan = make_plan(Want(plugin="catalog", env="X"))
    role = plan.roles[0]._replace(delivery=plan.roles[0].delivery._replace(env=name))
    plan = plan._replace(roles=(role,))
    assert [code for code, _ in problems(plan)] == ["GR621"]


@pytest.mark.parametrize(
    "want",
    [
        Want(plugin="a", database="x\0"),
        Want(plugin="a", role="x\0", env="X"),
        Want(plugin="a", database="d", schema="x\ud800"),
        Want(plugin="a", database_was="x\0"),
        Want(plugin="a", role_was="\ud800"),
    ],
)
def test_names_that_postgresql_cannot_hold(want: Want) -> None:
    assert [code for code, _ in problems(make_plan(want))] == ["GR622"]


def test_a_rename_whose_old_name_is_still_wanted() -> None:
    swapped = make_plan(
        Want(plugin="a", database="x", database_was="y", role="r", role_was="s"),
        Want(plugin="b", database="y", database_was="x", role="s", role_was="r"),
    )
    assert [code for code, _ in problems(swapped)] == ["GR623"] * 4
    chained = make_plan(
        Want(plugin="a", database="d", schema="x", schema_was="y"),
        Want(plugin="b", database="d", schema="y", schema_was="z"),
    )
    assert problems(chained) == [
        ("GR623", "the schema 'y' is to be renamed to 'x', and at the same time 'y' is wanted for something else")
    ]


def test_a_server_whose_name_is_no_file_name() -> None:
    assert [code for code, _ in problems(make_plan(Want(plugin="a", server="../x")))] == ["GR624"]


def test_one_schema_for_two_users() -> None:
    plan = make_plan(Want(plugin="a", database="d", schema="s"), Want(plugin="b", database="d", schema="s"))
    assert [code for code, _ in problems(plan)] == ["GR625"]


# --- what is rendered -------------------------------------------------------------------------------------------------


def test_what_is_rendered_is_read_back() -> None:
    plan = make_plan(
        Want(plugin="catalog"),
        Want(plugin="left", database="bo'th"),
        Want(plugin="right", database="bo'th"),
        Want(plugin="one", database="schemas\n", schema="o\\ne"),
        Want(plugin="other", server="reporting"),
        Want(plugin="old", database="new name", database_was="old name", role_was="old role"),
    )
    artifacts = TARGET.render(context(plan))
    assert [artifact.path for artifact in artifacts] == ["README.md", "primary.sql", "reporting.sql"]
    assert TARGET.read_back(artifacts) == expected(plan)


@given(st.lists(ANY_TEXT.filter(bool), min_size=4, max_size=4, unique=True))
def test_hostile_names_are_read_back_and_change_no_line(names: list[str]) -> None:
    plain = make_plan(Want(plugin="p", env="P"), Want(plugin="s", database="d", schema="s", env="S"))
    hostile = make_plan(
        Want(plugin="p", database=names[0], role=names[1], env="P"),
        Want(plugin="s", database=names[2], schema=names[3], role=f"{names[1]}2", env="S"),
    )
    artifacts = TARGET.render(context(hostile))
    assert TARGET.read_back(artifacts) == expected(hostile)
    text = script(hostile)
    extra = text.count("\n\\set target ")  # a name that is not plain takes one line more to connect to
    assert text.count("\n") == script(plain).count("\n") + extra
    assert all(char.isprintable() or char == "\n" for char in text)


def test_it_is_deterministic_and_says_nothing_of_passwords() -> None:
    wants = [Want(plugin=name) for name in ("search", "auth", "catalog")]
    text = script(make_plan(*wants))
    assert text == script(make_plan(*reversed(wants)))
    assert "'greenroom_name=DB_BACKSTAGE_AUTH_PASSWORD; eval" in text
    assert max(map(len, text.splitlines())) < 330
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text


def test_retired_plugins_are_comments_and_known_names() -> None:
    retired = Retired(
        plugin_id="x\n\\! id",
        label="x",
        server="primary",
        engine="postgresql",
        database="d\r\nDROP DATABASE d;",
        schema="s",
        role="r",
    )
    text = script(make_plan(Want(plugin="catalog"), retired=(retired,)))
    known, line = [line for line in text.splitlines() if "DROP DATABASE" in line]
    assert known == r"  UNION VALUES (E'd\u000D\u000ADROP DATABASE d\u003B'::name, 's'::name)"
    assert line == "-- x \\! id: database d  DROP DATABASE d;, schema s, role r"


def test_the_readme_names_every_variable() -> None:
    plan = make_plan(Want(plugin="catalog"), Want(plugin="evil`|", role="r|`<b>", env="EVIL"))
    text = next(item.text for item in TARGET.render(context(plan)) if item.path == "README.md")
    assert "| `DB_BACKSTAGE_CATALOG_PASSWORD` | `backstage_catalog` | `catalog` |" in text
    assert "| `EVIL` | `r¦'<b>` | `evil'¦` |" in text


def test_nothing_for_postgresql_is_no_artifact() -> None:
    plan = make_plan(Want(plugin="catalog"))
    assert TARGET.render(context(plan._replace(servers=(), databases=(), roles=(), plugins=()))) == []


def test_it_is_the_target_called_sql() -> None:
    assert TARGETS["sql"].load() is TARGET


def _work(count: int) -> tuple[int, int]:
    wants = [Want(plugin=f"plugin-{number:05}", role=f"role{number:05}", env=f"P{number:05}") for number in range(count)]
    plan = make_plan(wants[0])
    plans = [make_plan(want) for want in wants]
    plan = plan._replace(
        databases=tuple(item.databases[0] for item in plans),
        roles=tuple(item.roles[0] for item in plans),
        plugins=tuple(item.plugins[0] for item in plans),
    )
    TARGET.render(context(plans[0]))  # the templates are compiled once
    sizes: list[int] = []

    def write() -> None:
        assert problems(plan) == []
        sizes.extend(len(artifact.text) for artifact in TARGET.render(context(plan)))

    return count_calls(write), sum(sizes)


def test_work_and_text_grow_no_faster_than_the_number_of_plugins() -> None:
    small, small_size = _work(200)
    large, large_size = _work(2000)
    assert large < 11 * small
    assert large_size < 11 * small_size
    assert large_size < 2000 * 2500
