"""What users install: the wheel, the source distribution and an editable checkout all work away from the sources."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from setup_venv import PROJECT, create, run
from wheel import build, install

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

APP_CONFIG = """
backend:
  database:
    client: pg
    connection: {host: db.example, user: portal, password: "${POSTGRES_PASSWORD}"}
"""

#: What `greenroom demo` generates from.
DEMO = {f"examples/quickstart/{name}" for name in ("app-config.yaml", "app-config.production.yaml", "greenroom.yaml")}


@dataclass(frozen=True)
class Distributions:
    """The built files."""

    wheel: Path
    source: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    return Distributions(*build(tmp_path_factory.mktemp("dist")))


def files_below(folder: str) -> set[str]:
    """What git would ship of a folder: no caches, no output of other tools."""
    return {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", "compiled-templates"} & set(path.parts)
    }


def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(built: Distributions) -> None:
    data = files_below("templates") | files_below("schemas") | files_below("docs/lint") | DEMO
    expected = files_below("generator") | {f"generator/{name}" for name in data}
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    compiled = {name for name in names if name.startswith("generator/compiled-templates/")}
    assert names - metadata - compiled == expected
    assert len([name for name in compiled if name.endswith(".py")]) == len(files_below("templates"))
    assert {name.split("/", 1)[1] for name in metadata} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_source_distribution_holds_what_building_and_testing_needs(built: Distributions) -> None:
    with tarfile.open(built.source) as source:
        names = {name.split("/", 1)[1] for name in source.getnames() if "/" in name}
    wanted = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile", "PKG-INFO", "hatch_build.py"}
    for folder in ("generator", "templates", "schemas", "examples", "tests", "tools"):
        wanted |= {name for name in files_below(folder) if not Path(name).name.startswith(".expected-")}
    assert wanted - names == set()
    assert not [name for name in names if name.startswith((".venv", ".cache", ".git/", "dist", "demo-output"))]


@pytest.fixture(scope="session", params=["wheel", "source", "editable"])
def installed(request: pytest.FixtureRequest, built: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a fresh environment outside the checkout, with greenroom installed one way or another."""
    place = tmp_path_factory.mktemp(f"installed from {request.param}")
    if request.param != "editable":
        return install(getattr(built, request.param), place / "venv")
    with tarfile.open(built.source) as archive:
        archive.extractall(place, filter="data")
    (checkout,) = place.glob("greenroom-*")
    checkout = checkout.rename(place / "checkout")
    python = create(place / "venv")
    run(python, "-m", "pip", "install", "--quiet", "--editable", checkout, cwd=place)
    return python.parent


def greenroom(bin_folder: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command away from the checkout, without the checkout on any path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHONPATH")}
    command = [bin_folder / "greenroom", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def test_it_runs_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    """Version, every schema, and a generation that needs the templates of every target."""
    version = greenroom(installed, "--version", cwd=tmp_path)
    assert version.returncode == 0, version.stderr
    assert version.stdout.split()[-1][0].isdigit()

    names = [path.name.removesuffix(".schema.json") for path in (PROJECT / "schemas").glob("*.schema.json")]
    assert names
    for name in names:
        schema = greenroom(installed, "schema", name, cwd=tmp_path)
        assert schema.returncode == 0, schema.stderr
        assert json.loads(schema.stdout) == json.loads((PROJECT / "schemas" / f"{name}.schema.json").read_text())

    (tmp_path / "app-config.yaml").write_text(APP_CONFIG)
    done = greenroom(installed, "generate", "--plugin", "catalog", "--out", "infra", "--verify", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "backstage_plugin_catalog" in (tmp_path / "infra" / "app-config.databases.yaml").read_text()
    assert list((tmp_path / "infra" / "terraform").rglob("*.tf"))
    assert list((tmp_path / "infra" / "sql").glob("*.sql"))


def test_a_wrong_command_is_a_usage_error(installed: Path, tmp_path: Path) -> None:
    done = greenroom(installed, "generat", cwd=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'generate'" in done.stderr


def test_what_is_not_installed_is_named(installed: Path, tmp_path: Path) -> None:
    """The driver is an extra: without it ``preflight`` says what to install, and ends in no traceback."""
    (tmp_path / "app-config.yaml").write_text(APP_CONFIG)
    done = greenroom(installed, "preflight", "--plugin", "catalog", cwd=tmp_path)
    assert done.returncode not in (0, 70)
    assert "psycopg[binary]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_runs_from_the_wheel(built: Distributions, tmp_path: Path) -> None:
    """With the extra it names, `greenroom demo` works on a machine that has never seen the checkout."""
    bin_folder = install(built.wheel, tmp_path / "venv", extra="demo")
    (tmp_path / "elsewhere").mkdir()
    done = greenroom(bin_folder, "demo", cwd=tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    for plugin in ("auth", "catalog", "scaffolder", "search", "techdocs"):
        assert plugin in done.stdout
    assert (tmp_path / "elsewhere" / "demo-output" / "app-config.databases.yaml").is_file()


def test_the_checkout_is_left_as_it_was(built: Distributions) -> None:
    """Building leaves nothing behind in the sources that git would show."""
    git = shutil.which("git")
    if not git or not (PROJECT / ".git").exists():
        pytest.skip("not a git checkout: there is nothing to compare with")
    shown = subprocess.run(
        [git, "status", "--porcelain", "--", "dist", "build", "*.egg-info"], cwd=PROJECT, capture_output=True
    )
    assert shown.stdout == b""
