"""Where the package's own data (``templates``, ``schemas``) lies."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
"""The folder of the package itself."""


def data_folder(name: str) -> Path:
    """The folder ``name``: inside the package when installed from a wheel, beside it in a checkout."""
    installed = PACKAGE / name
    return installed if installed.is_dir() else PACKAGE.parent / name
