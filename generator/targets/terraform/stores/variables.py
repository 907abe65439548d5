"""The store ``variables``: whoever applies brings the passwords in a variable that is never written to state or plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.escaping import Escaped
from generator.planning.servers import PRIMARY
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, TRUE, Validation, Variable

if TYPE_CHECKING:
    from generator.diagnostics import Diagnostics
    from generator.model import Plan, Role
    from generator.targets.terraform.hcl import Output, ProviderConfiguration, RequiredProvider
    from generator.targets.terraform.stores.base import Left, Tags

#: What the provider and an environment variable both carry unchanged: a backslash is doubled on its way into the server,
#: blanks at the ends are lost on their way into Backstage.
_GOOD: Final = r"^[!-\[\]-~]{8,}$"
_NAMED = 20


class Variables:
    """See the module."""

    name = "variables"
    providers: tuple[RequiredProvider, ...] = ()
    makes_password = False
    overwrites = False
    to_take_over: tuple[RequiredProvider, ...] = ()
    has_keys = False
    password = Escaped("var.password")
    password_version = Escaped("tostring(var.password_version)")
    argument_names = ("password", "password_version")
    module_variables = (
        Variable(
            name=Escaped("password"),
            type=Escaped("string"),
            description=string("Password of the role."),
            settings={"ephemeral": TRUE, "sensitive": TRUE},
        ),
        Variable(
            name=Escaped("password_version"),
            type=Escaped("number"),
            description=string("A higher number than last time sets the password again."),
        ),
    )
    module_outputs: tuple[Output, ...] = ()

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """The role's entry of the map of passwords, and its version."""
        return Escaped(f"var.plugin_passwords[{string(password_key(role))}]"), Escaped(str(role.password_version))

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
        """``plugin_passwords``, checked to have every password the configuration needs."""
        if not roles:
            return []
        keys = sorted(password_key(role) for role in roles)
        more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
        return [
            Variable(
                name=Escaped("plugin_passwords"),
                type=Escaped("map(string)"),
                description=string(
                    "Passwords of the roles, by plugin id. Every plan needs them; neither state nor plan holds them."
                ),
                settings={"ephemeral": TRUE, "sensitive": TRUE, "nullable": FALSE},
                validations=(
                    Validation(
                        for_each=tuple(map(string, keys)),
                        item=Escaped("plugin_id"),
                        condition=Escaped(f"can(regex({string(_GOOD)}, var.plugin_passwords[plugin_id]))"),
                        message=string(
                            "A password of 8 or more ASCII characters without blanks and backslashes is needed for each of: "
                            f"{', '.join(keys[:_NAMED])}{more}."
                        ),
                    ),
                ),
            )
        ]

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """None: it is Terraform itself that takes a variable."""
        del tags, takes_over
        return []

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """Nothing to report."""


def password_key(role: Role) -> str:
    """The key of a role in ``plugin_passwords``: the first plugin that uses it, or its name where all plugins do."""
    if not role.is_common:
        return role.plugins[0]
    return role.name if role.server == PRIMARY else f"{role.server}_{role.name}"
