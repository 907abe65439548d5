"""The modules a configuration is made of: one for each way a plugin, a shared database or a shared role can be.

A module is the same for every plugin, so a plugin is one call of it. Which kinds there are follows from who owns what: a
plugin may have its own role or use one of several plugins, and its own database, a schema in one, or a share in one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from generator.plan_check.resources import PROTECTED
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, Output, RequiredProvider, Variable
from generator.targets.terraform.inputs import filled, texts
from generator.targets.terraform.logins import login_arguments, of_login
from generator.targets.terraform.names import CLOUD_ROLES, NAMES, Names
from generator.targets.terraform.providers import required_providers
from generator.targets.terraform.shape import ENGINE
from generator.targets.terraform.stores.iam import Iam, role_arguments
from generator.targets.terraform.stores.variables import without_verifiers
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.targets.terraform.hcl import Arguments
    from generator.targets.terraform.stores.base import Store

POSTGRESQL: Final = RequiredProvider(
    name="postgresql",
    source="cyrilgdn/postgresql",
    oldest="1.26.0",  # the first with `password_wo`
    below="2.0.0",
)

_OWN_ROLE: Final = Escaped("postgresql_role.plugin.name")
_OWN_DATABASE: Final = Escaped("postgresql_database.plugin.name")
_GIVEN_ROLE: Final = Escaped("var.role")
_GIVEN_DATABASE: Final = Escaped("var.database")
_OWN_SCHEMA: Final = Escaped("postgresql_schema.plugin.name")
_PLUGIN_ID: Final = Escaped("var.plugin_id")
_PUBLIC: Final = string("public")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """A module.

    ``parts`` are the templates its ``main.tf`` is made of, in order; ``inputs`` its variables and ``outputs`` its outputs
    (name to expression), apart from those of the store. ``role`` and ``database`` are how the parts refer to the role and
    the database they work with, ``privileges`` what the role gets on that database. ``forgets`` are resources of other
    kinds: should a call change its kind, Terraform must let go of them and not destroy them. ``templates`` is the folder
    of the parts below ``modules/``, ``variables`` what the inputs are where they are not PostgreSQL's. ``logs_in``: the role
    has a password; without it two logins act as it.
    """

    folder: str
    summary: str
    parts: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: Mapping[str, Escaped]
    role: Escaped = _OWN_ROLE
    database: Escaped = _OWN_DATABASE
    privileges: tuple[str, ...] = ("CONNECT", "CREATE", "TEMPORARY")
    forgets: tuple[str, ...] = ()
    provider: RequiredProvider = POSTGRESQL
    variables: Mapping[str, Variable] | None = None
    templates: str = ""
    logs_in: bool = True

    @property
    def providers(self) -> tuple[RequiredProvider, ...]:
        """The provider of the server."""
        return (self.provider,)

    @property
    def contents(self) -> Escaped | None:
        """What the module makes for the role to work in, a database or a schema; ``None`` where that is made elsewhere."""
        part = next((part for part in ("database", "schema") if part in self.parts), None)
        return Escaped(f"{self.provider.name}_{part}.plugin") if part else None

    def waits(self, store: Store) -> bool:
        """Whether a call says which databases the secret has to wait for."""
        return self.has_password and store.overwrites and "database" not in self.parts

    @property
    def makes_role(self) -> bool:
        """Whether the module makes the role of a plugin, or of several."""
        return "role" in self.parts

    @property
    def has_password(self) -> bool:
        """Whether that role can log in, so that a call passes in what the store needs."""
        return self.makes_role and self.logs_in

    @property
    def is_login(self) -> bool:
        """Whether the role is a login of a pair, which acts as another one."""
        return "login" in self.inputs


DATABASE: Final = Kind(
    folder="postgresql-database",
    summary="A plugin's role with its password, its database, and what the role may do there.",
    parts=("role", "database", "grants"),
    inputs=("plugin_id", "database", "role"),
    outputs={"plugin_id": _PLUGIN_ID, "role": _OWN_ROLE, "database": _OWN_DATABASE, "schema": _PUBLIC},
    forgets=("postgresql_schema.plugin",),
)
SCHEMA: Final = Kind(
    folder="postgresql-schema",
    summary="A plugin's role with its password, its schema in a shared database, and what the role may do there.",
    parts=("role", "connect", "schema"),
    inputs=("plugin_id", "database", "role", "schema"),
    outputs={"plugin_id": _PLUGIN_ID, "role": _OWN_ROLE, "database": _GIVEN_DATABASE, "schema": _OWN_SCHEMA},
    database=_GIVEN_DATABASE,
    privileges=("CONNECT", "TEMPORARY"),
    forgets=("postgresql_database.plugin",),
)
ROLE: Final = Kind(
    folder="postgresql-role",
    summary="A role with its password: one that several plugins use, or a plugin's own in a database it shares with others.",
    parts=("role", "connect_each"),
    inputs=("role", "databases", "group"),
    outputs={"role": _OWN_ROLE},
    privileges=("CONNECT", "TEMPORARY"),
    forgets=("postgresql_database.plugin", "postgresql_schema.plugin"),
)
SHARED_DATABASE: Final = Kind(
    folder="postgresql-shared-database",
    summary="A database in which plugins have schemas of their own.",
    parts=("database", "public"),
    inputs=("database",),
    # By way of the grant, so that nobody is let in before PUBLIC is shut out.
    outputs={"database": Escaped("postgresql_grant.public.database")},
)
GROUP_DATABASE: Final = Kind(
    folder="postgresql-group-database",
    summary="A database that plugins with different roles share: they all act as one group role, which owns what they make.",
    parts=("group", "database", "grants"),
    inputs=("database", "group_name"),
    outputs={"group": Escaped("postgresql_role.group.name"), "database": _OWN_DATABASE},
    role=Escaped("postgresql_role.group.name"),
)
BASE_ROLE: Final = Kind(
    folder="postgresql-base-role",
    summary="The role that every connection of Backstage switches to (`role` in app-config): it owns what plugins make.",
    parts=("group", "connect_each"),
    inputs=("group_name", "databases"),
    outputs={"group": Escaped("postgresql_role.group.name")},
    role=Escaped("postgresql_role.group.name"),
    privileges=("CONNECT", "TEMPORARY"),
)
DATABASE_OF_ROLE: Final = Kind(
    folder="postgresql-database-of-role",
    summary="A database, and what a role from elsewhere may do there.",
    parts=("database", "grants"),
    inputs=("database", "role"),
    outputs={"role": _GIVEN_ROLE, "database": _OWN_DATABASE, "schema": _PUBLIC},
    role=_GIVEN_ROLE,
    forgets=("postgresql_role.group", "postgresql_role.plugin", "postgresql_schema.plugin"),
)
SCHEMA_OF_ROLE: Final = Kind(
    folder="postgresql-schema-of-role",
    summary="A schema in a shared database, and what a role from elsewhere may do there.",
    parts=("schema",),
    inputs=("database", "role", "schema"),
    outputs={"role": _GIVEN_ROLE, "database": _GIVEN_DATABASE, "schema": _OWN_SCHEMA},
    role=_GIVEN_ROLE,
    database=_GIVEN_DATABASE,
    forgets=("postgresql_database.plugin", "postgresql_role.plugin"),
)
EXTENSIONS: Final = Kind(
    folder="postgresql-extensions",
    summary="The extensions that a plugin's migrations create, made by the administrator where the plugin looks for them.",
    parts=("extensions",),
    inputs=("database", "extensions", "schema"),
    outputs={},
    database=_GIVEN_DATABASE,
)


def _inputs(roles: Names) -> dict[str, Variable]:
    """The variables of the modules; ``roles`` is what a role may be called."""
    names = NAMES[ENGINE]
    return {
        variable.name: variable
        for variable in (
            PLUGIN_ID,
            names.one("database", "Name of the database."),
            texts("extensions", "Names of the extensions.", "^[a-z_][a-z0-9_-]*$", "Each of them as PostgreSQL calls it."),
            names.several("databases", "Databases in which the role has schemas: it may connect to them."),
            roles.perhaps("group", "Role that owns what the plugins of a shared database make; none when null."),
            roles.one("group_name", "Name of the group role."),
            roles.one("role", "Name of the role."),
            names.one("schema", "Name of the schema."),
        )
    }


PLUGIN_ID: Final = filled("plugin_id", "Id of the plugin in Backstage.")
_INPUTS: Final = _inputs(NAMES[ENGINE])
_CLOUD_INPUTS: Final = _inputs(CLOUD_ROLES)

#: What has to be there before a secret is written, in a module that makes no database: for a store that overwrites.
AFTER: Final = Variable(
    name=Escaped("after"),
    type=Escaped("set(string)"),
    description=string(
        "Databases that have to be made before the secret: where one is there already, nothing is overwritten."
    ),
    settings={"default": Escaped("[]"), "nullable": FALSE},
)

_ROLES: Final = frozenset({"postgresql_role.plugin", "mysql_user.plugin"})

_OUTPUTS: Final = {
    "database": string("Name of the database."),
    "group": string("Name of the group role."),
    "plugin_id": string("Id of the plugin in Backstage."),
    "role": string("Name of the role."),
    "schema": string("Name of the schema."),
}


_OWNER: Final = Output(
    name=Escaped("owner"),
    description=string("Owner of the database."),
    value=Escaped("postgresql_database.plugin.owner"),
)


#: Without the grants, which are made anew when the database is renamed: a secret must not wait for those.
_CREATED: Final = Output(
    name=Escaped("created"),
    description=string("Name of the database, as soon as it is there."),
    value=_OWN_DATABASE,
)


def module_view(kind: Kind, store: Store, *, shows_owner: bool = False, strangers: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the templates in ``modules/`` print for ``kind``.

    ``shows_owner``: a database may have been there before, so the module says to whom it belongs. ``strangers`` are
    resources of another engine that plugins had before: Terraform must let go of them too.
    """
    forgets = (*kind.forgets, *strangers, *_secrets(kind, store))
    forgets += store.forgets if isinstance(store, Iam) and kind.makes_role else ()
    iam = store if isinstance(store, Iam) else None
    known = kind.variables or (_CLOUD_INPUTS if iam else _INPUTS)
    inputs = [known[name] for name in kind.inputs]
    if kind.is_login:
        inputs += of_login(store.module_variables)
    elif kind.has_password:
        inputs += without_verifiers(store.module_variables) if kind.templates else store.module_variables
    inputs += [AFTER] if kind.waits(store) else []
    outputs = [
        Output(
            name=Escaped(name),
            description=_OUTPUTS[name],
            value=iam.role if iam and value == _OWN_ROLE else value,
        )
        for name, value in kind.outputs.items()
    ]
    outputs += [_OWNER] if shows_owner and "database" in kind.parts and not kind.templates else []
    outputs += [_CREATED] if store.overwrites and kind is SHARED_DATABASE else []
    outputs += list(store.module_outputs if kind.has_password else ())
    return {
        "summary": kind.summary,
        "parts": _parts(kind, store),
        "providers": required_providers(kind, store if kind.has_password else None),
        "variables": sorted(inputs, key=lambda item: item.name),
        "outputs": sorted(outputs, key=lambda item: item.name),
        "role": iam.role if iam and kind.role == _OWN_ROLE else kind.role,
        "role_arguments": _role_arguments(kind, store),
        "database": kind.database,
        "password": store.password,
        "password_number": _number(store.password_version),
        "privileges": Escaped(", ".join(string(privilege) for privilege in kind.privileges)),
        "role_after": kind.contents,
        "secret_after": Escaped(f"var.{AFTER.name}") if kind.waits(store) else kind.contents,
        "has_group": "group" in kind.inputs,
        "has_schema": "schema" in kind.parts,
        "forgets": [Escaped(address) for address in forgets],
    }


def _role_arguments(kind: Kind, store: Store) -> Arguments:
    """The arguments of the role."""
    password = {"password_wo": store.password, "password_wo_version": _of_role(store.password_version)}
    if kind.is_login:
        return login_arguments(password)
    iam = store if isinstance(store, Iam) else None
    found: Arguments = role_arguments(
        iam,
        has_group="group" in kind.inputs,
        has_schema="schema" in kind.parts,
        logs_in=kind.logs_in,
        password={} if iam or not kind.logs_in else password,
    )
    return found


def _of_role(version: Escaped) -> Escaped:
    """A version that changes with the role's name too: the server drops an MD5 password when its role is renamed."""
    inner = version.removeprefix("tostring(")[:-1] if version.startswith("tostring(") else version
    is_text = inner.startswith('"') and inner.count('"') == 2
    text = inner[1:-1] if is_text else f"${{{inner}}}"
    return Escaped(f'"{text}/${{var.role}}"')


def _number(version: Escaped) -> Escaped:
    """A version that is a text as a number, as the provider for MySQL wants one: it only has to change along with it."""
    if version.startswith("tostring(") and version.endswith(")"):
        return Escaped(version.removeprefix("tostring(")[:-1])
    return Escaped(f"parseint(substr(sha256({version}), 0, 7), 16)")


def _secrets(kind: Kind, store: Store) -> list[str]:
    """What ``store`` made for a role of the plugin's own, in a module that has lost that role to another, or whose role no
    longer logs in.
    """
    if not store.makes_password or not (_ROLES.intersection(kind.forgets) or (kind.makes_role and not kind.logs_in)):
        return []
    of_store = tuple(f"{provider.name}_" for provider in store.providers)
    return [f"{item.type}.plugin" for item in PROTECTED.values() if item.is_secret and item.type.startswith(of_store)]


def _parts(kind: Kind, store: Store) -> list[str]:
    password = [f"modules/password.{store.name}.tf.j2"] if kind.has_password and store.makes_password else []
    folder = f"modules/{kind.templates}"
    makes_role = store.role_parts if isinstance(store, Iam) else (f"{folder}role.tf.j2",)
    return [
        *password,
        *(name for part in kind.parts for name in (makes_role if part == "role" else [f"{folder}{part}.tf.j2"])),
    ]
