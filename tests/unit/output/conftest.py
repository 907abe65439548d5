"""Every test here starts from the same old tree and the usual umask."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from trees import Case, make_case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """The old tree, and what it becomes."""
    return make_case(tmp_path)


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    old = os.umask(0o022)
    yield
    os.umask(old)
