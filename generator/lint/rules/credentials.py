"""Credentials of a plugin that are half its own and half the base connection's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.backstage.database.redaction import redact_value
from generator.documents.values import ConfigMap, Placeholder
from generator.lint.model import WARNING, Rule, found
from generator.lint.subject import is_known_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Entry, Subject

_MERGE = "backend-defaults: computePgPluginConfig ({...baseConnection, ...pluginConnection})"

HALF: Final = Rule(
    "GR010", "user-without-own-password", WARNING, "A plugin has its own user and the password of the base user.", _MERGE
)
FALLBACK: Final = Rule(
    "GR011",
    "silent-fallback",
    WARNING,
    "Without the variable, the plugin silently uses the base connection's value.",
    "config-loader: transform/substitution.ts; docs/conf/writing.md",
)
EMPTY: Final = Rule(
    "GR012",
    "empty-overrides-base",
    WARNING,
    "An empty text in a plugin's connection hides the base connection's value.",
    _MERGE,
)
RULES: Final = (HALF, FALLBACK, EMPTY)

# A password that is missing is noticed at once: the login fails. These are not.
_SILENT = ("user", "host", "database")


def check(subject: Subject) -> Iterator[Finding]:
    """Every plugin that has a connection map on the base client."""
    for entry in subject.plugins:
        connection = entry.connection
        if isinstance(connection, ConfigMap) and not entry.is_sqlite and entry.client == subject.base.client:
            yield from _half(subject, entry, connection)
            yield from _fallback(subject, entry, connection)
            yield from _empty(subject, entry, connection)


def _half(subject: Subject, entry: Entry, connection: ConfigMap) -> Iterator[Finding]:
    base = subject.base_connection
    user = connection.get("user")
    if (connection.get("type") or base.get("type")) not in (None, "default"):
        return  # a cloud identity signs in; no password is used
    if user and "password" not in connection and base.get("password") and user != base.get("user"):
        yield found(
            HALF,
            "this user logs in with the password of the base connection",
            connection.locate("user"),
            path=f"{entry.path}.connection.user",
            backstage="takes what the plugin's connection leaves out from the base connection",
            hint="give the plugin's connection a password of its own",
        )


def _fallback(subject: Subject, entry: Entry, connection: ConfigMap) -> Iterator[Finding]:
    base = subject.base_connection
    for key in _SILENT:
        value = connection.get(key)
        if not isinstance(value, Placeholder) or value.is_file or ":-" in value:
            continue
        if key == "database" and not subject.in_schema_mode:
            instead = "the default name"
        elif base.get(key):
            instead = f"the base connection's {key}"
        else:
            continue
        yield found(
            FALLBACK,
            f"without {redact_value(value)} the plugin gets {instead}, and nothing says so",
            connection.locate(key),
            path=f"{entry.path}.connection.{key}",
            backstage="drops a key whose variable is not set",
            hint="write the value out, or check with --env-file that every environment sets the variable",
        )


def _empty(subject: Subject, entry: Entry, connection: ConfigMap) -> Iterator[Finding]:
    for key in ("user", "password", "host"):
        value = connection.get(key)
        if is_known_text(value) and not str(value).strip() and subject.base_connection.get(key):
            yield found(
                EMPTY,
                f"an empty text: the plugin has no {key}, and does not get the base connection's either",
                connection.locate(key),
                path=f"{entry.path}.connection.{key}",
                backstage="takes an empty text for a value",
                hint=f"leave {key} out to inherit it",
            )
