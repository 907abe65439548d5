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


INNER = "backend:\n  database:\n    password: hunter2secret\n    # was: hunter2secret\n    ssl: false\n"
BLOCK = "".join(f"    {line}\n" for line in INNER.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        f"data:\n  app-config.yaml: |\n{BLOCK}",
        f"data:\n  app-config.yaml: |\n{BLOCK}".replace("\n", "\r\n"),
        f"data:\n  app-config.yaml: |2-\n{BLOCK}  other: x\n",
        "data:\n  app-config.yaml: >-\n    backend: {password: hunter2secret,\n    ssl: 'false'}\n",
        'data:\n  app-config.yaml: "backend: {password: hunter2secret}"\n',
        'data:\n  app-config.yaml: "backend:\\n  password: hunter2secret\\n"\n',
        'data:\n  app-config.yaml: "backend:\\n  p\\u0061ssword: hunter2secret\\n"\n',
        "data:\n  app-config.yaml: 'backend: {password: hunter2secret}'\n",
        "data:\n  app-config.yaml: |\n    - password: hunter2secret\n",
        "data:\n  app-config.yaml: |\n    {{ if x }}\n    password:\n      hunter2secret\n",
        "data:\n  app-config.yaml: |\n    a: b\n    ---\n    password: hunter2secret\n",
        "a: b\n---\npassword: hunter2secret\n",
        "outer: |\n  data:\n    app-config.yaml: |\n" + BLOCK.replace("    ", "      ", 1).replace("\n    ", "\n      "),
        "args: --hunter2secret\ntext: |\n  password: hunter2secret\n",
    ],
)
def test_a_text_that_is_a_document_itself(text: str) -> None:
    (shown,) = hide_secrets([text])
    assert "hunter2secret" not in shown
    assert shown.startswith(text[:5])


def test_lines_of_a_block_stay_where_they_are() -> None:
    text = f"data:\n  app-config.yaml: |\n{BLOCK}  other: x\n"
    assert hide_secrets([text]) == [text.replace("hunter2secret", REDACTED)]
    text = text.replace("\n", "\r\n")
    assert hide_secrets([text]) == [text.replace("hunter2secret", REDACTED)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "# password: >-\n#   hunter10secret\n# user: u\na: b\n",
            "# password: <redacted>\n#   <redacted>\n# user: u\na: b\n",
        ),
        ("a: b\n#- password:\n#    - hunter12secret\n", "a: b\n#- password:\n#    <redacted>\n"),
        ("a: b\n# secrets:\n# - hunter12\n# - hunter13\n# c: d\n", "a: b\n# secrets:\n# <redacted>\n# <redacted>\n# c: d\n"),
        ("  # token: |\r\n  #   hunter12\r\n  #\r\n  #   hunter13\r\na: b\r\n", None),
        ("a: |\n  b: c\n  # password: |\n  #   hunter12\n", None),
    ],
)
def test_a_block_that_is_commented_out(text: str, shown: str | None) -> None:
    (found,) = hide_secrets([text])
    assert "hunter" not in found
    if shown is not None:
        assert found == shown
