"""What the templates of a report print: finished texts, in the order in which they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.engines import ENGINES
from generator.report.model import STATES, VERDICTS
from generator.stores.names import makes_secrets
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.report.model import Report, Row, ServerPart

_NOT_LOOKED: Final = (
    "Whether these databases exist on a server is not known here: greenroom preflight looks, and report --preflight shows "
    "what it found."
)
_SIGN_IN: Final = {
    "per-plugin": "Each plugin has a role and a password of its own",
    "shared": "All plugins of a server share one role",
    "iam": "Plugins log in with the identity of the cloud; there are no passwords",
}


def report_view(report: Report) -> dict[str, Any]:
    """What the page and the Markdown text print."""
    parts = report.parts or (report,)
    makes = [makes_secrets(part.store) for part in parts]
    secrets = "Secret" if all(makes) else "Secret, or password given as" if any(makes) else "Password given as"
    sign_in = {part.environment: _sign_in(part) for part in parts}
    alike = len(set(sign_in.values())) == 1
    return {
        "environment": report.environment,
        "sign_in": sign_in[parts[0].environment] if alike else " ".join(f"{key}: {said}" for key, said in sign_in.items()),
        "facts": _facts(report),
        "notes": list(_notes(report)),
        "choices": _choices(report),
        "servers": [
            {**_server(server, number), "columns": 5 if report.preflight is None else 6}
            for number, server in enumerate(report.servers)
        ],
        "apart": _apart(report),
        "secret_heading": secrets,
        "checked": report.preflight is not None,
        "footer": "Made by greenroom report from the files of the repository."
        + ("" if report.preflight is None else f" The verdicts are those of {report.preflight}, as old as that file."),
    }


def _sign_in(report: Report) -> str:
    """How plugins log in, in one sentence."""
    kept = f", kept in {report.store}" if report.credentials != "iam" and makes_secrets(report.store) else ""
    return f"{_SIGN_IN[report.credentials]}{kept}."


def picture_view(report: Report) -> dict[str, Any]:
    """What the Mermaid picture prints. Ids are numbers, so that no name of an input is one."""
    servers = []
    plugins = 0
    for number, server in enumerate(report.servers):
        names = list(dict.fromkeys(row.place for row in server.rows))
        ids = {name: Escaped(f"d{number}x{index}") for index, name in enumerate(names)}
        arrows = []
        for row in server.rows:
            arrow = {"plugin_id": Escaped(f"p{plugins}"), "plugin": row.plugin_id, "role": row.role}
            arrows.append({**arrow, "database_id": ids[row.place]})
            plugins += 1
        if arrows:
            databases = [{"id": ids[name], "name": name} for name in names]
            shown = {"id": Escaped(f"s{number}"), "name": server.name, "address": server.address}
            servers.append({**shown, "databases": databases, "arrows": arrows})
    return {"servers": servers}


def _facts(report: Report) -> list[dict[str, Any]]:
    rows = report.rows
    found = [
        (len(rows), _noun(len(rows), "plugin")),
        (sum(bool(server.rows) for server in report.servers), _noun(len(report.servers), "server")),
        *((report.count(state), word) for state, word in STATES.items() if report.count(state)),
        (len(report.retired), "retired"),
    ]
    if report.preflight is not None:
        found += [(report.verdicts(kind), f"preflight: {word}") for kind, word in VERDICTS.items() if report.verdicts(kind)]
    return [{"number": number, "text": text} for number, text in found]


def _notes(report: Report) -> Iterable[dict[str, Any]]:
    if not report.is_generated:
        text = "Nothing has been generated yet. greenroom generate writes what is planned here."
        yield {"text": text, "entries": []}
    elif report.changed:
        count = len(report.changed)
        text = f"greenroom generate would change {count} {_noun(count, 'file')}: what is committed is not what is needed."
        yield {"text": text, "entries": report.changed[:20]}
        if count > 20:
            yield {
                "text": f"{count - 20} more are not listed here; greenroom generate --check --verbose lists all.",
                "entries": [],
            }
    if report.edited:
        count = len(report.edited)
        what = "is" if count == 1 else "are"
        text = f"{count} generated {_noun(count, 'file')} {what} not as greenroom wrote {'it' if count == 1 else 'them'}."
        yield {"text": text, "entries": report.edited[:20]}
    if report.preflight is None:
        yield {"text": _NOT_LOOKED, "entries": []}
    elif not report.checked:
        text = f"{report.preflight} has no verdict on every plugin of this plan: run greenroom preflight again."
        yield {"text": text, "entries": []}
    if report.problems:
        yield {"text": "greenroom warns:", "entries": report.problems}


def _choices(report: Report) -> list[dict[str, str]]:
    found = [{"value": state, "text": word} for state, word in STATES.items() if report.count(state)]
    if report.retired:
        found.append({"value": "retired", "text": "retired"})
    if report.preflight is not None:
        kinds = (kind for kind in VERDICTS if report.verdicts(kind))
        found += [{"value": kind, "text": f"preflight: {VERDICTS[kind]}"} for kind in kinds]
    return found


def _server(server: ServerPart, number: int) -> dict[str, Any]:
    by_schema = any(row.schema is not None for row in (*server.rows, *server.retired))
    count = len(server.rows)
    made = "existing" if server.kind == "existing" else f"created as {server.kind}"
    return {
        "anchor": f"server-{number}",
        "name": server.name,
        "address": server.address,
        "what": f"{ENGINES[server.engine].title}, {made}",
        "origin": server.origin,
        "room": [
            {"kind": "ready" if ok else "failed", "word": "room" if ok else "no room", "text": text}
            for text, ok in server.room
        ],
        "caption": f"{count} {_noun(count, 'plugin')}",
        "place": "Database / schema" if by_schema else "Database",
        "rows": [_row(row) for row in server.rows],
        "retired": [_row(row) for row in server.retired],
    }


def _row(row: Row) -> dict[str, Any]:
    verdict = row.verdict
    word = STATES[row.state]
    shown = {
        "plugin": row.plugin_id,
        "role": row.role,
        "place": row.place,
        "secret": row.secret,
        "state": row.state,
        "states": f"{row.state} {verdict.kind}" if verdict else row.state,
        "word": word,
        "note": row.note,
        "state_text": f"{word}: {row.note}" if row.note else word,
        "asked": row.values[0].origin if row.values else "",
        "origins": [value._asdict() for value in row.values],
    }
    if verdict is not None:
        said = VERDICTS[verdict.kind]
        text = f"{said}: {verdict.detail}" if verdict.kind != "ready" else said
        shown |= {"verdict": verdict.kind, "verdict_word": said, "detail": verdict.detail, "verdict_text": text}
    return shown


def _apart(report: Report) -> list[str]:
    lines = []
    if report.not_provisioned:
        lines.append(f"SQLite, so nothing has to exist: {', '.join(report.not_provisioned)}")
    if report.excluded:
        lines.append(f"Left out by plugins.exclude: {', '.join(report.excluded)}")
    return lines


def _noun(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
