"""What an earlier run generated and what is planned now: retirement, renames, and what must not happen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import Wanted, make_plan, plugin

from generator.backstage.database.resolved import PluginDatabase
from generator.planning.history import Lock, read_lock, reconcile, write_lock
from generator.problems.diagnostic import Diagnostics, Location
from generator.settings.model import Adopted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.planning.model import Plan


def lock_of(plan: Plan, previous: Lock | None = None) -> Lock:
    """The lock file of ``plan``, written and read."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "greenroom.lock.json"
        path.write_bytes(write_lock(plan, {}, previous=previous))
        diagnostics = Diagnostics()
        found = read_lock(path, diagnostics)
    assert found, [item.render() for item in diagnostics]
    return found


def run(*history: Sequence[Wanted]) -> Plan:
    """Generate for each of ``history`` in turn; every run but the last has to go well, and the last one too."""
    plan, diagnostics, _ = attempt(*history)
    assert not diagnostics.has_errors, [item.render() for item in diagnostics]
    return plan


def attempt(*history: Sequence[Wanted]) -> tuple[Plan, Diagnostics, Lock | None]:
    lock: Lock | None = None
    for number, wanted in enumerate(history):
        diagnostics = Diagnostics()
        plan = reconcile(make_plan(*wanted), lock, diagnostics, resolved=sources(wanted))
        if number + 1 < len(history):
            assert not diagnostics.has_errors, [item.render() for item in diagnostics]
            lock = lock_of(plan, lock)
    return plan, diagnostics, lock


def sources(wanted: Sequence[Wanted]) -> dict[str, PluginDatabase]:
    """As if app-config said each name of a plugin on a line of its own."""
    return {
        item.name: PluginDatabase(
            plugin_id=item.name,
            sources={
                key: Location(f"{item.name}.yaml", line)
                for line, key in enumerate(
                    ("client", "connection.host", "pluginDivisionMode", "databaseName", "connection.user"), 1
                )
            },
        )
        for item in wanted
    }


def error(*history: Sequence[Wanted]) -> tuple[str, str, str]:
    """The code, place and text of the only error of the last run."""
    _, diagnostics, _ = attempt(*history)
    [item] = [item for item in diagnostics if item.severity == "error"]
    assert item.hint
    assert item.path.startswith("backend.database.plugin.")
    return item.code, str(item.location), item.summary


catalog, auth, search = plugin("catalog"), plugin("auth"), plugin("search")


def test_without_a_lock_the_plan_is_the_plan() -> None:
    plan = make_plan(catalog)
    assert reconcile(plan, None, Diagnostics(), resolved={}) is plan


def test_the_same_again_changes_nothing() -> None:
    assert run([catalog, auth], [catalog, auth]) == make_plan(catalog, auth)


# --- retirement -------------------------------------------------------------------------------------------------------


def test_a_plugin_that_disappears_is_retired_and_stays_so() -> None:
    for history in ([[catalog, auth], [auth]], [[catalog, auth], [auth], [auth], [auth, search]]):
        [gone] = run(*history).retired
        assert (gone.plugin_id, gone.label, gone.server, gone.engine) == ("catalog", "catalog", "primary", "postgresql")
        assert (gone.database, gone.schema, gone.role) == ("backstage_plugin_catalog", None, "backstage_catalog")


def test_the_last_plugin_may_go_too() -> None:
    assert [gone.plugin_id for gone in run([catalog, auth], []).retired] == ["auth", "catalog"]


def test_a_plugin_that_comes_back_is_not_retired() -> None:
    assert run([catalog, auth], [auth], [catalog, auth]).retired == ()


def test_a_plugin_that_comes_back_under_another_name_is_renamed() -> None:
    plan = run([catalog], [], [plugin("catalog", database="db2")])
    assert plan.databases[0].renamed_from == "backstage_plugin_catalog"


def test_a_plugin_that_moved_to_sqlite_is_retired_with_a_warning() -> None:
    diagnostics = Diagnostics()
    lock = lock_of(make_plan(catalog, auth))
    plan = reconcile(make_plan(auth, not_provisioned=["catalog"]), lock, diagnostics, resolved=sources([catalog]))
    assert [gone.plugin_id for gone in plan.retired] == ["catalog"]
    assert [(item.code, item.severity, str(item.location)) for item in diagnostics] == [
        ("GR526", "warning", "catalog.yaml:1")
    ]


def test_a_schema_of_a_retired_plugin_is_remembered() -> None:
    a, b = plugin("a", database="all", schema="a"), plugin("b", database="all", schema="b")
    [gone] = run([a, b], [a]).retired
    assert (gone.database, gone.schema) == ("all", "a" if gone.plugin_id == "a" else "b")
    # The database they shared gets another name: what was left in it is there as well.
    [gone] = run([a, b], [a], [plugin("a", database="other", schema="a")]).retired
    assert (gone.plugin_id, gone.database, gone.schema) == ("b", "other", "b")


def test_the_label_of_a_retired_plugin_is_not_free() -> None:
    diagnostics = Diagnostics()
    lock = lock_of(make_plan(plugin("a-b")))
    plan = make_plan(plugin("a_b"))
    plan = plan._replace(plugins=(plan.plugins[0]._replace(label="a-b"),))
    reconcile(plan, lock, diagnostics, resolved={})
    assert [item.code for item in diagnostics] == ["GR525"]


# --- renames ----------------------------------------------------------------------------------------------------------


def test_a_changed_name_is_a_rename_and_stays_one() -> None:
    after = [plugin("catalog", database="db2", role="role2"), auth]
    for history in ([[catalog, auth], after], [[catalog, auth], after, after, after]):
        plan = run(*history)
        found = {item.name: item.renamed_from for item in (*plan.databases, *plan.roles)}
        assert found == {
            "db2": "backstage_plugin_catalog",
            "role2": "backstage_catalog",
            "backstage_plugin_auth": None,
            "backstage_auth": None,
        }
        assert all(item.database in plan.databases and item.role in plan.roles for item in plan.plugins)


def test_the_lock_of_a_rename_does_not_change_any_more() -> None:
    after = [plugin("catalog", database="db2")]
    plan, _, lock = attempt([catalog], after, after)
    again, _, later = attempt([catalog], after, after, after)
    assert (again, later) == (plan, lock)
    assert lock is not None
    assert [names.database for names in lock.plugins["catalog"].formerly] == ["backstage_plugin_catalog"]


def test_a_second_rename_replaces_the_first() -> None:
    plan = run([catalog], [plugin("catalog", database="b")], [plugin("catalog", database="c")])
    assert plan.databases[0].renamed_from == "b"


def test_a_rename_back() -> None:
    plan = run([catalog], [plugin("catalog", database="b")], [catalog])
    assert plan.databases[0].renamed_from == "b"


def test_everything_may_be_renamed_at_once() -> None:
    names = ["a", "b", "c"]
    plan = run([plugin(name) for name in names], [plugin(name, database=f"x_{name}") for name in names])
    assert {item.name: item.renamed_from for item in plan.databases} == {f"x_{n}": f"backstage_plugin_{n}" for n in names}


def test_schemas_and_the_database_they_share() -> None:
    before = [plugin(name, database="all", schema=name) for name in ("a", "b")]
    between = [plugin(name, database="every", schema=name) for name in ("a", "b")]
    after = [plugin(name, database="every", schema=f"x_{name}") for name in ("a", "b")]
    # Until every environment has applied the one, the other is refused: see test_moves.py.
    assert {item.code for item in attempt(before, between, after)[1]} == {"GR529"}
    first = [plugin(name, database="all", schema=f"x_{name}") for name in ("a", "b")]
    for plan in (run(before, first, after), run(before, first, after, after)):
        assert [item.renamed_from for item in plan.databases] == ["all"]
        assert [item.schema_renamed_from for item in plan.plugins] == ["a", "b"]


def test_a_schema_and_its_database_are_not_renamed_in_one_run() -> None:
    before, after = [plugin("a", database="all", schema="a")], [plugin("a", database="every", schema="x_a")]
    assert error(before, after)[0] == "GR529"


def test_a_shared_database_is_not_renamed_twice() -> None:
    one, two, three = ([plugin(name, database=database) for name in ("a", "b")] for database in ("x", "y", "z"))
    assert error(one, two, three)[0] == "GR528"
    run(one, two, one)  # back again is the same rename the other way round


def test_a_database_renamed_twice_is_warned_about() -> None:
    one, two, three = ([plugin("a", database=database)] for database in ("x", "y", "z"))
    plan, diagnostics, _ = attempt(one, two, three)
    assert [(item.code, str(item.severity)) for item in diagnostics] == [("GR528", "warning")]
    assert plan.databases[0].renamed_from == "y"


def test_a_shared_database_stays_one_when_the_others_are_gone() -> None:
    together = [plugin("a", database="x"), plugin("b", database="x")]
    for plan in (run(together, together[:1]), run(together, together[:1], together[:1])):
        assert [(item.name, item.shared) for item in plan.databases] == [("x", True)]
        assert [item.plugin_id for item in plan.retired] == ["b"]
        assert plan.databases[0].group == plan.roles[0].group


def test_a_shared_database_and_a_shared_role_are_renamed_together() -> None:
    before = [plugin(name, database="both", role="both") for name in ("a", "b")]
    after = [plugin(name, database="two", role="two") for name in ("a", "b")]
    plan = run(before, after)
    assert [item.renamed_from for item in (*plan.databases, *plan.roles)] == ["both", "both"]


def test_a_plugin_may_join_a_schema_mode_database() -> None:
    a, b = plugin("a", database="all", schema="a"), plugin("b", database="all", schema="b")
    assert run([a], [a, b]) == make_plan(a, b)


def test_the_same_names_on_two_servers_have_nothing_to_do_with_each_other() -> None:
    a, b = plugin("a", database="x", role="x"), plugin("b", database="x", role="x", server="other")
    moved = plugin("a", database="y", role="y")
    plan = run([a, b], [moved, b])
    assert {(item.server, item.name): item.renamed_from for item in plan.databases} == {
        ("primary", "y"): "x",
        ("other", "x"): None,
    }


def test_password_versions_are_carried_over() -> None:
    lock = lock_of(make_plan(catalog, auth))
    lock = lock._replace(plugins={**lock.plugins, "catalog": lock.plugins["catalog"]._replace(password_version=7)})
    plan = reconcile(make_plan(catalog, auth), lock, Diagnostics(), resolved={})
    assert {item.name: item.password_version for item in plan.roles} == {"backstage_catalog": 7, "backstage_auth": 1}
    # Over a rename and a retirement too.
    gone = lock_of(reconcile(make_plan(auth), lock, Diagnostics(), resolved={}), lock)
    back = reconcile(make_plan(auth, plugin("catalog", role="r")), gone, Diagnostics(), resolved={})
    assert {item.name: item.password_version for item in back.roles} == {"r": 7, "backstage_auth": 1}


# --- what would lose data ---------------------------------------------------------------------------------------------


def test_another_server() -> None:
    assert error([catalog], [plugin("catalog", server="other")])[:2] == ("GR520", "catalog.yaml:2")


def test_moving_to_another_server_says_how() -> None:
    _, diagnostics, _ = attempt([catalog], [plugin("catalog", server="other")])
    (problem,) = diagnostics
    place = "-U backstage_catalog -d backstage_plugin_catalog"
    assert f"`pg_dump -Fc --no-owner --no-acl -h OLD {place} -f catalog.dump`" in problem.hint
    assert f"`pg_restore -1 --no-owner --no-acl -h NEW {place} catalog.dump`" in problem.hint
    assert "`catalog: backstage_catalog@primary/backstage_plugin_catalog` to plugins.moved" in problem.hint


def test_a_plugin_that_comes_back_is_taken_over() -> None:
    auth = plugin("auth")
    plan, _, lock = attempt([auth, catalog], [auth], [auth, catalog], [auth, catalog])
    assert lock is not None
    assert (lock.plugins["catalog"].returned, lock.plugins["auth"].returned) == (True, False)
    # It stays so: another environment may still have to see it.
    assert plan.adopted == (
        Adopted("primary", ("backstage_plugin_catalog",), (), ("backstage_catalog",), (("backstage_catalog", 0),)),
    )


def test_a_schema_that_comes_back() -> None:
    plugins = [plugin(name, database="portal", schema=name) for name in ("auth", "catalog")]
    assert run(plugins, plugins[:1], plugins).adopted == (
        Adopted("primary", ("portal",), (("portal", "catalog"),), ("backstage_catalog",), (("backstage_catalog", 0),)),
    )


def test_what_the_user_adopts_counts_too() -> None:
    adopted = (Adopted("other", ("x",)), Adopted("primary", ("y",)))
    lock = lock_of(run([catalog], []), lock_of(run([catalog])))
    plan = reconcile(make_plan(catalog)._replace(adopted=adopted), lock, Diagnostics(), resolved=sources([catalog]))
    assert plan.adopted == (
        Adopted("other", ("x",)),
        Adopted("primary", ("backstage_plugin_catalog", "y"), (), ("backstage_catalog",), (("backstage_catalog", 0),)),
    )


def there(adopted: Adopted) -> set[str]:
    """What is adopted, by the names on the server."""
    return {
        *(".".join(adopted.there("database", name)) for name in adopted.databases),
        *(".".join(adopted.there("schema", *names)) for names in adopted.schemas),
        *(".".join(adopted.there("role", name)) for name in adopted.roles),
    }


def test_a_plugin_that_comes_back_is_called_what_it_left_as() -> None:
    renamed = plugin("catalog", database="db2", role="role2")
    again = plugin("catalog", database="db3", role="role3")
    for history, wanted in (
        ([[catalog], [], [renamed], [renamed]], {"backstage_plugin_catalog", "backstage_catalog"}),
        # Another name later on: whoever has not seen it come back has the one it left with.
        ([[catalog], [], [renamed], [again], [again]], {"backstage_plugin_catalog", "backstage_catalog"}),
        # It was renamed while it was there, so that is what it left with.
        ([[catalog], [renamed], [], [renamed], [renamed]], {"db2", "role2"}),
        ([[catalog], [renamed], [], [again], [again]], {"db2", "role2"}),
        # Back and away again: the last time counts.
        ([[catalog], [], [renamed], [], [again]], {"db2", "role2"}),
    ):
        (entry,) = run(*history).adopted
        assert there(entry) == wanted
        assert (entry.databases, entry.roles) == ((history[-1][0].database,), (history[-1][0].role,))


def test_a_schema_that_comes_back_under_another_name() -> None:
    before = [plugin(name, database="portal", schema=name) for name in ("auth", "catalog")]
    after = [plugin(name, database="portal", schema=f"bs_{name}") for name in ("auth", "catalog")]
    (entry,) = run(before, before[:1], after).adopted
    assert there(entry) == {"portal", "portal.catalog", "backstage_catalog"}
    assert entry.schemas == (("portal", "bs_catalog"),)


def with_adopted(*entries: Adopted, history: Sequence[Sequence[Wanted]]) -> tuple[Adopted, ...]:
    """What is adopted in the last of several runs with the same list."""
    lock = None
    for wanted in history:
        plan = make_plan(*wanted)._replace(adopted=entries)
        plan = reconcile(plan, lock, Diagnostics(), resolved=sources(wanted))
        lock = lock_of(plan, lock)
    return plan.adopted


def test_what_was_adopted_is_known_by_every_name_it_ever_had() -> None:
    names = [catalog, *(plugin("catalog", database=f"db{n}", role=f"role{n}") for n in (2, 3))]
    listed = Adopted(
        "primary", ("backstage_plugin_catalog", "other"), (), ("backstage_catalog",), (("backstage_catalog", 4),)
    )
    for number in (1, 2, 3):
        (entry,) = with_adopted(listed, history=[[item] for item in names[:number]] * 2)
        last = names[number - 1]
        assert there(entry) == {"backstage_plugin_catalog", "backstage_catalog", "other"}
        assert entry.databases == tuple(sorted((last.database, "other")))  # nobody knows the other one: GR314
        assert entry.secrets == ((last.role, 4),)


def test_of_several_names_in_the_list_the_newest_counts() -> None:
    names = [catalog, *(plugin("catalog", database=f"db{n}") for n in (2, 3))]
    listed = Adopted("primary", ("backstage_plugin_catalog", "db2"))
    (entry,) = with_adopted(listed, history=[[item] for item in names])
    assert (entry.databases, there(entry)) == (("db3",), {"db2"})
    (entry,) = with_adopted(listed._replace(databases=("db2", "db3")), history=[[item] for item in names])
    assert (entry.databases, there(entry)) == (("db3",), {"db3"})


def test_what_is_listed_and_what_a_plugin_left_differ() -> None:
    """The newer of the two counts: a list is older than what became of a plugin since, and newer after another ``adopt``."""
    two, three = (plugin("catalog", database=f"db{n}") for n in (2, 3))
    first = Adopted("primary", ("backstage_plugin_catalog",), (), ("backstage_catalog",))
    lock = None

    def generate(wanted: Sequence[Wanted], listed: Adopted) -> set[str]:
        nonlocal lock
        plan = reconcile(make_plan(*wanted)._replace(adopted=(listed,)), lock, Diagnostics(), resolved=sources(wanted))
        lock = lock_of(plan, lock)
        assert lock_of(plan, lock).plugins == lock.plugins, "a second run changes nothing"
        (entry,) = plan.adopted
        return there(entry)

    def made_now(listed: Adopted) -> Adopted:
        return listed._replace(as_of=lock.digest if lock else None)

    for stamp in (lambda listed: listed, made_now):  # as a person writes it; as `greenroom adopt` does
        lock = None
        generate([catalog], first)
        listed = stamp(first)
        for wanted in ([two], []):
            generate(wanted, listed)
        for wanted in ([three], [three], [two], [three]):
            assert generate(wanted, listed) == {"db2", "backstage_catalog"}
        # The server has the name of before all the same (an apply that was killed), and `adopt` saw it.
        listed = made_now(first)
        for wanted in ([three], [three], [two]):
            assert generate(wanted, listed) == {"backstage_plugin_catalog", "backstage_catalog"}
        # Away and back again: what it left is newer.
        for wanted in ([], [three], [three], [two]):
            seen = generate(wanted, listed)
        assert seen == {"db2", "backstage_catalog"}
        # `adopt` in the change that brings it back sees the server as it is.
        generate([], listed)
        listed = made_now(first)
        for wanted in ([three], [three], [two]):
            assert generate(wanted, listed) == {"backstage_plugin_catalog", "backstage_catalog"}


def test_a_name_of_a_retired_plugin_needs_no_correction() -> None:
    listed = Adopted("primary", ("backstage_plugin_catalog", "backstage_plugin_auth"), (), ("backstage_catalog",))
    (entry,) = with_adopted(listed, history=[[catalog, auth], [auth]])
    assert (entry.databases, entry.roles) == (("backstage_plugin_auth",), ())


@pytest.mark.parametrize(
    ("away", "back", "secrets"),
    [
        ("a", "a", (("backstage_catalog", 0),)),
        ("a", "b", ()),  # imported, it would be deleted by the same apply: it stays where it is
    ],
)
def test_the_secret_of_a_plugin_that_is_back(away: str, back: str, secrets: tuple[tuple[str, int], ...]) -> None:
    def named(secret: str, *wanted: Wanted) -> Plan:
        plan = make_plan(*wanted)._replace(store="vault")
        roles = {role.name: role._replace(secret_name=f"{secret}/{role.name}") for role in plan.roles}
        plugins = tuple(item._replace(role=roles[item.role.name]) for item in plan.plugins)
        return plan._replace(roles=tuple(roles.values()), plugins=plugins)

    lock = None
    for plan in (named("z", catalog), named(away, catalog), named(away), named(back, catalog), named(back, catalog)):
        reconciled = reconcile(plan, lock, Diagnostics(), resolved=sources([catalog]))
        lock = lock_of(reconciled, lock)
    (entry,) = reconciled.adopted
    assert entry.secrets == secrets


def test_a_role_that_was_in_use_all_along_kept_its_secret() -> None:
    plugins = [plugin(name, database="both", role="both") for name in ("auth", "catalog")]
    (entry,) = run(plugins, plugins[:1], plugins).adopted
    assert (entry.roles, entry.secrets) == (("both",), ())


def test_a_role_becomes_that_of_all_plugins_or_is_no_longer() -> None:
    def common(plan: Plan) -> Plan:
        roles = {role.name: role._replace(is_common=True) for role in plan.roles}
        plugins = tuple(item._replace(role=roles[item.role.name]) for item in plan.plugins)
        return plan._replace(roles=tuple(roles.values()), plugins=plugins)

    for before, after in (
        (make_plan(catalog), common(make_plan(catalog))),
        (common(make_plan(catalog)), make_plan(catalog)),
    ):
        diagnostics = Diagnostics()
        reconcile(after, lock_of(before), diagnostics, resolved=sources([catalog]))
        assert [item.code for item in diagnostics] == ["GR532"]


def test_another_division_mode() -> None:
    schema = plugin("catalog", schema="catalog")
    assert error([catalog], [schema])[:2] == ("GR521", "catalog.yaml:3")
    assert error([schema], [catalog])[:2] == ("GR521", "catalog.yaml:3")


def test_another_engine() -> None:
    assert error([catalog], [plugin("catalog", engine="mysql")])[:2] == ("GR522", "catalog.yaml:1")


def test_a_database_becomes_shared_or_is_no_longer() -> None:
    together = [plugin("a", database="x"), plugin("b", database="x")]
    apart = [plugin("a", database="x"), plugin("b", database="y")]
    for before, after in ((apart, together), (together, apart)):
        _, diagnostics, _ = attempt(before, after)
        assert {item.code for item in diagnostics} <= {"GR523", "GR524"}
        assert "GR523" in {item.code for item in diagnostics}
    assert error([together[0]], together)[0] == "GR523"


def test_swapped_names() -> None:
    before = [plugin("a", database="x"), plugin("b", database="y")]
    after = [plugin("a", database="y"), plugin("b", database="x")]
    _, diagnostics, _ = attempt(before, after)
    assert [item.code for item in diagnostics] == ["GR524", "GR524"]
    assert all("swapped" in item.summary and "third name" in item.hint for item in diagnostics)


def test_a_chain_of_names() -> None:
    before = [plugin("a", database="x"), plugin("b", database="y")]
    after = [plugin("a", database="y"), plugin("b", database="z")]
    code, place, summary = error(before, after)
    assert (code, place) == ("GR524", "a.yaml:4")
    assert "'y'" in summary
    assert "'b'" in summary
    # One at a time it goes.
    b_first = [plugin("a", database="x"), plugin("b", database="z")]
    code, _, summary = error(before, b_first, after)
    assert (code, "may not have been applied" in summary) == ("GR524", True)


def test_a_new_plugin_takes_a_name_that_was_just_given_up() -> None:
    code, _, summary = error([plugin("a", database="x")], [plugin("a", database="y"), plugin("b", database="x")])
    assert (code, "still that of 'a'" in summary) == ("GR524", True)


def test_a_name_with_a_retired_plugins_data() -> None:
    for history in ([[catalog], [plugin("new", database="backstage_plugin_catalog")]],):
        code, place, summary = error(*history)
        assert (code, place) == ("GR524", "new.yaml:4")
        assert "retired plugin 'catalog'" in summary
    assert error([catalog], [], [plugin("new", role="backstage_catalog")])[0] == "GR524"
    a, b = plugin("a", database="x"), plugin("b", database="y")
    assert error([a, b], [plugin("a", database="y")])[0] == "GR524"


def test_databases_and_roles_that_are_merged_or_split() -> None:
    apart = [plugin("a", database="x", schema="a"), plugin("b", database="y", schema="b")]
    merged = [plugin("a", database="x", schema="a"), plugin("b", database="x", schema="b")]
    third = [plugin("a", database="z", schema="a"), plugin("b", database="z", schema="b")]
    split = [plugin("a", database="z", schema="a"), plugin("b", database="w", schema="b")]
    for before, after in ((apart, merged), (merged, apart), (apart, third), (merged, split)):
        _, diagnostics, _ = attempt(before, after)
        assert {item.code for item in diagnostics} == {"GR524"}
    roles = [plugin("a", role="r"), plugin("b", role="r")]
    assert error(roles, [plugin("a", role="r"), plugin("b", role="s")])[0] == "GR524"


def test_mysql_renames_neither_databases_nor_users() -> None:
    before = [plugin("catalog", engine="mysql")]
    assert error(before, [plugin("catalog", database="x", engine="mysql")])[:2] == ("GR527", "catalog.yaml:4")
    code, place, text = error(before, [plugin("catalog", role="x", engine="mysql")])
    assert (code, place) == ("GR527", "catalog.yaml:5")
    assert "views it made stop working" in text


def test_every_problem_is_reported() -> None:
    before = [plugin("a"), plugin("b"), plugin("c")]
    after = [plugin("a", server="other"), plugin("b", schema="b"), plugin("c", database="backstage_plugin_a")]
    _, diagnostics, _ = attempt(before, after)
    assert {"GR520", "GR521"} <= {item.code for item in diagnostics}


wanted_plugins = st.lists(
    st.builds(
        plugin,
        st.sampled_from(["a", "b", "c", "d"]),
        database=st.sampled_from(["w", "x", "y", "z"]),
        role=st.sampled_from(["w", "x", "y", "z"]),
    ),
    unique_by=lambda item: item.name,
    max_size=4,
)


@given(wanted_plugins, wanted_plugins)
def test_no_data_ever_changes_hands(before: list[Wanted], after: list[Wanted]) -> None:
    """Play the plan on what is there: who had data still has exactly that, and nobody else's."""
    lock = lock_of(make_plan(*before))
    diagnostics = Diagnostics()
    plan = reconcile(make_plan(*after), lock, diagnostics, resolved={})
    if diagnostics.has_errors:
        return
    for kind in ("database", "role"):
        owners_of: dict[str, set[str]] = defaultdict(set)
        for item in before:
            owners_of[getattr(item, kind)].add(item.name)
        planned = plan.databases if kind == "database" else plan.roles
        renamed = {item.renamed_from: item.name for item in planned if item.renamed_from}
        assert not set(renamed.values()) & set(owners_of), "a rename onto something that is there"
        there = {renamed.get(name, name): owners for name, owners in owners_of.items()}
        for item in after:
            name = getattr(item, kind)
            owners = there.get(name, set())
            had_one = item.name in {other.name for other in before}
            assert (item.name in owners) == had_one
            sharing = {other.name for other in after if getattr(other, kind) == name}
            others = owners - {item.name} - sharing
            # Who joins what others go on sharing finds all of it, also what one of them left: that is what sharing means.
            assert not others or had_one or owners & sharing, "a new plugin finds another one's data"
    assert run(before, after, after) == plan


@given(wanted_plugins, st.data())
def test_new_names_for_everything_are_never_refused(before: list[Wanted], data: st.DataObject) -> None:
    """As long as every old name becomes one new name that nothing else has, any number of them may change at once."""
    new = {name: data.draw(st.sampled_from([name, f"new_{name}"])) for name in "wxyz"}
    after = [replace(item, database=new[item.database], role=new[item.role]) for item in before]
    plan = run(before, after)
    assert all(item.renamed_from in (None, item.name.removeprefix("new_")) for item in (*plan.databases, *plan.roles))
