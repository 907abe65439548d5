"""greenroom.yaml: reading and checking it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.documents.documents import parse_document, read_text
from generator.documents.schema import check_schema, schema_text
from generator.documents.schema_quick import conforms
from generator.documents.values import UNDEFINED, ConfigMap
from generator.problems.diagnostic import Diagnostics
from generator.settings.adopted import read_adopted
from generator.settings.environments import (
    DEFAULT,
    check_single,
    environment_names,
    listing,
    of_environment,
    unknown_environment,
)
from generator.settings.model import SHARED_ROLE, SHARED_SECRET, SHARED_VARIABLE, ServerSettings, Settings
from generator.settings.name_template import template_fields
from generator.settings.target_keys import target_name

if TYPE_CHECKING:
    from pathlib import Path

    from generator.problems.diagnostic import Location

FILE_NAME: Final = "greenroom.yaml"

#: How deep the keys are that have values of their own: environments.staging.targets.cloudformation.parameters.
_DEEPEST: Final = 6
_ODD: Final = re.compile("[\0\ud800-\udfff]")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class SettingsFile(NamedTuple):
    """A settings file as it was read: ``data`` is what of it is as the schema wants it, ``None`` where nothing was read.

    ``path`` is ``None`` where there is no file, and everything has its default. ``folder`` is where relative paths start.
    """

    folder: Path
    path: Path | None = None
    data: ConfigMap | None = None
    complete: bool = True

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of several environments; none where the file is about one."""
        return environment_names(self.data) if self.data is not None else ()

    @property
    def environment(self) -> str:
        """The name of the only environment."""
        return str(self.data.get("environment", DEFAULT)) if self.data is not None else DEFAULT


def read_settings(path: Path | None, *, root: Path, diagnostics: Diagnostics, environment: str | None = None) -> Settings:
    """The settings from ``path``, else from ``greenroom.yaml`` in ``root`` when it is there, else the defaults.

    ``environment`` is one of the file's ``environments``. Every problem is reported; the settings returned then hold the
    defaults in the places of what is wrong, and are not ``complete``.
    """
    return settings_of(read_file(path, root=root, diagnostics=diagnostics), environment, diagnostics)


def read_file(path: Path | None, *, root: Path, diagnostics: Diagnostics) -> SettingsFile:
    """The settings file at ``path``, else ``greenroom.yaml`` in ``root``; what is wrong with it as a file is reported."""
    found = Diagnostics()
    file = _read(path, root, found)
    diagnostics.extend(found.items)
    return file._replace(complete=not found.has_errors)


def _read(path: Path | None, root: Path, diagnostics: Diagnostics) -> SettingsFile:
    if path is None:
        path = root / FILE_NAME
        if not path.exists():
            return SettingsFile(root)
    text = read_text(path, diagnostics)
    if text is None:
        return SettingsFile(root)
    shown = str(path)
    data = parse_document(text, shown, diagnostics)
    if data is None or data is UNDEFINED:
        data = ConfigMap()
    if _has_odd_text(data, "", diagnostics):
        return SettingsFile(path.parent, path)
    if not check_schema("settings", data, shown, diagnostics):
        data = _usable(data)
    check_single(data, shown, diagnostics)
    return SettingsFile(path.parent, path, data)


def settings_of(file: SettingsFile, environment: str | None, diagnostics: Diagnostics) -> Settings:
    """The settings of ``environment``, which may be ``None`` where ``file`` is about one.

    A name that the file does not have, and none where it has several, is an error (GR451).
    """
    found = Diagnostics()
    settings = _settings_of(file, environment, found)
    diagnostics.extend(found.items)
    return settings._replace(complete=file.complete and not found.has_errors)


def _settings_of(file: SettingsFile, environment: str | None, diagnostics: Diagnostics) -> Settings:
    names = file.environments
    wanted = environment or (names[0] if len(names) == 1 else None)
    if names and wanted is None:
        diagnostics.error(
            "GR451",
            f"{file.path} has several environments, and none was chosen",
            hint=f"choose one: {listing(names)}",
        )
    elif file.complete and wanted not in (None, *(names or (file.environment,))):
        known = names or (file.environment,)
        diagnostics.error(
            "GR451",
            f"{unknown_environment(str(wanted), known)}",
            hint=f"{file.path or FILE_NAME} names them: `environments`, or `environment` where there is one",
        )
    if file.data is None:
        if file.path is None and file.complete:
            return Settings(folder=file.folder, adopt=read_adopted({}, None, file.folder, diagnostics))
        return Settings(folder=file.folder, path=None if file.path is None else str(file.path))
    assert file.path is not None
    chosen = wanted if wanted in names else None
    data = file.data if chosen is None else of_environment(file.data, chosen)
    settings = _build(data, file.path, names if chosen else (), diagnostics)
    _check_templates(settings, diagnostics)
    return settings


def _usable(data: Any) -> ConfigMap:
    """What of ``data`` is as the schema wants it: one wrong value must not make the rest look as if it were not there."""
    schema = json.loads(schema_text("settings"))

    def part(value: ConfigMap, around: tuple[str, ...]) -> ConfigMap:
        kept = ConfigMap()
        for key, item in value.items():
            whole: Any = {key: item}
            for name in reversed(around):
                whole = {name: whole}
            if isinstance(item, ConfigMap) and not conforms(schema, whole):
                item = part(item, (*around, key)) if len(around) < _DEEPEST else ConfigMap()
            elif not conforms(schema, whole):
                continue
            if item or not isinstance(item, ConfigMap):
                kept[key] = item
                if (mark := value.marks.get(key)) is not None:
                    kept.marks[key] = mark
        return kept

    return part(data, ()) if isinstance(data, ConfigMap) else ConfigMap()


def _has_odd_text(value: Any, path: str, diagnostics: Diagnostics) -> bool:
    """Whether a text in the settings holds what no file, no name and no server takes (GR424)."""
    found = False
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        inner = f"{path}.{key}" if path else str(key)
        if any(isinstance(text, str) and _ODD.search(text) for text in (key, item)):
            diagnostics.error(
                "GR424",
                "a NUL or half a character cannot be in a setting",
                value.locate(key),
                path=inner,
                hint="write the characters themselves, without the escape",
            )
            found = True
        found = _has_odd_text(item, inner, diagnostics) or found
    return found


def _build(data: ConfigMap, path: Path, environments: tuple[str, ...], diagnostics: Diagnostics) -> Settings:
    credentials = data.get("credentials", {})
    delivery = credentials.get("delivery", {})
    plugins = data.get("plugins", {})
    targets = {target_name(key): entry or {} for key, entry in data.get("targets", {}).items()}
    mode = credentials.get("mode", "per-plugin")
    values: dict[str, Any] = {
        "app_config": _strings(data.get("appConfig")),
        "environment": data.get("environment"),
        "out": data.get("out"),
        "database_manager": data.get("backstage", {}).get("databaseManager"),
        "backend_defaults": data.get("backstage", {}).get("backendDefaults"),
        "discover": plugins.get("discover"),
        "include": _strings(plugins.get("include")),
        "exclude": _strings(plugins.get("exclude")),
        "renamed": plugins.get("renamed"),
        "dropped": _strings(plugins.get("dropped")),
        "extensions": plugins.get("extensions"),
        "moved": plugins.get("moved"),
        "renames_applied": plugins.get("renamesApplied"),
        "role_name": credentials.get("roleName"),
        "store": credentials.get("store"),
        "secret_name": credentials.get("secretName"),
        "delivery_env": delivery.get("env"),
        "delivery_file": delivery.get("file"),
        "rotation": credentials.get("rotation"),
        "password_versions": credentials.get("passwordVersions"),
        "iam": credentials.get("iam"),
        "ignore": tuple((entry["code"], entry.get("file")) for entry in data.get("ignore", ())),
        "values": {name: _text(value) for name, value in data.get("values", {}).items()},
        "env_files": tuple(path.parent / name for name in data.get("envFiles", ())),
        "templates": path.parent / data["templates"] if "templates" in data else None,
        "tags": data.get("tags"),
    }
    if mode == "shared":
        values["role_name"] = values["role_name"] or SHARED_ROLE
        values["secret_name"] = values["secret_name"] or SHARED_SECRET[0]
        values["delivery_env"] = values["delivery_env"] or SHARED_VARIABLE[0]
    return Settings(
        folder=path.parent,
        path=str(path),
        credentials_mode=mode,
        environments=environments,
        adopt=read_adopted(
            data.get("adopt") or {}, path, path.parent, diagnostics, data["environment"] if environments else None
        ),
        servers={name: ServerSettings(**(entry or {})) for name, entry in data.get("servers", {}).items()},
        targets={name: options.get("path") for name, options in targets.items()},
        target_options=targets,
        locations=_locations(data) | _entries(data, "ignore", "code"),
        **{key: value for key, value in values.items() if value is not None},
    )


def _strings(values: Any) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _text(value: str | int | bool) -> str:
    """A variable is text, however YAML reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _locations(data: ConfigMap, prefix: str = "") -> dict[str, Location]:
    found: dict[str, Location] = {}
    for key, value in data.items():
        location = data.locate(key)
        if location:
            found[prefix + key] = location
        if isinstance(value, ConfigMap):
            found.update(_locations(value, f"{prefix}{key}."))
    return found


def _entries(data: ConfigMap, key: str, inner: str) -> dict[str, Location]:
    """Where ``inner`` is in each entry of the list at ``key``: under ``key[0]``, ``key[1]`` and so on."""
    places = {f"{key}[{number}]": entry.locate(inner) for number, entry in enumerate(data.get(key, ()))}
    return {name: place for name, place in places.items() if place is not None}


def _check_templates(settings: Settings, diagnostics: Diagnostics) -> None:
    """A name template has to tell plugins apart, unless they share what it names, and may only use the fields there are."""
    plugin = {"plugin"} if settings.credentials_mode != "shared" else set()
    variable_of_plugin = {name.upper() for name in plugin}
    known_fields = plugin | {"environment", "server"}
    checks = [
        # Where plugins sign in with the cloud's identities, it depends on the cloud whether each has its own.
        ("credentials.roleName", settings.role_name, known_fields, plugin if settings.credentials_mode != "iam" else set()),
        ("credentials.secretName", settings.secret_name, known_fields, plugin),
        ("credentials.delivery.env", settings.delivery_env, variable_of_plugin | {"SERVER"}, variable_of_plugin),
    ]
    if settings.delivery_file:
        checks.append(("credentials.delivery.file", settings.delivery_file, known_fields, plugin))
    for path, template, known, needed in checks:
        location = settings.locations.get(path)
        fields = template_fields(template)
        for unknown in sorted(fields - known):
            import difflib

            near = difflib.get_close_matches(unknown, known, 1)
            diagnostics.error(
                "GR402",
                f"the name template uses {{{unknown}}}, which does not exist",
                location,
                path=path,
                hint=f"use {{{near[0]}}}" if near else f"there is {', '.join(f'{{{name}}}' for name in sorted(known))}",
            )
        if needed and not needed & fields:
            diagnostics.error(
                "GR403",
                f"the name template has no {{{min(needed)}}}, so every plugin would get the same name",
                location,
                path=path,
                hint=f"write {{{min(needed)}}} where the plugin id belongs",
            )
    variable = re.sub(r"\{[A-Za-z]*\}", "X", settings.delivery_env)
    if not _VARIABLE.match(variable):
        diagnostics.error(
            "GR404",
            "credentials.delivery.env does not make a name of an environment variable",
            settings.locations.get("credentials.delivery.env"),
            path="credentials.delivery.env",
            hint="letters, digits and underscores, not starting with a digit: BACKSTAGE_DB_{PLUGIN}_PASSWORD",
        )
