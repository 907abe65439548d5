"""``APP_CONFIG_*`` and ``--env-file``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from generator.backstage.config.environment import read_environment
from generator.documents.env_files import parse_env_text, read_env_files
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("environ", "data"),
    [
        ({}, None),
        ({"APP_CONFIG_a": ""}, None),
        ({"app_config_a": "1"}, None),
        ({"APP_CONFIG_a": "1"}, {"a": 1}),
        ({"APP_CONFIG_a_b_c": "text"}, {"a": {"b": {"c": "text"}}}),
        ({"APP_CONFIG_a": '{"x": [1, {"y": null}]}', "APP_CONFIG_a_z": "true"}, {"a": {"x": [1, {"y": None}], "z": True}}),
        ({"APP_CONFIG_a-b:c_d": " 1.0 "}, {"a-b:c": {"d": 1}}),
        ({"APP_CONFIG_a": "NaN"}, {"a": "NaN"}),
        ({"APP_CONFIG_a": '"1"'}, {"a": "1"}),
        ({"APP_CONFIG_a": "{bad"}, {"a": "{bad"}),
        ({"APP_CONFIG_a": "${X}"}, {"a": "${X}"}),
        ({"APP_CONFIG_a": "12345678901234567890"}, {"a": 12345678901234567168.0}),
        ({"APP_CONFIG_a": '{"x": null}', "APP_CONFIG_a_x_y": "1"}, {"a": {"x": {"y": 1}}}),
    ],
)
def test_the_layer_of_the_environment(environ: dict[str, str], data: Any) -> None:
    found = Diagnostics()
    assert read_environment(environ, found) == (data, None)
    assert not len(found)


def test_a_value_knows_its_variable() -> None:
    data, _error = read_environment({"APP_CONFIG_a_b": '{"c": [1]}'}, Diagnostics())
    assert data is not None
    assert str(data["a"].locate("b")) == "APP_CONFIG_a_b"
    assert str(data["a"]["b"]["c"].locate(0)) == "APP_CONFIG_a_b"


def test_env_files_are_laid_over_each_other(tmp_path: Path) -> None:
    (tmp_path / "one.env").write_text("A=1\nB=1\nA=2\n")
    (tmp_path / "two.env").write_text("\ufeff# a comment\n\nexport B = 'two words' # why\r\nC=\n")
    found = Diagnostics()
    assert read_env_files([tmp_path / "one.env", tmp_path / "two.env"], found) == {"A": "2", "B": "two words", "C": ""}
    assert not len(found)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("A=a b  # c", {"A": "a b"}),
        ("A=a#b", {"A": "a"}),
        ("A='a#b $X \\n'", {"A": "a#b $X \\n"}),
        ('A="a#b\\nc\\td"', {"A": "a#b\nc\\td"}),
        ('A="-----BEGIN\nabc\n-----END"\nB=1', {"A": "-----BEGIN\nabc\n-----END", "B": "1"}),
        ('A=`it\'s "x"`', {"A": 'it\'s "x"'}),
        ("A=b=c", {"A": "b=c"}),
        ("  \n\t\n", {}),
    ],
)
def test_dotenv(text: str, variables: dict[str, str]) -> None:
    found = Diagnostics()
    assert parse_env_text(text, ".env", found) == variables
    assert not len(found)
