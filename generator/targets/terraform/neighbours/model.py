"""What may be declared once only in a folder of Terraform files."""

from __future__ import annotations

from typing import Final, NamedTuple

#: Blocks with labels, and how many; the labels are what must not be there twice.
LABELLED: Final = {"module": 1, "variable": 1, "output": 1, "check": 1, "resource": 2, "data": 2, "ephemeral": 2}


#: Blocks about an address, and the argument that has it.
ADDRESSED: Final = {"removed": "from", "import": "to", "moved": "from"}


class Declared(NamedTuple):
    """Something that may be declared once only: what it is (``module``), its name, and where."""

    kind: str
    name: str
    file: str
    line: int = 0
