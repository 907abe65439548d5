"""The commands of infra/README.md, pasted into a shell, make the databases; then preflight is ready."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import command_line
import yaml
from postgres_stage import ADMIN, ADMIN_PASSWORD

if TYPE_CHECKING:
    from postgres_stage import Stage


def test_the_commands_for_a_database_administrator(stage: Stage, tmp_path: Path) -> None:
    connection = {"host": stage.server.host, "port": stage.server.port}
    (tmp_path / "app-config.yaml").write_text(
        yaml.safe_dump({"backend": {"database": {"client": "pg", "connection": connection}}})
    )
    (tmp_path / "greenroom.yaml").write_text("plugins: {discover: false, include: [auth, catalog]}\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"PGSSLMODE": "disable"}

    def greenroom(*arguments: str, **more: str) -> str:
        done = command_line.run(
            [*arguments], cwd=tmp_path, env={**environ, **more}, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    greenroom("generate")
    text = (tmp_path / "infra" / "README.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    (script,) = [block for block in blocks if "psql" in block]
    filled = script.replace("PGUSER=…", f"PGUSER={shlex.quote(ADMIN)}")
    filled = filled.replace("PGPASSWORD=…", f"PGPASSWORD={shlex.quote(ADMIN_PASSWORD)}")
    filled = re.sub(r"(BACKSTAGE_DB_(\w+)_PASSWORD)=…", r"\1=of-\2-and-long-enough", filled)
    assert "…" not in filled
    path = os.pathsep.join([str(Path(str(stage.psql)).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", filled],
        cwd=tmp_path / "infra",
        env={**environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    passwords = {f"BACKSTAGE_DB_{name}_PASSWORD": f"of-{name}-and-long-enough" for name in ("AUTH", "CATALOG")}
    assert "NOT READY" not in greenroom("preflight", **passwords)
