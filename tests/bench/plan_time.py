"""How long Terraform plans the same databases, written in three ways.

    make bench-plan                        10, 100, 300 and 1,000 plugins
    make bench-plan ARGS="--plugins 10 100 --program tofu"

- one ``module`` call per plugin, as greenroom writes it;
- one ``module`` with ``for_each`` over a map of the plugins, as most people write it;
- no module: five resources, each with ``for_each`` over that map.

All three consist of the same chain of five built-in ``terraform_data`` resources per plugin (role, database and three
grants, each waiting for the one before), so no provider and no server is needed. Ratios are to the module calls. A plan that
takes longer than ``--limit`` seconds is stopped, and that way is not tried with more plugins. The exit code is 1 when the
time per plugin of the module calls grows more than fourfold.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How much more a plugin may cost in the largest configuration than in one of a hundred.
GROWTH = 4.0

_CHAIN = ("role", "database", "public", "connect", "schema")


def _resources(each: str, name: str) -> Iterator[str]:
    before = ""
    for kind in _CHAIN:
        loop = "  for_each = var.plugins\n\n" if each else ""
        value = f"terraform_data.{before}{each}.output" if before else name
        yield f'resource "terraform_data" "{kind}" {{\n{loop}  input = {value}\n}}\n'
        before = kind


def _write_module(folder: Path) -> None:
    module = folder / "modules" / "database"
    module.mkdir(parents=True)
    (module / "main.tf").write_text('variable "database" {\n  type = string\n}\n' + "".join(_resources("", "var.database")))


def _variable(number: int) -> str:
    plugins = {f"plugin{index}": f"backstage_plugin_{index}" for index in range(number)}
    return f'variable "plugins" {{\n  type    = map(string)\n  default = {json.dumps(plugins)}\n}}\n'


def module_calls(folder: Path, number: int) -> None:
    """One block for each plugin, as in ``plugins.tf``."""
    _write_module(folder)
    calls = (
        f'module "plugin{index}" {{\n  source = "./modules/database"\n\n  database = "backstage_plugin_{index}"\n}}\n'
        for index in range(number)
    )
    (folder / "plugins.tf").write_text("\n".join(calls))
    keys = "".join(f'    "plugin{index}",\n' for index in range(number))
    guard = f"  for_each = toset([\n{keys}  ])\n\n  lifecycle {{\n    prevent_destroy = true\n  }}\n"
    (folder / "guard.tf").write_text(f'resource "terraform_data" "kept" {{\n{guard}}}\n')


def module_for_each(folder: Path, number: int) -> None:
    """One call with ``for_each`` of the same module."""
    _write_module(folder)
    call = 'module "plugins" {\n  source   = "./modules/database"\n  for_each = var.plugins\n\n  database = each.value\n}\n'
    (folder / "main.tf").write_text(_variable(number) + call)


def resource_for_each(folder: Path, number: int) -> None:
    """Resources that each go over one map of all plugins."""
    (folder / "main.tf").write_text(_variable(number) + "".join(_resources("[each.key]", "each.value")))


SHAPES = {"module calls": module_calls, "module for_each": module_for_each, "resource for_each": resource_for_each}
_OURS = "module calls"


def measure(program: str, shape: str, number: int, limit: float) -> tuple[float, float] | None:
    """Processor and wall seconds of ``plan`` for ``number`` plugins; ``None`` when it was stopped."""
    with tempfile.TemporaryDirectory(prefix="greenroom-plan-") as name:
        folder = Path(name)
        SHAPES[shape](folder, number)
        environment = {"PATH": os.environ["PATH"], "HOME": name, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        subprocess.run([program, "init", "-no-color"], cwd=folder, env=environment, check=True, capture_output=True)
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            subprocess.run(
                [program, "plan", "-no-color"], cwd=folder, env=environment, check=True, capture_output=True, timeout=limit
            )
        except subprocess.TimeoutExpired:
            return None
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> int:
    """Measure, print a table, and say whether the module calls stay linear."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plugins", type=int, nargs="+", default=[10, 100, 300, 1000])
    parser.add_argument("--program", default=os.environ.get("GREENROOM_TERRAFORM") or "terraform")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds after which a plan is stopped")
    arguments = parser.parse_args()
    program = shutil.which(arguments.program)
    if program is None:
        print(f"{arguments.program} is not installed: nothing is measured")
        return 0
    others = [name for name in SHAPES if name != _OURS]
    heading = f"{'plugins':>7}  {_OURS:>12}  {'per plugin':>10}  {'wall':>7}"
    print(heading + "".join(f"  {name:>17}  ratio" for name in others))
    costs: dict[int, float] = {}
    stopped: set[str] = set()
    for number in sorted(arguments.plugins):
        ours = measure(program, _OURS, number, arguments.limit)
        if ours is None:
            print(f"{number:>7}  {_OURS} took longer than {arguments.limit:.0f} s")
            return 1
        cpu, wall = ours
        costs[number] = cpu / number
        line = f"{number:>7}  {cpu:>10.2f} s  {costs[number] * 1000:>7.1f} ms  {wall:>5.1f} s"
        for name in others:
            found = None if name in stopped else measure(program, name, number, arguments.limit)
            line += f"  {found[0]:>15.2f} s  {found[0] / cpu:>5.1f}" if found else f"  {'stopped':>17}  {'':>5}"
            stopped |= set() if found else {name}
        print(line, flush=True)
    first = min((number for number in costs if number >= 100), default=None)
    growth = costs[max(costs)] / costs[first] if first else 1.0
    if first:
        print(f"a plugin costs {growth:.1f} times as much among {max(costs)} as among {first} (at most {GROWTH:g})")
    return int(growth > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
