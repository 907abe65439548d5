"""Templates as Python modules, made when the package is built: compiling them takes longer than rendering them.

They stand beside the templates they were made from and are used only while both the templates and Jinja2 are the same;
otherwise, and in a checkout without them, the templates themselves are compiled.
"""

from __future__ import annotations

import hashlib
import shutil
import warnings
from typing import TYPE_CHECKING, Final, NoReturn

from generator.package_data import PACKAGE, data_folder

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Environment

FOLDER: Final = PACKAGE / "compiled-templates"
_STAMP: Final = "made-from.txt"


def compiled_folder(target: str) -> Path | None:
    """The folder of the compiled templates of ``target``, or ``None`` where they are missing or out of date."""
    folder = FOLDER / target
    try:
        made_from = (folder / _STAMP).read_text(encoding="utf-8")
    except OSError:
        return None
    return folder if made_from == _fingerprint(target) else None


def compile_templates(target: str, environment: Environment) -> None:
    """Write the compiled templates of ``target``; ``environment`` is like the one that will render them, less its filters.

    Raises:
        OSError: the package's folder cannot be written.
        jinja2.TemplateSyntaxError: a template is wrong.
    """
    from jinja2 import nodes

    for text in _sources(target).values():
        for used in environment.parse(text.decode()).find_all(nodes.Filter):
            environment.filters.setdefault(used.name, _not_yet)
    folder = FOLDER / target
    shutil.rmtree(folder, ignore_errors=True)
    environment.compile_templates(folder, zip=None, ignore_errors=False)
    (folder / _STAMP).write_text(_fingerprint(target), encoding="utf-8")


def _not_yet(*_: object) -> NoReturn:
    """Stands for a filter of the target. Jinja2 applies filters to constants while compiling, unless they fail."""
    raise NotImplementedError


def _fingerprint(target: str) -> str:
    """What the result of compiling depends on: the version of Jinja2, the name and text of every template."""
    digest = hashlib.sha256(_jinja_version().encode())
    for name, text in _sources(target).items():
        digest.update(f"\0{name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()


def _sources(target: str) -> dict[str, bytes]:
    """The templates of ``target`` and what they include, by name."""
    folder = data_folder("templates") / target
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _jinja_version() -> str:
    import jinja2

    with warnings.catch_warnings(action="ignore"):
        known: str | None = getattr(jinja2, "__version__", None)
    if known is None:
        from importlib.metadata import version

        known = version("jinja2")
    return known
