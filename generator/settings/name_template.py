"""Names as greenroom.yaml gives them: with the plugin, the server and the environment to be filled in."""

from __future__ import annotations

import re

_FIELD = re.compile(r"\{([A-Za-z]*)\}")


_NOT_IN_VARIABLE = re.compile(r"[^A-Z0-9_]")


def template_fields(template: str) -> set[str]:
    """The ``{field}`` names of a name template."""
    return set(_FIELD.findall(template))


def expand(template: str, *, plugin: str, environment: str, server: str = "primary") -> str:
    """A name from a template: ``{plugin}``, ``{server}`` (in capitals with underscores too) and ``{environment}``."""
    values = {
        "plugin": plugin,
        "PLUGIN": variable_part(plugin),
        "server": server,
        "SERVER": variable_part(server),
        "environment": environment,
    }
    return _FIELD.sub(lambda match: values.get(match[1], match[0]), template)


def variable_part(text: str) -> str:
    """``text`` as a part of an environment variable's name: ``tech-insights`` → ``TECH_INSIGHTS``."""
    return _NOT_IN_VARIABLE.sub("_", text.upper())
