"""The views of the generated templates: the first one with the functions, and those that hold further plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.engines import ENGINES
from generator.planning.access import place
from generator.targets.cloudformation.escaping import logical_id, sub_text, text
from generator.targets.cloudformation.parameters import Output, Parameter, parameters_view
from generator.targets.cloudformation.resources import Resources
from generator.targets.cloudformation.servers import KINDS
from generator.targets.cloudformation.servers.base import ENVIRONMENT_TAG, NOWHERE, server_id
from generator.targets.cloudformation.shape import ROOT, stack_file
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.planning.model import PluginPlan, Role, Server
    from generator.targets.cloudformation.resources import Block
    from generator.targets.cloudformation.shape import Shape

View = dict[str, Any]

_RETENTION: Final = ("30", "60", "90", "180", "365", "400", "545", "731", "1827", "3653")
_ARN: Final = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"
#: A managed policy holds 6,144 characters; this leaves room for the rest of it.
_SIGN_IN_CHARACTERS: Final = 4000


def root_parameters(shape: Shape) -> list[Parameter]:
    """What the first template asks for."""
    found = [
        parameter
        for server in shape.plan.servers
        for parameter in KINDS[server.kind].parameters(server, shape.plan, data_api=shape.data_api)
    ]
    if _iam_roles(shape):
        found += [_resource_id(server) for server in shape.plan.servers if _existing_with_iam(shape, server)]
    if not shape.data_api:
        found += _network_parameters()
    return [*found, *_operation_parameters()]


def root_view(shape: Shape) -> View:
    """What ``databases.yaml.j2`` prints."""
    plan = shape.plan
    blocks = list(Resources(shape, ROOT).blocks())
    network = [] if shape.data_api else [_network(shape, server) for server in plan.servers]
    connections = shape.root_connections.values()
    has_secrets = any(not role.iam for role in plan.roles)
    return {
        **_both(shape, blocks),
        **parameters_view(root_parameters(shape)),
        "description": f"Databases, roles and passwords of the plugins of Backstage ({plan.environment}).",
        "key_arn": Escaped("!GetAtt EncryptionKey.Arn"),
        "is_nested": False,
        "network": network,
        "optional_servers": [item["id"] for item in network if item["is_optional"]],
        "nowhere": NOWHERE,
        "ingresses": [item["ingress"] for item in network if not item["is_optional"]],
        "has_logs": True,
        "key_comment": "Encrypts secrets, logs and settings. Secrets outlive the stack, and so does their key.",
        "key_policy": Escaped("RetainExceptOnCreate"),
        "key_description": f"Database passwords of Backstage ({plan.environment}), and the logs of what sets them.",
        "provider_does": Escaped(" and runs the SQL over the Data API" if shape.data_api else " and has the SQL run"),
        "provider_description": f"Databases of Backstage ({plan.environment}): answers CloudFormation.",
        "sql_description": f"Databases of Backstage ({plan.environment}): speaks SQL with the servers.",
        "sign_in_description": f"Sign in to the databases of Backstage ({plan.environment}).",
        "secret_prefix": _secret_prefix(plan.roles) if has_secrets else None,
        "admin_secrets": [connection.reference["AdminSecretArn"] for connection in connections],
        "clusters": [connection.reference["ClusterArn"] for connection in connections] if shape.data_api else [],
        "iam_roles": _iam_roles(shape),
        "nested": [_nested_stack(shape, stack) for stack in shape.stacks if stack != ROOT],
        "outputs": [*_outputs(blocks), *_root_outputs(shape)],
    }


def nested_view(shape: Shape, stack: int) -> View:
    """What ``nested.yaml.j2`` prints for ``stack``."""
    blocks = list(Resources(shape, stack).blocks())
    return {
        **_both(shape, blocks),
        **parameters_view(_nested_parameters(shape, stack)),
        "description": f"Plugins of Backstage ({shape.plan.environment}), part {stack}: a part of {stack_file(ROOT)}.",
        "key_arn": Escaped("!Ref EncryptionKeyArn"),
        "is_nested": True,
        "outputs": list(_outputs(blocks)),
    }


def _both(shape: Shape, blocks: list[Block]) -> View:
    plan = shape.plan
    return {
        "environment": plan.environment,
        "servers": [(server_id(server.name), server.name) for server in plan.servers],
        "tags": tags(shape),
        "blocks": blocks,
    }


def tags(shape: Shape) -> list[tuple[str, str]]:
    """The tags of everything, sorted."""
    return sorted({**dict(shape.plan.tags), ENVIRONMENT_TAG: shape.plan.environment}.items())


def _network_parameters() -> list[Parameter]:
    return [
        Parameter(
            name=Escaped("VpcId"),
            group="Network",
            type="AWS::EC2::VPC::Id",
            description="VPC from which the servers can be reached.",
            example="vpc-0123456789abcdef0",
        ),
        Parameter(
            name=Escaped("SubnetIds"),
            group="Network",
            type="List<AWS::EC2::Subnet::Id>",
            description="Subnets of the function that speaks to the servers; they need no way out of the VPC.",
            example="subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        ),
    ]


def _operation_parameters() -> list[Parameter]:
    return [
        Parameter(
            name=Escaped("LogRetentionDays"),
            group="Operation",
            type="Number",
            description="Days the logs of the functions are kept.",
            default=365,
            allowed=_RETENTION,
        ),
        Parameter(
            name=Escaped("Revision"),
            group="Operation",
            description="Another value than last time applies everything once more: repairs what was changed by hand.",
            default="1",
            pattern="^[0-9A-Za-z._-]{1,64}$",
            rule="1 to 64 letters, digits, dots, underscores and dashes.",
        ),
    ]


def _network(shape: Shape, server: Server) -> View:
    engine = ENGINES[server.engine].title
    return {
        "id": server_id(server.name),
        "is_optional": server.kind == "existing",
        "port": shape.root_connections[server.name].reference["Port"],
        "security_group": KINDS[server.kind].security_group(server),
        "ingress": server_id(server.name, "Ingress"),
        "to": f"{engine} server {server.name}.",
        "from": f"The function that makes the databases of Backstage ({shape.plan.environment}).",
    }


def _secret_prefix(roles: tuple[Role, ...]) -> Escaped:
    """The secrets of the plugins: the folder that all of their names have in common."""
    common = _common([role.secret_name for role in roles if not role.iam])
    folder = common[: common.rfind("/") + 1]
    return Escaped(f"!Sub {text(_ARN % ('secretsmanager', f'secret:{sub_text(folder)}*'))}")


def _common(names: list[str]) -> str:
    """What all of ``names`` begin with."""
    first, last = min(names), max(names)
    return next((first[:index] for index, char in enumerate(first) if last[index : index + 1] != char), first)


# --- further stacks ---------------------------------------------------------------------------------------------------


def _nested_servers(shape: Shape, stack: int) -> list[Server]:
    used = {plugin.server for plugin in shape.stacks[stack]}
    return [server for server in shape.plan.servers if server.name in used]


def _has_secrets(shape: Shape, plugins: list[PluginPlan]) -> bool:
    return any(not plugin.role.iam and place(plugin.role) not in shape.shared_roles for plugin in plugins)


def _handed_down(shape: Shape, stack: int) -> Iterator[tuple[Escaped, Escaped, str]]:
    """Name, value and type of every parameter of ``stack``; the first template has all the values."""
    if _has_secrets(shape, shape.stacks[stack]):
        yield Escaped("EncryptionKeyArn"), Escaped("!GetAtt EncryptionKey.Arn"), "String"
    owner = Escaped('!Sub "${AWS::AccountId}/${AWS::Region}/${AWS::StackName}"')
    yield Escaped("OwnerPrefix"), owner, "String"
    yield Escaped("Revision"), Escaped("!Ref Revision"), "String"
    yield Escaped("ServiceToken"), Escaped("!GetAtt ProviderFunction.Arn"), "String"
    for server in _nested_servers(shape, stack):
        for what, value in shape.root_connections[server.name].reference.items():
            yield server_id(server.name, what), value, "Number" if what == "Port" else "String"


def _nested_parameters(shape: Shape, stack: int) -> list[Parameter]:
    return [
        Parameter(name=name, group="From the first stack", type=type_, description="Comes from the first stack.")
        for name, _, type_ in _handed_down(shape, stack)
    ]


def _nested_stack(shape: Shape, stack: int) -> View:
    plugins = shape.stacks[stack]
    resources = Resources(shape, ROOT)
    return {
        "id": logical_id(f"Databases{stack}"),
        "file": stack_file(stack),
        "comment": f"Further plugins, part {stack}.",
        "after": resources.shared_by(plugins),
        "parameters": [(name, value) for name, value, _ in _handed_down(shape, stack)],
    }


# --- signing in without a password ------------------------------------------------------------------------------------


def _existing_with_iam(shape: Shape, server: Server) -> bool:
    return server.kind == "existing" and any(role.iam and role.server == server.name for role in shape.plan.roles)


def _resource_id(server: Server) -> Parameter:
    return Parameter(
        name=server_id(server.name, "ResourceId"),
        group=f"Server {server.name}",
        description=f"Resource id of the instance or cluster of server {server.name}, for signing in with IAM.",
        example="db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        pattern="^(db|cluster|prx)-[0-9A-Za-z]+$",
        rule="A resource id: db-… of an instance, cluster-… of a cluster.",
    )


def _iam_roles(shape: Shape) -> list[Escaped]:
    """The ARNs of the roles Backstage may sign in as: each of them, or what their names begin with when they are many."""
    found: list[Escaped] = []
    for server in shape.plan.servers:
        names = [role.name for role in shape.plan.roles if role.server == server.name and role.iam]
        if sum(map(len, names)) + 60 * len(names) > _SIGN_IN_CHARACTERS:
            names = [f"{_common(names)}*"]
        reference = KINDS[server.kind].resource_id(server)
        for name in names:
            arn = _ARN % ("rds-db", "dbuser:${Resource}/" + sub_text(name))
            found.append(Escaped(f"!Sub [{text(arn)}, {{Resource: {reference}}}]"))
    return found


# --- outputs ----------------------------------------------------------------------------------------------------------


def _outputs(blocks: list[Block]) -> Iterator[Output]:
    for block in blocks:
        if block.secret:
            yield Output(
                id=logical_id(block.secret.id, "Arn"),
                description=f"{block.comment.removesuffix('.')}: ARN of the secret; its key is password.",
                value=Escaped(f"!Ref {block.secret.id}"),
            )


def _root_outputs(shape: Shape) -> Iterator[Output]:
    yield Output(
        id=Escaped("EncryptionKeyArn"),
        description="ARN of the key of the secrets: whoever reads them needs kms:Decrypt.",
        value=Escaped("!GetAtt EncryptionKey.Arn"),
    )
    if _iam_roles(shape):
        yield Output(
            id=Escaped("BackstageSignInArn"),
            description="ARN of the policy for the role that Backstage runs as.",
            value=Escaped("!Ref BackstageSignIn"),
        )
