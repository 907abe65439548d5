"""Variables of app-config that have no value here: said once each, with where they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from generator.backstage.config.loader import load_config
from generator.backstage.config.reader import ConfigError, ConfigReader
from generator.documents.values import ConfigMap, Placeholder
from generator.problems.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.problems.diagnostic import Location
    from generator.run.project import Project

_ROOT: Final = "backend.database"
#: What leads to the server, and what node-postgres takes where the key is dropped.
_LEADING: Final = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER"}
#: The checks that fail without the right server, and without the right user.
_ADDRESS: Final = frozenset({"reachable"})
_LOGIN: Final = frozenset({"login"})


@dataclass(frozen=True, slots=True)
class Missing:
    """A variable without a value: the key it is written in, and where."""

    variable: str
    path: str
    location: Location | None


@dataclass(frozen=True, slots=True)
class Unset:
    """``database`` is the merged ``backend.database`` with its references, ``environment`` the variables of the run."""

    database: ConfigMap = field(default_factory=ConfigMap, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def leading(self, plugin_id: str) -> list[Missing]:
        """The variables without which a plugin connects to another server, or as nobody."""
        postgres = self.database.get("client") == "pg"
        found: list[Missing] = []
        for key, fallback in _LEADING.items():
            if not (postgres and self.environment.get(fallback)):
                found += self._of(plugin_id, key)
        return found

    def password(self, plugin_id: str) -> list[Missing]:
        """The variables of the password that a plugin would log in with."""
        return self._of(plugin_id, "password")

    def consequences(self, plugin_id: str) -> dict[Missing, frozenset[str]]:
        """The checks that fail because of each of those variables."""
        leading = self.leading(plugin_id)
        found = {item: _LOGIN if item.path.endswith(".user") else _ADDRESS for item in leading}
        if _ADDRESS in found.values():  # whether there is such a user, the right server has to say
            return {item: checks | _ADDRESS for item, checks in found.items()}
        return found

    def diagnostics(self, failed: Mapping[str, frozenset[str]]) -> Iterator[Diagnostic]:
        """Each variable that leads nowhere, once (GR734): a warning where none of what follows from it is what ``failed``.

        Args:
            failed: plugin id to the names of its checks that failed and are not said themselves.
        """
        broken: set[str] = set()
        said: dict[str, list[Missing]] = {}
        for plugin_id, checks in failed.items():
            for item, consequences in self.consequences(plugin_id).items():
                broken |= {item.variable} if consequences & checks else set()
                places = said.setdefault(item.variable, [])
                if item not in places:
                    places.append(item)
        for variable, places in said.items():
            keys = ", ".join(item.path for item in places)
            yield Diagnostic(
                "GR734",
                Severity.ERROR if variable in broken else Severity.WARNING,
                f"{variable} is not set",
                places[0].location,
                path=keys,
                backstage="drops the key and takes the driver's default (localhost, 5432, the user of the process)",
                hint=f"set {variable} where Backstage runs, and here: in the environment or with --env-file",
            )

    def _of(self, plugin_id: str, key: str) -> list[Missing]:
        own = _map(_map(self.database.get("plugin")).get(plugin_id)).get("connection")
        places = [(own, f"{_ROOT}.plugin.{plugin_id}.connection"), (self.database.get("connection"), f"{_ROOT}.connection")]
        for connection, path in places:
            value = _map(connection).get(key)
            if value is None:
                continue
            if not isinstance(value, Placeholder):
                return []
            names = [item.name for item in value.references if item.kind == "env"]
            return [Missing(name, f"{path}.{key}", _map(connection).locate(key)) for name in names]
        return []


def find_unset(project: Project) -> Unset:
    """What of ``project``, which was loaded as Backstage would, waits for a variable."""
    files = [layer.target for layer in project.config.layers if layer.path not in ("", "env")]
    config = load_config(root=project.request.root, config=files, environ=project.environ, placeholders="keep")
    reader = ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers)
    try:
        value: Any = reader.get_optional(_ROOT)
    except ConfigError:
        value = None
    return Unset(_map(value), project.environ)


def _map(value: Any) -> ConfigMap:
    return value if isinstance(value, ConfigMap) else ConfigMap()
