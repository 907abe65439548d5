"""``--fix``: the intended value, and not one other byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator import Request
from generator.documents.documents import parse_document
from generator.lint import lint
from generator.lint.fix.fixer import fix, write
from generator.lint.model import Edit
from generator.lint.texts import Texts
from generator.problems.diagnostic import Diagnostics, GreenroomError, Location

if TYPE_CHECKING:
    from pathlib import Path


def fixed(folder: Path, files: dict[str, bytes], name: str = "app-config.yaml") -> bytes:
    """A file of a configuration after ``--fix``."""
    for file, data in files.items():
        (folder / file).write_bytes(data)
    report = lint(Request(root=folder, environ={}))
    result = fix(report.edits, report.texts)
    assert not result.refused
    write(result, report.texts)
    again = lint(Request(root=folder, environ={}))
    assert not again.edits
    return (folder / name).read_bytes()


# --- values and their fixed form -------------------------------------------------------------------------------------

_SPACE = st.sampled_from(["", " ", "  "])
_QUOTE = st.sampled_from(["'", '"'])

#: Key inside `connection`, what is written, what has to be written instead, the value it then has.
_CASES = st.one_of(
    st.builds(lambda q, w: ("ssl", f"{q}{w}{q}", w, w == "true"), _QUOTE, st.just("false")),
    st.builds(lambda n: ("password", str(n), f'"{n}"', str(n)), st.integers(0, 10**12)),
    st.builds(lambda n: ("password", f"0{n}", f'"0{n}"', f"0{n}"), st.integers(0, 999)),
    st.builds(
        lambda v, d: ("host", f"${{{v}:{d}}}", f"${{{v}:-{d}}}", f"${{{v}:-{d}}}"),
        st.from_regex(r"[A-Z_]{1,8}", fullmatch=True),
        st.from_regex(r"[a-z0-9.]{1,8}", fullmatch=True),
    ),
    st.builds(
        lambda v: ("user", f"{{$secret: {{env: {v}}}}}", f"{{ $env: {v} }}", {"$env": v}),
        st.from_regex(r"[A-Z_]{1,8}", fullmatch=True),
    ),
    st.builds(
        lambda p: ("ca", f"/{p}.pem", f"{{ $file: /{p}.pem }}", {"$file": f"/{p}.pem"}),
        st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True),
    ),
)
_NOISE = st.sampled_from(
    [
        "",
        "# a comment\n",
        "      # a comment: with a colon, \"and quotes'\n",
        "\n",
        "      application_name: 'ärger: # no'\n",
        "\t\n",
    ]
)


@given(
    case=_CASES,
    before=_NOISE,
    after=_NOISE.map(lambda text: text.replace("application_name", "charset")),
    space=_SPACE,
    comment=st.sampled_from(["", " # why: 'because'", "  #x"]),
    flow=st.booleans(),
    crlf=st.booleans(),
    bom=st.booleans(),
    newline_at_end=st.booleans(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_the_value_changes(
    tmp_path: Path,
    case: tuple[str, str, str, Any],
    before: str,
    after: str,
    space: str,
    comment: str,
    flow: bool,
    crlf: bool,
    bom: bool,
    newline_at_end: bool,
) -> None:
    key, wrong, right, value = case
    head = f"# für alle\nbackend:\n  database:\n    client: pg\n    connection:\n{before}"

    def text(written: str) -> str:
        inner = f"ssl: {{ca: {written}}}" if key == "ca" else f"{key}: {written}"
        line = f"      {inner}{comment}\n"
        if flow:
            line = f"      options: {{x: [1, 2]}}\n      {inner}{comment}\n" if key != "ca" else line
        made = f"{head}      port:{space or ' '}5432\n{line}{after}      database: null\napp: {{title: 'ssl: 5'}}\n"
        made = made if newline_at_end else made.rstrip("\n")
        return ("\ufeff" if bom else "") + (made.replace("\n", "\r\n") if crlf else made)

    data = fixed(tmp_path, {"app-config.yaml": text(wrong).encode()})
    assert data.decode() == text(right)
    connection = parse_document(data.decode(), "x", Diagnostics())["backend"]["database"]["connection"]
    assert (connection["ssl"]["ca"] if key == "ca" else connection[key]) == value


BASE = b'backend:\n  database:\n    client: pg\n    connection:\n      host: h\n      ssl: "false"\n'


def test_an_included_file_is_mended_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    files = {
        "app-config.yaml": b"backend:\n  database:\n    client: pg\n    connection: {$include: db/c.yaml}\n",
        "db/c.yaml": b"# mine\nhost: h\nssl:   'false'   # off\n",
    }
    assert fixed(tmp_path, files, "db/c.yaml") == b"# mine\nhost: h\nssl:   false   # off\n"
    assert (tmp_path / "app-config.yaml").read_bytes() == files["app-config.yaml"]


def test_an_included_json_file_stays_json(tmp_path: Path) -> None:
    files = {
        "app-config.yaml": b"backend:\n  database:\n    client: pg\n    connection: {$include: c.json}\n",
        "c.json": b'{\n  "host": "h",\n  "ssl": {"ca": "/etc/ca.pem"}\n}\n',
    }
    assert fixed(tmp_path, files, "c.json") == b'{\n  "host": "h",\n  "ssl": {"ca": { "$file": "/etc/ca.pem" }}\n}\n'


def test_a_block_of_the_old_include(tmp_path: Path) -> None:
    head = b"backend:\n  database:\n    client: pg\n    connection:\n      password: # p\n        "
    tail = b"\n      host: h\n"
    text, want = head + b"$secret:\n          env: 'PG'" + tail, head + b"$env: PG" + tail
    assert fixed(tmp_path, {"app-config.yaml": text}) == want


@pytest.mark.parametrize(
    "value",
    [
        "&x 'false'",  # the anchor is part of what is written
        "!!str false",
        ">-\n        false",
        "'fal\\\n        se'",
    ],
)
def test_what_is_not_the_plain_value_is_left_alone(tmp_path: Path, value: str) -> None:
    data = BASE.replace(b'"false"', value.encode())
    (tmp_path / "app-config.yaml").write_bytes(data)
    report = lint(Request(root=tmp_path, environ={}))
    assert not fix(report.edits, report.texts).texts


def test_a_relative_certificate_is_inserted_only_where_it_is(tmp_path: Path) -> None:
    data = BASE.replace(b'"false"', b"{ca: ./ca.pem}")
    (tmp_path / "app-config.yaml").write_bytes(data)
    assert not lint(Request(root=tmp_path, environ={})).edits
    (tmp_path / "ca.pem").write_text("x")
    assert fixed(tmp_path, {"app-config.yaml": data}) == BASE.replace(b'"false"', b"{ca: { $file: ./ca.pem }}")


def test_an_edit_that_changes_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: &a x\nb: *a\nc: y\n")
    texts = Texts()
    at = Location(str(path), 1, 7)
    shared = fix([Edit(at, "x", "z")], texts)
    assert (shared.applied, shared.refused) == ([], [Edit(at, "x", "z")])
    broken = fix([Edit(at, "x", "'")], texts)
    assert not broken.texts
    moved = fix(
        [Edit(at, "q", "z"), Edit(Location(str(path), 99, 1), "x", "z"), Edit(Location("nowhere", 1, 1), "x", "z")], texts
    )
    assert len(moved.refused) == 3
    overlapping = fix([Edit(Location(str(path), 3, 4), "y", "1"), Edit(Location(str(path), 3, 4), "y", "2")], texts)
    assert (len(overlapping.applied), len(overlapping.refused)) == (1, 1)


def test_all_files_or_none(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_bytes(
        BASE.replace(b'      ssl: "false"\n', b'      ssl: "false"\n    plugin: {$include: p.yaml}\n')
    )
    (tmp_path / "p.yaml").write_bytes(b"catalog: {connection: {ssl: 'false'}}\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    report = lint(Request(root=tmp_path, environ={}))
    result = fix(report.edits, report.texts)
    assert len(result.texts) == 2
    (tmp_path / "p.yaml").chmod(0o444)
    with pytest.raises(GreenroomError, match="read-only"):
        write(result, report.texts)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_changed_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "app-config.yaml"
    path.write_bytes(BASE)
    report = lint(Request(root=tmp_path, environ={}))
    result = fix(report.edits, report.texts)
    path.write_bytes(BASE + b"# just typed\n")
    with pytest.raises(GreenroomError, match="has changed meanwhile"):
        write(result, report.texts)
    assert path.read_bytes() == BASE + b"# just typed\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_bytes(BASE)
    (tmp_path / "app-config.yaml").symlink_to("real.yaml")
    report = lint(Request(root=tmp_path, environ={}))
    with pytest.raises(GreenroomError, match="symbolic link"):
        write(fix(report.edits, report.texts), report.texts)
    assert (tmp_path / "real.yaml").read_bytes() == BASE


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "app-config.yaml"
    path.write_bytes(BASE)
    path.chmod(0o640)
    fixed(tmp_path, {})
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("written", [b"true", b"'true'", b'"true"'])
def test_tls_for_mysql_is_an_object(tmp_path: Path, written: bytes) -> None:
    """mysql2 takes no boolean: taking the quotes off would leave another error."""
    text = b"backend:\n  database:\n    client: mysql2\n    connection: {host: h, ssl: %s}\n"
    files = {"app-config.yaml": text % written}
    assert fixed(tmp_path, files) == text % b'{ "rejectUnauthorized": true }'
    report = lint(Request(root=tmp_path, config=[str(tmp_path / "app-config.yaml")], environ={}))
    assert not report.has_errors
