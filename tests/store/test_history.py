"""The history of violations against a model of it that is a dictionary."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from congresslite.store.records import ViolationFilter, WaiverRecord
from congresslite.store.store import Store
from tests.store.made import RULES, id_of, opened

IDS = st.lists(st.integers(0, 9), max_size=6)
WAIVER = WaiverRecord("w", "owner", "reason", "", "", policy="nfv", rule="R1")


class History(RuleBasedStateMachine):
    """Batches, waivers, pruning and restarts in any order."""

    @initialize()
    def begin(self) -> None:
        """An empty store and an empty model."""
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name) / 'store.sqlite'}"
        self.store = Store.open(self.url)
        self.now = 0.0
        self.batch = 0
        self.severity = "high"
        # Of each id: the time at which the open episode began, and whether it is waived; how many have ended.
        self.open: dict[int, tuple[float, bool]] = {}
        self.ended: list[tuple[float, int]] = []

    @rule(came=IDS, went=IDS, step=st.integers(-1, 3))
    def record(self, came: list[int], went: list[int], step: int) -> None:
        """Some come and some go; the clock may be set back."""
        at = self.now + step
        batch = self.store.violations.record(
            at, [opened(number, self.rule_of(number)) for number in came], list(map(id_of, went))
        )
        after = max(self.now, at)
        closed = {number for number in went if number in self.open}
        fresh = {number for number in came if number not in self.open or number in closed}
        if not closed and not fresh:
            assert batch is None
            return
        self.now, self.batch = after, self.batch + 1
        assert batch is not None
        assert (batch.number, batch.at, batch.opened, batch.resolved) == (self.batch, after, len(fresh), len(closed))
        for number in closed:
            del self.open[number]
            self.ended.append((after, number))
        self.open |= dict.fromkeys(fresh, (after, False))

    @rule(holds=st.booleans())
    def waive(self, holds: bool) -> None:
        """The waiver is granted, or ends."""
        before = dict(self.open)
        self.open = {
            number: (since, holds and self.rule_of(number).rule == "R1") for number, (since, _) in self.open.items()
        }
        changed = sum(before[number] != self.open[number] for number in before)
        assert self.store.violations.set_waivers([WAIVER] if holds else []) == changed

    @rule(severity=st.sampled_from(["critical", "low"]))
    def change_rules(self, severity: str) -> None:
        """The rules matter more, or less."""
        self.severity = severity
        self.store.violations.set_rules([self.rule_of(number) for number in range(len(RULES))])

    @rule(age=st.integers(0, 4))
    def prune(self, age: int) -> None:
        """What ended some time ago is removed."""
        before = self.now - age
        gone = [each for each in self.ended if each[0] < before]
        assert self.store.violations.prune(before) == len(gone)
        self.ended = [each for each in self.ended if each not in gone]

    @rule()
    def restart(self) -> None:
        """The process ends, and another one goes on."""
        self.store.close()
        self.store = Store.open(self.url)

    @invariant()
    def agrees(self) -> None:
        """The store tells what the model knows."""
        violations = self.store.violations
        assert violations.last_batch() == self.batch
        assert violations.open_ids() == {bytes.fromhex(id_of(number)) for number in self.open}
        told = violations.page(ViolationFilter(states=("open", "waived", "resolved")), "first_seen", 1000).items
        numbers = {id_of(number): number for number in range(10)}
        alive = {
            numbers[each.id]: (each.first_seen, each.waiver is not None) for each in told if each.resolved_at is None
        }
        assert alive == self.open
        ended = sorted((each.resolved_at, numbers[each.id]) for each in told if each.resolved_at is not None)
        assert ended == sorted(self.ended)
        assert all(each.rule.severity in (self.severity, "high", "critical", "low") for each in told)
        counts = violations.counts()
        assert sum(each[2] for each in counts) == sum(not waived for _, waived in self.open.values())
        assert sum(each[3] for each in counts) == sum(waived for _, waived in self.open.values())

    def rule_of(self, number: int):
        """The rule of a violation, as it is now."""
        return replace(RULES[number % len(RULES)], severity=self.severity)

    def teardown(self) -> None:
        """Remove the store."""
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
