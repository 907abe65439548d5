"""The process that asks the features: it ends, whatever they leave behind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from generator.backstage.repository import exact

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_a_package_starts_and_leaves_does_not_keep_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "TIMEOUT", 1.0)
    started = time.monotonic()
    output, _ = exact._communicate(["/bin/sh", "-c", "sleep 60 & echo said"], "", tmp_path)
    assert output == "said\n"
    assert time.monotonic() - started < 30
