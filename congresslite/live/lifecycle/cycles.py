"""
Cycles: events that happen again and again, each `LCS::CYCLE_N_SECONDS` that some policy reads.

They are due at whole multiples of their period since 1970: so a restart, or an engine that takes over, does not fire
one twice. What was due while nobody was there is not made up for. One row for all objects changes with each, however
many there are; the rules say which they range over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from congresslite.language.lifecycle_names import EVERYTHING, period
from congresslite.language.program import Call, Compare, Const, Either, Literal, Match, Member, NoMatch, Program
from congresslite.language.reads import tables_read
from congresslite.live.lifecycle.tables import EVENT, Batch, LifecycleTables, Occurrence


class Cycles:
    """The cycles of the policies that there are. One thread at a time calls it."""

    def __init__(self, tables: LifecycleTables) -> None:
        self._tables = tables
        self._program: Program | None = None
        self._next: dict[str, float] = {}  # when each is due

    def turn(self) -> float | None:
        """Fire what is due; when the next one is."""
        now = self._tables.clock()
        self._follow(self._tables.snapshot().program, now)
        fired = {event: due for event, due in self._next.items() if due <= now}
        if fired:
            ticks = {event: now // (period(event) or 1) * (period(event) or 1) for event in fired}
            batch = Batch()
            with self._tables.core.lock:
                self._tables.raise_(batch, [Occurrence(EVERYTHING, event, None, at) for event, at in ticks.items()])
                self._tables.write(batch)
            self._next |= {event: at + (period(event) or 1) for event, at in ticks.items()}
        return min(self._next.values(), default=None)

    def _follow(self, program: Program, now: float) -> None:
        """Know the cycles of the policies as they are now; a new one is first due when its next time is."""
        if program is self._program:
            return
        self._program = program
        wanted = {each for each in _constants(program) if period(each) is not None}
        self._next = {
            event: self._next.get(event) or (now // every + 1) * every
            for event in sorted(wanted)
            if (every := period(event)) is not None
        }
        self._drop_others(wanted)

    def _drop_others(self, wanted: set[str]) -> None:
        """Let the last times of cycles go that no policy reads any more."""
        with self._tables.core.lock:
            batch = Batch()
            for object_, event, *_ in self._tables.rows(EVENT):
                if object_ == EVERYTHING and event not in wanted:
                    batch.drop(EVENT, (object_, event))
            self._tables.write(batch)


def _constants(program: Program) -> Iterator[str]:
    """The texts in rules that read events."""
    for rule in program.rules:
        if EVENT.name in tables_read(rule):
            yield from _texts(rule.body)


def _texts(body: Iterable[Literal]) -> Iterator[str]:
    for literal in body:
        match literal:
            case Either(branches):
                for branch in branches:
                    yield from _texts(branch)
            case Match(terms=terms) | NoMatch(terms=terms):
                yield from _values(terms)
            case Compare(left=left, right=right):
                yield from _values((left, right))
            case Member(values=values):
                yield from (value for value in values if isinstance(value, str))
            case Call():
                pass


def _values(terms: Iterable[object]) -> Iterator[str]:
    return (each.value for each in terms if isinstance(each, Const) and isinstance(each.value, str))
