"""The ways of docs/moving-data.md with the real provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moves_ways import ONE_SERVER, TWO_SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from moves_repository import Repository, TerraformRepository


@pytest.mark.parametrize("way", ONE_SERVER, ids=lambda way: way.__name__)
def test_on_one_server(terraform: TerraformRepository, way: Callable[[Repository], None]) -> None:
    way(terraform)


@pytest.mark.parametrize("way", TWO_SERVERS, ids=lambda way: way.__name__)
def test_between_two_servers(terraform_two: TerraformRepository, way: Callable[[Repository], None]) -> None:
    way(terraform_two)
