"""
One program run by pyDatalog, in this process: layer by layer, through its engine objects.

What pyDatalog decides: which rows join, what recursion reaches, what negation
leaves, and when a computed predicate is asked. Never is a rule given to it as
text, because it executes text as Python. Each layer is a run of its own over
the rows of those before, so that no negation stands in a cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pyDatalog import Logic, pyEngine

from congresslite.engine.reference.clauses import BINDINGS, Clause, Grouping, HeadTerm, Layer, Step, Term
from congresslite.engine.reference.computed import ABSENT, Predicate, Values, predicate
from congresslite.language.aggregates import fold
from congresslite.schema import Scalar

Rows = set[tuple[int, ...]]


def solve(
    layers: Sequence[Layer], tables: Mapping[str, Sequence[Sequence[Scalar]]], arities: Mapping[str, int], clock: str
) -> dict[str, list[list[Scalar]]]:
    """The rows of every table that the layers derive. `tables` are base tables and facts, `arities` those of all."""
    values = Values()
    known: dict[str, Rows] = {name: set() for name in arities}
    for name, rows in tables.items():
        known[name] = {tuple(values.id(value) for value in row) for row in rows}
    for layer in layers:
        for grouping in layer["groupings"]:
            bindings = _Run(values, clock, {**arities, BINDINGS: grouping["columns"]})
            bindings.load(grouping["clauses"], known)
            known[grouping["table"]] |= _fold(grouping, bindings.rows(BINDINGS), values)
        run = _Run(values, clock, arities)
        run.load(layer["clauses"], known)
        for name in {clause["table"] for clause in layer["clauses"]}:
            known[name] = run.rows(name)
    derived = [name for layer in layers for name in layer["tables"]]
    return {name: [[values.value(number) for number in row] for row in known[name]] for name in derived}


class _Run:
    """One life of pyDatalog's database, which is global to its thread: a new run empties it."""

    def __init__(self, values: Values, clock: str, arities: Mapping[str, int]) -> None:
        Logic()
        self._values = values
        self._clock = clock
        # Names of our own: pyDatalog gives a meaning to the dots and brackets in a name.
        self._names = {name: f"t{number}" for number, name in enumerate(arities)}
        self._arities = arities

    def load(self, clauses: Sequence[Clause], known: Mapping[str, Rows]) -> None:
        """Take clauses, and the known rows of every table that occurs in them."""
        used = {clause["table"] for clause in clauses}
        used |= {name for clause in clauses for kind, name, _ in clause["steps"] if kind in ("table", "no table")}
        for name in used:
            # A predicate that has neither rows nor clauses must be known all the same.
            pyEngine.insert(pyEngine.Pred(self._names[name], max(1, self._arities[name])))
            for row in known.get(name, ()):
                terms = [pyEngine.Const(number) for number in row]
                pyEngine.assert_(pyEngine.Clause(self._literal(self._names[name], terms), []))
        for clause in clauses:
            head = self._literal(self._names[clause["table"]], [self._term(term) for term in clause["head"]])
            pyEngine.assert_(pyEngine.Clause(head, [self._step(step) for step in clause["steps"]]))

    def rows(self, name: str) -> Rows:
        """Ask for all rows of a table."""
        arity = self._arities[name]
        found = self._literal(self._names[name], [pyEngine.Var(f"X{i}") for i in range(max(1, arity))]).ask()
        return {tuple(row[:arity]) for row in found}

    def _literal(self, name: str, terms: list[Any]) -> Any:
        """A literal; pyDatalog has no predicates without terms, so those get one that is always the same."""
        return pyEngine.Literal(name, terms or [pyEngine.Const(ABSENT)])

    def _term(self, term: Term) -> Any:
        if isinstance(term, str):
            return pyEngine.Var(term)
        return pyEngine.Const(self._values.id(term[0]) if term else ABSENT)

    def _step(self, step: Step) -> Any:
        kind, name, terms = step
        made = [self._term(term) for term in terms]
        match kind:
            case "table":
                return self._literal(self._names[name], made)
            case "no table":
                return self._literal("~" + self._names[name], made)
            case "compute":
                return self._literal(self._defined(name, len(made)), made)
            case _:
                return self._literal("==" if kind == "=" else "!=", made)

    def _defined(self, name: str, arity: int) -> str:
        """Make a computed predicate known, once for each number of terms; its name is none of pyDatalog's own."""
        own = f"computed {name}"
        pred = pyEngine.Pred(own, arity)
        if pred.prim is None:
            pyEngine.insert(pred).prim = _primitive(predicate(name, self._values, self._clock))
        return own


def _primitive(answers: Predicate) -> Callable[[Any, Any], None]:
    """A computed predicate as pyDatalog calls it: it is given a literal, and told each fact that answers it."""

    def primitive(literal: Any, subgoal: Any) -> None:
        terms = [term.id if term.is_const() else None for term in literal.terms]
        for answer in answers(terms):
            subgoal.fact(pyEngine.Literal(literal.pred, [pyEngine.Const(number) for number in answer]))

    return primitive


def _fold(grouping: Grouping, bindings: Iterable[tuple[int, ...]], values: Values) -> Rows:
    """The rows of an aggregating rule: its bindings grouped and folded; a group without a value has no row."""
    keys = [column for kind, column, _ in grouping["head"] if kind == "group"]
    groups: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for binding in bindings:
        groups.setdefault(tuple(binding[column] for column in keys), []).append(binding)
    rows = ([_head_value(term, group, values) for term in grouping["head"]] for group in groups.values())
    return {tuple(number for number in row if number is not None) for row in rows if None not in row}


def _head_value(term: HeadTerm, group: Sequence[tuple[int, ...]], values: Values) -> int | None:
    kind, column, constant = term
    match kind:
        case "constant":
            return values.id(constant)
        case "group":
            return group[0][column]
        case _:
            folded = fold(kind, [values.value(binding[column]) for binding in group]).value
            return None if folded is None else values.id(folded)
