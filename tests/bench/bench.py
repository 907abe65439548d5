"""How fast greenroom is, as ratios: the built wheel in its own environment, side by side with its yardstick in one run.

    make bench                                   all of it
    make bench ARGS="--quick --json bench.json"  fewer runs, figures for a machine

Ends with exit code 1 when a bound is exceeded by more than ``MARGIN``: machines are noisy, seconds more than ratios.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tools"))

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MARGIN = 1.15

#: Every bound there is: key to (what it says, the most it may be, its unit).
BOUNDS = {
    "version": ("greenroom --version / python -c pass", 5.0, "x"),
    "generate10": ("generate, 10 plugins / python -c 'import click, jinja2, yaml'", 1.8, "x"),
    "seconds10000": ("generate, 10,000 plugins", 6.0, "s"),
    "memory10000": ("generate, 10,000 plugins, peak memory", 200.0, "MiB"),
    "growth": ("generate, 10,000 plugins / 1,000 plugins", 10.0, "x"),
    "cloudformation1000": ("generate, 1,000 plugins, CloudFormation / Terraform", 3.0, "x"),
    "check10000": ("generate --check, 10,000 plugins", 6.0, "s"),
    "coldGate": ("a cold gate (install, generate --check) / python -m venv", 1.0, "x"),
    "secondsColdGate": ("a cold gate, without the download", 5.0, "s"),
    "functions": ("import of the CloudFormation functions and their driver", 300.0, "ms"),
}


@dataclass
class Sample:
    """What one run of a program took: wall seconds and the most memory it ever had, in MiB."""

    seconds: float
    memory: float


@dataclass
class Series:
    """Several runs of the same program."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def memory(self) -> float:
        """The most of all runs."""
        return max(sample.memory for sample in self.samples)


def measure(command: Sequence[str | Path], cwd: Path) -> Sample:
    """Run ``command`` once; it has to succeed."""
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        with subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors) as child:
            # Not `communicate`: wait4 tells what this one process used, not the largest of all so far.
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        message = errors.read().decode(errors="replace")
    if child.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed with exit code {child.returncode}\n{message}")
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Sample(seconds, usage.ru_maxrss / scale)


def side_by_side(runs: int, *programs: Callable[[], Sample]) -> list[Series]:
    """Run the programs in turns, so that whatever else the machine does hits all of them alike. One warm-up each."""
    series = [Series() for _ in programs]
    for turn in range(runs + 1):
        for program, its_series in zip(programs, series, strict=True):
            sample = program()
            if turn:
                its_series.samples.append(sample)
    return series


def installed_wheel() -> Path:
    """The ``bin`` folder of an environment that holds the wheel of these sources; kept until they change."""
    from wheel import build, install

    digest = hashlib.sha256()
    for folder in ("generator", "templates", "schemas"):
        for path in sorted((PROJECT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    digest.update((PROJECT / "pyproject.toml").read_bytes() + sys.version.encode())
    place = PROJECT / ".cache" / "bench"
    done = place / "built-from"
    if not (done.is_file() and done.read_text() == digest.hexdigest()):
        print("Building the wheel and installing it …", file=sys.stderr, flush=True)
        shutil.rmtree(place, ignore_errors=True)
        wheel, _ = build(place / "dist")
        install(wheel, place / "venv")
        done.write_text(digest.hexdigest())
    return place / "venv" / "bin"


def write_input(folder: Path, plugins: int, *, overrides: bool) -> None:
    """A project with many plugins: as ids in greenroom.yaml, or as keys of app-config with a database name of their own."""
    ids = [f"plugin-{number:05}" for number in range(plugins)]
    lines = [
        "backend:",
        "  database:",
        "    client: pg",
        "    connection:",
        "      host: ${POSTGRES_HOST}",
        "      user: ${POSTGRES_USER}",
        "      password: ${POSTGRES_PASSWORD}",
    ]
    if overrides:
        lines.append("    plugin:")
        for plugin_id in ids:
            lines += [f"      {plugin_id}:", "        connection:", f"          database: portal_{plugin_id}"]
    else:
        settings = ["version: 1", "plugins:", "  include:", *(f"    - {plugin_id}" for plugin_id in ids)]
        (folder / "greenroom.yaml").write_text("\n".join(settings) + "\n")
    (folder / "app-config.yaml").write_text("\n".join(lines) + "\n")


def bench(runs: int, large_runs: int) -> dict[str, float]:
    """Every figure, by its key in ``BOUNDS`` and a few more that explain them."""
    folder = installed_wheel()
    python, greenroom = folder / "python", folder / "greenroom"
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name:
        work = Path(name)

        def generate(
            plugins: int, *, overrides: bool, check: bool = False, target: str | None = None
        ) -> Callable[[], Sample]:
            project = work / f"{plugins}-{'overrides' if overrides else 'include'}"
            project.mkdir(exist_ok=True)
            write_input(project, plugins, overrides=overrides)

            def program() -> Sample:
                if check:
                    return measure([greenroom, "generate", "--check", "--quiet"], project)
                shutil.rmtree(project / "infra", ignore_errors=True)
                return measure([greenroom, "generate", "--quiet", *(("--target", target) if target else ())], project)

            return program

        bare, version = side_by_side(
            runs, lambda: measure([python, "-c", "pass"], work), lambda: measure([greenroom, "--version"], work)
        )
        imports, small = side_by_side(
            runs,
            lambda: measure([python, "-c", "import click, jinja2, yaml"], work),
            generate(10, overrides=False),
        )
        figures |= {
            "version": version.seconds / bare.seconds,
            "generate10": small.seconds / imports.seconds,
            "msBare": bare.seconds * 1000,
            "msVersion": version.seconds * 1000,
            "msImports": imports.seconds * 1000,
            "msGenerate10": small.seconds * 1000,
        }
        for shape in ("include", "overrides"):
            overrides = shape == "overrides"
            ten, thousand, most = side_by_side(
                large_runs, *(generate(plugins, overrides=overrides) for plugins in (10, 1_000, 10_000))
            )
            figures |= {
                f"{shape}Seconds1000": thousand.seconds,
                f"{shape}Seconds10000": most.seconds,
                f"{shape}Memory1000": thousand.memory,
                f"{shape}Memory10000": most.memory,
                f"{shape}Growth": most.seconds / thousand.seconds,
                f"{shape}GrowthWithoutStart": (most.seconds - ten.seconds) / (thousand.seconds - ten.seconds),
            }
        (checked,) = side_by_side(large_runs, generate(10_000, overrides=True, check=True))
        figures["check10000"] = checked.seconds
        terraform, cloudformation = side_by_side(
            large_runs, *(generate(1_000, overrides=False, target=name) for name in ("terraform", "cloudformation"))
        )
        figures["cloudformation1000"] = cloudformation.seconds / terraform.seconds
        figures["functions"] = functions_import(runs)
        figures |= cold_gate(runs, greenroom, work)
    figures["seconds10000"] = max(figures["includeSeconds10000"], figures["overridesSeconds10000"])
    figures["memory10000"] = max(figures["includeMemory10000"], figures["overridesMemory10000"])
    figures["growth"] = max(figures["includeGrowth"], figures["overridesGrowth"])
    return figures


def functions_import(runs: int) -> float:
    """What a cold start of SqlFunction, the slower one, spends on imports, in milliseconds."""
    folder = PROJECT / "generator" / "targets" / "cloudformation" / "functions"
    modules = "plugin_databases.sql, plugin_databases.postgresql, plugin_databases.pg8000_server, pg8000.native"
    bare, ours = side_by_side(
        runs,
        lambda: measure([sys.executable, "-c", "pass"], folder),
        lambda: measure([sys.executable, "-c", f"import {modules}"], folder),
    )
    return (ours.seconds - bare.seconds) * 1000


def cold_gate(runs: int, greenroom: Path, work: Path) -> dict[str, float]:
    """A gate in a new environment, beside one ``python -m venv``: both mostly unpack and compile."""
    import cold_gate as cold

    (wheel,) = (PROJECT / ".cache" / "bench" / "dist").glob("*.whl")
    commands = cold.steps(*cold.prepare(greenroom, wheel, work / "cold"), work / "cold")

    def gate() -> Sample:
        samples = [measure(command, work) for command in commands()]
        parts.append([sample.seconds for sample in samples])
        return Sample(sum(parts[-1]), max(sample.memory for sample in samples))

    def venv() -> Sample:
        shutil.rmtree(work / "yardstick", ignore_errors=True)
        return measure([sys.executable, "-m", "venv", work / "yardstick"], work)

    parts: list[list[float]] = []
    ours, yardstick = side_by_side(max(runs // 4, 2), gate, venv)
    names = ("secondsColdVenv", "secondsColdInstall", "secondsColdCheck")
    medians = dict(zip(names, (statistics.median(column) for column in zip(*parts[1:], strict=True)), strict=True))
    return medians | {"coldGate": ours.seconds / yardstick.seconds, "secondsColdGate": ours.seconds}


@dataclass(frozen=True)
class Verdict:
    """One bound and how it went: ``ok``, ``close`` (over, within the margin) or ``over``."""

    key: str
    what: str
    figure: float
    bound: float
    unit: str
    verdict: str


def judge(figures: dict[str, float]) -> list[Verdict]:
    """The figures against their bounds."""
    verdicts = []
    for key, (what, bound, unit) in BOUNDS.items():
        figure = figures[key]
        verdict = "ok" if figure <= bound else "close" if figure <= bound * MARGIN else "over"
        verdicts.append(Verdict(key, what, figure, bound, unit, verdict))
    return verdicts


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures to a file as well")
    options = parser.parse_args()
    figures = bench(*(7, 1) if options.quick else (21, 3))
    verdicts = judge(figures)
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, medians\n")
    for item in verdicts:
        print(f"{item.what:<66} {item.figure:8.2f} {item.unit:<4} of {item.bound:g} {item.unit:<4} {item.verdict}")
    print()
    for key in sorted(set(figures) - set(BOUNDS)):
        print(f"{key:<24} {figures[key]:10.2f}")
    if options.json:
        document = {"python": platform.python_version(), "figures": figures, "bounds": [asdict(item) for item in verdicts]}
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    return int(any(item.verdict == "over" for item in verdicts))


if __name__ == "__main__":
    sys.exit(main())
