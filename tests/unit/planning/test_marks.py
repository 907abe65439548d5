"""What the comments on a server say about whose an object is."""

from __future__ import annotations

import pytest

from generator.planning.marks import mark, stranger
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
        (Marker("stack/catalog@db:5432", armed=True, request="r").text(), "belongs to a CloudFormation stack"),
    ],
)
def test_whose_an_object_is(comment: str | None, whose: str | None) -> None:
    assert stranger(comment, "production") == whose
