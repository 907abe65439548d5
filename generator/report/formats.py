"""A report as a page, as Markdown and as a Mermaid picture."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from generator.report.escaping import FILTERS
from generator.report.view import picture_view, report_view
from generator.targets.text.escaped import Escaped
from generator.targets.text.templates import render_template, static_text

if TYPE_CHECKING:
    from generator.report.model import Report

_FOLDER: Final = "report"
#: More plugins than this make a picture that takes a browser many seconds, and that nobody can read.
MOST_IN_PICTURE: Final = 30


def html(report: Report) -> str:
    """The report as one page: it loads nothing, and its own policy lets it run nothing but its one script."""
    style, script = (static_text(_FOLDER, name) for name in ("page.css", "page.js"))
    view = {
        **report_view(report),
        "style": Escaped(style),
        "script": Escaped(script),
        "style_hash": _hash(style),
        "script_hash": _hash(script),
    }
    return render_template(_FOLDER, "page.html.j2", view, FILTERS)


def markdown(report: Report) -> str:
    """The report as Markdown; with a picture where there are few enough plugins to see something in it."""
    text = render_template(_FOLDER, "report.md.j2", report_view(report), FILTERS)
    if 0 < len(report.rows) <= MOST_IN_PICTURE:
        text += f"\n```mermaid\n{mermaid(report)}```\n"
    return text


def mermaid(report: Report) -> str:
    """Plugins, roles and databases as a Mermaid flow chart."""
    return render_template(_FOLDER, "picture.mmd.j2", picture_view(report), FILTERS)


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
