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
