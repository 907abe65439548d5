"""Values that a template engine was to fill in before Backstage gets the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from generator.documents.values import ConfigMap, Placeholder

if TYPE_CHECKING:
    from generator.problems.diagnostic import Diagnostics

_TEMPLATE: Final = re.compile(r"\{\{[^{}]*\}\}")


def check_templates(value: Any, path: str, diagnostics: Diagnostics) -> None:
    """GR230: ``{{ … }}`` in a value below ``path``. A password may hold braces; it is one where there is nothing else."""
    if not isinstance(value, ConfigMap):
        return
    for key, item in value.items():
        if isinstance(item, str):
            found = _TEMPLATE.fullmatch(item.strip()) if key == "password" else _TEMPLATE.search(item)
            if found and not (isinstance(item, Placeholder) and item.is_file):
                diagnostics.error(
                    "GR230",
                    "this is a template that Helm fills in, and nobody has",
                    value.locate(key),
                    path=f"{path}.{key}",
                    backstage="takes {{ … }} for the value itself, where the chart does not render it",
                    hint="write ${A_VARIABLE}, which Backstage fills in, or give --config the rendered file (helm template)",
                )
        else:
            check_templates(item, f"{path}.{key}", diagnostics)
