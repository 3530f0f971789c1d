"""Events: told once, in order, to everybody who watches, and to whoever was away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence

import pytest

from congresslite.live.events import KEPT, Change, Happened, Hub, Watcher
from congresslite.live.values import Event
from congresslite.store.records import Batch, RuleRecord

RULE = RuleRecord("p", "R1", "error", "high", "warn", "p:error", ("vm",), ("inv:vm",))


def happened(number: int, *ids: str, tenant: str | None = None) -> Happened:
    opened = [Change(each, RULE, each, tenant, None, f"{each} is wrong") for each in ids]
    return Happened(Batch(number, 1000.0 + number, len(ids), 0), opened, [])


def numbers(watcher: Watcher, count: int) -> list[int]:
    events: Iterator[Event] = (event for event in watcher if event is not None)
    return [next(events).number for _ in range(count)]


class _Store:
    """Batches that are kept for whoever was away."""

    def __init__(self) -> None:
        self.batches: list[Happened] = []

    def after(self, number: int) -> Sequence[Happened]:
        return [each for each in self.batches if each.batch.number > number]


def test_everybody_gets_every_batch_once_in_order() -> None:
    """Whoever watches from the start has all batches in order, however many others watch."""
    hub = Hub(_Store().after, 0)
    watchers = [hub.watch(None, None) for _ in range(5)]
    found: dict[int, list[int]] = {}

    def follow(at: int) -> None:
        found[at] = numbers(watchers[at], 200)

    threads = [threading.Thread(target=follow, args=(at,)) for at in range(5)]
    for thread in threads:
        thread.start()
    for number in range(1, 201):
        hub.publish(happened(number, f"v{number}"))
    for thread in threads:
        thread.join(30)
    assert found == {at: list(range(1, 201)) for at in range(5)}


def test_whoever_was_away_gets_what_was_missed() -> None:
    """The batches after the last that a watcher knows come first, from memory or else from the store."""
    store = _Store()
    hub = Hub(store.after, 0)
    for number in range(1, KEPT + 11):
        store.batches.append(happened(number, "v"))
        hub.publish(store.batches[-1])
    assert numbers(hub.watch(None, KEPT + 5), 5) == list(range(KEPT + 6, KEPT + 11))
    assert numbers(hub.watch(None, 2), 3) == [3, 4, 5]
    after_restart = Hub(store.after, KEPT + 10)
    assert numbers(after_restart.watch(None, KEPT + 8), 2) == [KEPT + 9, KEPT + 10]


def test_a_tenant_is_told_of_its_own_objects() -> None:
    """An event for a tenant names its violations and no others; whoever may see all is told all."""
    hub = Hub(_Store().after, 0)
    mine, all_ = hub.watch("t1", None), hub.watch(None, None)
    hub.publish(happened(1, "a", tenant="t1"))
    hub.publish(happened(2, "b", tenant="t2"))
    for watcher, expected in ((mine, [["a"], []]), (all_, [["a"], ["b"]])):
        events = [next(watcher), next(watcher)]
        told = [[each["id"] for each in json.loads(event.data)["opened"]] for event in events if event is not None]
        assert told == expected


def test_too_much_is_told_as_list_anew() -> None:
    """A batch that changed too much to be told one by one is one short event."""
    hub = Hub(_Store().after, 0)
    watcher = hub.watch(None, None)
    hub.publish(Happened(Batch(1, 0.0, 10**6, 0), None, None))
    event = next(watcher)
    assert event is not None
    assert (event.kind, json.loads(event.data)) == ("reload", {"batch": 1, "at": "1970-01-01T00:00:00.000Z"})


def test_places_are_given_back() -> None:
    """Only so many watch at a time; whoever leaves makes place, and the end of the estate ends every watch."""
    hub = Hub(_Store().after, 0, most=2)
    first, second = hub.watch(None, None), hub.watch(None, None)
    with pytest.raises(RuntimeError):
        hub.watch(None, None)
    first.close()
    first.close()
    third = hub.watch(None, None)
    hub.close()
    assert (list(second), list(third)) == ([], [])
    assert hub.watchers == 0
