"""What Backstage reads once a fragment is there: one more file, or a chart's app-config with the fragment over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from generator.backstage.config.helm import merge_values
from generator.backstage.config.includes import FileCache
from generator.backstage.config.nested import Manifest, values_keys
from generator.backstage.config.selector import as_pointer
from generator.backstage.config.substitution import lookup_in
from generator.backstage.config.transform import Transformer
from generator.documents.documents import parse_yaml
from generator.documents.files import ReadError, decode, read_bytes
from generator.documents.values import ConfigMap
from generator.problems.diagnostic import Diagnostics, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.backstage.config.loader import Layer
    from generator.targets.base import Inside

Layers = list[tuple[ConfigMap, str]]


class UnreadableFragment(Exception):  # noqa: N818 - never reaches a user as an exception
    """The fragment is not what it is to be; the message says why."""


class FragmentReader:
    """Reads a fragment in an environment."""

    def __init__(self, environ: Mapping[str, str], placeholders: Literal["keep", "backstage"]) -> None:
        self._environ, self._mode = environ, placeholders
        #: What Backstage refuses in the app-config that Helm has put together.
        self.refused = Diagnostics()

    def layers(
        self, layers: Sequence[Layer], text: str, inside: Inside, name: str, problems: Diagnostics
    ) -> Sequence[Layers]:
        """What Backstage would merge with the fragment ``text`` (called ``name``) over ``layers``.

        Several, where versions of Helm differ in what they do with ``null``. Problems of its YAML go to ``problems``.

        Raises:
            UnreadableFragment: it holds no app-config.
        """
        files = [layer for layer in layers if layer.path != "env"]
        variables = [(layer.data, layer.context) for layer in layers if layer.path == "env"]
        raw = self._fragment(text, inside, name, problems)
        last = len(files)
        while inside.is_values and last and values_keys(files[last - 1].keys) == inside.keys and files[last - 1].inside:
            last -= 1
        merged = files[last:]
        below = [(layer.data, layer.context) for layer in files[:last]]
        if not merged:
            return [[*below, (self._transformed(raw, name, inside), name), *variables]]
        found: list[Layers] = []
        for drops_null in (False, True):
            value: Any = ConfigMap()
            for layer in merged:
                value = merge_values(value, _again(layer), drops_null=drops_null)
            value = merge_values(value, self._fragment(text, inside, name, Diagnostics()), drops_null=drops_null)
            found.append([*below, (self._transformed(value, name, inside), name), *variables])
        return found

    @staticmethod
    def _fragment(text: str, inside: Inside, name: str, problems: Diagnostics) -> ConfigMap:
        if inside.keys:
            found = Manifest(name, text).pick(as_pointer(inside.keys))
            problems.extend(found.problems)
            if found.value is None or found.error is not None:
                raise UnreadableFragment(found.problem or str(found.error))
            return found.value
        parsed = parse_yaml(text, name, problems)
        if parsed.error is not None or not isinstance(parsed.value, ConfigMap):
            raise UnreadableFragment("it is not a mapping")
        return parsed.value

    def _transformed(self, value: ConfigMap, name: str, inside: Inside) -> ConfigMap:
        is_inside = bool(inside.keys)
        found = Diagnostics()
        transformer = Transformer(lookup_in(self._environ), self._mode, FileCache(), found, is_inside=is_inside)
        data = transformer.run(value, name, shared=False)
        if transformer.error is not None:
            self.refused.extend(item for item in found if item.severity is Severity.ERROR)
        if not isinstance(data, ConfigMap):
            raise UnreadableFragment("it is not a mapping")
        return data


def _again(layer: Layer) -> ConfigMap:
    """The app-config of ``layer`` as it is written, with nothing put in place of references."""
    try:
        text = decode(read_bytes(layer.path)).text
    except ReadError:
        return layer.data
    found = Manifest(layer.path, text).pick(layer.inside)
    return found.value if found.value is not None else layer.data
