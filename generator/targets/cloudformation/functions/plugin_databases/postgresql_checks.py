"""What is on a PostgreSQL server already, and whether a request may touch it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decide import RENAME, Found, Step, decide
from .marker import read_marker
from .postgresql_text import literal

if TYPE_CHECKING:
    from .order import Order
    from .session import Session
    from .wanted import Wanted

#: Of pg_stat_activity: sessions that somebody has, and that are not a superuser's unless the administrator is one. The
#: provider of a server looks into every database now and then, as a superuser.
IS_NO_SUPERUSERS = (
    "usesysid IN (SELECT oid FROM pg_catalog.pg_roles WHERE NOT rolsuper "
    "OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user))"
)


def check_admin(admin: Session, wanted: Wanted, problems: list[str]) -> None:
    """Whether the administrator can do what the resource needs."""
    ((name, makes_roles, makes_databases, is_replica, has_iam),) = admin.run(
        "SELECT current_user::text, rolcreaterole OR rolsuper, rolcreatedb OR rolsuper, pg_catalog.pg_is_in_recovery(), "
        "EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rds_iam') FROM pg_catalog.pg_roles WHERE rolname = "
        "current_user"
    )
    if is_replica:
        problems.append("this server is a read-only replica")
    if (wanted.makes_role or wanted.makes_group) and not makes_roles:
        problems.append(f"the administrator {name!r} needs CREATEROLE")
    if wanted.makes_database and not makes_databases:
        problems.append(f"the administrator {name!r} needs CREATEDB")
    if name in (wanted.role, wanted.group):
        problems.append(f"role {name!r} is the administrator of this server")
    if wanted.auth == "iam" and not has_iam:
        problems.append("the server has no role rds_iam: switch IAM database authentication on (RDS and Aurora only)")


def role_step(admin: Session, kind: str, name: str, old_name: str, order: Order, problems: list[str]) -> Step:
    """What to do about a role or a group."""
    old_name = "" if old_name == name else old_name
    # What is wrong with the old one matters when it is to be renamed. In a rollback it may be somebody else's: that was why.
    old_problems: list[str] = []
    found = _find_role(admin, kind, name, problems)
    found_old = _find_role(admin, kind, old_name, old_problems) if old_name else None
    step = decide(kind, name, old_name, found, found_old, order.claim, problems)
    problems += old_problems if step.action == RENAME else []
    return step


def _find_role(admin: Session, kind: str, name: str, problems: list[str]) -> Found | None:
    rows = admin.run(
        "SELECT pg_catalog.shobj_description(oid, 'pg_authid'), "
        "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls, rolcanlogin, "
        "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) "
        "OR pg_catalog.current_setting('server_version_num')::int < 160000 "
        "OR pg_catalog.pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') "
        f"FROM pg_catalog.pg_roles WHERE rolname = {literal(name)}"
    )
    if not rows:
        return None
    comment, is_powerful, can_login, is_manageable = rows[0]
    if is_powerful:
        problems.append(
            f"{kind} {name!r} is more than a plugin may be (superuser, CREATEDB, CREATEROLE, REPLICATION or "
            "BYPASSRLS): choose "
            "another name"
        )
    if kind == "group" and can_login:
        problems.append(f"role {name!r} can log in, but is to be the group that owns a shared database")
    if not is_manageable:
        problems.append(f"the administrator has no ADMIN option on role {name!r}, so it cannot manage it")
    return Found(read_marker(comment))


def database_step(admin: Session, wanted: Wanted, old_name: str, order: Order, problems: list[str]) -> Step:
    """What to do about the database."""
    name = wanted.database
    old_name = "" if old_name == name else old_name
    old_problems: list[str] = []  # see role_step
    found = _find_database(admin, name, problems)
    found_old = _find_database(admin, old_name, old_problems) if old_name else None
    step = decide("database", name, old_name, found, found_old, order.claim, problems)
    problems += old_problems if step.action == RENAME else []
    if step.action == RENAME and not wanted.force:
        rows = admin.run(
            "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a JOIN pg_catalog.pg_database AS d ON "
            "d.oid = a.datid "
            f"WHERE d.datname = {literal(old_name)} AND a.usename <> current_user AND {IS_NO_SUPERUSERS}"
        )
        if rows[0][0]:
            problems.append(
                f"database {old_name!r} is to be renamed and has {rows[0][0]} open sessions (55006): stop Backstage "
                "first, or set "
                "Force: true to end them"
            )
    return step


def _find_database(admin: Session, name: str, problems: list[str]) -> Found | None:
    rows = admin.run(
        "SELECT pg_catalog.shobj_description(oid, 'pg_database'), pg_catalog.pg_has_role(datdba, 'USAGE'), "
        "pg_catalog.pg_get_userbyid(datdba)::text, datallowconn "
        f"FROM pg_catalog.pg_database WHERE datname = {literal(name)}"
    )
    if not rows:
        return None
    comment, is_ours, owner, allows_connections = rows[0]
    if not is_ours:
        problems.append(
            f"database {name!r} already exists and belongs to role {owner!r}: nothing was changed. To take it over, "
            "ALTER DATABASE … "
            "OWNER TO the administrator first"
        )
    if not allows_connections:
        problems.append(f"database {name!r} allows no connections")
    return Found(read_marker(comment))


def existing(admin: Session, kind: str, name: str, old_name: str, wanted: Wanted, problems: list[str]) -> str:
    """The name that something shared has at the moment.

    Its own resource renames it. In a rollback that happens after this one is called, so the old name is right as well.
    """
    catalog, column = ("pg_database", "datname") if kind == "database" else ("pg_roles", "rolname")
    names = [name, *([old_name] if old_name and old_name != name else [])]
    listed = ", ".join(literal(item) for item in names)
    rows = admin.run(f"SELECT {column}::text FROM pg_catalog.{catalog} WHERE {column} IN ({listed})")
    found = {row[0] for row in rows}
    if not found:
        problems.append(f"{kind} {name!r} does not exist: its own resource has to make it first (use Fn::GetAtt)")
    # After a refused change the wanted one is the one that the plugin works with already.
    elif len(found) > 1 and not _works_with(admin, kind, wanted):
        problems.append(f"{kind} changes from {old_name!r} to {name!r}, but both exist: it can only be renamed")
    return name if name in found or not found else old_name


def _works_with(admin: Session, kind: str, wanted: Wanted) -> bool:
    if kind == "group":
        condition = f"pg_catalog.pg_has_role(r.oid, {literal(wanted.group)}, 'MEMBER')"
    else:
        condition = "pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT')"
    return bool(
        admin.run(
            f"SELECT 1 FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d WHERE r.rolname = {literal(wanted.role)} "
            f"AND d.datname = {literal(wanted.database)} AND {condition}"
        )
    )
