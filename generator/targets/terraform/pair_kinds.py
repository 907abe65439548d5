"""The modules of a pair of logins: the role that they act as, which cannot log in, and a login."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, Variable
from generator.targets.terraform.inputs import BOOL
from generator.targets.terraform.kinds import DATABASE, ROLE, SCHEMA, Kind
from generator.targets.terraform.names import NAMES
from generator.targets.terraform.shape import ENGINE
from generator.targets.text.escaped import Escaped


def _owner(kind: Kind, summary: str) -> Kind:
    """``kind`` with a role that cannot log in. A role that gets a pair, or loses it, stays the same resource."""
    return replace(kind, folder=kind.folder.replace("postgresql-", "postgresql-owner-"), summary=summary, logs_in=False)


#: The kinds whose role cannot log in, by those whose role can.
OWNERS: Final = {
    DATABASE: _owner(DATABASE, "A plugin's role, which two logins act as, its database, and what the role may do there."),
    SCHEMA: _owner(SCHEMA, "A plugin's role, which two logins act as, its schema in a database, and what it may do there."),
    ROLE: _owner(ROLE, "A role that two logins act as: that of several plugins, or a plugin's own in a shared database."),
}

_NAMES: Final = NAMES[ENGINE]
LOGIN: Final = Kind(
    folder="postgresql-login",
    summary="A login of a pair with its password. It acts as its owner, and may do nothing but that.",
    parts=("role", "connect_each"),
    inputs=("role", "databases", "owner", "acts_as", "schema", "login"),
    outputs={"role": Escaped("postgresql_role.plugin.name")},
    privileges=("CONNECT",),
    variables={
        variable.name: variable
        for variable in (
            _NAMES.perhaps("acts_as", "Role that every connection of the login acts as; none when null."),
            _NAMES.several("databases", "Databases it may connect to: a server asks for that before it looks at settings."),
            Variable(
                name=Escaped("login"),
                type=BOOL,
                description=string("Whether it may log in. A login that may not keeps its password."),
                settings={"nullable": FALSE},
            ),
            _NAMES.perhaps("owner", "Role that the login is a member of; none when null."),
            _NAMES.one("role", "Name of the login."),
            _NAMES.perhaps("schema", "Schema that the owner works in; public when null."),
        )
    },
)
