
-- hand_over gives the group what a member made in the database before it was shared; the admin is a member meanwhile.
SELECT $macro$DO $do$
DECLARE
  member text := current_setting('greenroom.role');
  owner text := current_setting('greenroom.group');
  borrowed text[] := ARRAY(SELECT name FROM unnest(ARRAY[member, owner]) AS name WHERE NOT pg_has_role(name, 'USAGE'));
  name text;
BEGIN
  IF EXISTS (SELECT FROM pg_shdepend WHERE deptype = 'o' AND refclassid = 'pg_authid'::regclass
      AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = member)
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())) THEN
    FOREACH name IN ARRAY borrowed LOOP
      EXECUTE format('GRANT %I TO CURRENT_USER', name);
    END LOOP;
    EXECUTE format('REASSIGN OWNED BY %I TO %I', member, owner);
    FOREACH name IN ARRAY borrowed LOOP
      EXECUTE format('REVOKE %I FROM CURRENT_USER', name);
    END LOOP;
  END IF;
END $do$$macro$ AS hand_over \gset
