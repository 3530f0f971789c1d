"""
Reading: which events the rules of a table can be about, be it by way of other tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from congresslite.language.program import Const, Either, Literal, Match, NoMatch, Program
from congresslite.language.reads import tables_read
from congresslite.live.lifecycle.tables import EVENT

_NAME = EVENT.position("event") or 0


def events_read(program: Program, table: str) -> frozenset[str | None]:
    """The events that the rows of a table can come from; None among them stands for any."""
    found: set[str | None] = set()
    seen, left = {table}, [table]
    while left:
        name = left.pop()
        for rule in program.rules:
            if rule.table == name:
                found.update(_events(rule.body))
                left += tables_read(rule) - seen
                seen |= tables_read(rule)
    return frozenset(found)


def _events(body: Iterable[Literal]) -> Iterator[str | None]:
    for literal in body:
        match literal:
            case Either(branches):
                for branch in branches:
                    yield from _events(branch)
            case Match(table=EVENT.name, terms=terms) | NoMatch(table=EVENT.name, terms=terms):
                name = terms[_NAME]
                yield str(name.value) if isinstance(name, Const) else None
