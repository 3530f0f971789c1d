"""Nodes under faults: whatever happens between three levels of engines, in the end they say what a single one would."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from congresslite.schema import Row
from tests.federation.world import CHILDREN, LEASE, NAMES, PARENTS, World

PATIENCE = 300  # half seconds in which engines that can hear each other must agree

rows: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["bad", "frozen", "slow", "good"])),
    max_size=4,
    unique=True,
)
names = st.sampled_from(NAMES)
below = st.sampled_from(sorted(PARENTS))
HANDED = {
    "pops": 'policy pops(tier = "pop"). @id("bad") error(id) :- inv:vm(id, "bad").',
    "pops again": 'policy pops(tier = "pop"). @id("bad") error(id, h) :- inv:vm(id, h), h in ["bad", "slow"].',
    "regions": 'policy regions(tier = "region"). @id("all") warning(pop) :- tiers:vms(pop, _, "bad").',
}


class Tiers(RuleBasedStateMachine):
    """Six engines on three levels, and everything that can happen to them and between them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(name=below, insert=rows, delete=rows)
    def change(self, name: str, insert: list[Row], delete: list[Row]) -> None:
        """Rows of an engine come and go."""
        self.world.change(name, insert, [row for row in delete if row not in insert])

    @rule(which=st.sampled_from(sorted(HANDED)))
    def put(self, which: str) -> None:
        """The top hands down a policy, in place of one of its name."""
        self.world.put("top", HANDED[which])

    @rule(name=st.sampled_from(["pops", "regions"]))
    def remove(self, name: str) -> None:
        """The top hands a policy down no more."""
        self.world.put("top", None, name)

    @rule(name=names)
    def restart(self, name: str) -> None:
        """An engine starts anew, with what is on its disk."""
        self.world.start(name)

    @rule(name=names)
    def cut(self, name: str) -> None:
        """An engine is cut off."""
        self.world.cut.add(name)

    @rule(name=names)
    def mend(self, name: str) -> None:
        """An engine is back."""
        self.world.cut.discard(name)

    @rule(seconds=st.sampled_from([0.2, 1.0, 3.0, 2 * LEASE]))
    def time(self, seconds: float) -> None:
        """Time goes by."""
        self.world.pass_(seconds)

    @precondition(lambda self: self.world.flying)
    @rule()
    def all_arrive(self) -> None:
        """Everything that is under way arrives, in its order."""
        for _ in range(len(self.world.flying)):
            self.world.deliver()

    @precondition(lambda self: self.world.flying)
    @rule(place=st.integers(0, 80))
    def one_arrives(self, place: int) -> None:
        """A message arrives before others that were sent earlier."""
        self.world.deliver(place)

    @precondition(lambda self: self.world.flying)
    @rule(place=st.integers(0, 80))
    def lose(self, place: int) -> None:
        """A message is lost."""
        self.world.flying.pop(place % len(self.world.flying))

    @precondition(lambda self: self.world.flying)
    @rule()
    def broker_dies(self) -> None:
        """Everything that is under way is lost."""
        self.world.flying.clear()

    @precondition(lambda self: self.world.recorded)
    @rule(place=st.integers(0, 2000))
    def replay(self, place: int) -> None:
        """Something that was sent at any time comes again."""
        to, body = self.world.recorded[place % len(self.world.recorded)]
        self.world.nodes[to].receive(body)

    @invariant()
    def what_is_known_is_consistent(self) -> None:
        """A child's table is what the union has of it, and no row is of an engine that is not below."""
        for name, children in CHILDREN.items():
            engine = self.world.hosts[name].engine
            united = set(engine.rows("tiers:vms"))
            for child in children:
                mine = {child, *self.world.below(child)}
                assert set(engine.rows(f"{child}:vms")) == {row[1:] for row in united if row[0] in mine}
            assert {row[0] for row in united} <= set(self.world.below(name))

    @invariant()
    def nothing_was_refused(self) -> None:
        """Faults of the line are nobody's wrongdoing."""
        for node in self.world.nodes.values():
            assert not node.refusals.all()

    def teardown(self) -> None:
        """The faults cease."""
        self.world.cut.clear()
        for _ in range(PATIENCE):
            self.world.pass_(0.5)
            self.world.deliver_all()
            if self.world.wrong() is None:
                break
        else:
            pytest.fail(f"they do not agree: {self.world.wrong()}")
        self.what_is_known_is_consistent()
        self._silence()

    def _silence(self) -> None:
        """An engine that is silent for longer than its lease is no longer current, nor is what passes through it."""
        self.world.cut.add("p1")
        for _ in range(int(LEASE) + 3):
            self.world.pass_(1.0)
            self.world.deliver_all()
        assert self.world.hosts["r1"].whys["p1", "vms"] is not None
        assert self.world.hosts["top"].whys["r1", "vms"] is not None
        assert self.world.hosts["top"].whys["r2", "vms"] is None
        self.world.cut.clear()
        self.world.pass_(1.0)
        self.world.deliver_all()
        self.world.pass_(1.0)
        self.world.deliver_all()
        assert self.world.wrong() is None


def run(examples: int, steps: int) -> None:
    """Let things happen, so often."""
    # A run takes a second, so what fails is not made smaller: it would take minutes.
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    chosen: dict[str, Any] = {"max_examples": examples, "stateful_step_count": steps, "deadline": None}
    chosen["phases"] = phases
    run_state_machine_as_test(Tiers, settings=settings(**chosen, suppress_health_check=list(HealthCheck)))


def test_three_levels_agree_after_faults() -> None:
    """After any faults all engines say what a single engine over all tables says."""
    run(15, 25)


@pytest.mark.long
def test_three_levels_agree_after_very_many_faults() -> None:
    """The same in far more runs."""
    run(1000, 30)
