"""The app-config files that production starts with: of the image, or what a chart or a ConfigMap gives to Backstage."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.backstage.config.deployed import Choice, choose, find_deployed
from generator.backstage.config.production import ConfigFiles, environment_of, find_config_files
from generator.problems.diagnostic import Diagnostic, Severity
from generator.run.embedded import read_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from generator.backstage.config.deployed import Deployed
    from generator.backstage.config.loader import Layer
    from generator.problems.diagnostic import Diagnostics, Location

_MOST = 5


#: Why the fragment is not a file of its own.
FORMAT_NOTES: Final = {
    "helm-values": "The chart gives Backstage its appConfig last: so the fragment is the last file of values.",
    "configmap": "The app-config is a text that Helm would not merge: so the fragment is a ConfigMap of its own.",
}


def fragment_format(layers: Sequence[Layer]) -> str | None:
    """The format of a fragment for app-configs that are inside other files; ``None`` where they are files themselves."""
    if read_from(layers) is not None and not any(layer.is_text for layer in layers):
        return "helm-values"
    return "configmap" if any(layer.inside for layer in layers) else None


class Taken(NamedTuple):
    """The files, and sentences on why it is these where others could be meant."""

    files: ConfigFiles
    why: Sequence[str] = ()


def config_of(root: Path, config: Sequence[str], diagnostics: Diagnostics) -> Taken:
    """The files of ``config``, else those production starts with.

    Files that a Dockerfile names are taken, and an app-config of a chart is offered besides (GR435). Without such a
    Dockerfile the chart's is taken, and that is said (GR435); several that may be meant are an error (GR436).
    """
    if config:
        return Taken(ConfigFiles(tuple(config), (), environment_of(config)))
    files = find_config_files(root)
    found = find_deployed(root)
    if not found:
        return Taken(files)
    choice = choose(found)
    if files.source is not None:
        return _offered(root, files, choice, diagnostics)
    if choice.several:
        targets = [root / item.target for item in choice.several]
        shown = ", ".join(item.target for item in choice.several[:_MOST])
        diagnostics.error(
            "GR436",
            f"several files give Backstage an app-config with database settings, and none is plainly production's: {shown}",
            choice.several[0].location._replace(file=(root / choice.several[0].file).as_posix()),
            hint=" or ".join(f"`{_init(root, [target.as_posix()])}`" for target in targets[:_MOST]),
        )
        return Taken(files)
    return _taken(root, files, choice, diagnostics)


def _taken(root: Path, files: ConfigFiles, choice: Choice, diagnostics: Diagnostics) -> Taken:
    """What the chart gives to Backstage: no Dockerfile says that the backend starts with files of its own."""
    left = (*files.chosen, *files.others)
    why = [f"{_names(choice.chosen)} {_give(choice.chosen)} Backstage its app-config; no Dockerfile starts it with files."]
    if choice.others:
        why.append(f"Not among them: {', '.join(item.target for item in choice.others)}.")
    targets = tuple(item.target for item in choice.chosen)
    hint = f"where `args` of the chart names {' and '.join(left)}, list them in greenroom.yaml before it" if left else ""
    diagnostics.add(
        Diagnostic(
            "GR435",
            Severity.INFO,
            f"{_are(targets)} taken: no Dockerfile starts the backend with files",
            _place(root, choice.chosen[0]),
            path="appConfig",
            hint=hint,
            backstage="gets the app-config of a chart last, and other files only where `args` names them" if left else "",
        )
    )
    return Taken(ConfigFiles(targets, left, environment_of(targets)), why)


def _offered(root: Path, files: ConfigFiles, choice: Choice, diagnostics: Diagnostics) -> Taken:
    """The files of a Dockerfile, and what a chart has besides."""
    items = choice.chosen or choice.several
    targets = [item.target for item in items]
    why = [
        f"Not taken, because that line names the files: {', '.join(targets[:_MOST])}. "
        "Where a chart or a ConfigMap gives it to Backstage, list it here as the last one."
    ]
    options = [(root / name).as_posix() for name in (*files.chosen, *(item.target for item in choice.chosen or items[:1]))]
    diagnostics.add(
        Diagnostic(
            "GR435",
            Severity.INFO,
            f"{_are(targets[:_MOST])} not taken: {files.source} names the files the backend starts with",
            _place(root, items[0]),
            path="appConfig",
            hint=f"where it runs with that app-config: `{_init(root, options)}`",
        )
    )
    return Taken(files, why)


def _place(root: Path, item: Deployed) -> Location:
    return item.location._replace(file=(root / item.file).as_posix())


def _init(root: Path, config: Sequence[str]) -> str:
    words = ["greenroom", "init", *(["--root", root.as_posix()] if root.as_posix() != "." else [])]
    return shlex.join([*words, *(word for target in config for word in ("--config", target))])


def _are(targets: Sequence[str]) -> str:
    return f"{' and '.join(targets)} {'is' if len(targets) == 1 else 'are'}"


def _names(items: Sequence[Deployed]) -> str:
    return " and ".join(str(item.location) for item in items)


def _give(items: Sequence[Deployed]) -> str:
    return "gives" if len(items) == 1 else "give"
