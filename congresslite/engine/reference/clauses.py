"""
Checked rules as clauses that pyDatalog can take, in plain data.

What is made here is JSON from end to end, because it goes to another process:
a variable is its name, a constant a list of its one value, and a step of a body
is `[kind, name, terms]`. A body becomes flat: each way through its disjunctions
is a clause, each operation a step of its own with a fresh variable for its
result.

The rule to keep: steps stand in the order tables, bindings, tests, negations.
pyDatalog reads a body from left to right, and an order that leaves a variable
of a test unbound silently gives no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, product
from typing import Literal as OneOf
from typing import TypedDict

from congresslite.language.program import (
    Calc,
    Call,
    CheckedRule,
    Compare,
    Const,
    Either,
    Expression,
    Fold,
    Literal,
    Match,
    Member,
    NoMatch,
    Program,
    Var,
)
from congresslite.language.syntax import AggregateFunction
from congresslite.schema import Scalar

Term = str | list[Scalar]  # a variable, or a constant in a list; the empty list says: not in this branch
Step = tuple[str, str, list[Term]]  # kind (`table`, `no table`, `compute`, `=` or `!=`), name, terms
HeadTerm = tuple[AggregateFunction | OneOf["group", "constant"], int, Scalar]  # of a grouping: kind, column, value
Flat = tuple[Literal, ...]  # a body without disjunctions

ABSENT: Term = []
BINDINGS = "bindings"  # the auxiliary table of an aggregating rule; no table has a name without a colon


class Clause(TypedDict):
    """`head :- steps`."""

    table: str
    head: list[Term]
    steps: list[Step]


class Grouping(TypedDict):
    """An aggregating rule: its bindings, one column for each variable, and how they are folded into rows of its table.

    A term of the head is the value of a column of the group, a column folded, or a constant.
    """

    table: str
    columns: int
    head: list[HeadTerm]
    clauses: list[Clause]


class Layer(TypedDict):
    """One stratum: what is folded before it, the clauses that pyDatalog runs, and the tables they give."""

    tables: list[str]
    groupings: list[Grouping]
    clauses: list[Clause]


def layers(program: Program, *, whole: bool) -> list[Layer]:
    """The strata of a program, in order.

    pyDatalog may run for ever when a recursive rule asks for some rows of its own table, by a
    constant or by variables that are bound. With `whole`, rules ask for all rows and compare them
    afterwards: that ends, but is slow where a rule reads its own table twice.
    """
    made: list[Layer] = []
    for stratum in program.strata:
        rules = [rule for rule in program.rules if rule.table in stratum.tables]
        groupings = [_grouping(rule) for rule in rules if rule.aggregates]
        own = frozenset(stratum.tables)
        clauses = [clause for rule in rules if not rule.aggregates for clause in _clauses(rule, own, whole=whole)]
        made.append({"tables": list(stratum.tables), "groupings": groupings, "clauses": clauses})
    return made


def _clauses(rule: CheckedRule, own: frozenset[str], *, whole: bool) -> Iterator[Clause]:
    for body in _alternatives(rule.body):
        head = [_plain(term) for term in rule.head if not isinstance(term, Fold)]
        yield {"table": rule.table, "head": head, "steps": _steps(body, own, whole=whole)}


def _grouping(rule: CheckedRule) -> Grouping:
    """An auxiliary table of all bindings; a variable of a branch that was not taken is absent from the binding."""
    bodies = list(_alternatives(rule.body))
    columns = list(dict.fromkeys(variable for body in bodies for variable in _bound(body)))
    head: list[HeadTerm] = []
    for term in rule.head:
        match term:
            case Fold(function, argument):
                head.append((function, columns.index(argument.name), None))
            case Var(variable):
                head.append(("group", columns.index(variable), None))
            case Const(value):
                head.append(("constant", 0, value))
    clauses: list[Clause] = []
    for body in bodies:
        bound = set(_bound(body))
        terms: list[Term] = [variable if variable in bound else ABSENT for variable in columns]
        clauses.append({"table": BINDINGS, "head": terms, "steps": _steps(body, frozenset(), whole=False)})
    return {"table": rule.table, "columns": len(columns), "head": head, "clauses": clauses}


def _alternatives(body: Iterable[Literal]) -> Iterator[Flat]:
    """Every way through the disjunctions of a body."""
    choices: list[list[Flat]] = [
        [flat for branch in literal.branches for flat in _alternatives(branch)]
        if isinstance(literal, Either)
        else [(literal,)]
        for literal in body
    ]
    for chosen in product(*choices):
        yield tuple(literal for part in chosen for literal in part)


def _bound(body: Flat) -> Iterator[str]:
    """The variables that the literals of a body give values to."""
    for literal in body:
        match literal:
            case Match(_, terms) | Call(_, _, terms, False):
                yield from (name for term in terms for name in _variables(term))
            case Compare("=", left, right, False):
                yield from (*_variables(left), *_variables(right))


def _variables(term: Expression) -> Iterator[str]:
    match term:
        case Var(name):
            yield name
        case Calc(_, left, right):
            yield from _variables(left)
            yield from _variables(right)


def _steps(body: Flat, own: frozenset[str], *, whole: bool) -> list[Step]:
    """The steps of a body, in an order that binds every variable before it is needed.

    `own` are the tables of the rule's stratum; they come first, where nothing is bound yet.
    """
    maker = _Steps()
    bound: set[str] = set()
    matches = [literal for literal in body if isinstance(literal, Match)]
    for match in sorted(matches, key=lambda each: each.table not in own):
        free = {term.name for term in match.terms if isinstance(term, Var)} - bound
        if whole and match.table in own and len(free) < len(match.terms):
            maker.add_compared(match)
        else:
            maker.add(match)
        bound |= free
    pending = [literal for literal in body if not isinstance(literal, Match)]
    while ready := next((literal for literal in pending if _binds_now(literal, bound)), None):
        maker.add(ready)
        bound.update(_bound((ready,)))
        pending = [literal for literal in pending if literal is not ready]
    for literal in sorted(pending, key=lambda literal: isinstance(literal, NoMatch)):
        maker.add(literal)
    return maker.steps


def _binds_now(literal: Literal, bound: set[str]) -> bool:
    """Whether a literal that gives values has all that it computes them from."""

    def known(terms: Sequence[Expression]) -> bool:
        return all(name in bound for term in terms for name in _variables(term))

    match literal:
        case Call(_, inputs, outputs, False) if outputs:
            return known([*inputs, *(term for term in outputs if not isinstance(term, Var))])
        case Compare("=", left, right, False):
            return (isinstance(left, Var) and known([right])) or (isinstance(right, Var) and known([left]))
        case _:
            return False


class _Steps:
    """Gathers the steps of one body, with fresh variables for what is computed on the way."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._numbers = count()

    def add_compared(self, literal: Match) -> None:
        """Read a whole table, and compare its rows with the terms of the literal."""
        self._compared("table", literal.table, [], literal.terms)

    def add(self, literal: Literal) -> None:
        match literal:
            case Match(table, terms):
                self.steps.append(("table", table, [_plain(term) for term in terms]))
            case NoMatch(table, terms):
                self.steps.append(("no table", table, [_plain(term) for term in terms]))
            case Compare(operator, left, right, negated):
                terms_ = [self._value(left), self._value(right)]
                if operator in ("=", "!="):
                    self.steps.append(("=" if (operator == "=") != negated else "!=", "", terms_))
                else:
                    self._compute(f"{'not ' * negated}{operator}", terms_)
            case Member(term, values, negated):
                self._compute("not in" if negated else "in", [self._value(term), *([value] for value in values)])
            case Call(builtin, inputs, outputs, negated):
                self._call(builtin, inputs, outputs, negated)
            case Either():
                raise AssertionError("a disjunction in a flat body")

    def _call(self, builtin: str, inputs: Sequence[Expression], outputs: Sequence[Expression], negated: bool) -> None:
        given = [self._value(term) for term in inputs]
        if negated or not outputs:
            self._compute(f"{'not ' * negated}call {builtin}", [*given, *map(self._value, outputs)])
        else:
            # Compared afterwards, because a computed predicate of pyDatalog loses answers where
            # a variable occurs twice among its results.
            self._compared("compute", f"call {builtin}", given, outputs)

    def _compared(self, kind: str, name: str, given: list[Term], wanted: Sequence[Expression]) -> None:
        """A step whose results go to fresh variables, and are then compared with what is wanted."""
        values = [self._value(term) for term in wanted]
        results: list[Term] = [self._fresh() for _ in values]
        self.steps.append((kind, name, [*given, *results]))
        self.steps.extend(("=", "", [value, result]) for value, result in zip(values, results, strict=True))

    def _value(self, term: Expression) -> Term:
        """The variable or constant that stands for an expression, computed by the steps before."""
        if isinstance(term, Calc):
            operands = [self._value(term.left), self._value(term.right)]
            result = self._fresh()
            self._compute(term.operator, [*operands, result])
            return result
        return _plain(term)

    def _compute(self, name: str, terms: list[Term]) -> None:
        self.steps.append(("compute", name, terms))

    def _fresh(self) -> str:
        return f"$computed{next(self._numbers)}"


def _plain(term: Expression) -> Term:
    match term:
        case Var(name):
            return name
        case Const(value):
            return [value]
        case Calc():
            raise AssertionError("an expression where a variable or a constant stands")
