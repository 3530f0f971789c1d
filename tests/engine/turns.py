"""
Cases of what follows from a batch, written out by hand, and how each is held against an engine.

A case is a policy `p` over a few base tables, the rows that there are, and
batches with everything that comes and goes in derived tables. What is written
is also asked of the naive evaluator. Each batch is foretold by a what-if, and
at the end all of them are undone by one, which must lead back to where the case
began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from congresslite import Delta, Engine, Policy
from congresslite.engine import steps
from congresslite.schema import Row, TableSchema, Type
from tests.engine.columnar import table
from tests.engine.world import Rows, Step, World, base_rows, counted, observed, plain, same, told, united

Tables = Mapping[str, Sequence[Row]]

# The base tables by their names within the source `s`.
SCHEMAS: dict[str, TableSchema] = {
    "e": table("s:e", a=Type.INT, b=Type.INT),
    "f": table("s:f", a=Type.INT, b=Type.INT),
    "n": table("s:n", x=Type.INT),
    "m": table("s:m", x=Type.INT),
    "v": table("s:v", k=Type.STR, x=Type.FLOAT),
    "i": table("s:i", k=Type.STR, n=Type.INT),
    "a": table("s:a", x=Type.ANY),
    "b": table("s:b", x=Type.ANY, y=Type.ANY),
    "z": table("s:z"),
}
T = "t"
# How a case is run: how often each row is given first, and how many bindings are made at a time.
WAYS: dict[str, tuple[int, int | None]] = {"as it is": (1, None), "rows twice": (2, None), "by single bindings": (1, 1)}


@dataclass(frozen=True)
class Turn:
    """A batch, and all that follows from it."""

    plus: Tables = field(default_factory=dict)
    minus: Tables = field(default_factory=dict)
    came: Tables = field(default_factory=dict)
    went: Tables = field(default_factory=dict)

    def step(self) -> Step:
        """The batch as an engine takes it."""
        names = dict.fromkeys([*self.plus, *self.minus])
        return Step({f"s:{name}": Delta(self.plus.get(name, ()), self.minus.get(name, ())) for name in names})


@dataclass(frozen=True)
class Case:
    """A policy `p`, the rows that there are, and what happens."""

    text: str
    start: Tables
    turns: Sequence[Turn]

    def world(self) -> World:
        """Where the case begins."""
        tables = {schema: self.start.get(name, ()) for name, schema in SCHEMAS.items()}
        return World.of([Policy("p", self.text)], tables)


def case(text: str, start: Tables, *turns: Turn) -> Case:
    """A case of some batches."""
    return Case(text, start, turns)


def play(case: Case, way: str) -> None:
    """Run a case in one of the WAYS; asserts what its module promises."""
    times, chunk = WAYS[way]
    with pytest.MonkeyPatch.context() as patch:
        if chunk is not None:
            patch.setattr(steps, "CHUNK", chunk)
        _play(case, times)


def _play(case: Case, times: int) -> None:
    start = world = case.world()
    engine = Engine.load(list(world.policies.values()), world.data(times))
    assert observed(engine) == united(world.answers)
    for turn in case.turns:
        step, after = turn.step(), world.after(turn.step())
        foretold = engine.what_if(step.changes)
        assert observed(engine) == united(world.answers)
        changes = engine.apply(step.changes)
        assert _rows(changes) == _written(turn)
        assert changes.changed() == tuple(name for name in changes if changes[name].insert or changes[name].delete)
        told(changes, world.answers, after.answers)
        assert observed(engine) == united(after.answers)
        assert same(foretold, changes)
        world = after
    undone = engine.apply(_back(start, world))
    told(undone, world.answers, start.answers)
    assert observed(engine) == united(start.answers)
    assert base_rows(engine, start.schemas) == start.rows


def _written(turn: Turn) -> dict[str, tuple[Rows, Rows]]:
    names = dict.fromkeys([*turn.came, *turn.went])
    return {f"p:{name}": (counted(turn.came.get(name, ())), counted(turn.went.get(name, ()))) for name in names}


def _rows(changes: Mapping[str, Delta]) -> dict[str, tuple[Rows, Rows]]:
    """The changes of the tables that did change; rows that moved from one violation rule to another left out."""
    found = {name: (counted(each.insert), counted(each.delete)) for name, each in changes.items()}
    net = {name: (came - went, went - came) for name, (came, went) in found.items()}
    return {name: each for name, each in net.items() if each != (Counter(), Counter())}


def _back(start: World, end: World) -> dict[str, Delta]:
    """The batch that undoes all batches; most of it names tables that did not change."""
    return {
        name: Delta([plain(row) for row in rows - end.rows[name]], [plain(row) for row in end.rows[name] - rows])
        for name, rows in start.rows.items()
    }
