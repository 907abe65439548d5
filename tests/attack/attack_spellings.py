"""Ways to write a password into an app-config, right and wrong ones. Every word of the secret starts with ``WORD``."""

from __future__ import annotations

import random
from typing import NamedTuple

WORD = "qz7"


class Spelling(NamedTuple):
    """An app-config (``database``: what is below ``backend``), and the words of the secret in it."""

    database: str
    words: tuple[str, ...]


# Between the words of a secret; quoted for where it stands.
_JOINTS = (
    "",
    " ",
    "  ",
    ",",
    ", ",
    "}",
    "{",
    "]",
    ":",
    "/",
    "?",
    "#",
    "@",
    "%",
    "%20",
    "&",
    ";",
    "=",
    "$",
    "\\",
    "'",
    "!",
    "*",
    "|",
    "~",
)
_NAMES = [
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accessKey",
    "access_key",
    "secretAccessKey",
    "privateKey",
    "passphrase",
    "sslkey",
    "sslpassword",
    "clientSecret",
    "sharedKey",
    "accountKey",
]
_PLACES = ("base", "plugin", "knex", "ssl")


def spelling(seed: int) -> Spelling:
    """The spelling of ``seed``."""
    random_ = random.Random(seed)
    words = tuple(f"{WORD}{random_.randrange(10**6):06d}" for _ in range(random_.randint(1, 3)))
    joint = random_.choice(_JOINTS)
    secret = joint.join(words)
    kind = random_.choice(
        (_option, _option, _url, _url, _url_elsewhere, _parameter, _libpq, _reference, _reference, _comment, _json)
    )
    return Spelling(kind(random_, secret), words)


def _text(value: str, random_: random.Random, *, flow: bool = False) -> str:
    """``value`` as one of the scalars YAML has for it."""
    import json

    plain = value.replace(" #", "").replace(": ", "")
    usable = (
        plain == value
        and value[:1] not in "!&*|>%@`{}[],#?:-'\"~$\\ "
        and not value.endswith((":", " "))
        and "\n" not in value
    )
    if flow:
        usable = usable and not set(value) & set(",[]{}#?:")
    ways = [json.dumps(value), "'" + value.replace("'", "''") + "'"]
    return random_.choice([*ways, value]) if usable else random_.choice(ways)


def _database(random_: random.Random, base: str, plugin: str = "", client: str = "") -> str:
    client = client or random_.choice(("pg", "pg", "mysql2", "better-sqlite3"))
    plugin = plugin or "{connection: {ssl: 'true'}}"
    port = random_.choice(("", ", port: '5432'", ", ssl: 'true'", ", port: ${PGPORT:5432}"))
    base = base.replace("@port@", port)
    return f"client: {client}\nconnection: {base}\nplugin:\n  catalog: {plugin.replace('@port@', port)}\n  auth: {{}}\n"


def _somewhere(random_: random.Random, connection: str) -> str:
    """``connection`` (a flow mapping or a text) as the base connection or as that of a plugin."""
    if random_.random() < 0.5:
        return _database(random_, connection)
    own = f"{{connection: {connection}}}"
    return _database(random_, "{host: h, user: u, password: '${PW}'@port@}", own)


def _option(random_: random.Random, secret: str) -> str:
    name = random_.choice(_NAMES)
    value = _text(secret, random_, flow=True)
    inner = random_.choice(
        (
            f"{name}: {value}",
            f"ssl: {{{name}: {value}, key: {value}}}",
            f"options: {{deep: [{{{name}: {value}}}]}}",
            f"{name}: [{value}]",
        )
    )
    return _somewhere(random_, f"{{host: h, user: u, {inner}@port@}}")


def _url(random_: random.Random, secret: str) -> str:
    scheme = random_.choice(("postgres", "postgresql", "mysql", "POSTGRES", "jdbc:postgresql", "socket"))
    user = random_.choice(("u", "", "my user", "a%20b", "${PGUSER}"))
    return _somewhere(random_, _text(f"{scheme}://{user}:{secret}@db.example:5432/app?x=y", random_, flow=True))


def _url_elsewhere(random_: random.Random, secret: str) -> str:
    name = random_.choice(("host", "database", "connectionString", "user", "port", "filename", "uri", "url"))
    scheme = random_.choice(("postgres://", "mysql://", "postgres:", ""))
    return _somewhere(random_, f"{{{name}: {_text(f'{scheme}u:{secret}@h/d', random_, flow=True)}@port@}}")


def _parameter(random_: random.Random, secret: str) -> str:
    name = random_.choice(
        ("password", "pass", "passwd", "pwd", "apikey", "accessKey", "key", "token", "sslpassword", "pass%77ord", "PASSWORD")
    )
    encoded = secret.replace("&", "%26").replace("=", "%3D").replace("#", "%23")
    return _somewhere(random_, _text(f"postgres://u@h/db?{name}={encoded}&application_name=x", random_, flow=True))


def _libpq(random_: random.Random, secret: str) -> str:
    quoted = "'" + secret.replace("\\", "\\\\").replace("'", "\\'") + "'"
    name = random_.choice(("password", "Password", "PWD", "sslpassword"))
    text = random_.choice(
        (
            f"host=h user=u {name}={quoted} dbname=d",
            f"Server=h;{name}={secret.replace('=', '')};Database=d",
            f"{name}={quoted}",
        )
    )
    return _somewhere(random_, _text(text, random_, flow=True))


def _reference(random_: random.Random, secret: str) -> str:
    plain = "".join(char for char in secret if char not in "{}")
    text = random_.choice(
        (
            f"${{PW:{plain}}}",
            f"${{PW:-{plain}}}",
            f"{plain}${{PW}}",
            f"${{PW}}{plain}",
            f"${{A}}${{PW:-{plain}}}",
            f"${{A}}${{PW:{plain}}}",
            f"a${{PW}}{plain}",
        )
    )
    name = random_.choice(_NAMES[:4])
    in_url = random_.random() < 0.4
    value = _text(f"postgres://u:{text}@h/d" if in_url else text, random_, flow=True)
    return _somewhere(random_, value if in_url else f"{{host: h, user: u, {name}: {value}@port@}}")


def _comment(random_: random.Random, secret: str) -> str:
    line = secret.replace("\n", " ")
    comment = random_.choice((f"# password: {line}", f"# was pwd={line}", f"# it is {line}"))
    value = _text(secret, random_, flow=True)
    text = _database(random_, "{host: h, user: u, password: " + value + "@port@}")
    return f"{comment}\n{text}"


def _json(random_: random.Random, secret: str) -> str:
    import json

    inner = json.dumps({"host": "h", "password": secret})
    return _somewhere(
        random_,
        random_.choice((_text(inner, random_, flow=True), f"{{database: {_text(inner, random_, flow=True)}@port@}}")),
    )
