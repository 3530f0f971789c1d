"""
Histories at random: policies over base tables, and the batches that come after them.

Batches change several tables at once; they repeat rows, insert what is there,
delete what is not, have rows on both sides, and bring values that no dictionary
has seen. Policies are replaced by variants, removed and added again. Now and
then a batch breaks the policies: it must then change nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from congresslite import Delta
from congresslite.schema import Row, Type
from tests.engine.scripts import Script, draw_pools, scripts
from tests.engine.strategies import BASE, COLUMNS, Draw, Pools, rows
from tests.engine.world import Step, World, plain

# Values that come only with a batch.
NEW: Pools = {
    Type.ANY: (1.0, 2.0, 7, -7, 2.5, 1e300, -1e300, "zz", "new", 2**62),
    Type.INT: (5, 7, -2, 2**40),
    Type.FLOAT: (2.5, -1e300, 3.0, 5e-324),
    Type.STR: ("new", "b c", "z"),
    Type.BOOL: (True,),
}


@dataclass(frozen=True)
class History:
    """Where a history begins, and its batches; `twice` if each row is first given twice."""

    start: World
    steps: tuple[Step, ...]
    twice: bool

    def __str__(self) -> str:
        policies = [f"policy {each.name}:\n{each.text}" for each in self.start.policies.values()]
        tables = [f"# {name}: {rows}" for name, rows in self.start.plain_rows().items() if rows]
        return "\n".join([*policies, *tables, *map(str, self.steps)])

    __repr__ = __str__


@st.composite
def histories(draw: Draw, steps: int = 4) -> History:
    """A history of one batch or up to so many."""
    pools = draw_pools(draw)
    script = draw(scripts(pools))
    tables = {BASE[name]: draw(rows(types, pools)) for name, types in COLUMNS.items()}
    start = world = World.of([script.opening(name) for name in script.first], tables)
    made: list[Step] = []
    for _ in range(draw(st.integers(1, steps))):
        step = draw(batches(script, world, pools))
        made.append(step)
        after = world.after(step)
        world = world if after.program is None else after
    return History(start, tuple(made), draw(st.booleans()))


@st.composite
def batches(draw: Draw, script: Script, world: World, pools: Pools) -> Step:
    """Rows of up to three tables that come and go, policies that come and go, or both."""
    kind = draw(st.sampled_from(["rows", "rows", "rows", "both", "policies"]))
    step = draw(turns(script, world)) if kind != "rows" else Step()
    if kind == "policies":
        return step
    # Mostly of tables that rules read.
    read = [*world.program.base] * 3 if world.program else []
    names = draw(st.lists(st.sampled_from([*COLUMNS, *read]), min_size=1, max_size=3))
    return replace(step, changes={name: draw(deltas(world, name, pools)) for name in names})


@st.composite
def deltas(draw: Draw, world: World, name: str, pools: Pools) -> Delta:
    """Rows of one table: mostly few, mostly such as make a difference."""
    held = sorted(map(plain, world.rows[name]), key=repr)
    cells = [st.sampled_from([*pools[type_], *pools[type_], *NEW[type_]]) for type_ in COLUMNS[name]]
    row = st.tuples(*cells)
    there = st.sampled_from(held) if held else row
    delete: list[Row] = draw(st.lists(st.one_of(there, there, there, row), max_size=4))
    some = st.sampled_from([*delete, *delete, *held]) if delete or held else row
    insert: list[Row] = draw(st.lists(st.one_of(row, row, row, some), max_size=4))
    return Delta(insert=insert, delete=delete)


@st.composite
def turns(draw: Draw, script: Script, world: World) -> Step:
    """Policies that are replaced, removed (mostly with those that read them) or added again."""
    live, gone = sorted(world.policies), [name for name in script.first if name not in world.policies]
    if gone and draw(st.booleans()):
        return Step(policies=tuple(script.variant(draw, name) for name in gone))
    if not live or draw(st.integers(0, 2)):
        names = draw(st.lists(st.sampled_from(live or sorted(script.first)), min_size=1, max_size=2, unique=True))
        return Step(policies=tuple(script.variant(draw, name) for name in names))
    name = draw(st.sampled_from(live))
    removed = {name} if draw(st.integers(0, 9)) == 0 else _with_readers(name, world)
    return Step(remove=tuple(sorted(removed)))


def _with_readers(name: str, world: World) -> set[str]:
    """A policy and all that read its tables, directly or not."""
    found, todo = {name}, [name]
    while todo:
        read = f"{todo.pop()}:"
        readers = {each.name for each in world.policies.values() if re.search(rf"\b{read}", each.text)}
        todo += sorted(readers - found)
        found |= readers
    return found
