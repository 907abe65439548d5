"""What is said about files that have an app-config inside, or should have one (GR229, GR231, GR434, GR441)."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from generator.backstage.checks.templates import report_template
from generator.backstage.config.nested import CONFIG_PARTS, Found, Manifest, Nested, config_options, values_keys
from generator.documents.templates import is_unquoted_template, template_in
from generator.documents.values import UNDEFINED, ConfigMap
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from generator.documents.documents import Parsed
    from generator.problems.diagnostic import Diagnostics

_MOST: Final = 5
_RENDER: Final = "render it first (helm template …) and read the result"
_WORD: Final = re.compile(r"y|Y|n|N|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")
_TRUE: Final = ("y", "yes", "on")
_VALUES: Final = re.compile(r"(?:^|[._-])values(?:[._-]|$)", re.IGNORECASE)


def pick_reported(file: str, path: str, text: str, diagnostics: Diagnostics) -> Nested:
    """The app-config at ``path`` of ``file``. Where there is none, the paths that lead to one are said."""
    manifest = Manifest(file, text)
    found = manifest.pick(path)
    diagnostics.extend(found.problems)
    others: list[str] = []
    if found.value is None:
        others = [item.path for item in manifest.find()]
    elif not CONFIG_PARTS & found.value.keys():
        inside = manifest.find()
        # Only the first part of a path was given, or more than the path.
        below = [item.path for item in inside if item.keys[: len(found.keys)] == found.keys]
        above = [item.path for item in inside if found.keys[: len(item.keys)] == item.keys]
        others = below or above
        if others:
            where = "holds one further down" if below else "goes further than the app-config"
            found = found._replace(value=None, problem=f"{path!r} {where}")
    if found.value is not None:
        check_parts(found.value, diagnostics)
        if values_keys(found.keys) is not None:
            _check_words(found.value, text, diagnostics)
    if found.value is None and found.error is None:
        none = _RENDER if found.is_template else "nothing else in it looks like an app-config: is this the right file?"
        diagnostics.error(
            "GR231",
            f"--config names a part of this file that is no app-config: {found.problem}",
            found.place.key_location if found.place else Location(file, 1, 1),
            hint=f"found in it: {config_options(file, others[:_MOST])}" if others else none,
        )
    return found


def check_parts(value: ConfigMap, diagnostics: Diagnostics) -> None:
    """GR230: ``backend``, or ``backend.database``, is a template as a whole."""
    backend = value.get("backend")
    for holder, key, path in ((value, "backend", ""), (backend, "database", "backend")):
        if not isinstance(holder, ConfigMap) or key not in holder:
            continue
        item = holder[key]
        if is_unquoted_template(item) or (isinstance(item, str) and template_in(item)):
            report_template(holder, key, path, diagnostics)


def _check_words(value: ConfigMap, text: str, diagnostics: Diagnostics) -> None:
    """GR441: words of ``backend.database`` without quotes that Helm, which reads YAML 1.1, takes for true or false."""
    backend = value.get("backend")
    database = backend.get("database") if isinstance(backend, ConfigMap) else None
    lines = text.split("\n")
    waiting = [(database, "backend.database")]
    while waiting:
        holder, path = waiting.pop()
        if not isinstance(holder, ConfigMap):
            continue
        for key, item in holder.items():
            waiting.append((item, f"{path}.{key}"))
            for word, place in ((key, holder.locate_key(key)), (item, holder.locate(key))):
                if isinstance(word, str) and _WORD.fullmatch(word) and place and _stands(word, place, lines):
                    diagnostics.warning(
                        "GR441",
                        f"Helm takes {word} without quotes for {'true' if word.lower() in _TRUE else 'false'}",
                        place,
                        path=f"{path}.{key}",
                        backstage="gets what Helm makes of the values",
                        hint=f'write "{word}", or true or false where that is meant',
                    )


def _stands(word: str, place: Location, lines: list[str]) -> bool:
    """Whether ``word`` is written at ``place`` as it is."""
    line = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    return line.startswith(word, place.column - 1)


def report_inside(parsed: Parsed, file: str, text: str, diagnostics: Diagnostics) -> bool:
    """Report a file that is no app-config: it has some inside (GR229), or none where one would be (GR434).

    Returns whether nothing else has to be said about the file: it cannot be read as an app-config either.
    """
    data = parsed.value
    if isinstance(data, ConfigMap) and CONFIG_PARTS & data.keys():
        return False  # what has parts of an app-config at its top is one, whatever else its plugins call their keys
    if not isinstance(data, ConfigMap) and data is not UNDEFINED and data is not None and parsed.error is None:
        return False
    manifest = Manifest(file, text)
    found = manifest.find()
    if found:
        _report_found(found, file, diagnostics)
        return all(item.parsed.error is None for item in manifest.documents)
    if parsed.error is None and isinstance(data, ConfigMap):
        _report_none(data, file, diagnostics)
    return False


def _report_found(found: list[Found], file: str, diagnostics: Diagnostics) -> None:
    paths = [item.path for item in found]
    listed = ", ".join(paths[:_MOST]) + (f" and {len(paths) - _MOST} more" if len(paths) > _MOST else "")
    options = config_options(file, paths[:_MOST])
    diagnostics.error(
        "GR229",
        f"this file is no app-config; it has {'one' if len(found) == 1 else 'several'} inside ({listed})",
        found[0].place.key_location if found[0].place else Location(file, 1, 1),
        path=paths[0],
        backstage="ignores it: what a chart or a ConfigMap holds, it gets as a file of its own",
        hint=f"read it with {options} (or the same in appConfig of greenroom.yaml)",
    )


def _report_none(data: ConfigMap, file: str, diagnostics: Diagnostics) -> None:
    """What is plainly of Helm or Kubernetes, and has no app-config anywhere."""
    if {"apiVersion", "kind"} <= data.keys():
        what = f"an object of Kubernetes ({data['kind']})" if isinstance(data["kind"], str) else "an object of Kubernetes"
        place = data.locate_key("kind")
    elif _VALUES.search(PurePath(file).name):
        what, place = "a file of Helm values", next((data.locate_key(key) for key in data), None)
    else:
        return
    diagnostics.error(
        "GR434",
        f"this is {what}, and there is no app-config in it",
        place or Location(file, 1, 1),
        backstage="finds no backend.database in it",
        hint="give the file that has `backend:` and `app:`, or the one with the chart's `appConfig`",
    )
