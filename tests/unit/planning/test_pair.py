"""The states of a pair of logins: whatever is done in whatever order, the live login may log in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.planning.model import Delivery, Role
from generator.planning.pair import (
    Pair,
    enter,
    is_unfinished,
    leave,
    letter_of,
    lock_now,
    may_log_in,
    new_pair,
    retire,
    rotate,
    versions,
)

STEPS = st.lists(st.sampled_from(["rotate", "retire", "now", "enter", "leave"]), max_size=30)


def role(version: int, pair: Pair | None) -> Role:
    return Role(
        "backstage_catalog", "primary", ("catalog",), "catalog", Delivery("CATALOG_PASSWORD"), "catalog", version, pair=pair
    )


def step(name: str, version: int, pair: Pair | None) -> tuple[int, Pair | None]:
    """What the command does, where it is not refused."""
    if name == "enter":
        return enter(version, pair) if pair is None or pair.is_left else (version, pair)
    if pair is None or (name in ("rotate", "now") and pair.is_left):
        return version, pair
    if name == "rotate":
        return (version, pair) if is_unfinished(version, pair) else rotate(version, pair)
    return {"retire": retire, "now": lock_now, "leave": leave}[name](version, pair)


@given(st.integers(1, 6), st.booleans(), STEPS)
def test_the_live_login_may_log_in_and_nobody_else_loses_its_password(start: int, fresh: bool, names: list[str]) -> None:
    version: int = start
    pair = new_pair(start) if fresh else None
    for name in names:
        before = role(version, pair)
        new_version, new = step(name, version, pair)
        after = role(new_version, new)
        assert new_version >= version
        if new is not None and not new.is_left:
            live = [login for login in after.logins if login.is_live]
            assert [login.name for login in live] == [f"backstage_catalog_{letter_of(new_version)}"]
            assert live[0].may_log_in
        assert after.live.may_log_in
        assert after.live.version == new_version
        # Nobody who may log in gets another password, unless everything is locked at once.
        for was in (before.own_login, *before.logins):
            now = next((item for item in (after.own_login, *after.logins) if item.name == was.name), None)
            if was.may_log_in and now is not None and now.may_log_in and name != "now":
                assert now.version == was.version or not was.letter, (name, was, now)
        if name == "retire" and new is not None:
            assert not after.leaving
            assert not is_unfinished(new_version, new)
        if new is not None:
            assert bool(after.leaving) == is_unfinished(new_version, new)
        version, pair = new_version, new


def test_two_rotations() -> None:
    version, pair = 1, new_pair(1)
    seen = [(versions(version, pair), may_log_in(version, pair))]
    for change in (rotate, retire, rotate, retire):
        version, pair = change(version, pair)
        seen.append((versions(version, pair), may_log_in(version, pair)))
    assert seen == [
        ((1, 0), (True, False)),
        ((1, 2), (True, True)),
        ((1, 2), (False, True)),
        ((3, 2), (True, True)),
        ((3, 2), (True, False)),
    ]


def test_a_role_that_gets_a_pair_keeps_its_password_until_the_first_retirement() -> None:
    version, pair = enter(1, None)
    assert (version, pair) == (1, Pair(0, owner_logs_in=True))
    assert [item.name for item in role(version, pair).leaving] == ["backstage_catalog"]
    assert retire(version, pair) == (1, Pair(0))


def test_and_back_again() -> None:
    assert leave(1, Pair(0, owner_logs_in=True)) == (1, Pair(0, until=1))  # its password is the old one still
    assert leave(2, Pair(1)) == (3, Pair(1, until=2))
    left = role(3, Pair(1, until=2))
    assert left.live.name == "backstage_catalog"
    assert [item.name for item in left.leaving] == ["backstage_catalog_b"]
    assert role(*retire(3, Pair(1, until=2))).logins == ()
    assert enter(3, Pair(2, until=2)) == (3, Pair(2, owner_logs_in=True))


def test_a_rotation_that_is_unfinished_is_not_rotated() -> None:
    with pytest.raises(ValueError, match="unfinished"):
        rotate(2, Pair(0))
    with pytest.raises(ValueError, match="unfinished"):
        rotate(1, Pair(0, owner_logs_in=True))
    assert lock_now(2, Pair(0)) == (3, Pair(2))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (None, None),
        ("/run/secrets/catalog-db-password", "/run/secrets/catalog-db-password-a"),
        ("/run/secrets.d/catalog.txt", "/run/secrets.d/catalog-a.txt"),
        ("/run/secrets/.catalog", "/run/secrets/.catalog-a"),
        ("catalog", "catalog-a"),
    ],
)
def test_where_the_password_of_a_login_is(file: str | None, expected: str | None) -> None:
    assert Delivery("CATALOG_PASSWORD", file).of_login("a") == Delivery("CATALOG_PASSWORD_A", expected)
