"""
Answers to *why* and *why not*: plain values, which refer to rules and rows and to no engine.

A proof is a tree whose parts may be shared: a row that is used twice is proved
once. It may be ten thousand rows high, so nothing here may recurse over it:
proofs are compared by identity, and shown, walked and turned into JSON with a
stack of one's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOf

from congresslite.engine.explanation.lookup import Pattern
from congresslite.language.program import CheckedRule, Literal
from congresslite.schema import Row, Scalar

# -- why -----------------------------------------------------------------------------------------

Origin = OneOf["source", "fact", "rule"]


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Proof:
    """Why a row is there.

    A row of a source has the `columns` that the engine holds, those that rules look at and perhaps more; all others
    have all. `height` is 0 for a row of a source and for a fact; else 1 + the largest height in the body, or, of an
    aggregate, in all bindings of the group. `bindings` are the values of the rule's named variables.
    `body` has one entry for each literal of the rule's body, in written order; it is empty for an aggregate,
    whose bindings are in `group`, at most as many as were asked for, of `total`.

    Where `complete` is False there were too many bindings to look at them all: the row is proved, but a lower
    proof may exist, or one of equal height with lesser values; `total` is then a lower bound.
    """

    table: str  # as users know it: `nfv:error`, not its parts
    row: Row
    columns: tuple[str, ...]
    height: int
    origin: Origin
    rule: CheckedRule | None = None
    bindings: Mapping[str, Scalar] = field(default_factory=dict)
    body: tuple[Entry, ...] = ()
    group: tuple[Grouped, ...] = ()
    total: int | None = None
    complete: bool = True

    def __repr__(self) -> str:
        return f"<Proof of {self.table}{self.row!r}, height {self.height}>"

    def premises(self) -> tuple[Proof, ...]:
        """The proofs that this one rests on directly, in written order."""
        bodies = [self.body, *(member.body for member in self.group)]
        return tuple(proof for body in bodies for proof in _proofs_in(body))


@dataclass(frozen=True, eq=False, slots=True)
class Grouped:
    """One binding of an aggregate's group, with what makes it hold."""

    bindings: Mapping[str, Scalar]
    body: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """No row of `table` has these values in these columns; the other columns may hold anything."""

    table: str
    pattern: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Held:
    """A comparison, a membership or a builtin that holds: as the rule has it, and with the values put in."""

    text: str
    values: str


@dataclass(frozen=True, eq=False, slots=True)
class Branch:
    """The branch of an `or` that was taken, counted from 0, of `of`."""

    number: int
    of: int
    body: tuple[Entry, ...]


Entry = Proof | Absent | Held | Branch


def _proofs_in(body: tuple[Entry, ...]) -> list[Proof]:
    found: list[Proof] = []
    for entry in body:
        if isinstance(entry, Proof):
            found.append(entry)
        elif isinstance(entry, Branch):  # only as deep as somebody wrote `or` within `or`
            found += _proofs_in(entry.body)
    return found


# -- why not -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A row that a positive atom of a rule found, with the columns that the engine holds."""

    table: str
    columns: tuple[str, ...]
    row: Row


@dataclass(frozen=True, slots=True)
class Near:
    """A row of the table that was looked in, with the columns that are held, and those in which it is as wanted."""

    columns: tuple[str, ...]
    row: Row
    agrees: tuple[str, ...]


Reason = OneOf["missing", "present", "untrue", "undefined", "or", "aggregate"]


@dataclass(frozen=True, slots=True)
class Failure:
    """The first literal that fails, as the rule has it and with the values of the sample put in.

    `reason` says what there is to see beside it:
    *missing*: `table` has no such row; the rows in `near` agree in the most columns.
    *present*: a row under `not` is there: `near`.
    *untrue*: a comparison, a membership or a builtin does not hold; `values` are those of its sides or terms.
    *undefined*: it holds neither way, for a null, a wrong type or an overflow; `values` likewise.
    *or*: no branch holds; `branches` has how far each of them got.
    *aggregate*: the group folds to something else; `near` are the rows that `table` has for it, none if the
    aggregate has no value.
    """

    literal: Literal | None  # None for an aggregate
    reason: Reason
    text: str
    with_values: str
    table: str | None = None
    near: tuple[Near, ...] = ()
    values: Mapping[str, Scalar] = field(default_factory=dict)
    branches: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """How far a rule, or a branch of an `or`, got towards the row.

    `literals` hold together, `held` shows each of them under the sample `bindings`; with `failed` they do not.
    """

    rule: CheckedRule
    literals: tuple[Literal, ...]
    bindings: Mapping[str, Scalar]
    held: tuple[Found | Absent | Held, ...]
    failed: Failure


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A rule that cannot derive the row whatever the tables hold, since its head says otherwise."""

    rule: CheckedRule
    reason: str


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a row is not there.

    `attempts` are the rules that could have derived it, `mismatches` the others, in written order. A table
    without rules (of a source, or of facts) has the rows that are nearest in `near`.
    """

    table: str
    row: Pattern
    columns: tuple[str, ...]
    attempts: tuple[Attempt, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    near: tuple[Near, ...] = ()
    note: str | None = None
