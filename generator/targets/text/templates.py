"""Templates to text. Templates only print a finished view: no logic in them, no unescaped value out of them."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from generator.package_data import data_folder
from generator.targets.text.compiled import compile_templates, compiled_folder
from generator.targets.text.escaped import comment, require_escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from jinja2 import BaseLoader, Environment

Filters = tuple[tuple[str, "Callable[..., object]"], ...]


#: The folder of a user's own templates while something is rendered with them.
_OVERRIDES: Final[ContextVar[Path | None]] = ContextVar("overrides", default=None)


@contextmanager
def overridden(folder: Path | None) -> Iterator[None]:
    """Render with the templates in ``folder`` in place of those of the same path (``terraform/README.md.j2``).

    ``None`` changes nothing. What is not overridden, included templates too, stays greenroom's.
    """
    if folder is not None:
        from generator.targets.text.bounded import restart

        restart()
    token = _OVERRIDES.set(folder)
    try:
        yield
    finally:
        _OVERRIDES.reset(token)


@lru_cache
def environment(target: str, filters: Filters, overrides: Path | None = None) -> Environment:
    """The Jinja2 environment of a target's templates folder, below the user's own ``overrides`` where there are some.

    An undefined name and a value without an escaping filter are both errors. ``{%`` lines leave no trace in the output.
    """
    from jinja2 import ChoiceLoader, FileSystemLoader, ModuleLoader

    compiled = compiled_folder(target)
    loader = ModuleLoader(compiled) if compiled else FileSystemLoader(data_folder("templates") / target)
    if overrides is None:
        return _environment(loader, filters)
    # A template of a user's own comes with a pull request, perhaps: it may print, and neither run whatever Python it likes
    # nor keep the run from ending.
    from generator.targets.text.bounded import bounded_environment

    both = ChoiceLoader([FileSystemLoader(overrides / target), loader])
    return _environment(both, filters, bounded_environment())


def _environment(loader: BaseLoader, filters: Filters, kind: type[Environment] | None = None) -> Environment:
    from jinja2 import Environment, StrictUndefined

    env = (kind or Environment)(
        loader=loader,
        undefined=StrictUndefined,
        finalize=require_escaped,
        autoescape=False,  # not HTML: every value has to come through a filter of the target's own syntax
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
        generator.targets.text.escaped.UnescapedError: the template prints a value without an escaping filter.
    """
    return environment(target, filters, _OVERRIDES.get()).get_template(name).render(view)


def static_text(target: str, name: str) -> str:
    """The text of ``templates/<target>/<name>``, a file that is the same for every input."""
    own = _OVERRIDES.get()
    if own is not None and (own / target / name).is_file():
        return (own / target / name).read_text(encoding="utf-8")
    return (data_folder("templates") / target / name).read_text(encoding="utf-8")


def compile_all() -> None:
    """Compile the templates of every target into the package: what building it does.

    Raises:
        OSError: the package's folder cannot be written.
        jinja2.TemplateSyntaxError: a template is wrong.
    """
    from jinja2 import FileSystemLoader

    for folder in sorted(data_folder("templates").iterdir()):
        if folder.is_dir():
            compile_templates(folder.name, _environment(FileSystemLoader(folder), ()))
