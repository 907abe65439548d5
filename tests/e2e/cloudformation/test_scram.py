"""What the functions store as a password is what PostgreSQL itself would have stored for it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from plugin_databases.scram import prepared, verifier

if TYPE_CHECKING:
    from cfn_stage import Target

PASSWORDS = [
    "ascii only",
    "é",
    "e\u0301",
    "\ufb01x\u2460",
    "\u00adé",
    "é\u00a0b",
    "\u2168 \u2160",
    "\u05d0\u05d1",
    "üñï→日本😀",
    "it's \\ quoted é",
]
#: PostgreSQL takes them as they are, or otherwise than drivers do: refused before anything is sent.
REFUSED = ["aé\u200bb", "\u200b", "a\u0341", "\u0221é", "é\u0001", "\u05d0a", "é\u2028", "\u00ad"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_servers_own_verifier_is_the_same(postgresql: Target, password: str) -> None:
    quoted = password.replace("'", "''")
    postgresql.rows(f"CREATE ROLE measured PASSWORD '{quoted}'")
    ((stored,),) = postgresql.rows("SELECT rolpassword FROM pg_authid WHERE rolname = 'measured'")
    salt = base64.b64decode(stored.split("$")[1].partition(":")[2])
    assert verifier(password, salt) == stored


@pytest.mark.parametrize("password", REFUSED)
def test_what_drivers_and_server_do_not_agree_about_is_refused(password: str) -> None:
    assert prepared(password) is None
