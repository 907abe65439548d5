"""Which files a run replaces, and what it says of a server that is a replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.adopt.document import leftovers
from generator.adopt.findings import check_administrator
from generator.adopt.scripts import MARK
from generator.adopt.state import Administrator, ServerState
from generator.planning.model import Server
from generator.problems.diagnostic import Diagnostics
from generator.settings.adopted import ADOPT_FILE

if TYPE_CHECKING:
    from pathlib import Path


def test_the_scripts_of_servers_that_were_not_looked_at_stay(tmp_path: Path) -> None:
    names = [
        "greenroom.adopt.before-apply.sql",
        "greenroom.adopt.reporting-after-apply.sql",
        "greenroom.adopt.gone-after-apply.sql",
    ]
    for name in names:
        (tmp_path / name).write_text(f"-- {MARK}\n")
    (tmp_path / "greenroom.adopt.my-after-apply.sql").write_text("-- mine\n")
    (tmp_path / "greenroom.staging.adopt.after-apply.sql").write_text(f"-- {MARK}\n")  # of another settings file
    assert [path.name for path in leftovers(tmp_path / ADOPT_FILE, {}, ["reporting"])] == [names[0], names[2]]
    assert [path.name for path in leftovers(tmp_path / ADOPT_FILE, {}, ["primary"])] == [names[2], names[1]]


def test_a_replica_is_not_the_server_to_look_at() -> None:
    diagnostics = Diagnostics()
    state = ServerState("postgresql", 160000, "dba", Administrator("dba"), {}, {}, is_replica=True)
    check_administrator(Server("primary", "existing", "postgresql", None, None), state, diagnostics)
    assert [item.code for item in diagnostics] == ["GR772"]
