"""
The rows that are nearest to one that is missing: they agree with it in the most columns.

One question for each choice of columns that may differ, few at first. Where two
choices leave as many columns to agree, the one that keeps the declared key goes
first, then the one that lets later columns differ: `host(id="h7", disk="hdd")`
is missed beside the host `h7`, not beside another host with such a disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from congresslite.engine.explanation.outline import key_of
from congresslite.engine.explanation.proofs import Near
from congresslite.engine.explanation.sight import Sight
from congresslite.engine.explanation.telling import shown
from congresslite.language.program import CheckedRule, Match, Var
from congresslite.schema import Scalar, TableSchema, order_key

NEAREST = 3
_QUESTIONS = 12


def nearest(sight: Sight, rule: CheckedRule, table: str, wanted: Mapping[int, Scalar]) -> tuple[Near, ...]:
    """Up to three rows of a table that agree in the most of the places of `wanted`, if they agree in any."""
    schema = sight.outline.schema(table)
    found: dict[object, Near] = {}
    size = 0
    for places in _choices(schema, tuple(wanted)):
        # Rows that agree in fewer columns do not stand beside those that agree in more.
        if len(found) >= NEAREST or (found and len(places) < size):
            break
        size = len(places)
        for row in matching(sight, rule, table, {place: wanted[place] for place in places}):
            if len(found) < NEAREST:
                found.setdefault(key_of(row.values()), near(schema, row, places))
        if found and _key(schema) and _key(schema) <= set(places):
            break  # this is the row that was meant
    return tuple(found.values())


def near(schema: TableSchema, row: Mapping[int, Scalar], places: tuple[int, ...]) -> Near:
    """A row as it is told, with the columns in which it agrees."""
    return Near(*shown(schema, row), tuple(schema.columns[place].name for place in places))


def matching(sight: Sight, rule: CheckedRule, table: str, wanted: Mapping[int, Scalar]) -> list[dict[int, Scalar]]:
    """Up to three rows of a table that have these values in these places: what is known of each, by place."""
    names = [f"@{place}" for place in range(sight.outline.schema(table).arity)]
    bound = {names[place]: value for place, value in wanted.items()}
    free = [place for place in sight.columns(table) if place not in wanted]
    atom = Match(table, tuple(map(Var, names)))
    rows = sight.lookup.solve(rule, (atom,), bound, [names[place] for place in free], NEAREST)
    found = ({**wanted, **dict(zip(free, row, strict=True))} for row in rows)
    return sorted((dict(sorted(each.items())) for each in found), key=lambda row: [*map(order_key, row.values())])


def _choices(schema: TableSchema, places: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Which places may have to agree, the most first."""
    key = _key(schema)
    count = 0
    for size in range(len(places), 0, -1):
        choices = list(combinations(places, size)) if len(places) <= _QUESTIONS else [places[:size]]
        for choice in sorted(choices, key=lambda each: not key or not key <= set(each)):
            if count == _QUESTIONS:
                return
            count += 1
            yield choice


def _key(schema: TableSchema) -> set[int | None]:
    """The places of the declared key."""
    return {schema.position(name) for name in schema.key}
