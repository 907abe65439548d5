"""What an earlier lock file knows and the present one does not is kept, and said; what was renamed or dropped is not."""

from __future__ import annotations

import pytest

from generator.planning.history.record import Lock, LockedPlugin, Names
from generator.planning.history.remember import remember
from generator.planning.history.renamed import mark_dropped, rename_plugins
from generator.problems.diagnostic import Diagnostics


def locked(name: str, **values: object) -> LockedPlugin:
    given: dict[str, object] = {
        "label": name,
        "server": "primary",
        "engine": "postgresql",
        "database": f"backstage_plugin_{name}",
        "schema": None,
        "role": f"backstage_{name}",
        "password_version": 1,
        "shared": False,
    }
    return LockedPlugin(**given | values)  # type: ignore[arg-type]


def lock(*names: str, retired: tuple[str, ...] = ()) -> Lock:
    return Lock(plugins={name: locked(name) for name in names}, retired={name: locked(name) for name in retired})


def said(present: Lock | None, earlier: Lock) -> list[str]:
    _, forgotten = remember(present, [("main", earlier)])
    return [f"{item.plugin_id}: {item.what}" for item in forgotten]


@pytest.mark.parametrize("present", [lock("auth"), None])
def test_a_plugin_that_is_not_mentioned_is_kept_where_it_was(present: Lock | None) -> None:
    earlier = lock("search", retired=("explore",))
    kept, forgotten = remember(present, [("main", earlier)])
    assert kept is not None
    assert kept.plugins["search"] == earlier.plugins["search"]
    assert kept.retired["explore"] == earlier.retired["explore"]
    assert {(item.plugin_id, item.whole, item.origin) for item in forgotten} == {
        ("search", True, "main"),
        ("explore", True, "main"),
    }


def test_a_plugin_that_is_planned_or_retired_is_not_forgotten() -> None:
    assert said(lock("auth", retired=("search",)), lock("auth", "search")) == []


@pytest.mark.parametrize(
    ("now", "was", "what"),
    [
        ({"database": "a"}, {"database": "b"}, "database 'b'"),
        ({"role": "a"}, {"role": "b"}, "role 'b'"),
        ({"schema": "a"}, {"schema": "b"}, "schema 'b'"),
        ({"server": "other"}, {}, "server 'primary'"),
        ({"engine": "mysql"}, {}, "server 'primary'"),
        ({}, {"store": "vault", "secret": "s"}, "secret 's'"),
        ({"store": "aws-ssm", "secret": "s"}, {"store": "vault", "secret": "s"}, "secret 's'"),
        ({"database": "a", "role": "c"}, {"database": "b", "role": "d"}, "database 'b' and role 'd'"),
    ],
)
def test_a_name_that_went_without_a_rename(now: dict[str, str], was: dict[str, str], what: str) -> None:
    present = Lock(plugins={"catalog": locked("catalog", **now)})
    earlier = Lock(plugins={"catalog": locked("catalog", **was)})
    assert said(present, earlier) == [f"catalog: {what}"]
    kept, _ = remember(present, [("main", earlier)])
    assert kept is not None
    assert kept.plugins["catalog"] == earlier.plugins["catalog"]


def test_a_rename_forgets_nothing() -> None:
    before = locked("catalog", store="vault", secret="old", schema="old")
    names = Names(database=before.database, schema="old", role=before.role, store="vault", secret="old")
    now = locked("catalog", database="new", role="new", schema="new", store="aws-ssm", secret="new", renamed_from=names)
    assert said(Lock(plugins={"catalog": now}), Lock(plugins={"catalog": before})) == []


def test_a_rename_that_was_reverted_is_a_rename_back() -> None:
    renamed = locked("catalog", database="portal", renamed_from=Names(database="backstage_plugin_catalog"))
    kept, _ = remember(lock("catalog"), [("main", Lock(plugins={"catalog": renamed}))])
    assert kept is not None
    assert kept.plugins["catalog"].database == "portal"


def test_a_successor_is_no_forgotten_plugin() -> None:
    names = Names(database="backstage_plugin_explore", role="backstage_explore")
    successor = locked("tech-radar", former_ids=("explore",), renamed_from=names)
    assert said(Lock(plugins={"tech-radar": successor}), lock("explore")) == []
    assert said(Lock(plugins={"tech-radar": successor._replace(renamed_from=Names())}), lock("explore")) == [
        "tech-radar: database 'backstage_plugin_explore' and role 'backstage_explore'"
    ]


def test_a_change_of_id_that_was_taken_back() -> None:
    """A branch from before, or a revert: what the successor has is the plugin's again, and nothing empty is created."""
    names = Names(database="backstage_plugin_explore", role="backstage_explore")
    successor = locked("tech-radar", former_ids=("explore",), renamed_from=names)
    kept, forgotten = remember(lock("auth", "explore"), [("main", Lock(plugins={"tech-radar": successor}))])
    assert kept is not None
    assert set(kept.known) == {"auth", "explore"}
    assert kept.plugins["explore"] == successor._replace(label="explore", former_ids=("explore", "tech-radar"))
    assert [(item.plugin_id, item.what, item.whole) for item in forgotten] == [("explore", "the id 'tech-radar'", False)]
    # And on from there: nothing is forgotten any more, on either side.
    assert said(kept, Lock(plugins={"tech-radar": successor})) == []
    assert said(kept, kept) == []


def test_a_removal_that_was_taken_back() -> None:
    """What the plugin left has to be adopted, as it is where it simply comes back."""
    kept, forgotten = remember(lock("search"), [("main", lock(retired=("search",)))])
    assert kept is not None
    assert kept.retired["search"] == locked("search")
    assert "search" not in kept.plugins
    assert [item.what for item in forgotten] == ["the retirement"]
    assert said(kept, lock(retired=("search",))) == []


def test_what_a_plugin_left_is_remembered_with_its_return() -> None:
    """Where the base has another name for a plugin that returned here, that name counts, and it has returned still."""
    back = locked("search", database="b", returned=True, left=Names(database="a", role="r"), left_as_of="0" * 16)
    kept, _ = remember(Lock(plugins={"search": back}), [("main", Lock(plugins={"search": locked("search", database="c")}))])
    assert kept is not None
    found = kept.plugins["search"]
    assert (found.database, found.returned, found.left, found.left_as_of) == ("c", True, back.left, back.left_as_of)


def test_what_a_person_dropped_may_be_forgotten() -> None:
    dropped = Lock(plugins={}, retired={"search": locked("search", dropped=True)})
    assert said(lock("auth"), dropped) == []
    assert said(dropped, lock("search")) == []


def test_a_former_place_of_a_plugin_is_not_forgotten() -> None:
    before = locked("catalog")
    present = Lock(plugins={"catalog": locked("catalog", server="new")}, retired={"catalog (at primary)": before})
    assert said(present, Lock(plugins={"catalog": before})) == []


# --- plugins.renamed and plugins.dropped ------------------------------------------------------------------------------


def renamed(previous: Lock, ids: dict[str, str], *planned: str) -> tuple[Lock, list[str]]:
    diagnostics = Diagnostics()
    found = rename_plugins(previous, ids, planned, {}, diagnostics)
    assert found is not None
    return found, [item.code for item in diagnostics.items]


def test_a_renamed_plugin_has_what_the_old_one_had() -> None:
    found, codes = renamed(lock("explore", "auth"), {"explore": "tech-radar"}, "auth", "tech-radar")
    assert codes == []
    assert set(found.plugins) == {"auth", "tech-radar"}
    assert found.plugins["tech-radar"] == locked("explore", former_ids=("explore",))


def test_a_retired_plugin_can_have_a_successor() -> None:
    found, _ = renamed(lock(retired=("explore",)), {"explore": "tech-radar"}, "tech-radar")
    assert set(found.retired) == {"tech-radar"}


def test_a_chain_of_renames() -> None:
    ids = {"a": "b", "b": "c"}
    assert renamed(lock("a"), ids, "c")[0].plugins["c"].former_ids == ("a", "b")
    assert renamed(lock("b"), ids, "c")[0].plugins["c"].former_ids == ("b",)
    assert renamed(lock("c"), ids, "c")[0] == lock("c")


@pytest.mark.parametrize(
    ("previous", "ids", "planned", "code"),
    [
        (lock("a"), {"a": "b"}, ("a", "b"), "GR533"),
        (lock("a", "b"), {"a": "b"}, ("b",), "GR534"),
        (lock("a"), {"a": "b", "b": "a"}, ("b",), "GR535"),
        (lock("a"), {"a": "a"}, ("b",), "GR535"),
        (Lock(plugins={"b": locked("b", former_ids=("a",))}), {}, ("a", "b"), "GR536"),
    ],
)
def test_renames_that_cannot_be(previous: Lock, ids: dict[str, str], planned: tuple[str, ...], code: str) -> None:
    assert code in renamed(previous, ids, *planned)[1]


def test_an_old_id_is_free_once_the_rename_is_applied_everywhere() -> None:
    diagnostics = Diagnostics()
    previous = Lock(plugins={"b": locked("b", former_ids=("a",))})
    assert rename_plugins(previous, {}, ("a", "b"), {}, diagnostics, {"a": "b"}) == previous
    assert not diagnostics.items


def test_dropped() -> None:
    diagnostics = Diagnostics()
    found = mark_dropped(lock("auth", retired=("search",)), ("search",), ("auth",), {}, diagnostics)
    assert found is not None
    assert not diagnostics.items
    assert found.retired["search"].dropped
    assert set(found.known) == {"auth", "search"}
    assert set(found.present) == {"auth"}
    mark_dropped(lock("auth"), ("auth", "serch"), ("auth",), {}, diagnostics)
    assert [item.code for item in diagnostics.items] == ["GR537", "GR538"]
