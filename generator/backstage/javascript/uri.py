"""URLs the way node reads them: the WHATWG parser, and JavaScript's percent-encoding functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

from generator.backstage.config.reader import ConfigError

if TYPE_CHECKING:
    from ada_url import URL

_RESERVED = ";/?:@&=+$,#"
_UNESCAPED_BY_ENCODE_URI = ";/?:@&=+$,-_.!~*'()#"
_HEX_PAIR = re.compile(r"%[0-9a-fA-F]{2}")
_PERCENT_RUN = re.compile(r"(?:%[0-9a-fA-F]{2})+")


def parse_url(text: str, base: str | None = None) -> URL:
    """``new URL(text, base)``. Raises ``ConfigError`` with node's message, which leaves out the (secret) text."""
    from ada_url import URL

    # A string of JavaScript becomes well-formed Unicode before it is parsed: a lone surrogate turns into U+FFFD.
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    try:
        return URL(text, base) if base else URL(text)
    except ValueError:
        raise ConfigError("TypeError", "Invalid URL") from None


def query_of(url: URL) -> list[tuple[str, str]]:
    """``[...url.searchParams.entries()]``."""
    return parse_qsl(str(url.search)[1:], keep_blank_values=True, encoding="utf-8", errors="replace")


def encode_uri(text: str) -> str:
    """``encodeURI(text)``. Raises ``ConfigError`` for a lone surrogate."""
    try:
        return quote(text, safe=_UNESCAPED_BY_ENCODE_URI)
    except UnicodeEncodeError:
        raise _malformed() from None


def decode_uri(text: str) -> str:
    """``decodeURI(text)``: reserved characters stay encoded. Raises ``ConfigError`` for a malformed sequence."""
    return _decode(text, _RESERVED)


def decode_uri_component(text: str) -> str:
    """``decodeURIComponent(text)``. Raises ``ConfigError`` for a malformed sequence."""
    return _decode(text, "")


def _decode(text: str, keep: str) -> str:
    if text.count("%") != len(_HEX_PAIR.findall(text)):
        raise _malformed()
    return _PERCENT_RUN.sub(lambda run: _decode_run(run[0], keep), text)


def _decode_run(run: str, keep: str) -> str:
    try:
        decoded = bytes.fromhex(run.replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed() from None
    if not any(char in keep for char in decoded):
        return decoded
    out = []
    at = 0
    for char in decoded:
        width = 3 * len(char.encode("utf-8"))
        out.append(run[at : at + width] if char in keep else char)
        at += width
    return "".join(out)


def _malformed() -> ConfigError:
    return ConfigError("URIError", "URI malformed")
