"""The two results everything else works on: what Backstage resolves, and what therefore has to exist.

``PluginDatabaseMap`` knows nothing about infrastructure; ``Plan`` knows nothing about a target's syntax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.planning.pair import LETTERS, Pair, may_log_in, versions

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

    def of_login(self, letter: str) -> Delivery:
        """How the password of one login of a pair does: ``…_PASSWORD_A``, ``catalog-a.txt``."""
        return Delivery(f"{self.env}_{letter.upper()}", _before_suffix(self.file, f"-{letter}") if self.file else None)


def _before_suffix(path: str, part: str) -> str:
    """``path`` with ``part`` before the suffix of its file's name, or at its end."""
    folder, slash, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    return f"{folder}{slash}{stem}{part}{dot}{suffix}" if stem else f"{path}{part}"


class Login(NamedTuple):
    """Who logs in as a role: the role itself, or one of the two logins of its pair, which then act as it.

    ``version`` is that of its password, 0 where it never had one. ``is_live``: app-config names it. ``may_log_in``: it is
    live, or was and is not retired yet. ``letter`` tells the two of a pair apart; the role itself has none.
    """

    name: str
    delivery: Delivery
    secret_name: str
    version: int
    is_live: bool
    may_log_in: bool
    letter: str = ""
    renamed_from: str | None = None


class Role(NamedTuple):
    """A login role and its password, used by ``plugins``; ``group`` is the role that owns what they make.

    For MySQL, which has no ``group``: ``host`` is where the user may come from, ``requires_tls`` refuses it without TLS.
    ``is_common``: it is the one role of all plugins of its server, even while there is only one of them. ``iam`` is the
    cloud that signs it in (``rds``, ``cloudsql``, ``azure``): such a role has no password, and its ``delivery``,
    ``secret_name`` and ``password_version`` stand for nothing. ``former_secret`` is the store and the name of the secret it
    had before, where that was another one. ``pair``: two logins act as the role, which owns everything; ``delivery`` and
    ``secret_name`` are then the role's own, from which those of its logins are made.
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
    pair: Pair | None = None

    @property
    def has_pair(self) -> bool:
        """Whether two logins take turns."""
        return self.pair is not None and not self.pair.is_left

    @property
    def login_names(self) -> tuple[str, ...]:
        """The names of the logins of its pair, those of a pair that it had before included."""
        return tuple(login_name(self.name, letter) for letter in LETTERS) if self.pair is not None else ()

    @property
    def logins(self) -> tuple[Login, ...]:
        """The logins of its pair: both, until the role logs in by itself again and they are retired."""
        pair = self.pair
        if pair is None or (pair.until is not None and pair.retired >= pair.until):
            return ()
        each = zip(LETTERS, versions(self.password_version, pair), may_log_in(self.password_version, pair), strict=True)
        return tuple(
            Login(
                name=login_name(self.name, letter),
                delivery=self.delivery.of_login(letter),
                secret_name=f"{self.secret_name}-{letter}",
                version=version,
                is_live=not pair.is_left and version == self.password_version,
                may_log_in=may,
                letter=letter,
                renamed_from=login_name(self.renamed_from, letter) if self.renamed_from else None,
            )
            for letter, version, may in each
        )

    @property
    def own_login(self) -> Login:
        """The role itself as a login: who is live without a pair, and who may go on until the first retirement with one."""
        return Login(
            name=self.name,
            delivery=self.delivery,
            secret_name=self.secret_name,
            version=self.password_version,
            is_live=not self.has_pair,
            may_log_in=not self.has_pair or (self.pair is not None and self.pair.owner_logs_in),
            renamed_from=self.renamed_from,
        )

    @property
    def live(self) -> Login:
        """Who logs in as the role, as app-config says."""
        return next((login for login in self.logins if login.is_live), self.own_login)

    @property
    def leaving(self) -> tuple[Login, ...]:
        """Who may log in besides: what a retirement locks."""
        return tuple(item for item in (self.own_login, *self.logins) if item.may_log_in and not item.is_live)


def login_name(role: str, letter: str) -> str:
    """The name of a login of the pair of ``role``."""
    return f"{role}_{letter}"


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
    ``has_pair``: two logins acted as its role.
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
    has_pair: bool = False

    @property
    def login_names(self) -> tuple[str, ...]:
        """The logins that acted as its role."""
        return tuple(login_name(self.role, letter) for letter in LETTERS) if self.has_pair else ()

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
