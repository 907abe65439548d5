"""Templates to text. Templates only print a finished view: no logic in them, no unescaped value out of them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from generator.data import data_folder
from generator.escaping import comment, require_escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Environment

Filters = tuple[tuple[str, "Callable[..., object]"], ...]


@lru_cache
def environment(target: str, filters: Filters) -> Environment:
    """The Jinja2 environment of a target's templates folder.

    An undefined name and a value without an escaping filter are both errors. ``{%`` lines leave no trace in the output.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(data_folder("templates") / target),
        undefined=StrictUndefined,
        finalize=require_escaped,
        autoescape=False,  # noqa: S701 - not HTML: every value has to come through a filter of the target's own syntax
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters["comment"] = comment
    env.filters.update(filters)
    return env


def render_template(target: str, name: str, view: Mapping[str, Any], filters: Filters) -> str:
    """Render ``templates/<target>/<name>`` with ``view``.

    Raises:
        jinja2.UndefinedError: the template uses a name the view does not have.
        generator.escaping.UnescapedError: the template prints a value without an escaping filter.
    """
    return environment(target, filters).get_template(name).render(view)


def static_text(target: str, name: str) -> str:
    """The text of ``templates/<target>/<name>``, a file that is the same for every input."""
    return (data_folder("templates") / target / name).read_text(encoding="utf-8")
