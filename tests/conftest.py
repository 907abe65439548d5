"""What holds for every test: the machine's environment stays out, a skip says why."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fuzzing import Fuzzing
from real_applies import RealApplies

if TYPE_CHECKING:
    from collections.abc import Generator

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "tools"))

#: Variables of the developer's shell that greenroom, Backstage or libpq would read.
OUTSIDE = ("APP_CONFIG_", "BACKSTAGE_", "POSTGRES_", "DATABASE_URL", "PG", "FORCE_COLOR", "CLICOLOR", "NO_COLOR", "COLUMNS")


def pytest_configure(config: pytest.Config) -> None:
    """Give every test, and every process it starts, the same environment on every machine."""
    for name in list(os.environ):
        if name.startswith(OUTSIDE):
            del os.environ[name]
    # Terraform reads mirrors, credentials and plugin caches from here; a file that is named but missing is an error.
    empty = Path(tempfile.gettempdir()) / f"greenroom-empty-{os.getuid()}.tfrc"
    empty.touch()
    os.environ["TF_CLI_CONFIG_FILE"] = str(empty)
    os.environ["CHECKPOINT_DISABLE"] = "1"
    config.pluginmanager.register(RealApplies())
    config.pluginmanager.register(Fuzzing())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip without a reason is a failure: nobody could tell what was not tested."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ").removeprefix("Skipped").strip()
        if reason in ("", "unconditional skip"):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped without a reason"
    return report


@pytest.fixture(scope="session")
def linters() -> Path:
    """The folder with cfn-lint and checkov, installed on first use."""
    from linters import linters as install
    from setup_venv import SetupError

    try:
        return install()
    except SetupError as error:
        pytest.skip(f"cfn-lint and checkov cannot be installed: {str(error).splitlines()[-1]}")
