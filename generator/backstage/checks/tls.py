"""TLS that is off, on or unverified because the key that was written is not the one the driver reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.checks.tls_names import INSIDE, file_key, is_mode, is_tls_name, wants
from generator.backstage.database.parts import connection_parts
from generator.documents.values import UNDEFINED, ConfigMap, Placeholder

if TYPE_CHECKING:
    from generator.problems.diagnostic import Diagnostics, Location

#: The texts a driver takes for `ssl`: pg two of its own, mysql2 the name of a profile.
_SSL_TEXTS: Final = {"pg": ("true", "no-verify"), "mysql2": ("Amazon RDS",), "mysql": ("Amazon RDS",)}
#: The ways to sign in with a token that go through `ssl`; Google's connector encrypts by itself.
_TOKENS: Final = {
    "rds": "RDS takes an IAM token over TLS only",
    "azure": "a server of Azure takes connections over TLS only, unless that was switched off there",
}
#: What makes pg encrypt and verify there. The authority of RDS is Amazon's own, which Node does not know.
TOKEN_LINES: Final = {"rds": "ssl: {ca: {$file: /etc/ssl/certs/rds-global-bundle.pem}}", "azure": "ssl: true"}
_WITH_CA: Final = "ssl: {ca: {$file: <path>}} with the certificate of the server's authority"
_ON: Final = {"pg": f"ssl: true, or {_WITH_CA}", "mysql2": f"ssl: {{rejectUnauthorized: true}}, or {_WITH_CA}"}


class Side(NamedTuple):
    """One connection in ``backend.database``: the base (``inherited`` is empty) or a plugin's with what it gets of the base.

    ``own`` are its own parts, ``written`` whether they are the keys of an object and not those of a string.
    """

    entry: ConfigMap
    path: str
    client: str
    own: ConfigMap
    inherited: ConfigMap

    @property
    def written(self) -> bool:
        """Whether the connection is an object."""
        return isinstance(self.entry.get("connection"), ConfigMap)

    def value(self, key: str) -> Any:
        """What the driver gets for ``key``."""
        return self.own[key] if key in self.own else self.inherited.get(key, UNDEFINED)

    def locate(self, key: str) -> Location | None:
        """Where ``key`` was written, or the string it is a part of."""
        return (self.own.locate(key) if self.written else None) or self.entry.locate("connection")


def side(entry: ConfigMap, path: str, client: Any, inherited: ConfigMap) -> Side | None:
    """The connection of ``entry``; ``None`` where the client has no TLS, or is not known."""
    if not isinstance(client, str) or client not in _SSL_TEXTS or isinstance(client, Placeholder):
        return None
    return Side(entry, f"{path}.connection", client, connection_parts(entry.get("connection"), client), inherited)


def check_tls(found: Side, diagnostics: Diagnostics) -> None:
    """Report what is wrong with the TLS of one connection (GR001, GR222, GR223, GR224, GR225)."""
    _ssl(found, diagnostics)
    if found.written:
        _beside(found, diagnostics)
    _token(found, diagnostics)


def _ssl(found: Side, diagnostics: Diagnostics) -> None:
    ssl, usable = found.own.get("ssl"), _SSL_TEXTS[found.client]
    if isinstance(ssl, ConfigMap) and found.written:
        _inside(found, ssl, diagnostics)
    elif isinstance(ssl, str) and not isinstance(ssl, Placeholder) and ssl not in usable:
        _text(found, usable, diagnostics)
    elif ssl is True and found.client == "mysql2":
        diagnostics.error(
            "GR224",
            "ssl: true is nothing mysql2 can use: it takes an object",
            found.locate("ssl"),
            path=f"{found.path}.ssl",
            backstage="fails for every plugin with: SSL profile must be an object, instead it's a boolean",
            hint=f"write {_ON['mysql2']}",
        )


def _text(found: Side, usable: tuple[str, ...], diagnostics: Diagnostics) -> None:
    backstage = "fails with: Unknown SSL profile"
    if found.own.get("ssl") == "":
        backstage = "takes an empty text for no TLS: the connection is not encrypted"
    elif found.client == "pg":
        backstage = (
            "asks the server for TLS, as for every text: without TLS there the connection is refused, "
            "with it the process ends"
        )
    problem = f"ssl is a text that {found.client} cannot use; of texts it takes {' and '.join(map(repr, usable))} only"
    in_file = "write `ssl: false` without quotes and without a variable, or `ssl: {…}`"
    in_url = "write host, port, user and password as keys of an object, with `ssl: {…}` beside them"
    diagnostics.error(
        "GR001",
        problem if found.own.get("ssl") else f"ssl is an empty text, which is no TLS to {found.client}",
        found.locate("ssl"),
        path=f"{found.path}.ssl" if found.written else found.path,
        backstage=backstage,
        hint=in_file if found.written else in_url,
    )


def _beside(found: Side, diagnostics: Diagnostics) -> None:
    """TLS settings among host and user, where no driver looks for them."""
    ssl = found.value("ssl")
    off = ssl in (UNDEFINED, None, False, "", 0)
    for key, value in found.own.items():
        if key in INSIDE:
            wanted, hint = "inside", f"write it as {found.path}.ssl.{key}"
        elif key in ("ssl", "sslnegotiation") or not is_tls_name(key, inside=False):
            continue
        else:
            wanted = wants(key, value)
            inner = file_key(key)
            hint = {
                "off": "remove it" if off else f"write {found.path}.ssl: false",
                "file": f"write {found.path}.ssl: {{{inner}: {{$file: <path>}}}}",
            }.get(wanted, f"write {_ON['pg' if found.client == 'pg' else 'mysql2']} in its place")
        as_it_is = "off" if off else "on"
        if wanted == as_it_is or (wanted == "unverified" and not off and is_mode(key)):
            continue  # it says what happens anyway
        state = ": the connection is not encrypted" if off else ": TLS stays on" if wanted in ("off", "unknown") else ""
        diagnostics.warning(
            "GR222",
            f"{found.client} does not read {key!r} here{state}",
            found.own.locate_key(key),
            path=f"{found.path}.{key}",
            backstage="hands it to the driver, which ignores it" + (_PGSSLMODE if off and found.client == "pg" else ""),
            hint=hint,
        )


#: The one way to TLS without a key in app-config.
_PGSSLMODE: Final = "; without `ssl`, and without PGSSLMODE in its environment, pg does not ask the server for TLS"


def _inside(found: Side, ssl: ConfigMap, diagnostics: Diagnostics) -> None:
    """Keys of other drivers inside ``ssl``: an object means TLS, whatever it says."""
    base = found.inherited.get("ssl")
    reject = ssl.get("rejectUnauthorized", base.get("rejectUnauthorized") if isinstance(base, ConfigMap) else None)
    for key, value in ssl.items():
        if not is_tls_name(key, inside=True):
            continue
        wanted = wants(key, value)
        if wanted == "on" or (wanted == "unverified" and reject is False):
            continue
        inner = file_key(key)
        state, hint = {
            "off": ("TLS stays on", f"write {found.path}.ssl: false for a connection without TLS"),
            "unknown": (
                "TLS stays on, whatever the variable holds",
                f"write {found.path}.ssl: false where TLS is not wanted",
            ),
            "unverified": (
                "the server's certificate is checked all the same",
                "remove it, and give a certificate of a private authority as ca: {$file: <path>}; rejectUnauthorized: false "
                "switches the check off",
            ),
            "file": ("the file is not read", f"write {inner}: {{$file: <path>}}"),
        }[wanted]
        diagnostics.warning(
            "GR223",
            f"{found.client} has no option {key!r} in ssl: {state}",
            ssl.locate_key(key),
            path=f"{found.path}.ssl.{key}",
            backstage="hands it to the driver, for which every object means TLS",
            hint=hint,
        )


def _token(found: Side, diagnostics: Diagnostics) -> None:
    """A cloud's token without TLS. A plugin that changes neither is not told what the base was told."""
    kind = found.value("type")
    if found.client != "pg" or not isinstance(kind, str) or kind not in _TOKENS:
        return
    if found.inherited and not {"type", "ssl"} & found.own.keys():
        return
    if found.value("ssl") not in (UNDEFINED, None, False, "", 0):
        return
    key, lines = "ssl" if "ssl" in found.own else "type", TOKEN_LINES[kind]
    hint = f"add below {found.path}: {lines}"
    if not found.written:
        hint = f"write the connection as an object, with {lines}"
    elif key == "ssl":  # twice in one object is an error
        hint = f"replace {found.path}.ssl with: {lines}"
    diagnostics.warning(
        "GR225",
        f"{_TOKENS[kind]}, and this connection has {'TLS switched off' if key == 'ssl' else 'no `ssl`'}",
        found.locate(key),
        path=f"{found.path}.{key}",
        backstage="asks for a token and connects unencrypted: the server refuses it",
        hint=hint,
    )
