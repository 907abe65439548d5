"""Bad input for `greenroom plan-check`: what it says, word for word, and its exit code. It is never "fine".

``cases/NAME.txt`` is the exit code, stdout and stderr.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command_line
import pytest

if TYPE_CHECKING:
    import subprocess

CASES = Path(__file__).with_name("cases")
PROJECT = Path(__file__).resolve().parents[3]
RECORDED = PROJECT / "tests" / "golden" / "plan_check" / "plans" / "nothing-to-do.json"
UPDATE = "run `GREENROOM_UPDATE=1 pytest tests/invalid/plan_check` and look at the difference"
GOOD = RECORDED.read_bytes()
PLAN: dict[str, Any] = json.loads(GOOD)


def _zip() -> bytes:
    """A plan file as Terraform and OpenTofu write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tfplan", b"\x08\x03")
    return buffer.getvalue()


def plan(**changed: Any) -> str:
    """A plan that is fine, but for ``changed``."""
    return json.dumps({**PLAN, **changed})


def without(*keys: str) -> str:
    return json.dumps({key: value for key, value in PLAN.items() if key not in keys})


def named(name: str) -> str:
    """A plan that deletes a database of that name."""
    changes = json.loads(GOOD)["resource_changes"]
    database = next(item for item in changes if item["type"] == "postgresql_database")
    database["change"] |= {"actions": ["delete"], "before": {"name": name}, "after": None}
    return plan(resource_changes=changes)


LOG = '{"@level":"info","@message":"Terraform 1.11.4","@module":"terraform.ui","type":"version"}\n'
STATE = {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": {}}}
TFSTATE = {"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "a", "outputs": {}, "resources": []}
ENCRYPTED = {"meta": {"key_provider.pbkdf2.x": "e30="}, "encrypted_data": "AAAA", "encryption_version": "v0"}
OTHER = {
    "resource_changes": [
        {
            "address": "aws_s3_bucket.logs",
            "mode": "managed",
            "type": "aws_s3_bucket",
            "name": "logs",
            "change": {"actions": ["delete"], "before": {"bucket": "logs"}, "after": None},
        }
    ],
    "prior_state": {},
    "configuration": {"root_module": {}},
}

#: Name to the content of the file, the arguments after `plan-check`, and exit code.
INPUTS: dict[str, tuple[str | bytes | None, list[str], int]] = {
    "good": (GOOD, ["plan.json"], 0),
    "no-argument": (GOOD, [], 2),
    "two-files": (GOOD, ["plan.json", "plan.json"], 2),
    "unknown-format": (GOOD, ["plan.json", "--format", "sarif"], 2),
    "missing": (None, ["plan.json"], 1),
    "missing-as-json": (None, ["plan.json", "--format", "json"], 1),
    "a-folder": (None, ["."], 1),
    "a-pipe": (None, ["pipe"], 1),
    "a-device": (None, ["/dev/null"], 1),
    "a-path-with-a-nul": (None, ["a\\0b"], 1),
    "empty": ("", ["plan.json"], 1),
    "only-spaces": (" \n\n", ["plan.json"], 1),
    "the-plan-file-itself": (_zip(), ["plan.json"], 1),
    "an-encrypted-plan-file": (json.dumps(ENCRYPTED), ["plan.json"], 1),
    "truncated": (GOOD[: len(GOOD) // 2], ["plan.json"], 1),
    "truncated-after-a-value": (GOOD.rstrip()[:-1], ["plan.json"], 1),
    "truncated-in-a-character": ('{"a": "ä'.encode()[:-1], ["plan.json"], 1),
    "not-json": ("Terraform will perform the following actions:\n", ["plan.json"], 1),
    "two-documents": (plan() + plan(), ["plan.json"], 1),
    "not-a-number": (plan(complete=float("nan")), ["plan.json"], 1),
    "a-number-without-end": ('{"format_version": ' + "9" * 5000 + "}", ["plan.json"], 1),
    "a-duplicate-key": (GOOD.replace(b'"errored": false', b'"errored": false, "errored": false'), ["plan.json"], 1),
    "a-duplicate-key-that-moves-the-cursor": ('{"\\u001b[2J": 1, "\\u001b[2J": 2}', ["plan.json"], 1),
    "nested-too-deeply": ("[" * 100_000, ["plan.json"], 1),
    "a-list": ("[]", ["plan.json"], 1),
    "a-text": ('"plan"', ["plan.json"], 1),
    "an-object": ("{}", ["plan.json"], 1),
    "a-state": (json.dumps(STATE), ["plan.json"], 1),
    "an-empty-state": ('{"format_version": "1.0"}', ["plan.json"], 1),
    "a-state-file": (json.dumps(TFSTATE), ["plan.json"], 1),
    "the-log-of-a-plan": (LOG * 3, ["plan.json"], 1),
    "a-line-of-the-log-of-a-plan": (LOG, ["plan.json"], 1),
    "a-newer-format": (plan(format_version="2.0"), ["plan.json"], 1),
    "an-older-format": (plan(format_version="0.2"), ["plan.json"], 1),
    "no-format": (without("format_version"), ["plan.json"], 1),
    "a-format-that-is-a-number": (plan(format_version=1), ["plan.json"], 1),
    "changes-that-are-none": (plan(resource_changes={"a": 1}), ["plan.json"], 1),
    "an-action-nobody-knows": (
        plan(resource_changes=[{**PLAN["resource_changes"][0], "change": {"actions": ["obliterate"]}}]),
        ["plan.json"],
        1,
    ),
    "no-changes": (without("resource_changes"), ["plan.json"], 1),
    "no-configuration-and-no-state": (plan(resource_changes=[], prior_state={}, configuration={}), ["plan.json"], 1),
    "another-configuration": (plan(**OTHER), ["plan.json"], 1),
    "errored": (plan(errored=True, complete=False), ["plan.json"], 1),
    "errored-on-github": (plan(errored=True, complete=False), ["plan.json", "--format", "github"], 1),
    "not-complete": (plan(complete=False), ["plan.json"], 1),
    "deferred": (plan(deferred_changes=[{"resource_change": PLAN["resource_changes"][0]}]), ["plan.json"], 1),
    "an-allowance-for-nothing": (GOOD, ["plan.json", "--allow", "module.catalog"], 1),
    "utf-16-of-powershell": (GOOD.decode().encode("utf-16"), ["plan.json"], 0),
    "a-byte-order-mark": (b"\xef\xbb\xbf" + GOOD, ["plan.json"], 0),
    "a-name-that-moves-the-cursor": (
        named("\x1b[2J\ud800\u202e"),
        ["plan.json"],
        3,
    ),
    "a-name-that-moves-the-cursor-as-json": (
        named("\x1b[2J\ud800\u202e"),
        ["plan.json", "--format", "json"],
        3,
    ),
    "a-name-that-is-a-command-on-github": (
        named("x\r\n::add-mask::y%0A"),
        ["plan.json", "--format", "github"],
        3,
    ),
}


def greenroom(arguments: list[str], folder: Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE") if key in os.environ}
    return command_line.run(
        ["plan-check", *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(PROJECT)},
        input=stdin or b"",
        capture_output=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_bad_plans(name: str, tmp_path: Path) -> None:
    content, arguments, code = INPUTS[name]
    if content is not None:
        (tmp_path / "plan.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    if name == "a-pipe":
        os.mkfifo(tmp_path / "pipe")
    done = greenroom(arguments, tmp_path)
    texts = [part.decode().replace(str(tmp_path), "FOLDER") for part in (done.stdout, done.stderr)]
    said = f"exit {done.returncode}\n--- stdout\n{texts[0]}--- stderr\n{texts[1]}"
    expected = CASES / f"{name}.txt"
    if os.environ.get("GREENROOM_UPDATE"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(said, encoding="utf-8")
    assert said == (expected.read_text(encoding="utf-8") if expected.is_file() else "(nothing yet)"), UPDATE
    assert done.returncode == code
    assert "Traceback" not in said
    assert "internal error" not in said
    assert all(char.isprintable() or char == "\n" for char in said)
    assert ("nothing is deleted" in said or "none is deleted" in said) == (code == 0)


def test_every_expected_text_has_its_input() -> None:
    assert {path.stem for path in CASES.glob("*.txt")} == set(INPUTS)


@pytest.mark.parametrize("name", [name for name, (content, _, code) in INPUTS.items() if content is not None and code != 2])
def test_standard_input_is_judged_alike(name: str, tmp_path: Path) -> None:
    content, arguments, code = INPUTS[name]
    assert arguments[0] == "plan.json"
    data = content if isinstance(content, bytes) else str(content).encode()
    done = greenroom(["-", *arguments[1:]], tmp_path, data)
    assert done.returncode == code
    expected = (CASES / f"{name}.txt").read_text(encoding="utf-8").replace("plan.json", "standard input")
    found = f"exit {done.returncode}\n--- stdout\n{done.stdout.decode()}--- stderr\n{done.stderr.decode()}"
    assert found.replace("tfplan.json", "tfstandard input") == expected


def test_every_cut_is_found(tmp_path: Path) -> None:
    """Wherever a plan was cut short: no verdict."""
    from generator.plan_check.document import read_plan
    from generator.plan_check.verdict import judge_plan
    from generator.problems.diagnostic import GreenroomError

    text = GOOD.rstrip()
    for size in (*range(0, len(text), 97), len(text) - 1):
        with pytest.raises(GreenroomError):
            read_plan("-", io.BytesIO(text[:size]))
    assert judge_plan(read_plan("-", io.BytesIO(text)), "x").verdict == "fine"


def test_a_plan_of_a_size_nobody_has(tmp_path: Path) -> None:
    with (tmp_path / "plan.json").open("wb") as file:
        file.truncate(257 * 1024 * 1024)
    done = greenroom(["plan.json"], tmp_path)
    assert done.returncode == 1
    assert b"larger than 256 MiB" in done.stderr


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may read everything")
    (tmp_path / "plan.json").write_bytes(GOOD)
    (tmp_path / "plan.json").chmod(0)
    done = greenroom(["plan.json"], tmp_path)
    assert done.returncode == 1
    assert b"permission denied" in done.stderr


def test_nothing_else_is_needed(tmp_path: Path) -> None:
    """A copy of the plan is all there is: no app-config, no settings, no lock; and nothing is written."""
    shutil.copy(RECORDED, tmp_path / "plan.json")
    assert greenroom(["plan.json"], tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
