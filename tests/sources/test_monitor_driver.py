"""The driver `monitor`: its tables follow what the probes find, and never say that all is well where nobody looked."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from congresslite.diagnostics import SourceError
from congresslite.schema import Row, TableData
from congresslite.sources.driver import Deadline, Part
from congresslite.sources.drivers.monitor import FEED, MonitorDriver, Settings, open_driver
from congresslite.sources.probes.board import Board
from congresslite.sources.probes.measurement import Measurement
from congresslite.sources.probes.prober import Prober
from congresslite.sources.probes.schedule import Schedule
from congresslite.sources.probes.settings import Probe
from tests.sources.probing import PATIENCE, probe, wait_for

OFTEN: dict[str, Any] = {"every": 0.5, "timeout": 0.5}
AT_ONCE = {"true_after": 1, "false_after": 1}


class Woken:
    """What a driver told of; `heard` waits for an object."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def __call__(self, feed: str, keys: Collection[str] | None = None) -> None:
        """Note an object."""
        assert feed == FEED
        assert keys is not None
        self.keys += keys

    def heard(self, key: str) -> bool:
        """Whether an object was told of; what was told is forgotten."""
        told = key in self.keys
        self.keys.clear()
        return told


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def opened() -> Iterator[Any]:
    """Makes drivers of these probes, and closes them at the end."""
    drivers: list[MonitorDriver] = []

    def of(*probes: dict[str, Any], **settings: Any) -> MonitorDriver:
        driver = open_driver("monitor", Settings.model_validate({"probes": probes, **settings}))
        drivers.append(driver)
        return driver

    yield of
    for driver in drivers:
        driver.close()


def tcp(server: socket.socket, name: str = "web1", **settings: Any) -> dict[str, Any]:
    """A probe of a port."""
    port = server.getsockname()[1]
    return {"object": name, "metric": "port", "type": "tcp", "address": "127.0.0.1", "port": port, **settings}


def script(name: str, **settings: Any) -> dict[str, Any]:
    """A probe by a script."""
    return {"object": "db1", "metric": "lag", "type": "script", "script": name, **settings}


def written(folder: Path, text: str) -> str:
    """A script in a folder."""
    path = folder / "probe.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path.name


def rows(table: TableData | Part) -> list[dict[str, Any]]:
    """The rows of a table, by column."""
    data = table.rows if isinstance(table, Part) else table
    names = [column.name for column in data.schema.columns]
    columns = data.columns(names)
    return [
        dict(zip(names, row, strict=True))
        for row in zip(*(columns[name].to_pylist() for name in names), strict=True)  # type: ignore[union-attr]
    ]


def pulled(driver: MonitorDriver) -> tuple[dict[str, Any], dict[str, Any]]:
    """The only row of both tables."""
    tables = driver.pull(FEED, Deadline.after(PATIENCE))
    (metric,), (state,) = rows(tables["metric"]), rows(tables["state"])
    return metric, state


# -- tables --------------------------------------------------------------------------------------


def test_rows(opened: Any, listener: socket.socket) -> None:
    """A pull has a row of both tables for each probe, with times in UTC to the second."""
    before = datetime.now(UTC).replace(microsecond=0)
    metric, state = pulled(opened(tcp(listener, threshold=AT_ONCE)))
    assert (metric["object"], metric["metric"], metric["ok"], metric["error"]) == ("web1", "port", True, None)
    assert metric["value"] > 0
    assert before <= datetime.strptime(metric["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) <= datetime.now(UTC)
    assert (state["object"], state["metric"], state["state"], state["alarm_at"]) == ("web1", "port", "false", None)


def test_schemas(opened: Any) -> None:
    """The tables are known by the source's name, and each is keyed by object and metric."""
    driver = open_driver("probes2", Settings(probes=()))
    assert {short: schema.name for short, schema in driver.schemas.items()} == {
        "metric": "probes2:metric",
        "state": "probes2:state",
    }
    assert all(schema.key == ("object", "metric") for schema in driver.schemas.values())
    assert [feed.tables for feed in driver.feeds] == [("metric", "state")]


def test_no_probes(opened: Any) -> None:
    """Without probes the tables are empty, at once."""
    tables = opened().pull(FEED, Deadline.after(PATIENCE))
    assert [rows(table) for table in tables.values()] == [[], []]


def test_unknown(opened: Any, tmp_path: Path) -> None:
    """A probe that cannot be run is not well, and its state is unknown however little it takes to turn it."""
    metric, state = pulled(opened(script("nowhere.sh", threshold=AT_ONCE), scripts=tmp_path))
    assert (metric["value"], metric["ok"]) == (None, False)
    assert metric["error"].startswith("CL548: script `nowhere.sh` is not there")
    assert state["state"] == "unknown"


def test_some(opened: Any, listener: socket.socket) -> None:
    """A pull of some objects has their rows alone, and none for one that has no probe."""
    driver = opened(tcp(listener), tcp(listener, "web2"), tcp(listener, "web3"))
    parts = driver.pull_some(FEED, ["web2", "gone"], Deadline.after(PATIENCE))
    assert {name: (part.column, part.keys) for name, part in parts.items()} == {
        "metric": ("object", {"web2", "gone"}),
        "state": ("object", {"web2", "gone"}),
    }
    assert [[row["object"] for row in rows(part)] for part in parts.values()] == [["web2"], ["web2"]]


def test_deadline(opened: Any, tmp_path: Path) -> None:
    """Until each probe was measured once, there is nothing to be had: a pull is late, and not short of rows."""
    driver = opened(script(written(tmp_path, "sleep 1000")), scripts=tmp_path)
    with pytest.raises(SourceError) as caught:
        driver.pull(FEED, Deadline.after(0.2))
    assert [each.code for each in caught.value.diagnostics] == ["CL474"]


# -- following -----------------------------------------------------------------------------------


def test_follows(opened: Any) -> None:
    """A service that stops and comes back turns its state after so many measurements, and each time wakes the feed."""
    server = socket.create_server(("127.0.0.1", 0))
    address = server.getsockname()
    driver = opened(tcp(server, threshold={"true_after": 3, "false_after": 2}, **OFTEN))
    woken = Woken()
    driver.watch(woken)
    seen = [pulled(driver)[1]["state"]]

    def turns(to: str) -> None:
        wait_for(lambda: woken.heard("web1") and pulled(driver)[1]["state"] == to, f"the state {to}")
        seen.append(to)

    turns("false")
    server.close()
    turns("true")
    metric, state = pulled(driver)
    assert not metric["ok"]
    assert state["alarm_at"] == state["since"]
    with socket.create_server(address):
        turns("false")
    assert seen == ["unknown", "false", "true", "false"]


def test_hanging(opened: Any, listener: socket.socket, tmp_path: Path) -> None:
    """A probe that hangs holds up no other."""
    driver = opened(script(written(tmp_path, "sleep 1000"), timeout=PATIENCE), tcp(listener, **OFTEN), scripts=tmp_path)
    woken = Woken()
    driver.watch(woken)
    for _ in range(3):
        wait_for(lambda: woken.heard("web1"), "a measurement beside it")


def test_places(opened: Any, listener: socket.socket, tmp_path: Path) -> None:
    """With one place for all, probes take turns: each is measured all the same."""
    slow = script(written(tmp_path, "sleep 1000"), **OFTEN)
    driver = opened(slow, tcp(listener), tcp(listener, "web2"), scripts=tmp_path, at_once=1)
    found = rows(driver.pull(FEED, Deadline.after(PATIENCE))["metric"])
    assert {row["object"]: row["ok"] for row in found} == {"db1": False, "web1": True, "web2": True}


def test_close(opened: Any, tmp_path: Path) -> None:
    """To close the watch ends the thread, and the scripts that run."""
    text = f"echo $$ > {tmp_path}/pid\nexec sleep 1000"
    driver = opened(script(written(tmp_path, text), timeout=PATIENCE), scripts=tmp_path)
    watch = driver.watch(Woken())
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), "the script")
    assert driver.fault is None
    watch.close()
    assert watch.fault == "the probes were stopped"
    assert "probes" not in {thread.name for thread in threading.enumerate()}
    assert not Path(f"/proc/{int((tmp_path / 'pid').read_text())}").exists()


def test_starts_again(opened: Any, listener: socket.socket) -> None:
    """Once stopped, probes are started again by a pull, so that it does not give what is old."""
    driver = opened(tcp(listener, **OFTEN))
    driver.watch(Woken()).close()
    woken = Woken()
    pulled(driver)
    watch = driver.watch(woken)
    assert watch.fault is None
    wait_for(lambda: woken.heard("web1"), "a new measurement")


class Deaf(Prober):
    """A prober that takes a cancellation for an answer, as libraries sometimes do."""

    def __init__(self) -> None:
        super().__init__(None, snmp=False)
        self.asked = threading.Event()

    async def measure(self, probe: Probe) -> Measurement:
        """Wait to be cancelled."""
        self.asked.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return Measurement(1)


def test_close_of_the_deaf() -> None:
    """To close ends the thread also if a measurement does not mind; what it finds is not told any more."""
    told: list[Measurement] = []
    prober = Deaf()
    asked = probe(type="tcp", address="127.0.0.1", port=80)
    schedule = Schedule([asked], prober, lambda _, found: told.append(found), at_once=1)
    assert prober.asked.wait(PATIENCE)
    schedule.close()
    assert not schedule.running
    assert told == []


def test_trouble_of_the_listener(opened: Any, listener: socket.socket) -> None:
    """If whoever is told fails, the probes end and the watch says so; the next pull starts them again."""
    driver = opened(tcp(listener))

    def fails(feed: str, keys: Collection[str] | None = None) -> None:
        raise RuntimeError("nobody there")

    watch = driver.watch(fails)
    wait_for(lambda: watch.fault, "a fault")
    assert watch.fault == "the probes have ended: ExceptionGroup"
    again = driver.watch(Woken())
    pulled(driver)
    assert again.fault is None


# -- the board -----------------------------------------------------------------------------------


def board_rows(board: Board) -> tuple[Row, Row]:
    """The only row of both tables."""
    (metric,), (state,) = board.rows()
    return metric, state


def test_overdue() -> None:
    """What was not measured for twice its time is unknown: nobody takes an old measurement for a new one."""
    asked = probe(type="tcp", address="127.0.0.1", port=80, every=30, timeout=5, threshold=AT_ONCE)
    board = Board([asked])
    board.record(asked, Measurement(0.1), time.time() - 60)
    metric, state = board_rows(board)
    assert (metric[4], state[2]) == (True, "false")
    board.record(asked, Measurement(0.1), time.time() - 80)
    metric, state = board_rows(board)
    assert metric[2] is None
    assert (metric[4], state[2]) == (False, "unknown")
    assert str(metric[5]).startswith("not measured since 2")


def test_after_a_gap() -> None:
    """After a gap nothing is known of what was before it: counting begins anew, and it is told."""
    asked = probe(type="tcp", address="127.0.0.1", port=80, every=30, timeout=5)
    board = Board([asked])
    now = time.time()
    for at in (now - 360, now - 330, now - 300):
        board.record(asked, Measurement(None, "no answer"), at)
    assert board.record(asked, Measurement(None, "no answer"), now)
    assert board_rows(board)[1][2] == "unknown"


def test_same_again() -> None:
    """A measurement that differs in nothing but its time is not told of."""
    asked = probe(type="tcp", address="127.0.0.1", port=80, threshold={"false_after": 2})
    board = Board([asked])
    now = time.time()
    told = [board.record(asked, Measurement(value), now + second) for second, value in enumerate([1, 1, 1, 2, 2])]
    assert told == [True, True, False, True, False]


# -- settings ------------------------------------------------------------------------------------

PORT = {"object": "a", "metric": "m", "type": "tcp", "address": "127.0.0.1", "port": 80}
WEB = {"object": "a", "metric": "m", "type": "http", "url": "http://127.0.0.1/"}
SNMP = {"object": "a", "metric": "m", "type": "snmp", "address": "127.0.0.1", "oid": "1.3.6.1"}
SECRET = "s3cret-of-the-lab"  # noqa: S105 - it is to be found nowhere


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({**PORT, "type": "smtp"}, "'icmp', 'tcp', 'http', 'snmp', 'script'"),
        ({**PORT, "prot": 80}, "Extra inputs are not permitted"),
        ({**PORT, "port": 0}, "greater than or equal to 1"),
        ({**PORT, "object": ""}, "at least 1 character"),
        ({**PORT, "every": "5x"}, "should be a time"),
        ({**PORT, "every": 0}, "greater than 0"),
        ({**PORT, "every": 1, "timeout": 2}, "`timeout` is longer than `every`"),
        ({**PORT, "threshold": {"above": 1, "below": 2}}, "either `above` or `below`"),
        ({**PORT, "threshold": {"above": "nan"}}, "finite number"),
        ({**PORT, "threshold": {"true_after": 0}}, "greater than or equal to 1"),
        ({**WEB, "url": "file:///etc/passwd"}, "starts with `http://`"),
        ({**WEB, "url": "http://"}, "starts with `http://`"),
        ({**WEB, "url": "http://a/ HTTP/1.1\r\nX: y"}, "neither spaces"),
        ({**WEB, "url": f"http://user:{SECRET}@a/"}, "does not belong into an address"),
        ({**WEB, "url": "http://a:99999/"}, "Port out of range"),
        ({**WEB, "headers": {"X-Key": f"{SECRET}\r\nY: z"}}, "a header is one line"),
        ({**WEB, "headers": {"X Key": SECRET}}, "pattern"),
        ({**WEB, "password": SECRET}, "go together"),
        ({**SNMP}, "either `community`"),
        ({**SNMP, "community": SECRET, "user": {"name": "a"}}, "either `community`"),
        ({**SNMP, "oid": "sysUpTime", "community": SECRET}, "pattern"),
        ({**SNMP, "user": {"name": "a", "privacy_key": SECRET}}, "`privacy_key` needs `auth_key`"),
        ({**SNMP, "user": {"name": "a", "auth_key": "short"}}, "at least 8"),
        ({**SNMP, "community": {"text": SECRET}}, "valid string"),
        ({**SNMP, "user": {"name": "a", "auth_key": SECRET, "auth": "none"}}, "'md5', 'sha'"),
        (script("a.sh"), "need `scripts`"),
        (script("a\0.sh"), "null character"),
        (script("a.sh", environment={"A=B": SECRET}), "without `=`"),
    ],
    ids=[
        "unknown type",
        "unknown key",
        "no port",
        "no object",
        "no time",
        "never",
        "longer than its turn",
        "two limits",
        "no number",
        "no occurrence",
        "a file",
        "no host",
        "a second line",
        "a password in the address",
        "a port out of range",
        "a header of two lines",
        "no header",
        "half of the credentials",
        "no credentials",
        "credentials of both versions",
        "a name",
        "privacy alone",
        "a short key",
        "a secret in a wrong place",
        "no such protocol",
        "no folder",
        "a null character",
        "no variable",
    ],
)
def test_wrong_settings(wrong: dict[str, Any], why: str) -> None:
    """Settings that are not right are told before anything is measured, and no secret is told with them."""
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"probes": [wrong]})
    assert why in str(caught.value)
    assert SECRET not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    """Neither settings nor probes show their secrets."""
    user = {"name": "watcher", "auth_key": SECRET, "privacy_key": SECRET}
    probes = [
        {**WEB, "headers": {"X-Key": SECRET}, "username": "a", "password": SECRET},
        {**SNMP, "metric": "m2", "community": SECRET},
        {**SNMP, "metric": "m3", "user": user},
        script("a.sh", environment={"KEY": SECRET}),
    ]
    settings = Settings.model_validate({"probes": probes, "scripts": "/nowhere"})
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


def test_times_as_people_write_them() -> None:
    """Times may have a unit."""
    (asked,) = Settings.model_validate({"probes": [{**PORT, "every": "5m", "timeout": "10s"}]}).probes
    assert (asked.every, asked.timeout) == (300, 10)


def test_two_probes_of_one_metric() -> None:
    """Each metric of an object has one probe; whoever gave it two is told of all such."""
    probes = [PORT, {**PORT, "port": 81}, {**PORT, "object": "b"}, {**WEB, "object": "b"}, {**PORT, "object": "c"}]
    with pytest.raises(SourceError) as caught:
        open_driver("monitor", Settings.model_validate({"probes": probes}))
    assert [(each.code, each.message) for each in caught.value.diagnostics] == [
        ("CL546", "metric `m` of `a` has 2 probes"),
        ("CL546", "metric `m` of `b` has 2 probes"),
    ]


def test_without_snmp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who has probes by SNMP needs the package for it, and is told how to come by it."""
    monkeypatch.delitem(sys.modules, "congresslite.sources.probes.snmp", raising=False)
    monkeypatch.setitem(sys.modules, "pysnmp.error", None)
    open_driver("monitor", Settings.model_validate({"probes": [PORT]}))
    with pytest.raises(SourceError) as caught:
        open_driver("monitor", Settings.model_validate({"probes": [{**SNMP, "community": "public"}]}))
    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.hint) == ("CL547", "install it: `pip install congresslite[snmp]`")
