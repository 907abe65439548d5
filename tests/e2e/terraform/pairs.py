"""Steps of a rotation between two logins, taken in the lock file of a portal, and what a server has afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg

from generator.planning import pair as pairs
from generator.planning.pair import Pair

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal import Portal

PAIR = "credentials: {rotation: pair}\n"


def take(portal: Portal, step: Callable[[int, Pair], tuple[int, Pair]]) -> None:
    """Take a step for every plugin, as `greenroom rotate` does."""
    path = portal.folder / "infra" / "greenroom.lock.json"
    lock = json.loads(path.read_text())
    for plugin in lock["plugins"].values():
        known = plugin["pair"]
        now = Pair(known["retired"], known.get("ownerLogsIn", False), known.get("until"))
        version, now = step(plugin["passwordVersion"], now)
        plugin["passwordVersion"] = version
        plugin["pair"] = {"retired": now.retired}
        plugin["pair"] |= {"ownerLogsIn": True} if now.owner_logs_in else {}
        plugin["pair"] |= {"until": now.until} if now.until is not None else {}
    path.write_text(json.dumps(lock))


rotate, retire = pairs.rotate, pairs.retire


def login_fails(portal: Portal, user: str, password: str, database: str) -> str:
    """What the server says to a login; empty where it lets it in."""
    try:
        portal.terraform.connect(user, password, database).close()
    except psycopg.OperationalError as error:
        return str(error)
    return ""


CATALOG = {
    "databases": """
        SELECT datname, (SELECT array_agg(item::text ORDER BY item::text) FROM unnest(datacl) AS item)
        FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1') ORDER BY 1""",
    "roles": """
        SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls
        FROM pg_roles WHERE rolname ~ '^backstage' ORDER BY 1""",
    "memberships": """
        SELECT roleid::regrole::text, member::regrole::text,
          to_jsonb(pg_auth_members) - '{oid,roleid,member,grantor}'::text[]
        FROM pg_auth_members WHERE roleid::regrole::text ~ '^backstage' AND member::regrole::text ~ '^backstage'
        ORDER BY 1, 2""",
    "acting": """
        SELECT rolname, setting FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole
        CROSS JOIN unnest(setconfig) AS setting WHERE setdatabase = 0 AND setting LIKE 'role=%' ORDER BY 1, 2""",
}
INSIDE = """
    SELECT nspname, (SELECT array_agg(item::text ORDER BY item::text) FROM unnest(nspacl) AS item)
    FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"""


def catalog(portal: Portal) -> dict[str, Any]:
    """Who there is, who is a member of what, who acts as whom, and who may do what where."""
    terraform = portal.terraform
    found = {name: terraform.query(text) for name, text in CATALOG.items()}
    return found | {f"schemas of {name}": terraform.query(INSIDE, database=name) for name in terraform.databases()}
