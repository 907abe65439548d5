-- create_extension creates an extension where its plugin looks for it. Nothing is ever dropped or moved.
SELECT $macro$DO $do$
DECLARE
  wanted text := current_setting('greenroom.extension');
  space text := current_setting('greenroom.schema');
  present text;
BEGIN
  SELECT nspname INTO present FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = wanted;
  IF present IS NULL THEN
    EXECUTE format('CREATE EXTENSION %I SCHEMA %I CASCADE', wanted, space);
  ELSIF present NOT IN (space, 'pg_catalog') THEN
    RAISE EXCEPTION 'database "%": extension "%" is in schema "%", and the plugin looks for it in "%"', current_database(), wanted, present, space
      USING HINT = format('If no plugin uses it there, run as its owner: ALTER EXTENSION %I SET SCHEMA %I', wanted, space);
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'database "%": role "%" may not create extension "%": %', current_database(), current_user, wanted, SQLERRM
    USING HINT = format('Everything else is done. Run this as a superuser in that database (Amazon RDS: a member of rds_superuser), and then the script again: CREATE EXTENSION %I SCHEMA %I CASCADE', wanted, space);
END $do$$macro$ AS create_extension \gset
