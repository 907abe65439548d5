"""The ``greenroom`` group: finds a command's module by name, and turns every failure into an exit code."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Final

import click

from generator import __version__
from generator.backstage.versions import VERSION_MESSAGE
from generator.problems.diagnostic import GreenroomError

#: Command name to its one-line help. The code of ``a-name`` is ``command`` in ``generator.cli.a_name``.
COMMANDS: Final = {
    "init": "Write a commented greenroom.yaml from what is found.",
    "discover": "List the plugins of a Backstage repository that need a database.",
    "resolve": "Show what Backstage resolves for each plugin.",
    "explain": "Show where each setting of a plugin was written, or what a code means.",
    "lint": "Find what is wrong, or not what it seems, in app-config.",
    "generate": "Render the targets; with --check or --diff write nothing.",
    "rotate": "Change passwords without an outage, or say where a rotation stands.",
    "report": "Show what each plugin has, on one page.",
    "plan-check": "Check that a Terraform plan deletes nothing that was generated.",
    "preflight": "Prove each database with its plugin's own credentials.",
    "adopt": "See what of the plan a live server has already.",
    "verifier": "Print a SCRAM verifier of a password, for PostgreSQL to store in its place.",
    "schema": "Print a JSON Schema.",
    "demo": "The whole way on an embedded PostgreSQL.",
}


class _LazyGroup(click.Group):
    """Imports a command only when it runs: ``greenroom --help`` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"generator.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="greenroom", message=VERSION_MESSAGE)
def greenroom() -> None:
    """Make the databases of Backstage's plugins exist before Backstage starts.

    Reads app-config as Backstage does, works out which database every plugin will ask for, and generates what has to
    exist first (Terraform, CloudFormation, SQL) with the app-config fragment that points each plugin at its own.

    Exit codes: 0 ok, 1 problems in the input, 2 usage, 3 drift or loss, 4 not ready.
    """


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code; no failure leaves as a traceback."""
    try:
        result = greenroom.main(args=arguments, prog_name="greenroom", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as problem:
        from generator.cli.output import say_usage

        say_usage(problem)
        return problem.exit_code
    except click.Abort:
        from generator.cli.output import say

        say("Aborted.", err=True)
        return 130
    except click.exceptions.Exit as end:
        return end.exit_code
    except GreenroomError as problem:
        from generator.cli.output import show_diagnostics

        show_diagnostics(problem.diagnostics)
        return problem.exit_code
    except BrokenPipeError:
        # The reader of a pipe went away (`greenroom resolve | head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:
        if problem.filename is None or problem.strerror is None:
            return _report_bug(problem, verbose="--verbose" in arguments)
        return _report_path(problem)
    except Exception as bug:  # the last resort for what nobody foresaw: it says so instead of a bare traceback
        return _report_bug(bug, verbose="--verbose" in arguments)


def _report_path(problem: OSError) -> int:
    """A path that the system refuses (too long, a link to itself) is of the input, wherever it is used first."""
    from generator.cli.output import show_diagnostics
    from generator.problems.diagnostic import Diagnostic, Location, Severity

    name = os.fsdecode(problem.filename) if isinstance(problem.filename, (str, bytes)) else str(problem.filename)
    hint = "use another path, with shorter names" if problem.errno == errno.ENAMETOOLONG else "use another path"
    what = f"cannot use {name}: {problem.strerror}"
    show_diagnostics([Diagnostic("GR425", Severity.ERROR, what, Location(name), hint=hint)])
    return 1


def _report_bug(bug: Exception, *, verbose: bool) -> int:
    from generator.cli.output import say_text

    if verbose:
        import traceback

        say_text("".join(traceback.format_exception(bug)), err=True)
    # Only the type: the text of an unforeseen error may hold a value of the configuration.
    say_text(
        f"greenroom: internal error ({type(bug).__name__}). This is a bug in greenroom, not in your input; nothing was "
        "written after it.\n    help: run again with --verbose and report the traceback\n",
        err=True,
    )
    return 70
