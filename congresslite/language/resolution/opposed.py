"""
Opposed: what `incompatible` and `functional` statements say, by places of columns.

Actions have the names that rules command them by, whichever policy does; a table of the policy itself hides an action
of the same name. Terms are told by their places, since each policy names the terms of an action as it likes; only the
columns of a table have names that everybody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from congresslite.language.program import Const, FunctionalTable, Incompatibility
from congresslite.language.resolution.draft import Draft
from congresslite.language.syntax import Atom, Constant, Functional, Incompatible, Variable
from congresslite.schema import TableSchema, canonical


def incompatibilities(draft: Draft) -> tuple[Incompatibility, ...]:
    """The pairs of actions that policies declare incompatible, each told once."""
    found: dict[Incompatibility, None] = {}
    for policy, file in draft.policies.items():
        for statement in file.statements:
            if isinstance(statement, Incompatible):
                found.setdefault(_incompatibility(policy, statement))
    return tuple(found)


def functional_tables(draft: Draft) -> tuple[FunctionalTable, ...]:
    """The tables and the facts that policies declare to have one value for each key."""
    return tuple(
        _functional_table(draft, policy, statement)
        for policy, file in draft.policies.items()
        for statement in file.statements
        if isinstance(statement, Functional)
    )


def shared_places(statement: Incompatible) -> tuple[tuple[int, int], ...]:
    """The places of the two atoms at which the same variable stands."""
    firsts, seconds = _variables(statement.first), _variables(statement.second)
    return tuple((one, other) for one, name in firsts for other, same in seconds if name == same)


def named_functional(draft: Draft, policy: str, statement: Functional) -> TableSchema | None:
    """The table that a `functional` statement names; None if it names an action."""
    meaning = draft.scope.meaning(policy, statement.table)
    return meaning if isinstance(meaning, TableSchema) else None


def functional_places(statement: Functional, schema: TableSchema | None) -> tuple[int, ...]:
    """The places of what a `functional` statement names, keys first.

    Where it names the columns of a table, these count; else its names are variables that stand in order.
    """
    names = (*statement.keys, *statement.values)
    columns = [] if schema is None else [column.name for column in schema.columns]
    if sorted(columns) == sorted(names):
        return tuple(columns.index(name) for name in names)
    return tuple(range(len(names)))


def _incompatibility(policy: str, statement: Incompatible) -> Incompatibility:
    first, second = statement.first, statement.second
    return Incompatibility(
        policy=policy,
        first=str(first.table),
        second=str(second.table),
        positions=shared_places(statement),
        arities=(len(first.arguments), len(second.arguments)),
        given=(_given(first), _given(second)),
        span=statement.span,
    )


def _functional_table(draft: Draft, policy: str, statement: Functional) -> FunctionalTable:
    schema = named_functional(draft, policy, statement)
    places = functional_places(statement, schema)
    width = len(statement.keys)
    table = str(statement.table) if schema is None else schema.name
    return FunctionalTable(policy, table, places[:width], places[width:], statement.span)


def _variables(atom: Atom) -> Sequence[tuple[int, str]]:
    terms = [argument.term for argument in atom.arguments]
    return [(place, term.name) for place, term in enumerate(terms) if isinstance(term, Variable)]


def _given(atom: Atom) -> tuple[tuple[int, Const], ...]:
    return tuple(_constants(atom))


def _constants(atom: Atom) -> Iterator[tuple[int, Const]]:
    for place, argument in enumerate(atom.arguments):
        if isinstance(argument.term, Constant):
            yield place, Const(canonical(argument.term.value))
