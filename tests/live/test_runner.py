"""Runners: feeds are pulled when they are due, sooner when something changed, and nothing ends the thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import pytest

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.live.feeds import FeedState
from congresslite.live.runner import Runner, Schedule
from congresslite.schema import RowsTable, TableSchema
from congresslite.sources.driver import Deadline, Feed, Pull, Wake, Watch

PATIENCE = 60.0
EMPTY: Pull = {"a": RowsTable(TableSchema("s:a", ()), [])}


class _Scripted:
    """A driver that does what its script says, and notes what it was asked."""

    def __init__(self, *script: Callable[[], Pull]) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, frozenset[str] | None]] = []
        self.changed = threading.Condition()
        self.closed = False

    schemas: Mapping[str, TableSchema] = {}
    owners: Mapping[str, str] = {}
    feeds: Sequence[Feed] = (Feed("a", ("a",)), Feed("b", ("b",)))

    def _next(self, feed: str, keys: frozenset[str] | None) -> Pull:
        with self.changed:
            self.asked.append((feed, keys))
            self.changed.notify_all()
            step = self.script.pop(0) if self.script else None
        return EMPTY if step is None else step()

    def pull(self, feed: str, deadline: Deadline) -> Pull:
        return self._next(feed, None)

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> Pull | None:
        return self._next(feed, frozenset(keys)) if feed == "a" else None

    def watch(self, wake: Wake) -> Watch | None:
        return None

    def close(self) -> None:
        self.closed = True

    def wait(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked) >= count, PATIENCE)


def down() -> Pull:
    raise SourceError(Diagnostic("CL470", "it is down"))


def broken() -> Pull:
    raise ZeroDivisionError("a driver's own fault")


class _Estate:
    """One runner, and what it handed on."""

    def __init__(self, driver: _Scripted, schedule: Schedule) -> None:
        self.states = {feed.name: FeedState("s", feed, schedule.every) for feed in driver.feeds}
        self.taken: list[tuple[str, bool]] = []
        self.noticed = threading.Condition()
        self.runner = Runner("s", driver, self.states, schedule, take=self._take, notice=self._notice)
        self.runner.start()

    def _take(self, state: FeedState, pull: Pull, accept_empty: bool) -> None:
        self.taken.append((state.feed.name, accept_empty))

    def _notice(self, state: FeedState) -> None:
        with self.noticed:
            self.noticed.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self.noticed:
            assert self.noticed.wait_for(condition, PATIENCE)


Made = Callable[..., tuple[_Scripted, _Estate]]


@pytest.fixture
def made() -> Iterator[Made]:
    estates: list[_Estate] = []

    def make(*script: Callable[[], Pull], every: float = 3600.0, lazy: bool = True) -> tuple[_Scripted, _Estate]:
        driver = _Scripted(*script)
        estate = _Estate(driver, Schedule(every=every, deadline=30.0, jitter=0.1, lazy=lazy))
        estates.append(estate)
        return driver, estate

    yield make
    for estate in estates:
        estate.runner.stop()


def test_only_what_somebody_reads_is_pulled(made: Made) -> None:
    """A lazy source pulls the feeds of tables that rules name, and others once they are named."""
    driver, estate = made()
    estate.runner.want({"s:a"})
    driver.wait(1)
    assert {feed for feed, _ in driver.asked} == {"a"}
    assert estate.states["b"].health() == "lazy"
    estate.runner.want({"s:a", "s:b"})
    driver.wait(2)
    assert driver.asked[-1] == ("b", None)


def test_a_source_that_is_not_lazy_pulls_everything(made: Made) -> None:
    """Without `lazy`, every feed is pulled though no rule names its tables."""
    driver, estate = made(lazy=False)
    estate.runner.want(())
    driver.wait(2)
    assert {feed for feed, _ in driver.asked} == {"a", "b"}


def test_feeds_are_pulled_again_and_again(made: Made) -> None:
    """A feed is pulled on its schedule."""
    driver, estate = made(every=0.01)
    estate.runner.want({"s:a"})
    driver.wait(5)


def test_what_fails_becomes_stale_and_then_well_by_itself(made: Made) -> None:
    """A pull that fails, even by the driver's own fault, is told; the next one that goes well makes all good."""
    _, estate = made(lambda: EMPTY, down, broken, every=0.01)
    estate.runner.want({"s:a"})
    state = estate.states["a"]
    estate.wait(lambda: any(each.code == "CL470" for each in state.findings))
    assert state.health() == "stale"
    estate.wait(lambda: any(each.code == "CL570" for each in state.findings))
    assert "ZeroDivisionError" in state.findings[0].message
    estate.wait(lambda: state.health() == "fresh")


def test_a_change_is_pulled_by_its_keys(made: Made) -> None:
    """What the source tells of is pulled at once: those objects alone, or all where that cannot be."""
    driver, estate = made()
    estate.runner.want({"s:a", "s:b"})
    driver.wait(2)
    estate.runner.wake("a", ["x"])
    driver.wait(3)
    estate.runner.wake("b", ["y"])
    driver.wait(4)
    assert driver.asked[2:] == [("a", frozenset({"x"})), ("b", None)]


def test_changes_that_come_together_are_pulled_together(made: Made) -> None:
    """Wakes that arrive while a pull is under way are one pull afterwards, a whole one if any asked for all."""
    started, go = threading.Event(), threading.Event()

    def slow() -> Pull:
        started.set()
        assert go.wait(PATIENCE)
        return EMPTY

    driver, estate = made(slow)
    estate.runner.want({"s:a"})
    assert started.wait(PATIENCE)
    for key in "xyx":
        estate.runner.wake("a", [key])
    go.set()
    driver.wait(2)
    assert driver.asked[1:] == [("a", frozenset({"x", "y"}))]


def test_a_refresh_waits_and_tells(made: Made) -> None:
    """Whoever asks for a pull gets its outcome, a lazy feed's too; an unknown feed is an error at once."""
    _, estate = made(down)
    with pytest.raises(SourceError) as raised:
        estate.runner.refresh("b")
    assert [each.code for each in raised.value.diagnostics] == ["CL470"]
    estate.runner.refresh("b", accept_empty=True)
    assert estate.taken == [("b", True)]
    with pytest.raises(KeyError):
        estate.runner.refresh("c")


def test_a_stopped_runner_answers(made: Made) -> None:
    """Stopping ends the thread and closes the driver; whoever asks afterwards is told and not kept waiting."""
    driver, estate = made()
    estate.runner.stop()
    assert driver.closed
    with pytest.raises(SourceError) as raised:
        estate.runner.refresh("a")
    assert [each.code for each in raised.value.diagnostics] == ["CL574"]
