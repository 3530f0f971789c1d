"""
"Did you mean": the known name that is nearest to one that nobody knows.

A suggestion must be cheap even where thousands of names are known, so names of
a very different length are never compared, and among very many only those that
begin or end alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LISTED = 12
_VERY_MANY = 300


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to `name`, or None if none is near."""
    slack = max(2, len(name) // 3)
    candidates = [each for each in known if abs(len(each) - len(name)) <= slack]
    if len(candidates) > _VERY_MANY:
        candidates = [each for each in candidates if each[:2] == name[:2] or each[-2:] == name[-2:]]
    folded = {each.lower(): each for each in sorted(candidates, reverse=True)}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint that names the nearest known name, or None."""
    near = nearest(name, known)
    return f"did you mean `{near}`?" if near else None


def listing(names: Iterable[str]) -> str:
    """Names for a message, each in backticks, cut short if there are very many."""
    every = list(names)
    shown = ", ".join(f"`{name}`" for name in every[:_LISTED])
    return f"{shown} and {len(every) - _LISTED} more" if len(every) > _LISTED else shown


def near_or_listed(name: str, known: Iterable[str], what: str) -> str | None:
    """A hint: the nearest known name, or else what names there are; None if there are none."""
    every = list(known)
    return did_you_mean(name, every) or (f"{what} {listing(every)}" if every else None)
