"""PostgreSQL."""

from __future__ import annotations

from typing import Final

from generator.engines.model import Engine

#: Schemas and roles whose names begin so are the server's own.
RESERVED_PREFIX: Final = "pg_"

#: Roles that RDS and Aurora, Cloud SQL and AlloyDB, and Azure's flexible servers make for themselves.
_OF_CLOUDS: Final = frozenset(
    {
        "alloydbadmin",
        "alloydbsuperuser",
        "azure_pg_admin",
        "azuresu",
        "cloudsqladmin",
        "cloudsqliamserviceaccount",
        "cloudsqliamuser",
        "cloudsqlsuperuser",
        "rds_ad",
        "rds_iam",
        "rds_password",
        "rds_replication",
        "rds_superuser",
        "rdsadmin",
        "rdsrepladmin",
    }
)

#: What PostgreSQL stores as it is in place of a password. Anything that only begins so, it takes for a password.
SCRAM_VERIFIER: Final = r"^SCRAM-SHA-256\$[1-9][0-9]*:[A-Za-z0-9+/]+=*\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$"

#: Attributes of a row of pg_roles that no role of a plugin has: a condition in SQL.
HAS_POWERS: Final = "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"

#: Roles of the server itself, or of a cloud, whose members see or change everybody's data, or run programs on the server.
_POWERFUL: Final = (
    "alloydbsuperuser",
    "azure_pg_admin",
    "cloudsqlsuperuser",
    "pg_execute_server_program",
    "pg_maintain",
    "pg_read_all_data",
    "pg_read_server_files",
    "pg_write_all_data",
    "pg_write_server_files",
    "rds_superuser",
)

#: The rows of pg_roles in which no role of a plugin may be a member, whatever it inherits: a condition in SQL.
IS_POWERFUL: Final = f"({HAS_POWERS} OR rolname IN ({', '.join(repr(name) for name in _POWERFUL)}))"

POSTGRESQL: Final = Engine(
    name="postgresql",
    title="PostgreSQL",
    port=5432,
    database_limit=63,  # NAMEDATALEN - 1
    role_limit=63,
    databases=frozenset(
        {
            "postgres",
            "template0",
            "template1",
            "alloydbadmin",
            "alloydbmetadata",
            "azure_maintenance",
            "azure_sys",
            "cloudsqladmin",
            "rdsadmin",
        }
    ),
    schemas=frozenset({"information_schema", "public"}),
    roles=frozenset({"none", "postgres", "public", *_OF_CLOUDS}),
    administrators=frozenset({"admin", "postgres", "root", *_OF_CLOUDS}),
)
