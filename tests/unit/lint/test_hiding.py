"""What `lint --diff` shows of a file: secrets are hidden by the places of their scalars."""

from __future__ import annotations

import pytest

from generator.backstage.database.redaction import REDACTED
from generator.lint.fix.hiding import hide_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password: ${POSTGRES_PASSWORD:hunter2}\n", "password: ${POSTGRES_PASSWORD:<redacted>}\n"),
        ("password: ${POSTGRES_PASSWORD:-hunter2}\n", "password: ${POSTGRES_PASSWORD:-<redacted>}\n"),
        ("password: a${X}SECRET\n", "password: <redacted>${X}\n"),
        ("password: ${X} # from the vault\n", "password: ${X} # from the vault\n"),
        ("a: {password: correct horse battery, ssl: 'false'}\n", "a: {password: <redacted>, ssl: 'false'}\n"),
        ("a: {password: \"a,b }c\", ssl: 'false'}\n", "a: {password: \"<redacted>\", ssl: 'false'}\n"),
        ("password: one\n  two\nuser: u\n", "password: <redacted>\nuser: u\n"),
        ("password: |-\n  one\n  two\nuser: u\n", "password: |-\n  <redacted>\nuser: u\n"),
        ("password: 'it''s'\n", "password: '<redacted>'\n"),
        ("passwords: [a1, b2]\n", "passwords: [<redacted>, <redacted>]\n"),
        ("secret: {$file: ./secrets/db.txt}\n", "secret: {$file: ./secrets/db.txt}\n"),
        ("password: {$secret: {env: NAME}}\n", "password: {$secret: {env: NAME}}\n"),
        ("x: &pw hunter22\npassword: *pw\n", "x: <redacted>\npassword: *pw\n"),
        ("password: !hunter2\n", "password: <redacted>\n"),
        (
            "password: hunter2\n# was hunter2, and pw=old before\n",
            "password: <redacted>\n# was <redacted>, and pw=<redacted>\n",
        ),
        ("# password: old one\nuser: u\n", "# password: <redacted>\nuser: u\n"),
        ("connection: postgres://u:my SECRET@h/d?pass=Q\n", "connection: postgres://u:<redacted>@h/d?pass=<redacted>\n"),
        (
            "password: hunter2\nargs: [--password=x, is-hunter2]\n",
            "password: <redacted>\nargs: [--password=<redacted>, is-hunter2]\n",
        ),
        ("password: hunter\nargs: is-hunter\n", "password: <redacted>\nargs: is-<redacted>\n"),
        ("plugin:\n  secrets: {host: h}\n", "plugin:\n  secrets: {host: h}\n"),
        ('{"password": "x\\u0041y", "b": "c"}\n', '{"password": "<redacted>", "b": "c"}\n'),
        ("\ufeffpassword: hunter2\n", "\ufeffpassword: <redacted>\n"),
        ("user: u\r\npassword: hunter2\r\n", "user: u\r\npassword: <redacted>\r\n"),
    ],
)
def test_a_file(text: str, shown: str) -> None:
    assert hide_secrets([text]) == [shown.replace("is-hunter2", f"is-{REDACTED}")]


def test_a_file_whose_scalars_cannot_be_found_is_not_shown() -> None:
    assert hide_secrets(["password: [hunter2\nx\n"]) == [f"{REDACTED}\n{REDACTED}\n"]


def test_a_secret_of_one_text_is_hidden_in_the_other() -> None:
    assert hide_secrets(["password: hunter22\n", "a: 1 # hunter22\n"]) == ["password: <redacted>\n", "a: 1 # <redacted>\n"]
