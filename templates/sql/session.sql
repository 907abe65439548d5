SET search_path = '';
SET client_min_messages = error;
SET standard_conforming_strings = on;
SET password_encryption = 'scram-sha-256';
-- without_timeouts: what a role or PGOPTIONS sets ends no statement half-way. A lock that is not to be had ends the run after a minute.
SELECT $macro$DO $do$
BEGIN
  PERFORM set_config(name, CASE name WHEN 'lock_timeout' THEN '60s' ELSE '0' END, false) FROM pg_settings
  WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'lock_timeout');
END $do$$macro$ AS without_timeouts \gset
:without_timeouts;
