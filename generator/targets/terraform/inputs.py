"""Variables of a module, each with a rule for what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, NULL, Validation, Variable
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT: Final = Escaped("string")
NUMBER: Final = Escaped("number")
BOOL: Final = Escaped("bool")
SET: Final = Escaped("set(string)")
_EMPTY: Final = Escaped("[]")
#: RFC 1918, and what providers use between their customers' networks (RFC 6598).
_PRIVATE: Final = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")


def required(name: str, description: str, pattern: str, message: str) -> Variable:
    """A text that has to be given, and to match ``pattern``."""
    return _variable(name, TEXT, description, {"nullable": FALSE}, _matches(f"var.{name}", pattern), message)


def filled(name: str, description: str) -> Variable:
    """A text that has to be given, and may be any but the empty one."""
    return _variable(name, TEXT, description, {"nullable": FALSE}, f'var.{name} != ""', "Must not be empty.")


def optional(name: str, description: str, pattern: str = "", message: str = "") -> Variable:
    """A text that may be left out; what is given has to match ``pattern``."""
    condition = f"var.{name} == null ? true : {_matches(f'var.{name}', pattern)}" if pattern else ""
    return _variable(name, TEXT, description, {"default": NULL}, condition, message)


def text(name: str, default: str, description: str, pattern: str, message: str) -> Variable:
    """A text with a default."""
    settings = {"default": string(default), "nullable": FALSE}
    return _variable(name, TEXT, description, settings, _matches(f"var.{name}", pattern), message)


def number(name: str, default: int, description: str, lowest: int, highest: int) -> Variable:
    """A whole number with a default and limits."""
    condition = f"var.{name} >= {lowest} && var.{name} <= {highest} && floor(var.{name}) == var.{name}"
    settings = {"default": Escaped(str(default)), "nullable": FALSE}
    return _variable(name, NUMBER, description, settings, condition, f"A whole number from {lowest} to {highest}.")


def version(description: str) -> Variable:
    """The version of a password: a whole number that grows."""
    condition = _whole("password_version", 1)
    return _variable("password_version", NUMBER, description, {"nullable": FALSE}, condition, "A whole number from 1 on.")


def perhaps_whole(name: str, description: str) -> Variable:
    """A whole number that may be left out."""
    condition = f"var.{name} == null ? true : {_whole(name, 0)}"
    return _variable(name, NUMBER, description, {"default": NULL}, condition, "Null, or a whole number from 0 on.")


def switch(name: str, description: str, *, default: bool) -> Variable:
    """Something that is on or off."""
    settings = {"default": Escaped("true" if default else "false"), "nullable": FALSE}
    return _variable(name, BOOL, description, settings, "", "")


def texts(name: str, description: str, pattern: str, message: str, *, least: int = 0) -> Variable:
    """A set of texts that each match ``pattern``; empty by default, unless there have to be ``least`` of them."""
    condition = f"alltrue([for item in var.{name} : {_matches('item', pattern)}])"
    if least:
        condition = f"length(var.{name}) >= {least} && {condition}"
    settings = {"nullable": FALSE} if least else {"default": _EMPTY, "nullable": FALSE}
    return _variable(name, SET, description, settings, condition, message)


def private_ranges(name: str, description: str) -> Variable:
    """A set of private IPv4 ranges. A public one, or one with a slip in it, would open a server to strangers."""
    exact = 'cidrhost(item, 0) == split("/", item)[0]'
    longer = 'tonumber(split("/", item)[1]) >= tonumber(split("/", range)[1])'
    within = 'cidrhost("${split("/", item)[0]}/${split("/", range)[1]}", 0) == cidrhost(range, 0)'
    private = f"anytrue([for range in [{', '.join(map(string, _PRIVATE))}] : {longer} && {within}])"
    rules = {
        exact: "Ranges of addresses, each by the first address of its network: 10.0.0.0/16, not 10.0.0.7/16.",
        private: f"Private IPv4 ranges, within {', '.join(_PRIVATE)}.",
    }
    made = _variable(name, SET, description, {"default": _EMPTY, "nullable": FALSE}, "", "")
    return made._replace(
        validations=tuple(
            Validation(
                condition=Escaped(f"alltrue([for item in var.{name} : try({rule}, false)])"),
                message=string(message),
            )
            for rule, message in rules.items()
        )
    )


def choice(name: str, default: str, description: str, choices: tuple[str, ...]) -> Variable:
    """One of several texts."""
    condition = f"contains([{', '.join(string(item) for item in choices)}], var.{name})"
    settings = {"default": string(default), "nullable": FALSE}
    return _variable(name, TEXT, description, settings, condition, f"One of {', '.join(choices)}.")


def _whole(name: str, lowest: int) -> str:
    return f"var.{name} >= {lowest} && floor(var.{name}) == var.{name}"


def _matches(value: str, pattern: str) -> str:
    return f"can(regex({string(pattern)}, {value}))"


def _variable(
    name: str, kind: Escaped, description: str, settings: Mapping[str, Escaped], condition: str, message: str
) -> Variable:
    return Variable(
        name=Escaped(name),
        type=kind,
        description=string(description),
        settings=settings,
        validations=(Validation(condition=Escaped(condition), message=string(message)),) if condition else (),
    )
