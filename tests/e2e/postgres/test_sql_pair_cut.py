"""The line to the server is cut at one statement after the other: the live login works all the time, and a repeated script
ends where it should. Each login that can log in acts as the owner, at every moment.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

import psycopg
import pytest
from cfn_wire import Relay, _hang_up, _pump, _read_exactly, running
from pair_plans import live_passwords, paired, password
from postgres_stage import ADMIN_PASSWORD
from sql_plans import Want, make_plan, write_scripts

from generator.demo.apply import apply_script
from generator.planning.pair import Pair

if TYPE_CHECKING:
    import socket

    from postgres_stage import Stage

    from generator.planning.model import Login, Plan

#: Every how many statements the line is cut; ``GREENROOM_CUT_STEP=1`` is at each of them.
STEP: Final = int(os.environ.get("GREENROOM_CUT_STEP", "15"))
ONE: Final = make_plan(Want(plugin="catalog"))
DATABASE: Final = "backstage_plugin_catalog"
PHASES: Final = {
    "rotate": (paired(ONE, 1), paired(ONE, 2, Pair(0))),
    "retire": (paired(ONE, 2, Pair(0)), paired(ONE, 2, Pair(1))),
    "at once": (paired(ONE, 2, Pair(1)), paired(ONE, 3, Pair(2))),
}


class StatementCutter(Relay):
    """Counts the simple queries of all connections, and cuts the line at number ``at``: with the statement unsent, or with
    its answer unread (``after``). Every later connection works.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._lock = threading.Lock()
        self.count = self.at = 0
        self.after = False
        super().__init__(target)

    def arm(self, at: int, *, after: bool) -> None:
        with self._lock:
            self.count, self.at, self.after = 0, at, after

    def serve(self, client: socket.socket, server: socket.socket) -> None:
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        while True:  # requests for TLS, then the beginning of the session: no letter in front
            size = _read_exactly(client, 4)
            begin = _read_exactly(client, int.from_bytes(size, "big") - 4)
            server.sendall(size + begin)
            if begin[:2] == b"\x00\x03":
                break
        while True:
            head = _read_exactly(client, 5)
            message = head + _read_exactly(client, int.from_bytes(head[1:], "big") - 4)
            if head[:1] == b"Q":
                with self._lock:
                    self.count += 1
                    is_cut = self.count == self.at
                if is_cut:
                    if self.after:
                        server.sendall(message)
                    _hang_up(client, server)
                    return
            server.sendall(message)


def acts_as(stage: Stage, login: Login) -> str | None:
    """Who a session of ``login`` is; ``None`` where it may not log in."""
    try:
        with stage.connect(login.name, password(login), DATABASE) as connection:
            row = connection.execute("SELECT current_user").fetchone()
    except psycopg.OperationalError:
        return None
    assert row
    return str(row[0])


@pytest.mark.parametrize("phase", PHASES)
def test_the_line_is_cut_at_every_statement(stage: Stage, phase: str) -> None:
    before, after = PHASES[phase]
    stage.must_apply(before, live_passwords(before))
    (path,) = write_scripts(after, stage.folder).values()

    def apply(port: int, plan: Plan) -> bool:
        server, env = stage.server, live_passwords(plan)
        where = {"host": server.host, "port": port, "user": stage.admin, "password": ADMIN_PASSWORD}
        return apply_script(path, **where, env=env, psql=stage.psql, timeout=120).ok  # type: ignore[arg-type]

    # What has to work until the new fragment is rolled out; with --now it is locked on purpose, in the end.
    running_now = before.roles[0].live
    with running(StatementCutter((stage.server.host, stage.server.port))) as cutter:
        assert isinstance(cutter, StatementCutter)
        at = 1
        while True:
            cutter.arm(at, after=at % 2 == 0)
            done = apply(cutter.port, after)
            for login in {*before.roles[0].logins, *after.roles[0].logins}:
                assert acts_as(stage, login) in (None, "backstage_catalog"), (at, login)
            if after.roles[0].live.name == running_now.name or running_now.name in {
                item.name for item in after.roles[0].leaving
            }:
                assert acts_as(stage, running_now) == "backstage_catalog", at
            else:  # one of the two always can
                assert acts_as(stage, running_now) or acts_as(stage, after.roles[0].live), at
            if done:
                break
            at += STEP
    assert at > 3 * STEP, "the line was never cut"
    assert apply(stage.server.port, after)
    assert acts_as(stage, after.roles[0].live) == "backstage_catalog"
    for login in after.roles[0].logins:
        assert (acts_as(stage, login) is not None) == login.may_log_in
