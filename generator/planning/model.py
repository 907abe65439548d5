"""The two results everything else works on: what Backstage resolves, and what therefore has to exist.

``PluginDatabaseMap`` knows nothing about infrastructure; ``Plan`` knows nothing about a target's syntax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase
    from generator.settings.model import Adopted

# --- what Backstage resolves ------------------------------------------------------------------------------------------


# --- what has to exist ------------------------------------------------------------------------------------------------


class Server(NamedTuple):
    """A database server that plugins connect to.

    ``name`` is an identifier (``primary``), ``kind`` is ``existing``, or what creates it (``aws-rds``, ``aws-aurora``,
    ``google-cloudsql``, ``azure-flexible``); ``host`` and ``port`` are what app-config says: literals, a
    :class:`~generator.documents.values.Placeholder`, or ``None`` where app-config leaves them to the driver.
    """

    name: str
    kind: str
    engine: str
    host: str | None
    port: int | str | None


class Delivery(NamedTuple):
    """How the password of a role reaches Backstage: an environment variable, or a file (``file`` set)."""

    env: str
    file: str | None = None

    @property
    def app_config(self) -> Any:
        """The value of ``connection.password`` in app-config."""
        return {"$file": self.file} if self.file else f"${{{self.env}}}"


class Role(NamedTuple):
    """A login role and its password, used by ``plugins``; ``group`` is the role that owns what they make.

    For MySQL, which has no ``group``: ``host`` is where the user may come from, ``requires_tls`` refuses it without TLS.
    ``is_common``: it is the one role of all plugins of its server, even while there is only one of them. ``iam`` is the
    cloud that signs it in (``rds``, ``cloudsql``, ``azure``): such a role has no password, and its ``delivery``,
    ``secret_name`` and ``password_version`` stand for nothing. ``former_secret`` is the store and the name of the secret it
    had before, where that was another one.
    """

    name: str
    server: str
    plugins: tuple[str, ...]
    label: str
    delivery: Delivery
    secret_name: str
    password_version: int
    group: str | None = None
    renamed_from: str | None = None
    host: str = "%"
    requires_tls: bool = True
    is_common: bool = False
    iam: str | None = None
    former_secret: tuple[str, str] | None = None


class Database(NamedTuple):
    """A database on ``server`` used by ``plugins``.

    ``shared``: it is not the database of exactly one plugin (schema mode, or several plugins that name the same one).
    ``group``: plugins with different roles share it in database mode, so their objects belong to this no-login role (on
    PostgreSQL; on MySQL nobody owns a table, and each of the users gets the privileges itself).
    """

    name: str
    server: str
    plugins: tuple[str, ...]
    label: str
    shared: bool = False
    group: str | None = None
    renamed_from: str | None = None


class PluginPlan(NamedTuple):
    """What one plugin needs: its database (and schema), its role, and how app-config has to say so.

    ``label`` is the plugin id as an identifier of a target (Terraform module name). ``schema`` is ``None`` in database
    mode, where the plugin uses ``public``. ``stack`` is the number of the CloudFormation stack the plugin belongs to for
    good, ``None`` where nobody asked for CloudFormation. ``former_ids`` are the ids it had before (``plugins.renamed``),
    oldest first: what they named in a target is the plugin's still. ``extensions`` are those its migrations create in its
    database, which the administrator creates first.
    """

    plugin_id: str
    label: str
    server: str
    database: Database
    role: Role
    schema: str | None = None
    schema_renamed_from: str | None = None
    source: PluginDatabase | None = None
    stack: int | None = None
    former_ids: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()


class Retired(NamedTuple):
    """A plugin that was generated before and is not wanted any more, or a place that a plugin has left. Its data stays.

    ``shared``: its database was not the database of exactly one plugin. ``dropped``: a person has dealt with its data, so
    nothing is left to say about it on a server, but a target has to let go of it all the same. ``common``: its role was that
    of all plugins of the server, and ``group`` the role they acted as, where there was one. ``stack``: it was in that
    CloudFormation stack. ``returned``: of a place that a plugin has left, that the plugin was retired in between.
    """

    plugin_id: str
    label: str
    server: str
    engine: str
    database: str
    schema: str | None
    role: str
    shared: bool = False
    dropped: bool = False
    former_ids: tuple[str, ...] = ()
    group: str | None = None
    common: bool = False
    stack: int | None = None
    returned: bool = False
    extensions: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The plugin's id, also where it is still in use and only this place is not."""
        return owner_of(self.plugin_id)


def earlier(plugin_id: str, place: str) -> str:
    """The name under which a place that a plugin has left is kept among what is retired."""
    return f"{plugin_id} ({place})"


def owner_of(name: str) -> str:
    """The plugin id in a name of something retired."""
    return name.partition(" (")[0] if name.endswith(")") else name


class Plan(NamedTuple):
    """Everything that has to exist, sorted by name: the input of every target.

    ``not_provisioned`` are the plugins that need nothing (SQLite). ``environment`` is a name such as ``production``.
    ``store`` is where passwords live: ``variables``, ``aws-secretsmanager``, ``aws-ssm``, ``google-secretmanager``,
    ``azure-keyvault``, ``vault`` or ``kubernetes``. ``credentials`` is how plugins sign in: ``per-plugin`` or ``shared``
    passwords, or ``iam`` without any. ``adopted`` is what of it all is there already; ``tags`` go on what a cloud can tag.
    ``base_login`` is the plugin whose user the base connection gets, because something of it logs in with that one (RBAC).
    """

    environment: str
    store: str
    servers: tuple[Server, ...]
    databases: tuple[Database, ...]
    roles: tuple[Role, ...]
    plugins: tuple[PluginPlan, ...]
    retired: tuple[Retired, ...] = ()
    not_provisioned: tuple[str, ...] = ()
    credentials: str = "per-plugin"
    adopted: tuple[Adopted, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    base_login: str | None = None
