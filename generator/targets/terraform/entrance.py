"""How a person applies the root modules: each command, with every variable that has to be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.targets.terraform.delivery import shell_word
from generator.targets.terraform.escaping import string
from generator.targets.terraform.stores.variables import password_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from generator.planning.model import Role
    from generator.targets.terraform.hcl import Variable

_PASSWORDS = "plugin_passwords"


def commands(at: str, roots: Mapping[str, Sequence[Variable]], roles: Iterable[Role]) -> Iterator[str]:
    """The commands for the root modules in the folder ``at``, in the order of ``roots``: by folder, each its variables."""
    keys = sorted({password_key(role) for role in roles if role.iam is None})
    for folder, variables in roots.items():
        chdir = shell_word(f"-chdir={at}/{folder}")
        for variable in sorted(variables, key=lambda variable: variable.name):
            if "default" not in variable.settings:
                yield f"export TF_VAR_{variable.name}={_value(variable, keys)}"
        yield f"terraform {chdir} init"
        yield f"terraform {chdir} plan -out=tfplan"
        yield f"terraform {chdir} show -json tfplan > tfplan.json"
        yield f"greenroom plan-check tfplan.json && terraform {chdir} apply tfplan"
        yield f"rm -f {shell_word(f'{at}/{folder}/tfplan')} tfplan.json"


def _value(variable: Variable, keys: Sequence[str]) -> str:
    if variable.name == _PASSWORDS and keys:
        return str(shell_word("{" + ", ".join(f'{string(key)}: "…"' for key in keys) + "}"))
    if variable.type.startswith("map"):
        return "'{…}'"
    return "'[\"…\"]'" if variable.type.startswith(("set", "list")) else "…"
