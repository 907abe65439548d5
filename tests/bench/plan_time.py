"""How long Terraform plans: a module call for each plugin, as greenroom writes it, beside ``for_each`` over one map.

    make bench-plan                        10, 100, 300 and 1,000 plugins
    make bench-plan ARGS="--plugins 10 100 --program tofu"

Both configurations are made of the same chain of five built-in ``terraform_data`` resources per plugin (role, database and
three grants, each waiting for the one before), so no provider and no server is needed. A plan that takes longer than
``--limit`` seconds is stopped. Ends with exit code 1 when the time per plugin of the module calls grows more than fourfold.
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


def module_calls(folder: Path, number: int) -> None:
    """One block for each plugin, as in ``plugins.tf``."""
    module = folder / "modules" / "database"
    module.mkdir(parents=True)
    (module / "main.tf").write_text('variable "database" {\n  type = string\n}\n' + "".join(_resources("", "var.database")))
    calls = (
        f'module "plugin{index}" {{\n  source = "./modules/database"\n\n  database = "backstage_plugin_{index}"\n}}\n'
        for index in range(number)
    )
    (folder / "plugins.tf").write_text("\n".join(calls))


def for_each(folder: Path, number: int) -> None:
    """Resources that each go over one map of all plugins."""
    plugins = {f"plugin{index}": f"backstage_plugin_{index}" for index in range(number)}
    variable = f'variable "plugins" {{\n  type    = map(string)\n  default = {json.dumps(plugins)}\n}}\n'
    (folder / "main.tf").write_text(variable + "".join(_resources("[each.key]", "each.value")))


SHAPES = {"module calls": module_calls, "for_each": for_each}


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
    print(f"{'plugins':>8}  {'module calls':>14}  {'per plugin':>10}  {'wall':>8}  {'for_each':>14}  {'ratio':>8}")
    costs: dict[int, float] = {}
    stopped = False
    for number in sorted(arguments.plugins):
        ours = measure(program, "module calls", number, arguments.limit)
        # Where a smaller one did not end in time, a larger one does not.
        usual = None if stopped else measure(program, "for_each", number, arguments.limit)
        stopped = usual is None
        if ours is None:
            print(f"{number:>8}  module calls took longer than {arguments.limit:.0f} s")
            return 1
        cpu, wall = ours
        costs[number] = cpu / number
        other = f"{usual[0]:.2f} s" if usual else "stopped"
        ratio = f"{usual[0] / cpu:.1f}" if usual else ""
        each = f"{costs[number] * 1000:.1f} ms"
        print(f"{number:>8}  {cpu:>12.2f} s  {each:>10}  {wall:>6.1f} s  {other:>14}  {ratio:>8}", flush=True)
    first = min((number for number in costs if number >= 100), default=None)
    growth = costs[max(costs)] / costs[first] if first else 1.0
    if first:
        print(f"a plugin costs {growth:.1f} times as much among {max(costs)} as among {first} (at most {GROWTH:g})")
    return int(growth > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
