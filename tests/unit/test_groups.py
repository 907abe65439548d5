"""Tests of one group run on one worker: what they start together (a server, a backend) is started once."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("held-together")
@pytest.mark.parametrize("number", range(2))
def test_a_group_is_known_to_the_scheduler(request: pytest.FixtureRequest, number: int) -> None:
    del number
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("there is one worker only")
    # What pytest-xdist sends to its scheduler. With a pytest that it does not fit, the group is missing, and nobody is told.
    assert request.node.nodeid.endswith("@held-together")
