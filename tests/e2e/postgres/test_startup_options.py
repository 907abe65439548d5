"""What a real server makes of ``connection.options``, and what greenroom reads in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from generator.backstage.database.startup_options import path_in_options, startup_settings

if TYPE_CHECKING:
    from postgres_stage import Stage


@pytest.mark.parametrize(
    "options",
    [
        "-c search_path=foo",
        "-csearch_path=foo",
        "--search_path=foo",
        "--search-path=Foo",
        '-c search_path="Foo"',
        r"-c search_path=a,\ public",
        '-c search_path=a,"b""c",public',
        "-c search_path=a -c statement_timeout=5s -c search_path=b",
        "-c statement_timeout=5s",
        " -c   SEARCH_PATH=x  ",
        "-c search_path=",
        r"-c search_path=a\\b",
    ],
)
def test_the_path_is_the_servers(stage: Stage, options: str) -> None:
    with psycopg.connect(stage.server.dsn(), options=options) as connection:
        row = connection.execute("SELECT current_setting('search_path'), source FROM pg_settings WHERE name='search_path'")
        (text, source) = row.fetchone() or ("", "")
        found = path_in_options({"options": options})
        assert (found is not None) == (source == "client")
        if found is not None:
            assert startup_settings({"options": options})["search_path"] == text
            for number, name in enumerate(dict.fromkeys(found)):
                if name != "public":
                    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
                there = connection.execute("SELECT current_schemas(false)").fetchone()
                assert there is not None
                assert name in there[0], (number, there)
        connection.rollback()


def test_the_role_is_the_servers(stage: Stage) -> None:
    with stage.superuser() as connection:
        connection.execute("CREATE ROLE portal")
    with psycopg.connect(stage.server.dsn(), options="-c role=portal") as connection:
        assert connection.execute("SELECT current_user").fetchone() == (
            startup_settings({"options": "-c role=portal"})["role"],
        )
    with stage.superuser() as connection:
        connection.execute("CREATE ROLE outsider LOGIN PASSWORD 'x'")
    with pytest.raises(psycopg.OperationalError, match='permission denied to set role "portal"'):
        psycopg.connect(stage.server.dsn(), user="outsider", password="x", options="-c role=portal").close()
