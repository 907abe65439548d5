"""The YAML 1.2 core schema with JavaScript's numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from generator.documents.documents import parse_document
from generator.documents.scalars import js_number, key_string, resolve_plain
from generator.problems.diagnostic import Diagnostics


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("n", "n"),
        ("012", 12),
        ("0o14", 12),
        ("0o8", "0o8"),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("+7", 7),
        ("-0", 0),
        ("1e3", 1000),
        (".5", 0.5),
        ("1.", 1),
        ("1.50", 1.5),
        ("1.0", 1),
        (".", "."),
        ("1e", "1e"),
        ("12:30", "12:30"),
        ("2001-01-01", "2001-01-01"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("+.Inf", math.inf),
        ("1e400", math.inf),
        ("9007199254740992", 9007199254740992),
        ("9007199254740993", 9007199254740992),
        ("12345678901234567890", 12345678901234567168.0),
        ("0xfffffffffffffffff", 2.0**68),
        ("9" * 5000, math.inf),
        ("\uff11\uff12", "\uff11\uff12"),
        ("1 ", "1 "),
    ],
)
def test_plain_scalars(text: str, value: Any) -> None:
    found = resolve_plain(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(resolve_plain(".nan"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "number"),
    [(1.0, 1), (2**53, 2**53), (2**53 + 1, float(2**53)), (1e300, 1e300), (10**400, math.inf), (-(10**400), -math.inf)],
)
def test_numbers_are_doubles(value: float, number: float) -> None:
    found = js_number(value)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (1.5, "1.5"),
        (1, "1"),
        (1e21, "1e+21"),
        (1e-7, "1e-7"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_keys_are_what_javascript_makes_of_them(value: Any, text: str) -> None:
    assert key_string(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!str 12", "12"),
        ("! 12", "12"),
        ('!!int "12"', 12),
        ("!!int x", "x"),
        ("!!float 12", "12"),
        ("!!float 1.5", 1.5),
        ("!!bool yes", "yes"),
        ("!!null ''", None),
        ("!secret x", "x"),
        ("!!binary aGk=", {"0": 104, "1": 105}),
        ("!!timestamp 2001-01-01", {}),
    ],
)
def test_tags(text: str, value: Any) -> None:
    assert parse_document(f"a: {text}\n", "f.yaml", Diagnostics()) == {"a": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", True),
        ("No", False),
        ("y", True),
        ("017", 15),
        ("0b101", 5),
        ("0x1_F", 31),
        ("-0x10", -16),
        ("1_000", 1000),
        ("1:30", 90),
        ("-1:30:00", -5400),
        ("1:30.5", 90.5),
        ("1_0.5", 10.5),
        ("09", 9),
        ("2001-01-01", {}),
        ("x", "x"),
    ],
)
def test_a_document_may_ask_for_yaml_1_1(text: str, value: Any) -> None:
    assert parse_document(f"%YAML 1.1\n---\na: {text}\n", "f.yaml", Diagnostics()) == {"a": value}
