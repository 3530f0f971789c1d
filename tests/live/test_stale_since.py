"""Since when a feed is not current, over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from congresslite.live import FeedStatus, LiveEstate
from tests.live.estates import filed, opened
from tests.waiting import until

VMS = "id,host,vcpus,tenant\na,h1,1,t1\nb,h1,2,t1\n"


def feed(estate: LiveEstate) -> FeedStatus:
    return next(each for each in estate.sources()[0].feeds if "inv:vm" in each.tables)


def put(file: Path, text: str) -> None:
    """Replace a file that is watched, so that nobody sees half of it."""
    beside = file.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


@pytest.mark.parametrize(
    ("text", "health"),
    [("id,host,vcpus,tenant\na,h1\n", "stale"), ("id,host,vcpus,tenant\n", "held_back")],
    ids=["stale", "held back"],
)
def test_a_restart_is_no_new_beginning(tmp_path: Path, text: str, health: str) -> None:
    """A feed that was not current when the process ended has not been so since then, for the same reason."""
    config = filed(tmp_path, {"vm": VMS, "host": "id,state\nh1,up\n", "tenant": "id\nt1\n"}, hold_back=1)
    file = tmp_path / "inv" / "vm.csv"
    first = opened(config)
    try:
        until(lambda: feed(first).health == "fresh")
        put(file, text)
        until(lambda: feed(first).health == health)
        before = feed(first)
    finally:
        first.stop()
    second = opened(config)
    try:
        until(lambda: feed(second).last_attempt is not None)
        told = feed(second)
        assert (told.health, told.since) == (health, before.since)
        assert [each.code for each in told.findings] == [each.code for each in before.findings]
        put(file, VMS)
        until(lambda: feed(second).health == "fresh")
        assert feed(second).since is None
    finally:
        second.stop()
