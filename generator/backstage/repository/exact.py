"""``--exact``: run node in the repository and ask the features themselves what they register."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.backstage.repository.kinds import Kind
from generator.backstage.repository.model import Source
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.backstage.repository.entry import Added
    from generator.backstage.repository.repository import Repository
    from generator.problems.diagnostic import Diagnostics

_SCRIPT = Path(__file__).with_name("exact.mjs")
#: Seconds to load every feature of a backend; a cold disk and fifty packages need about twenty.
TIMEOUT = 180.0
_TRANSFORM = Path("config") / "nodeTransform.cjs"

Key = tuple[str, str]


class CannotAskError(Exception):
    """Nothing could be asked."""


def ask(added: list[Added], folder: Path, repository: Repository, diagnostics: Diagnostics) -> list[Added]:
    """``added``, with what came from packages replaced by what their features register.

    Where a feature cannot be asked, the reason is reported and what was read stays.
    """
    files = repository.files
    wanted: dict[Key, Location] = {}
    for item in added:
        brought = item.brought
        if brought.specifier is not None and brought.kind in (Kind.PLUGIN, Kind.MODULE, Kind.UNKNOWN):
            wanted.setdefault((brought.specifier, brought.export), item.location)
    if not wanted:
        return added
    try:
        answers = _run(list(wanted), folder, repository)
    except CannotAskError as error:
        diagnostics.error(
            "GR812",
            f"the features cannot be asked: {error}",
            Location(files.name(folder / "package.json")),
            hint="install the packages (yarn install) and node, or leave out --exact",
        )
        return added
    result: list[Added] = []
    done: set[Key] = set()
    for item in added:
        key = (item.brought.specifier or "", item.brought.export)
        answer = answers.get(key)
        if answer is None or item.brought.kind not in (Kind.PLUGIN, Kind.MODULE, Kind.UNKNOWN):
            result.append(item)
        elif "registrations" not in answer:
            result.append(item)
            if key not in done:
                _report(key[0], answer, item.location, diagnostics)
        elif (key, item.location) not in {
            ((one.brought.specifier or "", one.brought.export), one.location) for one in result
        }:
            same = [other for other in added if (other.brought.specifier, other.brought.export) == key]
            result += _registered(item, same, answer["registrations"], diagnostics, first=key not in done)
        done.add(key)
    return result


def _registered(
    item: Added,
    read: list[Added],
    registrations: list[dict[str, Any]],
    diagnostics: Diagnostics,
    *,
    first: bool,
) -> list[Added]:
    """One entry for each plugin and module that a feature registers."""
    found = [
        replace(
            item,
            brought=replace(
                item.brought,
                kind=Kind.PLUGIN if one["type"] == "plugin" else Kind.MODULE,
                id=str(one["pluginId"]),
                source=Source.REGISTRATIONS,
                place=None,
                reason="",
                guessed=False,
            ),
            damaged=False,
        )
        for one in registrations
    ]
    before = {(one.brought.kind, one.brought.id) for one in read if one.brought.kind is not Kind.UNKNOWN}
    after = {(one.brought.kind, one.brought.id) for one in found}
    if first and before and before != after:
        diagnostics.warning(
            "GR813",
            f"{item.brought.specifier} was read as {_shown(before)}, but registers {_shown(after)}",
            item.location,
            hint="what it registers counts",
        )
    return found


def _shown(features: Iterable[tuple[Kind, str]]) -> str:
    names = sorted(f"the plugin {name!r}" if kind is Kind.PLUGIN else f"a module of {name!r}" for kind, name in features)
    return " and ".join(names) or "nothing"


def _report(specifier: str, answer: dict[str, Any], location: Location, diagnostics: Diagnostics) -> None:
    if answer.get("missing"):
        diagnostics.error(
            "GR812",
            f"{specifier} is not installed: it cannot be asked",
            location,
            backstage="does not start",
            hint="yarn install",
        )
    else:
        diagnostics.warning(
            "GR812",
            f"{specifier} cannot be asked: {answer.get('error') or 'no answer'}",
            location,
            hint="what was read in its code stands",
        )


def _run(wanted: list[Key], folder: Path, repository: Repository) -> dict[Key, dict[str, Any]]:
    node = shutil.which("node")
    if node is None:
        raise CannotAskError("node is not installed")
    if not repository.has_modules(folder):
        raise CannotAskError("nothing is installed, there is no node_modules")
    command = [node]
    cli = repository.installed("@backstage/cli", folder)
    if cli is not None and repository.files.is_file(cli.folder / _TRANSFORM):
        command += ["--require", str(cli.folder / _TRANSFORM)]  # lets node load the TypeScript of local packages
    marker = secrets.token_hex(16)
    question = {
        "folder": str(folder),
        "marker": marker,
        "wanted": [{"specifier": specifier, "name": name} for specifier, name in wanted],
    }
    output, ending = _communicate([*command, str(_SCRIPT)], json.dumps(question), folder)
    answers = [json.loads(line.removeprefix(marker)) for line in output.splitlines() if line.startswith(marker)]
    # The first one without an answer is the one that was being loaded.
    if len(answers) < len(wanted):
        answers += [{"error": ending}, *({"error": "the one before it ended node"} for _ in wanted)]
    return dict(zip(wanted, answers, strict=False))


def _communicate(command: list[str], text: str, folder: Path) -> tuple[str, str]:
    """What node printed, and how it ended."""
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    try:
        process = subprocess.Popen(  # noqa: S603 - node with our own script; asked for with --exact
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise CannotAskError(f"node cannot be started: {error.strerror or error}") from None
    try:
        return process.communicate(text, timeout=TIMEOUT)[0], "node ended while it was loaded"
    except subprocess.TimeoutExpired:
        _kill(process)
        return process.communicate()[0], f"there was no answer after {TIMEOUT:.0f} s"
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """End node and what it started: also what outlived it, and would keep its output open for ever."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
