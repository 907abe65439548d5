"""Which Terraform, and which providers, the tests apply with: tools/real_terraform.py prints the folder of the providers.

A mirror is a folder as ``terraform providers mirror`` makes one. It is looked for in this order:

1. ``GREENROOM_TERRAFORM_MIRROR``; what is named there counts, whatever is in it;
2. ``.cache/terraform-mirror`` of this checkout;
3. ``greenroom/terraform-mirror`` in the user's cache folder (``XDG_CACHE_HOME``, by default ``~/.cache``), which every
   checkout shares.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).resolve().parent.parent
MIRROR_VARIABLE = "GREENROOM_TERRAFORM_MIRROR"
PROGRAM_VARIABLE = "GREENROOM_TERRAFORM"
REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")


def registry(mirror: Path) -> Path | None:
    """The part of ``mirror`` that has the provider: ``terraform`` and ``tofu`` each make it under a name of their own."""
    found = (mirror / name for name in REGISTRIES)
    return next((path for path in found if (path / "cyrilgdn" / "postgresql").is_dir()), None)


def mirror_folders(environ: Mapping[str, str] = os.environ, project: Path = PROJECT) -> list[Path]:
    """Where a mirror may lie, first choice first."""
    if named := environ.get(MIRROR_VARIABLE):
        return [Path(named)]
    caches = environ.get("XDG_CACHE_HOME") or ""
    # A relative path there is to be ignored, says the XDG Base Directory Specification.
    cache = Path(caches) if Path(caches).is_absolute() else Path(environ.get("HOME") or "/nonexistent") / ".cache"
    return [project / ".cache" / "terraform-mirror", cache / "greenroom" / "terraform-mirror"]


def find_mirror(environ: Mapping[str, str] = os.environ, project: Path = PROJECT) -> Path | None:
    """The first folder with the provider of PostgreSQL, or ``None``."""
    return next((folder for folder in mirror_folders(environ, project) if registry(folder)), None)


def programs() -> list[str]:
    """What can apply the configuration: ``GREENROOM_TERRAFORM`` names one program, else both are tried."""
    named = os.environ.get(PROGRAM_VARIABLE)
    return [named] if named else ["terraform", "tofu"]


def find_program(name: str) -> str | None:
    """The path of ``name``, if it is installed; ``tools/opentofu`` builds one in the checkout."""
    return shutil.which(name) or shutil.which(name, path=str(PROJECT / ".cache" / "opentofu" / "bin"))


if __name__ == "__main__":
    found = find_mirror()
    if found is None:
        sys.exit(f"no provider of PostgreSQL in {' or '.join(map(str, mirror_folders()))}")
    print(found)
