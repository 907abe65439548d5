-- set_password gives the server a SCRAM verifier, made here as PostgreSQL makes it: the password itself is in no statement. The
-- statement with the verifier waits for nobody (the one before it has the role's row), and no failure repeats it.

SELECT $macro$DO $do$
DECLARE
  role text := current_setting('greenroom.role');
  password bytea := (SELECT value FROM pg_temp.greenroom_value WHERE variable = current_setting('greenroom.variable'));
  iterations int := coalesce(current_setting('scram_iterations', true), '4096');
  salt bytea := substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 16);
  key bytea := password;
  inner_pad bytea;
  outer_pad bytea;
  block bytea;
  salted bit(256);
  verifier text;
BEGIN
  IF role = current_user THEN
    -- The script logs in again for each database: with another password it would end half-way.
    RAISE INFO 'role "%" runs this script: its password stays as it is', role;
    RETURN;
  END IF;
  IF starts_with(encode(password, 'escape'), 'SCRAM-SHA-256') THEN
    verifier := convert_from(password, 'UTF8');
  ELSE
    FOR step IN 1..2 LOOP
      -- The two keys of HMAC; in step 1 of the password, in step 2 of what PBKDF2 made of it.
      key := CASE WHEN length(key) > 64 THEN sha256(key) ELSE key END;
      key := key || decode(repeat('00', 64 - length(key)), 'hex');
      inner_pad := key;
      outer_pad := key;
      FOR i IN 0..63 LOOP
        inner_pad := set_byte(inner_pad, i, get_byte(key, i) # 54);
        outer_pad := set_byte(outer_pad, i, get_byte(key, i) # 92);
      END LOOP;
      IF step = 1 THEN
        block := salt || int4send(1);
        salted := repeat('0', 256)::bit(256);
        FOR i IN 1..iterations LOOP
          block := sha256(outer_pad || sha256(inner_pad || block));
          salted := salted # ('x' || encode(block, 'hex'))::bit(256);
        END LOOP;
        key := '';
        FOR i IN 0..7 LOOP
          key := key || int4send(substring(salted FROM 32 * i + 1 FOR 32)::bit(32)::int);
        END LOOP;
      END IF;
    END LOOP;
    verifier := format('SCRAM-SHA-256$%s:%s$%s:%s', iterations, encode(salt, 'base64'),
      encode(sha256(sha256(outer_pad || sha256(inner_pad || 'Client Key'::bytea))), 'base64'),
      encode(sha256(outer_pad || sha256(inner_pad || 'Server Key'::bytea)), 'base64'));
  END IF;
  FOR attempt IN 1..10 LOOP
    BEGIN
      EXECUTE format('ALTER ROLE %I LOGIN', role);
      EXIT;
    EXCEPTION WHEN internal_error THEN -- "tuple concurrently updated": somebody else has changed the role meanwhile
      IF attempt = 10 THEN
        RAISE;
      END IF;
    END;
  END LOOP;
  BEGIN
    EXECUTE format('ALTER ROLE %I PASSWORD %L', role, verifier);
  EXCEPTION WHEN invalid_parameter_value OR feature_not_supported THEN
    -- An extension of the server judges passwords, and wants to see them.
    EXECUTE format('ALTER ROLE %I PASSWORD %L', role, convert_from(password, 'UTF8'));
  END;
EXCEPTION WHEN query_canceled OR OTHERS THEN
  RAISE EXCEPTION 'role "%": %', role, SQLERRM;
END $do$$macro$ AS set_password \gset
