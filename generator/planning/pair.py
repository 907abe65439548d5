"""A pair of logins: a role that owns everything and does not log in, and two logins that act as it and take turns.

Where a rotation stands is two numbers. The password version ``n`` says who is live: login a where it is odd, login b where
it is even. Each login has the version of its own password, the last one of its parity, and may log in while that is greater
than ``retired``. So a rotation touches only the login that nobody uses, and the live login can always log in.
"""

from __future__ import annotations

from typing import Final, NamedTuple

LETTERS: Final = ("a", "b")
"""What the two logins of a role are told apart by."""


class Pair(NamedTuple):
    """Which logins of a pair may log in.

    ``retired`` is the highest password version whose login is locked. ``owner_logs_in``: the role had a password of its own
    before it got the pair, and keeps it until the first retirement. ``until`` is the last version of the pair where the role
    is to log in by itself again: its logins go on until that version is retired.
    """

    retired: int
    owner_logs_in: bool = False
    until: int | None = None

    @property
    def is_left(self) -> bool:
        """Whether the role itself is live again."""
        return self.until is not None


def new_pair(version: int, *, owner_logs_in: bool = False) -> Pair:
    """A pair whose live login has the password ``version``, and whose other login cannot log in."""
    return Pair(version - 1, owner_logs_in)


def versions(version: int, pair: Pair) -> tuple[int, int]:
    """The versions of the passwords of login a and login b; 0 where a login never had one."""
    last = version if pair.until is None else pair.until
    return last - (last + 1) % 2, last - last % 2


def letter_of(version: int) -> str:
    """The login whose password has ``version``."""
    return LETTERS[(version + 1) % 2]


def may_log_in(version: int, pair: Pair) -> tuple[bool, bool]:
    """Whether login a and login b may log in while ``version`` is the live password."""
    a, b = versions(version, pair)
    return a > max(0, pair.retired), b > max(0, pair.retired)


def is_unfinished(version: int, pair: Pair) -> bool:
    """Whether somebody besides the live login may log in still."""
    return pair.owner_logs_in or pair.retired < (version - 1 if pair.until is None else pair.until)


# --- what can happen to it ----------------------------------------------------------------------------------------------


def rotate(version: int, pair: Pair) -> tuple[int, Pair]:
    """The other login gets a new password and is live; the old one may go on. The rotation before has to be finished.

    Raises:
        ValueError: it is not, or the pair was left.
    """
    if is_unfinished(version, pair) or pair.is_left:
        raise ValueError("a rotation is unfinished")
    return version + 1, pair


def retire(version: int, pair: Pair) -> tuple[int, Pair]:
    """Only the live login may log in. Nothing changes where that is so."""
    return version, Pair(version - 1 if pair.until is None else pair.until, until=pair.until)


def lock_now(version: int, pair: Pair) -> tuple[int, Pair]:
    """The other login gets a new password and is live, and every password there was is of no use from now on.

    Raises:
        ValueError: the pair was left.
    """
    if pair.is_left:
        raise ValueError("the role has no pair")
    return version + 1, Pair(version)


def enter(version: int, before: Pair | None) -> tuple[int, Pair]:
    """A role that logs in by itself gets a pair, or gets it again; it goes on until the first retirement."""
    if before is None or not is_unfinished(version, before):
        return version, new_pair(version, owner_logs_in=True)
    return version, Pair(before.retired, owner_logs_in=True)


def leave(version: int, pair: Pair) -> tuple[int, Pair]:
    """The role logs in by itself again; its logins go on until they are retired.

    It gets a new password, unless it still has the one from before the pair.
    """
    if pair.is_left:
        return version, pair
    return (version if pair.owner_logs_in else version + 1), Pair(pair.retired, until=version)
