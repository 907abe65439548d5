"""Values that a template engine was to fill in before Backstage gets the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.documents.templates import is_whole_template, template_in
from generator.documents.values import ConfigMap, Placeholder

if TYPE_CHECKING:
    from generator.problems.diagnostic import Diagnostics, Location


def check_templates(value: Any, path: str, diagnostics: Diagnostics) -> set[Location | None]:
    """GR230: ``{{ … }}`` in a value below ``path``. A password may hold braces; it is one where there is nothing else.

    Returns the places: what is wrong with a value that is a template is not worth a word of its own.
    """
    places: set[Location | None] = set()
    if not isinstance(value, ConfigMap):
        return places
    for key, item in value.items():
        if isinstance(item, str):
            found = is_whole_template(item) if key == "password" else template_in(item)
            if not found or (isinstance(item, Placeholder) and item.is_file):
                continue
        elif not _is_unquoted(value, key, diagnostics):
            places |= check_templates(item, f"{path}.{key}", diagnostics)
            continue
        places.add(value.locate(key))
        report_template(value, key, path, diagnostics)
    return places


def _is_unquoted(value: ConfigMap, key: str, diagnostics: Diagnostics) -> bool:
    """Whether a value was a template without quotes: a mapping as a key (GR107), and nothing is left of it but braces."""
    item, place = value[key], value.locate(key)
    if not isinstance(item, ConfigMap) or item or place is None:
        return False
    key_place = place._replace(column=place.column + 1)
    return any(problem.code == "GR107" and problem.location == key_place for problem in diagnostics.items)


def report_template(value: ConfigMap, key: str, path: str, diagnostics: Diagnostics) -> None:
    """GR230: the value of ``key``, below ``path``, is a template."""
    diagnostics.error(
        "GR230",
        "this is a template that Helm fills in, and nobody has",
        value.locate(key),
        path=f"{path}.{key}" if path else key,
        backstage="takes {{ … }} for the value itself, where the chart does not render it",
        hint="write ${A_VARIABLE}, which Backstage fills in, or give --config the rendered file (helm template)",
    )
