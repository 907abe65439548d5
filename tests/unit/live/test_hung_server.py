"""A server that takes the login and then hangs is not waited for by every plugin."""

from __future__ import annotations

import socket

import pytest

from generator.preflight.deadlines import hang_up_after
from generator.preflight.network import Network, SilentServerError
from generator.preflight.postgresql.libpq import Address


def test_a_session_that_hangs_counts_as_silence() -> None:
    network, place = Network(1.0), Address("db", 5432)
    for _ in range(2):
        network.refuse_if_silent(place)
        ours, theirs = socket.socketpair()
        with ours, theirs, hang_up_after(ours.fileno(), 0.05, lambda: network.was_silent(place)):
            assert ours.recv(1) == b"", "the line is cut"
    with pytest.raises(SilentServerError):
        network.refuse_if_silent(place)


def test_a_session_in_time_does_not() -> None:
    network, place = Network(1.0), Address("db", 5432)
    ours, theirs = socket.socketpair()
    with ours, theirs, hang_up_after(ours.fileno(), 60, lambda: network.was_silent(place)):
        pass
    for _ in range(3):
        network.refuse_if_silent(place)
