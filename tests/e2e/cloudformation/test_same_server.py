"""One plan, brought to the same server by a stack and by the SQL script: the catalogs say the same afterwards.

Two targets that decide the same thing separately drift: a stack once made MariaDB's databases in latin1, for users that
needed no TLS and had 18 privileges, where the script made utf8mb4, REQUIRE SSL and 11.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import command_line
import pytest
from cfn_portal import PROJECT
from cfn_stage import ADMIN

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, find_psql

if TYPE_CHECKING:
    from pathlib import Path

    from cfn_portal import Portal
    from cfn_stage import Target

MODES: dict[str, dict[str, Any]] = {
    "databases": {"plugins": ["auth", "catalog", "search"]},
    "schemas": {
        "plugins": ["auth", "catalog"],
        "database": {"pluginDivisionMode": "schema", "schemaPrefix": "bs_"},
        "connection": {"database": "portal"},
    },
    "a shared database": {"plugins": ["auth", "catalog", "search"], "databases": {"auth": "both", "catalog": "both"}},
    "one role": {"plugins": ["auth", "catalog"], "settings": {"credentials": {"mode": "shared"}}},
}

#: What a server has beyond its own, by a name for it.
POSTGRESQL = {
    "databases": """
        SELECT datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit,
          datallowconn, datistemplate, (SELECT array_agg(item::text ORDER BY item::text) FROM unnest(datacl) AS item)
        FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1') ORDER BY 1""",
    "roles": """
        SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
          rolconnlimit, rolvaliduntil, rolpassword LIKE 'SCRAM-SHA-256$%'
        FROM pg_authid WHERE rolname !~ '^pg_' AND rolname NOT IN ('postgres', 'rds_iam') ORDER BY 1""",
    "memberships": """
        SELECT roleid::regrole::text, member::regrole::text, admin_option FROM pg_auth_members
        WHERE roleid::regrole::text !~ '^"?pg_' ORDER BY 1, 2, 3""",
    "settings": """
        SELECT coalesce(datname, ''), coalesce(rolname, ''), setconfig FROM pg_db_role_setting
        LEFT JOIN pg_database ON pg_database.oid = setdatabase LEFT JOIN pg_roles ON pg_roles.oid = setrole ORDER BY 1, 2""",
}
INSIDE = {
    "schemas": """
        SELECT nspname, pg_get_userbyid(nspowner),
          (SELECT array_agg(item::text ORDER BY item::text) FROM unnest(nspacl) AS item)
        FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1""",
    "default privileges": """
        SELECT pg_get_userbyid(defaclrole), defaclnamespace::regnamespace::text, defaclobjtype, defaclacl::text
        FROM pg_default_acl ORDER BY 1, 2, 3""",
}
MARIADB = {
    "databases": """
        SELECT schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata
        WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema', 'greenroom_registry')
        ORDER BY 1""",
    "users": """
        SELECT User, Host, ssl_type, plugin, Super_priv, Create_user_priv, Grant_priv FROM mysql.user
        WHERE User NOT IN ('root', 'mysql', 'mariadb.sys', '{admin}') ORDER BY 1, 2""",
    "privileges": """
        SELECT Db, User, Host, Select_priv, Insert_priv, Update_priv, Delete_priv, Create_priv, Drop_priv, Grant_priv,
          References_priv, Index_priv, Alter_priv, Create_tmp_table_priv, Lock_tables_priv, Create_view_priv, Show_view_priv,
          Create_routine_priv, Alter_routine_priv, Execute_priv, Event_priv, Trigger_priv
        FROM mysql.db WHERE User NOT IN ('root', 'mysql', '{admin}') ORDER BY 1, 2, 3""",
}


def catalog(target: Target) -> dict[str, list[Any]]:
    """Everything there is beyond what an empty server has."""
    if not target.is_postgresql:
        return {name: target.rows(text.format(admin=target.admin)) for name, text in MARIADB.items()}
    found = {name: target.rows(text) for name, text in POSTGRESQL.items()}
    for database in sorted(target.databases):
        found |= {f"{name} of {database}": target.rows(text, database) for name, text in INSIDE.items()}
    return found


def run_script(portal: Portal) -> None:
    """Generate the SQL script of the same project, and run it as its README says."""
    target, folder = portal.target, portal.folder / "script"
    command = ["generate", "--root", str(portal.folder), "--target", "sql", "--out", str(folder)]
    done = command_line.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    script = folder / "sql" / "databases.sql"
    if target.is_postgresql:
        names = set(re.findall(r"greenroom_name=(\w+);", script.read_text()))
        result = apply_script(
            script,
            host="127.0.0.1",
            port=target.running.port,
            user=ADMIN,
            password=target.admin_password,
            env=dict.fromkeys(names, "a password"),
            psql=_psql(target),
        )
        assert result.ok, f"{result.stdout}\n{result.stderr}"
        return
    shell = script.with_suffix(".sh")
    names = set(re.findall(r"\b([A-Z][A-Z0-9_]*PASSWORD)\b", shell.read_text()))
    done = subprocess.run(
        ["sh", str(shell), "--no-defaults", *target.running.login(target.admin)],
        env={
            "PATH": os.environ["PATH"],
            "CLIENT": str(target.running.client),
            "MYSQL_PWD": target.admin_password,
            **dict.fromkeys(names, "a password"),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def _psql(target: Target) -> Path:
    own: Path = target.running.bin_dir
    return find_psql(own if (own / "psql").exists() else embedded_binaries())


@pytest.mark.slow
@pytest.mark.on_both_servers
@pytest.mark.parametrize("mode", MODES)
def test_a_stack_and_the_script_make_the_same(portal: Portal, mode: str) -> None:
    target, wanted = portal.target, MODES[mode]
    if mode == "schemas" and not target.is_postgresql:
        pytest.skip("Backstage knows no schema mode on MySQL")
    portal.plugins = wanted["plugins"]
    portal.database = wanted.get("database", {})
    portal.databases = wanted.get("databases", {})
    portal.settings = wanted.get("settings", {})
    portal.connection = wanted.get("connection", {})
    portal.must_deploy()
    by_stack = catalog(target)
    target.clear()
    run_script(portal)
    by_script = catalog(target)
    assert by_stack == by_script
    assert by_script["databases"], "nothing was made"
