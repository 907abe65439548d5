"""The fragment closes the loop on MySQL too: objects and connection strings, beside plugins on PostgreSQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from test_fragment import EXAMPLES, Backstage, assert_backstage_agrees, backstage, generate

if TYPE_CHECKING:
    import pytest

__all__ = ["backstage"]  # a fixture

ENVIRON = {"HOST": "from-the-environment", "PORT": "3307", "EMPTY": ""}
texts = st.sampled_from(["db.example.com", "${HOST}", "a-${HOST}-b", "$${HOST}", "10.0.0.1", "é"])
ssl = st.one_of(
    st.booleans(),
    st.just("Amazon RDS"),
    st.fixed_dictionaries({}, optional={"rejectUnauthorized": st.booleans(), "ca": st.sampled_from(["A\nB", "${NOT_SET}"])}),
)
strings = st.sampled_from(
    [
        "mysql://u:p@own.example.com:1234/named",
        "mysql://u:p@own.example.com/named",
        "mysql://u:p%20q@${HOST}:${PORT}/named",
        "mysql://u:p@own.example.com/named?charset=utf8mb4",
        "mysql://u:p@own.example.com:3306/na%20med?connectTimeout=5000&dateStrings=true",
        "mysql://u:p@own.example.com/named?ssl=true",
    ]
)
connections = st.fixed_dictionaries(
    {},
    optional={
        "host": texts,
        "port": st.one_of(st.integers(1, 65535), st.just("${PORT}")),
        "ssl": ssl,
        "database": st.sampled_from(["named", "other", "with space", "ü"]),
        "user": st.sampled_from(["someone", "Else", "${EMPTY}"]),
        "password": st.sampled_from(["secret", "${NOT_SET}", "${HOST}"]),
        "charset": st.just("utf8mb4"),
        "connectTimeout": st.just(5000),
    },
)
clients = st.sampled_from(["mysql2", "mysql2", "mysql"])
settings_of_plugin = st.fixed_dictionaries(
    {},
    optional={
        "client": st.sampled_from(["mysql2", "pg", "better-sqlite3"]),
        "connection": st.one_of(connections, strings),
        "ensureExists": st.sampled_from([True, False, "yes"]),
        "skipMigrations": st.booleans(),
    },
)
databases = st.fixed_dictionaries(
    {"client": clients, "connection": st.one_of(connections, strings)},
    optional={
        "prefix": st.sampled_from(["my_company_", "with-dash-"]),
        "ensureExists": st.booleans(),
        "plugin": st.dictionaries(st.sampled_from(["auth", "catalog", "a_b", "a-b"]), settings_of_plugin, max_size=4),
    },
)


def test_made_up_app_configs_on_mysql(backstage: Backstage, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever greenroom does not refuse, Backstage resolves as planned, and TLS stays what it was."""
    root = tmp_path_factory.mktemp("made-up-mysql")
    counts = {"agreed": 0, "refused": 0, "nothing": 0}
    codes: dict[str, int] = {}

    @settings(max_examples=EXAMPLES)
    @given(databases)
    def one(database: dict[str, Any]) -> None:
        content = {"backend": {"database": database}}
        (root / "app-config.yaml").write_text(json.dumps(content), encoding="utf-8")
        made = generate(root, ["app-config.yaml"], sorted({"catalog", "auth", *database.get("plugin", {})}), {"EMPTY": ""})
        if made.fragment is None:
            errors = [item for item in made.problems if item.severity == "error"]
            counts["refused" if errors else "nothing"] += 1
            codes.update({item.code: codes.get(item.code, 0) + 1 for item in errors})
            assert errors or not made.plan.plugins
            return
        counts["agreed"] += 1
        assert_backstage_agrees(backstage, made, ENVIRON)

    one()
    print(counts, codes)
    assert counts["agreed"] > EXAMPLES / 5
