"""How findings can be fixed: the edits, made from what is written at their place. A rule names the one for it."""

from __future__ import annotations

import os.path
import re
from typing import TYPE_CHECKING

from generator.lint.model import Edit, Written

if TYPE_CHECKING:
    from generator.lint.model import Rule
    from generator.lint.texts import Texts
    from generator.problems.diagnostic import Diagnostic

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


def edits_for(rule: Rule | None, diagnostic: Diagnostic, texts: Texts) -> tuple[Edit, ...]:
    """The edits with which ``rule`` fixes ``diagnostic``; none where it cannot be fixed safely."""
    place = diagnostic.location
    if rule is None or rule.fix is None or place is None or (offset := texts.offset(place)) is None:
        return ()
    rest = (texts.text(place.file) or "")[offset:]
    return rule.fix(Written(place, diagnostic.path, texts.rest_of_line(place), rest))


def unquote_ssl(written: Written) -> tuple[Edit, ...]:
    """``ssl: 'true'`` without the quotes."""
    wanted = _QUOTED_BOOLEAN.match(written.line)
    if wanted is None:
        return ()
    # pg takes the text 'true': this one is MySQL's.
    return (Edit(written.place, wanted[0], _MYSQL_TLS if wanted[2] == "true" else wanted[2]),)


def mysql_tls(written: Written) -> tuple[Edit, ...]:
    """``ssl: true`` as mysql2 takes it."""
    true = _TRUE.match(written.line)
    return (Edit(written.place, true[0], _MYSQL_TLS),) if true else ()


def add_dash(written: Written) -> tuple[Edit, ...]:
    """``${X:y}`` as ``${X:-y}``."""
    place = written.place
    return tuple(
        Edit(place._replace(column=place.column + item.start()), item[0], f"{item[0]}-")
        for item in _NO_DASH.finditer(_scalar(written.line))
    )


def quote_number(written: Written) -> tuple[Edit, ...]:
    """A number in quotes, where a text is wanted."""
    number = _NUMBER.match(written.line) if written.path.rpartition(".")[2] in _TEXT_KEYS else None
    return (Edit(written.place, number[0], f'"{number[0]}"'),) if number else ()


def secret_to_env(written: Written) -> tuple[Edit, ...]:
    """``$secret: {env: X}``, which is no more, as ``$env: X``."""
    block, flow = _SECRET.match(written.rest), _FLOW_SECRET.match(written.rest)
    if block:
        return (Edit(written.place, block[0], f"$env: {block[2]}"),)
    return (Edit(written.place, flow[0], f"{{ $env: {flow[2]} }}"),) if flow else ()


def read_file(written: Written) -> tuple[Edit, ...]:
    """The path of a file as ``$file``."""
    match, place = _PATH.match(written.line), written.place
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
