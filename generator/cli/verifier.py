"""``greenroom verifier``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from generator.backstage.versions import VERSION_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.problems.diagnostic import Diagnostics

#: As `plugin_passwords` wants it of a password; a verifier would hide that one is too short.
_SHORTEST = 8


@click.command("verifier")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Read a JSON object of passwords, and print it with a verifier in place of each: a value for plugin_passwords.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="KEY",
    help="With --json: leave this password as it is, because a MySQL user has it. Repeatable.",
)
@click.version_option(package_name="greenroom", prog_name="greenroom", message=VERSION_MESSAGE)
def command(*, as_json: bool, keep: tuple[str, ...]) -> None:
    """Print a SCRAM verifier of a password, for PostgreSQL to store in its place.

    Reads the password from stdin, or asks for it. Whoever is given the verifier (Terraform, the server's log) does not
    learn the password, and cannot log in with it; but it allows guessing, so protect it too.
    """
    from generator.cli.output import say_document
    from generator.problems.diagnostic import Diagnostics, GreenroomError

    if keep and not as_json:
        raise click.UsageError("--keep is an option of --json")
    diagnostics = Diagnostics()
    if as_json:
        result = json.dumps(_verifiers(_passwords(), keep, diagnostics), ensure_ascii=False)
    else:
        result = _verifier(_password(), "the password", diagnostics)
    if diagnostics.has_errors:
        raise GreenroomError(diagnostics)
    say_document(f"{result}\n")


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    # The line break that `echo` and editors put at the end is no part of it.
    return _read().removesuffix("\n").removesuffix("\r")


def _read() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise _not_usable("stdin is not UTF-8", "a file in another encoding? iconv -t UTF-8") from None


def _passwords() -> dict[str, str]:
    """The object on stdin. What is wrong with it is said without a word of what is in it."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError
        return found

    hint = 'such as {"auth": "…", "catalog": "…"}, each key once'
    try:
        value = json.loads(_read(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise _not_usable("stdin is not a JSON object of passwords", hint) from None
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise _not_usable("stdin is not a JSON object of passwords", hint)
    return value


def _verifiers(passwords: dict[str, str], keep: Sequence[str], diagnostics: Diagnostics) -> dict[str, str]:
    for key in keep:
        if key not in passwords:
            diagnostics.error("GR750", f"there is no {key!r} to keep in the object on stdin", hint="one of its keys")
    return {
        key: password if key in keep else _verifier(password, f"the password of {key!r}", diagnostics)
        for key, password in passwords.items()
    }


def _verifier(password: str, what: str, diagnostics: Diagnostics) -> str:
    """The verifier of ``password``; where it can have none that works, why."""
    from generator.engines.scram import prepared, verifier

    problem = None
    if password.startswith("SCRAM-SHA-256$"):
        problem = "is a verifier already"
    elif password != password.strip():
        problem = "begins or ends with white space, which Backstage cuts off"
    elif len(password) < _SHORTEST:
        problem = f"has fewer than {_SHORTEST} characters"
    elif prepared(password) != password:
        problem = "has characters that PostgreSQL and its drivers do not agree about"
    if problem:
        diagnostics.error("GR750", f"{what} {problem}", hint="32 random letters and digits are a good password")
        return ""
    return verifier(password)


def _not_usable(summary: str, hint: str) -> Exception:
    from generator.problems.diagnostic import Diagnostic, GreenroomError, Severity

    return GreenroomError([Diagnostic("GR750", Severity.ERROR, summary, hint=hint)])
