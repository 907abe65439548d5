"""The properties of a custom resource, checked: every problem at once."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from .facts import MYSQL_CHARACTERS, PORTS, POSTGRESQL_BYTES, POSTGRESQL_PREFIX, SERVERS_OWN
from .failures import RefusedError, problems_text
from .scram import prepared

PLUGIN_DATABASE = "Custom::PluginDatabase"
SHARED_DATABASE = "Custom::SharedDatabase"
SHARED_ROLE = "Custom::SharedRole"

_COMMON = {
    "ServiceToken", "ServiceTimeout", "Engine", "Host", "Port", "AdminSecretArn", "AdminDatabase", "CaBundle", "ClusterArn",
    "Owner", "OnDelete", "Adopt", "Force", "Revision", "PasswordVersion",
}  # fmt: skip
_ROLE = {"Role", "UserHost", "RequireTls", "Auth", "SecretArn"}
_KNOWN = {
    PLUGIN_DATABASE: _COMMON | _ROLE | {"PluginId", "Database", "DatabaseOf", "Schema", "SearchPath", "Group", "RoleOf"},
    SHARED_DATABASE: _COMMON | {"Database", "Group"},
    SHARED_ROLE: _COMMON | _ROLE,
}
_OWNER_CHARACTERS = 500


@dataclass(frozen=True)
class Wanted:
    """One resource as the template wants it. Names that do not apply are empty."""

    type: str
    engine: str
    host: str
    port: int
    owner: str
    admin_secret: str
    admin_database: str
    ca_bundle: str
    cluster: str
    plugin: str
    database: str
    schema: str
    group: str
    role: str
    user_host: str
    requires_tls: bool
    auth: str
    secret: str
    makes_database: bool
    makes_role: bool
    sets_search_path: bool
    drops: bool
    adopts: bool
    force: bool

    @property
    def id(self) -> str:
        """The physical id: another owner, host or port is another resource."""
        return f"{self.owner}@{self.host}:{self.port}"

    @property
    def makes_group(self) -> bool:
        """Whether the group is this resource's own."""
        return bool(self.group) and self.type == SHARED_DATABASE

    @property
    def shape(self) -> str:
        """What kind of thing it is. An Update cannot change it: tables would have to change their place or their owner."""
        words = [
            ("database", self.makes_database),
            ("role", self.makes_role),
            ("schema", self.schema),
            ("group", self.group),
        ]
        return " ".join(word for word, is_so in words if is_so)

    @property
    def attributes(self) -> dict[str, str]:
        """What ``Fn::GetAtt`` gives."""
        return {
            "Engine": self.engine,
            "Host": self.host,
            "Port": str(self.port),
            "Database": self.database,
            "Schema": self.schema,
            "Role": self.role,
            "Group": self.group,
        }


class _Reader:
    """Reads properties one by one and keeps what is wrong with them."""

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties
        self.problems: list[str] = []

    def text(self, name: str, default: str | None = "") -> str:
        value = self.properties.get(name, default)
        if value is None or (value == "" and default is None):
            self.problems.append(f"{name} is missing")
            return ""
        if not isinstance(value, str):
            self.problems.append(f"{name} is not a text")
            return ""
        return value

    def choice(self, name: str, *choices: str) -> str:
        """One of the choices; the first one when the property is not there."""
        value = self.text(name, choices[0])
        if value not in choices:
            self.problems.append(f"{name} is {value!r}, not {' or '.join(choices)}")
        return value

    def flag(self, name: str, default: str = "false") -> bool:
        return self.choice(name, default, "false" if default == "true" else "true") == "true"

    def port(self, default: int) -> int:
        value = self.text("Port", str(default))
        if not (value.isascii() and value.isdecimal() and 0 < int(value) < 65536):
            self.problems.append(f"Port is {value!r}, not a number from 1 to 65535")
            return default
        return int(value)

    def without(self, name: str, why: str) -> None:
        if self.properties.get(name):
            self.problems.append(f"{name} {why}")


def read_wanted(resource_type: str, properties: dict[str, Any], default_owner: str) -> Wanted:
    """The resource that ``properties`` describe.

    Args:
        default_owner: who owns the objects when ``Owner`` is not given.

    Raises:
        RefusedError: with every problem there is.
    """
    known = _KNOWN.get(resource_type)
    if known is None:
        raise RefusedError(f"the resource type {resource_type} is none of {', '.join(sorted(_KNOWN))}")
    reader = _Reader(properties)
    reader.problems += [f"{name} is no property of {resource_type}" for name in sorted(set(properties) - known)]
    engine = reader.choice("Engine", *PORTS) if "Engine" in properties else reader.text("Engine", None)
    is_plugin = resource_type == PLUGIN_DATABASE
    has_role = resource_type != SHARED_DATABASE
    makes_role = has_role and (not is_plugin or reader.choice("RoleOf", "plugin", "shared") == "plugin")
    schema = reader.text("Schema")
    owner = reader.text("Owner") or default_owner
    auth = reader.choice("Auth", "password", "iam") if makes_role else ""
    wanted = Wanted(
        type=resource_type,
        engine=engine,
        host=reader.text("Host", None),
        port=reader.port(PORTS.get(engine, PORTS["postgresql"])),
        owner=owner,
        admin_secret=reader.text("AdminSecretArn", None),
        admin_database=reader.text("AdminDatabase") or "postgres",
        ca_bundle=reader.text("CaBundle") or "rds",
        cluster=reader.text("ClusterArn"),
        plugin=reader.text("PluginId", None) if is_plugin else "",
        database=reader.text("Database", None) if resource_type != SHARED_ROLE else "",
        schema=schema,
        group=reader.text("Group"),
        role=reader.text("Role", None) if has_role else "",
        user_host=(reader.text("UserHost") or "%") if has_role and engine == "mysql" else "",
        requires_tls=makes_role and engine == "mysql" and reader.flag("RequireTls", "true"),
        auth=auth,
        secret=reader.text("SecretArn", None) if auth == "password" else "",
        makes_database=resource_type == SHARED_DATABASE
        or (is_plugin and reader.choice("DatabaseOf", "plugin", "shared") == "plugin"),
        makes_role=makes_role,
        sets_search_path=bool(schema) and reader.flag("SearchPath", "true" if makes_role else "false"),
        drops=reader.choice("OnDelete", "Retain", "Drop") == "Drop",
        adopts=reader.flag("Adopt"),
        force=reader.flag("Force"),
    )
    _check_combinations(wanted, reader)
    _check_names(wanted, reader)
    if reader.problems:
        raise RefusedError(problems_text(reader.problems))
    return wanted


def _check_combinations(wanted: Wanted, reader: _Reader) -> None:
    if wanted.schema and wanted.makes_database:
        reader.problems.append("Schema needs DatabaseOf: shared")
    if wanted.group and wanted.schema:
        reader.problems.append("Group and Schema exclude each other")
    if wanted.group and wanted.type == PLUGIN_DATABASE and wanted.makes_database:
        reader.problems.append("Group needs DatabaseOf: shared")
    if wanted.engine == "mysql":
        for name in ("Schema", "Group"):
            reader.without(name, "does not exist on mysql")
        reader.without("ClusterArn", "(the Data API) is for postgresql only")
        if wanted.auth == "iam":
            reader.problems.append("Auth: iam is for postgresql only: Backstage's MySQL connector has no IAM authentication")
    else:
        for name in ("UserHost", "RequireTls"):
            reader.without(name, "is for mysql only")
    if len(wanted.owner) > _OWNER_CHARACTERS or not wanted.owner or not wanted.owner.isprintable():
        reader.problems.append(f"Owner has to be 1 to {_OWNER_CHARACTERS} printable characters")
    if (
        len(wanted.host) > 253
        or not (wanted.host.isascii() and wanted.host.isprintable())
        or any(character in wanted.host for character in " @/'\"")
    ):
        reader.problems.append("Host is not the name of a host")


def _check_names(wanted: Wanted, reader: _Reader) -> None:
    names = {
        "Database": wanted.database,
        "Schema": wanted.schema,
        "Group": wanted.group,
        "Role": wanted.role,
        "UserHost": wanted.user_host,
    }
    for property_name, name in names.items():
        problem = name_problem(wanted.engine, property_name, name) if name else None
        if problem:
            reader.problems.append(f"{property_name} {name!r} {problem}")
    if (
        wanted.database
        and wanted.database == wanted.admin_database
        and wanted.engine == "postgresql"
        and wanted.makes_database
    ):
        reader.problems.append("Database is the database of the administrator")
    if wanted.group and wanted.group == wanted.role:
        reader.problems.append("Group and Role are the same")


def name_problem(engine: str, property_name: str, name: str) -> str | None:
    """Why the engine cannot have something of this name; ``None`` when it can."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if "\0" in name:
        return "holds NUL"
    compared = name.lower() if engine == "mysql" else name
    if compared in SERVERS_OWN.get((engine, property_name), ()):
        return "is the server's own"
    if engine == "postgresql":
        if size > POSTGRESQL_BYTES:
            return f"is longer than {POSTGRESQL_BYTES} bytes, PostgreSQL's limit"
        if property_name != "Database" and name.startswith(POSTGRESQL_PREFIX):
            return f"starts with {POSTGRESQL_PREFIX}, which PostgreSQL keeps for itself"
        if property_name == "Role" and prepared(name) is None:
            return "holds a character that a login by SCRAM cannot carry (RFC 4013)"
        return None
    longest = MYSQL_CHARACTERS.get(property_name, 64)
    if len(name) > longest:
        return f"is longer than {longest} characters, MySQL's limit"
    if any(ord(character) > 0xFFFF for character in name):
        return "holds a character MySQL has in no name (outside Unicode's first plane)"
    if name != name.rstrip() or unicodedata.category(name[0]) in ("Cc", "Zs"):
        return "begins or ends with white space"
    return None
