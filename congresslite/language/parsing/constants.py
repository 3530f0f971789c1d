"""
Constants: from how they are written to what they are worth.

Strings have Python's forms and escapes, prefixes and adjacent pieces
included; as in Python, a backslash before any other character stands for
itself. Nothing is evaluated: each escape is looked up.
"""

from __future__ import annotations

import re
import unicodedata

from congresslite.schema import Scalar, canonical

_PIECE = re.compile(
    r"""([rRuUbB]{0,2})(?:'''((?:[^\\]|\\.)*?)'''|\"""((?:[^\\]|\\.)*?)\"""|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([^}]*)\}|(.))", re.DOTALL
)
_SINGLE = {
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_INTEGER = re.compile(r"[0-9]+|0[xXoObB][0-9a-fA-F]+")


class EscapeError(ValueError):
    """An escape that stands for no character; `start` and `end` are its place in the written string."""

    def __init__(self, text: str, start: int, end: int) -> None:
        super().__init__(text)
        self.start = start
        self.end = end


def string_value(text: str) -> str:
    """What a string literal is worth. Raises EscapeError."""
    if "\\" not in text and text[0] == text[-1] and text.count(text[0]) == 2:
        return text[1:-1]
    values: list[str] = []
    position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        assert piece is not None
        content = piece.lastindex
        assert content is not None
        raw = "r" in piece[1].lower()
        values.append(piece[content] if raw else _unescape(piece[content], piece.start(content)))
        position = piece.end()
    return "".join(values)


def _unescape(text: str, offset: int) -> str:
    """Replace the escapes of one piece, which starts at `offset` of its literal."""

    def character(match: re.Match[str]) -> str:
        octal, two, four, eight, name, single = match.groups()
        try:
            if single is not None:
                if single in "xuUN":
                    raise ValueError
                return _SINGLE.get(single, match[0])
            if name is not None:
                return unicodedata.lookup(name)
            result = chr(int(octal, 8) if octal else int(two or four or eight, 16))
        except (KeyError, ValueError, OverflowError):
            raise EscapeError(match[0], offset + match.start(), offset + match.end()) from None
        if "\ud800" <= result <= "\udfff":
            raise EscapeError(match[0], offset + match.start(), offset + match.end())
        return result

    return _ESCAPE.sub(character, text)


def number_value(text: str, sign: str = "") -> Scalar:
    """What a number is worth, in its canonical form. Raises ValueError if it is beyond 64 bits (floats: infinite)."""
    if text.isdecimal():
        # No integer of 64 bits has more digits; Python refuses to convert very long ones.
        digits = text.lstrip("0") or "0"
        if len(digits) > 19:
            raise ValueError(f"`{text}` does not fit in 64 bits")
        return canonical(int(sign + digits))
    if _INTEGER.fullmatch(text):
        return canonical(int(sign + text, 0))
    return canonical(float(sign + text))


def word_value(text: str) -> Scalar:
    """What `true`, `false` and `null` stand for."""
    return _WORDS[text]
