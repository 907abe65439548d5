"""What a person says about a refused change (plugins.moved, plugins.renamesApplied), and the hints that lead there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import Wanted, make_plan, plugin
from test_reconcile import attempt, lock_of, run, sources

from generator.output.changes import changes
from generator.planning.history import Lock, Past, assign_stacks, leave, place_of, reconcile
from generator.planning.history.moves import settle
from generator.planning.history.remember import remember
from generator.planning.history.renamed import rename_plugins
from generator.problems.diagnostic import Diagnostics
from generator.settings.model import Adopted
from generator.settings.read import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.planning.model import Plan

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "moving-data.md").read_text(encoding="utf-8")

catalog, auth = plugin("catalog"), plugin("auth")
PLACE = "backstage_catalog@primary/backstage_plugin_catalog"
LEFT = f"catalog ({PLACE})"

Step = tuple["Sequence[Wanted]", "Mapping[str, str]"]


def play(*steps: Step) -> tuple[Plan, list[str], Lock | None]:
    """Generate for each step in turn, with plugins.moved: the last plan, its errors, and the lock file it was made with."""
    lock: Lock | None = None
    for number, (wanted, moved) in enumerate(steps):
        diagnostics = Diagnostics()
        fresh = make_plan(*wanted)
        previous = leave(lock, fresh, moved)
        plan = reconcile(fresh, previous, diagnostics, resolved=sources(wanted))
        if number + 1 < len(steps):
            assert not diagnostics.has_errors, [item.render() for item in diagnostics]
            lock = lock_of(plan, previous)
    return plan, [item.code for item in diagnostics if item.severity == "error"], previous


def test_a_plugin_leaves_its_place() -> None:
    elsewhere = [auth, plugin("catalog", server="other")]
    steps: list[Step] = [([auth, catalog], {}), (elsewhere, {"catalog": PLACE})]
    for later in ((), (elsewhere, {"catalog": PLACE}), (elsewhere, {})):  # the setting may stay or go
        plan, errors, _ = play(*steps, *([later] if later else []))
        assert errors == []
        [gone] = plan.retired
        assert (gone.plugin_id, gone.owner, gone.label) == (LEFT, "catalog", "catalog")
        assert (gone.server, gone.database, gone.role) == ("primary", "backstage_plugin_catalog", "backstage_catalog")
        assert {(item.server, item.renamed_from) for item in (*plan.databases, *plan.roles)} == {
            ("primary", None),
            ("other", None),
        }


def test_only_the_place_that_is_named_is_left() -> None:
    elsewhere = [plugin("catalog", server="other")]
    assert play(([catalog], {}), (elsewhere, {"catalog": "backstage_catalog@primary/something"}))[1] == ["GR520"]
    assert play(([catalog], {}), (elsewhere, {"auth": PLACE}))[1] == ["GR520"]
    # One move is not leave for the next.
    moved = {"catalog": PLACE}
    third = [plugin("catalog", server="third")]
    assert play(([catalog], {}), (elsewhere, moved), (third, moved))[1] == ["GR520"]


def test_nothing_is_left_by_a_plugin_that_stays() -> None:
    plan, errors, _ = play(([catalog], {}), ([catalog], {"catalog": PLACE}))
    assert (errors, plan.retired) == ([], ())
    renamed = [plugin("catalog", database="other")]
    plan, errors, _ = play(([catalog], {}), (renamed, {"catalog": PLACE}))
    assert (errors, plan.databases[0].renamed_from) == ([], "backstage_plugin_catalog")


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ([catalog], [plugin("catalog", server="other")], "GR520"),
        ([catalog], [plugin("catalog", database="portal", schema="catalog")], "GR521"),
        ([plugin("catalog", database="portal", schema="catalog")], [catalog], "GR521"),
        ([catalog], [plugin("catalog", engine="mysql")], "GR522"),
        ([catalog], [catalog, plugin("search", database="backstage_plugin_catalog")], "GR523"),
        ([catalog, plugin("search", database="backstage_plugin_catalog")], [catalog, plugin("search")], "GR523"),
    ],
    ids=["server", "to schemas", "to databases", "engine", "shared", "shared no longer"],
)
def test_the_line_that_the_hint_asks_for_is_the_way(before: list[Wanted], after: list[Wanted], code: str) -> None:
    _, diagnostics, lock = attempt(before, after)
    assert {item.code for item in diagnostics if item.severity == "error"} == {code}
    moved = dict(line for item in diagnostics for line in re.findall(r"`(\S+): (\S+)` to plugins\.moved", item.hint))
    assert lock is not None
    assert moved == {name: place_of(lock.plugins[name]) for name in moved}
    plan, errors, _ = play((before, {}), (after, moved))
    assert errors == []
    assert {gone.owner for gone in plan.retired} == set(moved)


def test_back_to_the_old_place() -> None:
    """It is taken over there, as a plugin is that comes back."""
    elsewhere, home = [plugin("catalog", server="other")], [catalog]
    back = {"catalog": "backstage_catalog@other/backstage_plugin_catalog"}
    plan, errors, previous = play((home, {}), (elsewhere, {"catalog": PLACE}), (home, back))
    assert errors == []
    assert [gone.plugin_id for gone in plan.retired] == ["catalog (backstage_catalog@other/backstage_plugin_catalog)"]
    assert plan.adopted == (
        Adopted("primary", ("backstage_plugin_catalog",), (), ("backstage_catalog",), (("backstage_catalog", 0),)),
    )
    # What a person has dropped there is not looked for any more.
    assert previous is not None
    lock = lock_of(*reversed([None, play((home, {}), (elsewhere, {"catalog": PLACE}))[0]]))
    lock = lock._replace(retired={name: old._replace(dropped=True) for name, old in lock.retired.items()})
    fresh = make_plan(*home)
    assert reconcile(fresh, leave(lock, fresh, back), Diagnostics(), resolved={}).adopted == ()


def test_a_retired_plugin_may_come_back_anywhere() -> None:
    """Its role is there, and nobody manages it."""
    portal = plugin("catalog", database="portal", schema="catalog")
    other = plugin("catalog", database="other", schema="catalog")
    moved = {"catalog": "backstage_catalog@primary/portal.catalog"}
    plan, errors, _ = play(([portal], {}), ([], {}), ([other], moved))
    assert errors == []
    assert [gone.plugin_id for gone in plan.retired] == ["catalog (backstage_catalog@primary/portal.catalog)"]
    assert plan.adopted == (Adopted("primary", roles=("backstage_catalog",), secrets=(("backstage_catalog", 0),)),)
    # While it is in use, its schema cannot leave the database.
    neighbour = plugin("auth", database="portal", schema="auth")
    assert play(([portal, neighbour], {}), ([other, neighbour], moved))[1] == ["GR524"]


def test_a_retired_plugin_that_gets_another_user_finds_its_database() -> None:
    for schema in (None, "catalog"):
        before = make_plan(plugin("catalog", database="x", schema=schema))
        role = before.roles[0]._replace(name="backstage", is_common=True)
        after = before._replace(roles=(role,), plugins=(before.plugins[0]._replace(role=role),))
        retired = lock_of(reconcile(make_plan(), lock_of(before), Diagnostics(), resolved={}), lock_of(before))
        place = f"backstage_catalog@primary/x{f'.{schema}' if schema else ''}"
        plan = reconcile(after, leave(retired, after, {"catalog": place}), Diagnostics(), resolved={})
        assert plan.adopted == (Adopted("primary", ("x",), (("x", schema),) if schema else ()),)


def test_a_database_that_is_shared_now_is_taken_over() -> None:
    together = [catalog, plugin("search", database="backstage_plugin_catalog")]
    for steps in (1, 2):
        plan, errors, _ = play(([catalog], {}), *[(together, {"catalog": PLACE})] * steps)
        assert errors == []
        assert plan.adopted == (Adopted("primary", ("backstage_plugin_catalog",)),)


def test_two_engines_may_have_the_same_names() -> None:
    steps: list[Step] = [([catalog], {}), ([plugin("catalog", engine="mysql")], {"catalog": PLACE})]
    plan, errors, _ = play(*steps, ([plugin("catalog", database="portal", schema="catalog")], {"catalog": PLACE}))
    assert errors == []
    assert {(gone.plugin_id, gone.engine) for gone in plan.retired} == {
        (LEFT, "postgresql"),
        (f"catalog (mysql {PLACE})", "mysql"),
    }


def test_what_stays_the_plugins_own() -> None:
    """The version of its password, its stack and its former ids."""
    elsewhere = make_plan(plugin("catalog", server="other"))
    lock = lock_of(make_plan(catalog))
    known = lock.plugins["catalog"]._replace(password_version=7, stack=3, former_ids=("entities",))
    previous = leave(lock._replace(plugins={"catalog": known}), elsewhere, {"catalog": PLACE})
    plan = reconcile(elsewhere, previous, Diagnostics(), resolved={})
    plan = assign_stacks(plan, previous, size=160)
    assert [role.password_version for role in plan.roles] == [7]
    assert [(item.stack, item.former_ids) for item in plan.plugins] == [(3, ("entities",))]


def test_nobody_gets_the_names_of_a_place_that_was_left() -> None:
    elsewhere = plugin("catalog", server="other")
    new = plugin("new", database="backstage_plugin_catalog")
    steps: list[Step] = [([catalog], {}), ([elsewhere], {"catalog": PLACE}), ([elsewhere, new], {})]
    _, errors, lock = play(*steps)
    assert errors == ["GR524"]
    # Nor in the run in which it is left.
    assert play(steps[0], ([elsewhere, new], {"catalog": PLACE}))[1] == ["GR524"]
    assert lock is not None
    dropped = lock._replace(retired={name: old._replace(dropped=True) for name, old in lock.retired.items()})
    diagnostics = Diagnostics()
    reconcile(make_plan(elsewhere, new), dropped, diagnostics, resolved={})
    assert not diagnostics.has_errors


def test_the_summary_says_what_stays() -> None:
    fresh = make_plan(plugin("catalog", server="other"))
    previous = leave(lock_of(make_plan(catalog)), fresh, {"catalog": PLACE})
    plan = reconcile(fresh, previous, Diagnostics(), resolved={})
    [change] = changes(plan, Past(previous))
    assert change.line == (
        f"+ catalog: database backstage_plugin_catalog, role backstage_catalog; what it had stays: {PLACE}"
    )


def test_nothing_of_a_place_that_was_left_is_forgotten() -> None:
    """As Git has it from before the move."""
    before = lock_of(make_plan(catalog))
    _, _, after = play(([catalog], {}), ([plugin("catalog", server="other")], {"catalog": PLACE}), ([catalog], {}))
    found, forgotten = remember(after, [("HEAD", before)])
    assert (found, forgotten) == (after, [])


# --- renames that are applied everywhere ------------------------------------------------------------------------------


def settled(lock: Lock, **applied: str) -> Lock:
    found = settle(lock, applied)
    assert found is not None
    return found


def test_an_old_name_is_free_once_every_environment_has_the_new_one() -> None:
    a, b = plugin("a", database="x"), plugin("b", database="y")
    lock = lock_of(run([a, b], [plugin("a", database="z"), b]), lock_of(make_plan(a, b)))
    wanted = [plugin("a", database="z"), plugin("b", database="x")]

    def codes(lock: Lock) -> list[str]:
        diagnostics = Diagnostics()
        reconcile(make_plan(*wanted), lock, diagnostics, resolved={})
        return [item.code for item in diagnostics]

    assert codes(lock) == ["GR524"]
    assert codes(settled(lock, x="something", y="z")) == ["GR524"]  # another rename than that one
    assert codes(settled(lock, x="z")) == []


def test_git_may_have_the_old_name() -> None:
    before = lock_of(make_plan(catalog))
    renamed = [plugin("catalog", database="entities")]
    now = settled(lock_of(run([catalog], renamed), before), backstage_plugin_catalog="entities")
    assert remember(now, [("HEAD", before)])[1] != []
    assert remember(now, [("HEAD", before)], {"backstage_plugin_catalog": "entities"})[1] == []


def test_schemas_of_a_database_that_was_renamed() -> None:
    before, between, after = (
        [plugin(name, database=database, schema=f"{prefix}{name}") for name in ("a", "b")]
        for database, prefix in (("all", ""), ("every", ""), ("every", "x_"))
    )
    lock = lock_of(run(before, between), lock_of(make_plan(*before)))
    for known, errors in ((lock, ["GR529", "GR529"]), (settled(lock, all="every"), [])):
        diagnostics = Diagnostics()
        plan = reconcile(make_plan(*after), known, diagnostics, resolved={})
        assert [item.code for item in diagnostics] == errors
        assert [item.schema_renamed_from for item in plan.plugins] == ["a", "b"]
    assert "plugins.renamesApplied" in {item.code: item.hint for item in attempt(before, between, after)[1]}["GR529"]


def test_a_label_that_is_the_same_plugins_under_its_old_id() -> None:
    lock = lock_of(make_plan(plugin("a:b")))
    lock = lock._replace(plugins={"a:b": lock.plugins["a:b"]._replace(label="a_b")})
    plan = make_plan(plugin("a_b", database="backstage_plugin_a:b", role="backstage_a:b"))
    diagnostics = Diagnostics()
    reconcile(plan, lock, diagnostics, resolved={})
    (label,) = [item for item in diagnostics if item.code == "GR525"]
    (line,) = re.findall(r'`"(\S+)": (\S+)` to plugins\.renamed', label.hint)
    diagnostics = Diagnostics()
    renamed = rename_plugins(lock, dict([line]), {"a_b"}, {}, diagnostics)
    reconcile(plan, renamed, diagnostics, resolved={})
    assert not list(diagnostics)


# --- hints and page ---------------------------------------------------------------------------------------------------


def test_every_hint_leads_to_its_section() -> None:
    from generator.planning.history import ways

    text = Path(ways.__file__).read_text()
    assert set(re.findall(r"\(GR(\d+)\)", text)) == set(re.findall(r"^## GR(\d+)", PAGE, re.MULTILINE))


def test_names_that_yaml_or_a_shell_would_take_for_something_else() -> None:
    odd = plugin("catalog", database="my db: {x}", role="it's", schema="Up")
    _, diagnostics, _ = attempt([odd], [plugin("catalog", database="my db: {x}", role="it's", schema="Up", server="other")])
    (problem,) = diagnostics
    (line,) = re.findall(r"`(catalog: .*?)` to plugins\.moved", problem.hint)
    assert line == 'catalog: "it\'s@primary/my db: {x}.Up"'
    assert (
        """pg_dump -Fc --no-owner --no-acl -n '"Up"' -h OLD -U 'it'"'"'s' -d 'my db: {x}' -f catalog.dump""" in problem.hint
    )


def test_the_settings_are_read(tmp_path: Path) -> None:
    text = re.findall(r"```yaml\n(# greenroom.yaml\n.*?)```", PAGE, re.DOTALL)
    assert text
    (tmp_path / "greenroom.yaml").write_text(text[0])
    diagnostics = Diagnostics()
    settings = read_settings(None, root=tmp_path, diagnostics=diagnostics)
    assert not list(diagnostics)
    assert settings.moved == {"catalog": PLACE}
    for other in re.findall(r"```yaml\n(plugins:\n.*?)```", PAGE, re.DOTALL):
        (tmp_path / "greenroom.yaml").write_text(other)
        settings = read_settings(None, root=tmp_path, diagnostics=diagnostics)
        assert settings.renames_applied or settings.dropped
        assert not list(diagnostics)


# --- nothing is ever lost ---------------------------------------------------------------------------------------------

anywhere = st.lists(
    st.builds(
        plugin,
        st.sampled_from(["a", "b", "c"]),
        database=st.sampled_from(["x", "y"]),
        schema=st.sampled_from([None, "s"]),
        server=st.sampled_from(["primary", "other"]),
    ),
    unique_by=lambda item: item.name,
    max_size=3,
)


@given(st.lists(st.tuples(st.sampled_from(["postgresql", "mysql"]), anywhere), min_size=2, max_size=5))
def test_whatever_is_said_to_have_moved_nothing_is_forgotten(history: list[tuple[str, list[Wanted]]]) -> None:
    """Each place that was ever generated is planned, a rename of what is planned, or retired. Refused steps are left out."""
    lock: Lock | None = None
    places: set[tuple[str, str, str, str | None, str]] = set()
    for engine, wanted in history:
        fresh = make_plan(*(replace(item, engine=engine) for item in wanted))
        moved = {name: place_of(old) for name, old in (lock.known if lock else {}).items()}
        previous = leave(lock, fresh, moved)
        diagnostics = Diagnostics()
        plan = reconcile(fresh, previous, diagnostics, resolved={})
        if diagnostics.has_errors:
            continue
        renamed = {(item.server, item.renamed_from): item.name for item in plan.databases if item.renamed_from}
        roles = {(item.server, item.renamed_from): item.name for item in plan.roles if item.renamed_from}
        schemas = {
            (item.server, item.database.name, item.schema_renamed_from): item.schema
            for item in plan.plugins
            if item.schema_renamed_from
        }
        places = {
            (
                engine,
                server,
                database := renamed.get((server, was), was),
                schemas.get((server, database, schema), schema),
                roles.get((server, role), role),
            )
            for engine, server, was, schema, role in places
        }
        lock = lock_of(plan, previous)
        there = {(old.engine, old.server, old.database, old.schema, old.role) for old in lock.known.values()}
        assert places <= there
        places |= there
