"""From a commit to the server, as the README says: gate, plan, plan-check, apply. Who refuses has changed nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from year_checks import snapshot

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from year_world import World


class Refused(Exception):  # noqa: N818 - the word of the trade
    """Somebody said no before anything was changed: ``who``, and in which words."""

    def __init__(self, who: str, said: str) -> None:
        super().__init__(f"{who} refused: {said.strip()[:1500]}")
        self.who = who


class Outcome(NamedTuple):
    """What became of a change."""

    applied: bool
    by: str
    """Who refused it, or what was needed to get it through."""


class Killed(Exception):  # noqa: N818
    """The apply was killed, as the step wanted it."""


class Pipeline:
    """One run of the pipeline for the commit in the working tree, compared with ``base``."""

    def __init__(self, world: World, base: str) -> None:
        self.world, self.base = world, base
        self.notes: list[str] = []

    # --- the pull request ---------------------------------------------------------------------------------------------

    def generate(self, *options: str) -> None:
        done = self.world.repository.greenroom("generate", *options)
        if done.returncode == 1:
            raise Refused("generate", done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr

    def gate(self) -> None:
        """``generate --check --base``; what it asks for is done and committed, and then it has to be content."""
        verdict = self._check()
        if verdict is None:
            return
        program, *words = verdict.split()
        assert program == "greenroom", verdict
        self.notes.append("gate")
        self.generate(*words[1:])
        self.world.repository.commit("what the gate said")
        again = self._check()
        assert again is None, f"the gate is not content with what it asked for itself: {again}"

    def _check(self) -> str | None:
        done = self.world.repository.greenroom("generate", "--check", "--base", self.base, "--format", "json")
        if done.returncode == 1:
            raise Refused("generate --check", done.stdout + done.stderr)
        assert done.returncode in (0, 3), done.stdout + done.stderr
        command = json.loads(done.stdout)["check"]["command"]
        assert (command is None) == (done.returncode == 0), done.stdout
        return None if command is None else str(command)

    # --- the apply ----------------------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Plan, and have the plan read. Neither changes anything."""
        world = self.world
        before = snapshot(world)
        world.bring_passwords()
        world.terraform.run("init", "-input=false")
        said = world.terraform.run("plan", "-input=false", "-out=plan.zip", status=(0, 1))
        if "Error:" in said:
            assert snapshot(world) == before, f"a plan that failed has changed something: {said}"
            raise Refused("plan", said[said.index("Error:") :])
        plan = world.terraform.root / "plan.json"
        plan.write_text(world.terraform.run("show", "-json", "plan.zip", logged=False))
        self._read(plan)
        assert snapshot(world) == before

    def _read(self, plan: Path, *allowed: str) -> None:
        """``plan-check``. The secrets of plugins that get theirs elsewhere from now on may go, as its help says."""
        read = self.world.repository.greenroom("plan-check", str(plan), "--format", "json", *allowed)
        assert read.returncode in (0, 3), read.stdout + read.stderr
        if read.returncode == 0:
            return
        report = json.loads(read.stdout)
        findings = [finding for finding in report["findings"] if not finding["allowed"]]
        planned = self.world.repository.lock()["plugins"]
        if allowed or any(finding["kind"] != "secret" or finding["plugin"] not in planned for finding in findings):
            raise Refused("plan-check", "\n".join([finding["summary"] for finding in findings] + [report["sentence"]]))
        self.notes.append("secrets allowed")
        self._read(plan, *(word for finding in findings for word in ("--allow", finding["address"])))

    def apply(self) -> None:
        """Apply the plan that was read. It may not fail."""
        self.world.terraform.run("apply", "-input=false", "plan.zip")

    def apply_and_kill(self, after: float) -> None:
        """Apply the plan that was read, and kill everything after so many seconds. It may be done by then."""
        terraform = self.world.terraform
        process = subprocess.Popen(
            [terraform.program, "apply", "-input=false", "-no-color", "plan.zip"],
            cwd=terraform.root,
            env=terraform.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        try:
            said, _ = process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            self.world.wait_for_the_server()
            raise Killed(said) from None
        assert process.returncode == 0, said

    def propose(self, message: str, *, generate: bool = True) -> None:
        """Everything up to the apply."""
        if generate:
            self.generate()
        self.world.repository.commit(message)
        self.gate()
        self.plan()


def deliver(world: World, message: str, base: str, *, generate: bool = True) -> Outcome:
    """Bring the change in the working tree to the server; a change that is refused is taken back out of it."""
    pipeline = Pipeline(world, base)
    before, start = snapshot(world), world.repository.head
    refused = None
    try:
        pipeline.propose(message, generate=generate)
        pipeline.apply()
    except Refused as refusal:
        refused = refusal
    if refused is None:
        return Outcome(True, " ".join(pipeline.notes))
    assert snapshot(world) == before, f"refused, but something has changed: {refused}"
    world.note(f"  {refused}")
    world.repository.git("reset", "--quiet", "--hard", start if generate else base)
    return Outcome(False, refused.who)


def deliver_and_kill(world: World, message: str, choose: random.Random) -> Outcome:
    """The same, with an apply that is killed somewhere; then the way back."""
    base = world.repository.head
    pipeline = Pipeline(world, base)
    try:
        pipeline.propose(message)
    except Refused as refused:
        world.note(f"  {refused}")
        world.repository.git("reset", "--quiet", "--hard", base)
        return Outcome(False, refused.who)
    try:
        pipeline.apply_and_kill(choose.choice((0.3, 0.6, 1.0, 1.5, 2.0, 3.0)))
    except Killed:
        return Outcome(True, f"killed, {recover(world)}")
    return Outcome(True, "done before it was killed")


def deliver_kill_and_revert(world: World, message: str, choose: random.Random) -> Outcome:
    """The apply is killed, and the commit reverted: half of the server has one name, half the other.

    The revert works, or is refused; then the way back is forward.
    """
    base = world.repository.head
    pipeline = Pipeline(world, base)
    try:
        pipeline.propose(message)
    except Refused as refused:
        world.note(f"  {refused}")
        world.repository.git("reset", "--quiet", "--hard", base)
        return Outcome(False, refused.who)
    killed = world.repository.head
    try:
        pipeline.apply_and_kill(choose.choice((0.6, 1.0, 1.5, 2.0, 3.0)))
    except Killed:
        how = "killed"
    else:
        how = "done before it was killed"
    if _is_lost(world):
        return Outcome(True, f"{how}, {recover(world)}")
    restore = world.memory()
    world.repository.git("revert", "--no-edit", f"{base}..{killed}")
    world.recognise()
    outcome = deliver(world, "the revert after the kill", killed, generate=False)
    if outcome.applied:
        return Outcome(True, f"{how}, reverted {outcome.by}".rstrip())
    restore()
    return Outcome(True, f"{how}, the revert was refused by {outcome.by}, {recover(world)}")


def _is_lost(world: World) -> bool:
    """Whether there is no state: a kill while it was written may leave an empty file."""
    state = world.terraform.root / "terraform.tfstate"
    return not state.exists() or not state.read_bytes().strip()


def recover(world: World) -> str:
    """The way back after an apply that was killed, or a lost state: apply again; where that cannot do it, adopt first."""
    lost = _is_lost(world)
    base = world.repository.head
    if lost:
        world.terraform.clean_state()
    else:
        pipeline = Pipeline(world, base)
        try:
            pipeline.plan()
            said = world.terraform.run("apply", "-input=false", "plan.zip", status=(0, 1))
        except Refused as refused:
            said = f"Error: {refused}"
        if "Error:" not in said:
            return "applied again"
        world.note(f"  applied again: {said[said.index('Error:') :][:600]}")
    world.adopt()
    pipeline = Pipeline(world, base)
    pipeline.propose("adopt")
    pipeline.apply()
    return "state lost, adopted" if lost else "adopted"
