"""Feeds: what is current, and what everything else is called."""

from __future__ import annotations

from congresslite.diagnostics import Diagnostic
from congresslite.live.feeds import FeedState
from congresslite.sources.driver import Feed

WHY = (Diagnostic("CL470", "it is down"),)


def feed(*, every: float | None = 30.0, wanted: bool = True) -> FeedState:
    return FeedState("nova", Feed("servers", ("servers", "tags")), every, grace=60.0, wanted=wanted)


def test_a_feed_goes_from_pending_to_fresh_to_stale_and_back() -> None:
    """Only pulls that go well and come in time make rows current; the time and the reason of all else are told."""
    state = feed()
    assert (state.health(0), state.seen) == ("pending", False)
    assert state.failed(5, WHY)
    assert (state.health(6), state.status(6).since) == ("pending", 5)
    assert state.succeeded(10)
    assert (state.health(11), state.seen) == ("fresh", True)
    assert not state.succeeded(40)
    assert state.failed(70, WHY)
    assert not state.failed(75, WHY)
    told = state.status(80)
    assert (told.health, told.since, told.last_success, told.findings) == ("stale", 70, 40, WHY)
    assert state.succeeded(90)
    assert state.status(91).findings == ()


def test_a_pull_that_never_comes_makes_a_feed_stale() -> None:
    """A feed that hangs is as stale as one that fails: two rounds and a deadline without a success."""
    state = feed()
    state.succeeded(100)
    assert state.health(100 + 120) == "fresh"
    told = state.status(100 + 121)
    assert (told.health, told.since) == ("stale", 220)
    assert [each.code for each in told.findings] == ["CL571"]


def test_what_is_held_back_keeps_its_name() -> None:
    """A pull that is held back is neither a success nor a mere failure."""
    state = feed()
    state.succeeded(1)
    assert state.failed(2, WHY, held_back=True)
    assert state.health(3) == "held_back"
    assert state.succeeded(4)
    assert state.health(5) == "fresh"


def test_what_nobody_reads_is_lazy_and_what_others_push_is_fresh() -> None:
    """A feed that no rule reads is not overdue; pushed rows are as current as their sender makes them."""
    assert feed(wanted=False).health(10**9) == "lazy"
    pushed = feed(every=None, wanted=False)
    assert (pushed.health(10**9), pushed.seen) == ("fresh", True)
    assert pushed.tables == ("nova:servers", "nova:tags")
