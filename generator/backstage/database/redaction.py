"""What is secret in a configuration, and what may be shown in its place: the one module that knows.

A value is redacted where it still has its name (:func:`redact`), before text is made of it. What merely names a secret
(``${PASSWORD}``, the path of a file) stays; a default value in a reference (``${PASSWORD:-hunter2}``) does not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from generator.documents.values import UNDEFINED, Placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

REDACTED: Final = "<redacted>"

# Names of settings, connection options and URL parameters, compared in small letters without what separates words.
_WHOLE: Final = frozenset({"pass", "pfx", "psk", "pw", "pwd"})
_PART: Final = re.compile(r"passw|passphrase|secret|token|credential|apikey|accesskey|privatekey")
_END: Final = ("key", "pass", "pwd")
_PUBLIC: Final = ("publickey", "bypass")
_SEPARATORS: Final = re.compile(r"[^a-z0-9]")

_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_REFERENCE: Final = re.compile(r"\$?\$\{[^{}]*\}")
_NAME: Final = re.compile(r"[\w.-]+")
# `//user:password@`, with one slash where a path was made of it. Passwords are often not encoded, so the last @ counts.
_IN_URL: Final = re.compile(r"(:/{1,3}[^:@]*:)(.*)(?=@)", re.DOTALL)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# The same without a scheme, as the whole of a value.
_USER_INFO: Final = re.compile(r"([^:@]*:)(.*)(?=@)", re.DOTALL)
# `name=`, and `"name":` of JSON inside a text.
_PARAMETER: Final = re.compile(r"""(?<![\w%.+-])([\w%.+-]++)(?:["']\s{0,9}:|["']?\s{0,9}=)\s{0,9}""")
_QUOTED: Final = re.compile(r"""'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?""", re.DOTALL)
_BETWEEN: Final = "&;,? \t\r\n"
_IN_COMMENT: Final = re.compile(r"""(?<![\w.-])([\w.-]++)(["']?\s{0,9}[:=]\s{0,9})(?=\S)""")
# Stand for references while a text is looked at: characters of a private plane.
_FIRST_STAND_IN: Final = 0x100000


def is_secret_name(name: str) -> bool:
    """Whether the value of a setting, a connection option or a URL parameter called ``name`` is a secret."""
    plain = _SEPARATORS.sub("", name.lower())
    if plain in _WHOLE or _PART.search(plain):
        return True
    return plain.endswith(_END) and not plain.endswith(_PUBLIC)


def redact(value: Any, name: str = "") -> Any:
    """A copy of ``value`` (found under ``name``) that may be shown."""
    secret = is_secret_name(name)
    if isinstance(value, dict):
        # `credentials` is a box of settings with names of their own; what is in `password: {…}` is the password.
        inner = name if secret and "credential" not in name.lower() else ""
        return {
            key: redact(item, key if is_secret_name(key) else inner or key)
            for key, item in value.items()
            if item is not UNDEFINED
        }
    if isinstance(value, (list, tuple)):
        return [redact(item, name) for item in value]
    if secret and value is not None and value is not UNDEFINED and not isinstance(value, bool):
        return hide(value) if isinstance(value, str) else REDACTED
    return redact_value(value) if isinstance(value, str) else value


def redact_value(text: str) -> str:
    """A value that is no secret by its name, without the passwords that are in it: those of a URL with or without a scheme,
    of its parameters, of libpq's ``password='…'``, and private keys. References to variables stay.
    """
    return _redacted(text, whole=True)


def redact_text(text: str) -> str:
    """A sentence with values in it, as :func:`redact_value`; ``user:password@`` without a scheme is not looked for."""
    return _redacted(text, whole=False)


def redact_comment(text: str) -> str:
    """A comment: as :func:`redact_text`, and without what follows ``password:`` or the like."""
    for match in _IN_COMMENT.finditer(text):
        if is_secret_name(match[1]):
            return redact_text(text[: match.end()]) + REDACTED
    return redact_text(text)


def hide(text: str) -> str:
    """A secret, with everything but its references replaced. The default values of references are parts of the secret."""
    if isinstance(text, Placeholder) and text.is_file:
        return text
    references = [piece for piece in _REFERENCE.findall(text) if not piece.startswith("$$")]
    shown = "".join(map(_reference, references))
    rest = text
    for piece in references:
        rest = rest.replace(piece, "", 1)
    return shown if not rest.strip() and references else REDACTED + shown if rest else text


def url_password(text: str) -> str | None:
    """The password in the URL ``text``, as it is written; ``None`` without one."""
    match = _IN_URL.search(text)
    return match[2] if match else None


def literals(text: str) -> Iterator[str]:
    """What of a secret is written out: its text between the references, and their default values."""
    if isinstance(text, Placeholder) and text.is_file:
        return
    end = 0
    for match in _REFERENCE.finditer(text):
        if match[0].startswith("$$"):
            continue
        yield text[end : match.start()].strip()
        yield match[0][2:-1].partition(":")[2].removeprefix("-").strip()
        end = match.end()
    yield text[end:].strip()


def _redacted(text: str, *, whole: bool) -> str:
    if _PRIVATE_KEY.search(text):
        return REDACTED
    if isinstance(text, Placeholder) and text.is_file:
        return text
    has_user_info = ":" in text and "@" in text
    if not has_user_info and "=" not in text and not (":" in text and ('"' in text or "'" in text)):
        return text
    if any(ord(char) >= _FIRST_STAND_IN for char in text):
        return REDACTED  # nobody writes these; they would be taken for references
    found: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        if match[0].startswith("$$") or len(found) > 0xFFFF - 2:
            return match[0]
        found.append(match[0])
        return chr(_FIRST_STAND_IN + len(found) - 1)

    # A URL may be the default value of a reference.
    masked = _REFERENCE.sub(stand_in, text)
    if has_user_info:
        pattern = _IN_URL if _IN_URL.search(masked) else _USER_INFO if whole and not _URL.match(masked) else None
        if pattern is not None:
            masked = pattern.sub(lambda match: match[1] + _hidden(match[2], found), masked, count=1)
    masked = _parameters(masked, found)
    result = masked
    for index, piece in enumerate(found):
        result = result.replace(chr(_FIRST_STAND_IN + index), _with_fallback(piece, whole=whole))
    return result


def _hidden(masked: str, found: list[str]) -> str:
    """A secret in a text whose references are stood in for."""
    if not masked:
        return masked
    shown = "".join(_reference(found[ord(char) - _FIRST_STAND_IN]) for char in masked if ord(char) >= _FIRST_STAND_IN)
    literal = any(ord(char) < _FIRST_STAND_IN for char in masked)
    return (REDACTED if literal else "") + shown


def _parameters(masked: str, found: list[str]) -> str:
    """``masked`` without the values of parameters with a secret name. A value ends where the next parameter starts."""
    matches = list(_PARAMETER.finditer(masked))
    if not matches:
        return masked
    parts: list[str] = []
    end = 0
    for index, match in enumerate(matches):
        if match.start() < end:
            continue  # inside the quotes of the value before
        if not is_secret_name(unquote(match[1])):
            continue
        quoted = _QUOTED.match(masked, match.end())
        if quoted:
            stop = quoted.end()
            value = _hidden(quoted[0], found)
        else:
            stop = matches[index + 1].start() if index + 1 < len(matches) else len(masked)
            raw = masked[match.end() : stop]
            if stop < len(masked):
                kept = raw.rstrip(_BETWEEN + "\"'{[")
                stop, raw = match.end() + len(kept), kept
            value = _hidden(raw, found)
        parts += [masked[end : match.end()], value]
        end = stop
    return "".join(parts) + masked[end:]


def _with_fallback(reference: str, *, whole: bool) -> str:
    """A reference in a value that is no secret: its default value may be a URL with a password."""
    name, separator, fallback = reference[2:-1].partition(":")
    return f"${{{name}{separator}{_redacted(fallback, whole=whole)}}}" if separator else reference


def _reference(piece: str) -> str:
    """A reference in a secret: the name of the variable, without a default value."""
    name, separator, fallback = piece[2:-1].partition(":")
    dash = "-" if fallback.startswith("-") else ""
    if name.strip() and not _NAME.fullmatch(name.strip()):
        return f"${{{REDACTED}}}"
    return f"${{{name}{separator}{dash}{REDACTED if fallback.removeprefix('-') else ''}}}"
