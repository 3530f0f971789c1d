"""
Goals: rows to be proved, and the bindings that prove them.

A goal and its options are an and-or graph: a row is proved by one of its
options, an option by all of its premises. `best` is the least height known so
far; it only ever goes down, and only to heights of proofs that exist, so a
graph that is explored in part gives proofs, if perhaps not the lowest ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from congresslite.engine.explanation.outline import Deriving, Heights, Way
from congresslite.schema import Row, Scalar, order_key


@dataclass(eq=False, slots=True)
class Goal:
    """A row to be proved, with what its table says of the height.

    `settled` goals have their final `chosen` option (none for a row of a source or a fact), and `best` is frozen.
    `looked_at` is how many bindings of a rule were asked for at most, 0 as long as nobody asked.
    `row` has values in these `places`: all, but for a row of a source that is not held whole.
    """

    table: str
    places: tuple[int, ...]
    row: Row
    heights: Heights
    given: bool  # a row of a source, or a fact
    best: int | None
    options: list[Option | Group] = field(default_factory=list)
    users: list[Option | Group] = field(default_factory=list)
    looked_at: int = 0
    truncated: bool = False
    settled: bool = False
    complete: bool = True
    chosen: Option | Group | None = None


@dataclass(eq=False, slots=True)
class Option:
    """One binding of one way through a rule. `value` is the height that it proves, None where that must be found out.

    `premises` are filled in only where heights are to be found out, or once the option is chosen.
    """

    owner: Goal | Member
    deriving: Deriving
    way: Way
    bindings: Mapping[str, Scalar]
    value: int | None
    premises: tuple[Goal, ...] = ()

    def rank(self) -> tuple[object, ...]:
        """Sorts options of equal height: rules and ways in written order, then the least values."""
        values = [order_key(self.bindings[name]) for name in self.way.names if name in self.bindings]
        return (self.deriving.number, self.way.number, values)

    def height(self) -> int | None:
        """The least height known of this option; None if a premise is not proved yet."""
        if self.value is not None:
            return self.value
        height = 0
        for premise in self.premises:
            if premise.best is None:
                return None
            height = max(height, premise.best)
        return height + 1


@dataclass(eq=False, slots=True)
class Member:
    """One binding of an aggregate's group; alternatives that make the same binding are its options.

    It is no row: its height is that of the row that its option would prove.
    """

    bindings: Mapping[str, Scalar]
    options: list[Option] = field(default_factory=list)

    def height(self) -> int | None:
        """The least height known of this binding."""
        known = [height for option in self.options if (height := option.height()) is not None]
        return min(known, default=None)

    def chosen(self) -> Option:
        """The option of least height, the first in written order."""
        height = self.height()
        return min((option for option in self.options if option.height() == height), key=Option.rank)


@dataclass(eq=False, slots=True)
class Group:
    """The bindings that an aggregate folds: all of them must be proved."""

    owner: Goal
    deriving: Deriving
    members: Sequence[Member]
    value: int | None
    total: int

    def rank(self) -> tuple[object, ...]:
        """Sorts options of equal height: rules in written order."""
        return (self.deriving.number, 0, [])

    def height(self) -> int | None:
        """The least height known; None if a binding is not proved yet."""
        if self.value is not None:
            return self.value
        height = 0
        for member in self.members:
            mine = member.height()
            if mine is None:
                return None
            height = max(height, mine)
        return height


def premises_of(option: Option | Group) -> Iterator[Goal]:
    """The goals whose heights decide on the height of an option; none if it is certain."""
    if option.value is not None:
        return
    if isinstance(option, Option):
        yield from option.premises
    else:
        for member in option.members:
            for each in member.options:
                yield from premises_of(each)
