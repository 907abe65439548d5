"""How findings of earlier stages can be fixed: the edits, made from what is written at their place."""

from __future__ import annotations

import os.path
import re
from typing import TYPE_CHECKING

from generator.lint.model import Edit

if TYPE_CHECKING:
    from generator.lint.texts import Texts
    from generator.problems.diagnostic import Diagnostic, Location

_QUOTED_BOOLEAN = re.compile(r"(['\"])(true|false)\1(?=\s*(?:$|[,}#\]]))")
_TRUE = re.compile(r"(?:true|True|TRUE)(?=\s*(?:$|[,}#\]]))")
#: What mysql2 does with TLS on and nothing else said; quoted so that it is JSON as well.
_MYSQL_TLS = '{ "rejectUnauthorized": true }'
_NUMBER = re.compile(r"[-+]?[0-9][0-9a-fA-FxXoO_.+-]*(?=\s*(?:$|[,}\]]|#))")
_NO_DASH = re.compile(r"(?<!\$)\$\{[^\s{}:=]+:(?!-)")
_PATH = re.compile(r"(['\"]?)([\w./@~-]+)\1(?=\s*(?:$|[,}\]]|#))")
_SECRET = re.compile(r"\$secret:[ \t]*\r?\n[ \t]+env:[ \t]*(['\"]?)(\w+)\1(?=[ \t]*(?:\r?\n|$))")
_FLOW_SECRET = re.compile(r"\{[ \t]*\$secret:[ \t]*\{[ \t]*env:[ \t]*(['\"]?)(\w+)\1[ \t]*\}[ \t]*\}")
_TEXT_KEYS = ("password", "user", "host", "database")


def edits_for(diagnostic: Diagnostic, texts: Texts) -> tuple[Edit, ...]:
    """The edits that fix ``diagnostic``; none where it cannot be fixed safely."""
    place = diagnostic.location
    offset = texts.offset(place) if place is not None else None
    if place is None or offset is None:
        return ()
    rest = (texts.text(place.file) or "")[offset:]
    line = texts.rest_of_line(place)
    match diagnostic.code:
        case "GR001":
            wanted = _QUOTED_BOOLEAN.match(line)
            # pg takes the text 'true': this one is MySQL's.
            if wanted and wanted[2] == "true":
                return (Edit(place, wanted[0], _MYSQL_TLS),)
            return _replace(place, wanted, 2)
        case "GR224":
            true = _TRUE.match(line)
            return (Edit(place, true[0], _MYSQL_TLS),) if true else ()
        case "GR007":
            wanted = _QUOTED_BOOLEAN.match(line)
            # "false" keeps the check on today; switching it off is not ours to do.
            return _replace(place, wanted, 2) if wanted and wanted[2] == "true" else ()
        case "GR004":
            return _from_file(place, _PATH.match(line))
        case "GR117":
            return tuple(
                Edit(place._replace(column=place.column + item.start()), item[0], f"{item[0]}-")
                for item in _NO_DASH.finditer(_scalar(line))
            )
        case "GR210" if diagnostic.path.rpartition(".")[2] in _TEXT_KEYS:
            number = _NUMBER.match(line)
            return (Edit(place, number[0], f'"{number[0]}"'),) if number else ()
        case "GR215":
            block, flow = _SECRET.match(rest), _FLOW_SECRET.match(rest)
            if block:
                return (Edit(place, block[0], f"$env: {block[2]}"),)
            return (Edit(place, flow[0], f"{{ $env: {flow[2]} }}"),) if flow else ()
    return ()


def _replace(place: Location, match: re.Match[str] | None, group: int) -> tuple[Edit, ...]:
    return (Edit(place, match[0], match[group]),) if match else ()


def _from_file(place: Location, match: re.Match[str] | None) -> tuple[Edit, ...]:
    if match is None:
        return ()
    # $file takes the path from the folder of the configuration file.
    if not match[2].startswith("/") and not os.path.isfile(os.path.join(os.path.dirname(place.file), match[2])):  # noqa: PTH113, PTH118, PTH120
        return ()
    key = '"$file"' if place.file.endswith(".json") else "$file"
    return (Edit(place, match[0], f"{{ {key}: {match[0]} }}"),)


def _scalar(line: str) -> str:
    """What of a line belongs to the scalar it starts with, when that is quoted; else the line up to a comment."""
    if line[:1] in ("'", '"'):
        end = line.find(line[0], 1)
        return line[: end + 1] if end > 0 else line
    return re.split(r"\s#", line, maxsplit=1)[0]
