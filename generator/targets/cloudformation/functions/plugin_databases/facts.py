"""Facts about database servers. Made by tools/function_facts.py from generator/engines: do not edit."""

from __future__ import annotations

PORTS = {"postgresql": 5432, "mysql": 3306}

#: The longest names: bytes of UTF-8, and characters by property.
POSTGRESQL_BYTES = 63
MYSQL_CHARACTERS = {"Database": 64, "Role": 80, "UserHost": 255}

#: Names of the server itself, or of the cloud that runs it, by engine and property.
POSTGRESQL_PREFIX = "pg_"
SERVERS_OWN = {
    ("postgresql", "Database"): {
        "alloydbadmin",
        "alloydbmetadata",
        "azure_maintenance",
        "azure_sys",
        "cloudsqladmin",
        "postgres",
        "rdsadmin",
        "template0",
        "template1",
    },
    ("postgresql", "Schema"): {
        "information_schema",
        "public",
    },
    ("postgresql", "Role"): {
        "alloydbadmin",
        "alloydbsuperuser",
        "azure_pg_admin",
        "azuresu",
        "cloudsqladmin",
        "cloudsqliamserviceaccount",
        "cloudsqliamuser",
        "cloudsqlsuperuser",
        "none",
        "postgres",
        "public",
        "rds_ad",
        "rds_iam",
        "rds_password",
        "rds_replication",
        "rds_superuser",
        "rdsadmin",
        "rdsrepladmin",
    },
    ("postgresql", "Group"): {
        "alloydbadmin",
        "alloydbsuperuser",
        "azure_pg_admin",
        "azuresu",
        "cloudsqladmin",
        "cloudsqliamserviceaccount",
        "cloudsqliamuser",
        "cloudsqlsuperuser",
        "none",
        "postgres",
        "public",
        "rds_ad",
        "rds_iam",
        "rds_password",
        "rds_replication",
        "rds_superuser",
        "rdsadmin",
        "rdsrepladmin",
    },
    ("mysql", "Database"): {
        "greenroom_registry",
        "information_schema",
        "mysql",
        "performance_schema",
        "sys",
    },
    ("mysql", "Role"): {
        "azure_superuser",
        "cloudsqlapplier",
        "cloudsqlexport",
        "cloudsqlimport",
        "cloudsqlreplica",
        "cloudsqlsuperuser",
        "mariadb.sys",
        "mysql.infoschema",
        "mysql.session",
        "mysql.sys",
        "public",
        "rds_superuser_role",
        "rdsadmin",
        "rdsrepladmin",
        "root",
    },
}

#: What a plugin gets on a database of MySQL or MariaDB, and what the database is made with.
MYSQL_PRIVILEGES = (
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
MYSQL_CHARACTER_SET = "utf8mb4"
MYSQL_COLLATION = "utf8mb4_unicode_ci"
