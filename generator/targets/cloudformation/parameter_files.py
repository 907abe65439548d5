"""Files of parameters that the settings name: whether a template could be deployed with one, before anybody tries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.documents.documents import parse_document, read_text
from generator.documents.values import ConfigMap
from generator.problems.diagnostic import Diagnostics, Location, Severity
from generator.targets.cloudformation.servers import KINDS
from generator.targets.cloudformation.shape import ROOT_FILE, Shape
from generator.targets.cloudformation.templates import root_parameters

if TYPE_CHECKING:
    from pathlib import Path

    from generator.targets.base import RenderContext
    from generator.targets.cloudformation.parameters import Parameter

_SHAPE = 'as the AWS command line takes it: [{"ParameterKey": "…", "ParameterValue": "…"}]'


def check_parameter_files(context: RenderContext, shape: Shape, diagnostics: Diagnostics) -> None:
    """Report a file that is no file of parameters (GR681), lacks one (GR682), has an unknown one (GR683) or a value that
    CloudFormation would refuse (GR684).
    """
    templates = {ROOT_FILE: root_parameters(shape)}
    for server in shape.plan.servers:
        templates |= KINDS[server.kind].templates(server, shape.plan, data_api=shape.data_api)
    for template, name in sorted(context.options.get("parameters", {}).items()):
        key = f"targets.cloudformation.parameters.{template}"
        written = context.written.get(key)
        if template not in templates:
            diagnostics.error(
                "GR681",
                f"there is no template {template!r} with parameters",
                written,
                path=key,
                hint=f"one of {', '.join(sorted(templates))}",
            )
            continue
        values = _read(context.folder / name, diagnostics)
        if values is not None:
            _compare(templates[template], values, str(context.folder / name), template, diagnostics)


def _read(path: Path, diagnostics: Diagnostics) -> dict[str, tuple[Any, Location | None]] | None:
    """The values in a file with the place of each; ``None`` where there are none to compare."""
    problems = Diagnostics()
    text = read_text(path, problems)
    document = None if text is None else parse_document(text, str(path), problems)
    for item in problems:
        if item.severity is Severity.ERROR:
            diagnostics.error("GR681", f"the file of parameters: {item.summary}", item.location or Location(str(path)))
    if problems.has_errors:
        return None
    if isinstance(document, ConfigMap) and isinstance(document.get("Parameters"), ConfigMap):
        parameters = document["Parameters"]
        return {name: (value, parameters.locate(name)) for name, value in parameters.items()}
    entries = document if isinstance(document, list) else [None]
    found: dict[str, tuple[Any, Location | None]] = {}
    for entry in entries:
        if not (isinstance(entry, ConfigMap) and isinstance(entry.get("ParameterKey"), str)):
            diagnostics.error("GR681", "this is no file of parameters", Location(str(path)), hint=_SHAPE)
            return None
        found[entry["ParameterKey"]] = (entry.get("ParameterValue"), entry.locate("ParameterValue"))
    return found


def _compare(
    parameters: list[Parameter],
    values: dict[str, tuple[Any, Location | None]],
    file: str,
    template: str,
    diagnostics: Diagnostics,
) -> None:
    known = {str(parameter.name): parameter for parameter in parameters}
    for name, parameter in sorted(known.items()):
        if name not in values:
            if parameter.default is None:
                diagnostics.error(
                    "GR682",
                    f"{template} needs a value for {name}: {parameter.description}",
                    Location(file),
                    hint="parameters.example.json beside the template has an entry for it",
                )
            continue
        value, place = values[name]
        is_plain = isinstance(value, str | int) and not isinstance(value, bool)
        problem = parameter.problem(str(value)) if is_plain else "is not a text"
        if problem:
            # The value is not shown: a file of parameters may hold anything.
            diagnostics.error("GR684", f"the value of {name} cannot be: {_said(problem)}", place or Location(file))
    for name in sorted(values.keys() - known.keys()):
        import difflib

        near = difflib.get_close_matches(name, known, 1)
        diagnostics.error(
            "GR683",
            f"{template} has no parameter {name}",
            values[name][1] or Location(file),
            hint=f"did you mean {near[0]}?" if near else "remove it",
        )


def _said(problem: str) -> str:
    return f"it {problem}" if problem.startswith("is ") else f"it has to be: {problem[:1].lower()}{problem[1:].rstrip('.')}"
