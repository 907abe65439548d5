"""Runs the steps of action.yml as GitHub's runner does: expressions first, then each script with bash.

An expression that is not known here is an error: no linter sees a wrong name of an input or an output in a composite action.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[3]
ACTION: dict[str, Any] = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass
class Ran:
    """What a run left: exit code, log, the job's summary, and the action's outputs."""

    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


def run_action(folder: Path, temporary: Path, path: str, inputs: dict[str, str], *, skip: str = "install") -> Ran:
    """Run the action in ``folder``; ``path`` is where programs are found, ``skip`` a step to leave out."""
    unknown = inputs.keys() - ACTION["inputs"].keys()
    assert not unknown, f"no input of action.yml: {unknown}"
    known = {name: str(entry["default"]) for name, entry in ACTION["inputs"].items()} | inputs
    values = {f"inputs.{name}": value for name, value in known.items()}
    values["github.action_path"] = str(PROJECT)
    ran = Ran()
    temporary.mkdir(parents=True, exist_ok=True)
    summary = temporary / "summary"
    summary.touch()
    for step in ACTION["runs"]["steps"]:
        name = step["id"]
        if name == skip or ran.code or not _condition(step.get("if", ""), values):
            continue
        output = temporary / f"output-{name}"
        output.touch()
        given = {key: _filled(value, values) for key, value in step["env"].items()}
        assert "${{" not in step["run"], "a script gets its inputs as variables, never as text"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=folder,
            env={
                "PATH": path,
                "HOME": str(temporary),
                "RUNNER_TEMP": str(temporary),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                "GIT_CONFIG_NOSYSTEM": "1",
                **({"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}),
                **given,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        ran.log += done.stdout + done.stderr
        ran.code = done.returncode
        for line in output.read_text().splitlines():
            key, separator, value = line.partition("=")
            assert separator, line
            values[f"steps.{name}.outputs.{key}"] = value
    ran.summary = summary.read_text()
    ran.outputs = {name: _filled(entry["value"], values) for name, entry in ACTION["outputs"].items()}
    return ran


def _filled(text: str, values: dict[str, str]) -> str:
    return _EXPRESSION.sub(lambda match: _value(match[1], values), text)


def _value(expression: str, values: dict[str, str]) -> str:
    if expression not in values:
        step, _, output = expression.removeprefix("steps.").partition(".outputs.")
        ids = {step["id"] for step in ACTION["runs"]["steps"]}
        assert expression.startswith("steps."), f"unknown: {expression}"
        assert step in ids, f"no such step: {expression}"
        assert re.search(rf"\b{re.escape(output)}=", _scripts()), f"nothing sets {expression}"
    return values.get(expression, "")


def _scripts() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "pipelines/github").iterdir())


def _condition(text: str, values: dict[str, str]) -> bool:
    """The conditions the action has: comparisons with a text, joined by ``&&``."""
    for part in filter(None, map(str.strip, text.split("&&"))):
        match = re.fullmatch(r"(\S+) (==|!=) '([^']*)'", part)
        assert match, f"a condition the tests do not know: {part}"
        if (_value(match[1], values) == match[3]) != (match[2] == "=="):
            return False
    return True
