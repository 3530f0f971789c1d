"""
What is known of one value: its kinds, the values that are left if they are few, the ends of its range.

Everything known is a bound from above: a value that is not ruled out may still be impossible. Ends speak of numbers or
of texts, and leave null and booleans alone, which have no order. Values are kept by identity, so that `true` is not 1.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from functools import reduce

from congresslite.language.semantics import is_number
from congresslite.schema import Scalar, Type, identity

NULL, BOOL, NUMBER, TEXT = 1, 2, 4, 8
ORDERED = NUMBER | TEXT
ANYTHING = NULL | BOOL | NUMBER | TEXT

_KINDS = {
    Type.ANY: ANYTHING,
    Type.BOOL: NULL | BOOL,
    Type.INT: NULL | NUMBER,
    Type.FLOAT: NULL | NUMBER,
    Type.STR: NULL | TEXT,
}

_UNORDERED = frozenset((None, (True,), (False,)))


class Contradiction(Exception):  # noqa: N818 - a result, not an error
    """What was assumed cannot hold."""


@dataclass(frozen=True, slots=True)
class End:
    """An end of a range; an `open` one does not belong to it."""

    value: int | float | str
    open: bool = False


def kind_of(value: Scalar) -> int:
    """The kind of a value."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOL
    return TEXT if isinstance(value, str) else NUMBER


def value_of(same: Hashable) -> Scalar:
    """The value of an identity."""
    value = same[0] if isinstance(same, tuple) else same
    assert value is None or isinstance(value, bool | int | float | str)
    return value


def lower(one: End | None, other: End | None) -> End | None:
    """The tighter of two ends at the top."""
    if one is None or other is None:
        return one or other
    if one.value == other.value:
        return one if one.open else other
    return one if _less(one, other) else other


def upper(one: End | None, other: End | None) -> End | None:
    """The tighter of two ends at the bottom."""
    if one is None or other is None:
        return one or other
    if one.value == other.value:
        return one if one.open else other
    return other if _less(one, other) else one


def _least(one: End, other: End) -> End:
    return one if _less(one, other) else other


def _greatest(one: End, other: End) -> End:
    return other if _less(one, other) else one


def _less(one: End, other: End) -> bool:
    # Ends that are compared are both numbers or both texts: kinds are made to agree before.
    return one.value < other.value  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a value. `listed`: identities of all that are left; `whole`: if a number, then an integer."""

    kinds: int = ANYTHING
    listed: frozenset[Hashable] | None = None
    excluded: frozenset[Hashable] = frozenset()
    low: End | None = None
    high: End | None = None
    whole: bool = False

    @staticmethod
    def of_type(type_: Type) -> Known:
        """What is known of a value of a type: null is one of each."""
        return Known(_KINDS[type_], whole=type_ is Type.INT)

    @staticmethod
    def constant(value: Scalar) -> Known:
        """What is known of a constant: everything."""
        end = End(value) if isinstance(value, str) or is_number(value) else None
        return Known(kind_of(value), frozenset((identity(value),)), low=end, high=end)

    @property
    def one(self) -> bool:
        """Whether it can be one value only."""
        return self.listed is not None and len(self.listed) == 1

    @property
    def value(self) -> Scalar:
        """The one value that it can be."""
        assert self.listed is not None
        return value_of(next(iter(self.listed)))

    def of(self, kinds: int) -> Known:
        """The same, and of one of these kinds. Raises Contradiction."""
        left = self.kinds & kinds
        if left == self.kinds:
            return self
        if not left:
            raise Contradiction
        return replace(self, kinds=left)

    def among(self, values: Iterable[Hashable]) -> Known:
        """The same, and one of these values."""
        listed = frozenset(values)
        return replace(self, listed=listed if self.listed is None else self.listed & listed)

    def but(self, same: Hashable) -> Known:
        """The same, and not this value. Raises Contradiction."""
        if same is None:
            return self.of(ANYTHING & ~NULL)
        return self if same in self.excluded else replace(self, excluded=self.excluded | {same})

    def between(self, low: End | None, high: End | None) -> Known:
        """The same, and if it is ordered within these ends."""
        low, high = upper(self.low, low), lower(self.high, high)
        return self if low == self.low and high == self.high else replace(self, low=low, high=high)

    def both(self, other: Known) -> Known:
        """What is known of a value that is known to be two. Raises Contradiction."""
        known = self.of(other.kinds)
        if known.kinds & ORDERED:
            known = known.between(other.low, other.high)
        if other.listed is not None:
            known = known.among(other.listed)
        return replace(known, excluded=known.excluded | other.excluded, whole=known.whole or other.whole)

    def settled(self) -> Known:
        """The same with what follows from it at once. Raises Contradiction if no value is left."""
        known = self._rounded() if self.whole and self.kinds & NUMBER else self
        if known.listed is None:
            known = known._within()
        if known.listed is None:
            return known
        listed = frozenset(each for each in known.listed if known.admits(each))
        if not listed:
            raise Contradiction
        kinds = 0
        for each in listed:
            kinds |= kind_of(value_of(each))
        if listed != known.listed or kinds != known.kinds:
            known = replace(known, listed=listed, kinds=kinds)
        return known._spanned()

    def _spanned(self) -> Known:
        """The same, between the least and the greatest of the values that are listed."""
        if self.kinds & ORDERED not in (NUMBER, TEXT):
            return self
        ends = [End(each) for each in self.listed or () if isinstance(each, str | int | float)]
        return self.between(reduce(_least, ends), reduce(_greatest, ends)) if ends else self

    def _within(self) -> Known:
        """The same, where ends or kinds leave a few values, or no ordered one."""
        known, (low, high) = self, (self.low, self.high)
        if known.kinds & ORDERED and low is not None and high is not None:
            if _less(high, low) or (high.value == low.value and (low.open or high.open)):
                known = known.of(NULL | BOOL)
            elif low.value == high.value and not known.kinds & (NULL | BOOL):
                return known.among((low.value,))
        return known if known.kinds & ORDERED else known.among(_UNORDERED)

    def _rounded(self) -> Known:
        low, high = self.low, self.high
        if low is not None and not isinstance(low.value, str):
            low = End(math.floor(low.value) + 1 if low.open else math.ceil(low.value))
        if high is not None and not isinstance(high.value, str):
            high = End(math.ceil(high.value) - 1 if high.open else math.floor(high.value))
        return self if low == self.low and high == self.high else replace(self, low=low, high=high)

    def admits(self, same: Hashable) -> bool:
        """Whether a value is not ruled out."""
        value = value_of(same)
        if not kind_of(value) & self.kinds or same in self.excluded:
            return False
        if not kind_of(value) & ORDERED:
            return True
        end = End(value)  # type: ignore[arg-type]  # a number or a text
        return upper(self.low, end) == end and lower(self.high, end) == end
