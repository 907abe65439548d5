"""What the lock file says, as values."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.planning.model import owner_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.pair import Pair

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Names(NamedTuple):
    """Names something had before it was renamed; ``None`` where it was not. ``store`` is where ``secret`` was.

    They stay in the lock file: an artifact has to say the same on every run, and a script that renames has to do so in
    every environment it reaches, however late.
    """

    database: str | None = None
    schema: str | None = None
    role: str | None = None
    store: str | None = None
    secret: str | None = None


_NO_NAMES: Final = Names()


class LockedPlugin(NamedTuple):
    """What was generated for one plugin.

    ``schema`` is ``None`` in database mode; ``group`` is the role that owns what is in a database it shares with others;
    ``stack`` the CloudFormation stack it was put into, if it ever was. ``common``: its role is that of all plugins of the
    server. ``returned``: it was retired once, so that wherever that was applied all it has is there already, under the
    names in ``left``; ``left_as_of`` is the ``Adopted.as_of`` of a list that is older than those names.
    ``secret`` is the name of its password in ``store``, ``None`` where greenroom keeps no password.
    ``former_ids`` are the ids the plugin had before (``plugins.renamed``), oldest first; ``formerly`` are all the names of
    what it has before the present ones, oldest first. ``dropped``: a person has dealt with what the retired plugin left
    (``plugins.dropped``), so its names are free. ``extensions`` are those that were created for it: they stay. ``pair`` is
    where the rotation of its password stands, ``None`` for a role that has only ever logged in by itself.
    """

    label: str
    server: str
    engine: str
    database: str
    schema: str | None
    role: str
    password_version: int
    shared: bool
    group: str | None = None
    renamed_from: Names = _NO_NAMES
    stack: int | None = None
    common: bool = False
    returned: bool = False
    store: str | None = None
    secret: str | None = None
    former_ids: tuple[str, ...] = ()
    dropped: bool = False
    left: Names = _NO_NAMES
    left_as_of: str | None = None
    formerly: tuple[Names, ...] = ()
    extensions: tuple[str, ...] = ()
    pair: Pair | None = None

    @property
    def names(self) -> Names:
        """The names of what it has."""
        return Names(self.database, self.schema, self.role, self.store, self.secret)


class Lock(NamedTuple):
    """The lock file.

    ``plugins`` is what the last run generated, ``retired`` what earlier ones did and nobody wants any more, both by plugin
    id; there is also each place that a plugin has left (:func:`.earlier`). ``files`` maps a target to its
    files: path relative to the lock file's folder, with forward slashes, to SHA-256. ``digest`` is the start of the SHA-256
    of the file that was read. ``environment`` is the one that it is about, ``None`` where an older greenroom wrote it.
    """

    plugins: Mapping[str, LockedPlugin]
    retired: Mapping[str, LockedPlugin] = _NOTHING
    files: Mapping[str, Mapping[str, str]] = _NOTHING
    digest: str | None = None
    environment: str | None = None

    @property
    def known(self) -> dict[str, LockedPlugin]:
        """Every plugin there ever was: what is planned wins over what was retired."""
        return {**self.retired, **self.plugins}

    def of(self, name: str) -> LockedPlugin | None:
        """What ``known`` has under ``name``, without the rest of it: for whoever asks about each of many plugins."""
        return self.plugins.get(name, self.retired.get(name))

    @property
    def latest(self) -> dict[str, LockedPlugin]:
        """By plugin id what was last generated for it: where it is, or else the place it left last."""
        known = self.known
        left = {owner_of(name): plugin for name, plugin in known.items() if owner_of(name) not in known}
        return {**left, **{name: plugin for name, plugin in known.items() if owner_of(name) == name}}

    @property
    def present(self) -> dict[str, LockedPlugin]:
        """Every plugin whose data may be on a server: all that are known, without those whose data a person dropped."""
        return {plugin_id: plugin for plugin_id, plugin in self.known.items() if not plugin.dropped}
