"""The store ``variables``: whoever applies brings the passwords in a variable that is never written to state or plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.engines.postgresql import SCRAM_VERIFIER
from generator.planning.servers import PRIMARY
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, TRUE, Validation, Variable
from generator.targets.terraform.inputs import TEXT, version
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Login, Plan, Role
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import Output, ProviderConfiguration, RequiredProvider
    from generator.targets.terraform.stores.base import Left, Tags

#: What the provider and an environment variable both carry unchanged: a backslash is doubled on its way into the server,
#: blanks at the ends are lost on their way into Backstage.
_GOOD: Final = r"^[!-\[\]-~]{8,}$"
_EACH: Final = Escaped("map(string)")


def _rule(condition: str, message: str) -> Validation:
    # The name of the role is in the message, so that it is known whose password it is.
    return Validation(condition=Escaped(condition), message=Escaped(f'"The password of ${{var.role}} {message}"'))


_IS_NO_VERIFIER: Final = '!startswith(var.password, "SCRAM-SHA-256")'


class Variables:
    """See the module."""

    name = "variables"
    providers: tuple[RequiredProvider, ...] = ()
    makes_password = False
    overwrites = False
    to_take_over: tuple[RequiredProvider, ...] = ()
    has_keys = False
    by_hand = False
    has_labels = False
    lost = "Bring the `plugin_passwords` in use: they are set again, and stay what they are."
    read_action = ""
    password = Escaped("var.password")
    password_version = Escaped("tostring(var.password_version)")
    argument_names = ("password", "password_version")
    module_variables = (
        Variable(
            name=Escaped("password"),
            type=TEXT,
            description=string("Password of the role, or a SCRAM verifier of it."),
            settings={"ephemeral": TRUE, "sensitive": TRUE, "nullable": FALSE},
            # In here and not in the root module, because there Terraform could not say which of them is wrong.
            validations=(
                _rule(
                    f"can(regex({string(_GOOD)}, var.password))",
                    "has to be 8 or more ASCII characters without blanks and backslashes.",
                ),
                _rule(
                    f"{_IS_NO_VERIFIER} || can(regex({string(SCRAM_VERIFIER)}, var.password))",
                    "begins like a verifier and is none. Did a shell replace what follows a $ in it?",
                ),
            ),
        ),
        version("A higher number than last time sets the password again."),
    )
    module_outputs: tuple[Output, ...] = ()

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """The role's entry of the map of passwords, and its version."""
        return Escaped(f"var.plugin_passwords[{string(password_key(role))}]"), Escaped(str(role.password_version))

    def resource(self, role: Role) -> str:
        """Nothing: there is no secret."""
        del role
        return ""

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
        """``plugin_passwords``: the modules check what is in it."""
        if not roles:
            return []
        return [
            Variable(
                name=Escaped("plugin_passwords"),
                type=_EACH,
                description=string(
                    f"Passwords of the roles by {keyed_by(roles)}. Every plan needs them; neither state nor plan holds them."
                ),
                settings={"ephemeral": TRUE, "sensitive": TRUE, "nullable": FALSE},
            )
        ]

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """None: it is Terraform itself that takes a variable."""
        del tags, takes_over
        return []

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """Nothing to report."""


def without_verifiers(variables: tuple[Variable, ...]) -> list[Variable]:
    """``variables`` of a module for MySQL, which would take a verifier for a password like any other."""
    return [
        item._replace(
            description=string("Password of the user."),
            validations=(item.validations[0], _rule(_IS_NO_VERIFIER, "is a verifier, which MySQL cannot use.")),
        )
        if item.name == "password"
        else item
        for item in variables
    ]


def login_password(role: Role, login: Login) -> Escaped:
    """The entry of a login of a pair: one that may not log in needs none."""
    key = string(login_key(role, login.letter))
    if login.may_log_in:
        return Escaped(f"var.plugin_passwords[{key}]")
    return Escaped(f"lookup(var.plugin_passwords, {key}, null)")


def login_key(role: Role, letter: str) -> str:
    """The key of a login of the pair of ``role``: no id of a plugin and no name of a role has a dot."""
    return f"{password_key(role)}.{letter}"


def keyed_by(roles: list[Role]) -> str:
    """What :func:`password_key` is, in words."""
    if any(role.is_common for role in roles):
        elsewhere = any(role.server != PRIMARY for role in roles)
        return "role name" + (", with the server and _ before it where that is not primary" if elsewhere else "")
    shared = any(len(role.plugins) > 1 for role in roles)
    pair = ", of a login by it with a dot and its letter" if any(role.logins for role in roles) else ""
    return f"plugin id{', of a role that several plugins use by the first of them' if shared else ''}{pair}"


def password_key(role: Role) -> str:
    """The key of a role in ``plugin_passwords``: the first plugin that uses it, or its name where all plugins do."""
    if not role.is_common:
        return role.plugins[0]
    return role.name if role.server == PRIMARY else f"{role.server}_{role.name}"


STORE = Variables
