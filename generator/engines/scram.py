"""SCRAM-SHA-256 verifiers, made here, so that PostgreSQL never sees a clear password that it could log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

_ITERATIONS = 4096
_ZERO_WIDTH_SPACE = "\u200b"
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for ``password``: ``SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>``."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", (prepared(password) or password).encode(), salt, _ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def prepared(text: str) -> str | None:
    """SASLprep (RFC 4013); ``None`` where it is not possible, and a login by SCRAM with most drivers neither.

    ``None`` also where drivers do not agree with PostgreSQL: what the first step makes of a zero width space, and texts that
    are impossible only before they are normalised (PostgreSQL then takes them as they are).
    """
    if text.isascii() and text.isprintable():
        return text
    if _ZERO_WIDTH_SPACE in text:
        return None
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    normal = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not normal or any(table(character) for character in mapped + normal for table in _PROHIBITED):
        return None
    if any(stringprep.in_table_d1(character) for character in normal) and (
        any(stringprep.in_table_d2(character) for character in normal)
        or not (stringprep.in_table_d1(normal[0]) and stringprep.in_table_d1(normal[-1]))
    ):
        return None
    return normal
