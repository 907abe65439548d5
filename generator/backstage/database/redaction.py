"""What may be shown of a value: secrets are replaced, what merely names one (``${PASSWORD}``, a path) stays."""

from __future__ import annotations

import re
from typing import Any

from generator.documents.values import UNDEFINED, Placeholder

REDACTED = "<redacted>"

# Names of settings whose value is a secret wherever they appear. `key` is a private key in `ssl`.
_SECRET_NAME = re.compile(
    r"key|pfx|pwd|.*(?:passw|passphrase|secret|token|credential|private[_-]?key|api[_-]?key|access[_-]?key).*", re.IGNORECASE
)
# `//user:password@`, with one slash where a path was made of it. The last @ counts, as passwords are often not encoded.
_IN_URL = re.compile(r"(:/{1,3}[^/?#@:\s]*:)(\S*)(?=@)")
_IN_PARAMETER = re.compile(r"((?:password|passphrase|passwd|pwd|secret|token)=)([^&;\s]+)", re.IGNORECASE)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_REFERENCE = re.compile(r"\$?\$\{[^}]*\}")


def is_secret_name(name: str) -> bool:
    """Whether the value of a setting called ``name`` is a secret."""
    return _SECRET_NAME.fullmatch(name) is not None


def redact_text(text: str) -> str:
    """``text`` without the passwords of URLs and without private keys; references to variables stay."""
    if _PRIVATE_KEY.search(text):
        return REDACTED
    if ":/" in text and "@" in text:
        text = _IN_URL.sub(lambda match: match[1] + _literals_redacted(match[2]), text)
    if "=" in text:
        text = _IN_PARAMETER.sub(lambda match: match[1] + _literals_redacted(match[2]), text)
    return text


def redact(value: Any, name: str = "") -> Any:
    """A copy of ``value`` (found under ``name``) that may be shown."""
    if isinstance(value, dict):
        return {key: redact(item, key) for key, item in value.items() if item is not UNDEFINED}
    if isinstance(value, (list, tuple)):
        return [redact(item, name) for item in value]
    if _SECRET_NAME.fullmatch(name) and value is not None and value is not UNDEFINED and not isinstance(value, bool):
        return _literals_redacted(value) if isinstance(value, str) else REDACTED
    return redact_text(value) if isinstance(value, str) else value


def _literals_redacted(text: str) -> str:
    """``text`` with everything but its references replaced."""
    if isinstance(text, Placeholder) and text.is_file:
        return text
    rest = _REFERENCE.sub("", text)
    if not rest:
        return text
    return REDACTED + "".join(piece for piece in _REFERENCE.findall(text) if not piece.startswith("$$"))
