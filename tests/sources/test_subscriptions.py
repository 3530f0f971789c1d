"""Subscriptions: a VNF manager is asked to tell of changes, and what it tells says what to pull."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection
from typing import Any

import pytest

from congresslite.sources import shipped_definition, subscriptions
from congresslite.sources.drivers.rest import RestDriver, Settings, open_driver
from tests.sources.service import Asked, Say, service

CALLBACK = "http://127.0.0.1:1/v1/sources/vnfm/hooks/notify"


class Manager:
    """A VNF manager that keeps subscriptions."""

    def __init__(self, **kept: str) -> None:
        self.kept = dict(kept)
        self.bodies: list[Any] = []
        self.status = 201
        self.changed = threading.Condition()

    def __call__(self, asked: Asked) -> Say:
        """Lists, makes and removes subscriptions."""
        with self.changed:
            self.changed.notify_all()
            *_, name = asked.path.split("/")
            if asked.method == "POST":
                if self.status != 201:
                    return Say({"title": "no"}, self.status)
                self.bodies.append(json.loads(asked.body))
                made = f"s{len(self.bodies)}"
                self.kept[made] = asked.path
                return Say({"id": made, "callbackUri": CALLBACK}, 201)
            if asked.method == "DELETE":
                return Say(status=204 if self.kept.pop(name, None) else 404)
            if name == "subscriptions":
                listed = [{"id": each, "callbackUri": CALLBACK} for each in self.kept if self.kept[each] == asked.path]
                return Say([*listed, {"id": "another", "callbackUri": "http://another"}])
            return Say({"id": name}) if name in self.kept else Say({}, 404)

    def wait(self, condition: Callable[[], bool]) -> bool:
        """Whether something is so, soon."""
        with self.changed:
            return self.changed.wait_for(condition, 10)


class Woken:
    """What was woken."""

    def __init__(self) -> None:
        self.feeds: list[tuple[str, list[str] | None]] = []

    def __call__(self, feed: str, keys: Collection[str] | None = None) -> None:
        """Remember it."""
        self.feeds.append((feed, None if keys is None else sorted(keys)))


def opened(url: str, **callback: Any) -> RestDriver:
    """A driver that can be called."""
    settings = {"url": url, "retries": 0, "callback": {"url": CALLBACK, **callback}}
    return open_driver("vnfm", Settings.model_validate(settings), shipped_definition("vnfm"))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look after subscriptions often."""
    monkeypatch.setattr(subscriptions, "_FIRST", 0.05)
    monkeypatch.setattr(subscriptions, "_LOOK", 0.05)


def test_subscribed():
    """Each kind of notification is asked for once, in place of what an earlier run left, and given up at the end."""
    manager, woken = Manager(old="/vnflcm/v2/subscriptions"), Woken()
    with service(manager) as there:
        made = opened(there.url, username="vnfm", password="hush-hush")  # noqa: S106 (it opens nothing)
        watch = made.watch(woken)
        assert watch is not None
        assert manager.wait(lambda: watch.fault is None)
        assert sorted(manager.kept.values()) == ["/vnffm/v1/subscriptions", "/vnflcm/v2/subscriptions"]
        assert "old" not in manager.kept
        login = {"authType": ["BASIC"], "paramsBasic": {"userName": "vnfm", "password": "hush-hush"}}
        assert manager.bodies == [{"callbackUri": CALLBACK, "authentication": login}] * 2
        assert sorted(woken.feeds) == [("alarms", None), ("vnf_instances", None), ("vnf_lcm_op_occs", None)]
        watch.close()
        assert manager.kept == {}
        assert "another" not in {each.target.rpartition("/")[2] for each in there.asked if each.method == "DELETE"}
        made.close()


def test_without_a_log_in():
    """Where nobody has to log in at our address, nothing is said of it."""
    manager = Manager()
    with service(manager) as there:
        made = opened(there.url)
        made.watch(Woken())
        assert manager.wait(lambda: len(manager.bodies) == 2)
        assert manager.bodies == [{"callbackUri": CALLBACK}] * 2
        made.close()


def test_lost():
    """A subscription that the service lost is made again, and what may have been missed is pulled."""
    manager, woken = Manager(), Woken()
    with service(manager) as there:
        made = opened(there.url)
        watch = made.watch(woken)
        assert watch is not None
        assert manager.wait(lambda: watch.fault is None)
        with manager.changed:
            manager.kept.clear()
            woken.feeds.clear()
        assert manager.wait(lambda: len(manager.kept) == 2 and len(woken.feeds) == 3)
        made.close()


@pytest.mark.parametrize("status", [404, 501, 500, 400])
def test_refused(status: int):
    """A service that takes no subscriptions is told of as a fault; it is asked again, and heard once it does."""
    manager = Manager()
    manager.status = status
    with service(manager) as there:
        made = opened(there.url)
        watch = made.watch(Woken())
        assert watch is not None
        said = f"`lifecycle`: the service answered with status {status}"
        assert manager.wait(lambda: said in (watch.fault or ""))
        with manager.changed:
            manager.status = 201
        assert manager.wait(lambda: watch.fault is None)
        made.close()


NOTIFICATIONS = {
    "an operation": (
        {"notificationType": "VnfLcmOperationOccurrenceNotification", "vnfInstanceId": "v1", "vnfLcmOpOccId": "o1"},
        [("vnf_instances", ["v1"]), ("vnf_lcm_op_occs", ["o1"])],
    ),
    "a new instance": (
        {"notificationType": "VnfIdentifierCreationNotification", "vnfInstanceId": "v1"},
        [("vnf_instances", ["v1"])],
    ),
    "an alarm": ({"notificationType": "AlarmNotification", "alarm": {"id": "a1"}}, [("alarms", ["a1"])]),
    "an alarm that was cleared": (
        {"notificationType": "AlarmClearedNotification", "alarmId": "a1"},
        [("alarms", ["a1"])],
    ),
    "all alarms": ({"notificationType": "AlarmListRebuiltNotification"}, [("alarms", None)]),
    "something else": ({"notificationType": "ThresholdCrossedNotification"}, []),
    "no type": ({"vnfInstanceId": "v1"}, []),
    "a type that is a number": ({"notificationType": 1}, []),
    "no object": (["VnfIdentifierCreationNotification"], []),
    "nothing": (None, []),
}


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_notified(name: str):
    """A notification wakes what it is about, by the id of the object where it has one, and nothing else."""
    body, expected = NOTIFICATIONS[name]
    manager, woken = Manager(), Woken()
    with service(manager) as there:
        made = opened(there.url)
        made.notified(body)  # before anybody listens
        watch = made.watch(woken)
        assert watch is not None
        assert manager.wait(lambda: watch.fault is None)
        woken.feeds.clear()
        made.notified(body)
        assert woken.feeds == expected
        made.close()


@pytest.mark.parametrize(
    "settings", [{}, {"subscribe": False, "callback": {"url": CALLBACK}}], ids=["no address of ours", "not wanted"]
)
def test_not_watched(settings: dict[str, Any]):
    """Nobody is asked to call where nobody can, or should."""
    made = open_driver(
        "vnfm", Settings.model_validate({"url": "http://127.0.0.1:1", **settings}), shipped_definition("vnfm")
    )
    assert made.watch(Woken()) is None
    made.close()
