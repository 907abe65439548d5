"""What the comments on a server say about whose an object is."""

from __future__ import annotations

import pytest

from generator.planning.marks import STACK_MARK_BEFORE, mark, stranger
from generator.targets.cloudformation.functions.plugin_databases.marker import Marker


@pytest.mark.parametrize(
    ("comment", "whose"),
    [
        (None, None),
        ("", None),
        ("ask Jane", None),
        ("greenroom: ", None),
        (mark("production"), None),
        (mark("staging"), "was made for environment staging"),
        (mark("production-2"), "was made for environment production-2"),
        (Marker("stack/catalog@db:5432", armed=True, request="r").text(), None),
    ],
)
def test_whose_an_object_is(comment: str | None, whose: str | None) -> None:
    assert stranger(comment, "production") == whose


def test_the_marker_of_a_stack_is_known_by_its_beginning() -> None:
    text = Marker("stack/catalog@db:5432", armed=True, request="r").text()
    assert text.startswith(STACK_MARK_BEFORE)
