"""The kind ``azure-flexible``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.clouds import server_logs
from generator.engines import ENGINES
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, TRUE, Ephemeral, ProviderConfiguration, Validation, Variable, aligned
from generator.targets.terraform.inputs import NUMBER, choice, number, required, switch, text
from generator.targets.terraform.servers.base import ServerModule, folder
from generator.targets.terraform.servers.created import ADMIN, Created, outputs, server_id
from generator.targets.terraform.stores.azure_keyvault import AZURE, AZURE_SUBSCRIPTION, KEY_VAULT, azure_configuration
from generator.targets.terraform.stores.named import RANDOM
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan, Server
    from generator.targets.terraform.hcl import Arguments, RequiredProvider
    from generator.targets.terraform.servers.base import ServerKind
    from generator.targets.terraform.stores.base import Tags

_ID: Final = "^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.Network/"
_PARAMETERS: Final = {
    "postgresql": {
        "require_secure_transport": "on",
        "ssl_min_protocol_version": "TLSv1.2",
        "connection_throttle.enable": "on",
        "log_checkpoints": "on",
        "log_connections": "on",
        "log_disconnections": "on",
        **server_logs.POSTGRESQL,
    },
    "mysql": {
        "require_secure_transport": "ON",
        "tls_version": "TLSv1.2,TLSv1.3",
        "slow_query_log": "ON",
        "long_query_time": "1",
    },
}
_UUID: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_ENTRA: Final = (
    required(
        "entra_admin_name",
        "Name of the Entra administrator (a group, a user, a service principal): Terraform works as it in databases/.",
        '^[^"]{1,63}$',
        "1 to 63 characters.",
    ),
    required("entra_admin_object_id", "Object id of the Entra administrator.", _UUID, "An object id, a UUID."),
    choice("entra_admin_type", "Group", "What the Entra administrator is.", ("Group", "ServicePrincipal", "User")),
    required("tenant_id", "Entra tenant of the principals that sign in.", _UUID, "The id of a tenant, a UUID."),
)
_SIZES: Final = {
    "postgresql": ("17", "^1[5-8]$", "GP_Standard_D2ds_v5"),
    "mysql": ("8.4", "^(8\\.0\\.21|8\\.4)$", "GP_Standard_D2ads_v5"),
}


class AzureFlexible(Created):
    """See the module."""

    name = "azure-flexible"
    signs_in_by_token = True
    providers: tuple[RequiredProvider, ...] = (AZURE,)
    shared_variables: tuple[Variable, ...] = (AZURE_SUBSCRIPTION,)
    secret = "Id of the secret with the password"  # noqa: S105 - a description

    def variables(self, server: Server) -> list[Variable]:
        """The secret is in a Key Vault of which the id is needed too."""
        return [*super().variables(server), *self._vault(server)]

    def _vault(self, server: Server) -> list[Variable]:
        name = f"{server.name}_key_vault_id"
        found = required(name, "", "x", "")
        return [
            found._replace(
                description=string(f"Resource id of the Key Vault with {server.name}_admin_secret."),
                validations=(),
            )
        ]

    def password(self, server: Server) -> Escaped:
        """The secret is the password."""
        return Escaped(f"ephemeral.azurerm_key_vault_secret.{server.name}_admin.value")

    def ephemerals(self, server: Server) -> list[Ephemeral]:
        """The secret the server's own configuration has made."""
        return [
            Ephemeral(
                type=Escaped("azurerm_key_vault_secret"),
                label=Escaped(f"{server.name}_admin"),
                comment=f"The administrator's password of server {server.name}.",
                arguments=aligned(
                    {
                        "name": Escaped(f"var.{server.name}_admin_secret"),
                        "key_vault_id": Escaped(f"var.{server.name}_key_vault_id"),
                    }
                ),
            )
        ]

    def configurations(self, tags: Tags) -> list[ProviderConfiguration]:
        """The provider of the secret."""
        del tags
        return [azure_configuration()]

    def module(self, server: Server, plan: Plan) -> ServerModule:
        """The server, its settings, and its administrator's password."""
        resource = f"azurerm_{server.engine}_flexible_server"
        values = {
            "host": Escaped(f"{resource}.database.fqdn"),
            "port": Escaped(str(ENGINES[server.engine].port)),
            "admin_user": Escaped(f"{resource}.database.administrator_login"),
            "admin_secret": Escaped("azurerm_key_vault_secret.admin.name"),
        }
        return ServerModule(
            summary=f"The flexible server ({ENGINES[server.engine].title}) of server {server.name}: private, backed up, "
            "protected.",
            parts=(
                f"server/azure-{server.engine}.tf.j2",
                "server/azure-parameters.tf.j2",
                "server/azure-admin.tf.j2",
                *(("server/azure-entra.tf.j2",) if plan.credentials == "iam" else ()),
            ),
            view={
                "server": Escaped(f"{resource}.database"),
                "configuration": Escaped(f"{resource}_configuration"),
                "parameters": _configurations(server),
                "entra": plan.credentials == "iam",
            },
            variables=_variables(server, plan) + (_ENTRA if plan.credentials == "iam" else ()),
            # The first that knows the default version of MySQL, and PostgreSQL 18.
            providers=(AZURE._replace(oldest="4.55.0"), RANDOM),
            configuration=azure_configuration(),
            databases=self._databases(server, values),
            readme="server/README.azure.md.j2",
        )

    def _databases(self, server: Server, values: dict[str, Escaped]) -> Arguments:
        return outputs(server, values, {f"{server.name}_key_vault_id": Escaped("var.key_vault_id")})

    @property
    def without_passwords(self) -> ServerKind:
        """The administrator is an Entra principal then, as only such a one may let others in."""
        return AzureFlexibleEntra()


class AzureFlexibleEntra(AzureFlexible):
    """A server whose plugins sign in with Entra: Terraform does so as well, and needs no secret."""

    providers = ()
    shared_variables = ()

    def variables(self, server: Server) -> list[Variable]:
        """The tenant in place of the secret."""
        kept = [item for item in super().variables(server) if not item.name.endswith(("_admin_secret", "_key_vault_id"))]
        tenant = required(f"{server.name}_tenant_id", "", _UUID, "The id of a tenant, a UUID.")
        says = string(f"Entra tenant of {server.name}_admin_user, an output of {folder(server)}/.")
        return [*kept, tenant._replace(description=says)]

    def provider_arguments(self, server: Server) -> dict[str, Escaped]:
        """A token, which the provider asks for by itself, in place of the password."""
        arguments = super().provider_arguments(server)
        del arguments["password"]
        return arguments | {"azure_identity_auth": TRUE, "azure_tenant_id": Escaped(f"var.{server.name}_tenant_id")}

    def ephemerals(self, server: Server) -> list[Ephemeral]:
        """None: there is no secret."""
        del server
        return []

    def configurations(self, tags: Tags) -> list[ProviderConfiguration]:
        """None."""
        del tags
        return []

    def _databases(self, server: Server, values: dict[str, Escaped]) -> Arguments:
        administrator = Escaped("azurerm_postgresql_flexible_server_active_directory_administrator.entra.principal_name")
        found = values | {"admin_user": administrator, "tenant_id": Escaped("var.tenant_id")}
        return aligned({f"{server.name}_{name}": found[name] for name in ("host", "port", "admin_user", "tenant_id")})


def _configurations(server: Server) -> list[dict[str, Any]]:
    """Each setting is a resource, one after the other: the server takes one change at a time."""
    found: list[dict[str, Any]] = []
    values = _PARAMETERS[server.engine]
    for number_, (name, value) in enumerate(values.items(), 1):
        arguments = {"name": string(name)}
        if server.engine == "mysql":
            arguments |= {
                "server_name": Escaped("azurerm_mysql_flexible_server.database.name"),
                "resource_group_name": Escaped("var.resource_group_name"),
            }
        else:
            arguments["server_id"] = Escaped("azurerm_postgresql_flexible_server.database.id")
        found.append(
            {
                "name": name.replace(".", "_"),
                "comment": server_logs.COMMENTS.get(name, ""),
                "arguments": aligned(arguments | {"value": string(value)}),
                "more": number_ < len(values),
            }
        )
    return found


def _variables(server: Server, plan: Plan) -> tuple[Variable, ...]:
    version, versions, sku = _SIZES[server.engine]
    storage = (
        number("storage_gb", 64, "GiB of storage at first; it grows by itself.", 20, 16384)
        if server.engine == "mysql"
        else _storage_mb()
    )
    return (
        AZURE_SUBSCRIPTION,
        KEY_VAULT,
        required("resource_group_name", "Resource group of the server.", "^[A-Za-z0-9_().-]{1,90}$", "The name of a group."),
        required("location", "Azure region of the server.", "^[A-Za-z0-9 ]+$", "A region, such as westeurope."),
        required(
            "delegated_subnet_id",
            f"Id of a subnet that is delegated to Microsoft.DBfor{ENGINES[server.engine].title}/flexibleServers.",
            f"{_ID}virtualNetworks/[^/]+/subnets/[^/]+$",
            "The resource id of a subnet.",
        ),
        required(
            "private_dns_zone_id",
            "Id of the private DNS zone, linked to the network, that gets the server's name.",
            f"{_ID}privateDnsZones/[^/]+$",
            "The resource id of a private DNS zone.",
        ),
        text(
            "name",
            server_id(server, plan),
            "Name of the server, unique in all of Azure.",
            "^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
            "3 to 63 lower-case letters, digits and dashes.",
        ),
        text("engine_version", version, "Version of the engine.", versions, f"Such as {version}."),
        text("sku_name", sku, "Size of the machine.", "^(B|GP|MO)_Standard_[A-Za-z0-9_]+$", f"Such as {sku}."),
        storage,
        _high_availability(),
        switch("geo_redundant_backup", "Whether backups are kept in the paired region as well.", default=True),
        text(
            "admin_user",
            ADMIN,
            "Name of the administrator.",
            "^[a-z][a-z0-9_]{0,31}$",
            "Up to 32 lower-case letters, digits and underscores, a letter first.",
        ),
        number("admin_password_version", 1, "A higher number than last time makes a new password.", 1, 1000000),
        number("backup_retention_days", 14, "Days to keep backups.", 7, 35),
        switch("deletion_protection", "Whether a lock keeps the server from being deleted.", default=True),
        Variable(
            name=Escaped("tags"),
            type=Escaped("map(string)"),
            description=string("Tags of the server."),
            settings={"default": _tags(plan), "nullable": FALSE},
        ),
    )


def _storage_mb() -> Variable:
    sizes = ", ".join(str(1024 * 2**power) for power in range(5, 15))
    return Variable(
        name=Escaped("storage_mb"),
        type=NUMBER,
        description=string("MiB of storage at first; it grows by itself."),
        settings={"default": Escaped("65536"), "nullable": FALSE},
        validations=(
            Validation(condition=Escaped(f"contains([{sizes}], var.storage_mb)"), message=string(f"One of {sizes}.")),
        ),
    )


def _high_availability() -> Variable:
    made = switch("high_availability", "Whether a standby in another zone takes over when one fails.", default=True)
    possible = Validation(
        condition=Escaped('!var.high_availability || !startswith(var.sku_name, "B_")'),
        message=string("A burstable size (B_…) has no standby: false, or another sku_name."),
    )
    return made._replace(validations=(possible,))


def _tags(plan: Plan) -> Escaped:
    pairs = ", ".join(f"{string(key)} = {string(value)}" for key, value in plan.tags)
    return Escaped(f"{{ {pairs} }}" if pairs else "{}")
