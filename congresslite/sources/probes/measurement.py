"""
Measurements: what a probe found.

There are three outcomes, and they are never mixed up: the object is well, the
object is not as it should be (a fault), or nothing could be found out, because
the probe could not be run.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a probe found: a value, or None where there is none, and what is wrong, or None.

    Where `ran` is False the probe could not be run, and `fault` says why.
    """

    value: float | None = None
    fault: str | None = None
    ran: bool = True

    @property
    def ok(self) -> bool:
        """Whether the probe ran and its object is as it should be."""
        return self.ran and self.fault is None


def not_run(why: str) -> Measurement:
    """The outcome of a probe that could not be run."""
    return Measurement(None, why, ran=False)


def number(text: str) -> float | None:
    """The finite number that a text is, or None."""
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        return None
    value = float(stripped)
    return value if math.isfinite(value) else None


def seconds(took: float) -> float:
    """A measured time: to the microsecond, which is more than a scheduler keeps."""
    return round(took, 6)


def one_line(text: str) -> str:
    """Somebody else's text as it may stand in a table: one line of printable characters, cut short."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"
