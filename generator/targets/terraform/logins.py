"""The logins of pairs as Terraform has them: each is a role with a password of its own, in a module of its own.

Two logins act as a role that owns everything. They are members of it by ``roles``: the provider takes a membership that is
a resource of its own away with the next change of the role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.planning.model import Login
from generator.planning.naming import label
from generator.planning.pair import LETTERS, versions
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, NULL, Validation, aligned
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.planning.model import Role
    from generator.targets.terraform.hcl import Arguments, Variable


def login_label(owner: str, letter: str) -> str:
    """The module of a login; ``owner`` is the label of the module of the role that it acts as."""
    return label(f"login_{owner}_{letter}")


def logins_of(role: Role) -> tuple[Login, ...]:
    """The logins of ``role``. Those of a pair that it had before stay, locked and members of nothing.

    Terraform would drop a login whose module is not there any more, and a live one by an old branch as well.
    """
    if role.logins or role.pair is None:
        return role.logins
    each = zip(LETTERS, role.login_names, versions(role.password_version, role.pair), strict=True)
    return tuple(
        Login(
            name=name,
            delivery=role.delivery.of_login(letter),
            secret_name=f"{role.secret_name}-{letter}",
            version=version,
            is_live=False,
            may_log_in=False,
            letter=letter,
        )
        for letter, name, version in each
    )


def as_role(role: Role, login: Login) -> Role:
    """``login`` of the pair of ``role`` as a store of passwords sees it: a role with a secret."""
    return role._replace(
        name=login.name,
        delivery=login.delivery,
        secret_name=login.secret_name,
        password_version=login.version,
        label=f"{role.label}-{login.letter}",
        renamed_from=login.renamed_from,
        pair=None,
    )


def with_passwords(roles: Iterable[Role]) -> list[Role]:
    """Every role that has a password in the configuration: those that log in by themselves, and the logins of pairs."""
    return [
        item
        for role in roles
        for item in (
            *([role] if role.own_login.may_log_in else []),
            *(as_role(role, login) for login in logins_of(role)),
        )
    ]


#: A version of 0 stands for a login that never had a password anybody uses.
_FROM_ZERO: Final = Validation(
    condition=Escaped("var.password_version >= 0 && floor(var.password_version) == var.password_version"),
    message=string("A whole number from 0 on."),
)


def of_login(variables: tuple[Variable, ...]) -> list[Variable]:
    """The variables of a store for the module of a login: it may be locked, and have no password yet."""
    return [_of_login(variable) for variable in variables]


def _of_login(variable: Variable) -> Variable:
    if variable.name == "password_version":
        return variable._replace(validations=(_FROM_ZERO,))
    if variable.name != "password":
        return variable
    settings = {name: value for name, value in variable.settings.items() if name != "nullable"}
    return variable._replace(
        description=string("Password of the login, or a SCRAM verifier of it. Null where it may not log in."),
        settings={**settings, "default": NULL},
        validations=(
            Validation(
                condition=Escaped("!var.login || var.password != null"),
                message=Escaped('"The password of ${var.role} is missing: it may log in."'),
            ),
            *(
                rule._replace(condition=Escaped(f"var.password == null ? true : {rule.condition}"))
                for rule in variable.validations
            ),
        ),
    )


def login_arguments(password: Mapping[str, Escaped]) -> Arguments:
    """The arguments of the role of a login. NOINHERIT: without its setting it could do nothing, and that is noticed.

    Where it may not log in, its password is left as it is: the provider sets one when the version changes to another one.
    """
    arguments = {
        "name": Escaped("var.role"),
        "login": Escaped("var.login"),
        "inherit": FALSE,
        "roles": Escaped("var.owner == null ? [] : [var.owner]"),
        "assume_role": Escaped("var.acts_as"),
        "search_path": Escaped("var.schema == null ? null : [var.schema]"),
    }
    return aligned(arguments | {name: Escaped(f"var.login ? {value} : null") for name, value in password.items()})
