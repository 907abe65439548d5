"""Where the rules keep silent, and what they say where a page has no room for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator import Request
from generator.lint import lint

if TYPE_CHECKING:
    from pathlib import Path

BASE = """\
backend:
  database:
    client: CLIENT
    connection:
      host: h
      user: u
      password: ${P}
"""


def codes(folder: Path, *texts: str, environ: dict[str, str] | None = None, plugins: tuple[str, ...] = ()) -> list[str]:
    """The codes found in app-configs, one over the other."""
    names = []
    for number, text in enumerate(texts):
        path = folder / f"app-config.{number}.yaml"
        path.write_text(text)
        names.append(str(path))
    report = lint(Request(root=folder, config=names, environ=environ or {}, plugins=plugins))
    return [finding.diagnostic.code for finding in report.findings]


def base(*more: str, client: str = "pg") -> str:
    """A configuration with more lines inside ``backend.database``; ``+ `` starts one of the connection."""
    inside = "".join(f"      {line[2:]}\n" for line in more if line.startswith("+ "))
    beside = "".join(f"    {line}\n" for line in more if not line.startswith("+ "))
    return BASE.replace("CLIENT", client) + inside + beside


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # tls
        (base("+ ssl: true"), []),
        (base("+ ssl: 'true'"), []),
        (base("+ ssl: no-verify"), ["GR003"]),
        (base("+ ssl: require"), ["GR001"]),
        (base("+ ssl: no"), ["GR001"]),
        (base("+ ssl: ''"), ["GR001"]),
        (base("+ ssl: Amazon RDS", client="mysql2"), []),
        (base("+ ssl: 'true'", client="mysql2"), ["GR001"]),
        (base("+ ssl: {ca: {$file: /x.pem}}"), []),
        (base("+ ssl: {ca: '${CA}'}"), []),
        (base("+ ssl: {rejectUnauthorized: '${R}'}"), ["GR007"]),
        ("backend: {database: {client: pg, connection: 'postgresql://h/x?sslmode=no-verify'}}", ["GR003"]),
        ("backend: {database: {client: pg, connection: 'postgresql://h/x?sslmode=require&uselibpqcompat=true'}}", ["GR003"]),
        ("backend: {database: {client: pg, connection: 'postgresql://h/x?sslmode=disable'}}", []),
        # whose credentials
        (base("ensureExists: false", "plugin: {catalog: {connection: {user: c, password: '${CP}'}}}"), []),
        (base("ensureExists: false", "plugin: {catalog: {connection: {user: u}}}"), []),
        (base("ensureExists: false", "plugin: {catalog: {connection: {user: '${U:-c}', password: '${CP}'}}}"), []),
        (base("ensureExists: false", "plugin: {catalog: {connection: {password: '${CP}'}}}"), []),
        (base("ensureExists: false", "plugin: {catalog: {connection: {database: '${D}'}}}"), ["GR011"]),
        (base("plugin: {catalog: {connection: {user: u, password: '${CP}'}}}"), []),
        (base("plugin: {catalog: {client: better-sqlite3, connection: ':memory:'}}"), []),
        # where it is created
        (base("plugin: {catalog: {connection: {host: h}}}"), []),
        (base("plugin: {catalog: {connection: {port: 5432}}}"), []),
        (base("plugin: {catalog: {connection: {port: 5433}}}"), ["GR021"]),
        (base("plugin: {catalog: {connection: {host: '${CATALOG_HOST}'}}}"), ["GR011", "GR021"]),
        (base("+ database: d", "pluginDivisionMode: schema", "ensureExists: true"), []),
        (base("+ database: d", "pluginDivisionMode: schema", "ensureExists: false", "ensureSchemaExists: true"), []),
        (base("+ database: ${D}", "pluginDivisionMode: schema", "ensureExists: false"), []),
        (
            "backend: {database: {client: pg, pluginDivisionMode: schema, ensureExists: false, connection: '${URL}'}}",
            ["GR202"],
        ),
        # roles
        (base("role: r"), []),
        (base("role: r", "plugin: {catalog: {role: r}}"), []),
        (base("role: r", "plugin: {catalog: {role: s}}"), ["GR030"]),
        (base("role: r", "plugin: {catalog: {client: better-sqlite3, connection: ':memory:'}}"), []),
        # names
        (base("+ database: null"), []),
        (base("plugin: {catalog: {connection: {database: d}}, auth: {connection: {database: d, host: other}}}"), ["GR021"]),
        (base("prefix: ''"), ["GR210"]),
        # knex
        (base("knexConfig: {pool: {max: 3}, acquireConnectionTimeout: 3}"), []),
        (base("useNullAsDefault: true"), []),
        (base("searchPath: [a]"), ["GR046", "GR740"]),
        (base("searchPath: [a, public]"), ["GR046"]),
        (base("knexConfig: {searchPath: [a]}", "+ database: d", "pluginDivisionMode: schema", "ensureExists: false"), []),
        (base("knexConfig: {searchPaths: [a], schema: a}"), ["GR741", "GR741"]),
        # clients
        ("backend: {database: {client: better-sqlite3, connection: {directory: x, host: h}}}", []),
        ("backend: {database: {client: pg, connection: /var/run/postgresql}}", []),
        ("backend: {database: {client: pg, connection: x.sqlite}}", ["GR051"]),
        ("backend: {database: {client: pg, connection: 'postgresql://h/x.db'}}", []),
        # strings
        (base("plugin: {catalog: {connection: 'postgresql://u:${CP}@h/c'}}"), []),
        (base("plugin: {catalog: {connection: '${CATALOG_URL}'}}"), ["GR202"]),
        ("backend: {database: {client: pg, connection: 'postgresql://a%40b:${P}@h/x'}}", []),
        # substitution
        (base("+ application_name: costs 5$ or $5"), []),
        (base("+ application_name: $HOME"), []),
        (base("+ application_name: $(POSTGRES_APP)"), ["GR077"]),
        (base("+ application_name: a$${X}b"), ["GR076"]),
        # YAML
        ("x: &x {a: 1}\ny: {<<: *x}\n" + base(), []),
        ("x: &x {database: {client: pg, connection: {}}}\nbackend: {<<: *x}\n", ["GR070", "GR203"]),
    ],
)
def test_what_is_found(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert sorted(codes(tmp_path, text)) == expected


def test_names_that_are_cut_to_the_same(tmp_path: Path) -> None:
    prefix = "a" * 60
    found = codes(tmp_path, base(f"prefix: {prefix}_"), plugins=("catalog", "catastrophe"))
    assert found == ["GR040", "GR040", "GR042"]
    assert codes(tmp_path, base(f"prefix: {prefix}_"), plugins=("catalog", "auth")) == ["GR040", "GR040"]


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("backend:\n  database:\n    connection:\n", ["GR071", "GR201"]),
        ("backend:\n  database:\n    connection: ~\n", ["GR201"]),
        ("backend:\n  database:\n", ["GR071", "GR203"]),
        ("backend:\n", ["GR071", "GR203"]),
        ("backend: {database: {connection: {port: }}}\n", []),
        ("backend: {database: {connection: {host: }}}\n", ["GR071"]),
        ("backend: {database: {connection: '${URL}'}}\n", []),
    ],
)
def test_layers(tmp_path: Path, over: str, expected: list[str]) -> None:
    assert sorted(codes(tmp_path, base(), over)) == expected


def test_a_string_that_says_what_it_replaces(tmp_path: Path) -> None:
    first = base("+ ssl: {ca: '${CA}'}")
    over = "backend: {database: {connection: 'postgresql://u:${P}@h/postgres?sslmode=verify-full'}}\n"
    assert codes(tmp_path, first, over) == []


def test_a_variable_that_has_a_value_is_no_trap(tmp_path: Path) -> None:
    text = base("ensureExists: false", "plugin: {catalog: {connection: {user: '${CU}', password: '${CP}'}}}")
    assert codes(tmp_path, text) == ["GR011"]
    assert codes(tmp_path, text, environ={"CU": "catalog"}) == []


def test_production_is_known_by_the_name_of_the_file(tmp_path: Path) -> None:
    text = "backend: {database: {client: better-sqlite3, connection: ':memory:'}}\n"
    for name, expected in (
        ("app-config.production.yaml", ["GR050"]),
        ("app-config.prod.yaml", ["GR050"]),
        ("app-config.prod-eu.yaml", ["GR050"]),
        ("app-config.product.yaml", []),
        ("app-config.local.yaml", []),
    ):
        path = tmp_path / name
        path.write_text(text)
        report = lint(Request(root=tmp_path, config=[str(path)], environ={}))
        assert [finding.diagnostic.code for finding in report.findings] == expected, name
