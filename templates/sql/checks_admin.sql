  SELECT format('role %I, which runs this script, needs CREATEROLE', rolname) FROM admin WHERE NOT makes_roles
  UNION ALL
  SELECT format('role %I, which runs this script, needs CREATEDB', rolname) FROM admin
  WHERE NOT makes_databases AND EXISTS (SELECT FROM database WHERE new_oid IS NULL)
  UNION ALL
  SELECT format('role %I exists and role %I has no ADMIN option on it: run this as the role that made it, or GRANT %I TO %I WITH ADMIN OPTION', role.rolname, admin.rolname, role.rolname, admin.rolname)
  FROM role, admin
  WHERE current_setting('server_version_num')::int >= 160000 AND NOT admin.rolsuper AND oid IS NOT NULL
    AND NOT pg_has_role(admin.rolname, oid, 'MEMBER WITH ADMIN OPTION')
