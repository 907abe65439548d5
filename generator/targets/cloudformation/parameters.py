"""What a template asks of whoever deploys it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.targets.cloudformation.escaping import text
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterator


class Parameter(NamedTuple):
    """A parameter of a template.

    ``group`` is the heading under which consoles show it, ``example`` a value that would do where there is no ``default``
    (for ``parameters.example.json``). ``pattern`` has to match as a whole; ``rule`` says in words what it wants.
    """

    name: Escaped
    group: str
    description: str
    type: str = "String"
    default: str | int | None = None
    example: str = ""
    pattern: str | None = None
    rule: str | None = None
    allowed: tuple[str, ...] = ()
    smallest: int | None = None
    largest: int | None = None

    @property
    def lines(self) -> Iterator[tuple[Escaped, Escaped]]:
        """What the template says below the parameter's name."""
        yield Escaped("Type"), text(self.type)
        yield Escaped("Description"), text(self.description)
        if self.default is not None:
            yield Escaped("Default"), text(self.default) if isinstance(self.default, str) else Escaped(str(self.default))
        if self.allowed:
            yield Escaped("AllowedValues"), Escaped(f"[{', '.join(map(_item, self.allowed))}]")
        if self.pattern is not None:
            yield Escaped("AllowedPattern"), text(self.pattern)
        if self.smallest is not None:
            yield Escaped("MinValue"), Escaped(str(self.smallest))
        if self.largest is not None:
            yield Escaped("MaxValue"), Escaped(str(self.largest))
        if self.rule is not None:
            yield Escaped("ConstraintDescription"), text(self.rule)

    def problem(self, value: str) -> str | None:
        """Why CloudFormation would refuse ``value``, or ``None``."""
        if self.allowed and value not in self.allowed:
            return f"is none of {', '.join(self.allowed)}"
        if self.type == "Number":
            return self._number_problem(value)
        if self.pattern is not None and not re.fullmatch(self.pattern, value, re.ASCII):
            return self.rule or f"does not match {self.pattern}"
        typed = _TYPES.get(self.type)
        if typed and not all(re.fullmatch(typed[0], item.strip(), re.ASCII) for item in value.split(",")):
            return typed[1]
        return None

    def _number_problem(self, value: str) -> str | None:
        try:
            number = float(value)
        except ValueError:
            return "is not a number"
        if self.smallest is not None and number < self.smallest:
            return f"is less than {self.smallest}"
        if self.largest is not None and number > self.largest:
            return f"is more than {self.largest}"
        return None


class Output(NamedTuple):
    """An output of a template. ``is_exported``: other stacks import it, under the stack's name and ``id``."""

    id: Escaped
    description: str
    value: Escaped
    is_exported: bool = False


#: The types CloudFormation looks up in the account: what their values look like, and what to say otherwise.
_TYPES: Final = {
    "AWS::EC2::VPC::Id": (r"vpc-[0-9a-f]{8,17}", "is not the id of a VPC (vpc-…)"),
    "List<AWS::EC2::Subnet::Id>": (r"subnet-[0-9a-f]{8,17}", "is not a list of ids of subnets (subnet-…,subnet-…)"),
    "AWS::EC2::SecurityGroup::Id": (r"sg-[0-9a-f]{8,17}", "is not the id of a security group (sg-…)"),
}


def _item(value: str) -> str:
    return value if value.isdigit() else f'"{value}"'


def parameters_view(parameters: list[Parameter]) -> dict[str, object]:
    """What ``parts/parameters.yaml.j2`` prints: the parameters by name, and their groups in the order they first come in."""
    groups: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(parameter.group, []).append(parameter)
    return {
        "parameters": [(item.name, list(item.lines)) for item in sorted(parameters, key=lambda item: item.name)],
        "groups": [(group, [item.name for item in members]) for group, members in groups.items()],
    }


def example(parameters: list[Parameter]) -> str:
    """A parameter file as the AWS command line takes it: every parameter, with its default or with a value to replace."""
    entries = [
        {
            "ParameterKey": str(item.name),
            "ParameterValue": item.example if item.default in (None, "") else str(item.default),
        }
        for item in sorted(parameters, key=lambda item: item.name)
    ]
    return f"{json.dumps(entries, indent=2)}\n"
