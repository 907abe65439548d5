"""What greenroom's Terraform makes that holds data, or that data cannot be used without: the one list of it.

``plan-check`` reads it, and the policies that are generated for those without greenroom are printed from it. A test compares
it with the templates: a resource that is neither here nor among those that can be made anew has no place in them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

Path = tuple[str | int, ...]
"""Where a value is in the attributes of a resource."""

#: Resources of these names are in the modules of ``databases/``, one call for each plugin or shared thing.
MODULE_NAMES: Final = frozenset({"plugin", "group"})

#: How a call of such a module looks in a plan: ``./modules/postgresql-database``.
MODULE_SOURCE: Final = r"^\./modules/(postgresql|mysql)-[a-z-]+$"


class Protected(NamedTuple):
    """A type of resource whose loss is a loss.

    ``names`` are the names greenroom's templates give such resources, ``identity`` the attributes that say which object of
    the server or store it is; the last of them is its name. ``rotates``: a new one takes the place of the old one in the
    normal course of things, and is there before the old one goes.
    """

    type: str
    noun: str
    names: tuple[str, ...]
    identity: tuple[Path, ...] = (("name",),)
    rotates: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether it is where a password is."""
        return self.noun.startswith("secret")


GUARD: Final = Protected("terraform_data", "guard", ("kept",), ())

_PLUGIN: Final = ("plugin",)
_SERVER: Final = ("database",)

PROTECTED: Final = {
    item.type: item
    for item in (
        Protected("postgresql_database", "database", _PLUGIN),
        Protected("postgresql_schema", "schema", _PLUGIN, (("database",), ("name",))),
        Protected("postgresql_extension", "extension", _PLUGIN, (("database",), ("name",))),
        Protected("postgresql_role", "role", ("plugin", "group")),
        Protected("mysql_database", "database", _PLUGIN),
        Protected("mysql_user", "role", _PLUGIN, (("host",), ("user",))),
        Protected("google_sql_user", "role", ("plugin", "admin"), (("instance",), ("name",))),
        # Where passwords are.
        Protected("aws_secretsmanager_secret", "secret", _PLUGIN),
        Protected("aws_secretsmanager_secret_version", "secret version", _PLUGIN, (), rotates=True),
        Protected("aws_ssm_parameter", "secret", _PLUGIN),
        Protected("azurerm_key_vault_secret", "secret", ("plugin", "admin"), (("key_vault_id",), ("name",))),
        Protected("google_secret_manager_secret", "secret", ("plugin", "admin"), (("secret_id",),)),
        Protected("google_secret_manager_secret_version", "secret version", ("plugin", "admin"), (), rotates=True),
        Protected("kubernetes_secret_v1", "secret", _PLUGIN, (("metadata", 0, "namespace"), ("metadata", 0, "name"))),
        Protected("vault_kv_secret_v2", "secret", _PLUGIN, (("mount",), ("name",))),
        # Servers that Terraform created. An instance of an Aurora cluster holds nothing: the cluster has the data.
        Protected("aws_db_instance", "server", _SERVER, (("identifier",),)),
        Protected("aws_rds_cluster", "server", _SERVER, (("cluster_identifier",),)),
        Protected("aws_kms_key", "encryption key", _SERVER, (("key_id",),)),
        Protected("azurerm_mysql_flexible_server", "server", _SERVER, (("resource_group_name",), ("name",))),
        Protected("azurerm_postgresql_flexible_server", "server", _SERVER, (("resource_group_name",), ("name",))),
        Protected("google_sql_database_instance", "server", _SERVER),
        GUARD,
    )
}
