"""
What a program prints: its beginning and its end kept, the rest counted, and secrets masked.

Memory is bounded while it is read, however much comes. A little more is kept than is told, so that a secret across
a cut is seen whole, and masked, before the cut is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_MASKED = re.compile("\0+")
_SHORTEST = 4  # bytes; a shorter text is no secret worth its name, and masking it would spoil all that is printed


class Output:
    """One stream of a program."""

    def __init__(self, most: int, secrets: Iterable[str]) -> None:
        found = (each.encode("utf-8", "surrogateescape") for each in secrets)
        self._secrets = sorted({each for each in found if len(each) >= _SHORTEST}, key=len, reverse=True)
        self._half = max(1, most // 2)
        self._kept = self._half + max(map(len, self._secrets), default=0)
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def take(self, more: bytes) -> None:
        """Note what was printed."""
        self._total += len(more)
        room = self._kept - len(self._head)
        self._head += more[:room]
        self._tail += more[room:]
        if len(self._tail) > 2 * self._kept:
            del self._tail[: -self._kept]

    def told(self) -> dict[str, Any]:
        """`head`, `tail`, and how many bytes are `left_out` between them."""
        if self._total <= len(self._head) + len(self._tail):
            whole = self._masked(self._head + self._tail)
            if len(whole) <= 2 * self._half:
                return {"head": _text(whole), "tail": "", "left_out": 0}
            head, tail = whole, whole
        else:
            head, tail = self._masked(self._head), self._masked(self._tail)
        left_out = self._total - 2 * self._half
        return {"head": _text(head[: self._half]), "tail": _text(tail[-self._half :]), "left_out": left_out}

    def _masked(self, text: bytearray) -> bytes:
        """The text with secrets as zeros, so that everything stays in its place."""
        masked = bytes(text).replace(b"\0", b" ")
        for secret in self._secrets:
            masked = masked.replace(secret, b"\0" * len(secret))
        return masked


def masked(text: str, secrets: Iterable[str]) -> str:
    """A text with secrets masked."""
    output = Output(4 * len(text) + 1, secrets)
    output.take(text.encode("utf-8", "replace"))
    return str(output.told()["head"])


def _text(raw: bytes) -> str:
    return _MASKED.sub("…", raw.decode("utf-8", "replace"))
