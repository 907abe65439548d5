"""The search path of a session, and the schema in which it lets Backstage create tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.database.startup_options import path_in_options
from generator.preflight.driver import load_psycopg
from generator.preflight.postgresql.failures import APPLY, Failure, quoted, startup

if TYPE_CHECKING:
    from generator.preflight.recorder import Recorder


def set_search_path(run: Recorder, connection: Any) -> None:
    """Set the path knex sets for each connection.

    Raises:
        NotReadyError: knex throws for it, or the server refuses it.
    """
    from psycopg import sql

    psycopg = load_psycopg()
    target = run.target
    problem = target.search_path_problem
    try:
        if target.search_path and not problem:
            path = sql.SQL(", ").join(sql.Identifier(name) for name in target.search_path)
            connection.execute(sql.SQL("SET LOCAL search_path = {}").format(path))
    except psycopg.Error as error:
        problem = f"error: {error.diag.message_primary or str(error)}"
    if problem:
        hint = "searchPath has to be the name of a schema, or a list of names; without it, tables are created in public"
        run.stop("search path", Failure("knex cannot set the search path", startup(target, problem), hint))


def check_search_path(run: Recorder, schema: str | None) -> None:
    """Whether tables are created where they were planned. ``schema`` is the server's ``current_schema()``."""
    target = run.target
    if schema is None:
        _no_schema(run)
        return
    run.schema = schema
    if target.schema is not None and schema != target.schema:
        detail = f"schema {target.schema} does not exist, or its user may not use it: tables are created in {schema}"
        said = "starts, because the search path goes on after the plugin's own schema"
        run.failed("search path", Failure(detail, said, _creation(run, target.schema)), stops=False)
        return
    run.passed("search path", f"schema {schema}")


def _no_schema(run: Recorder) -> None:
    target = run.target
    in_options = path_in_options(target.connection)
    path = target.search_path or in_options or ("public",)
    run.schema = path[0]
    cause = "error: create table … - no schema has been selected to create in"
    if len(path) == 1:
        detail = f"schema {path[0]} does not exist, or its user may not use it"
    else:
        detail = f"of the schemas {', '.join(path)} none exists that its user may use"
    hint = _creation(run, path[0])
    if target.schema is None and target.search_path:
        hint = f"take searchPath out of knexConfig: tables are then created in public; or {hint}"
    elif in_options:
        hint = f"take search_path out of connection.options: tables are then created in public; or {hint}"
    elif not target.search_path:
        hint = f"{hint}; or {APPLY}"
    run.failed("search path", Failure(detail, startup(target, cause), hint))


def _creation(run: Recorder, schema: str) -> str:
    target = run.target
    role, name = quoted(target.works_as), quoted(schema)
    hint = f"CREATE SCHEMA IF NOT EXISTS {name}; GRANT USAGE, CREATE ON SCHEMA {name} TO {role}"
    return f"{hint}; or {APPLY}" if target.schema is not None else hint
