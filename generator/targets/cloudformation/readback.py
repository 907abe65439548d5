"""What rendered templates create, read with a real YAML parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.targets.base import Artifact


class Function:
    """A CloudFormation function in its short form: ``!Ref X`` is ``Function("Ref", "X")``."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and (self.name, self.value) == (other.name, other.value)

    def __hash__(self) -> int:
        return hash((self.name, repr(self.value)))

    def __repr__(self) -> str:
        return f"!{self.name} {self.value!r}"


def load_template(text: str) -> dict[str, Any]:
    """A template as a mapping; every function in it is a :class:`Function`.

    Raises:
        ValueError: it is not YAML, has a key twice, or is no mapping.
    """
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        """Knows the short forms, and takes no key twice."""

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        def read(part: Any) -> Any:
            return loader.construct_object(part, deep=True)

        found = {read(key): read(value) for key, value in node.value}
        if len(found) != len(node.value):
            raise ValueError("a key is there twice")
        return found

    def function(loader: Any, suffix: str, node: Any) -> Function:
        if isinstance(node, yaml.ScalarNode):
            return Function(suffix, node.value)
        if isinstance(node, yaml.SequenceNode):
            return Function(suffix, loader.construct_sequence(node, deep=True))
        return Function(suffix, mapping(loader, node))

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_multi_constructor("!", function)
    try:
        document = yaml.load(text, Loader=Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ValueError(f"it is not YAML: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise ValueError("it is no mapping")
    return document


def read_back(artifacts: list[Artifact]) -> set[tuple[str, ...]]:
    """The databases, roles and schemas the custom resources of all templates make. A group role counts as a role.

    Raises:
        ValueError: a template cannot be understood.
    """
    templates = {
        artifact.path: load_template(artifact.text)
        for artifact in artifacts
        if artifact.path.startswith("databases") and artifact.path.endswith(".yaml")
    }
    found: set[tuple[str, ...]] = set()
    for path, template in templates.items():
        try:
            found |= set(_made(template))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} cannot be understood: {type(error).__name__}") from error
    return found


def _made(template: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    servers: Mapping[str, str] = template["Metadata"]["Greenroom"]["Servers"]
    resources: Mapping[str, Any] = template["Resources"]
    for resource in resources.values():
        kind = resource["Type"].removeprefix("Custom::")
        if kind == resource["Type"]:
            continue
        properties = resource["Properties"]
        server = servers[_server(properties["Host"])]
        if kind == "SharedDatabase" or (kind == "PluginDatabase" and "DatabaseOf" not in properties):
            yield "database", server, _name(properties["Database"], resources)
        if kind == "SharedDatabase" and "Group" in properties:
            yield "role", server, _name(properties["Group"], resources)
        if kind == "SharedRole" or (kind == "PluginDatabase" and "RoleOf" not in properties):
            yield "role", server, _name(properties["Role"], resources)
        if "Schema" in properties:
            yield "schema", server, _name(properties["Database"], resources), _name(properties["Schema"], resources)


def _server(host: Any) -> str:
    """The logical id of the server: ``!Ref PrimaryHost``, or ``${PrimaryStack}-Host`` that another stack exports."""
    if isinstance(host, Function):
        return str(host.value).removesuffix("Host")
    imported: Function = host["Fn::ImportValue"]
    return str(imported.value).removeprefix("${").partition("Stack}")[0]


def _name(value: Any, resources: Mapping[str, Any]) -> str:
    if isinstance(value, Function):
        logical, _, attribute = value.value.partition(".")
        return _name(resources[logical]["Properties"][attribute], resources)
    if not isinstance(value, str):
        raise TypeError("a name is not a text")
    return value
