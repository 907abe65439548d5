"""``${…}`` that does not do what it looks like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.backstage.database.redaction import is_secret_name
from generator.documents.values import Placeholder
from generator.lint.model import WARNING, Rule, found
from generator.lint.subject import ROOT, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Subject

_UPSTREAM = "config-loader: transform/substitution.ts; docs/conf/writing.md"

EMPTY_DEFAULT: Final = Rule(
    "GR075", "empty-default", WARNING, "`${X:-}` does not give an empty text: it drops the key.", _UPSTREAM
)
ESCAPED: Final = Rule("GR076", "reference-not-replaced", WARNING, "A `${X}` stays as it is written.", _UPSTREAM)
BARE: Final = Rule(
    "GR077", "bare-dollar", WARNING, "`$X` and `$(X)` are not replaced: Backstage knows only `${X}`.", _UPSTREAM
)
RULES: Final = (EMPTY_DEFAULT, ESCAPED, BARE)

_EMPTY_DEFAULT = re.compile(r"\$\{([^{}:]*):-\s*\}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-[^{}]*)?\}")
_BARE = re.compile(r"\$([A-Z][A-Z0-9]*_[A-Z0-9_]+)|\$\(([A-Za-z_]\w*)\)")


def check(subject: Subject) -> Iterator[Finding]:
    """Every text below ``backend.database``."""
    for path, key, value, holder in walk(subject.database, ROOT):
        if not isinstance(value, str):
            continue
        place = holder.locate(key)
        if isinstance(value, Placeholder):
            empty = None if value.is_file else _EMPTY_DEFAULT.search(value)
            if empty:
                yield found(
                    EMPTY_DEFAULT,
                    f"without {empty[1]} the key is dropped, not empty",
                    place,
                    path=path,
                    backstage="takes an empty default for no value",
                    hint=f"write ${{{empty[1]}}}, which means the same, or a default that is not empty",
                )
            continue
        reference = _REFERENCE.search(value)
        bare = _BARE.fullmatch(value)
        if reference:
            yield found(
                ESCAPED,
                f"${{{reference[1]}}} is the text itself here, not the value of the variable",
                place,
                path=path,
                backstage="reads $${X} as the text ${X}, and replaces nothing in what $file and $env insert",
                hint="write it with one dollar sign into the app-config itself",
            )
        elif bare:
            name = bare[1] or bare[2]
            shown = "this" if is_secret_name(key) else bare[0]  # it may be a password after all
            yield found(
                BARE,
                f"{shown} is the text itself here, not the value of a variable",
                place,
                path=path,
                backstage="replaces only ${…}",
                hint="write ${…}, if it is a variable" if is_secret_name(key) else f"write ${{{name}}}",
            )
