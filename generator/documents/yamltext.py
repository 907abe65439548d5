"""Makes a YAML text readable for libyaml where libyaml is stricter than, or differs from, npm ``yaml``.

libyaml reads YAML 1.1 texts: it refuses control characters, takes U+0085, U+2028 and a lone carriage return for line breaks,
refuses a tab on an otherwise empty line, anchors such as ``&a.b``, and ``[:80]``. A repair replaces characters one for one,
so that lines and columns stay what they are in the file, and is undone in the values.
"""

from __future__ import annotations

import re
from itertools import product
from string import ascii_letters
from typing import Any, Final

# Characters libyaml refuses or treats as line breaks, and npm yaml does not.
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)")
_LONE_RETURN = re.compile(r"\r(?!\n)")
_STAND_IN: Final = 0xF0000
_STAND_INS = re.compile("[\U000f0000-\U000fffff]")

# "\ud83d\ude00": JavaScript joins the two halves, libyaml refuses each of them.
_ESCAPED_PAIR = re.compile(r"\\u[dD]([89abAB][0-9a-fA-F]{2})\\u[dD]([c-fC-F][0-9a-fA-F]{2})")
_PRIVATE = re.compile("[\ue800-\uefff]|\\\\u[eE][89a-fA-F]")  # these stand for the surrogates U+D800 to U+DFFF

_ANCHOR_NAME = re.compile(r"[&*]([^\s,\[\]{}]+)")
_REPAIR_BUDGET: Final = 20_000_000  # characters parsed again, over all repairs of one text: some seconds


class Text:
    """A YAML text on its way through libyaml.

    ``text`` is what libyaml gets; :meth:`restore` gives back the replaced characters. ``lone_return`` is the offset
    of a carriage return without a line feed (neither a line break nor a space for npm ``yaml``).
    ``tabs`` are offsets where a tab after ``-``, ``?`` or ``:`` was read as a space: no block collection may follow there.
    """

    __slots__ = ("_anchors", "_budget", "_halves", "changed", "lone_return", "tabs", "text")

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff")
        # A text that holds the stand-ins themselves is left as it is: nothing could be undone for certain.
        repairable = not _STAND_INS.search(text)
        self.changed = repairable and bool(_ODD.search(text))
        self.text = _ODD.sub(lambda match: chr(_STAND_IN + ord(match[0])), text) if self.changed else text
        if text and not text.endswith("\n"):
            # libyaml leaves the line break off a block scalar that ends with the file; npm yaml adds it.
            self.text += "\n"
        lone = _LONE_RETURN.search(text) if self.changed else None
        self.lone_return = lone.start() if lone else None
        self.tabs: set[int] = set()
        self._anchors: dict[str, str] = {}
        self._halves = False
        self._budget = _REPAIR_BUDGET if repairable else 0

    def restore(self, value: str) -> str:
        """``value`` with the characters that stand in for others put back."""
        value = _STAND_INS.sub(lambda match: chr(ord(match[0]) - _STAND_IN), value)
        if self._halves:
            halves = "".join(chr(ord(c) - 0x1000) if "\ue800" <= c <= "\uefff" else c for c in value)
            value = halves.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value

    def repair(self, problem: str, offset: int) -> bool:
        """Change what libyaml stumbled over at ``offset``, if npm ``yaml`` reads it. Returns whether to try again."""
        self._budget -= len(self.text)
        if self._budget < 0 or offset >= len(self.text):
            return False
        return (
            ((problem.startswith("found a tab") or "cannot start any token" in problem) and self._tab(offset))
            or self._colon(offset)
            or self._tag(problem, offset)
            or self._surrogates(problem)
            or ("alphabetic" in problem and self._anchor(offset))
        )

    def plain_indicator(self, offset: int) -> bool:
        """Make the ``:`` or ``?`` at ``offset`` the start of a plain scalar (``[:80]``)."""
        self._budget -= len(self.text)
        if self._budget < 0:
            return False
        self._replace(offset, chr(_STAND_IN + ord(self.text[offset])))
        return True

    def _replace(self, offset: int, by: str) -> None:
        self.text = self.text[:offset] + by + self.text[offset + len(by) :]
        self.changed = True

    def _tab(self, offset: int) -> bool:
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        tab = self.text.find("\t", start, end)
        if tab < 0:
            return False
        rest = self.text[tab:end].strip()
        before = self.text[start:tab].strip(" ")
        empty = not rest or rest.startswith("#")
        if set(before) <= set("-?:") and (before or empty) and rest[:1] not in ("&", "!"):
            stop = end - len(self.text[tab:end].lstrip()) if rest else end
            self._replace(tab, " " * (stop - tab))
            if not empty:
                self.tabs.add(tab)
            return True
        return False

    def _colon(self, offset: int) -> bool:
        text = self.text
        if text[offset] == "?" and text[offset + 1] not in " \t\r\n,[]{}":
            return self.plain_indicator(offset)
        if text[offset] != ":" or text[offset + 1] in " \t\r\n":
            return False
        if text[offset + 1] in ",[]{}":
            # "{a:}": the colon ends the key. The space shifts the columns of the rest of this line by one.
            self.text = f"{text[: offset + 1]} {text[offset + 1 :]}"
            return True
        if text[offset + 1] != "?":
            while text[offset - 1] == ":":
                offset -= 1
            if text[max(0, offset - 100) : offset].rstrip()[-1:] in ('"', "'", "]", "}"):
                offset += 1  # the first colon ends a quoted key
        if text[offset] != ":":
            return False
        self._replace(offset, chr(_STAND_IN + ord(":")))
        return True

    def _tag(self, problem: str, offset: int) -> bool:
        if "expected whitespace or line break" not in problem or self.text[offset] not in ",]}":
            return False
        self.text = f"{self.text[:offset]} {self.text[offset:]}"  # "[a, !tag]"; shifts columns as above
        return True

    def _surrogates(self, problem: str) -> bool:
        if "Unicode character escape" not in problem or self._halves or _PRIVATE.search(self.text):
            return False
        self.text = _ESCAPED_PAIR.sub(_stand_for_pair, self.text)
        self._halves = self.changed = True
        return True

    def _anchor(self, offset: int) -> bool:
        start = max(self.text.rfind("&", 0, offset + 1), self.text.rfind("*", 0, offset + 1))
        match = _ANCHOR_NAME.match(self.text, start) if start >= 0 else None
        if not match or not start <= offset <= match.end():
            return False
        name = match[1]
        if name not in self._anchors:
            used = set(re.findall(f"[&*](?=([A-Za-z]{{{len(name)}}}))", self.text))
            names = map("".join, product(ascii_letters, repeat=len(name)))
            short = next((short for short in names if short not in used), None)
            if short is None:
                return False
            self._anchors[name] = short
        self._replace(start + 1, self._anchors[name])
        return True


def _stand_for_pair(match: re.Match[str]) -> str:
    high, low = (int(f"d{half}", 16) + 0x1000 for half in match.groups())
    return f"\\u{high:04x}\\u{low:04x}"


def restoring(parser: Any, text: Text) -> Any:
    """The ``get_event`` of ``parser``; when the text was changed, one that undoes the change in scalar values."""
    if not text.changed:
        return parser.get_event

    def get_event() -> Any:
        event = parser.get_event()
        value = getattr(event, "value", None)
        if value:
            event.value = text.restore(value)
        return event

    return get_event
