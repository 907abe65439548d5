"""The verdict of ``generate --check`` as findings at the lines of a pull request, and as its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.problems.diagnostic import Diagnostic, Location, Severity
from generator.problems.paths import shown
from generator.report.build import build_report, edited_files
from generator.report.escaping import FILTERS
from generator.report.formats import MOST_IN_PICTURE, mermaid
from generator.report.work import apply_steps, human_steps
from generator.stores.names import makes_secrets
from generator.targets.text.escaped import Escaped
from generator.targets.text.templates import render_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from generator.output.changes import Change
    from generator.output.rendering import Rendering
    from generator.report.model import Report
    from generator.run.project import Project
    from generator.run.verdict import Asked, Gate

_CODE: Final = "GR559"
#: A forge refuses a comment of more than 65,536 characters.
_MOST_ROWS: Final = 100
_MOST_FILES: Final = 20
_SIGNS: Final = {"added": "new", "back": "new again", "changed": "changed", "retired": "retired", "forgotten": "forgotten"}


def gate_findings(rendering: Rendering, gate: Gate) -> list[Diagnostic]:
    """What a check that fails has to say, each at the line that asks for it: a plugin, else a file that differs (GR559)."""
    if not gate.sentence:
        return []
    hint = f"run `{gate.command}` and commit the result"
    found = [_finding(change, asked, rendering, hint) for change, asked in gate.plugins]
    names = edited_files(rendering) or ([] if found else [shown(path) for path in rendering.changed])
    for name in names[:_MOST_FILES]:
        what = "this generated file is not what greenroom generates now"
        found.append(Diagnostic(_CODE, Severity.ERROR, what, Location(name), hint=hint))
    return found


def _finding(change: Change, asked: Asked | None, rendering: Rendering, hint: str) -> Diagnostic:
    name = repr(change.plugin_id)
    detail = change.line.partition(": ")[2]
    texts = {
        "added": f"the plugin {name} has no database yet: {detail}",
        "back": f"the plugin {name} was retired, and is back: {detail}",
        "changed": f"what is generated for the plugin {name} is out of date: {detail}",
        "retired": f"nothing adds the plugin {name} any more: its database is to be retired, and its data stays",
        "forgotten": f"the lock file has forgotten the plugin {name}: {detail}",
    }
    lock = Location(shown(rendering.layout.lock))
    place = lock if asked is None else asked.location
    return Diagnostic(_CODE, Severity.ERROR, texts[change.kind], place, hint=hint)


def gate_summary(
    project: Project, rendering: Rendering, gate: Gate, warnings: Sequence[Diagnostic], environment: str = ""
) -> str:
    """The summary of a pull request in Markdown: the same bytes for a job's summary and for a comment. ``environment`` is
    the one among several that it is about.
    """
    report = build_report(project, rendering)
    changed = {change.plugin_id: change for change in rendering.changes}
    rows = [row for server in report.servers for row in (*server.rows, *server.retired) if row.plugin_id in changed]
    shown_rows = [
        {
            "what": _SIGNS[changed[row.plugin_id].kind],
            "plugin": row.plugin_id,
            "database": row.place,
            "role": row.role,
            "secret": row.secret,
            "asked": row.values[0].origin if row.values else "",
        }
        for row in rows[:_MOST_ROWS]
    ]
    view = {
        "title": f"{environment}: {_title(rendering, gate)}" if environment else _title(rendering, gate),
        "sentence": gate.sentence.rpartition(": run `")[0],
        "command": gate.command if gate.sentence else "",
        "compared": f"Compared with {gate.base.name} ({gate.base.source}) as well." if gate.base else "",
        "secret_heading": "secret" if makes_secrets(report.store) else "password given as",
        "rows": shown_rows,
        "more": len(rows) - len(shown_rows),
        "files": [shown(path) for path in rendering.changed[:_MOST_FILES]] if gate.sentence and not rows else [],
        "apply": apply_steps(rendering) if gate.sentence else [],
        "human": human_steps(rendering, gate.command) if gate.sentence else [],
        "warnings": [_line(item) for item in warnings],
        "picture": Escaped(mermaid(picture)) if (picture := _only(report, changed)) is not None else "",
    }
    return render_template("report", "pull_request.md.j2", view, FILTERS)


def errors_summary(errors: Iterable[Diagnostic]) -> str:
    """The summary where there is no verdict, because the input has problems."""
    listed = [_line(item) for item in errors if item.severity is Severity.ERROR]
    return render_template("report", "errors.md.j2", {"errors": listed}, FILTERS)


def _title(rendering: Rendering, gate: Gate) -> str:
    if not gate.sentence:
        return "Databases are up to date"
    new = sum(change.kind in ("added", "back") for change in rendering.changes)
    if new:
        return f"{new} plugin{' has no database' if new == 1 else 's have no database'} yet"
    return "The generated databases are out of date"


def _only(report: Report, wanted: dict[str, Any]) -> Report | None:
    """The report with what a picture of the change shows; ``None`` where that is nothing, or more than can be seen."""
    servers = [
        server._replace(rows=tuple(row for row in server.rows if row.plugin_id in wanted), retired=())
        for server in report.servers
    ]
    count = sum(len(server.rows) for server in servers)
    return report._replace(servers=tuple(servers)) if 0 < count <= MOST_IN_PICTURE else None


def _line(item: Diagnostic) -> dict[str, str]:
    return {"place": str(item.location) if item.location else "", "text": f"{item.summary} ({item.code})", "hint": item.hint}
