"""What a user may decide. Everything has a default."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from generator.stores.names import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from generator.problems.diagnostic import Location

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


#: The names of what all plugins of a server share, where the settings say nothing else: of the first server, of others.
SHARED_ROLE: Final = "backstage"
SHARED_SECRET: Final = ("backstage/{environment}/database", "backstage/{environment}/database/{server}")
SHARED_VARIABLE: Final = ("BACKSTAGE_DB_PASSWORD", "BACKSTAGE_DB_{SERVER}_PASSWORD")


class Adopted(NamedTuple):
    """What a server has already and greenroom is to adopt. A schema is a database's name and its own.

    ``secrets`` are roles whose secret the store has already, each with the password version whose password it holds: that
    one is kept; with 0 there is a secret, and its password is of no use any more. ``renamed`` is what the server calls
    otherwise than the plan does: a kind and the planned name, and the name there. ``as_of`` is the start of the SHA-256 of
    the lock file beside which ``greenroom adopt`` made the list: what became of a plugin later, only the lock file knows.
    """

    server: str
    databases: tuple[str, ...] = ()
    schemas: tuple[tuple[str, str], ...] = ()
    roles: tuple[str, ...] = ()
    secrets: tuple[tuple[str, int], ...] = ()
    renamed: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    as_of: str | None = None

    def there(self, kind: str, *names: str) -> tuple[str, ...]:
        """What the server calls the ``database``, ``schema`` or ``role`` that is planned as ``names``."""
        return dict(self.renamed).get((kind, *names), names)


class ServerSettings(NamedTuple):
    """One entry of ``servers``: its kind, and the host (and port) by which it is recognised."""

    kind: str = "existing"
    host: str | None = None
    port: int | None = None


class Settings(NamedTuple):
    """The settings of a run. ``folder`` is where relative paths start; ``targets`` maps a target's name to its path, and
    ``target_options`` to what else is set for it, as it was written.

    ``renamed`` maps the old id of a plugin to its new one; ``dropped`` are plugins whose data a person has dropped.
    ``extensions`` are those that a plugin's migrations create, where the settings say so.
    ``moved`` maps a plugin to the place it has left, ``renames_applied`` an old name to its new one.
    ``credentials_mode`` is ``per-plugin``, ``shared`` or ``iam``; ``iam`` the cloud whose sign-in an existing server takes.
    ``ignore`` are codes of warnings that somebody has looked at, each in one file or (``None``) in all of them.
    ``values`` and ``env_files`` are variables that are known when generating.
    ``adopt`` is what is there already and is to be taken over, ``templates`` a folder of templates that replace greenroom's.
    ``environments`` are the names of all environments of the file, none where it is about one; ``out`` is the folder of this
    one among them.
    ``complete`` is false where the file has errors: what it does not say, a reader cannot know.
    """

    folder: Path
    path: str | None = None
    app_config: tuple[str, ...] = ()
    environment: str = "production"
    environments: tuple[str, ...] = ()
    out: str | None = None
    database_manager: Literal["current", "plugin-connection", "single-connection"] = "current"
    backend_defaults: str | None = None
    discover: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    renamed: Mapping[str, str] = _NOTHING
    dropped: tuple[str, ...] = ()
    extensions: Mapping[str, Sequence[str]] = _NOTHING
    moved: Mapping[str, str] = _NOTHING
    renames_applied: Mapping[str, str] = _NOTHING
    role_name: str = "backstage_{plugin}"
    store: str = DEFAULT
    secret_name: str = "backstage/{environment}/database/{plugin}"  # noqa: S105 - the name of a secret, not a secret
    delivery_env: str = "BACKSTAGE_DB_{PLUGIN}_PASSWORD"
    delivery_file: str | None = None
    rotation: Literal["in-place", "pair"] = "in-place"
    password_versions: Mapping[str, int] = _NOTHING
    credentials_mode: str = "per-plugin"
    iam: str | None = None
    adopt: tuple[Adopted, ...] = ()
    ignore: tuple[tuple[str, str | None], ...] = ()
    values: Mapping[str, str] = _NOTHING
    env_files: tuple[Path, ...] = ()
    templates: Path | None = None
    tags: Mapping[str, str] = _NOTHING
    servers: Mapping[str, ServerSettings] = _NOTHING
    targets: Mapping[str, str | None] = _NOTHING
    target_options: Mapping[str, Mapping[str, Any]] = _NOTHING
    locations: Mapping[str, Location] = _NOTHING
    complete: bool = True

    @property
    def one_of_several(self) -> str | None:
        """The name of the environment, where the file has several."""
        return self.environment if self.environments else None
