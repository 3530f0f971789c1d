"""
A state of which some things are assumed, and what follows from them: the chase.

Rows that must be there are tuples of values of a closure. Two rows with one key are one row; a value that refers to
another table, and is not null, has a row there (a few steps far, so that it always ends). A row that must not be there
is a pattern, in which None stands for any value. Builtins are tables with endless rows, `builtin:len(text, length)`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from congresslite.language.builtins import BUILTINS
from congresslite.language.program import (
    Calc,
    Call,
    Compare,
    Const,
    Either,
    Expression,
    Literal,
    Match,
    Member,
    NoMatch,
    Var,
)
from congresslite.language.semantics import Skip
from congresslite.language.syntax import ComparisonOperator
from congresslite.policy.implication.budget import Budget
from congresslite.policy.implication.closure import Closure
from congresslite.policy.implication.theory import Theory
from congresslite.policy.implication.values import NULL, Contradiction, Known
from congresslite.schema import Row, Type, identity

# How many references are followed from a row that a rule names.
MAX_DEPTH = 3

Pattern = tuple[int | None, ...]

NEGATED: Mapping[ComparisonOperator, ComparisonOperator] = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}


@dataclass(frozen=True, slots=True)
class Present:
    """A row that must be there; `depth`: how many references led to it."""

    terms: tuple[int, ...]
    depth: int = 0


class State:
    """What is assumed. Whatever assumes more raises Contradiction if that cannot be, or Exhausted."""

    def __init__(self, theory: Theory, budget: Budget) -> None:
        self.theory = theory
        self.closure = Closure(budget)
        self.present: defaultdict[str, list[Present]] = defaultdict(list)
        self.absent: defaultdict[str, list[Pattern]] = defaultdict(list)
        # Builtins and inputs that they are made for.
        self.defined: list[tuple[str, tuple[int, ...]]] = []
        self.variables: dict[str, int] = {}

    def copy(self, budget: Budget) -> State:
        """One of which more may be assumed."""
        other = State(self.theory, budget)
        other.closure = self.closure.copy(budget)
        for table, rows in self.present.items():
            other.present[table] = rows.copy()
        for table, patterns in self.absent.items():
            other.absent[table] = patterns.copy()
        other.defined = self.defined.copy()
        other.variables = self.variables.copy()
        return other

    # Assuming

    def assume(self, literals: Iterable[Literal]) -> None:
        """The literals hold, and what follows from that. A disjunction says nothing here."""
        for literal in literals:
            self.closure.budget.spend()
            self._assume(literal)
        self.chase()

    def value(self, term: Expression) -> int:
        """The value of a term that has one."""
        match term:
            case Const(value):
                return self.closure.constant(value)
            case Var(name):
                if name not in self.variables:
                    self.variables[name] = self.closure.fresh(Known())
                return self.variables[name]
            case Calc(operator, left, right):
                return self.closure.calculated(operator, self.value(left), self.value(right))

    def _assume(self, literal: Literal) -> None:
        match literal:
            case Match(table, terms):
                self._add(table, terms)
            case NoMatch(table, terms):
                self.absent[table].append(self.pattern(terms))
            case Compare(operator, left, right, negated):
                self.compare(NEGATED[operator] if negated else operator, self.value(left), self.value(right))
            case Member(term, values, negated):
                self._member(self.value(term), values, negated=negated)
            case Call():
                self._call(literal)
            case Either():
                pass

    def pattern(self, terms: Iterable[Expression]) -> Pattern:
        """The terms of a row that is not there."""
        return tuple(None if isinstance(term, Var) and term.anonymous else self.value(term) for term in terms)

    def compare(self, operator: ComparisonOperator, left: int, right: int) -> None:
        """The comparison of two values holds."""
        match operator:
            case "=":
                self.closure.equal(left, right)
            case "!=":
                self.closure.differ(left, right)
            case "<" | "<=":
                self.closure.before(left, right, strictly=operator == "<")
            case ">" | ">=":
                self.closure.before(right, left, strictly=operator == ">")

    def _member(self, value: int, values: Row, *, negated: bool) -> None:
        self.closure.budget.spend(len(values) // 4)
        if not negated:
            self.closure.know(value, Known().among(map(identity, values)))
        else:
            for each in values:
                self.closure.differ(value, self.closure.constant(each))

    def _add(self, table: str, terms: Sequence[Expression]) -> None:
        columns = self.theory.columns(table, len(terms))
        row = []
        self.closure.budget.spend(len(terms) // 4)
        for term, known in zip(terms, columns, strict=True):
            new = isinstance(term, Var) and term.name not in self.variables
            value = self.closure.fresh(known) if new else self.value(term)
            if new and isinstance(term, Var):
                self.variables[term.name] = value
            elif not new:
                self.closure.know(value, known)
            row.append(value)
        self.present[table].append(Present(tuple(row)))

    def _call(self, call: Call) -> None:
        builtin, table = BUILTINS[call.builtin], f"builtin:{call.builtin}"
        inputs = tuple(map(self.value, call.inputs))
        for value, type_ in zip(inputs, builtin.inputs, strict=True):
            known = Known.of_type(type_)
            self.closure.know(value, known if type_ is Type.ANY else known.but(None))
        self.defined.append((call.builtin, inputs))
        if call.negated:
            self.absent[table].append((*inputs, *self.pattern(call.outputs)))
            return
        outputs = tuple(map(self.value, call.outputs))
        for value, type_ in zip(outputs, builtin.outputs, strict=True):
            self.closure.know(value, Known.of_type(type_))
        self.present[table].append(Present((*inputs, *outputs)))

    # What follows

    def chase(self) -> None:
        """Add what follows from keys, references and comparisons; see that no row is there and is not."""
        self.closure.close()
        while self._merge_rows() or self._refer() or self._compute():
            self.closure.close()
        for table, patterns in self.absent.items():
            for row in self.present.get(table, ()):
                if any(self.covers(pattern, row.terms) for pattern in patterns):
                    raise Contradiction

    def covers(self, pattern: Pattern, row: Pattern) -> bool:
        """Whether a row, or each row of a pattern, is one of a pattern."""
        self.closure.budget.spend(1 + len(row) // 4)
        return all(
            each is None or (value is not None and self.closure.are_equal(each, value))
            for each, value in zip(pattern, row, strict=True)
        )

    def _merge_rows(self) -> bool:
        """Make one row of those with one key."""
        merged = False
        for table, rows in self.present.items():
            key = self.theory.key(table) if len(rows) > 1 else ()
            if not key:
                continue
            kept: dict[tuple[int, ...], Present] = {}
            for row in rows:
                self.closure.budget.spend()
                first = kept.setdefault(tuple(self.closure.find(row.terms[place]) for place in key), row)
                for one, other in zip(first.terms, row.terms, strict=True):
                    self.closure.equal(one, other)
            if len(kept) < len(rows):
                self.present[table] = list(kept.values())
                merged = True
        return merged

    def computed(self, builtin: str, inputs: Sequence[int]) -> Sequence[Row] | None:
        """The rows that a builtin gives for constants; None for other inputs. Raises Skip."""
        known = [self.closure.known(value) for value in inputs]
        if BUILTINS[builtin].clock or not all(each.one for each in known):
            return None
        return BUILTINS[builtin].rows([each.value for each in known], "")

    def _compute(self) -> bool:
        """Add what builtins give for constants, each once."""
        ready = {}
        for call in self.defined:
            self.closure.budget.spend()
            try:
                rows = self.computed(*call)
            except Skip:
                raise Contradiction from None
            if rows is not None:
                ready[call] = rows
        self.defined = [call for call in self.defined if call not in ready]
        for (builtin, inputs), rows in ready.items():
            self._give(f"builtin:{builtin}", inputs, rows)
        return bool(ready)

    def _give(self, table: str, inputs: tuple[int, ...], rows: Sequence[Row]) -> None:
        """A builtin gives these rows for these inputs, and no others."""
        for row in self.present.get(table, ()):
            if self.covers(inputs, row.terms[: len(inputs)]):
                if not rows:
                    raise Contradiction
                for value, one in zip(row.terms[len(inputs) :], rows[0] if len(rows) == 1 else (), strict=False):
                    self.closure.equal(value, self.closure.constant(one))
        for given in rows:
            terms = (*inputs, *map(self.closure.constant, given))
            if any(self.covers(pattern, terms) for pattern in self.absent.get(table, ())):
                raise Contradiction

    def _refer(self) -> bool:
        """Add the rows that values refer to."""
        added = False
        for table, rows in list(self.present.items()):
            for reference in self.theory.refers(table):
                for row in rows.copy():
                    value = row.terms[reference.place]
                    if row.depth < MAX_DEPTH and not self.closure.known(value).kinds & NULL:
                        added |= self._refer_to(reference.table, reference.there, reference.arity, value, row.depth)
        return added

    def _refer_to(self, table: str, there: int, arity: int, value: int, depth: int) -> bool:
        self.closure.budget.spend(1 + len(self.present[table]) // 4)
        if any(self.closure.are_equal(row.terms[there], value) for row in self.present[table]):
            return False
        terms = [self.closure.fresh(known) for known in self.theory.columns(table, arity)]
        self.closure.equal(terms[there], value)
        self.present[table].append(Present(tuple(terms), depth + 1))
        return True
