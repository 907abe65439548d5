"""How much of a server's time and answers one session of ``greenroom adopt`` takes."""

from __future__ import annotations

from typing import Final

#: Bytes. What is read is the names of all tables, which may be some hundred thousand.
MOST_BYTES: Final = 64 * 1024 * 1024
#: Seconds after which a session is given up that the server does not end itself: it has stopped answering.
PATIENCE: Final = 120
