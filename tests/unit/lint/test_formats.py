"""What programs get: GitHub's workflow commands, SARIF against its official schema, JSON against ours."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from generator import Request
from generator.cli.app import run
from generator.documents.schema import schema_text
from generator.lint import lint
from generator.lint.formats.github import workflow_commands
from generator.lint.formats.sarif import sarif
from generator.problems.diagnostic import Diagnostic, Location, Severity

PROJECT = Path(__file__).resolve().parents[3]
#: The package of Microsoft that holds the schema OASIS publishes.
PACKAGE, SCHEMA = "@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json"

CONFIG = """\
# für alle
backend:
  database:
    client: pg
    connection:
      host: h
      password: 12345678
      ssl:
        rejectUnauthorized: false # greenroom-ignore: GR003 test cluster
    plugin:
      auth:
        connection: {ssl: 'false'}
    prefix: ''
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app config,1.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["lint", "--config", "app config,1.yaml", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


# --- SARIF ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sarif_schema() -> dict[str, Any]:
    """The official schema, fetched once with npm."""
    cache = PROJECT / ".cache" / "sarif"
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / Path(SCHEMA).name
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_file():
            if not shutil.which("npm"):
                pytest.skip("npm is not installed: the official SARIF schema cannot be fetched")
            done = subprocess.run(
                ["npm", "pack", "--silent", PACKAGE], cwd=cache, capture_output=True, text=True, timeout=120
            )
            if done.returncode:
                pytest.skip(f"the official SARIF schema cannot be fetched: {done.stderr.strip()[-200:]}")
            with tarfile.open(cache / done.stdout.split()[-1]) as archive:
                content = archive.extractfile(SCHEMA)
                assert content is not None
                (cache / "new").write_bytes(content.read())
            (cache / "new").rename(place)
    schema: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return schema


def test_sarif_is_what_the_official_schema_wants(
    folder: Path, sarif_schema: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = output(capsys, "--format", "sarif")
    assert code == 1
    log = json.loads(out)
    Draft7Validator.check_schema(sarif_schema)
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in Draft7Validator(sarif_schema).iter_errors(log)]
    assert not problems
    assert not Draft7Validator(sarif_schema).is_valid({**log, "version": "2.0.0"}), "the schema checks nothing"


def test_sarif_says_what_the_findings_say(folder: Path) -> None:
    report = lint(Request(config=["app config,1.yaml"], environ={}))
    (log,) = sarif(report)["runs"]
    rules = [rule["id"] for rule in log["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    results = log["results"]
    assert [item["ruleId"] for item in results] == ["GR210", "GR001", "GR210", "GR003"]
    rule = log["tool"]["driver"]["rules"][rules.index("GR001")]
    assert (rule["helpUri"], rule["name"]) == ("https://greenroom.dev/lint/GR001/", "SslAsText")
    assert rule["help"]["text"].startswith("ssl is a text, which the driver cannot use.\n\n")
    assert all(rules[item["ruleIndex"]] == item["ruleId"] for item in results)
    assert [item.get("suppressions") for item in results] == [None, None, None, [{"kind": "inSource"}]]
    assert results[0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "app%20config%2C1.yaml"},
        "region": {"startLine": 7, "startColumn": 17},
    }
    (change,) = results[1]["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 12, "startColumn": 27, "endLine": 12, "endColumn": 34},
            "insertedContent": {"text": "false"},
        }
    ]
    assert len({item["partialFingerprints"]["greenroom/v1"] for item in results}) == len(results)


def test_a_fingerprint_survives_new_lines(folder: Path) -> None:
    def prints() -> list[str]:
        report = lint(Request(config=["app config,1.yaml"], environ={}))
        return [item["partialFingerprints"]["greenroom/v1"] for item in sarif(report)["runs"][0]["results"]]

    before = prints()
    Path("app config,1.yaml").write_text(f"# new\n\n{CONFIG}", encoding="utf-8")
    assert prints() == before


# --- GitHub -----------------------------------------------------------------------------------------------------------


def unescaped(command: str) -> tuple[str, dict[str, str], str]:
    """As GitHub's runner reads a workflow command."""
    match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", command)
    assert match is not None

    def text(value: str) -> str:
        return value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

    properties = dict(part.split("=", 1) for part in match[2].split(","))
    return (
        match[1],
        {key: text(value.replace("%3A", ":").replace("%2C", ",")) for key, value in properties.items()},
        text(match[3]),
    )


def test_github_annotations(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "--format", "github")
    assert code == 1
    kind, properties, message = unescaped(out.splitlines()[0])
    assert kind == "error"
    assert properties == {"file": "app config,1.yaml", "line": "7", "col": "17", "title": "GR210 wrong-type"}
    assert message.startswith("backend.database.connection.password: has to be text, not a number\nBackstage: ")


@pytest.mark.parametrize("text", ["100 %", "a%0Ab", "a::b", "a,b=c", "%25", "two\nlines\r\n", "::error::x", "ä ␀ %3A"])
def test_nothing_in_an_annotation_is_a_command_of_its_own(text: str) -> None:
    diagnostic = Diagnostic("GR999", Severity.WARNING, text, Location(text.strip() or "x", 3), hint=text)
    commands = workflow_commands([diagnostic])
    assert commands.count("\n") == 1
    assert "\r" not in commands
    kind, properties, message = unescaped(commands.rstrip("\n"))
    assert (kind, properties["file"], properties["title"]) == ("warning", text.strip(), "GR999")
    assert message == f"{text}\nhelp: {text}"


def test_a_variable_is_no_file() -> None:
    """An ``APP_CONFIG_*`` variable has no line that an annotation could be shown at."""
    place = Location("APP_CONFIG_backend_database_client")
    command = workflow_commands([Diagnostic("GR999", Severity.ERROR, "x", place, "backend.database.client")])
    assert command == "::error title=GR999::APP_CONFIG_backend_database_client: backend.database.client: x\n"


def test_a_note_without_a_place() -> None:
    assert (
        workflow_commands([Diagnostic("GR022", Severity.INFO, "x")])
        == "::notice title=GR022 schema-mode-creates::x%0Amore: greenroom explain GR022\n"
    )


# --- JSON and text ----------------------------------------------------------------------------------------------------


def test_json_is_what_its_schema_wants(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = output(capsys, "--format", "json")
    document = json.loads(out)
    Draft202012Validator(json.loads(schema_text("lint"))).validate(document)
    assert (code, err) == (1, "")
    assert [item["code"] for item in document["diagnostics"]] == ["GR210", "GR001", "GR210"]
    assert [item["code"] for item in document["suppressed"]] == ["GR003"]
    assert document["fixable"] == ["app config,1.yaml:12:27", "app config,1.yaml:7:17"]


@pytest.mark.parametrize("arguments", [["--format", kind] for kind in ("text", "json", "github", "sarif")] + [["--diff"]])
def test_no_format_shows_a_password(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    Path("app config,1.yaml").write_text(
        CONFIG.replace("host: h", "host: h\n      user: &u hunter2hunter2\n      passphrase: '# correct horse'"),
        encoding="utf-8",
    )
    _, out, err = output(capsys, *arguments)
    assert "12345678" not in out + err
    assert "correct horse" not in out + err


def test_a_pipe_gets_no_colour_and_a_terminal_may_refuse_it(folder: Path) -> None:
    command = ["-c", "from generator.cli import main; main()", "lint", "--config", "app config,1.yaml"]
    python = shutil.which("python3") or "python3"
    import sys

    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    assert "\x1b" not in done.stdout + done.stderr
    assert "error[GR210]" in done.stdout
    if not shutil.which("script"):
        pytest.skip(f"script is not installed: there is no terminal to try ({python} is there)")
    shown = f"{sys.executable} {command[0]} '{command[1]}' lint --config 'app config,1.yaml'"
    for name, coloured in (("GREENROOM_NOTHING", True), ("NO_COLOR", False)):
        env = {**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "xterm", name: "1"}
        done = subprocess.run(["script", "-qec", shown, "/dev/null"], capture_output=True, text=True, env=env)
        assert ("\x1b[" in done.stdout) is coloured, done.stdout


def test_quiet_shows_errors_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("app config,1.yaml").write_text(CONFIG.replace("12345678", "'12345678'"), encoding="utf-8")
    _, out, err = output(capsys, "--quiet")
    assert "GR001" in out
    assert "GR213" not in out
    assert err == ""
