"""Threads that end, names that resolve in time, and the XML of hostile texts."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from junitparser import JUnitXml

from generator.preflight.junit import junit
from generator.preflight.network import HostNameError, Network, SilentServerError
from generator.preflight.postgresql.libpq import Address
from generator.preflight.results import Check, PreflightReport, PreflightResult
from generator.preflight.waiting import pauses
from generator.preflight.workers import BoundedTimeoutError, bounded, in_parallel


def test_every_item_is_done_and_not_too_many_at_once() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number

    assert sorted(in_parallel(work, range(20), 4)) == list(range(20))
    assert most <= 4
    assert list(in_parallel(work, [], 4)) == []


def test_an_error_comes_out_and_the_rest_is_not_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.02)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        list(in_parallel(work, range(100), 1))
    assert len(begun) < 100


def test_what_knows_no_timeout_gets_one() -> None:
    assert bounded(lambda: 5, 10) == 5
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 // 0, 10)
    started = time.monotonic()
    with pytest.raises(BoundedTimeoutError):
        bounded(lambda: time.sleep(30), 0.1)
    assert time.monotonic() - started < 25


def test_a_name_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(host: str, *_args: object, **_kwargs: object) -> object:
        asked.append(host)
        if host == "nowhere":
            raise socket.gaierror(socket.EAI_NONAME, "nothing")
        return [(0, 0, 0, "", ("192.0.2.1", 0)), (0, 0, 0, "", ("192.0.2.2", 0)), (0, 0, 0, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    network = Network(5)
    for _ in range(3):
        assert network.resolve("db") == ("192.0.2.1", "192.0.2.2")
        with pytest.raises(HostNameError) as caught:
            network.resolve("nowhere")
        assert caught.value.code == "ENOTFOUND"
    assert asked == ["db", "nowhere"]
    assert network.resolve("192.0.2.9") == ()
    assert network.resolve("::1") == ()
    assert network.resolve("/run/postgresql") == ()


def test_a_silent_server_is_asked_twice() -> None:
    network, place = Network(5), Address("db", 5432)
    for _ in range(2):
        network.refuse_if_silent(place)
        network.was_silent(place)
    with pytest.raises(SilentServerError):
        network.refuse_if_silent(place)
    network.refuse_if_silent(Address("db", 5433))


def test_the_pauses_are_the_same_in_every_run() -> None:
    found = pauses()
    assert [next(found) for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_hostile_texts_are_xml() -> None:
    words = "a \x00 \x1b[31m <&>'\" ]]> \ud800 \U0001f600"
    result = PreflightResult(
        plugin_id="a<b",
        engine="postgresql",
        server="db:5432",
        database="d",
        schema=None,
        user="u",
        checks=(
            Check("login", False, words, code="GR721", backstage=words, hint=words),
            Check("tls", True, words, warning=True, code="GR720"),
        ),
    )
    (suite,) = JUnitXml.fromstring(junit(PreflightReport((result,))).encode())
    (failed,) = [case for case in suite if not case.is_passed]
    assert "<&>'\" ]]> \ufffd \U0001f600" in failed.result[0].text
    assert (suite.name, suite.failures, suite.tests) == ("a<b", 1, 2)
