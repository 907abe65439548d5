-- verify stops the script when a grant did not work (the server only warns) or another plugin may use the schema, and tells of
-- tables that a plugin cannot use. strangers tells of roles that are no plugin's of the database and may connect to it.

SELECT $macro$DO $do$
DECLARE
  role text := current_setting('greenroom.role');
  space text := current_setting('greenroom.schema');
  users text[] := current_setting('greenroom.users');
  strangers text;
BEGIN
  IF has_database_privilege('public', current_database(), 'CONNECT') THEN
    RAISE EXCEPTION 'database "%": every role may still connect', current_database();
  END IF;
  IF NOT (has_database_privilege(role, current_database(), 'CONNECT') AND has_database_privilege(role, current_database(), 'TEMPORARY')) THEN
    RAISE EXCEPTION 'database "%": role "%" may not connect or not make temporary tables', current_database(), role;
  END IF;
  IF NOT (has_schema_privilege(role, space, 'USAGE') AND has_schema_privilege(role, space, 'CREATE')) THEN
    RAISE EXCEPTION 'database "%": role "%" may not create tables in schema "%", which belongs to role "%"', current_database(), role, space,
      (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = space);
  END IF;
  SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) INTO strangers
  FROM pg_roles WHERE rolname = ANY (users) AND NOT pg_has_role(role, oid, 'USAGE') AND NOT pg_has_role(oid, role, 'USAGE') AND has_schema_privilege(oid, space, 'USAGE');
  IF strangers IS NOT NULL AND space <> 'public' THEN
    RAISE EXCEPTION 'database "%": role % may use schema "%", which is another plugin''s: REVOKE ALL ON SCHEMA %, or the membership that gives it', current_database(),
      strangers, space, format('%I FROM PUBLIC, %s', space, strangers);
  END IF;
  SELECT string_agg(format('%I (owner %I)', relname, pg_get_userbyid(relowner)), ', ' ORDER BY relname) INTO strangers
  FROM (SELECT relname, relowner FROM pg_class AS class
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = space) AND relkind IN ('r', 'p') AND NOT pg_has_role(role, relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = class.oid AND deptype = 'e')
    ORDER BY relname LIMIT 5) AS class;
  IF strangers IS NOT NULL THEN
    PERFORM set_config('client_min_messages', 'warning', true);
    RAISE WARNING 'database "%": role "%" does not own tables that are already there: %', current_database(), role, strangers
      USING HINT = 'Hand them over (ALTER TABLE ... OWNER TO ...) before the plugin starts.';
  END IF;
END $do$$macro$ AS verify \gset

SELECT $macro$DO $do$
DECLARE
  stranger text;
BEGIN
  PERFORM set_config('client_min_messages', 'warning', true);
  FOR stranger IN SELECT rolname FROM pg_database CROSS JOIN LATERAL aclexplode(datacl) JOIN pg_roles ON pg_roles.oid = grantee
    WHERE datname = current_database() AND privilege_type = 'CONNECT' AND grantee <> datdba AND NOT rolsuper
      AND rolname <> ALL (current_setting('greenroom.users')::text[]) ORDER BY rolname
  LOOP
    RAISE WARNING 'database "%": role "%", which is no plugin''s here, may connect', current_database(), stranger;
  END LOOP;
END $do$$macro$ AS strangers \gset
