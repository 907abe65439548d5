"""The targets there are. A new one is a new folder, its schema under ``targets`` in the settings, and one line here."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.targets.base import Target


class TargetEntry(NamedTuple):
    """One line of the mapping: where the target's code is, and what has to be known of it before that is imported.

    ``default_path``: where its output goes below ``--out``. ``is_single_file``: the target writes one file, and its path is
    that file. ``by_default``: it is generated where nobody says which targets. ``is_app_config``: what it writes is for
    Backstage to read after the app-config it was made from. ``stack_plugins``: it divides plugins into stacks, and new
    plugins go into one until it has so many. ``creates_extensions``: it makes the extensions that plugins need.
    ``makes_pairs``: it creates the two logins of a role whose password rotates (``credentials.rotation: pair``).
    ``formats`` are the default paths of formats that have another one.
    """

    module: str
    default_path: str
    is_single_file: bool = False
    by_default: bool = True
    is_app_config: bool = False
    stack_plugins: int | None = None
    creates_extensions: bool = True
    makes_pairs: bool = True
    formats: Mapping[str, str] = MappingProxyType({})

    def path_for(self, options: Mapping[str, Any]) -> str:
        """Where its output goes below ``--out`` with these settings of the target."""
        return self.formats.get(str(options.get("format")), self.default_path)

    def load(self) -> Target:
        """The target (its module's ``TARGET``), imported now."""
        return cast("Target", import_module(self.module).TARGET)


#: By the name that ``--target`` takes. A stack of CloudFormation has a secret, a database and an output for each plugin, of
#: 500 resources and 200 outputs that a template may have.
TARGETS: Final = {
    "terraform": TargetEntry("generator.targets.terraform", "terraform"),
    "cloudformation": TargetEntry(
        "generator.targets.cloudformation",
        "cloudformation",
        by_default=False,
        stack_plugins=160,
        creates_extensions=False,
        makes_pairs=False,
    ),
    "sql": TargetEntry("generator.targets.sql", "sql"),
    "app-config": TargetEntry(
        "generator.targets.fragment",
        "app-config.databases.yaml",
        is_single_file=True,
        is_app_config=True,
        formats=MappingProxyType(
            {
                "helm-values": "values.databases.yaml",
                "configmap": "configmap.databases.yaml",
                "rhdh": "configmap.databases.yaml",
            }
        ),
    ),
}
