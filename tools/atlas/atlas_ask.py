"""What the installed packages themselves say: the features they export, and what of their code uses a database."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).resolve().parent
MARKER = "@@atlas@@"
_SECONDS = 120


@dataclass(frozen=True)
class Looked:
    """One installed package. ``features`` are (export, type, plugin id); ``error`` says why they could not be asked."""

    package: str
    version: str
    features: tuple[tuple[str, str, str], ...]
    migrations: tuple[str, ...]
    creates: tuple[str, ...]
    database: bool
    libraries: tuple[str, ...]
    dependencies: tuple[str, ...] = ()
    error: str = ""

    def ids(self, kind: str) -> list[str]:
        """The plugin ids it registers as ``plugin``, or the parents of what it registers as ``module``."""
        return sorted({plugin_id for _, type_, plugin_id in self.features if type_ == kind})

    def first(self) -> tuple[str, str] | None:
        """(type, id) of what its default export registers first; of any export where that is no feature."""
        chosen = [item for item in self.features if item[0] == "default"] or list(self.features)
        plugins = [item for item in chosen if item[1] == "plugin"] or chosen
        return (plugins[0][1], plugins[0][2]) if plugins else None


def node() -> str:
    """The node to run."""
    found = shutil.which("node")
    if found is None:
        raise SystemExit("node is not installed")
    return found


def unprivileged() -> dict[str, Any]:
    """How to run code of published packages: never as root, whose files one of them may change while it is loaded."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def environment(home: Path) -> dict[str, str]:
    """The variables that they get: no secret of this shell, and a home that is theirs."""
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return {**keep, "HOME": str(home), "TMPDIR": str(home), "NODE_ENV": "production", "LOG_LEVEL": "error"}


def ask(folder: Path, packages: Iterable[str]) -> list[Looked]:
    """Ask every package; one that ends or blocks the process is named, and the rest is asked again without it."""
    waiting, found = list(packages), []
    home = Path(tempfile.mkdtemp(prefix="atlas-"))
    home.chmod(0o777)
    while waiting:
        question = json.dumps({"folder": str(folder), "packages": waiting, "marker": MARKER})
        command = [node(), str(HERE / "features.mjs")]
        try:
            done = subprocess.run(  # noqa: S603 - our own script
                command,
                input=question,
                capture_output=True,
                text=True,
                cwd=home,
                env=environment(home),
                timeout=_SECONDS + 5 * len(waiting),
                check=False,
                **unprivileged(),
            )
            printed, ended = done.stdout, f"ends the process: {_last(done.stderr)}"
        except subprocess.TimeoutExpired as error:
            printed = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
            ended = "does not come back from being loaded"
        answers = [json.loads(line[len(MARKER) :]) for line in printed.splitlines() if line.startswith(MARKER)]
        found += [_looked(answer) for answer in answers]
        waiting = waiting[len(answers) :]
        if waiting:
            found.append(_looked({"package": waiting.pop(0), "error": ended}))
    shutil.rmtree(home, ignore_errors=True)
    return found


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["without a word"])[-1][:200]


def _looked(answer: dict[str, Any]) -> Looked:
    return Looked(
        package=answer["package"],
        version=answer.get("version", ""),
        features=tuple((item["export"], item["type"], item.get("pluginId", "")) for item in answer.get("features", ())),
        migrations=tuple(answer.get("migrations", ())),
        creates=tuple(answer.get("creates", ())),
        database=bool(answer.get("database")),
        libraries=tuple(answer.get("ownConnections", ())),
        dependencies=tuple(answer.get("dependencies", ())),
        error=answer.get("error", ""),
    )
