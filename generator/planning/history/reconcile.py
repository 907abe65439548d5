"""What an earlier run generated, and what that means for the plan: retirement, renames, and changes that lose data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.history import ways
from generator.planning.history.adopted import adopted
from generator.planning.history.keep import keep_sharing
from generator.planning.history.moves import with_what_is_kept
from generator.planning.history.passwords import check_free, with_past
from generator.planning.history.renames import Thing, find_renames
from generator.planning.history.write import secret_of
from generator.planning.model import Retired, owner_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.planning.history.record import Lock, LockedPlugin
    from generator.planning.model import Database, Plan, PluginPlan, Role
    from generator.problems.diagnostic import Diagnostics, Location


def reconcile(plan: Plan, previous: Lock | None, diagnostics: Diagnostics, *, resolved: PluginDatabaseMap) -> Plan:
    """``plan`` with what ``previous`` generated taken into account.

    ``retired`` holds every plugin that was generated once and is not planned; a plugin that comes back leaves it. A name
    of the same plugin that changed on the same server becomes a rename (``renamed_from``, ``schema_renamed_from``), which
    stays one in later runs. Password versions are carried over, and a shared database stays one when its other plugins are
    gone. Changes that would lose data are errors in ``diagnostics``: another server (GR520), division mode (GR521) or
    engine (GR522), a database that becomes shared or is no longer (GR523), names that are swapped, passed on, merged, split
    or taken (GR524), a label that is taken (GR525), a rename the engine cannot do (GR527), a shared database renamed again
    (GR528), a schema renamed together with its database (GR529), a role that becomes that of all plugins or is no longer
    (GR532), a password version that was raised by hand where logins take turns (GR645). A plugin that moved to SQLite is
    retired with a warning (GR526).
    """
    if previous is None:
        return plan
    return _Reconciliation(plan, previous, diagnostics, resolved).run()


class _Reconciliation:
    def __init__(self, plan: Plan, previous: Lock, diagnostics: Diagnostics, resolved: PluginDatabaseMap) -> None:
        self.previous, self.diagnostics, self.resolved = previous, diagnostics, resolved
        self.known, self.present = previous.known, previous.present
        # A plugin that is elsewhere now keeps its secret, and what it was called before.
        self.latest = previous.latest
        self.plan = keep_sharing(plan, self.present)
        self.engines = {server.name: server.engine for server in plan.servers}

    def run(self) -> Plan:
        plan = self.plan
        moved = {plugin.plugin_id for plugin in plan.plugins if not self._stays_put(plugin)}
        databases = self._databases(moved)
        roles = self._roles(moved)
        schemas = self._schemas(moved, databases)
        self._check_labels()
        plugins = tuple(
            plugin._replace(
                database=databases[plugin.database.server, plugin.database.name],
                role=roles[plugin.role.server, plugin.role.name],
                schema_renamed_from=schemas.get(plugin.plugin_id),
                former_ids=before.former_ids if (before := self.latest.get(plugin.plugin_id)) else (),
                extensions=self._extensions(plugin, moved),
            )
            for plugin in plan.plugins
        )
        made = plan._replace(
            databases=tuple(databases.values()),
            roles=tuple(roles.values()),
            plugins=plugins,
            retired=self._retired(databases, roles),
        )
        return made._replace(adopted=with_what_is_kept(adopted(made, self.previous), plugins, self.known))

    def _extensions(self, plugin: PluginPlan, moved: set[str]) -> tuple[str, ...]:
        """What is wanted, and what was created where it is: no target drops that, whoever may use it by now."""
        before = self.present.get(plugin.plugin_id)
        there = before.extensions if before is not None and plugin.plugin_id not in moved else ()
        return tuple(sorted({*plugin.extensions, *there}))

    # --- a plugin that is somewhere else now --------------------------------------------------------------------------

    def _stays_put(self, plugin: PluginPlan) -> bool:
        """Whether ``plugin`` is where it was, so that a changed name can be a rename."""
        before = self.present.get(plugin.plugin_id)
        if before is None:
            return True
        engine = self.engines[plugin.server]
        mode, old_mode = _mode(plugin.schema), _mode(before.schema)
        if engine != before.engine:
            hint = ways.another_engine(plugin, before)
            self._error(plugin, "GR522", f"was on {before.engine} and is on {engine} now", ("client",), hint)
        elif plugin.server != before.server:
            hint = ways.another_server(plugin, before)
            keys = ("connection.host", "connection.port", "connection")
            self._error(plugin, "GR520", f"was on server {before.server!r} and is on {plugin.server!r} now", keys, hint)
        elif mode != old_mode:
            what = f"was generated in {old_mode} mode and is in {mode} mode now"
            self._error(plugin, "GR521", what, ("pluginDivisionMode",), ways.another_mode(plugin, before))
        elif mode == "database" and plugin.database.shared != before.shared:
            now = "shares a database now" if plugin.database.shared else "has a database of its own now, after sharing one"
            where = ("databaseName", "connection.database")
            self._error(plugin, "GR523", now, where, ways.other_sharing(plugin, before))
        elif plugin.role.is_common != before.common:
            self._report_sharing(plugin, before)
        else:
            return True
        return False

    def _report_sharing(self, plugin: PluginPlan, before: LockedPlugin) -> None:
        old, new = before.role, plugin.role.name
        now = (
            "shares one role with all plugins now"
            if plugin.role.is_common
            else "has a role of its own now, after sharing one"
        )
        self.diagnostics.error(
            "GR532",
            f"the plugin {plugin.plugin_id!r} {now}; its tables would stay with {old!r}, and {new!r} could not use them",
            self._location(plugin.plugin_id, ("connection.user", "connection")),
            path="credentials.mode",
            hint=ways.other_role(plugin, before),
        )

    def _error(self, plugin: PluginPlan, code: str, what: str, keys: tuple[str, ...], hint: str) -> None:
        self.diagnostics.error(
            code,
            f"the plugin {plugin.plugin_id!r} {what}; its data would stay behind",
            self._location(plugin.plugin_id, keys),
            path=f"backend.database.plugin.{plugin.plugin_id}",
            hint=hint,
        )

    def _location(self, plugin_id: str, keys: Collection[str]) -> Location | None:
        sources: Mapping[str, Location] = self.resolved[plugin_id].sources if plugin_id in self.resolved else {}
        return next((sources[key] for key in keys if key in sources), None)

    # --- names --------------------------------------------------------------------------------------------------------

    def _renames(self, kind: str, things: list[Thing], moved: set[str], keys: tuple[str, ...]) -> dict[tuple[str, str], str]:
        def report(thing: Thing, plugin_id: str, what: str, hint: str) -> None:
            location = self._location(plugin_id, keys)
            path = f"backend.database.plugin.{plugin_id}"
            self.diagnostics.error("GR524", f"the {kind} {thing.name!r} {what}", location, path=path, hint=hint)

        return find_renames(kind, things, self.previous, moved, report)

    def _databases(self, moved: set[str]) -> dict[tuple[str, str], Database]:
        keys = ("databaseName", "connection.database", "prefix")
        things = [Thing(item.server, item.name, item.plugins) for item in self.plan.databases]
        renames = self._renames("database", things, moved, keys)
        self._check_second_renames(renames, keys)
        for (server, name), old in renames.items():
            if self.engines[server] == "mysql":
                first = next(item for item in self.plan.databases if (item.server, item.name) == (server, name)).plugins[0]
                self.diagnostics.error(
                    "GR527",
                    f"the database {old!r} would have to become {name!r}, and MySQL cannot rename a database",
                    self._location(first, keys),
                    path=f"backend.database.plugin.{first}",
                    hint="keep the name: set connection.database to the old one",
                )
        return {
            (item.server, item.name): item._replace(renamed_from=renames.get((item.server, item.name)))
            for item in self.plan.databases
        }

    def _check_second_renames(self, renames: Mapping[tuple[str, str], str], keys: tuple[str, ...]) -> None:
        """An environment that has not seen the first of two renames has the data under a name nobody knows any more."""
        for item in self.plan.databases:
            old = renames.get((item.server, item.name))
            for plugin_id in item.plugins:
                before = self.present.get(plugin_id)
                earlier = before.renamed_from.database if before and before.database == old else None
                if earlier in (None, item.name):
                    continue
                report = self.diagnostics.error if item.shared else self.diagnostics.warning
                report(
                    "GR528",
                    f"the database {earlier!r} became {old!r} and would now become {item.name!r}: where the first rename "
                    "was not applied yet, nothing renames it",
                    self._location(plugin_id, keys),
                    path=f"backend.database.plugin.{plugin_id}",
                    hint=ways.renamed_twice(str(earlier), str(old)),
                )
                break

    def _roles(self, moved: set[str]) -> dict[tuple[str, str], Role]:
        things = [Thing(item.server, item.name, item.plugins) for item in self.plan.roles]
        keys = ("connection.user", "connection")
        renames = self._renames("role", things, moved, keys)
        for (server, name), old in renames.items():
            if self.engines[server] == "mysql":
                first = next(item for item in self.plan.roles if (item.server, item.name) == (server, name)).plugins[0]
                self.diagnostics.error(
                    "GR527",
                    f"the user {old!r} would have to become {name!r}, and in MySQL the views it made stop working then: "
                    "they run as the user who made them",
                    self._location(first, keys),
                    path=f"backend.database.plugin.{first}",
                    hint="keep the name: set connection.user to the old one",
                )
        check_free(self.plan, self.present, self.diagnostics)
        return {
            (item.server, item.name): with_past(
                item._replace(renamed_from=renames.get((item.server, item.name)), former_secret=self._former_secret(item)),
                [self.latest[plugin_id] for plugin_id in item.plugins if plugin_id in self.latest],
                self.diagnostics,
            )
            for item in self.plan.roles
        }

    def _former_secret(self, role: Role) -> tuple[str, str] | None:
        """The secret that ``role`` had before it got another one. Like a name, it is remembered until the next one."""
        now = secret_of(role, self.plan.store)
        for plugin_id in role.plugins:
            before = self.latest.get(plugin_id)
            if before is None or before.dropped:
                continue
            had = (before.store, before.secret), (before.renamed_from.store, before.renamed_from.secret)
            for store, name in had:
                if store is not None and name is not None and (store, name) != now:
                    return store, name
        return None

    def _schemas(self, moved: set[str], databases: Mapping[tuple[str, str], Database]) -> dict[str, str]:
        """The old schema name of each plugin whose schema was renamed. A schema lives in its database, renamed or not."""
        found: dict[str, str] = {}
        in_database: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
        for item in self.plan.plugins:
            if item.schema is not None:
                planned = in_database.setdefault((item.server, item.database.name), {})
                planned[item.plugin_id] = (item.server, item.schema)
        for key, planned in in_database.items():
            names = {databases[key].name, databases[key].renamed_from}
            elsewhere = {plugin_id for plugin_id, plugin in self.present.items() if plugin.database not in names}
            things = [Thing(server, schema, (plugin_id,)) for plugin_id, (server, schema) in planned.items()]
            keys = ("schemaName", "schemaPrefix", "pluginDivisionMode")
            renames = self._renames("schema", things, moved | elsewhere, keys)
            self._check_double_rename(databases[key], planned, renames)
            found |= {plugin_id: renames[place] for plugin_id, place in planned.items() if place in renames}
        return found

    def _check_double_rename(
        self, database: Database, planned: Mapping[str, tuple[str, str]], renames: Mapping[tuple[str, str], str]
    ) -> None:
        """A schema is looked for under its old name in the database's new one: only one of the two can change at a time.

        Terraform finds the schemas of a renamed database only at the apply after the next one: before that it would make a
        schema of another name anew.
        """
        before = [self.present[name] for name in planned if name in self.present]
        changes = any(old.database != database.name for old in before)
        earlier = next((name for old in before if (name := old.renamed_from.database) is not None), None)
        if changes:
            what, hint = "and its database another name in one run", ways.ONE_BY_ONE
        elif earlier is not None:
            what = f"in a database that was {earlier!r} before, and Terraform may not have found its schemas there again"
            hint = ways.schemas_found_again(earlier, database.name)
        else:
            return
        for plugin_id, place in planned.items():
            if place in renames and self.present[plugin_id].schema == renames[place]:
                self.diagnostics.error(
                    "GR529",
                    f"the plugin {plugin_id!r} gets another schema {what}",
                    self._location(plugin_id, ("schemaName", "schemaPrefix", "databaseName")),
                    path=f"backend.database.plugin.{plugin_id}",
                    hint=hint,
                )

    # --- what is not wanted any more ----------------------------------------------------------------------------------

    def _retired(
        self, databases: Mapping[tuple[str, str], Database], roles: Mapping[tuple[str, str], Role]
    ) -> tuple[Retired, ...]:
        planned = {plugin.plugin_id for plugin in self.plan.plugins}
        new_database = {(item.server, item.renamed_from): item.name for item in databases.values() if item.renamed_from}
        new_role = {(item.server, item.renamed_from): item.name for item in roles.values() if item.renamed_from}
        for plugin_id in sorted(self.previous.plugins.keys() & set(self.plan.not_provisioned)):
            before = self.previous.plugins[plugin_id]
            self.diagnostics.warning(
                "GR526",
                f"the plugin {plugin_id!r} moved to SQLite; its database {before.database!r} stays, unused",
                self._location(plugin_id, ("client", "connection")),
                path=f"backend.database.plugin.{plugin_id}",
                backstage="starts the plugin with an empty database",
            )
        return tuple(
            Retired(
                plugin_id=plugin_id,
                label=gone.label,
                server=gone.server,
                engine=gone.engine,
                # It shares a database that others renamed: its data is there under the new name.
                database=new_database.get((gone.server, gone.database), gone.database),
                schema=gone.schema,
                role=new_role.get((gone.server, gone.role), gone.role),
                shared=gone.shared,
                dropped=gone.dropped,
                former_ids=gone.former_ids,
                group=gone.group,
                common=gone.common,
                stack=gone.stack,
                returned=gone.returned,
                extensions=gone.extensions,
                has_pair=gone.pair is not None,
            )
            for plugin_id, gone in sorted(self.known.items())
            if plugin_id not in planned
        )

    def _check_labels(self) -> None:
        planned = {plugin.plugin_id for plugin in self.plan.plugins}
        taken = {gone.label: name for name, gone in self.known.items() if owner_of(name) not in planned}
        for plugin in self.plan.plugins:
            if plugin.label in taken:
                self.diagnostics.error(
                    "GR525",
                    f"the plugin {plugin.plugin_id!r} makes the label {plugin.label!r}, which is that of the retired plugin "
                    f"{taken[plugin.label]!r}",
                    path=f"backend.database.plugin.{plugin.plugin_id}",
                    hint=ways.taken_label(plugin.plugin_id, taken[plugin.label]),
                )


def _mode(schema: str | None) -> str:
    return "database" if schema is None else "schema"
