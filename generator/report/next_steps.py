"""What comes after ``greenroom generate``: who applies what, where the fragment goes, and what is of no use any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from generator.backstage.config.production import find_start
from generator.documents.values import ConfigMap
from generator.problems.paths import shown
from generator.run.embedded import read_from
from generator.targets import TARGETS
from generator.targets.base import RenderContext

if TYPE_CHECKING:
    from generator.output.rendering import Rendering
    from generator.run.project import Project

_LONGEST: Final = 160


def next_steps(project: Project, rendering: Rendering) -> list[str]:
    """A line for each thing to do. Nothing where no plugin has changed; about the fragment only when it is new."""
    if not rendering.changes:
        return []
    # One of these is enough.
    folders = rendering.layout.targets
    ways = [TARGETS[name].load().way(folders[name], rendering.files) for name in TARGETS if name in folders]
    steps = []
    if any(ways):
        steps.append(f"commit what was written, and apply it with {', or '.join(filter(None, ways))}")
    fragment = rendering.layout.app_config
    if fragment is not None and rendering.current.get(fragment) is None:
        steps += _fragment(project, rendering, fragment)
        steps += _base_credentials(project, rendering)
    return steps


def _in_cluster(project: Project, rendering: Rendering, name: str) -> list[str]:
    """What to do with a fragment that is no app-config by itself, but values of a chart or a ConfigMap."""
    target = next(item for item in rendering.layout.targets if TARGETS[item].is_app_config)
    options = project.settings.target_options.get(target, {})
    if not options.get("format"):
        return []
    context = RenderContext(rendering.plan, {}, options=options, read_from=read_from(project.config.layers))
    return TARGETS[target].load().steps(context, name)


def _fragment(project: Project, rendering: Rendering, fragment: Path) -> list[str]:
    name = shown(fragment)
    if in_cluster := _in_cluster(project, rendering, name):
        return in_cluster
    start = find_start(project.request.root)
    if start is None:
        return [f"give Backstage {name} as its last --config"]
    if any(Path(target).name == fragment.name for target in start.targets):
        return []
    text = start.text if len(start.text) <= _LONGEST else f"{start.text[: _LONGEST - 1]}…"
    place = start.location._replace(file=shown(project.request.root / start.location.file), column=0)
    return [f"copy {name} into the image, and add it as the last --config at {place}: {text}"]


def _base_credentials(project: Project, rendering: Rendering) -> list[str]:
    """Whether user and password of the base connection are of use to anybody once the fragment is there."""
    plan = rendering.plan
    connection = project.database.get("connection")
    if not isinstance(connection, ConfigMap) or not {"user", "password"} & set(connection):
        return []
    place = connection.locate("password") or connection.locate("user")
    if plan.base_login is not None:
        return [f"keep user and password of the base connection ({place}): the RBAC backend logs in with them"]
    if plan.credentials != "per-plugin" or project.settings.database_manager != "current":
        return []
    discovery = project.discovery
    if discovery is None or discovery.unknown or project.kept.gaps or project.settings.exclude:
        return []  # a plugin that is not known here may use them
    return [f"no plugin uses user and password of the base connection any more ({place}): remove them after the rollout"]
