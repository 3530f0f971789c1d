"""Replicas under faults: whatever a line does, the ends agree as soon as it does no more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from congresslite.schema import Delta, Row
from tests.federation.faulty import LEASE, TABLES, End, Line, frozen

PATIENCE = 400  # half seconds in which two ends that can hear each other must agree

rows: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(st.sampled_from(["pop_a", "pop_b"]), st.integers(0, 9), st.sampled_from(["x", "y" * 30])), max_size=5
)
changes = st.dictionaries(st.sampled_from(TABLES), st.builds(Delta, rows, rows), min_size=1, max_size=3)
ends = st.sampled_from(["parent", "child"])


class Faults(RuleBasedStateMachine):
    """A parent and a child, both of which publish, and everything that can happen between them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.epoch = 1
        self.line = Line()
        self.ends = {
            "parent": End("parent", "child", self.line),
            "child": End("child", "parent", self.line),
        }

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        for end in self.ends.values():
            end.tick(self.now)

    def _deliver(self, place: int) -> None:
        to, message = self.line.flying.pop(place % len(self.line.flying))
        self.ends[to].receive(message, self.now)

    @rule(end=ends, changes=changes)
    def change(self, end: str, changes: dict[str, Delta]) -> None:
        """Rows come and go."""
        self.ends[end].change(changes)

    @rule(end=ends)
    def beat(self, end: str) -> None:
        """An end tells that it is there."""
        self.ends[end].beat()

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 2 * LEASE]))
    def time(self, seconds: float) -> None:
        """Time passes, and nothing arrives."""
        self._pass(seconds)

    @precondition(lambda self: self.line.flying)
    @rule()
    def all_arrive(self) -> None:
        """All that is under way arrives, in its order."""
        for _ in range(len(self.line.flying)):
            self._deliver(0)

    @precondition(lambda self: self.line.flying)
    @rule(place=st.integers(0, 50))
    def one_arrives(self, place: int) -> None:
        """A message arrives, before others that were sent earlier."""
        self._deliver(place)

    @precondition(lambda self: self.line.flying)
    @rule(place=st.integers(0, 50))
    def lose(self, place: int) -> None:
        """A message is lost."""
        self.line.flying.pop(place % len(self.line.flying))

    @precondition(lambda self: self.line.flying)
    @rule()
    def break_(self) -> None:
        """All that is under way is lost."""
        self.line.flying.clear()

    @precondition(lambda self: self.line.recorded)
    @rule(place=st.integers(0, 500))
    def replay(self, place: int) -> None:
        """Something that was sent at any time, by an earlier start of an end too, comes again."""
        to, message = self.line.recorded[place % len(self.line.recorded)]
        self.ends[to].receive(message, self.now)

    @rule(end=ends, changes=changes)
    def restart(self, end: str, changes: dict[str, Delta]) -> None:
        """An end starts anew, and its relations are others."""
        self.epoch += 1
        self.ends[end].start(self.epoch)
        self.ends[end].change(changes)

    @invariant()
    def what_is_held_was_there(self) -> None:
        """A replica never shows what its publisher did not show as a whole."""
        for end in self.ends.values():
            have = end.subscriber.have
            expected = {} if have is None else self.ends[end.other].history[have]
            assert frozen(end.sink.relations) == expected

    def teardown(self) -> None:
        """The faults cease."""
        for turn in range(PATIENCE):
            self._pass(0.5)
            if turn % 10 == 0:
                for end in self.ends.values():
                    end.beat()
            while self.line.flying:
                self._deliver(0)
            self.what_is_held_was_there()
            if all(self._agrees(end) for end in self.ends.values()):
                break
        else:
            pytest.fail("the ends do not agree")
        self._silence()

    def _agrees(self, end: End) -> bool:
        return end.subscriber.current(self.now) and end.subscriber.have == self.ends[end.other].publisher.at

    def _silence(self) -> None:
        """Who is silent for longer than the lease is no longer current, and is again when it is heard."""
        self._pass(LEASE + 0.1)
        assert not self.line.flying, "nothing is missing, and yet somebody asks"
        assert not any(end.subscriber.current(self.now) for end in self.ends.values())
        for end in self.ends.values():
            end.beat()
        self.all_arrive()
        assert all(self._agrees(end) for end in self.ends.values())
        for end in self.ends.values():
            assert frozen(end.sink.relations) == frozen(self.ends[end.other].relations)
            assert end.publisher.held == end.publisher.at


def run(examples: int, steps: int) -> None:
    """Let things happen, so often."""
    chosen: dict[str, Any] = {"max_examples": examples, "stateful_step_count": steps, "deadline": None}
    run_state_machine_as_test(Faults, settings=settings(**chosen, suppress_health_check=list(HealthCheck)))


def test_ends_agree_after_faults() -> None:
    """After any faults both ends hold what the other one has, nothing was applied twice, nothing is shown by halves."""
    run(100, 30)


@pytest.mark.long
def test_ends_agree_after_very_many_faults() -> None:
    """The same in far more and longer runs."""
    run(800, 80)
