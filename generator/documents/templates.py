"""What is left of a template engine's ``{{ … }}`` in a YAML text that it was not run on."""

from __future__ import annotations

import re
from typing import Any, Final

from generator.documents.values import ConfigMap

_TEMPLATE: Final = re.compile(r"\{\{[^{}]*\}\}")
#: `host: {{ .Values.host }}` without quotes: a mapping whose only key is a mapping.
_KEY: Final = re.compile(r"\{[^{}]*\}")


def template_in(text: str) -> bool:
    """Whether a part of ``text`` is a template."""
    return _TEMPLATE.search(text) is not None


def is_whole_template(text: str) -> bool:
    """Whether ``text`` is a template and nothing else."""
    return _TEMPLATE.fullmatch(text.strip()) is not None


def is_unquoted_template(value: Any) -> bool:
    """Whether ``value`` is what YAML makes of a template that is not in quotes."""
    return (
        isinstance(value, ConfigMap)
        and len(value) == 1
        and value.get(key := next(iter(value))) is None
        and bool(_KEY.fullmatch(str(key).strip()))
    )
