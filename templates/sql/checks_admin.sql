  SELECT format('role %I, which runs this script, needs CREATEROLE; where there is one user only: credentials.mode: shared in greenroom.yaml, and that user in app-config', rolname)
  FROM admin WHERE NOT makes_roles AND EXISTS (SELECT FROM role WHERE role.name IS NOT NULL AND role.rolname IS DISTINCT FROM admin.rolname)
  UNION ALL
  SELECT format('role %I, which runs this script, needs CREATEDB; where there is one database only: pluginDivisionMode: schema in app-config, and that database', rolname) FROM admin
  WHERE NOT makes_databases AND EXISTS (SELECT FROM database WHERE new_oid IS NULL)
  UNION ALL
  SELECT format('role %I exists and role %I has no ADMIN option on it: run this as the role that made it, or GRANT %I TO %I WITH ADMIN OPTION (`greenroom adopt` finds all of this, and writes the SQL)', role.rolname, admin.rolname, role.rolname, admin.rolname)
  FROM role, admin
  WHERE current_setting('server_version_num')::int >= 160000 AND NOT admin.rolsuper AND role.oid <> admin.oid
    AND NOT pg_has_role(admin.rolname, role.oid, 'MEMBER WITH ADMIN OPTION')
