"""The names Terraform can manage. One rule, checked twice: by greenroom (GR611), and by the modules it generates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from generator.engines import ENGINES
from generator.targets.terraform.inputs import optional, required, texts
from generator.targets.terraform.shape import ENGINE, MYSQL

if TYPE_CHECKING:
    from generator.targets.terraform.hcl import Variable


class Names(NamedTuple):
    """What names may be: a regular expression that Python and Terraform read alike, and the same in words."""

    pattern: str
    allowed: str

    def one(self, name: str, description: str) -> Variable:
        """A variable that takes such a name."""
        return required(name, description, f"^{self.pattern}$", f"{self.allowed}.")

    def several(self, name: str, description: str) -> Variable:
        """A variable that takes a set of such names."""
        return texts(name, description, f"^{self.pattern}$", f"Each of them {self.allowed}.")

    def perhaps(self, name: str, description: str) -> Variable:
        """A variable that takes such a name, or null."""
        return optional(name, description, f"^{self.pattern}$", f"Null, or {self.allowed}.")


NAMES: Final = {
    engine: Names(
        f"[A-Za-z0-9_-]{{1,{ENGINES[engine].database_limit}}}",
        f"1 to {ENGINES[engine].database_limit} letters, digits, underscores and dashes",
    )
    for engine in (ENGINE, MYSQL)
}
#: A role of a cloud may be a service account of Google.
CLOUD_ROLES: Final = Names("[A-Za-z0-9_.@-]{1,63}", "1 to 63 letters, digits and _.@-")
