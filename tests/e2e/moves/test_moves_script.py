"""The ways of docs/moving-data.md with the SQL script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moves_ways import ONE_SERVER, TWO_SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from moves_repository import Repository, SqlRepository


@pytest.mark.parametrize("way", ONE_SERVER, ids=lambda way: way.__name__)
def test_on_one_server(script: SqlRepository, way: Callable[[Repository], None]) -> None:
    way(script)


@pytest.mark.parametrize("way", TWO_SERVERS, ids=lambda way: way.__name__)
def test_between_two_servers(script_two: SqlRepository, way: Callable[[Repository], None]) -> None:
    way(script_two)
