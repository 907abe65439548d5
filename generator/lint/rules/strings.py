"""Connection strings, whose parts are not what they are elsewhere, and cloud identities on the wrong client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.backstage.checks.urls import fault, is_file_name
from generator.clouds import CLOUDS
from generator.documents.values import ConfigMap
from generator.lint.model import ERROR, WARNING, Rule, found
from generator.lint.subject import is_known_text, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Subject

CLEARED: Final = Rule(
    "GR060",
    "string-clears-base",
    WARNING,
    "What a plugin's connection string leaves out hides the base connection's value.",
    "pg-connection-string/index.js (missing parts are ''), backend-defaults: computePgPluginConfig",
)
ENCODED: Final = Rule(
    "GR061",
    "mysql-url-not-decoded",
    ERROR,
    "User and password of a MySQL URL are not percent-decoded.",
    "backend-defaults: connectors/mysql.ts (parseMysqlConnectionString)",
)
SIGN_IN: Final = Rule(
    "GR063",
    "cloud-sign-in-without-postgres",
    WARNING,
    "Signing in with a cloud identity works on PostgreSQL only.",
    "backend-defaults: connectors/postgres.ts (buildPgDatabaseConfig); issues 16980, 27902",
)
RULES: Final = (CLEARED, ENCODED, SIGN_IN)

_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")


def check(subject: Subject) -> Iterator[Finding]:
    """Every connection that is a text, and ways to sign in that are not PostgreSQL's."""
    base = subject.base_connection
    for entry in subject.entries:
        text = entry.connection
        if (entry.is_mysql or entry.is_sqlite) and isinstance(text, ConfigMap) and text.get("type") in tuple(CLOUDS):
            yield found(
                SIGN_IN,
                f"the client {entry.client} cannot sign in with {text['type']}",
                text.locate("type"),
                path=f"{entry.path}.connection.type",
                backstage="hands the key to the driver, which ignores it and logs in with user and password",
                hint="remove it and give a password; only client: pg signs in with a cloud identity",
            )
        if not isinstance(text, str):
            continue
        parts = parts_of(entry)
        readable = fault(text, "pg") is None and not is_file_name(text)  # else that says it all
        if entry.plugin_id is not None and entry.is_postgres and subject.base.is_postgres and parts and readable:
            cleared = [key for key in ("host", "user", "password") if parts.get(key) == "" and base.get(key)]
            if cleared:
                yield found(
                    CLEARED,
                    f"this string has no {' and no '.join(cleared)}, and the base connection's does not apply",
                    entry.locate("connection"),
                    path=f"{entry.path}.connection",
                    backstage="takes the missing parts for empty ones, which override the base connection's",
                    hint="write an object with the keys that differ, or a complete string",
                )
        known = {key: value for key in ("user", "password") if is_known_text(value := parts.get(key))}
        encoded = [key for key, value in known.items() if _PERCENT.search(str(value))]
        if entry.is_mysql and encoded:
            yield found(
                ENCODED,
                f"the {' and the '.join(encoded)} in this URL would be sent with the percent signs",
                entry.locate("connection"),
                path=f"{entry.path}.connection",
                backstage="does not decode user and password of a MySQL URL (those of a PostgreSQL URL it does)",
                hint="write host, user, password and database as keys of an object",
            )
