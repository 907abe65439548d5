"""``${X}`` as Backstage fills it in, and placeholders that keep its meaning."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.backstage.config.substitution import escape, lookup_in, substitute, substitute_known, unusable_names
from generator.documents.values import UNDEFINED, Placeholder, Reference

ENVIRON = {"X": " x ", "EMPTY": "", "DOLLAR": "a$", "BRACE": "${X}", "PART": "$"}
LOOKUP = lookup_in(ENVIRON)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain $ {X} $X", "plain $ {X} $X"),
        ("${X}", "x"),
        ("${ X\n}", "x"),
        ("a${X}b${X}", "axbx"),
        ("${EMPTY}", ""),
        ("${NO}", UNDEFINED),
        ("a${NO}b", UNDEFINED),
        ("${NO:-y}", "y"),
        ("${NO :-  y z }", "y z"),
        ("${EMPTY:-y}", "y"),
        ("${X:-y}", "x"),
        ("${NO:-}", UNDEFINED),
        ("${EMPTY:-}", UNDEFINED),
        ("${NO:-a:-b}", "a:-b"),
        ("${NO:y}", UNDEFINED),
        ("${}", UNDEFINED),
        ("${:-y}", "y"),
        ("$${X}", "${X}"),
        ("$$${X}", "$${X}"),
        ("$${NO}${X}", "${NO}x"),
        ("${BRACE}", "${X}"),
        ("${a{b}}", "${a{b}}"),
        ("${X", "${X"),
    ],
)
def test_what_backstage_puts_in(text: str, value: object) -> None:
    assert substitute(text, LOOKUP) == value


def test_values_of_the_environment_are_trimmed_as_javascript_trims() -> None:
    lookup = lookup_in({"A": "\u00a0\ufeff\t a \u2028", "B": "\x1c b \x1c", "C": "caf\udce9"})
    assert lookup("A") == "a"
    assert lookup("B") == "\x1c b \x1c"  # white space for Python, not for JavaScript
    assert lookup("C") == "caf\ufffd"  # a byte that is not UTF-8
    assert lookup("D") is None


@pytest.mark.parametrize(
    ("text", "kept", "names"),
    [
        ("${NO}", "${NO}", ["NO"]),
        ("${ NO }", "${NO}", ["NO"]),
        ("${NO:-}", "${NO:-}", ["NO"]),
        ("pg.${NO}.${X}.example", "pg.${NO}.x.example", ["NO"]),
        ("${NO}-${NO2}", "${NO}-${NO2}", ["NO", "NO2"]),
        ("$${Y}-${NO}", "$${Y}-${NO}", ["NO"]),
        ("${BRACE}${NO}", "$${X}${NO}", ["NO"]),
        ("${PART}{X}${NO}", "$${X}${NO}", ["NO"]),
        ("${DOLLAR}${NO}", "a${:-$}${NO}", ["NO"]),
        ("$$$${X}$${NO}", None, []),
        ("${NO}$", "${NO}$", ["NO"]),
    ],
)
def test_placeholders(text: str, kept: str | None, names: list[str]) -> None:
    value = substitute_known(text, LOOKUP)
    if kept is None:
        assert not isinstance(value, Placeholder)
        return
    assert isinstance(value, Placeholder)
    assert value == kept
    assert value.references == tuple(Reference("env", name) for name in names)
    assert value.is_single_variable == bool(re.fullmatch(r"\$\{\w+\}", kept))
    assert not value.is_file


@pytest.mark.parametrize("text", ["${}", "${EMPTY:-}", "${PORT:8080}", "a${ }b"])
def test_what_no_environment_can_give_is_left_out(text: str) -> None:
    assert substitute_known(text, LOOKUP) is UNDEFINED


def test_a_default_value_without_its_dash() -> None:
    assert unusable_names("${PORT:8080} $${A:b} ${C:-d}") == ["PORT:8080"]


PIECES = st.sampled_from(
    ["a", "$", "$$", "{", "}", "${", "${A}", "${B}", "${C}", "${A:-x}", "${B:-}", "$${A}", "$${", " ", ":-", "A"]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)
VALUES = st.lists(st.sampled_from(["v", "$", "{", "}", "${A}", "$${B}", "${"]), min_size=1, max_size=4).map("".join)


@given(TEXTS, st.dictionaries(st.sampled_from("ABC"), VALUES), st.dictionaries(st.sampled_from("ABC"), VALUES, min_size=3))
def test_a_placeholder_means_the_same_when_its_variables_arrive(
    text: str, now: dict[str, str], later: dict[str, str]
) -> None:
    known = substitute_known(text, lookup_in(now))
    # A variable with a default value is taken to stay unset: only the ones that are waited for arrive.
    waiting = known.references if isinstance(known, Placeholder) else ()
    full = {**{name: later.get(name, "w") for _kind, name in waiting}, **now}
    if known is UNDEFINED:
        assert substitute(text, lookup_in(now)) is UNDEFINED
    elif isinstance(known, Placeholder):
        assert substitute(known, lookup_in(full)) == substitute(text, lookup_in(full))
        assert not {name for _kind, name in known.references} & now.keys()
    else:
        assert known == substitute(text, lookup_in(now))


@given(TEXTS)
def test_an_escaped_text_is_literal_for_backstage(text: str) -> None:
    assert substitute(escape(text), lookup_in({})) == text
    assert substitute(f"{escape(text, before_reference=True)}${{A}}", lookup_in({"A": "end"})) == f"{text}end"
