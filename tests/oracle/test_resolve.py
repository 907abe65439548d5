"""What greenroom resolves for a plugin, compared with the real Backstage, field by field, errors included."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from backstage_packages import UnavailableError, packages
from hypothesis import HealthCheck, given, settings
from resolve_oracle import Backstage, differences, greenroom
from resolve_strategies import Case, cases

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
EXAMPLES = int(os.environ.get("GREENROOM_ORACLE_EXAMPLES", "200"))
FACTS = yaml.safe_load((PROJECT / "tests" / "unit" / "backstage" / "facts.yaml").read_text(encoding="utf-8"))

random_cases = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="session")
def extra_packages(oracle_dir: Path) -> Path:
    """The packages for signing in to clouds, and Backstage's old managers."""
    try:
        return packages("clouds", oracle_dir.name.removeprefix("oracle-"))
    except UnavailableError as error:
        if os.environ.get("GREENROOM_REQUIRE_ORACLE"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def backstage(oracle_dir: Path, extra_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backstage]:
    """The real packages, one process for all questions of this module."""
    process = Backstage(oracle_dir, tmp_path_factory.mktemp("case"), extra_packages / "node_modules")
    yield process
    process.close()


def compare(backstage: Backstage, case: Case, manager: str = "current", legacy: Path | None = None) -> None:
    """Fail with every difference, and with what reproduces it."""
    theirs = backstage.ask(case, manager, legacy)
    mine, error = greenroom(case, backstage.folder, manager, backstage.behaviour)
    if "error" in theirs:
        found = [] if error else [f"loading\n    greenroom {error}\n    backstage {theirs['error']}"]
    else:
        found = differences(case, mine, theirs)
    if found:
        files = [f"# {name}\n{text}" for name, text in case.texts().items()]
        pytest.fail("\n".join([f"{manager}:", *found, *files, f"environment: {case.environ}"]), pytrace=False)


@settings(random_cases, max_examples=EXAMPLES)
@given(case=cases())
def test_random_configurations(backstage: Backstage, case: Case) -> None:
    compare(backstage, case)


@pytest.mark.parametrize(("manager", "version"), [("plugin-connection", "0.8.10"), ("single-connection", "0.8.0")])
def test_random_configurations_with_an_old_manager(
    backstage: Backstage, extra_packages: Path, manager: str, version: str
) -> None:
    @settings(random_cases, max_examples=max(50, EXAMPLES // 4))
    @given(case=cases())
    def run(case: Case) -> None:
        compare(backstage, case, manager, extra_packages / "vendor" / f"backend-common-{version}")

    run()


@pytest.mark.parametrize("fact", FACTS, ids=[fact["fact"] for fact in FACTS])
def test_measured_facts(backstage: Backstage, extra_packages: Path, fact: dict[str, Any]) -> None:
    """What the unit tests expect of each fact is what the real Backstage does."""
    names = ("app-config.yaml", "app-config.production.yaml", "app-config.local.yaml")
    layers = {
        name: {"backend": {"database": layer}} for name, layer in zip(names, fact.get("layers", []), strict=False)
    } or {"app-config.yaml": fact["root"]}
    case = Case(layers, fact.get("env", {}), (fact.get("plugin", "catalog"),))
    manager = fact.get("manager", "current")
    version = {"plugin-connection": "0.8.10", "single-connection": "0.8.0"}.get(manager)
    compare(backstage, case, manager, extra_packages / "vendor" / f"backend-common-{version}" if version else None)
