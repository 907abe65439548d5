"""The templates that every Backstage repository starts from."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from generator.backstage.repository import Confidence, discover

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("discover")]

# What a person reads in the entry files.
EARLIER = {"app", "auth", "catalog", "kubernetes", "permission", "proxy", "scaffolder", "search", "techdocs"}
SINCE_0_7_2 = EARLIER | {"notifications", "signals"}
SINCE_0_8 = SINCE_0_7_2 | {"mcp-actions"}
SINCE_0_9 = SINCE_0_8 | {"user-settings"}


def rendered(template: Path, target: Path) -> Path:
    """The template as create-app writes it, as far as a backend is concerned: ``{{ version 'x' }}`` is any version."""
    shutil.copytree(template, target)
    for path in target.rglob("*.hbs"):
        path.with_suffix("").write_text(re.sub(r"\{\{[^}]*\}\}", "x", path.read_text()))
        path.unlink()
    return target


def test_create_app(templates: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in templates.iterdir() if (path / "packages/backend").is_dir())
    assert "default-app" in names
    for name in names:
        root = rendered(templates / name, tmp_path / name)
        result = discover(root)
        text = (root / "packages/backend/src/index.ts").read_text()
        expected = next(
            ids
            for word, ids in (
                ("plugin-user-settings-backend", SINCE_0_9),
                ("plugin-mcp-actions-backend", SINCE_0_8),
                ("plugin-notifications-backend", SINCE_0_7_2),
                ("", EARLIER),
            )
            if word in text
        )
        assert set(result.plugins) == expected, name
        assert {found.confidence for found in result.plugins.values()} == {Confidence.HIGH}
        assert not result.unknown
        assert not [item for item in result.diagnostics if item.severity != "info"]
