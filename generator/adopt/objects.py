"""What in a PostgreSQL database belongs to somebody by itself: a query for the reader and for the script that fixes."""

from __future__ import annotations

from typing import Final

#: Schema, kind (the word ``ALTER … OWNER TO`` wants), signature and owner. What depends on something else (a sequence on its
#: column, a row type on its table, an extension's member) follows it, and is not here.
OBJECTS: Final = """
WITH own (classid, oid, schema, kind, name, arguments, owner) AS (
  SELECT 'pg_class'::regclass, oid, relnamespace,
    CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
      WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
    relname, '', relowner
  FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
  UNION ALL
  SELECT 'pg_proc'::regclass, oid, pronamespace,
    CASE prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
    proname, format('(%s)', pg_get_function_identity_arguments(oid)), proowner
  FROM pg_proc
  UNION ALL
  SELECT 'pg_type'::regclass, oid, typnamespace, CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, typname, '', typowner
  FROM pg_type WHERE typtype IN ('d', 'e', 'r')
)
SELECT nspname::text, kind, format('%I.%I%s', nspname, name, arguments), pg_get_userbyid(owner)::text
FROM own JOIN pg_namespace AS space ON space.oid = own.schema
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend
    WHERE pg_depend.classid = own.classid AND objid = own.oid AND refobjid <> own.oid
      AND (deptype IN ('e', 'i') OR (deptype = 'a' AND own.kind = 'SEQUENCE')))
"""
