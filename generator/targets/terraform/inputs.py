"""Variables of a root module, each with a rule for what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.escaping import Escaped
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, NULL, Validation, Variable

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT: Final = Escaped("string")
NUMBER: Final = Escaped("number")
BOOL: Final = Escaped("bool")
SET: Final = Escaped("set(string)")
_EMPTY: Final = Escaped("[]")


def required(name: str, description: str, pattern: str, message: str) -> Variable:
    """A text that has to be given, and to match ``pattern``."""
    return _variable(name, TEXT, description, {"nullable": FALSE}, _matches(name, pattern), message)


def optional(name: str, description: str, pattern: str = "", message: str = "") -> Variable:
    """A text that may be left out; what is given has to match ``pattern``."""
    condition = f"var.{name} == null ? true : {_matches(name, pattern)}" if pattern else ""
    return _variable(name, TEXT, description, {"default": NULL}, condition, message)


def text(name: str, default: str, description: str, pattern: str, message: str) -> Variable:
    """A text with a default."""
    settings = {"default": string(default), "nullable": FALSE}
    return _variable(name, TEXT, description, settings, _matches(name, pattern), message)


def number(name: str, default: int, description: str, lowest: int, highest: int) -> Variable:
    """A whole number with a default and limits."""
    condition = f"var.{name} >= {lowest} && var.{name} <= {highest} && floor(var.{name}) == var.{name}"
    settings = {"default": Escaped(str(default)), "nullable": FALSE}
    return _variable(name, NUMBER, description, settings, condition, f"A whole number from {lowest} to {highest}.")


def switch(name: str, description: str, *, default: bool) -> Variable:
    """Something that is on or off."""
    settings = {"default": Escaped("true" if default else "false"), "nullable": FALSE}
    return _variable(name, BOOL, description, settings, "", "")


def texts(name: str, description: str, pattern: str, message: str, *, least: int = 0) -> Variable:
    """A set of texts that each match ``pattern``; empty by default, unless there have to be ``least`` of them."""
    condition = f"alltrue([for item in var.{name} : can(regex({string(pattern)}, item))])"
    if least:
        condition = f"length(var.{name}) >= {least} && {condition}"
    settings = {"nullable": FALSE} if least else {"default": _EMPTY, "nullable": FALSE}
    return _variable(name, SET, description, settings, condition, message)


def choice(name: str, default: str, description: str, choices: tuple[str, ...]) -> Variable:
    """One of several texts."""
    condition = f"contains([{', '.join(string(item) for item in choices)}], var.{name})"
    settings = {"default": string(default), "nullable": FALSE}
    return _variable(name, TEXT, description, settings, condition, f"One of {', '.join(choices)}.")


def _matches(name: str, pattern: str) -> str:
    return f"can(regex({string(pattern)}, var.{name}))"


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
