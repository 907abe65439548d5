"""From a file, or standard input, to the JSON of a plan; everything that is none is named for what it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from generator.documents.files import ReadError, read_bytes
from generator.plan_check.text import quoted, shown
from generator.problems.diagnostic import Diagnostic, GreenroomError, Location, Severity

if TYPE_CHECKING:
    from typing import BinaryIO

#: A plan of a thousand plugins has about 20 MiB.
MAX_BYTES: Final = 256 * 1024 * 1024

_SHOW: Final = "`terraform show -json tfplan > tfplan.json`"
_CUT: Final = "it ends in the middle: the JSON was cut short"
_CUT_HINT: Final = f"is the disk full? Run {_SHOW} again"
_ZIP: Final = b"PK\x03\x04"


class _DuplicateKeyError(ValueError):
    """A key that is there twice: which of the two values counts depends on who reads it."""


def read_plan(path: str, stdin: BinaryIO) -> dict[str, Any]:
    """The plan in the file at ``path``; ``-`` reads ``stdin``.

    Raises:
        GreenroomError: it cannot be read (GR900), it is a plan file and no JSON (GR901), it is not JSON (GR902), it is JSON
            and no plan (GR903), or a plan of a format that is not known here (GR904).
    """
    file = "standard input" if path == "-" else shown(path)
    return _plan(_parse(_content(path, file, stdin), file), file)


def _content(path: str, file: str, stdin: BinaryIO) -> bytes:
    if path == "-":
        try:
            content = stdin.read(MAX_BYTES + 1)
        except OSError as error:
            _fail("GR900", file, f"cannot be read: {(error.strerror or 'it failed').lower()}", f"pipe {_SHOW} into it")
        if len(content) > MAX_BYTES:
            _fail("GR900", file, f"more than {MAX_BYTES // 1024 // 1024} MiB", "is this the right plan?")
        return content
    try:
        return read_bytes(path, MAX_BYTES)
    except ReadError as error:
        if error.missing:
            _fail("GR900", file, "there is no such file", f"write it with {_SHOW}")
        hint = error.hint or f"name the file that {_SHOW} writes"
        if "regular" in error.reason:
            hint = "use - to read a pipe: `terraform show -json tfplan | greenroom plan-check -`"
        _fail("GR900", file, f"cannot be read: {error.reason}", hint)


def _parse(content: bytes, file: str) -> Any:
    if content.startswith(_ZIP):
        _fail("GR901", file, "this is the plan file itself, which only Terraform can read", f"convert it: {_SHOW}")
    if not content.strip(b" \t\r\n\0"):
        _fail("GR902", file, "there is nothing in it", f"did `terraform show` fail? Run {_SHOW} and look at what it says")
    try:
        # Of bytes, Python's JSON knows UTF-8, UTF-16 and UTF-32, with a byte order mark too: PowerShell writes such files.
        return json.loads(content, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        _not_json(content, file, error)
    except _DuplicateKeyError as error:
        _fail("GR902", file, f"the key {error} is there twice in one object", f"Terraform writes none: run {_SHOW} again")
    except RecursionError:
        _fail("GR902", file, "it is nested too deeply", f"Terraform writes nothing like it: run {_SHOW} again")
    except UnicodeDecodeError as error:
        if error.end == len(error.object):
            _fail("GR902", file, _CUT, _CUT_HINT)
        _fail("GR902", file, "this is not text", f"convert the plan: {_SHOW}")
    except ValueError as error:
        _fail("GR902", file, f"this is not JSON: {error}", f"write it with {_SHOW}")


def _not_json(content: bytes, file: str, error: json.JSONDecodeError) -> NoReturn:
    place = Location(file, error.lineno, error.colno)
    if content.lstrip().startswith(b'{"@level"'):
        what = "this is the log of `terraform plan -json`, which has no plan in it"
        _fail("GR903", file, what, f"save the plan with `terraform plan -out=tfplan`, then {_SHOW}")
    if not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated string"):
        what, hint = _CUT, _CUT_HINT
    else:
        what, hint = f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}", f"write it with {_SHOW}"
    raise GreenroomError([Diagnostic("GR902", Severity.ERROR, what, place, hint=hint)])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _DuplicateKeyError(quoted(twice[:80]))
    return found


def _integer(digits: str) -> int:
    if len(digits) > 400:  # more than Python converts quickly, and anybody writes
        raise ValueError(f"it has a number of {len(digits)} digits")
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _plan(document: Any, file: str) -> dict[str, Any]:
    """``document`` if it is a plan."""
    if not isinstance(document, dict):
        _fail("GR903", file, "this is JSON, but not a plan", f"write it with {_SHOW}")
    if "encrypted_data" in document:
        what = "this is an encrypted plan file of OpenTofu"
        _fail("GR901", file, what, "decrypt it where the key is: `tofu show -json tfplan > tfplan.json`")
    if "planned_values" not in document and "resource_changes" not in document:
        _fail("GR903", file, *_no_plan(document))
    version = document.get("format_version")
    if not isinstance(version, str) or version.split(".")[0] != "1":
        named = f"the version {quoted(version)}" if isinstance(version, str) else "no version"
        what = f"the plan has {named} of the format; greenroom knows version 1"
        _fail("GR904", file, what, "use a newer greenroom, or Terraform or OpenTofu 1.11 or newer")
    return document


def _no_plan(document: dict[str, Any]) -> tuple[str, str]:
    """What a JSON object without a plan is, and what to do about it."""
    if "@level" in document:
        what = "this is the log of `terraform plan -json`, which has no plan in it"
        return what, f"save the plan with `terraform plan -out=tfplan`, then {_SHOW}"
    if "values" in document or {"lineage", "serial"} & document.keys():
        what = "this is a state, not a plan: it cannot say what an apply would delete"
        return what, f"name the plan file: {_SHOW}"
    if set(document) <= {"format_version", "terraform_version"} and document:
        what = "this is an empty state, not a plan: it cannot say what an apply would delete"
        return what, f"name the plan file: {_SHOW}"
    return "this is JSON, but not a plan", f"write it with {_SHOW}"


def _fail(code: str, file: str, what: str, hint: str) -> NoReturn:
    raise GreenroomError([Diagnostic(code, Severity.ERROR, what, Location(file), hint=hint)])
