"""Every example, through the real command line, gives byte for byte its ``expected`` folder, and holds up to real tools."""

from __future__ import annotations

import difflib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from regenerate_goldens import COPIED, EXAMPLES, PROJECT, cases, contents, generate, greenroom

from generator.targets.fragment.formats import unwrapped

if TYPE_CHECKING:
    from pathlib import Path

REGENERATE = "When the new output is right, write it down with `make goldens`, and look at `git diff examples`."


@pytest.fixture(scope="module", params=[pytest.param(case, marks=pytest.mark.xdist_group(case)) for case in cases()])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def out(case: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the example generates, in a folder outside the checkout."""
    folder = tmp_path_factory.mktemp(case) / "infra"
    generate(EXAMPLES / case, folder, "--verify")
    return folder


def environments(case: str) -> tuple[str, ...]:
    """The folders of an example below what it generates: one for each environment, or the whole."""
    return tuple(yaml.safe_load((EXAMPLES / case / "greenroom.yaml").read_text()).get("environments", {"": None}))


def difference(expected: dict[str, bytes], actual: dict[str, bytes]) -> str:
    """A unified diff of two trees."""
    lines: list[str] = []
    for name in sorted({*expected, *actual}):
        before = expected.get(name, b"").decode(errors="replace").splitlines(keepends=True)
        after = actual.get(name, b"").decode(errors="replace").splitlines(keepends=True)
        lines += difflib.unified_diff(
            before,
            after,
            f"expected/{name}" if name in expected else "(not expected)",
            name if name in actual else "(not generated)",
        )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def test_there_are_examples() -> None:
    assert len(cases()) >= 5


def test_the_output_is_the_expected_tree(case: str, out: Path) -> None:
    expected, actual = contents(EXAMPLES / case / "expected"), contents(out)
    if expected != actual:
        pytest.fail(f"examples/{case}:\n{difference(expected, actual)}\n{REGENERATE}", pytrace=False)


@pytest.mark.slow
def test_nothing_changes_on_the_second_run(case: str, out: Path) -> None:
    before = contents(out)
    generate(EXAMPLES / case, out)
    assert contents(out) == before
    generate(EXAMPLES / case, out, "--check")


@pytest.mark.slow
@pytest.mark.slow
def test_where_it_runs_makes_no_difference(case: str, tmp_path: Path) -> None:
    """Relative paths from another folder give the same bytes: no path of the machine is in them."""
    shutil.copytree(EXAMPLES / case, tmp_path / "portal", ignore=shutil.ignore_patterns("expected", ".expected-*"))
    done = greenroom("generate", "--out", "infra", cwd=tmp_path / "portal")
    assert done.returncode == 0, done.stderr
    expected, actual = contents(EXAMPLES / case / "expected"), contents(tmp_path / "portal" / "infra")
    assert not difference(expected, actual)


def test_the_readme_says_how(case: str) -> None:
    readme = (EXAMPLES / case / "README.md").read_text()
    assert f"    greenroom generate --root examples/{case} --out infra\n" in readme


def test_the_functions_are_those_of_the_project(case: str, out: Path) -> None:
    if not (out / "cloudformation").is_dir():
        pytest.skip("the example has no CloudFormation")
    source = PROJECT / "generator" / "targets" / "cloudformation" / "functions"
    copied = {path.relative_to(out / COPIED).as_posix(): path.read_bytes() for path in (out / COPIED).rglob("*.*")}
    written = {path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*.*")}
    assert copied == {name: data for name, data in written.items() if "__pycache__" not in name}


def test_terraform_finds_nothing_to_format(case: str, out: Path) -> None:
    terraform = shutil.which("terraform") or shutil.which("tofu")
    if not terraform:
        pytest.skip("neither terraform nor tofu is on PATH: `fmt -check` cannot run")
    if (out / "cloudformation").is_dir():
        pytest.skip("the example is about CloudFormation and has no Terraform")
    for folder in environments(case):
        assert list((out / folder / "terraform").rglob("*.tf")), "no Terraform was generated"
    done = subprocess.run([terraform, "fmt", "-check", "-diff", "-recursive", out], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_fragment_and_the_lock_are_what_they_say(case: str, out: Path) -> None:
    settings = yaml.safe_load((EXAMPLES / case / "greenroom.yaml").read_text())
    for name in environments(case):
        own = (settings["environments"][name] if name else settings).get("plugins", settings["plugins"])
        check_fragment_and_lock(case, out / name, own["include"])


def check_fragment_and_lock(case: str, out: Path, plugins: list[str]) -> None:
    file = next(path for path in out.glob("*.databases.yaml"))
    fragment = unwrapped(yaml.safe_load(file.read_text()))
    database = fragment["backend"]["database"]
    sqlite = {"devtools", "proxy"} & set(plugins) if case in ("quickstart", "sqlite-beside-postgres") else set()
    assert set(database["plugin"]) == set(plugins) - sqlite
    assert database["ensureExists"] is False
    users = [entry["connection"]["user"] for entry in database["plugin"].values()]
    assert len(set(users)) == (1 if case == "shared-role" else len(users))
    assert json.loads((out / "greenroom.lock.json").read_text())


def test_every_example_is_in_the_readme() -> None:
    text = (PROJECT / "README.md").read_text() + (EXAMPLES / "README.md").read_text()
    assert [case for case in cases() if case not in text] == []
