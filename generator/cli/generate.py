"""``greenroom generate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.gate_formats import GATE_FORMATS, show_gate, show_problems
from generator.cli.options import common_options, make_request, same_command, with_formats
from generator.cli.output import say, say_text
from generator.targets import TARGETS

if TYPE_CHECKING:
    from generator.output.rendering import Rendering
    from generator.problems.diagnostic import Diagnostic
    from generator.run.steps import Project
    from generator.run.verdict import Gate

DRIFT = 3
#: What changes nothing that is generated: what a user has excluded, and packages that are installed or added by halves.
ELSEWHERE = frozenset({"GR408", "GR805", "GR806", "GR808"})


@with_formats("text", "json", *GATE_FORMATS)
@click.command("generate")
@common_options
@click.option("--target", "targets", multiple=True, type=click.Choice(sorted(TARGETS)), help="What to render. Repeatable.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="The folder to write into. [default: infra]",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="Templates of your own, each in place of the one of the same path. [default: `templates` in greenroom.yaml]",
)
@click.option("--verify", is_flag=True, help="Also parse every rendered file back and compare it with the plan.")
@click.option(
    "--check", is_flag=True, help="Write nothing; say by plugin what differs. Exit code 3 when files would change."
)
@click.option(
    "--base",
    metavar="REF",
    help="A commit: keep what its lock file has, as HEAD's. [default with --check in CI: what the change is compared with]",
)
@click.option("--diff", is_flag=True, help="Write nothing; print a unified diff.")
def command(
    *,
    output_format: str,
    quiet: bool,
    verbose: bool,
    verify: bool,
    check: bool,
    diff: bool,
    base: str | None,
    **options: Any,
) -> int:
    """Render the targets: Terraform, CloudFormation, SQL and the app-config fragment.

    Nothing is written unless everything rendered and was found to say what was planned. A file that greenroom did not
    generate is never overwritten or deleted.

    What an earlier commit generated and this run would forget (after a revert, on an older branch, in a new output folder)
    is kept as retired.
    """
    from generator.problems.diagnostic import GreenroomError

    if output_format in GATE_FORMATS and not check:
        raise click.UsageError(f"--format {output_format} is for --check")
    try:
        project, rendering, gate = _run(options, verify=verify, check=check, dry=check or diff, base=base)
    except GreenroomError as problem:
        if output_format not in GATE_FORMATS:
            raise
        show_problems(output_format, problem.diagnostics)
        return problem.exit_code
    if gate is not None and output_format in GATE_FORMATS:
        show_gate(output_format, project, rendering, gate, _findings(project), quiet=quiet)
    else:
        as_json = output_format == "json"
        _show(project, rendering, gate, as_json=as_json, diff=diff, quiet=quiet, verbose=verbose)
    return DRIFT if check and rendering.changed else 0


def _run(
    options: dict[str, Any], *, verify: bool, check: bool, dry: bool, base: str | None
) -> tuple[Project, Rendering, Gate | None]:
    """All of it, but for what is printed. Unless it is ``dry``, the files are written.

    Raises:
        GreenroomError: the input has problems, or the files cannot be written.
    """
    from generator.output.write.tree import write_tree
    from generator.planning.history import Base, base_of_ci
    from generator.run import steps
    from generator.run.verdict import judge

    request = make_request(**options)
    if base is not None:
        request = request._replace(base=Base(base, "--base", diverged=False))
    elif check:  # what is written depends on files only, never on who runs it
        request = request._replace(base=base_of_ci(os.environ))
    project = steps.load(request)
    resolved = steps.resolve(project)
    planned = steps.plan(project, resolved)
    rendering = steps.render(project, resolved, planned, verify=verify)
    _ = rendering.changed  # as compared with what is on disk before anything is written
    if not dry:
        write_tree(
            rendering.files,
            rendering.delete,
            owned=rendering.owned,
            folder=project.layout.base,
            lock=project.layout.lock,
            read={project.layout.lock: planned.past.digest},
        )
    if not check:
        return project, rendering, None
    disbelieved = any(item.code == "GR426" for item in project.diagnostics)
    return project, rendering, judge(project, rendering, _repair(rendering, base, disbelieved=disbelieved))


def _show(
    project: Project,
    rendering: Rendering,
    gate: Gate | None,
    *,
    as_json: bool,
    diff: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Print the result as text or JSON."""
    from generator.cli.output import show_diagnostics, show_json
    from generator.run.variables import sentence

    written = gate is None and not diff
    if as_json:
        show_json(_document(project, rendering, gate, written=written))
        return
    show_diagnostics(_findings(project), quiet=quiet)
    if diff:
        say_text(rendering.diff())
    if gate is not None or not diff:
        _summary(rendering, gate, sentence(project.used), quiet=quiet, verbose=verbose)
    if written and not quiet and rendering.changed:
        from generator.report.next_steps import next_steps

        for step in next_steps(project, rendering):
            say(f"next: {step}", err=True)


def _repair(rendering: Rendering, base: str | None, *, disbelieved: bool) -> str:
    """The command that makes the check succeed: with the base that CI named where that one knows what was forgotten, or does
    not know what the lock file says (``disbelieved``).
    """
    command = same_command(without=("check", "diff"))
    compared = rendering.past.base
    needed = disbelieved or any(compared and item.origin == compared.name for item in rendering.past.forgotten)
    if base is None and compared is not None and needed:
        return f"{command} --base {compared.name}"
    return command


def _document(project: Project, rendering: Rendering, gate: Gate | None, *, written: bool) -> dict[str, Any]:
    return {
        "changes": [change.line for change in rendering.changes],
        "changedFiles": [path.as_posix() for path in rendering.changed],
        "written": written and bool(rendering.files),
        "values": [{"name": name, "from": origin} for name, origin in project.used.items()],
        **({"check": gate.to_json()} if gate else {}),
        "diagnostics": [item.to_json() for item in _findings(project)],
    }


def _findings(project: Project) -> list[Diagnostic]:
    """What there is to say about what is generated: `discover` and `lint` say the rest."""
    return [item for item in project.diagnostics if item.code not in ELSEWHERE]


def _summary(rendering: Rendering, gate: Gate | None, values: str, *, quiet: bool, verbose: bool) -> None:
    """By plugin what is new, then what happened to the files, or why they may not stay as they are."""
    for change in rendering.changes:
        say(change.line)
    changed = rendering.changed
    known = f", {values}" if values else ""
    # A change that is no plugin's (a newer greenroom, an edited file) has no line of its own yet.
    for path in changed if verbose or (gate and not rendering.changes) else ():
        say(f"  {path.as_posix()}")
    if gate and gate.sentence:
        say(gate.sentence, err=True)
        if values and not quiet:
            say(f"({values})", err=True)
    elif not quiet and changed:
        count = f"{len(changed)} file{'' if len(changed) == 1 else 's'}"
        say(f"{count} written to {rendering.layout.base.as_posix()}{known}", err=True)
    elif not quiet and rendering.files:
        base = rendering.past.base
        compared = f", and nothing of {base.name} ({base.source}) is forgotten" if gate and base else ""
        say(f"up to date{compared}{known}", err=True)
