"""What a run starts from: settings, environment, configuration, and the plugins to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from generator.backstage.config.loader import LoadedConfig, load_config
from generator.backstage.config.nested import split_config
from generator.backstage.config.reader import ConfigError, ConfigReader
from generator.backstage.database.redaction import is_secret_name
from generator.backstage.repository.places import may_be_repository
from generator.backstage.versions import UNKNOWN, Backstage
from generator.documents.values import ConfigMap
from generator.output.layout import Layout, make_layout
from generator.problems.diagnostic import Diagnostic, Diagnostics, Severity
from generator.run.apart import check_places
from generator.run.embedded import fragment_target
from generator.run.incomplete import Kept, keep_unfound, leave_out_ignored, settle
from generator.run.shared import Shared
from generator.run.variables import Variables, read_variables, unused
from generator.settings.read import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.backstage.repository import Discovery
    from generator.backstage.repository.model import Gap
    from generator.planning.history.base import Base
    from generator.settings.model import Settings

Placeholders = Literal["keep", "backstage"]


class Request(NamedTuple):
    """What a user asks for: the options all commands share.

    ``config`` are ``--config`` files in order, ``plugins`` ids added by ``--plugin``, ``targets`` and ``out`` what
    ``generate`` writes and where, ``templates`` a folder of the user's own templates. ``base`` is the commit whose lock file
    is remembered as well as HEAD's. ``environ`` are variables that count besides those of files. Without it there are none,
    so that the result depends on files only; with ``placeholders="backstage"`` it is the environment of the process. With
    ``skips_others`` a file that is missing, and cannot concern the databases, is a warning; with ``anywhere`` a ``$file`` is
    read outside the repository too. ``environment`` is one of those the settings have; ``shared`` what the requests for all
    of them read only once.
    """

    root: Path = Path()
    config: Sequence[str] = ()
    settings: Path | None = None
    plugins: Sequence[str] = ()
    env_files: Sequence[Path] = ()
    placeholders: Placeholders = "keep"
    environ: Mapping[str, str] | None = None
    out: Path | None = None
    targets: Sequence[str] = ()
    templates: Path | None = None
    base: Base | None = None
    skips_others: bool = False
    anywhere: bool = False
    environment: str | None = None
    shared: Shared | None = None


class Project(NamedTuple):
    """What was read: settings, configuration and environment, with every problem found so far.

    ``database`` is the merged value of ``backend.database`` (empty when there is none); ``discovery`` what the Backstage
    repository at the root adds, where there is one. ``kept`` are plugins of the lock file that it may have missed,
    ``left_out`` the problems that ``ignore`` in the settings answers for.
    """

    request: Request
    settings: Settings
    layout: Layout
    config: LoadedConfig
    reader: ConfigReader
    database: ConfigMap
    variables: Variables
    plugin_ids: tuple[str, ...]
    discovery: Discovery | None
    diagnostics: Diagnostics
    kept: Kept = Kept()
    left_out: tuple[Diagnostic, ...] = ()

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables the configuration was read with."""
        return self.variables.values

    @property
    def used(self) -> dict[str, str]:
        """The variables whose value the database settings have, each with where it comes from."""
        return self.variables.used(self.config, lookup=not (self.request.config or self.settings.app_config))

    @property
    def backstage(self) -> Backstage:
        """The version of Backstage's database code: the repository's, else the setting's, else the newest verified one."""
        found = self.discovery.defaults if self.discovery is not None else UNKNOWN
        wanted = self.settings.backend_defaults
        if wanted and (not found.source or found.doubt):
            return Backstage(wanted, "greenroom.yaml", self.settings.locations.get("backstage.backendDefaults"))
        return found

    @property
    def templates(self) -> Path | None:
        """The folder of the user's own templates: ``--templates``, else what the settings say."""
        return self.request.templates or self.settings.templates


def load(request: Request, settings: Settings | None = None) -> Project:
    """Read settings, environment files and app-config. Problems are in the result's ``diagnostics``.

    With ``settings``, those count and no file of settings is read.
    """
    diagnostics = Diagnostics()
    shared = request.shared or Shared()
    if settings is None:
        file = shared.settings(request.settings, request.root)
        diagnostics.extend(shared.diagnostics)
        settings = settings_of(file, request.environment, diagnostics)
        check_places(file, request.out, request.targets, diagnostics)
    layout = make_layout(settings, out=request.out, only=request.targets)
    as_backstage = request.placeholders == "backstage"
    variables = read_variables(settings, request.env_files, request.environ, diagnostics, as_backstage=as_backstage)
    files = _config_files(request, settings, layout, diagnostics)
    config = load_config(
        root=request.root,
        config=files,
        environ=variables.values,
        placeholders=request.placeholders,
        skips_others=request.skips_others,
        anywhere=request.anywhere,
    )
    diagnostics.extend(config.diagnostics)
    if not as_backstage:
        _check_values(settings, variables.values, config, diagnostics)
    reader = ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers)
    database = _merged_database(reader)
    discovery, gaps = _discovered(request, settings, shared, diagnostics)
    ids = _plugin_ids(request, settings, database, discovery)
    looked = discovery is not None or not settings.discover
    kept = keep_unfound(layout.lock, ids, gaps, settings, base=request.base, root=request.root, looked=looked)
    left_out = leave_out_ignored(settings, diagnostics)
    return Project(
        request=request,
        settings=settings,
        layout=layout,
        config=config,
        reader=reader,
        database=database,
        variables=variables,
        plugin_ids=tuple(sorted({*ids, *kept.plugins})),
        discovery=discovery,
        left_out=left_out,
        diagnostics=diagnostics,
        kept=kept,
    )


def _config_files(request: Request, settings: Settings, layout: Layout, diagnostics: Diagnostics) -> tuple[str, ...]:
    """The ``--config`` files, else those of the settings. greenroom's own fragment is output, never input."""
    files = tuple(request.config) or tuple(str(settings.folder / name) for name in settings.app_config)
    fragment = layout.app_config
    kept = []
    for name in files:
        if fragment is not None and Path(split_config(name)[0]).resolve() == fragment.resolve():
            diagnostics.warning(
                "GR406",
                f"{name} is what greenroom generates; it is left out of its own input",
                settings.locations.get("appConfig"),
                hint="pass it to Backstage as the last --config, not to greenroom",
            )
        else:
            kept.append(name)
    return tuple(kept)


def _check_values(settings: Settings, known: Mapping[str, str], config: LoadedConfig, diagnostics: Diagnostics) -> None:
    """A value that nothing asks for is a slip of the pen, and a secret has no business in the settings."""
    for name in unused(settings, config):
        import difflib

        near = difflib.get_close_matches(
            name, [item for item in config.asked if item not in settings.values and item not in known], 1
        )
        diagnostics.warning(
            "GR430",
            f"nothing in app-config refers to ${{{name}}}, so its value changes nothing",
            settings.locations.get(f"values.{name}"),
            path=f"values.{name}",
            hint=f"did you mean {near[0]}?" if near else "remove it",
        )
    for name in settings.values:
        if is_secret_name(name):
            diagnostics.warning(
                "GR431",
                f"the value of {name} looks like a secret, and greenroom.yaml is committed",
                settings.locations.get(f"values.{name}"),
                path=f"values.{name}",
                hint="remove it: what is generated never contains a password, so nothing has to know it",
            )


def _merged_database(reader: ConfigReader) -> ConfigMap:
    """The merged ``backend.database``, empty where it is missing or unusable (resolving reports why)."""
    try:
        value: Any = reader.get_optional("backend.database")
    except ConfigError:
        return ConfigMap()
    return value if isinstance(value, ConfigMap) else ConfigMap()


def _discovered(
    request: Request, settings: Settings, shared: Shared, diagnostics: Diagnostics
) -> tuple[Discovery | None, Sequence[Gap]]:
    """What the repository at the root adds (``None`` where that is off or there is no backend), and what may hide more."""
    if not settings.discover or not may_be_repository(request.root):
        return None, ()
    found = shared.discovery(request.root).seen_from(request.root)
    gaps = settle(found, {*settings.include, *request.plugins}, settings.exclude)
    if not found.is_backstage:
        # That there is no backend is no problem here; a file that could not be read may be why.
        diagnostics.extend(item for item in found.diagnostics if item.code != "GR800")
        return None, gaps
    diagnostics.extend(found.diagnostics)
    for plugin_id in sorted(set(found.plugins) & set(settings.exclude)):
        diagnostics.add(
            Diagnostic(
                "GR408",
                Severity.INFO,
                f"plugin {plugin_id!r} is added here, and plugins.exclude leaves it out",
                found.plugins[plugin_id].location,
                path="plugins.exclude",
            )
        )
    return found, gaps


def _plugin_ids(request: Request, settings: Settings, database: ConfigMap, discovery: Discovery | None) -> tuple[str, ...]:
    """The plugins to look at: asked for, configured, included and discovered, less the excluded ones."""
    configured = database.get("plugin")
    ids = {*request.plugins, *settings.include, *(configured if isinstance(configured, ConfigMap) else ())}
    if discovery is not None:
        ids.update(discovery.plugins)
    return tuple(sorted(ids - set(settings.exclude)))


def with_fragment(project: Project) -> Project:
    """The project with the generated fragment as its last ``--config``, the way Backstage gets it.

    Where no fragment was generated the project is returned as it is: its app-config may name everything itself.
    """
    fragment = project.layout.app_config
    if fragment is None or not fragment.is_file():
        return project
    # The APP_CONFIG_* variables are a layer as well; they are read again.
    files = [layer.target for layer in project.config.layers if layer.path not in ("", "env")]
    config = load_config(
        root=project.request.root,
        config=[*files, fragment_target(project.settings, project.config.layers, project.layout, fragment)],
        environ=project.environ,
        placeholders=project.request.placeholders,
        skips_others=project.request.skips_others,
    )
    known = list(project.diagnostics)  # the other files were read before
    project.diagnostics.extend(item for item in config.diagnostics if item not in known)
    reader = ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers)
    database = _merged_database(reader)
    return project._replace(
        config=config,
        reader=reader,
        database=database,
        # The fragment names its plugins; nobody has to name them again.
        plugin_ids=tuple(
            sorted({*_plugin_ids(project.request, project.settings, database, project.discovery), *project.kept.plugins})
        ),
    )
