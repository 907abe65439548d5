"""A fragment that is inside another file, and the app-config inside another file that it belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from generator.backstage.config.nested import values_keys
from generator.backstage.config.selector import as_pointer
from generator.problems.diagnostic import Location
from generator.settings.target_keys import target_key
from generator.targets import TARGETS
from generator.targets.base import Inside, ReadFrom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.backstage.config.loader import Layer
    from generator.output.layout import Layout
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings


def read_from(layers: Sequence[Layer]) -> ReadFrom | None:
    """The last app-config that a chart gives to Backstage, as the values of the chart have it."""
    for layer in reversed(layers):
        keys = values_keys(layer.keys) if layer.inside else None
        if keys:
            return ReadFrom(Path(layer.path).name, keys)
    return None


def inside_of(settings: Settings, layers: Sequence[Layer], target: str) -> Inside:
    """Where in its file the fragment of ``target`` is."""
    options = settings.target_options.get(target, {})
    if not options.get("format"):
        return Inside()  # a file of its own, whatever the target: nothing to import for it
    return TARGETS[target].load().inside(options, read_from(layers))


def check_order(settings: Settings, layers: Sequence[Layer], layout: Layout, target: str, diagnostics: Diagnostics) -> None:
    """GR439: values that Helm puts over an app-config which is not the last one that Backstage reads; GR438: over a text."""
    if not TARGETS[target].is_app_config:
        return
    inside = inside_of(settings, layers, target)
    _check_overruled(layers, layout, inside, diagnostics)
    files = [layer for layer in layers if layer.path != "env"]
    ours = [layer for layer in files if inside.is_values and layer.inside and values_keys(layer.keys) == inside.keys]
    if ours and files[-1] is not ours[-1]:
        diagnostics.error(
            "GR439",
            f"the generated values become part of {ours[-1].target}, and {files[-1].target} is read after it",
            ours[-1].data.locate_key("backend") or Location(ours[-1].path),
            path="targets.appConfig.format",
            backstage="gets the app-config of a chart as its last file",
            hint=f"list {ours[-1].target} last in appConfig",
        )
    for layer in ours:
        if layer.is_text:
            diagnostics.error(
                "GR438",
                f"the app-config at {'.'.join(inside.keys)} is a text, and Helm replaces a text as a whole",
                layer.data.locate_key("backend") or Location(layer.path),
                path="targets.appConfig.format",
                backstage="gets the generated values only: Helm merges nothing but mappings",
                hint=f"write it as a mapping: remove the | after {inside.keys[-1]}; or take the format configmap",
            )


def _check_overruled(layers: Sequence[Layer], layout: Layout, inside: Inside, diagnostics: Diagnostics) -> None:
    """GR440: a fragment that comes to Backstage before the app-config of a chart, which wins over it."""
    known = read_from(layers)
    if known is None or inside.is_values:
        return
    layer = next(item for item in reversed(layers) if item.inside and values_keys(item.keys) == known.keys)
    targets = ", ".join(
        f"{target_key(name)}: {'{format: helm-values}' if TARGETS[name].is_app_config else '{}'}" for name in layout.targets
    )
    place = layer.data.locate_key("backend") or Location(layer.path)
    first = f"remove the | after {known.keys[-1]}, and " if layer.is_text else ""
    diagnostics.warning(
        "GR440",
        f"a chart gives Backstage the app-config at {'.'.join(known.keys)} as the last file, and it wins over the fragment",
        place,
        path="targets.appConfig.format",
        backstage="lets a later file win; a chart passes its own appConfig last",
        hint=f"{first}set `targets: {{{targets}}}` in greenroom.yaml",
    )


def fragment_target(settings: Settings, layers: Sequence[Layer], layout: Layout, fragment: Path) -> str:
    """What to give to ``--config`` to read the generated ``fragment``."""
    name = next(name for name in layout.targets if TARGETS[name].is_app_config)
    keys = inside_of(settings, layers, name).keys
    return f"{fragment}#{as_pointer(keys)}" if keys else str(fragment)
