"""The kinds ``aws-rds`` and ``aws-aurora``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.clouds.aws_servers import AWS_SERVERS, BACKUP_DAYS, CERTIFICATE_AUTHORITY, MONITORING_INTERVAL
from generator.engines import ENGINES
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import Ephemeral, ProviderConfiguration, RequiredProvider, Validation, Variable, aligned
from generator.targets.terraform.inputs import number, private_ranges, required, switch, text, texts
from generator.targets.terraform.servers.base import ServerModule
from generator.targets.terraform.servers.created import (
    ADMIN,
    Created,
    outputs,
    parameters,
    server_id,
)
from generator.targets.terraform.stores.aws import AWS_REGION, aws_configuration
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan, Server
    from generator.targets.terraform.stores.base import Tags

#: The first with ephemeral secrets; 5.88 has write-only ones too.
AWS: Final = RequiredProvider(name="aws", source="hashicorp/aws", oldest="5.88.0", below="7.0.0")
#: Default versions. AWS picks the minor version and raises it; one that is written out would be undone by the next plan,
#: which AWS refuses. CloudFormation compares templates, not servers: it can name one.
_VERSIONS: Final = {
    ("aws-rds", "postgresql"): "17",
    ("aws-rds", "mysql"): "8.4",
    ("aws-aurora", "postgresql"): "17",
    ("aws-aurora", "mysql"): "8.0",
}


class AwsRds(Created):
    """An instance of RDS."""

    name = "aws-rds"
    needs_authorities = True
    title = "RDS instance"
    providers = (AWS,)
    shared_variables = (AWS_REGION,)
    secret = "ARN of the secret with the password"  # noqa: S105 - a description
    authorities = "RDS's own, https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
    resource = "aws_db_instance.database"
    address = "address"

    def password(self, server: Server) -> Escaped:
        """RDS keeps a JSON object."""
        return Escaped(
            f'jsondecode(ephemeral.aws_secretsmanager_secret_version.{server.name}_admin.secret_string)["password"]'
        )

    def ephemerals(self, server: Server) -> list[Ephemeral]:
        """The secret RDS keeps the administrator's password in, and changes every week."""
        return [
            Ephemeral(
                type=Escaped("aws_secretsmanager_secret_version"),
                label=Escaped(f"{server.name}_admin"),
                comment=f"The administrator's password of server {server.name}, as RDS has it right now.",
                arguments=aligned({"secret_id": Escaped(f"var.{server.name}_admin_secret")}),
            )
        ]

    def configurations(self, tags: Tags) -> list[ProviderConfiguration]:
        """The provider of the secret."""
        return [aws_configuration(tags)]

    def module(self, server: Server, plan: Plan) -> ServerModule:
        """The server and what it needs around it."""
        key = (self.name, server.engine)
        aws = AWS_SERVERS[key]
        values = {
            "host": Escaped(f"{self.resource}.{self.address}"),
            "port": Escaped(f"{self.resource}.port"),
            "admin_user": Escaped(f"{self.resource}.master_username" if "cluster" in self.resource else "var.admin_user"),
            "admin_secret": Escaped(f"{self.resource}.master_user_secret[0].secret_arn"),
        }
        title = ENGINES[server.engine].title
        return ServerModule(
            summary=f"The {self.title} ({title}) of server {server.name}: encrypted, private, backed up, protected.",
            parts=(
                "server/locals.tf.j2",
                "server/aws-base.tf.j2",
                "server/aws-monitoring.tf.j2",
                f"server/{self.name}.tf.j2",
            ),
            view={
                "engine": aws.engine,
                "certificate_authority": CERTIFICATE_AUTHORITY,
                "monitoring_interval": MONITORING_INTERVAL,
                "port": ENGINES[server.engine].port,
                "parameters": parameters(aws.parameters),
                "logs": Escaped(", ".join(string(log) for log in aws.logs)),
                "locals": _family(aws.family, server.engine, aurora=self.name == "aws-aurora"),
                "skips": self._skips(server),
            },
            variables=(*_variables(server, plan), *self._sizes(server, _VERSIONS[key])),
            providers=(AWS,),
            configuration=_configuration(plan),
            databases=outputs(server, values, self._iam(server) if plan.credentials == "iam" else {}),
            readme="server/README.aws.md.j2",
        )

    def _iam(self, server: Server) -> dict[str, Escaped]:
        """What a policy for signing in without a password names."""
        identity = "cluster_resource_id" if "cluster" in self.resource else "resource_id"
        return {
            f"{server.name}_resource_id": Escaped(f"{self.resource}.{identity}"),
            "aws_account_id": Escaped("data.aws_caller_identity.current.account_id"),
            "aws_partition": Escaped("data.aws_partition.current.partition"),
            "aws_region": Escaped(f'split(":", {self.resource}.arn)[3]'),
        }

    def _skips(self, server: Server) -> list[str]:
        del server
        return []

    def _sizes(self, server: Server, version: str) -> tuple[Variable, ...]:
        most = number("max_allocated_storage", 200, "GiB of storage it may grow to by itself.", 22, 65536)
        room = Validation(
            condition=Escaped("var.max_allocated_storage >= var.allocated_storage * 1.1"),
            message=string("A tenth more than allocated_storage, at least."),
        )
        return (
            _engine_version(version),
            _instance_class("db.t4g.medium", AWS_SERVERS[self.name, server.engine].too_small),
            number("allocated_storage", 20, "GiB of storage at first.", 20, 65536),
            most._replace(validations=(*most.validations, room)),
            switch("multi_az", "Whether a standby in another zone takes over when one fails.", default=True),
        )


class AwsAurora(AwsRds):
    """A cluster of Aurora."""

    name = "aws-aurora"
    title = "Aurora cluster"
    resource = "aws_rds_cluster.database"
    address = "endpoint"

    def _skips(self, server: Server) -> list[str]:
        if server.engine == "mysql":
            return ["CKV_AWS_326:Backtracking changes every database at once; point-in-time recovery makes a new cluster."]
        return []

    def _sizes(self, server: Server, version: str) -> tuple[Variable, ...]:
        return (
            _engine_version(version),
            _instance_class("db.r6g.large", AWS_SERVERS[self.name, server.engine].too_small),
            number("instances", 2, "Number of instances: one writer, the others readers that take over.", 1, 16),
        )


def _family(family: str, engine: str, *, aurora: bool) -> list[tuple[Escaped, Escaped]]:
    version = 'split(".", var.engine_version)'
    if engine == "postgresql":
        value = f'"{family}${{{version}[0]}}"'
    elif aurora:
        value = string(f"{family}8.0")
    else:
        value = f'"{family}${{join(".", slice({version}, 0, 2))}}"'
    return aligned({"family": Escaped(value), "family_label": Escaped('replace(local.family, ".", "-")')})


def _configuration(plan: Plan) -> ProviderConfiguration:
    return aws_configuration(plan.tags, "Credentials come from the environment.")


def _engine_version(default: str) -> Variable:
    return text(
        "engine_version",
        default,
        "Version of the engine, without the minor one, which AWS raises by itself. A higher one is an upgrade: see to it in "
        "a window of its own, with allow_major_version_upgrade.",
        "^[0-9]+(\\.[0-9A-Za-z_]+)*$",
        f"A version, such as {default}.",
    )


def _instance_class(default: str, too_small: str | None) -> Variable:
    made = text("instance_class", default, "Size of an instance.", "^db\\.[a-z0-9-]+\\.[a-z0-9-]+$", f"Such as {default}.")
    if too_small is None:
        return made
    large_enough = Validation(
        condition=Escaped(f"!can(regex({string(too_small)}, var.instance_class))"),
        message=string("A class that has Performance Insights with this engine; this one is too small."),
    )
    return made._replace(validations=(*made.validations, large_enough))


def _name(server: Server, plan: Plan) -> Variable:
    made = text(
        "name",
        server_id(server, plan),
        "Name of the server, and of what is around it.",
        "^[a-z](-?[a-z0-9])*$",
        "Lower-case letters, digits and single dashes, a letter first.",
    )
    short = Validation(condition=Escaped("length(var.name) <= 52"), message=string("Up to 52 characters."))
    return made._replace(validations=(*made.validations, short))


def _variables(server: Server, plan: Plan) -> list[Variable]:
    network = "Ids of security groups whose members may connect: Backstage's, and one for where Terraform runs."
    return [
        AWS_REGION,
        _name(server, plan),
        text(
            "admin_user",
            ADMIN,
            "Name of the administrator. AWS makes the password.",
            "^[a-z][a-z0-9_]{0,15}$",
            "Up to 16 lower-case letters, digits and underscores, a letter first.",
        ),
        required("vpc_id", "Id of the VPC the server is in.", "^vpc-[0-9a-f]+$", "The id of a VPC."),
        texts(
            "subnet_ids",
            "Ids of private subnets of the VPC, in two zones or more.",
            "^subnet-[0-9a-f]+$",
            "The ids of two subnets or more.",
            least=2,
        ),
        texts("allowed_security_group_ids", network, "^sg-[0-9a-f]+$", "Ids of security groups."),
        private_ranges("allowed_cidr_blocks", "IPv4 ranges that may connect."),
        number("backup_retention_days", BACKUP_DAYS[1], "Days to keep backups.", BACKUP_DAYS[0], BACKUP_DAYS[2]),
        switch("allow_major_version_upgrade", "Whether engine_version may be of a higher major version.", default=False),
        switch("deletion_protection", "Whether AWS refuses to delete the server.", default=True),
    ]
