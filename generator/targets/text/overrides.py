"""A user's own templates: which there are, and what is wrong with them, with file and line."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from generator.package_data import data_folder
from generator.problems.diagnostic import Location
from generator.targets.text.escaped import UnescapedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.problems.diagnostic import Diagnostic, Diagnostics

_UNESCAPED: Final = (
    "print it through a filter of the target: {{ value | string }} in Terraform, {{ value | comment }} in a comment"
)


def check_overrides(folder: Path, diagnostics: Diagnostics) -> None:
    """Report a folder that is not there, and each file in it that takes no template's place (GR650).

    Files whose name starts with a dot are nobody's business.
    """
    if not folder.is_dir():
        diagnostics.error(
            "GR650",
            f"the templates folder {folder} is not there",
            Location(str(folder)),
            path="templates",
            hint="make it, or correct --templates or `templates` in greenroom.yaml",
        )
        return
    ours = data_folder("templates")
    known = sorted(path.relative_to(ours).as_posix() for path in ours.rglob("*") if path.is_file())
    for name in known:
        _check_file(folder / name, folder, diagnostics)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known and not any(part.startswith(".") for part in Path(name).parts):
            diagnostics.error(
                "GR650",
                f"there is no template {name} that this could take the place of",
                Location(str(path)),
                path="templates",
                hint=_nearest(name, known),
            )


def _check_file(path: Path, folder: Path, diagnostics: Diagnostics) -> None:
    """Report a template that is a link to elsewhere (GR686), or no file that can be read without waiting (GR687)."""
    if not os.path.lexists(path):
        return
    if not path.resolve().is_relative_to(folder.resolve()):
        diagnostics.error(
            "GR686",
            "the template is a link that leads out of the templates folder",
            Location(str(path)),
            path="templates",
            hint="put a copy of the file in place of the link",
        )
    elif not path.is_file():
        diagnostics.error(
            "GR687",
            "the template is no plain file",
            Location(str(path)),
            path="templates",
            hint="remove it, or put a file there",
        )


def _nearest(name: str, known: list[str]) -> str:
    import difflib

    spelt = {path.lower(): path for path in known}
    near = difflib.get_close_matches(name.lower(), spelt, 1)
    return f"did you mean {spelt[near[0]]}?" if near else "the folder templates/ of greenroom has those there are"


def report_failure(error: Exception, folder: Path, diagnostics: Diagnostics) -> bool:
    """Report ``error``, raised while rendering, if a template in ``folder`` is to blame (GR651).

    Returns whether it was. What the template tried to print is not in the message; it may be a secret.
    """
    from jinja2 import TemplateError, TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        place = Location(str(error.filename), error.lineno, 1) if error.filename else None
    else:
        places = [Location(frame.filename, frame.lineno or 0, 1) for frame in traceback.extract_tb(error.__traceback__)]
        place = next((found for found in reversed(places) if _is_inside(found.file, folder)), None)
    if place is None or not _is_inside(place.file, folder):
        return False
    hint = _UNESCAPED if isinstance(error, UnescapedError) else "compare it with the template of greenroom it was made from"
    if isinstance(error, UnescapedError):
        what = str(error)
    else:  # of greenroom's own filters only the kind of error: what it could not take may be a secret
        reason = error.message if isinstance(error, TemplateError) else type(error).__name__
        what = f"the template cannot be rendered: {reason}"
    diagnostics.error("GR651", what, place, path="templates", hint=hint)
    return True


def _is_inside(file: str, folder: Path) -> bool:
    return Path(file).resolve().is_relative_to(folder.resolve())


def blame_templates(found: Iterable[Diagnostic], diagnostics: Diagnostics) -> None:
    """Keep what a proof of the rendered files ``found``: with templates of a user's own it is no mistake of greenroom."""
    hint = "a template of yours leaves it out or says it differently: compare it with the one it was made from"
    diagnostics.extend(item._replace(hint=hint, path="templates") if item.code == "GR530" else item for item in found)
