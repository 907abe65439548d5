"""What a person can do about a change that is refused: the hint for each code, with the commands that were tried.

The steps are in docs/moving-data.md, one section for each code; its tests run the commands of that page.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from generator.planning.history.moves import place_of
from generator.planning.model import owner_of

if TYPE_CHECKING:
    from generator.planning.history.record import LockedPlugin
    from generator.planning.model import PluginPlan

_PAGE: Final = "docs/moving-data.md"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@-]*", re.ASCII)

KEEP: Final = f"keep the old name; {_PAGE} (GR524) has the steps that move one plugin's data out"
ONE_BY_ONE: Final = f"change one name at a time, and apply after each: {_PAGE} (GR524)"


def yaml(value: str) -> str:
    """``value`` as a key or value in a flow mapping of YAML."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _moved(plugin: PluginPlan, before: LockedPlugin) -> str:
    return f"`{yaml(plugin.plugin_id)}: {yaml(place_of(before))}` to plugins.moved"


def another_server(plugin: PluginPlan, before: LockedPlugin) -> str:
    """GR520: dump, apply, restore."""
    dump, restore = copy_commands(before, plugin)
    return (
        f"change it back; or, if it is the same server, name it {before.server!r} under `servers`; or move the data: add "
        f"{_moved(plugin, before)}, apply, then `{dump}` and `{restore}`: {_PAGE} (GR520)"
    )


def another_mode(plugin: PluginPlan, before: LockedPlugin) -> str:
    """GR521: PostgreSQL restores into the schema of the same name only, so the schema is renamed in a copy."""
    return (
        f"change it back; or follow {_PAGE} (GR521), which dumps and restores the data and adds {_moved(plugin, before)}: "
        "what is there now stays"
    )


def another_engine(plugin: PluginPlan, before: LockedPlugin) -> str:
    """GR522: nothing here moves rows between engines."""
    return (
        "change it back: greenroom cannot move rows between engines; or start empty on the new one: add "
        f"{_moved(plugin, before)}, and what is there now stays: {_PAGE} (GR522)"
    )


def other_sharing(plugin: PluginPlan, before: LockedPlugin) -> str:
    """GR523: other plugins come into the database of a plugin, or it gets one of its own."""
    return f"change it back; or add {_moved(plugin, before)} and follow {_PAGE} (GR523): what is there now stays"


def other_role(plugin: PluginPlan, before: LockedPlugin) -> str:
    """GR532: the tables belong to the role of before."""
    old, new = before.group or before.role, plugin.role.group or plugin.role.name
    then = "then make its views anew" if before.engine == "mysql" else f"then `{hand_over(old, new)}` there"
    return (
        f"change credentials.mode back; or, while Backstage is stopped: add {_moved(plugin, before)}, apply, {then}: "
        f"{_PAGE} (GR532)"
    )


def hand_over(old: str, new: str) -> str:
    """The statement that gives all that ``old`` owns in a database to ``new``."""
    return f"REASSIGN OWNED BY {_identifier(old)} TO {_identifier(new)}"


def copy_commands(before: LockedPlugin, plugin: PluginPlan) -> tuple[str, str]:
    """What dumps the data of a plugin, and what restores it elsewhere so that its role owns it."""
    name = plugin.plugin_id
    if before.engine == "mysql":
        options = "--single-transaction --no-tablespaces --skip-add-locks"
        dump = f"mysqldump -h OLD -u ADMIN -p {options} {_shell(before.database)} > {_shell(f'{name}.sql')}"
        into = f"-u {_shell(plugin.role.name)} -p {_shell(plugin.database.name)}"
        return dump, f"mysql -h NEW {into} < {_shell(f'{name}.sql')}"
    # pg_dump takes a pattern, which is in lower case unless quoted; pg_restore takes a name.
    plain = before.schema is None or re.fullmatch(r"[a-z0-9_-]+", before.schema, re.ASCII)
    pattern = before.schema if plain else _identifier(before.schema or "")
    dump_only, restore_only = (f"-n {_shell(name)} " if name is not None else "" for name in (pattern, before.schema))
    file = _shell(f"{name}.dump")
    old = f"-h OLD -U {_shell(before.role)} -d {_shell(before.database)}"
    new = f"-h NEW -U {_shell(plugin.role.name)} -d {_shell(plugin.database.name)}"
    return (
        f"pg_dump -Fc --no-owner --no-acl {dump_only}{old} -f {file}",
        f"pg_restore -1 --no-owner --no-acl {restore_only}{new} {file}",
    )


def taken_by_retired(mine: str, other: str) -> str:
    """GR524: a name of a plugin that is retired, or a place that a plugin has left."""
    if owner_of(other) != other:
        return f"choose another name; or, once that data is dropped, add {yaml(other)} to plugins.dropped: {_PAGE} (GR524)"
    return (
        f"choose another name; or, if {mine!r} is {other!r} under a new id, add `{yaml(other)}: {yaml(mine)}` to "
        f"plugins.renamed; or take it over: add {yaml(other)} to plugins.dropped and run `greenroom adopt --write`: {_PAGE} "
        "(GR524)"
    )


def taken_by_rename(old: str, new: str) -> str:
    """GR524, GR528: a rename that is in the lock file because an environment may not have applied it."""
    return (
        f"choose another name; or, once every environment has applied that rename, add `{yaml(old)}: {yaml(new)}` to "
        f"plugins.renamesApplied: {_PAGE} (GR528)"
    )


def renamed_twice(old: str, new: str) -> str:
    """GR528."""
    return (
        f"apply the first rename in every environment, then add `{yaml(old)}: {yaml(new)}` to plugins.renamesApplied: "
        f"{_PAGE} (GR528)"
    )


def schemas_found_again(old: str, new: str) -> str:
    """GR529."""
    return (
        "apply the new name of the database in every environment, with Terraform twice, then add "
        f"`{yaml(old)}: {yaml(new)}` to plugins.renamesApplied: {_PAGE} (GR529)"
    )


def taken_label(mine: str, other: str) -> str:
    """GR525."""
    return (
        f"give the plugin another id; or, if it is {other!r} under a new id, add `{yaml(other)}: {yaml(mine)}` to "
        f"plugins.renamed: {_PAGE} (GR525)"
    )


def _shell(value: str) -> str:
    import shlex

    return shlex.quote(value)


def _identifier(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
