"""MySQL and MariaDB."""

from __future__ import annotations

from typing import Final

from generator.engines.model import Engine

#: What migrations and plugins need in a database of their own. `REFERENCES` is for plugins with foreign keys.
PRIVILEGES: Final = (
    "ALTER",
    "CREATE",
    "CREATE TEMPORARY TABLES",
    "CREATE VIEW",
    "DELETE",
    "DROP",
    "INDEX",
    "INSERT",
    "REFERENCES",
    "SELECT",
    "UPDATE",
)
CHARACTER_SET: Final = "utf8mb4"
#: Both servers have it in every version, and the driver of Backstage, mysql2, connects with it.
COLLATION: Final = "utf8mb4_unicode_ci"

#: Longest user name on MariaDB. A plan does not know which of the two it is for, so ``role_limit`` is that of MySQL.
MARIADB_ROLE_LIMIT: Final = 80
#: Longest host part of an account.
HOST_LIMIT: Final = 255

_OF_CLOUDS: Final = frozenset(
    {
        "azure_superuser",
        "cloudsqlapplier",
        "cloudsqlexport",
        "cloudsqlimport",
        "cloudsqlreplica",
        "cloudsqlsuperuser",
        "rds_superuser_role",
        "rdsadmin",
        "rdsrepladmin",
    }
)

MYSQL: Final = Engine(
    name="mysql",
    title="MySQL",
    port=3306,
    database_limit=64,
    role_limit=32,
    # The last one is where the CloudFormation functions keep whose an object is.
    databases=frozenset({"information_schema", "mysql", "performance_schema", "sys", "greenroom_registry"}),
    schemas=frozenset(),
    roles=frozenset({"mariadb.sys", "mysql.infoschema", "mysql.session", "mysql.sys", "public", "root", *_OF_CLOUDS}),
    administrators=frozenset({"admin", "root", *_OF_CLOUDS}),
)
