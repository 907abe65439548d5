"""Bad configurations: what is said about each, word for word, and what Backstage would say (``cases.json``)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from generator.backstage.config.loader import load_config
from generator.documents import files as files_module
from generator.documents.env_files import parse_env_text, read_env_files
from generator.problems.diagnostic import Diagnostics

CASES = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(*config: str, mode: Any = "keep", **environ: str) -> list[str]:
    loaded = load_config(root=Path(), config=config, environ=environ, placeholders=mode)
    assert loaded.error
    return [item.render().split("\n")[0] for item in loaded.diagnostics]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_said(folder: Path, case: dict[str, Any]) -> None:
    for name, content in case["files"].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else bytes.fromhex(content["hex"]))
    loaded = load_config(
        root=Path(),
        config=case.get("config", ()),
        environ=case.get("environ", {}),
        placeholders=case.get("placeholders", "keep"),
    )
    said = [item.render().replace(str(folder), "<folder>") for item in loaded.diagnostics]
    assert [text.split("\n") for text in said] == case["problems"]
    assert (loaded.error or "").replace(str(folder), "<folder>") == (case["error"] or "")
    assert "hunter2" not in f"{said} {loaded.error}"


def test_all_problems_of_all_files_are_in_one_report(folder: Path) -> None:
    (folder / "app-config.yaml").write_text("a: {$include: part.yaml}\nb: {$env: X, c: 1}\nd: {$file: 1}\n")
    (folder / "part.yaml").write_text("a: 1\na: 2\n")
    (folder / "app-config.local.yaml").write_text("x: @y\n")
    (folder / "app-config.test.yaml").write_text("- a\n")
    assert problems(BACKSTAGE_ENV="test", APP_CONFIG_1="x") == [
        "APP_CONFIG_1 error[GR114] Invalid env config key '1'",
        "app-config.local.yaml:1:4 error[GR104] not valid YAML: a value cannot start with @, ` or %",
        "app-config.test.yaml:1:1 error[GR106] the file holds a list or a single value, not keys and values",
        "app-config.yaml:1:4 error[GR111] a: $include part.yaml: the file cannot be parsed",
        "app-config.yaml:2:4 error[GR110] b: $env stands beside other keys (c)",
        "app-config.yaml:3:4 error[GR110] d: the value of $file is not a text",
        "part.yaml:2:1 error[GR105] the key a is already in this mapping (line 1)",
    ]


def test_a_thousand_duplicate_keys_do_not_fill_the_screen(folder: Path) -> None:
    (folder / "app-config.yaml").write_text("a: 1\n" * 1000)
    assert len(problems()) == 100


@pytest.mark.parametrize("reference", ["$include", "$file"])
@pytest.mark.parametrize("target", ["pipe.yaml", "/dev/zero"])
def test_pipes_and_devices_are_not_read(folder: Path, reference: str, target: str) -> None:
    if reference == "$include" and target == "/dev/zero":
        (folder / "zero.yaml").symlink_to("/dev/zero")
        target = "zero.yaml"
    os.mkfifo(folder / "pipe.yaml")
    (folder / "app-config.yaml").write_text(f"a: {{{reference}: {target}}}\n")
    start = time.monotonic()
    # A file outside the repository is only read where Backstage runs.
    (said,) = problems(mode="backstage")
    assert time.monotonic() - start < 60
    assert said == (
        f"app-config.yaml:1:4 error[{'GR111' if reference == '$include' else 'GR102'}] a: {reference} {target}: {target}: "
        "it is not a regular file (a pipe, socket or device)"
    )


def test_a_pipe_as_config_file_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "app-config.yaml")
    assert problems() == [
        "app-config.yaml error[GR102] cannot read app-config.yaml: it is not a regular file (a pipe, socket or device)"
    ]


def test_a_huge_file_is_not_read(folder: Path) -> None:
    with (folder / "huge.pem").open("wb") as handle:
        handle.truncate(files_module.MAX_BYTES + 1)  # a file with a hole: takes no space
    (folder / "app-config.yaml").write_text("a: {$file: huge.pem}\n")
    assert problems() == ["app-config.yaml:1:4 error[GR102] a: $file huge.pem: huge.pem: it is larger than 32 MiB"]


def test_a_circle_of_links(folder: Path) -> None:
    (folder / "app-config.yaml").symlink_to("app-config.yaml")
    # As Node's pathExists, the lookup does not mind; reading does.
    (said,) = problems("app-config.yaml")
    assert said == "app-config.yaml error[GR102] cannot read app-config.yaml: too many levels of symbolic links"


def test_a_file_of_somebody_else() -> None:
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no users to be somebody else")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        if any(path.stat().st_mode & 0o005 != 0o005 for path in folder.parents):
            pytest.skip("nobody else may look into the folder for temporary files")
        folder.chmod(0o755)
        (folder / "app-config.yaml").write_text("a: 1\n")
        (folder / "app-config.yaml").chmod(0)
        said = _said_to_somebody_else(folder)
    assert said == [
        "Error: EACCES: permission denied, open '<folder>/app-config.yaml'",
        "app-config.yaml error[GR102] cannot read app-config.yaml: permission denied",
        "    Backstage: fails to start: EACCES: permission denied, open '<folder>/app-config.yaml'",
        "    help: let the user that runs greenroom read it",
    ]


def _said_to_somebody_else(folder: Path) -> list[str]:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from generator.backstage.config.loader import load_config\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "loaded = load_config(root=Path(), environ={})\n"
        "print(loaded.error); print(loaded.diagnostics[0].render())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.replace(str(folder), "<folder>").splitlines()


def test_includes_that_double_at_every_step_stay_small(folder: Path) -> None:
    for number in range(60):
        (folder / f"f{number}.yaml").write_text(
            f"a: {{$include: f{number + 1}.yaml}}\nb: {{$include: f{number + 1}.yaml}}\n"
        )
    (folder / "f60.yaml").write_text("x: 1\n")
    start = time.monotonic()
    (said,) = problems("f0.yaml")
    assert time.monotonic() - start < 60
    assert re.search(r"GR109\] \S+ aliases and includes make more than 10,000,000 values", said)


def test_a_chain_of_includes_is_not_endless(folder: Path) -> None:
    for number in range(300):
        (folder / f"f{number}.yaml").write_text(f"a: {{$include: f{number + 1}.yaml}}\n")
    (folder / "f300.yaml").write_text("x: 1\n")
    (said,) = problems("f0.yaml")
    assert said.endswith("values are nested too deeply")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=1\njunk\n", ".env:2:1 error[GR115] not an assignment"),
        ("A: 1\n", ".env:1:1 error[GR115] not an assignment"),
        ("export A\n", ".env:1:1 error[GR115] not an assignment"),
        ("A B=1\n", ".env:1:1 error[GR115] not an assignment"),
        ("\nA='hunter2\n", ".env:2:1 error[GR115] A: the quote is not closed"),
        ('A="hunter2" hunter2\n', ".env:1:1 error[GR115] A: text after the closing quote"),
        (
            'A="a\\"b"\n',
            '.env:1:1 error[GR115] A: a backslash before " is read differently by every program: use single quotes',
        ),
    ],
)
def test_junk_in_an_env_file(text: str, said: str) -> None:
    found = Diagnostics()
    parse_env_text(text, ".env", found)
    assert [item.render().split("\n")[0] for item in found] == [said]


def test_the_rest_of_an_env_file_with_junk_is_read(folder: Path) -> None:
    (folder / "x.env").write_text("A=1\njunk\nB='2' 3\nC=4\n")
    found = Diagnostics()
    assert read_env_files([folder / "x.env", folder / "none.env"], found) == {"A": "1", "C": "4"}
    assert [item.render().split("\n")[0] for item in found] == [
        "none.env error[GR101] none.env does not exist",
        "x.env:2:1 error[GR115] not an assignment",
        "x.env:3:1 error[GR115] B: text after the closing quote",
    ]
