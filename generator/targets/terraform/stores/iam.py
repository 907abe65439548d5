"""No passwords at all (``credentials.mode: iam``): what takes their place in each cloud.

AWS signs a role in that is a member of ``rds_iam``; a policy says who may. Google makes the role itself, for a service
account. Azure signs a role in that is labelled with the object id of an Entra principal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, TRUE, RequiredProvider, Variable, aligned
from generator.targets.terraform.inputs import filled, required, text
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import Plan, Role
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import Output, ProviderConfiguration
    from generator.targets.terraform.stores.base import Left, Tags

_NOTHING: Final = Escaped("null")
_OBJECT_ID: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_INSTANCE: Final = "^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]:[a-z][a-z0-9-]{0,97}$"


class Iam:
    """What all clouds have in common: no password."""

    name = ""
    role = Escaped("postgresql_role.plugin.name")
    #: The roles of the server that a role of Backstage becomes a member of.
    memberships: tuple[str, ...] = ()
    #: Resources of the other ways to sign in that Terraform must let go of and not destroy.
    forgets: tuple[str, ...] = ()
    #: Templates of the root module for this cloud alone, by file.
    files: Mapping[str, str] = {}
    providers: tuple[RequiredProvider, ...] = ()
    makes_password = False
    overwrites = False
    to_take_over: tuple[RequiredProvider, ...] = ()
    has_keys = False
    by_hand = False
    has_labels = False
    lost = "There are no passwords to lose."
    read_action = ""
    password = _NOTHING
    password_version = _NOTHING
    argument_names: tuple[str, ...] = ()
    module_variables: tuple[Variable, ...] = ()
    module_outputs: tuple[Output, ...] = ()

    @property
    def role_parts(self) -> tuple[str, ...]:
        """The templates that make a role."""
        return ("modules/role.tf.j2",)

    def resource(self, role: Role) -> str:
        """Nothing: there is no secret."""
        del role
        return ""

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """None, unless the cloud has to know more about a role."""
        del role
        return ()

    def left(self, role: Role, label: Escaped) -> Left | None:
        """Nothing: there is no secret."""
        del role, label
        return None

    def existing(self, role: Role, version: int) -> dict[str, Escaped]:
        """None."""
        del role, version
        return {}

    def existing_variables(self, kept: list[Role]) -> list[Variable]:
        """None."""
        del kept
        return []

    def variables(self, roles: list[Role]) -> list[Variable]:
        """What the cloud has to be told."""
        del roles
        return []

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """None."""
        del tags, takes_over
        return []

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """Nothing to report."""

    def view(self, roles: list[Role]) -> dict[str, Any]:
        """What the templates in ``files`` and the README print."""
        return {"roles": [{"name": role.name, "server": role.server} for role in roles]}


class Rds(Iam):
    """A role that is a member of ``rds_iam``, and the policy ``rds-db:connect``."""

    name = "iam-rds"
    memberships = ("rds_iam",)
    files: Mapping[str, str] = {"iam.tf": "iam.rds.tf.j2"}

    def variables(self, roles: list[Role]) -> list[Variable]:
        """The account, the region and the id of each server, for the policy."""
        servers = sorted({role.server for role in roles})
        return [
            required("aws_account_id", "AWS account of the servers.", "^[0-9]{12}$", "Twelve digits."),
            text("aws_partition", "aws", "AWS partition of the servers.", "^aws[a-z-]*$", "aws, aws-cn or aws-us-gov."),
            required("aws_region", "AWS region of the servers.", "^[a-z]{2}(-[a-z]+)+-[0-9]$", "Such as eu-central-1."),
            *(
                required(
                    f"{server}_resource_id",
                    f"Resource id of server {server}: DbiResourceId of an instance, DbClusterResourceId of a cluster.",
                    "^(db|cluster|prx)-[A-Za-z0-9]+$",
                    "db-… of an instance, cluster-… of a cluster, prx-… of a proxy; not its name.",
                )
                for server in servers
            ),
        ]

    def view(self, roles: list[Role]) -> dict[str, Any]:
        """The ARN of each role."""
        return {"users": aligned((str(string(role.name)), self._arn(role)) for role in roles)}

    @staticmethod
    def _arn(role: Role) -> Escaped:
        user = string(role.name)[1:-1]
        place = "arn:${var.aws_partition}:rds-db:${var.aws_region}:${var.aws_account_id}:dbuser"
        return Escaped(f'"{place}:${{var.{role.server}_resource_id}}/{user}"')


class CloudSql(Iam):
    """A service account: Cloud SQL makes the role, because it has to know it."""

    name = "iam-cloudsql"
    role = Escaped("google_sql_user.plugin.name")
    forgets = ("postgresql_role.plugin",)
    providers = (RequiredProvider(name="google", source="hashicorp/google", oldest="5.0.0", below="8.0.0"),)
    argument_names = ("instance", "project")
    module_variables = (
        filled("instance", "Name of the Cloud SQL instance."),
        filled("project", "Project of the Cloud SQL instance."),
    )

    @property
    def role_parts(self) -> tuple[str, ...]:
        """A user of Cloud SQL takes the place of the role."""
        return ("modules/role.iam-cloudsql.tf.j2",)

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """The instance and its project, from ``project:instance``."""
        parts = f'split(":", var.{role.server}_instance)'
        return Escaped(f"element({parts}, -1)"), Escaped(f"element({parts}, -2)")

    def variables(self, roles: list[Role]) -> list[Variable]:
        """The instance of each server."""
        return [
            required(
                f"{server}_instance",
                f"Cloud SQL instance of server {server}, as project:instance.",
                _INSTANCE,
                "As project:instance.",
            )
            for server in sorted({role.server for role in roles})
        ]


class Azure(Iam):
    """A role with the label of an Entra principal."""

    name = "iam-azure"
    argument_names = ("object_id",)
    module_variables = (
        # The rule is in here and not in the root module, because there Terraform could not say which of them is wrong.
        required(
            "object_id",
            "Object id of the service principal or managed identity that signs in as the role.",
            _OBJECT_ID,
            "An object id (not a client id), a UUID in lower case.",
        ),
    )

    @property
    def role_parts(self) -> tuple[str, ...]:
        """The role, and its label."""
        return ("modules/role.tf.j2", "modules/label.iam-azure.tf.j2")

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """The role's entry of the map of object ids."""
        return (Escaped(f"var.entra_object_ids[{string(role.name)}]"),)

    def variables(self, roles: list[Role]) -> list[Variable]:
        """The object ids."""
        del roles
        return [
            Variable(
                name=Escaped("entra_object_ids"),
                type=Escaped("map(string)"),
                description=string("Object ids (not client ids) of the Entra principals that sign in, by role."),
                settings={"nullable": FALSE},
            )
        ]


CLOUDS: Final[Mapping[str, Iam]] = {"rds": Rds(), "cloudsql": CloudSql(), "azure": Azure()}


def role_arguments(
    iam: Iam | None, *, has_group: bool, has_schema: bool, password: Mapping[str, Escaped], logs_in: bool = True
) -> Any:
    """The arguments of ``postgresql_role.plugin``, with or without a password."""
    arguments = {"name": Escaped("var.role"), "login": TRUE if logs_in else FALSE}
    listed = ", ".join(string(name) for name in (iam.memberships if iam else ()))
    if has_group:
        with_group = f"[{listed}, var.group]" if listed else "[var.group]"
        arguments["roles"] = Escaped(f"var.group == null ? [{listed}] : {with_group}")
        arguments["assume_role"] = Escaped("var.group")
    elif listed:
        arguments["roles"] = Escaped(f"[{listed}]")
    if has_schema:
        arguments["search_path"] = Escaped("[var.schema]")
    return aligned(arguments | dict(password))
