"""Any text becomes an HCL string that real Terraform evaluates to the same text, and nothing else."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import unicodedata
from typing import TYPE_CHECKING

import hcl2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.targets.terraform.escaping import identifier, is_identifier, markdown, string, text_problem, unquote

if TYPE_CHECKING:
    from pathlib import Path

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
#: Text out of the pieces that mean something to HCL.
PIECES = (
    "${",
    "%{",
    "$",
    "%",
    "{",
    "}",
    '"',
    "\\",
    "\n",
    "\r",
    "\t",
    "$${",
    "if",
    "x",
    "<<E",
    "#",
    "//",
    "/*",
    "*/",
    "\u2028",
    "é",
)
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
EXAMPLES = (
    "${file(\"/etc/passwd\")}",
    "%{ for x in y }",
    '"\n}\nresource "x" "y" {}\n#',
    "\\",
    "$${",
    "%%{x}",
    "\ufeff\u200b\x7f\x01",
    "a\u0301",
)  # fmt: skip


@given(TEXT | HOSTILE)
@example("${")
@example('$${"}')
def test_python_hcl2_reads_the_same_text(text: str) -> None:
    written = string(text)
    document = hcl2.loads(f'a = {written}\nb "c" {{\n  d = [{written}, {written}]\n}}\n')
    assert unquote(document["a"]) == text
    (block,) = document["b"]
    assert [unquote(item) for item in block['"c"']["d"]] == [text, text]
    assert {key for key in document if not key.startswith("__")} == {"a", "b"}


@given(TEXT | HOSTILE)
def test_it_is_one_line_of_printable_text(text: str) -> None:
    assert string(text).isprintable()


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT | HOSTILE, min_size=80, max_size=200))
@example([*EXAMPLES])
def test_terraform_evaluates_to_the_same_text(tmp_path: Path, texts: list[str]) -> None:
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")
    lines = "".join(f"    {string(text)},\n" for text in texts)
    (tmp_path / "main.tf").write_text(f"locals {{\n  texts = [\n{lines}  ]\n}}\n", encoding="utf-8")
    done = subprocess.run(
        ["terraform", "console"],
        cwd=tmp_path,
        input="base64encode(jsonencode(local.texts))",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    # Terraform composes what can be composed, in every string there is.
    assert json.loads(base64.b64decode(done.stdout.strip().strip('"'))) == [
        unicodedata.normalize("NFC", text) for text in texts
    ]


@given(TEXT | HOSTILE)
def test_reading_is_the_inverse_of_writing(text: str) -> None:
    assert unquote(string(text)) == text


@pytest.mark.parametrize("token", ["x", '"', '""x', '"${x}"', '"%{if x}"', '"a"b"', '"\\"', '"\\q"', "${x}"])
def test_what_is_not_a_literal_string_is_not_read(token: str) -> None:
    with pytest.raises(ValueError):
        unquote(token)


@pytest.mark.parametrize(("text", "why"), [("a\0b", "NUL"), ("a\ud800", "not valid Unicode")])
def test_what_no_string_can_hold_is_refused(text: str, why: str) -> None:
    assert why in str(text_problem(text))
    with pytest.raises(ValueError, match=why) as caught:
        string(text)
    assert text not in str(caught.value)


@given(st.text())
def test_identifiers(text: str) -> None:
    if is_identifier(text):
        assert hcl2.loads(f"{text} = 1\n")[text] == 1
    else:
        with pytest.raises(ValueError):
            identifier(text)


@given(st.text())
def test_markdown_is_one_line_without_markup(text: str) -> None:
    written = markdown(text)
    assert written.isprintable()
    for mark in "`*_[]<>|#":
        assert written.count(mark) == written.count(f"\\{mark}")
