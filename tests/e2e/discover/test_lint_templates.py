"""The templates every Backstage repository starts from have nothing to complain about, in production too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_create_app import rendered

from generator import Request
from generator.lint import lint

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("discover")]


def test_create_app_is_clean(templates: Path, tmp_path: Path) -> None:
    for template in sorted(path for path in templates.iterdir() if (path / "packages/backend").is_dir()):
        root = rendered(template, tmp_path / template.name)
        base, production = str(root / "app-config.yaml"), str(root / "app-config.production.yaml")
        for config, driver in (([base], "better-sqlite3"), ([base, production], "pg")):
            report = lint(Request(root=root, config=config, environ={}))
            assert not [finding.diagnostic.render() for finding in report.findings]
            (drivers,) = report.drivers
            assert [(item.package, item.state) for item in drivers.drivers] == [(driver, "declared")]
            assert not drivers.command
