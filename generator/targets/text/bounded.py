"""An environment for templates of a user's own: sandboxed, and with an end to what they may do."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from generator.package_data import data_folder

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

#: Rounds of loops and calls of macros in all of a user's templates of a run: ten thousand plugins need a tenth of it.
STEPS: Final = 2_000_000
#: What a single step does may take long as well.
SECONDS: Final = 5.0
_SOMETIMES: Final = 16
#: Larger numbers and texts than these are not for printing.
_LARGEST_POWER: Final = 64
_LARGEST_TEXT: Final = 1_000_000


class _Budget:
    """What the templates of one run may still do."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.steps = 0
        self.end: float | None = None

    def spend(self) -> None:
        """One more step. Raises ``TemplateRuntimeError`` when nothing is left."""
        self.steps += 1
        if self.steps > STEPS:
            raise _failure(f"it does not end: more than {STEPS:,} rounds of loops and calls of macros")
        if self.steps % _SOMETIMES == 1:
            now = time.thread_time()
            self.end = self.end or now + SECONDS
            if now > self.end:
                raise _failure(f"it does not end within {SECONDS:.0f} seconds")


_BUDGET: Final = _Budget()


def restart() -> None:
    """Begin a run: all templates of it have one budget."""
    _BUDGET.restart()


@lru_cache
def bounded_environment() -> type[Environment]:
    """The class: it counts the steps of its templates and stops them with a ``TemplateRuntimeError``."""
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class BoundedEnvironment(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"**", "*"})

        @property
        def step(self) -> None:
            """One more step. A property, because a call in a sandbox costs ten times as much."""
            _BUDGET.spend()

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            _check_size(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
            template = super()._parse(source, name, filename)
            if filename is not None and Path(filename).is_relative_to(data_folder("templates")):
                return template  # greenroom's own
            for found in template.find_all((nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)):
                found.body.insert(0, _step(found.lineno))  # type: ignore[attr-defined]
            template.body.insert(0, _step(1))
            return template

    return BoundedEnvironment


def _check_size(operator: str, left: Any, right: Any) -> None:
    """Refuse what takes for ever in a single step."""
    if operator == "**" and not (_is_small(left) and _is_small(right)):
        raise _failure("a power of such numbers is not for a template")
    for one, other in ((left, right), (right, left)) if operator == "*" else ():
        if isinstance(other, int) and hasattr(one, "__len__") and len(one) * other > _LARGEST_TEXT:
            raise _failure(f"more than {_LARGEST_TEXT:,} characters or items at once")


def _is_small(value: Any) -> bool:
    return isinstance(value, (int, float)) and abs(value) <= _LARGEST_POWER


def _failure(message: str) -> Exception:
    from jinja2.exceptions import TemplateRuntimeError

    return TemplateRuntimeError(message)


def _step(line: int) -> nodes.ExprStmt:
    from jinja2 import nodes

    statement = nodes.ExprStmt(nodes.EnvironmentAttribute("step"))
    statement.set_lineno(line)
    return statement
