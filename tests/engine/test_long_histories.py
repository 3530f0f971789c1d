"""
One engine through hundreds of batches, so that segments of indexes merge and dead rows are swept out.

The sizes at which that happens are set so low that small tables reach them. Old
snapshots are kept on the way and looked at later; now and then a batch is only
asked about, a query asked, or one window of rows moved along.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from congresslite import Delta, Engine
from congresslite.api import Snapshot
from congresslite.diagnostics import PolicyError
from congresslite.engine import index, relation, sinks, steps, tombstones
from tests.engine.histories import batches
from tests.engine.scripts import Script, draw_pools, scripts
from tests.engine.strategies import BASE, COLUMNS, Draw, Pools, rows
from tests.engine.world import Rows, Step, World, base_rows, counted, observed, same, told, united
from tests.examples import HISTORIES, few, many

SHORT = few(12, stateful_step_count=30, suppress_health_check=HISTORIES)
LONG = many(15, stateful_step_count=200, suppress_health_check=HISTORIES)

# Sizes at which something is merged, swept out or found another way; by the module that has them.
SIZES: Mapping[str, Mapping[Any, Mapping[str, int]]] = {
    "tiny": {
        index: {"GROWTH": 2, "_FIRST": 0, "_LATER": 0},
        relation: {"MIN_SWEPT": 2, "_MANY": 1, "_PER_ROWS": 1, "_FEW": 1},
        tombstones: {"_LISTED": 1},
        sinks: {"_PENDING": 1},
        steps: {"CHUNK": 3},
    },
    "small": {
        index: {"GROWTH": 4, "_FIRST": 1 << 20, "_LATER": 1 << 20},
        relation: {"MIN_SWEPT": 16, "_MANY": 8, "_PER_ROWS": 4, "_FEW": 2},
        tombstones: {"_LISTED": 8},
        sinks: {"_PENDING": 16},
    },
    "as they are": {},
}
KEPT = 5  # old snapshots at a time


@st.composite
def beginnings(draw: Draw) -> tuple[Script, Pools, World]:
    """The rules of a history, the values that it draws from, and where it begins."""
    pools = draw_pools(draw)
    script = draw(scripts(pools))
    tables = {BASE[name]: draw(rows(types, pools)) for name, types in COLUMNS.items()}
    world = World.of([script.opening(name) for name in script.first], tables)
    assume(world.program is not None)
    return script, pools, world


class LongHistory(RuleBasedStateMachine):
    """An engine, and the world that it should know."""

    def __init__(self) -> None:
        super().__init__()
        self.engine: Engine | None = None  # until it has begun
        self.kept: deque[tuple[Snapshot, dict[str, Rows]]] = deque(maxlen=KEPT)
        self.window = 0
        self.amid = False  # in a batch: where one fails, nothing is known of the end

    @initialize(beginning=beginnings())
    def begin(self, beginning: tuple[Script, Pools, World]) -> None:
        """Load what there is."""
        self.script, self.pools, self.world = beginning
        self.engine = Engine.load(list(self.world.policies.values()), self.world.data())
        assert observed(self.engine) == united(self.world.answers)

    @rule(data=st.data())
    def apply(self, data: st.DataObject) -> None:
        """Any batch; a wrong one changes nothing."""
        self._step(data.draw(batches(self.script, self.world, self.pools)))

    @rule(length=st.integers(1, 6))
    def move_along(self, length: int) -> None:
        """New edges between new nodes come, and those that came before them go."""
        first, self.window = self.window, self.window + length
        come = [(100 + node, 101 + node) for node in range(first, self.window)]
        gone = [row for row in self.world.rows["s:e"] if isinstance(row[0], int) and 100 <= row[0] < 100 + first]
        self._step(Step({"s:e": Delta(insert=come, delete=[(a, b) for a, b in gone])}))  # type: ignore[misc]

    @rule(name=st.sampled_from(["s:e", "s:q", "s:w"]))
    def empty_and_fill(self, name: str) -> None:
        """All rows of a table go and come back, in two batches."""
        held = self.world.plain_rows()[name]
        self._step(Step({name: Delta(delete=held)}))
        self._step(Step({name: Delta(insert=held)}))

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """A what-if changes nothing and tells what is true."""
        assert self.engine is not None
        step = data.draw(batches(self.script, self.world, self.pools))
        after = self.world.after(step)
        if after.program is None:
            return
        changes = self.engine.what_if(step.changes, policies=step.policies, remove=step.remove)
        told(changes, self.world.answers, after.answers)
        assert observed(self.engine) == united(self.world.answers)

    @rule()
    def keep(self) -> None:
        """Keep a snapshot, and let the oldest go."""
        assert self.engine is not None
        self.kept.append((self.engine.snapshot(), united(self.world.answers)))

    @precondition(lambda self: bool(self.kept))
    @rule()
    def look_back(self) -> None:
        """What was kept is as it was."""
        for snapshot, answers in self.kept:
            assert observed(snapshot) == answers

    @rule(node=st.sampled_from([1, 2, 3, 101, 110]))
    def query(self, node: int) -> None:
        """A query answers from the latest rows."""
        assert self.engine is not None
        edges = self.world.rows["s:e"]
        found = counted(self.engine.query(f"s:e(x, {node}), not s:e({node}, x)").rows)
        assert found == counted([(a,) for a, b in edges if b == node and (node, a) not in edges])  # type: ignore[misc]
        assert base_rows(self.engine, ["s:e"]) == {"s:e": edges}

    def _step(self, step: Step) -> None:
        assert self.engine is not None
        self.amid = True
        after = self.world.after(step)
        if after.program is None:
            event("refused")
            with pytest.raises(PolicyError):
                self.engine.apply(step.changes, policies=step.policies, remove=step.remove)
            assert observed(self.engine) == united(self.world.answers)
            self.amid = False
            return
        changes = self.engine.apply(step.changes, policies=step.policies, remove=step.remove)
        told(changes, self.world.answers, after.answers)
        assert observed(self.engine) == united(after.answers)
        self.world, self.amid = after, False

    def teardown(self) -> None:
        """At its end the engine knows what one that starts anew does."""
        if self.engine is None or self.amid:
            return
        self.look_back()
        anew = Engine.load(list(self.world.policies.values()), self.world.data())
        assert observed(self.engine) == observed(anew)
        assert base_rows(self.engine, self.world.schemas) == self.world.rows
        batch = {name: Delta(delete=given) for name, given in self.world.plain_rows().items()}
        assert same(self.engine.apply(batch), anew.apply(batch))


def run(sizes: str, how: settings) -> None:
    """Run histories with the sizes of that name."""
    with pytest.MonkeyPatch.context() as patch:
        for module, values in SIZES[sizes].items():
            for name, value in values.items():
                patch.setattr(module, name, value)
        run_state_machine_as_test(LongHistory, settings=how)


@pytest.mark.parametrize("sizes", ["tiny", "small"])
def test_histories_of_many_batches(sizes: str) -> None:
    """An engine is right after each of many batches, at whatever sizes it merges and sweeps."""
    run(sizes, SHORT)


@pytest.mark.long
@pytest.mark.parametrize("sizes", SIZES)
def test_histories_of_many_batches_at_length(sizes: str) -> None:
    """As the test above, with up to two hundred batches to one engine."""
    run(sizes, LONG)
