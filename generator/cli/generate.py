"""``greenroom generate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.gate_formats import GATE_FORMATS, show_gate
from generator.cli.options import common_options, environments_of, make_request, same_command, with_formats
from generator.cli.outcome import Outcome, Run
from generator.cli.output import say, say_text
from generator.targets import TARGETS

if TYPE_CHECKING:
    from generator.output.rendering import Rendering
    from generator.run.project import Request
    from generator.run.verdict import Gate

DRIFT = 3


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
    if output_format in GATE_FORMATS and not check:
        raise click.UsageError(f"--format {output_format} is for --check")
    run = _run(options, verify=verify, check=check, dry=check or diff, base=base)
    all_told = check and (output_format in GATE_FORMATS or (output_format == "json" and run.several))
    if run.failed and not all_told:
        if check and output_format != "json":
            _show(run, as_json=False, diff=diff, quiet=quiet, verbose=verbose)
        run.stop()
    if check and output_format in GATE_FORMATS:
        show_gate(output_format, run, quiet=quiet)
    else:
        _show(run, as_json=output_format == "json", diff=diff, quiet=quiet, verbose=verbose)
    if run.failed:
        return 1
    return DRIFT if check and any(item.rendering.changed for item in run.done.values()) else 0


def _run(options: dict[str, Any], *, verify: bool, check: bool, dry: bool, base: str | None) -> Run:
    """All of it, but for what is printed. Unless it is ``dry``, the files are written: all environments' or none.

    Raises:
        GreenroomError: the files cannot be written.
    """
    from generator.planning.history import Base, base_of_ci
    from generator.problems.diagnostic import GreenroomError
    from generator.run.apart import check_names
    from generator.run.incomplete import leave_out_ignored

    request = make_request(**options)
    if base is not None:
        request = request._replace(base=Base(base, "--base", diverged=False))
    elif check:  # what is written depends on files only, never on who runs it
        request = request._replace(base=base_of_ci(os.environ))
    requests = environments_of(request)
    run = Run(next(iter(requests.values())).shared, order=list(requests))
    for name, own in requests.items():
        try:
            run.done[name] = _render(own, verify=verify)
        except GreenroomError as problem:
            run.failed[name] = problem.diagnostics
    for name, found in check_names({name: (item.project.settings, item.rendering.plan) for name, item in run.done.items()}):
        project = run.done[name].project
        project.diagnostics.add(found)
        leave_out_ignored(project.settings, project.diagnostics)
    if not dry:
        _find_obstacles(run)
    if not dry and not run.failed:
        _write(run)
    if check:
        for name, item in run.done.items():
            run.done[name] = item._replace(gate=_judge(item, base))
    return run


def _render(request: Request, *, verify: bool) -> Outcome:
    from generator.run import steps

    project = steps.load(request)
    resolved = steps.resolve(project)
    planned = steps.plan(project, resolved)
    rendering = steps.render(project, resolved, planned, verify=verify)
    _ = rendering.changed  # as compared with what is on disk before anything is written
    return Outcome(project, rendering)


def _find_obstacles(run: Run) -> None:
    """Have the environments fail that cannot be written, before any of them is."""
    from generator.output.write.rendered import obstacles_of

    for name, item in list(run.done.items()):
        if errors := list(obstacles_of(item.rendering)):
            run.failed[name] = errors
            del run.done[name]


def _write(run: Run) -> None:
    """Write the files of all environments.

    Raises:
        GreenroomError: one of them cannot be written, and why.
    """
    from generator.output.write.rendered import write_rendering
    from generator.problems.diagnostic import GreenroomError
    from generator.settings.environments import listing

    written: list[str] = []
    for name, item in run.done.items():
        try:
            write_rendering(item.rendering)
        except GreenroomError as problem:
            if not written:
                raise
            already = f" ({listing(written)} {'was' if len(written) == 1 else 'were'} written before {name})"
            told = [one._replace(summary=f"{_nothing_of(name, one.summary)}{already}") for one in problem.diagnostics]
            raise GreenroomError(told) from problem
        written.append(name)


def _nothing_of(name: str, summary: str) -> str:
    return summary.replace("nothing was written", f"nothing of {name} was written")


def _judge(item: Outcome, base: str | None) -> Gate:
    from generator.run.verdict import judge

    disbelieved = any(found.code == "GR426" for found in item.project.diagnostics)
    return judge(item.project, item.rendering, _repair(item.rendering, base, disbelieved=disbelieved))


def _show(run: Run, *, as_json: bool, diff: bool, quiet: bool, verbose: bool) -> None:
    """Print the result as text or JSON."""
    from generator.cli.output import show_diagnostics, show_json
    from generator.run.variables import sentence

    if as_json:
        documents = {
            name: _document(run.done[name], written=run.done[name].gate is None and not diff)
            if name in run.done
            else {"diagnostics": [found.to_json() for found in run.failed[name]]}
            for name in run.names
        }
        show_json({"environments": documents} if run.several else next(iter(documents.values())))
        return
    if not run.failed:
        show_diagnostics(run.findings(), quiet=quiet)
    for name, item in run.done.items():
        label = f"{name}: " if run.several else ""
        if diff:
            say_text(item.rendering.diff())
        if item.gate is not None or not diff:
            _summary(item, sentence(item.project.used), label, quiet=quiet, verbose=verbose)
        if item.gate is None and not diff and not quiet and item.rendering.changed:
            from generator.report.next_steps import next_steps

            for step in next_steps(item.project, item.rendering):
                say(f"next: {label}{step}", err=True)


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


def _document(item: Outcome, *, written: bool) -> dict[str, Any]:
    rendering = item.rendering
    return {
        "changes": [change.line for change in rendering.changes],
        "changedFiles": [path.as_posix() for path in rendering.changed],
        "written": written and bool(rendering.files),
        "values": [{"name": name, "from": origin} for name, origin in item.project.used.items()],
        **({"check": item.gate.to_json()} if item.gate else {}),
        "diagnostics": [found.to_json() for found in item.findings],
    }


def _summary(item: Outcome, values: str, label: str, *, quiet: bool, verbose: bool) -> None:
    """By plugin what is new, then what happened to the files, or why they may not stay as they are.

    ``label`` begins what is said of one of several environments.
    """
    rendering, gate = item.rendering, item.gate
    changed = rendering.changed
    # A change that is no plugin's (a newer greenroom, an edited file) has no line of its own yet.
    lines = [change.line for change in rendering.changes]
    lines += [f"  {path.as_posix()}" for path in changed] if verbose or (gate and not lines) else []
    if label and lines:
        say(label.rstrip())
    for line in lines:
        say(line)
    known = f", {values}" if values else ""
    if gate and gate.sentence:
        say(f"{label}{gate.sentence}", err=True)
        if values and not quiet:
            say(f"({values})", err=True)
    elif not quiet and changed:
        count = f"{len(changed)} file{'' if len(changed) == 1 else 's'}"
        say(f"{label}{count} written to {rendering.layout.base.as_posix()}{known}", err=True)
    elif not quiet and rendering.files:
        base = rendering.past.base
        compared = f", and nothing of {base.name} ({base.source}) is forgotten" if gate and base else ""
        say(f"{label}up to date{compared}{known}", err=True)
