"""Random `backend.database` configurations, hostile on purpose: what nobody would write is what nobody has tested."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

ABSENT = object()

REFERENCES = ("DB_HOST", "DB_EMPTY", "DB_UNSET", "DB_NUMBER", "DB_TRUE", "DB_SPACED")
ENVIRONMENT = {
    "DB_HOST": "db.example",
    "DB_EMPTY": "",
    "DB_NUMBER": "5433",
    "DB_TRUE": "true",
    "DB_SPACED": "  spaced  ",
}


@dataclass
class Case:
    """Files by name (in the order they are given), the environment, and the plugins to ask for."""

    files: dict[str, Any]
    environ: dict[str, str] = field(default_factory=dict)
    plugins: tuple[str, ...] = ("catalog",)

    def texts(self) -> dict[str, str]:
        """The files as text. JSON is YAML, except for the numbers JSON does not have."""
        return {name: _yaml(data) for name, data in self.files.items()}


def _yaml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    return json.dumps(value, ensure_ascii=False)


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    """One of some values."""
    return st.sampled_from(values)


# --- values -----------------------------------------------------------------------------------------------------------

numbers = one_of(0, 1, -1, 5432, 5433, 65536, 1.5, 1e21, 1e-7, 123456789012345680000, -0.0, math.nan, math.inf)
words = one_of(
    "db",
    "app-db",
    "Backstage",
    "a b",
    "ünï",
    "x'y\"z",
    "a`b",
    "$HOME",
    "{{x}}",
    "%{x}",
    "a;b",
    "😀",
    "0",
    "null",
    "\\",
    "a\tb",
)
substituted = st.builds(
    "".join,
    st.lists(one_of(*(f"${{{name}}}" for name in REFERENCES), "${DB_UNSET:-fallback}", "$${X}", "x", "-"), max_size=2),
)
strings = st.one_of(words, one_of("", " ", "  x "), substituted)
scalars = st.one_of(strings, numbers, st.booleans(), st.none())
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(one_of("a", "b", "0", "length", "type", "toString"), inner, max_size=3)
    ),
    max_leaves=5,
)


def one_in(chances: int) -> st.SearchStrategy[bool]:
    """True once in so many times. (A range of integers would favour its ends.)"""
    return st.sampled_from([False] * (chances - 1) + [True])


def mostly(
    right: st.SearchStrategy[Any], wrong: st.SearchStrategy[Any] = anything, *, wrong_in: int = 30
) -> st.SearchStrategy[Any]:
    """The right kind of value, and now and then another."""
    return one_in(wrong_in).flatmap(lambda wanted: wrong if wanted else right)


flags = mostly(
    one_of(True, False, "true", "false", "yes", "no", "on", "off", "1", "0", "y", "N", "TRUE", " true ", 1, 0, "${DB_TRUE}"),
    st.one_of(one_of("maybe", 2, "ye\u017f", ""), anything),
)
ssl_values = mostly(
    st.one_of(
        st.booleans(),
        one_of("false", "true", "0", "require", "Amazon RDS"),
        st.fixed_dictionaries(
            {},
            optional={
                "ca": strings,
                "key": strings,
                "cert": strings,
                "rejectUnauthorized": st.one_of(st.booleans(), strings),
                "servername": strings,
                "length": numbers,
                "0": strings,
                "nested": st.dictionaries(one_of("a", "b"), anything, max_size=2),
            },
        ),
        st.lists(anything, max_size=3),
    )
)
durations = st.one_of(
    one_of(
        "5m",
        "1d",
        "PT1M",
        "P",
        "PT",
        "P1DT2H",
        "2 seconds",
        "10",
        "-1s",
        "-P1D",
        " 5 m ",
        "5 parsecs",
        "",
        "P-1D",
        ".5h",
        "PT1,5S",
    ),
    st.dictionaries(one_of("minutes", "hours", "seconds", "fortnights"), mostly(numbers), max_size=2),
    anything,
)
token_credentials = mostly(
    st.fixed_dictionaries(
        {},
        optional={
            "tokenRenewableOffsetTime": durations,
            "clientId": mostly(words),
            "tenantId": mostly(one_of("tenant-1", "contoso.example", "bad tenant!", "")),
            "clientSecret": mostly(words),
        },
    )
)

# --- connection strings -----------------------------------------------------------------------------------------------

url_parts = one_of(
    *("", "u", "user", "p%40ss", "p@ss", "a%zz", "%2Ftmp%2Fs", "h", "[::1]", "127.0.0.1", "host.example", "5432", "65536"),
    *(
        "db",
        "a b",
        "é",
        "%c3%a9",
        "%ff",
        "$",
        "ß",
        "%",
        "a/b",
        "..",
        "x?y",
        "x#y",
        "\\",
        "^",
        "|",
        "a:b",
        "%00",
        "日本",
        "A.B",
    ),
    *("${DB_HOST}", "${DB_NUMBER}", "${DB_SPACED}"),
)
url_values = st.one_of(
    one_of(
        "true", "1", "0", "false", "disable", "prefer", "require", "verify-ca", "verify-full", "no-verify", "direct", "yes"
    ),
    one_of("", "/nonexistent/ca.pem", "/", "\0"),
    url_parts,
)
url_keys = one_of(
    *(
        "ssl",
        "sslmode",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "host",
        "port",
        "user",
        "password",
        "application_name",
    ),
    *(
        "uselibpqcompat",
        "debug",
        "db",
        "encoding",
        "sslnegotiation",
        "__proto__",
        "options",
        "database",
        "type",
        "",
        "instance",
    ),
)


@st.composite
def urls(draw: st.DrawFn) -> str:
    scheme = draw(one_of(*["postgres", "postgresql", "mysql"] * 3, "http", "socket", "POSTGRES", "file"))
    text = f"{scheme}://"
    if not draw(one_in(5)):
        text += draw(url_parts)
        if not draw(one_in(5)):
            text += f":{draw(url_parts)}"
        text += "@"
    text += draw(url_parts)
    if draw(st.booleans()):
        text += f":{draw(st.one_of(one_of('5432', '', '3307'), url_parts))}"
    if not draw(one_in(5)):
        text += f"/{draw(url_parts)}"
    pairs = draw(st.lists(st.tuples(url_keys, url_values), max_size=3))
    return text + ("?" + "&".join(f"{key}={value}" for key, value in pairs) if pairs else "")


odd_strings = one_of(
    *(
        ":memory:",
        "/var/run/postgresql mydb",
        "/socket",
        "./x.db",
        "sqlite:x",
        "//h/db",
        "postgres:",
        "postgres:/db",
        "mysql:x",
    ),
    *(
        "mysql://u:p@/db",
        "postgres://u:p@/db",
        "postgres://@/db",
        "?user=x",
        "DIRECTORY/${DB_HOST}",
        "host=localhost dbname=x",
    ),
    *(
        "mysql://u:p@h/db?ssl=x&debug=yes",
        "mysql://u:p@h:1/db?debug=perhaps",
        "postgres://u:p@h/%2e%2e",
        "mysql://u:p@h/x/../y",
        "\ufeffpostgres://h/d",
    ),
)
connection_strings = st.one_of(urls(), urls(), odd_strings, strings)

# --- connections ------------------------------------------------------------------------------------------------------

CONNECTION_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "host": mostly(st.one_of(one_of("localhost", "db.example", "${DB_HOST}", "/var/run"), words)),
    "port": mostly(
        st.one_of(one_of(5432, 3306, "5432", "${DB_NUMBER}", "${DB_UNSET}", " 0x10 ", "1e3", "", "abc"), numbers)
    ),
    "user": mostly(st.one_of(one_of("backstage", "${DB_UNSET}"), strings)),
    "password": mostly(st.one_of(one_of("hunter2", "${DB_EMPTY}", 123), strings)),
    "database": mostly(st.one_of(words, strings, one_of(0, False, 7, None))),
    "ssl": ssl_values,
    "filename": mostly(one_of(":memory:", "x.db", "/abs/x.db", "../up.db", "./a/../b.db", "", "${DB_HOST}.db")),
    "directory": mostly(one_of("/data", "./data", "..", "", "a//b/", "/", "${DB_HOST}/x")),
    "type": mostly(
        one_of("default", "rds", "azure", "cloudsql", ""), st.one_of(one_of("vault", "Default"), anything), wrong_in=8
    ),
    "instance": mostly(one_of("project:region:instance", "org:project:region:instance", "nope", "")),
    "ipAddressType": mostly(one_of("PUBLIC", "PRIVATE", "PSC", "SQL_DATA", "public")),
    "tokenCredential": token_credentials,
    "region": mostly(one_of("eu-west-1", "${DB_UNSET}")),
    "application_name": mostly(one_of("mine", "", 0, False)),
    "connectionString": connection_strings,
    "socketPath": strings,
    "length": numbers,
    "0": strings,
    "constructor": scalars,
    "options": anything,
}
NEARLY_ALWAYS = ("host", "user", "password")


@st.composite
def connection_objects(draw: st.DrawFn, *, partial: bool = False) -> dict[str, Any]:
    names = list(draw(st.lists(st.sampled_from(list(CONNECTION_FIELDS)), max_size=5, unique=True)))
    if not partial and draw(st.booleans()):
        names += [name for name in NEARLY_ALWAYS if name not in names]
    return {name: draw(CONNECTION_FIELDS[name]) for name in names}


base_connections = mostly(st.one_of(connection_objects(), connection_objects(), connection_strings, one_of(":memory:", {})))
memory_connections = mostly(st.one_of(one_of(":memory:", {}, {"directory": "/data"}), base_connections))
own_connections = mostly(st.one_of(connection_objects(partial=True), connection_strings, one_of(":memory:", {})))
clients = mostly(
    one_of(*["pg"] * 8, "mysql", "mysql2", "mysql2", "sqlite3", "better-sqlite3", "${DB_UNSET:-pg}"),
    st.one_of(one_of("cockroachdb", "PG", "${DB_UNSET}", "toString"), anything),
)
knex_configs = mostly(
    st.dictionaries(one_of("pool", "searchPath", "connection", "debug", "client", "role", "a b"), anything, max_size=3)
)
roles = mostly(one_of("owner", "${DB_EMPTY}", "${DB_UNSET}", "a role", "DROP"))

PLUGIN_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "client": clients,
    "connection": own_connections,
    "ensureExists": flags,
    "ensureSchemaExists": flags,
    "getEnsureSchemaExistsConfig": flags,
    "knexConfig": knex_configs,
    "role": roles,
    "skipMigrations": flags,
    "pluginDivisionMode": one_of("schema", "database"),
    "prefix": strings,
}
BASE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "prefix": mostly(one_of("my_company_", "${DB_HOST}_", "Pre-", "${DB_UNSET}"), st.one_of(st.just(""), anything)),
    "schemaPrefix": mostly(
        one_of("bs_", "_ok", "B9"), st.one_of(one_of("", "9x", "a-b", "x" * 60, "\u017f", "a\n"), anything)
    ),
    "pluginDivisionMode": mostly(one_of("schema", "schema", "database", "Schema"), st.one_of(st.just(""), anything)),
    "role": roles,
    "ensureExists": flags,
    "ensureSchemaExists": flags,
    "skipMigrations": flags,
    "knexConfig": knex_configs,
    "pool": anything,
    "searchPath": anything,
    "useNullAsDefault": flags,
}
PLUGIN_IDS = ("catalog", "auth", "tech-insights", "MyPlugin", "a", "x1:y-2_z", "plugin-" + "x" * 60)
HOSTILE_IDS = (
    "foo bar",
    "",
    "a.b",
    "__proto__",
    "constructor",
    "toString",
    "a--b",
    "ünï",
    "1st",
    "a-",
    "client",
    "catalog.connection",
)


@st.composite
def plugin_entries(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from([*PLUGIN_FIELDS, "connection", "connection", "client"]), max_size=4, unique=True))
    return {name: draw(PLUGIN_FIELDS[name]) for name in names}


@st.composite
def databases(draw: st.DrawFn, *, base: bool) -> dict[str, Any]:
    """One layer's `backend.database`: complete most of the time for a base, a few keys for an overlay."""
    out: dict[str, Any] = {}
    if draw(one_in(40 if base else 3)) is not base:
        out["client"] = draw(clients)
    if draw(one_in(40 if base else 2)) is not base:
        in_file = "sqlite" in str(out.get("client"))
        out["connection"] = draw(memory_connections if in_file else base_connections)
    for name in draw(st.lists(st.sampled_from(list(BASE_FIELDS)), max_size=4 if base else 2, unique=True)):
        out[name] = draw(BASE_FIELDS[name])
    if not draw(one_in(4)):
        ids = st.sampled_from([*PLUGIN_IDS[:2] * 6, *PLUGIN_IDS * 2, "constructor", "foo bar"])
        entries = st.dictionaries(ids, mostly(plugin_entries(), st.one_of(st.none(), anything)), max_size=3)
        out["plugin"] = draw(mostly(entries))
    return out


@st.composite
def layers(draw: st.DrawFn, *, base: bool) -> dict[str, Any]:
    if draw(one_in(40)):
        return draw(st.one_of(_wrong_backends.map(lambda value: {"backend": value}), one_of({}, {"app": {"title": "x"}})))
    return {"backend": {"database": draw(databases(base=base))}}


_wrong_backends = st.one_of(
    anything.map(lambda value: {"database": value}),
    one_of({}, {"database": None}, {"database": ""}, {"database": 0}, {"database": False}, {"database": []}, {"listen": 7}),
    anything,
)


@st.composite
def environments(draw: st.DrawFn) -> dict[str, str]:
    environ = dict(ENVIRONMENT)
    paths = {
        "client": clients,
        "connection": base_connections,
        "connection_password": scalars,
        "connection_port": numbers,
        "connection_database": scalars,
        "prefix": BASE_FIELDS["prefix"],
        "ensureExists": flags,
        "plugin_catalog_connection_database": scalars,
        "plugin_catalog_client": clients,
        "plugin_tech-insights_role": roles,
        "pluginDivisionMode": BASE_FIELDS["pluginDivisionMode"],
    }
    for path in draw(st.lists(st.sampled_from(list(paths)), max_size=2, unique=True)):
        value = draw(paths[path])
        if value is not None and not (isinstance(value, float) and not math.isfinite(value)):
            as_json = not isinstance(value, str) or draw(st.booleans())
            environ[f"APP_CONFIG_backend_database_{path}"] = json.dumps(value) if as_json else value.replace("\0", "")
    if draw(one_in(4)):
        environ[draw(one_of("AWS_REGION", "AWS_DEFAULT_REGION"))] = draw(one_of("eu-west-1", ""))
    return environ


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """One to three files, the environment (with `APP_CONFIG_*` now and then), and three plugins to ask for."""
    files = {"app-config.yaml": draw(layers(base=True))}
    for name in ("app-config.production.yaml", "app-config.local.yaml")[: draw(one_of(0, 0, 1, 1, 2))]:
        files[name] = draw(layers(base=False))
    environ = draw(environments()) if draw(st.booleans()) else dict(ENVIRONMENT)
    ids = draw(st.lists(st.sampled_from([*PLUGIN_IDS * 4, *HOSTILE_IDS]), max_size=2))
    return Case(files, environ, tuple(dict.fromkeys(["catalog", "auth", *ids])))
