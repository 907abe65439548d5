"""The page about preflight, its schema and its code name the same checks."""

from __future__ import annotations

import json
import re
from pathlib import Path

from generator.preflight.recorder import CODES

PROJECT = Path(__file__).resolve().parents[3]


def test_every_check_is_in_the_docs_and_in_the_schema() -> None:
    page = (PROJECT / "docs" / "preflight.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `([a-z ]+)` \| (GR\d{3}) \|", page, re.M)) == CODES
    schema = json.loads((PROJECT / "schemas" / "preflight.schema.json").read_text(encoding="utf-8"))
    assert set(schema["$defs"]["check"]["properties"]["name"]["enum"]) == set(CODES)


def test_the_numbers_of_states_in_the_docs() -> None:
    page = " ".join((PROJECT / "docs" / "preflight.md").read_text(encoding="utf-8").split())
    folder = PROJECT / "tests" / "e2e" / "preflight"
    counts = [len(re.findall(r'^    "[a-z0-9 ]+": ', _states(folder / name), re.M)) for name in FILES]
    assert f"For {counts[0]} states of a PostgreSQL server" in page
    assert f"for {counts[1]} states of MariaDB" in page
    assert f"For {counts[2]} states of the plugin" in page


FILES = ("test_truth_postgresql.py", "test_truth_mariadb.py", "test_truth_rbac.py")


def _states(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    begin = text.index("STATES: ")
    return text[begin : text.index("\n}\n", begin)]
