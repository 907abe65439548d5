"""Large configurations: bounded memory, and work in proportion to their size."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from growth import count_calls

from generator.backstage.config.loader import load_config

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "backend:\n  database:\n    client: pg\n    connection:\n      host: ${POSTGRES_HOST}\n    plugin:\n"


def plugins(count: int) -> str:
    """An app-config with ``count`` plugins, about 190 characters each."""
    return HEAD + "".join(
        f"      plugin-{number}:\n        client: pg\n        ensureExists: true\n        role: role_{number}\n"
        f"        connection:\n          database: db_{number}\n          user: user_{number}\n          port: 5432\n"
        for number in range(count)
    )


MEASURE = """
import json, resource, sys
from pathlib import Path
from generator.backstage.config.loader import load_config
loaded = load_config(root=Path(sys.argv[1]), environ={})
plugin = loaded.layers[0].data["backend"]["database"]["plugin"]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
last = list(plugin)[-1]
print(json.dumps({"peak": peak, "plugins": len(plugin), "error": loaded.error, "last": str(plugin.locate(last))}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak memory of a process is in other units here")
def test_ten_megabytes_in_bounded_memory(tmp_path: Path) -> None:
    text = plugins(56_000)
    (tmp_path / "app-config.yaml").write_text(text)
    assert len(text) > 10_000_000
    # A process keeps the peak of the one it was forked from, so an interpreter of its own starts the measured one.
    run = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)"
    command = [sys.executable, "-c", run, MEASURE, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    lines = text.count("\n")
    assert found == {
        "peak": found["peak"],
        "plugins": 56_000,
        "error": None,
        "last": f"app-config.yaml:{lines - 6}:9",
    }
    assert found["peak"] < 250 * 1024, f"{found['peak'] / 1024:.0f} MiB"


def test_work_grows_no_faster_than_the_number_of_plugins(tmp_path: Path) -> None:
    def work(number: int) -> int:
        (tmp_path / "app-config.yaml").write_text(plugins(number))
        return count_calls(lambda: load_config(root=tmp_path, environ={}))

    assert load_config(root=tmp_path, environ={}).error is not None
    work(10)
    assert work(3_000) < 11 * work(300)
    assert load_config(root=tmp_path, environ={}).error is None
