"""Backstage's config loader: from a folder and an environment to the layers that Backstage would merge.

The same files in the same order, the same substitution and includes, ``APP_CONFIG_*`` last; every problem of every file is
reported in one run. How the layers are merged is the reader's business.
"""

from __future__ import annotations

import os
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from generator.backstage.config.environment import read_environment
from generator.backstage.config.includes import FileCache
from generator.backstage.config.inside import pick_reported, report_inside
from generator.backstage.config.lookup import config_files, is_url
from generator.backstage.config.nested import config_options, split_config
from generator.backstage.config.substitution import lookup_in
from generator.backstage.config.transform import Transformer
from generator.documents.documents import Parsed, collector_paused, parse_yaml
from generator.documents.files import ReadError, decode, display_path, read_bytes, report_encoding, report_unreadable
from generator.documents.values import UNDEFINED, ConfigMap
from generator.problems.diagnostic import Diagnostic, Diagnostics, Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Layer", "LoadedConfig", "load_config"]


_CREDENTIALS = re.compile(r"//[^/@]*@")


class Layer(NamedTuple):
    """The content of one config file, or of the ``APP_CONFIG_*`` variables.

    ``context`` is Backstage's name for it (the file's base name, or ``env``), ``path`` the file as the user would write it
    (``env`` for the variables). ``inside`` is where in that file the app-config is (``keys`` lead there), empty
    for a file that is one. ``is_text``: it is a text in the values of a chart, not a mapping.
    """

    data: ConfigMap
    context: str
    path: str
    inside: str = ""
    keys: tuple[str, ...] = ()
    is_text: bool = False

    @property
    def target(self) -> str:
        """What to give to ``--config`` for this layer."""
        return f"{self.path}#{self.inside}" if self.inside else self.path


class LoadedConfig(NamedTuple):
    """All layers, a later one overruling an earlier one, and every problem found on the way.

    ``error`` is what Backstage's loader would throw (``Error: Failed to read config file at …``), ``None`` when it would
    load. A file with problems still has its layer when its values are known. ``asked`` are the variables that the files
    refer to, each with whether ``backend.database`` does.
    """

    layers: tuple[Layer, ...]
    diagnostics: tuple[Diagnostic, ...]
    error: str | None
    asked: Mapping[str, bool] = MappingProxyType({})


def load_config(
    *,
    root: Path,
    config: Sequence[str] = (),
    environ: Mapping[str, str],
    placeholders: Literal["keep", "backstage"] = "keep",
    skips_others: bool = False,
    anywhere: bool = False,
) -> LoadedConfig:
    """Read the configuration as Backstage does.

    ``root`` is the folder of the default lookup, ``config`` the ``--config`` values (relative to the working directory) that
    replace it; ``FILE#PATH`` is the app-config inside another file, which Backstage itself does not read. ``environ`` is the
    environment: variables, ``APP_CONFIG_*`` and ``BACKSTAGE_ENV``. With ``placeholders="backstage"`` the result is what
    Backstage has in this environment; with ``"keep"`` a variable or ``$file`` without a value stays a
    :class:`~generator.documents.values.Placeholder` (so does a ``$file`` that is neither below ``root`` nor beside the
    configuration), and a missing ``$include`` that cannot concern ``backend.database`` is only a warning; ``skips_others``
    makes it one in either mode, and a missing ``$file`` too. With ``anywhere`` a ``$file`` is read wherever it is, as where
    Backstage runs. Raises nothing: problems (GR101 to GR117, GR231) are in the result.
    """
    with collector_paused():
        top = None if anywhere else os.path.abspath(root)  # noqa: PTH100
        return _Loading(environ, placeholders, top, skips_others=skips_others).run(root, config)


class _Loading:
    """One run of the loader."""

    def __init__(
        self,
        environ: Mapping[str, str],
        placeholders: Literal["keep", "backstage"],
        root: str | None,
        *,
        skips_others: bool = False,
    ) -> None:
        self._root, self._skips = root, skips_others
        self._environ = environ
        self._mode = placeholders
        self._lookup = lookup_in(environ)
        self._cache = FileCache()
        self._diagnostics = Diagnostics()
        # What Backstage fails with first: an argument or a variable, then a file that is not there, then the first bad file.
        self._error: str | None = None
        self._missing: str | None = None
        self._broken: str | None = None
        self._asked: dict[str, bool] = {}

    def run(self, root: Path, config: Sequence[str]) -> LoadedConfig:
        """Read every file, then the variables."""
        # Backstage reads all sources at once; a bad variable makes it fail before the first file has been read.
        targets = [target for target in config if not self._refuse_url(target)]
        variables, error = read_environment(self._environ, self._diagnostics)
        if error is not None:
            self._fail(error)
        paths = config_files(root, targets, self._environ) if targets or not config else []
        layers = [layer for path in paths if (layer := self._layer(path, None if config else root))]
        if variables is not None:
            layers.append(Layer(variables, "env", "env"))
        return LoadedConfig(
            tuple(layers), tuple(self._diagnostics), self._error or self._missing or self._broken, self._asked
        )

    def _refuse_url(self, target: str) -> bool:
        if not is_url(target):
            return False
        message = (
            f'Error: Config argument "{_CREDENTIALS.sub("//…@", target)}" looks like a URL but remote configuration '
            "is not enabled. Enable it by passing the `remote` option"
        )
        self._fail(message)
        hint = "download the file and pass its path"
        self._diagnostics.error("GR102", "a --config that is a URL cannot be read", Location("--config"), hint=hint)
        return True

    def _layer(self, target: str, looked_in: Path | None) -> Layer | None:
        path, inside = split_config(target)
        file = display_path(path)
        try:
            content = decode(read_bytes(path))
        except ReadError as error:
            self._unreadable(path, file, error, looked_in)
            return None
        report_encoding(content, file, self._diagnostics)
        if content.is_utf16:
            self._break(f'Error: Failed to read config file at "{path}", expected object at config root')
            return None
        self._keys: tuple[str, ...] = ()
        self._is_text = False
        found = self._inside(path, file, inside, content.text) if inside else self._whole(file, content.text)
        if found is None or found.value is None or found.value is UNDEFINED:
            return None
        transformer = Transformer(
            self._lookup,
            self._mode,
            self._cache,
            self._diagnostics,
            self._root,
            skips_others=self._skips,
            is_inside=bool(inside),
        )
        data = transformer.run(found.value, path, shared=found.shared)
        for name, near in transformer.asked.items():
            self._asked[name] = self._asked.get(name, False) or near
        if transformer.error is not None:
            self._break(f'Error: Failed to read config file at "{path}", {transformer.error}')
        if isinstance(data, ConfigMap):
            return Layer(data, os.path.basename(path), file, inside, self._keys, self._is_text)  # noqa: PTH119
        if transformer.error is None:
            self._not_a_mapping(path, file)
        return None

    def _unreadable(self, path: str, file: str, error: ReadError, looked_in: Path | None) -> None:
        if not error.missing:
            self._break(f"Error: {error.node}")
            report_unreadable(error, file, None, self._diagnostics)
            return
        message = f'Config file "{path}" does not exist'
        self._missing = self._missing or f"NotFoundError: {message}"
        hint = "check the path" if looked_in is None else _where_else(looked_in)
        self._diagnostics.error(
            "GR101", f"{file} does not exist", Location(file), hint=hint, backstage=f"fails to start: {message}"
        )

    def _whole(self, file: str, text: str) -> Parsed:
        """A file that is an app-config itself; one that is none and has some inside is reported (GR229)."""
        problems = Diagnostics()
        parsed = parse_yaml(text, file, problems)
        reported = report_inside(parsed, file, text, self._diagnostics)
        if not reported:
            self._diagnostics.extend(problems)
        if parsed.error is not None:
            self._break(parsed.error)
        return parsed

    def _inside(self, path: str, file: str, inside: str, text: str) -> Parsed | None:
        """The app-config inside a file; ``None``, and GR231, where the path leads to none."""
        found = pick_reported(file, inside, text, self._diagnostics)
        if found.error is not None:
            self._break(found.error)
        if found.value is None:
            self._break(f'Error: Failed to read config file at "{path}", {found.problem}')
            return None
        self._keys, self._is_text = found.keys, found.is_text
        return Parsed(found.value, found.error, found.shared)

    def _not_a_mapping(self, path: str, file: str) -> None:
        self._break(f'Error: Failed to read config file at "{path}", expected object at config root')
        self._diagnostics.error(
            "GR106",
            "the file holds a list or a single value, not keys and values",
            Location(file, 1, 1),
            hint="start with a key such as `backend:`",
            backstage="fails to start: expected object at config root",
        )

    def _fail(self, message: str) -> None:
        self._error = self._error or message

    def _break(self, message: str) -> None:
        self._broken = self._broken or message


def _where_else(root: Path) -> str:
    """What to give where Backstage's own lookup finds nothing: an app-config that is inside another file is named."""
    from generator.backstage.config.deployed import choose, find_deployed

    usual = "name the files with --config, or the folder with --root"
    found = find_deployed(root)
    if not found:
        return usual
    meant = choose(found)
    item = (meant.chosen or meant.several)[-1]
    option = config_options(display_path(root / item.file), [item.found.path])
    return f"{item.file} has an app-config inside: give {option}, or run `greenroom init` where it is to be read always"
