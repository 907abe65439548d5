-- make_login makes a role a login of another one, which owns everything: it inherits nothing and acts as the owner by a setting of
-- its own. One statement, so that nobody ever logs in in between. What else is set for the owner does not follow SET ROLE: it is
-- set for the login as well, here and in each database (copy_settings).

SELECT $macro$DO $do$
DECLARE
  login text := current_setting('greenroom.role');
  owner text := current_setting('greenroom.owner');
BEGIN
  EXECUTE format('ALTER ROLE %I NOINHERIT', login);
  EXECUTE format('GRANT %I TO %I', owner, login)
    || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
  EXECUTE format('ALTER ROLE %I SET role = %L', login, owner);
END $do$$macro$ AS make_login \gset

SELECT $macro$DO $do$
DECLARE
  login text := current_setting('greenroom.role');
  owner text := current_setting('greenroom.owner');
  here oid := (SELECT oid FROM pg_database WHERE datname = current_database());
  setting record;
  place text;
BEGIN
  FOR setting IN
    SELECT setdatabase, split_part(line, '=', 1) AS name, substr(line, strpos(line, '=') + 1) AS value
    FROM pg_db_role_setting CROSS JOIN LATERAL unnest(setconfig) AS line
    WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = owner) AND setdatabase IN (0, here)
  LOOP
    CONTINUE WHEN setting.name = 'role' AND setting.setdatabase = 0;
    place := CASE WHEN setting.setdatabase = 0 THEN '' ELSE format(' IN DATABASE %I', current_database()) END;
    BEGIN
      IF setting.name = 'role' THEN
        EXECUTE format('ALTER ROLE %I%s SET role = %L', login, place, setting.value);
      ELSE
        PERFORM set_config(setting.name, setting.value, true); -- as a list, where it is one
        EXECUTE format('ALTER ROLE %I%s SET %I FROM CURRENT', login, place, setting.name);
      END IF;
    EXCEPTION WHEN insufficient_privilege THEN
      PERFORM set_config('client_min_messages', 'warning', true);
      RAISE WARNING 'role "%" has % = %, and its login "%" has not: %', owner, setting.name, setting.value, login, SQLERRM
        USING HINT = format('As a superuser: ALTER ROLE %I%s SET %s = …', login, place, setting.name);
    END;
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_db_role_setting CROSS JOIN LATERAL unnest(setconfig) AS line
      WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = owner) AND setdatabase = here AND line LIKE 'role=%') THEN
    EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET role', login, current_database());
  END IF;
END $do$$macro$ AS copy_settings \gset
-- verify_login stops the script where a login could not act as its owner, or would be more than that.

SELECT $macro$DO $do$
DECLARE
  login text := current_setting('greenroom.role');
  owner text := current_setting('greenroom.owner');
BEGIN
  IF NOT has_database_privilege(login, current_database(), 'CONNECT') THEN
    RAISE EXCEPTION 'database "%": login "%" may not connect', current_database(), login;
  END IF;
  IF NOT pg_has_role(login, owner, 'MEMBER') OR NOT EXISTS (SELECT FROM pg_db_role_setting
      WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = login) AND setdatabase = 0 AND 'role=' || owner = ANY (setconfig)) THEN
    RAISE EXCEPTION 'login "%" does not act as role "%"', login, owner;
  END IF;
  IF pg_has_role(login, owner, 'USAGE') THEN
    RAISE EXCEPTION 'login "%" inherits what role "%" may do, so a lost setting would go unnoticed: as its grantor or a superuser, REVOKE INHERIT OPTION FOR % FROM %',
      login, owner, quote_ident(owner), quote_ident(login);
  END IF;
END $do$$macro$ AS verify_login \gset
