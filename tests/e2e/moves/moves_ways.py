"""The ways of docs/moving-data.md, each from the refusal to a green check: what was moved is there, what was left is too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moves_page import commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from moves_repository import Repository

CATALOG = "backstage_plugin_catalog"
TWO: dict[str, Any] = {"plugin": {"auth": {}, "catalog": {}}}


def schemas(*plugins: str, database: str = "portal") -> dict[str, Any]:
    """Schema mode."""
    return {"pluginDivisionMode": "schema", "connection": {"database": database}, "plugin": {name: {} for name in plugins}}


# --- GR520 ------------------------------------------------------------------------------------------------------------


def _elsewhere(repository: Repository) -> tuple[dict[str, Any], dict[str, Any]]:
    """What app-config and greenroom.yaml say of the other server."""
    other = repository.servers["other"]
    host = {"host": other.host, "port": other.port}
    return {"connection": host}, {"servers": {"primary": {}, "other": host}}


def another_server(repository: Repository) -> None:
    repository.start(TWO)
    repository.keep("catalog", CATALOG, value=42)
    repository.keep("auth", "backstage_plugin_auth", value=1)
    before, left = repository.content("backstage_catalog", CATALOG), repository.picture(CATALOG)

    plugin, settings = _elsewhere(repository)
    moved = {"plugin": {"auth": {}, "catalog": plugin}}
    codes, lines, said = repository.refused(moved, settings)
    assert (codes, lines) == ({"GR520"}, {"catalog": f"backstage_catalog@primary/{CATALOG}"})
    dump, restore = commands("GR520", "PostgreSQL")
    for command in (dump, restore):  # the message has the page's commands
        assert command.strip().replace("old.example.com", "OLD").replace("new.example.com", "NEW") in said
    repository.run(dump)
    assert "what it had stays" in repository.generate(moved, settings | {"plugins": {"moved": lines}})
    repository.apply()
    repository.run(restore)
    repository.settle()
    repository.assert_moved(before, "backstage_catalog", CATALOG, server="other")
    assert repository.picture(CATALOG) == left

    # Back again: the old place is found, with what was left there.
    codes, lines, _ = repository.refused(TWO, settings)
    assert lines == {"catalog": f"backstage_catalog@other/{CATALOG}"}
    repository.generate(TWO, settings | {"plugins": {"moved": lines}})
    repository.apply()
    repository.settle()
    repository.assert_moved(before, "backstage_catalog", CATALOG)
    assert repository.content("backstage_auth", "backstage_plugin_auth")["kept"][0][1] == 1


def another_server_with_schemas(repository: Repository) -> None:
    repository.start(schemas("auth", "catalog"))
    repository.keep("catalog", "portal", "catalog", value=42)
    before, left = repository.content("backstage_catalog", "portal", "catalog"), repository.picture("portal")

    plugin, settings = _elsewhere(repository)
    moved = schemas("auth", "catalog")
    moved["plugin"] = {"auth": {}, "catalog": {"connection": {**plugin["connection"], "database": "portal"}}}
    codes, lines, said = repository.refused(moved, settings)
    assert (codes, lines) == ({"GR520"}, {"catalog": "backstage_catalog@primary/portal.catalog"})
    dump, restore = commands("GR520", "PostgreSQL, schema mode")
    for command in (dump, restore):
        assert command.strip().replace("old.example.com", "OLD").replace("new.example.com", "NEW") in said
    repository.run(dump)
    repository.generate(moved, settings | {"plugins": {"moved": lines}})
    repository.apply()
    repository.run(restore)
    repository.settle()
    repository.assert_moved(before, "backstage_catalog", "portal", "catalog", server="other")
    assert repository.picture("portal") == left


def the_whole_server(repository: Repository) -> None:
    """Nothing is refused: the server is the first one, as before."""
    repository.start(TWO)
    repository.keep("catalog", CATALOG, value=42)
    before, left = repository.content("backstage_catalog", CATALOG), repository.picture(CATALOG)
    dump, restore = commands("GR520", "PostgreSQL")
    repository.run(dump)
    repository.call_first("other")
    repository.generate(TWO)
    repository.apply()
    new = repository.servers["primary"]
    repository.run(restore, {"-h new.example.com": f"-h {new.host} -p {new.port}"})
    repository.settle()
    repository.assert_moved(before, "backstage_catalog", CATALOG)
    assert repository.picture(CATALOG, "other") == left


# --- GR521 ------------------------------------------------------------------------------------------------------------


def from_a_database_to_a_schema(repository: Repository) -> None:
    plugins = ("auth", "catalog", "tech-insights")
    repository.start({"plugin": {name: {} for name in plugins}})
    for number, name in enumerate(plugins):
        repository.keep(name, f"backstage_plugin_{name}", value=number)
    with repository.connect("backstage_catalog", CATALOG) as connection:
        connection.execute("CREATE EXTENSION pg_trgm; CREATE TABLE texts (text text)")
        connection.execute("CREATE INDEX by_part ON texts USING gin (text gin_trgm_ops)")
    before = {name: repository.content(f"backstage_{name}", f"backstage_plugin_{name}") for name in plugins}
    left = {name: repository.picture(f"backstage_plugin_{name}") for name in plugins}

    codes, lines, _ = repository.refused(schemas(*plugins))
    assert codes == {"GR521"}
    assert lines == {name: f"backstage_{name}@primary/backstage_plugin_{name}" for name in plugins}
    dump, restore, extension = commands("GR521", "From a database to a schema")
    for name in plugins:
        repository.run(dump, _named(name))
    repository.generate(schemas(*plugins), {"plugins": {"moved": lines}})
    repository.apply()
    repository.run(extension)
    for name in plugins:
        repository.run(restore, _named(name))
    repository.settle()
    for name in plugins:
        repository.assert_moved(before[name], f"backstage_{name}", "portal", name)
        assert repository.picture(f"backstage_plugin_{name}") == left[name]

    # In the end nobody needs the old databases any more.
    for name in plugins:
        repository.run(
            f"psql -X -h db.example.com -U terraform_admin -d postgres -c 'DROP DATABASE \"backstage_plugin_{name}\"'"
        )
    places = [f"{name} ({lines[name]})" for name in plugins]
    repository.generate(schemas(*plugins), {"plugins": {"dropped": places}})
    repository.apply()
    repository.settle()


def from_a_schema_to_a_database(repository: Repository) -> None:
    plugins = ("auth", "catalog", "tech-insights")
    repository.start(schemas(*plugins))
    for number, name in enumerate(plugins):
        repository.keep(name, "portal", name, value=number)
    before = {name: repository.content(f"backstage_{name}", "portal", name) for name in plugins}
    left = repository.picture("portal")

    databases: dict[str, Any] = {"plugin": {name: {} for name in plugins}}
    codes, lines, _ = repository.refused(databases)
    assert codes == {"GR521"}
    dump, restore = commands("GR521", "From a schema to a database")
    for name in plugins:
        repository.run(dump, _named(name))
    repository.generate(databases, {"plugins": {"moved": lines}})
    repository.apply()
    for name in plugins:
        repository.run(restore, _named(name))
    repository.settle()
    for name in plugins:
        repository.assert_moved(before[name], f"backstage_{name}", f"backstage_plugin_{name}")
    assert repository.picture("portal") == left


def _named(plugin: str) -> dict[str, str]:
    """The page's names for another plugin. A name with a dash has to be quoted in SQL."""
    quoted = f'"{plugin}"' if "-" in plugin else plugin
    return {
        "backstage_plugin_catalog": f"backstage_plugin_{plugin}",
        "backstage_catalog": f"backstage_{plugin}",
        "TEMPLATE backstage_plugin_catalog": f'TEMPLATE "backstage_plugin_{plugin}"',
        "TO backstage_catalog": f'TO "backstage_{plugin}"',
        "RENAME TO catalog": f"RENAME TO {quoted}",
        "SCHEMA catalog": f"SCHEMA {quoted}",
        "-n catalog": f"-n {plugin}",
        "catalog.dump": f"{plugin}.dump",
    }


# --- GR523 ------------------------------------------------------------------------------------------------------------


def others_come_into_a_database(repository: Repository) -> None:
    three: dict[str, Any] = {"plugin": {"auth": {}, "catalog": {}, "search": {}}}
    repository.start(three)
    repository.keep("catalog", CATALOG, value=42)
    repository.keep("search", "backstage_plugin_search", value=7)
    before, left = repository.content("backstage_catalog", CATALOG), repository.picture("backstage_plugin_search")

    together: dict[str, Any] = {"plugin": {"auth": {}, "catalog": {}, "search": {"connection": {"database": CATALOG}}}}
    codes, lines, _ = repository.refused(together)
    assert codes == {"GR523"}
    assert set(lines) == {"catalog", "search"}
    repository.generate(together, {"plugins": {"moved": lines}})
    repository.apply()
    (hand_over,) = commands("GR523", "Other plugins come into a plugin's database")
    repository.run(hand_over)
    repository.settle()
    for name in ("catalog", "search"):  # each works with what is there, as the role they share
        repository.assert_there(before, f"backstage_{name}", CATALOG, owner=f"{CATALOG}_plugins")
    for name in ("catalog", "search"):
        repository.use(f"backstage_{name}", CATALOG)
    assert repository.picture("backstage_plugin_search") == left


def a_plugin_leaves_a_shared_database(repository: Repository) -> None:
    together: dict[str, Any] = {"plugin": {"auth": {}, "catalog": {}, "search": {"connection": {"database": CATALOG}}}}
    repository.start(together)
    repository.keep("catalog", CATALOG, value=42)
    before, left = repository.content("backstage_search", CATALOG), repository.picture(CATALOG)

    apart: dict[str, Any] = {"plugin": {"auth": {}, "catalog": {}, "search": {}}}
    codes, lines, _ = repository.refused(apart)
    assert (codes, lines) == ({"GR523"}, {"search": f"backstage_search@primary/{CATALOG}"})
    dump, restore = commands("GR523", "A plugin leaves for a database of its own")
    repository.run(dump)
    repository.generate(apart, {"plugins": {"moved": lines}})
    repository.apply()
    repository.run(restore)
    repository.settle()
    repository.assert_moved(before, "backstage_search", "backstage_plugin_search")
    assert repository.picture(CATALOG) == left
    repository.assert_there(before, "backstage_catalog", CATALOG, owner=f"{CATALOG}_plugins")
    repository.use("backstage_catalog", CATALOG)


# --- GR524 ------------------------------------------------------------------------------------------------------------


def another_shared_database(repository: Repository) -> None:
    repository.start(schemas("auth", "catalog"))
    repository.keep("catalog", "portal", "catalog", value=42)
    before, left = repository.content("backstage_catalog", "portal", "catalog"), repository.picture("portal")

    apart = schemas("auth", "catalog")
    apart["plugin"] = {"auth": {}, "catalog": {"connection": {"database": "other"}}}
    codes, lines, _ = repository.refused(apart)
    assert (codes, lines) == ({"GR524"}, {})
    dump, restore = commands("GR524", "A plugin in schema mode gets another shared database")
    repository.generate(schemas("auth", "catalog"), {"plugins": {"exclude": ["catalog"]}})
    repository.apply()
    repository.run(dump)
    repository.generate(apart, {"plugins": {"moved": {"catalog": "backstage_catalog@primary/portal.catalog"}}})
    repository.apply()
    repository.run(restore)
    repository.settle()
    repository.assert_moved(before, "backstage_catalog", "other", "catalog")
    assert repository.picture("portal") == left


def a_retired_plugin_under_a_new_id(repository: Repository) -> None:
    repository.start({"plugin": {"auth": {}, "explore": {}}})
    repository.keep("explore", "backstage_plugin_explore", value=42)
    before = repository.content("backstage_explore", "backstage_plugin_explore")
    renamed: dict[str, Any] = {"auth": {}, "tech-radar": {"connection": {"database": "backstage_plugin_explore"}}}
    codes, _, said = repository.refused({"plugin": renamed})
    assert codes == {"GR524"}
    assert "`explore: tech-radar` to plugins.renamed" in said
    repository.generate({"plugin": renamed}, {"plugins": {"renamed": {"explore": "tech-radar"}}})
    repository.apply()
    repository.settle()
    repository.assert_moved(before, "backstage_tech-radar", "backstage_plugin_explore")


def what_a_retired_plugin_left_is_taken_over(repository: Repository) -> None:
    """In one pull request, whether the retirement was applied or not."""
    repository.start({"plugin": {"auth": {}, "explore": {}}})
    repository.keep("explore", "backstage_plugin_explore", value=42)
    before = repository.content("backstage_explore", "backstage_plugin_explore")
    taken: dict[str, Any] = {"auth": {}, "tech-radar": {"connection": {"database": "backstage_plugin_explore"}}}
    codes, _, said = repository.refused({"plugin": taken})
    assert codes == {"GR524"}
    assert "add explore to plugins.dropped and run `greenroom adopt --write`" in said
    settings = {"plugins": {"dropped": ["explore"]}}
    repository.write({"plugin": taken}, settings)
    (adopt,) = commands("GR524", "It holds what a retired plugin left")
    repository.run(adopt)
    repository.generate({"plugin": taken}, settings)
    repository.apply()
    repository.run("psql -X -f greenroom.adopt.after-apply.sql -h db.example.com -U terraform_admin -d postgres")
    repository.settle()
    repository.assert_moved(before, "backstage_tech-radar", "backstage_plugin_explore")


def names_are_swapped(repository: Repository) -> None:
    def named(auth: str, catalog: str) -> dict[str, Any]:
        return {"plugin": {"auth": {"connection": {"database": auth}}, "catalog": {"connection": {"database": catalog}}}}

    repository.start(named("x", "y"))
    repository.keep("auth", "x", value=1)
    repository.keep("catalog", "y", value=2)
    codes, _, said = repository.refused(named("y", "x"))
    assert codes == {"GR524"}
    assert "third name" in said
    applied: dict[str, str] = {}
    for auth, catalog, renamed in (("aside", "y", "x"), ("aside", "x", "y"), ("y", "x", "aside")):
        database, settings = named(auth, catalog), {"plugins": {"renamesApplied": dict(applied)}} if applied else {}
        repository.generate(database, settings)
        repository.apply()
        repository.settle()
        applied = {renamed: auth if renamed != "y" else catalog}
    assert repository.content("backstage_auth", "y")["kept"][0][1] == 1
    assert repository.content("backstage_catalog", "x")["kept"][0][1] == 2


# --- GR528, GR529 -----------------------------------------------------------------------------------------------------


def a_shared_database_is_renamed_twice(repository: Repository) -> None:
    repository.start(schemas("auth", "catalog", database="one"))
    repository.keep("catalog", "one", "catalog", value=42)
    repository.generate(schemas("auth", "catalog", database="two"))
    repository.apply()
    codes, _, said = repository.refused(schemas("auth", "catalog", database="three"))
    assert codes == {"GR528"}
    assert "`one: two` to plugins.renamesApplied" in said
    repository.generate(schemas("auth", "catalog", database="three"), {"plugins": {"renamesApplied": {"one": "two"}}})
    repository.apply()
    repository.settle()
    assert repository.content("backstage_catalog", "three", "catalog")["kept"][0][1] == 42


def a_schema_and_its_database_are_renamed(repository: Repository) -> None:
    repository.start(schemas("auth", "catalog"))
    repository.keep("catalog", "portal", "catalog", value=42)
    both = schemas("auth", "catalog", database="portal_two") | {"schemaPrefix": "of_"}
    codes, _, _ = repository.refused(both)
    assert codes == {"GR529"}
    repository.generate(schemas("auth", "catalog", database="portal_two"))
    repository.apply()
    codes, _, said = repository.refused(both)
    assert codes == {"GR529"}
    assert "`portal: portal_two` to plugins.renamesApplied" in said
    repository.generate(schemas("auth", "catalog", database="portal_two"))
    repository.apply()
    repository.settle()
    repository.generate(both, {"plugins": {"renamesApplied": {"portal": "portal_two"}}})
    repository.apply()
    repository.settle()
    assert repository.content("backstage_catalog", "portal_two", "of_catalog")["kept"][0][1] == 42


# --- GR532 ------------------------------------------------------------------------------------------------------------

_SHARED: dict[str, Any] = {"credentials": {"mode": "shared"}}


def from_one_user_to_a_user_for_each(repository: Repository) -> None:
    _there_and_back(repository, _SHARED, {}, {name: ("backstage", f"backstage_{name}") for name in TWO["plugin"]})


def from_a_user_for_each_to_one(repository: Repository) -> None:
    _there_and_back(repository, {}, _SHARED, {name: (f"backstage_{name}", "backstage") for name in TWO["plugin"]})


def _there_and_back(
    repository: Repository, first: dict[str, Any], then: dict[str, Any], users: dict[str, tuple[str, str]]
) -> None:
    repository.start(TWO, first)
    before = {}
    for number, (name, (old, _)) in enumerate(users.items()):
        repository.keep(name, f"backstage_plugin_{name}", value=number, user=old)
        before[name] = repository.content(old, f"backstage_plugin_{name}")
    _change_users(repository, then, users)
    for name, (_, new) in users.items():
        repository.assert_there(before[name], new, f"backstage_plugin_{name}")
    _change_users(repository, first, {name: (new, old) for name, (old, new) in users.items()})
    for name, (old, _) in users.items():
        repository.assert_moved(before[name], old, f"backstage_plugin_{name}")


def _change_users(repository: Repository, settings: dict[str, Any], users: dict[str, tuple[str, str]]) -> None:
    codes, lines, said = repository.refused(TWO, settings)
    assert codes == {"GR532"}
    assert lines == {name: f"{old}@primary/backstage_plugin_{name}" for name, (old, _) in users.items()}
    repository.generate(TWO, settings | {"plugins": {"moved": lines}})
    repository.apply()
    (hand_over,) = commands("GR532", "PostgreSQL")
    for name, (old, new) in users.items():
        assert f'REASSIGN OWNED BY "{old}" TO "{new}"' in said
        names = {"backstage ": f"{old} ", "backstage,": f"{old},", "backstage_catalog": new}
        repository.run(hand_over, names | {"backstage_plugin_catalog": f"backstage_plugin_{name}"})
    repository.settle()


ONE_SERVER: tuple[Callable[[Repository], None], ...] = (
    from_a_database_to_a_schema,
    from_a_schema_to_a_database,
    others_come_into_a_database,
    a_plugin_leaves_a_shared_database,
    another_shared_database,
    a_retired_plugin_under_a_new_id,
    what_a_retired_plugin_left_is_taken_over,
    names_are_swapped,
    a_shared_database_is_renamed_twice,
    a_schema_and_its_database_are_renamed,
    from_one_user_to_a_user_for_each,
    from_a_user_for_each_to_one,
)
TWO_SERVERS: tuple[Callable[[Repository], None], ...] = (another_server, another_server_with_schemas, the_whole_server)
