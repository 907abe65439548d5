"""Keys that nobody reads: misspelt, or a level too high or too low."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.checks import known
from generator.backstage.checks.tls_names import INSIDE, is_tls_name
from generator.backstage.versions import NEWEST, PACKAGE, Behaviour
from generator.documents.values import ConfigMap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.problems.diagnostic import Diagnostics, Location

_ROOT = "backend.database"
_CLOSE = 0.75  # difflib's ratio: one letter in four may differ


def check_keys(merged: ConfigMap, diagnostics: Diagnostics, behaviour: Behaviour = NEWEST) -> None:
    """Report the keys of ``merged`` that mean nothing where they are."""
    since = {known.KEEPALIVE} if behaviour.reads_keepalive else set()
    _settings(merged, _ROOT, known.BASE_AND_KNEX | since, known.BASE | since, diagnostics)
    plugins = merged.get("plugin")
    if not isinstance(plugins, dict):
        return
    for plugin_id, entry in plugins.items():
        if isinstance(entry, ConfigMap):
            _settings(entry, f"{_ROOT}.plugin.{plugin_id}", known.PLUGIN, known.PLUGIN, diagnostics)


def report_include(key: str, place: Location | None, path: str, diagnostics: Diagnostics) -> None:
    """Report ``{$secret: …}`` and other includes that Backstage does not know."""
    diagnostics.error(
        "GR215",
        f"there is no include {key!r}",
        place,
        path=path,
        backstage="keeps the object as it is, and whatever wants a text fails",
        hint="${A_VARIABLE} takes a value from the environment, {$file: …} from a file",
    )


def _settings(
    entry: ConfigMap, path: str, accepted: Iterable[str], suggested: Iterable[str], diagnostics: Diagnostics
) -> None:
    for key in entry.keys() - accepted:
        _misplaced_or_unknown(entry, key, path, suggested, diagnostics)
    connection = entry.get("connection")
    if not isinstance(connection, ConfigMap):
        return
    for key in connection.keys() - known.CONNECTION - INSIDE:
        if is_tls_name(key, inside=False):
            continue  # with what it does to the connection: checks/tls.py
        _near_or_fine(connection, key, f"{path}.connection", known.CONNECTION, diagnostics)
    ssl = connection.get("ssl")
    if isinstance(ssl, ConfigMap):
        for key in ssl.keys() - known.SSL:
            if is_tls_name(key, inside=True):
                continue
            _near_or_fine(ssl, key, f"{path}.connection.ssl", known.SSL, diagnostics)


def _misplaced_or_unknown(entry: ConfigMap, key: str, path: str, suggested: Iterable[str], diagnostics: Diagnostics) -> None:
    place = entry.locate_key(key)
    if key.startswith("$"):
        report_include(key, place, f"{path}.{key}", diagnostics)
    elif key in known.CONNECTION_ONLY:
        diagnostics.warning(
            "GR212",
            f"{key!r} belongs inside `connection`",
            place,
            path=f"{path}.{key}",
            backstage="ignores it here",
            hint=f"write it as {path}.connection.{known.ALIASES.get(key, key)}",
        )
    elif key in known.BASE_ONLY and path != _ROOT:
        diagnostics.warning(
            "GR212",
            f"a plugin cannot have its own {key!r}",
            place,
            path=f"{path}.{key}",
            backstage=f"ignores it here and reads {_ROOT}.{key}",
        )
    elif key == known.KEEPALIVE:
        diagnostics.warning(
            "GR211",
            f"there is no setting {key!r} in this version of {PACKAGE}",
            place,
            path=f"{path}.{key}",
            backstage="ignores it: a query a minute keeps a connection of each pool open, whatever it says",
            hint=f"update {PACKAGE} to 0.18.1 or newer, or remove it",
        )
    elif key != "getEnsureSchemaExistsConfig":  # what Backstage reads by mistake, and somebody may count on
        near = _nearest(key, suggested)
        known_here = f"known here: {', '.join(sorted(suggested))}"
        about_tls = f"TLS is set by {path}.connection.ssl" if is_tls_name(key, inside=False) else known_here
        diagnostics.warning(
            "GR211",
            f"there is no setting {key!r}",
            place,
            path=f"{path}.{key}",
            backstage="ignores it",
            hint=f"did you mean {near!r}?" if near else about_tls,
        )


def _near_or_fine(entry: ConfigMap, key: str, path: str, suggested: Iterable[str], diagnostics: Diagnostics) -> None:
    """Drivers take many options that are listed nowhere: only what looks like a slip is reported."""
    if key.startswith("$"):
        report_include(key, entry.locate_key(key), f"{path}.{key}", diagnostics)
        return
    near = _nearest(key, suggested)
    if near:
        diagnostics.warning(
            "GR211",
            f"the driver has no option {key!r}",
            entry.locate_key(key),
            path=f"{path}.{key}",
            backstage="hands it to the driver, which ignores it",
            hint=f"did you mean {near!r}?",
        )


def _nearest(key: str, suggested: Iterable[str]) -> str | None:
    alias = known.ALIASES.get(key)
    names = list(suggested)
    if alias in names:
        return alias
    import difflib

    lower = {name.lower(): name for name in sorted(names)}
    found: list[Any] = difflib.get_close_matches(key.lower().replace("-", ""), list(lower), 1, _CLOSE)
    return lower[found[0]] if found else None
