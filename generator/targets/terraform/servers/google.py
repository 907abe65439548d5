"""The kind ``google-cloudsql``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.clouds import server_logs
from generator.engines import ENGINES
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import TRUE, Ephemeral, Output, ProviderConfiguration, aligned
from generator.targets.terraform.inputs import choice, number, required, switch, text
from generator.targets.terraform.servers.base import ServerModule
from generator.targets.terraform.servers.created import (
    ADMIN,
    Created,
    outputs,
    parameters,
    server_id,
)
from generator.targets.terraform.stores.google_secretmanager import GOOGLE, GOOGLE_PROJECT, google_configuration
from generator.targets.terraform.stores.named import RANDOM
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan, Server
    from generator.targets.terraform.hcl import Arguments, Variable
    from generator.targets.terraform.stores.base import Tags

_INSTANCE: Final = "google_sql_database_instance.database"
_FLAGS: Final = {
    "postgresql": {
        "cloudsql.iam_authentication": "on",
        "cloudsql.enable_pgaudit": "on",
        "log_checkpoints": "on",
        "log_connections": "on",
        "log_disconnections": "on",
        "log_duration": "on",
        "log_hostname": "on",
        "log_lock_waits": "on",
        **server_logs.POSTGRESQL,
        "log_min_messages": "warning",
        "log_temp_files": "0",
    },
    "mysql": {
        "cloudsql_iam_authentication": "on",
        "local_infile": "off",
        "long_query_time": "1",
        "skip_show_database": "on",
        "slow_query_log": "on",
    },
}
_TLS: Final = "CKV_GCP_6:ENCRYPTED_ONLY refuses connections without TLS; Backstage logs in with passwords, not certificates."
_SKIPS: Final = {
    "postgresql": [
        "CKV_GCP_109:The error of a statement that fails is logged, but not its text: it may set the password of a role.",
        "CKV_GCP_111:log_statement would write the passwords of new roles into the log; pgaudit hides them.",
        _TLS,
        "CKV_GCP_79:The version is var.database_version: an upgrade is a decision of its own.",
    ],
    "mysql": [_TLS],
}
_VERSIONS: Final = {"postgresql": ("POSTGRES_17", "^POSTGRES_1[5-9]$"), "mysql": ("MYSQL_8_4", "^MYSQL_8_[04]$")}


class GoogleCloudSql(Created):
    """See the module."""

    name = "google-cloudsql"
    has_labels = True
    has_own_authority = True
    providers = (GOOGLE,)
    shared_variables = (GOOGLE_PROJECT,)
    secret = "Full name of the secret with the password"  # noqa: S105 - a description
    authorities = "the server's own, its output `server_ca`"
    #: The certificate has the server's name in the project, not its address. Its authority signs for this server only.
    sslmode = "verify-ca"
    names_host = False

    def password(self, server: Server) -> Escaped:
        """The secret is the password."""
        return Escaped(f"ephemeral.google_secret_manager_secret_version.{server.name}_admin.secret_data")

    def ephemerals(self, server: Server) -> list[Ephemeral]:
        """The secret the server's own configuration has made."""
        return [
            Ephemeral(
                type=Escaped("google_secret_manager_secret_version"),
                label=Escaped(f"{server.name}_admin"),
                comment=f"The administrator's password of server {server.name}.",
                arguments=aligned({"secret": Escaped(f"var.{server.name}_admin_secret")}),
            )
        ]

    def configurations(self, tags: Tags) -> list[ProviderConfiguration]:
        """The provider of the secret."""
        return [google_configuration(tags)]

    def module(self, server: Server, plan: Plan) -> ServerModule:
        """The server, and its administrator with a password."""
        values = {
            "host": Escaped(f"{_INSTANCE}.private_ip_address"),
            "port": Escaped(str(ENGINES[server.engine].port)),
            "admin_user": Escaped("google_sql_user.admin.name"),
            # By way of the version, so that it is there when it is read.
            "admin_secret": Escaped("google_secret_manager_secret_version.admin.secret"),
        }
        return ServerModule(
            summary=f"The Cloud SQL instance ({ENGINES[server.engine].title}) of server {server.name}: private, backed up, "
            "protected.",
            parts=("server/google-cloudsql.tf.j2", "server/google-admin.tf.j2"),
            view={
                "flags": parameters(_FLAGS[server.engine]),
                "skips": _SKIPS[server.engine],
                "verified": server.engine == "postgresql",
                "backups": _backups(server),
                "user_host": "%" if server.engine == "mysql" else "",
            },
            variables=_variables(server, plan),
            providers=(GOOGLE, RANDOM),
            configuration=google_configuration(plan.tags, {"region": Escaped("var.google_region")}),
            databases=outputs(server, values, _iam(server) if plan.credentials == "iam" else {}),
            readme="server/README.google.md.j2",
            outputs=(
                Output(
                    name=Escaped("server_ca"),
                    description=string("Certificates of the server's authority (PEM)."),
                    # A certificate is public; the provider takes the whole block for a secret.
                    value=Escaped(f'nonsensitive(join("\\n", {_INSTANCE}.server_ca_cert[*].cert))'),
                ),
            ),
        )


def _iam(server: Server) -> dict[str, Escaped]:
    return {f"{server.name}_instance": Escaped(f'"${{{_INSTANCE}.project}}:${{{_INSTANCE}.name}}"')}


def _backups(server: Server) -> Arguments:
    recovery = "binary_log_enabled" if server.engine == "mysql" else "point_in_time_recovery_enabled"
    return aligned(
        {"enabled": TRUE, "start_time": string("02:00"), recovery: TRUE, "transaction_log_retention_days": Escaped("7")}
    )


def _variables(server: Server, plan: Plan) -> tuple[Variable, ...]:
    version, versions = _VERSIONS[server.engine]
    return (
        GOOGLE_PROJECT,
        required("google_region", "Region the server is in.", "^[a-z]+-[a-z]+[0-9]+$", "A region, such as europe-west3."),
        required(
            "network",
            "Id of the VPC network, with private services access set up: projects/…/global/networks/….",
            "^(https://www\\.googleapis\\.com/compute/v1/)?projects/[^/]+/global/networks/[a-z][a-z0-9-]*$",
            "The id of a network: projects/…/global/networks/….",
        ),
        text(
            "name",
            server_id(server, plan),
            "Name of the server. Google keeps the name of a deleted server taken for a week.",
            "^[a-z][a-z0-9-]{0,96}[a-z0-9]$",
            "Lower-case letters, digits and dashes, a letter first.",
        ),
        text("database_version", version, "Engine and its version.", versions, f"Such as {version}."),
        text(
            "tier",
            "db-custom-2-7680",
            "Size of the machine.",
            "^db-(custom-[0-9]+-[0-9]+|f1-micro|g1-small|n1-.+|perf-optimized-.+)$",
            "Such as db-custom-2-7680.",
        ),
        choice(
            "availability_type",
            "REGIONAL",
            "Whether a standby in another zone takes over when one fails (REGIONAL).",
            ("REGIONAL", "ZONAL"),
        ),
        number("disk_size", 20, "GB of storage at first; it grows by itself.", 10, 65536),
        text(
            "admin_user",
            ADMIN,
            "Name of the administrator.",
            "^[a-z][a-z0-9_]{0,31}$",
            "Up to 32 lower-case letters, digits and underscores, a letter first.",
        ),
        number("admin_password_version", 1, "A higher number than last time makes a new password.", 1, 1000000),
        number("backup_retention_days", 14, "Days to keep daily backups.", 7, 365),
        switch("deletion_protection", "Whether Google refuses to delete the server.", default=True),
    )
