"""``greenroom verifier``: what it takes, and what it never says."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import command_line
import pytest

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-c", "from generator.cli import main; main()", "verifier"]
VERIFIER = r"SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}="


def run(stdin: bytes | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with ``stdin``."""
    given = stdin if isinstance(stdin, bytes) else stdin.encode()
    done = command_line.run(["verifier", *arguments], input=given, capture_output=True, cwd="/")
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_on_stdin(end: str) -> None:
    done = run(f"correct horse{end}")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(f"{VERIFIER}\n", done.stdout)


def test_a_password_is_no_argument() -> None:
    """Where every process of the machine could read it."""
    done = run("", "correct horse")
    assert done.returncode == 2
    assert done.stdout == ""


def test_it_asks_for_a_password_twice_and_shows_none() -> None:
    main, terminal = pty.openpty()
    with os.fdopen(main, "w+b", buffering=0) as keyboard:
        process = subprocess.Popen(
            COMMAND, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, start_new_session=True, cwd="/"
        )
        os.close(terminal)
        shown = b""
        for question in (b"Password: ", b"confirmation: "):
            while question not in shown.rpartition(b"\n")[2]:
                shown += keyboard.read(1)
            keyboard.write(b"correct horse\n")
        with suppress(OSError):  # how the end of a terminal is told
            while data := keyboard.read(1024):
                shown += data
        assert process.stdout is not None
        assert re.fullmatch(f"{VERIFIER}\n".encode(), process.stdout.read())
        assert process.wait() == 0
    assert b"horse" not in shown


def test_an_object_of_passwords() -> None:
    passwords = {"auth": "correct horse", "tech-insights": "battery staple", "reports": "it is of a MySQL user"}
    done = run(json.dumps(passwords), "--json", "--keep", "reports")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert list(found) == list(passwords)
    assert found.pop("reports") == passwords["reports"]
    assert all(re.fullmatch(VERIFIER, value) for value in found.values())
    assert len(set(found.values())) == 2
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "has fewer than 8 characters"),
        ("7etters", "has fewer than 8 characters"),
        (" leading blank", "begins or ends with white space"),
        ("trailing blank ", "begins or ends with white space"),
        ("two\nlines\n", "begins or ends with white space"),
        ("a tab\tinside", "has characters that PostgreSQL and its drivers do not agree about"),
        ("ligature \ufb01", "has characters that PostgreSQL and its drivers do not agree about"),
        ("combined e\u0301", "has characters that PostgreSQL and its drivers do not agree about"),
        ("zero\u200bwidth", "has characters that PostgreSQL and its drivers do not agree about"),
        ("SCRAM-SHA-256$4096:x$y:z", "is a verifier already"),
    ],
)
def test_what_could_not_be_logged_in_with(password: str, problem: str) -> None:
    done = run(password + "\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error[GR750] the password {problem}" in done.stderr
    assert not password or password not in done.stderr
    # In an object, with the name of the one it is, and all of them at once.
    done = run(json.dumps({"good": "correct horse", "bad": password, "worse": "short"}), "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the password of 'bad' {problem}" in done.stderr
    assert "the password of 'worse' has fewer" in done.stderr
    assert "'good'" not in done.stderr


@pytest.mark.parametrize(
    "stdin",
    [
        "",
        "not-json-secret",
        '["secret"]',
        '{"auth": ["secret"]}',
        '{"auth": null}',
        '{"auth": "secret secret", "auth": "secret again"}',
        "[" * 100_000,
        b'{"auth": "\xff secret"}',
    ],
    ids=["nothing", "no JSON", "a list", "no text", "null", "a key twice", "deep", "no UTF-8"],
)
def test_what_is_no_object_of_passwords(stdin: bytes | str) -> None:
    done = run(stdin, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[GR750] stdin is not" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_to_keep_that_is_not_there() -> None:
    done = run('{"auth": "correct horse"}', "--json", "--keep", "catalog")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no 'catalog' to keep" in done.stderr
    assert run("correct horse", "--keep", "catalog").returncode == 2


def test_it_needs_no_repository(tmp_path: Path) -> None:
    done = subprocess.run(COMMAND, input=b"correct horse", capture_output=True, cwd=tmp_path)
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []
