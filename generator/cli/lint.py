"""``greenroom lint``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, environments_of, make_request
from generator.cli.output import point_to_explain, say, say_problem, say_text

if TYPE_CHECKING:
    from generator.lint import Report
    from generator.lint.fix.fixer import Fixed


def _with_more_formats(function: click.Command) -> click.Command:
    """``--format`` of this command knows two more."""
    for parameter in function.params:
        if parameter.name == "output_format":
            parameter.type = click.Choice(["text", "json", "github", "sarif"])
    return function


@_with_more_formats
@click.command("lint")
@common_options
@click.option("--select", multiple=True, metavar="CODES", help="Only these codes, or codes that start so. Repeatable.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these codes, or codes that start so. Repeatable.")
@click.option("--fix", "do_fix", is_flag=True, help="Fix in the files what can be fixed safely.")
@click.option("--diff", is_flag=True, help="Write nothing; print what --fix would change.")
def command(
    *,
    output_format: str,
    quiet: bool,
    verbose: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    do_fix: bool,
    diff: bool,
    **options: Any,
) -> int:
    """Find what is wrong, or not what it seems, in app-config and the backend beside it.

    Each finding has a code with a page in the documentation (docs/lint). A comment in the YAML, on the line of a finding or
    above it, suppresses it: `# greenroom-ignore: GR003 why`. Exit code 1 when there is an error.
    """
    from generator.lint.several import lint_each, together

    request = make_request(**options, reads_environment=True)
    codes = {"select": _codes(select, "--select"), "ignore": _codes(ignore, "--ignore")}
    reports = lint_each(environments_of(request), **codes)
    report = together(reports)
    if diff:
        _show_diff(report, quiet=quiet)
        return int(report.has_errors)
    if do_fix and _fix(report, quiet=quiet).texts:
        reports = lint_each(environments_of(request), **codes)  # anew: nothing of what was read before
        report = together(reports)
    if output_format == "json":
        from generator.cli.output import show_json

        documents = {name: _document(own) for name, own in reports.items()}
        show_json({"environments": documents} if len(reports) > 1 else _document(report))
    else:
        _show(report, output_format, quiet=quiet)
    return int(report.has_errors)


def _codes(values: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Codes and prefixes of codes, separated by commas; one that means no code is a mistake."""
    from generator.lint.registry import matching

    codes = tuple(part.strip().upper() for value in values for part in value.split(",") if part.strip())
    for code in codes:
        # Codes of settings, discovery and other stages have no rule here, but can be named.
        if not matching((code,)) and not code.startswith(("GR4", "GR8")):
            raise click.BadParameter(f"no code starts with {code!r}", param_hint=option)
    return codes


def _fix(report: Report, *, quiet: bool) -> Fixed:
    from generator.lint.fix.fixer import fix, write

    fixed = fix(report.edits, report.texts)
    write(fixed, report.texts)
    if not quiet and report.edits:
        count = len(fixed.applied)
        say(f"{count} change{'' if count == 1 else 's'} written to {', '.join(fixed.texts) or 'no file'}", err=True)
    for edit in fixed.refused:
        say(f"{edit.location}: not changed, as more than this value would be", err=True)
    return fixed


def _show_diff(report: Report, *, quiet: bool) -> None:
    from generator.lint.fix.fixer import fix

    fixed = fix(report.edits, report.texts)
    say_text(fixed.diff())
    if not quiet:
        count = len(fixed.applied)
        what = f"{count} change{'' if count == 1 else 's'} to {len(fixed.texts)} file{'' if len(fixed.texts) == 1 else 's'}"
        say(f"--fix would make {what}" if count else "--fix would change nothing", err=True)


def _show(report: Report, output_format: str, *, quiet: bool) -> None:
    if output_format == "sarif":
        from generator.cli.output import show_json
        from generator.lint.formats.sarif import sarif

        show_json(sarif(report))
    elif output_format == "github":
        from generator.lint.formats.github import workflow_commands

        wanted = (item for item in report.diagnostics if not quiet or item.severity == "error")
        say_text(workflow_commands(wanted), commands=True)
    else:
        _show_text(report, quiet=quiet)


def _document(report: Report) -> dict[str, Any]:
    return {
        "diagnostics": [item.to_json() for item in report.diagnostics],
        "suppressed": [finding.diagnostic.to_json() for finding in report.suppressed],
        "fixable": sorted({str(edit.location) for edit in report.edits}),
        "drivers": [drivers.to_json() for drivers in report.drivers],
        "patches": [finding.patch for finding in report.findings if finding.patch],
    }


def _show_text(report: Report, *, quiet: bool) -> None:
    for finding in report.findings:
        item = finding.diagnostic
        if quiet and item.severity != "error":
            continue
        say_problem(item)
        if finding.patch:
            say_text(finding.patch)
    if not quiet:
        for line in _summary(report):
            say(line, err=True)
        for finding in sorted(report.findings, key=lambda finding: finding.diagnostic.severity != "error")[:1]:
            point_to_explain(finding.diagnostic.code)


def _summary(report: Report) -> list[str]:
    counts: dict[str, int] = {}
    for finding in report.findings:
        kind = str(finding.diagnostic.severity)
        counts[kind] = counts.get(kind, 0) + 1
    names = {"error": "error", "warning": "warning", "info": "note"}
    parts = [f"{counts[key]} {name}{'' if counts[key] == 1 else 's'}" for key, name in names.items() if key in counts]
    text = ", ".join(parts) or "nothing found"
    if report.suppressed:
        text += f", {len(report.suppressed)} suppressed"
    fixable = len(report.edits)
    if fixable:
        text += f"; --fix can fix {fixable} place{'' if fixable == 1 else 's'} (--diff shows how)"
    lines = [text]
    if report.unread:
        lines.append(f"not looked at, as --config names no file: {', '.join(report.unread)}")
    if report.project.discovery is None:
        lines.append("no Backstage repository at --root: its plugins, drivers and code were not looked at")
    return lines
