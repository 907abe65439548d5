"""What the stores have in common that make the passwords and keep each under a name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import RequiredProvider, Variable
from generator.targets.terraform.inputs import filled, perhaps_whole, version
from generator.targets.terraform.logins import with_passwords
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan, Role
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import Output, ProviderConfiguration
    from generator.targets.terraform.stores.base import Left, Tags

#: The first with ephemeral passwords.
RANDOM: Final = RequiredProvider(name="random", source="hashicorp/random", oldest="3.7.1", below="4.0.0")

PASSWORD_VERSION: Final = version("A higher number than last time makes a new password.")
SECRET_NAME: Final = filled("secret_name", "Name of the secret that holds the password of the role.")

#: Whether the store has the secrets that are listed as being there already: a local of ``imports.tf``.
HAS_SECRETS: Final = "local.has_secrets"
EXISTING_VERSION: Final = perhaps_whole(
    "existing_password_version",
    "The password_version whose password the store has already: it is kept. 0 where there is a secret, and its "
    "password is not wanted any more; null where there is none.",
)


class NamedSecret:
    """A store that makes the passwords. A subclass names the store, its rules for names, and what it needs to know.

    ``title`` is what people call it, ``pattern`` the names it takes, ``allowed`` the same in words. ``passed`` are the
    variables of the root module that every module that makes a role gets, by the names they have in there.
    """

    name: str
    title: str
    pattern: str
    allowed: str
    providers: tuple[RequiredProvider, ...]
    passed: dict[str, Escaped]
    module_variables: tuple[Variable, ...]
    module_outputs: tuple[Output, ...]
    password: Escaped
    password_version = Escaped("tostring(var.password_version)")
    makes_password = True
    overwrites = False
    has_keys = False
    by_hand = False
    has_labels = False
    lost = "Passwords stay as they are: the file lists what the store has, and Terraform goes on with it."
    read_action = ""
    to_take_over: tuple[RequiredProvider, ...] = ()
    root_variables: tuple[Variable, ...] = ()

    @property
    def argument_names(self) -> tuple[str, ...]:
        """The secret's name, what the store needs to know, and the version of the password."""
        return "secret_name", *self.passed, "password_version"

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """The values of ``argument_names``."""
        return string(role.secret_name), *self.passed.values(), Escaped(str(role.password_version))

    def resource(self, role: Role) -> str:
        """The name."""
        return role.secret_name

    def left(self, role: Role, label: Escaped) -> Left | None:
        """Nothing: to import a secret that is also its value writes the old password into the state."""
        del role, label
        return None

    def existing(self, role: Role, version: int) -> dict[str, Escaped]:
        """Which of its passwords the store has already."""
        del role
        return {"existing_password_version": Escaped(f"{HAS_SECRETS} ? {version} : null")}

    def variables(self, roles: list[Role]) -> list[Variable]:
        """Where the secrets are."""
        del roles
        return list(self.root_variables)

    def existing_variables(self, kept: list[Role]) -> list[Variable]:
        """None: the store is asked."""
        del kept
        return []

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """The ``provider`` blocks of the root module."""
        raise NotImplementedError

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """GR615: a name the store refuses."""
        for role in with_passwords(plan.roles):
            if not re.fullmatch(self.pattern, role.secret_name, re.ASCII):
                diagnostics.error(
                    "GR615",
                    f"{role.secret_name[:80]!r} cannot be the name of a secret in {self.title} (role {role.name!r})",
                    path="credentials.secretName",
                    hint=self.allowed,
                )
