"""
Hostile text made harmless.

Names come from systems that anybody may write to. No character of theirs moves
a cursor, colours a line or turns text around: each is shown as one visible
character, so that columns and carets stay in place.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache


def visible(text: str, keep: str = "") -> str:
    """The text with each control character, except those in `keep`, as a character that only shows."""
    if text.isprintable():
        return text
    return "".join(character if character in keep else _shown(character) for character in text)


@lru_cache(maxsize=512)
def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # control pictures: ESC is shown as one character
    if code == 0x7F:
        return "\u2421"
    # Format characters turn or hide text, separators break lines, a lone surrogate cannot be written at all.
    hostile = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "\ufffd" if hostile else character
