"""The fragment in the file of something else: values of a chart, or a ConfigMap. ``targets.appConfig.format`` says which.

A file of values has mappings only: Helm puts mappings together, and replaces lists as a whole. So what belongs into a list
of the user's (the Secret with the passwords) is said, and not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.stores.names import CONTAINER_SECRET, is_in_cluster
from generator.targets import TARGETS
from generator.targets.base import Inside, ReadFrom
from generator.targets.fragment.plugin_input import PluginInput
from generator.targets.text.escaped import Escaped
from generator.targets.text.templates import render_template
from generator.targets.text.yaml import FILTERS, yaml_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.planning.model import Plan, Role
    from generator.problems.diagnostic import Diagnostics, Location
    from generator.targets.base import RenderContext

_ENTRY: Final = TARGETS["app-config"]
_PLAIN: Final = "app-config"
_VALUES: Final = "helm-values"
_OPERATOR: Final = "rhdh"
#: Where the Backstage chart has it.
_USUAL_KEYS: Final = ("backstage", "appConfig")
#: How the ConfigMap is called where nobody says otherwise.
_NAME: Final = "backstage-app-config-databases"


class Format(NamedTuple):
    """A format as the settings say it: ``name``, the ``keys`` that lead to the fragment, and that of the ConfigMap."""

    name: str
    keys: tuple[str, ...]
    config_map: str
    source: str

    @classmethod
    def of(cls, options: Mapping[str, Any], read_from: ReadFrom | None) -> Format:
        """What ``options`` of the target ask for, with the app-config read from ``read_from``."""
        name = str(options.get("format", _PLAIN))
        config_map = str(options.get("name", _NAME))
        if name == _PLAIN:
            return cls(name, (), config_map, "")
        if name == _VALUES:
            known = read_from or ReadFrom("values.yaml", _USUAL_KEYS)
            return cls(name, known.keys, config_map, known.file)
        return cls(name, ("data", _ENTRY.default_path), config_map, "")

    @property
    def inside(self) -> Inside:
        """Where the fragment is in its file."""
        return Inside(self.keys, is_values=self.name == _VALUES)


def wrap(text: str, context: RenderContext) -> str:
    """``text``, the fragment, as the file that the settings ask for."""
    format_ = Format.of(context.options, context.read_from)
    if format_.name == _PLAIN:
        return text
    body = text[_head(text) :].splitlines()
    depth = "  " * (len(format_.keys) if format_.name == _VALUES else 2)
    view = {
        "environment": context.plan.environment,
        "file": _ENTRY.path_for(context.options),
        "fragment": _ENTRY.default_path,
        "source": format_.source,
        "name": format_.config_map,
        "list": ".".join((*format_.keys[:-1], "extraAppConfig")),
        "is_operator": format_.name == _OPERATOR,
        "notes": list(_notes(format_, context.plan)),
        "opening": [
            Escaped(f"{'  ' * level}{yaml_value(key)}:") for level, key in enumerate(format_.keys) if format_.name == _VALUES
        ],
        "body": [Escaped(f"{depth}{line}".rstrip()) for line in body],
    }
    template = "values.databases.yaml.j2" if format_.name == _VALUES else "configmap.databases.yaml.j2"
    return render_template("app-config", template, view, FILTERS)


def check_format(context: RenderContext, content: Any, diagnostics: Diagnostics) -> None:
    """GR437: a text of the fragment that a chart would take for a template. ``content`` is everything that it says."""
    format_ = Format.of(context.options, context.read_from)
    if format_.name != _VALUES:
        return
    for path, text in _texts(content, "backend.database"):
        if "{{" in text:
            diagnostics.error(
                "GR437",
                "this holds {{, and the chart renders its appConfig as a template",
                _place(context, path),
                path=path,
                backstage="gets what Helm makes of it",
                hint="write names without {{",
            )


def _place(context: RenderContext, path: str) -> Location | None:
    """Where what stands at ``path`` of the fragment comes from."""
    for plugin in context.plan.plugins:
        before = f"backend.database.plugin.{plugin.plugin_id}."
        if path.startswith(before):
            sources = plugin.source.sources if plugin.source is not None else {}
            keys = (path.removeprefix(before), "databaseName", "prefix")
            return next((sources[key] for key in keys if key in sources), PluginInput(plugin).origin.locate())
    return context.base.locate("connection")


def steps(format_: Format, plan: Plan, name: str) -> list[str]:
    """What a person does with the file ``name``; nothing for a plain fragment."""
    secret = [line.strip() for line in _notes(format_, plan)]
    after = f", and {secret[0][0].lower()}{' '.join(secret)[1:].rstrip('.')}" if secret else ""
    if format_.name == _VALUES:
        return [f"give Helm {name} as its last values file (helm upgrade … -f {format_.source} -f {name}){after}"]
    if format_.name == _OPERATOR:
        entry = f"spec.application.appConfig.configMaps: [{{name: {format_.config_map}}}]"
        return [f"kubectl apply -f {name}, add to the Backstage resource, as the last one, {entry}{after}"]
    if format_.name != _PLAIN:
        file = _ENTRY.default_path
        return [f"kubectl apply -f {name}, mount its {file}, and give that to Backstage as the last --config{after}"]
    return []


def _notes(format_: Format, plan: Plan) -> Iterator[str]:
    """How the passwords come to Backstage: what to add to a list of the user's own."""
    roles = [role for role in plan.roles if role.iam is None]
    variables = [role for role in roles if not role.delivery.file]
    files = [role for role in roles if role.delivery.file]
    above = ".".join(format_.keys[:-1]) if format_.name == _VALUES else "backstage"
    if variables and is_in_cluster(plan.store) and format_.name != _OPERATOR:
        yield f"Add the passwords to the list {above}.extraEnvVars of your own values:"
        yield from (f"  - {_from_secret(role)}" for role in variables)
    elif variables and format_.name not in (_VALUES, _OPERATOR):
        yield "Give the container the Secret with the variables of the passwords"
        yield f"(envFrom; in the Backstage chart backstage.extraEnvVarsSecrets): {CONTAINER_SECRET}"
    elif variables:
        key = "spec.application.extraEnvs.secrets" if format_.name == _OPERATOR else f"{above}.extraEnvVarsSecrets"
        entry = f"{{name: {CONTAINER_SECRET}}}" if format_.name == _OPERATOR else CONTAINER_SECRET
        where = "of the Backstage resource" if format_.name == _OPERATOR else "of your own values"
        yield f"Add the Secret with the variables of the passwords to the list {key} {where}: {entry}"
    if files:
        yield f"Mount the files of the passwords: {', '.join(str(role.delivery.file) for role in files)}"


def _from_secret(role: Role) -> str:
    reference = {"secretKeyRef": {"name": role.secret_name, "key": "password"}}
    return str(yaml_value({"name": role.delivery.env, "valueFrom": reference}))


def _head(text: str) -> int:
    """Where what comes after the comments at the start begins."""
    at = 0
    for line in text.splitlines(keepends=True):
        if not line.startswith("#") and line.strip():
            break
        at += len(line)
    return at


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, str(key)
            yield from _texts(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, path)


def unwrapped(document: Any) -> Any:
    """The fragment in a parsed file of any format."""
    import yaml

    while isinstance(document, dict) and "backend" not in document:
        if document.get("kind") == "ConfigMap":
            (text,) = document["data"].values()
            return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        (document,) = document.values()
    return document
