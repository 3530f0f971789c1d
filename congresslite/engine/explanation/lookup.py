"""
What explanations ask of an evaluated state: bindings of a few literals, whether a row is there, what it holds.

Everything else about explanations is said in terms of these three questions, so
they work on any state that can answer them through indexes, and are tested on
one that answers them naively.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

from congresslite.language.program import CheckedRule, Literal, Program
from congresslite.schema import Row, Scalar


class Anything(Enum):
    """What stands in a pattern for a value that nobody cares about."""

    ANY = "_"


ANY = Anything.ANY

# A row of which some columns are left open.
Pattern = Sequence[Scalar | Anything]


class Lookup(Protocol):
    """An evaluated program, all derived tables complete."""

    @property
    def program(self) -> Program:
        """The program whose tables these are."""

    def solve(
        self,
        rule: CheckedRule,
        body: Sequence[Literal],
        bound: Mapping[str, Scalar],
        names: Sequence[str],
        limit: int | None,
    ) -> list[Row]:
        """Distinct values of `names` over the bindings of `body` that agree with `bound`; at most `limit` of them.

        The literals are some of those of `rule`, in an order of no meaning, or one `Match` with variables of its own.
        Some may hold only variables that `bound` gives a value. `names` have a value wherever the body
        holds, and are not in `bound`; those starting with `$` are variables like all others. Without names the
        answer is one empty row if the body holds, and else none.
        """

    def columns(self, table: str) -> Sequence[int]:
        """The places of the columns that a table, of a source or derived, holds: those that can be asked for at once.

        A derived table holds all of its columns, a table of a source at least those that rules look at. Where an
        aggregate ranges over a table, its rows do not repeat in what it holds. Raises KeyError if there is no such
        table.
        """

    def has(self, table: str, row: Row) -> bool:
        """Whether a table, of a source or derived, has this row. Raises KeyError if there is no such table."""
