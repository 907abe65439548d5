"""The modules for MySQL and MariaDB. Nobody owns a database or a table there: privileges are all there is.

A grant belongs to the module of the database where that is one plugin's, and to the module of the user where several users
share a database: so it keeps its address however many others come and go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.engines.mysql import PRIVILEGES
from generator.targets.terraform.hcl import RequiredProvider
from generator.targets.terraform.inputs import switch, text
from generator.targets.terraform.kinds import PLUGIN_ID, Kind
from generator.targets.terraform.names import NAMES
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.targets.terraform.hcl import Variable

MYSQL: Final = RequiredProvider(
    name="mysql",
    source="petoju/mysql",
    oldest="3.0.87",  # the first with `password_wo`
    below="4.0.0",
)

_OWN_USER: Final = Escaped("mysql_user.plugin.user")
_OWN_DATABASE: Final = Escaped("mysql_database.plugin.name")
_GIVEN_ID: Final = Escaped("var.plugin_id")
_FOLDER: Final = "mysql/"

_NAMES: Final = NAMES["mysql"]
_VARIABLES: Final[dict[str, Variable]] = {
    variable.name: variable
    for variable in (
        PLUGIN_ID,
        _NAMES.one("database", "Name of the database."),
        _NAMES.several("databases", "Databases the user shares with others: it gets the privileges of a plugin in each."),
        text("host", "%", "Where the user may come from; % is everywhere.", "^.+$", "A host, an address or a pattern."),
        _NAMES.one("role", "Name of the user."),
        switch("require_tls", "Whether the server refuses the user without TLS.", default=True),
    )
}

DATABASE: Final = Kind(
    folder="mysql-database",
    summary="A plugin's user with its password, its database, and what the user may do there.",
    parts=("role", "database", "grant"),
    inputs=("plugin_id", "database", "role", "host", "require_tls"),
    outputs={"plugin_id": _GIVEN_ID, "role": _OWN_USER, "database": _OWN_DATABASE},
    role=_OWN_USER,
    database=_OWN_DATABASE,
    privileges=PRIVILEGES,
    provider=MYSQL,
    variables=_VARIABLES,
    templates=_FOLDER,
)
USER: Final = Kind(
    folder="mysql-user",
    summary="A user with its password: one that several plugins use, or a plugin's own in a database it shares with others.",
    parts=("role", "grant_each"),
    inputs=("role", "databases", "host", "require_tls"),
    outputs={"role": _OWN_USER},
    role=_OWN_USER,
    privileges=PRIVILEGES,
    # A user that stops to be one plugin's alone keeps what it had: nothing may be dropped or revoked on the way.
    forgets=("mysql_grant.plugin", "mysql_database.plugin"),
    provider=MYSQL,
    variables=_VARIABLES,
    templates=_FOLDER,
)
SHARED_DATABASE: Final = Kind(
    folder="mysql-shared-database",
    summary="A database that several plugins use. Each user's module has its grant.",
    parts=("database",),
    inputs=("database",),
    outputs={"database": _OWN_DATABASE},
    provider=MYSQL,
    variables=_VARIABLES,
    templates=_FOLDER,
)
DATABASE_OF_USER: Final = Kind(
    folder="mysql-database-of-user",
    summary="A database, and what a user from elsewhere may do there.",
    parts=("database", "grant"),
    inputs=("plugin_id", "database", "role", "host"),
    outputs={"plugin_id": _GIVEN_ID, "role": Escaped("var.role"), "database": _OWN_DATABASE},
    role=Escaped("var.role"),
    database=_OWN_DATABASE,
    privileges=PRIVILEGES,
    forgets=("mysql_user.plugin",),
    provider=MYSQL,
    variables=_VARIABLES,
    templates=_FOLDER,
)

MAKES_DATABASE: Final = {kind.folder for kind in (DATABASE, DATABASE_OF_USER, SHARED_DATABASE)}
MAKES_USER: Final = {kind.folder for kind in (DATABASE, USER)}
