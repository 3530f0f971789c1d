"""Estates that tests open, as many as they like, and that are stopped afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ParamSpec

from congresslite.live import LiveEstate

P = ParamSpec("P")


def stopped_afterwards(open_one: Callable[P, LiveEstate]) -> Iterator[Callable[P, LiveEstate]]:
    """For a fixture: opens estates as `open_one` does, and stops them all in the end."""
    estates: list[LiveEstate] = []

    def make(*args: P.args, **kwargs: P.kwargs) -> LiveEstate:
        estates.append(open_one(*args, **kwargs))
        return estates[-1]

    yield make
    for estate in estates:
        estate.stop()
