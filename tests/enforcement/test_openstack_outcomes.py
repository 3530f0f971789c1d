"""The executor `openstack` says of each order what is known of it, whatever happens on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from congresslite.enforcement.executor import Outcome
from congresslite.enforcement.executors.openstack import OpenStackExecutor
from congresslite.sources.driver import Deadline
from tests.enforcement.openstack_doing import by, done, followed, given, looked_for, opened, order
from tests.enforcement.openstack_lossy import Fault, Lossy
from tests.enforcement.openstack_server import PROJECT, Cloud, Serving

SECONDS = 29.0  # that an order may take here


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A small cloud."""
    with Serving() as made:
        yield made


@pytest.fixture
def cloud(serving: Serving) -> Cloud:
    """What it has, with a server."""
    serving.cloud.server("s1")
    return serving.cloud


@pytest.fixture
def executor(serving: Serving, tmp_path: Path) -> Iterator[OpenStackExecutor]:
    """An executor for it."""
    made = opened(serving.clouds(tmp_path), tmp_path)
    yield made
    made.close()


def reached_by(serving: Serving, port: int, folder: Path) -> Path:
    """A clouds.yaml in which Nova is at another port."""
    return by(serving.clouds(folder), folder, compute_endpoint_override=f"http://127.0.0.1:{port}/compute")


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("stop", "ACTIVE", "SHUTOFF"),
        ("start", "SHUTOFF", "ACTIVE"),
        ("pause", "ACTIVE", "PAUSED"),
        ("unpause", "PAUSED", "ACTIVE"),
        ("suspend", "ACTIVE", "SUSPENDED"),
        ("resume", "SUSPENDED", "ACTIVE"),
    ],
)
def test_a_state_is_reached_once(cloud: Cloud, executor: OpenStackExecutor, action: str, before: str, after: str):
    """An action on a state is asked for once, and not at all where the state is there."""
    cloud.server("s1", before)
    outcome = done(executor, order(action, server="s1"), SECONDS)
    assert (outcome.state, outcome.output["status"]) == ("succeeded", after)
    assert given(executor, order(action, server="s1")).why == "there was nothing to be done"
    assert cloud.done == [("s1", action)]


def test_an_order_is_followed(cloud: Cloud, executor: OpenStackExecutor):
    """While Nova is at it, an order is under way, also for who looks it up; then it is what Nova says."""
    cloud.hold = True
    wanted = order("stop", server="s1")
    begun = given(executor, wanted)
    assert begun.state == "underway" and looked_for(executor, wanted).state == "underway"
    asked = replace(wanted, reference=begun.reference)
    assert executor.follow(asked, Deadline.after(30)).state == "underway"
    cloud.end(begun.reference)
    assert executor.follow(asked, Deadline.after(30)).state == "succeeded"
    assert looked_for(executor, wanted).state == "succeeded"
    assert cloud.keys == [f"req-{UUID(wanted.key)}"]


@pytest.mark.parametrize("fault", ["before", "refuse", "after", "error", "silent"])
@pytest.mark.parametrize("action", ["stop", "reboot"])
def test_a_lost_answer(serving: Serving, executor: OpenStackExecutor, tmp_path: Path, action: str, fault: Fault):
    """What may have arrived is unknown, is asked for once, and is found by Nova's record if it did arrive."""
    serving.cloud.server("s1")
    wanted = order(action, server="s1")
    with Lossy(serving.port) as line:
        line.fault = fault
        clouds = by(
            serving.clouds(tmp_path), tmp_path, compute_endpoint_override=f"http://127.0.0.1:{line.port}/compute"
        )
        lossy = opened(clouds, tmp_path, timeout=0.5)
        outcome = given(lossy, wanted)
        assert (outcome.state, outcome.why[:5], line.seen) == ("unknown", "CL602", 1)
        lossy.close()
    heard = fault not in ("before", "refuse")
    assert looked_for(executor, wanted).state == ("succeeded" if heard else "absent")
    assert len(serving.cloud.done) == heard


def test_the_deadline_ends_a_call(serving: Serving, tmp_path: Path):
    """A service that never answers holds nobody beyond the deadline, and what was asked of it is unknown."""
    serving.cloud.server("s1")
    with Lossy(serving.port) as line:
        line.fault = "silent"
        clouds = by(
            serving.clouds(tmp_path), tmp_path, compute_endpoint_override=f"http://127.0.0.1:{line.port}/compute"
        )
        lossy = opened(clouds, tmp_path, timeout=60.0)
        began = time.monotonic()
        outcome = lossy.perform(order("stop", server="s1"), Deadline.after(1.0))
        assert (outcome.state, time.monotonic() - began < 30) == ("unknown", True)
        lossy.close()


def test_nobody_there(serving: Serving, tmp_path: Path):
    """Where no connection comes about, nothing was done, and it may be tried again; what was done is not known."""
    serving.cloud.server("s1")
    with Lossy(serving.port) as line:
        port = line.port
    clouds = reached_by(serving, port, tmp_path)
    nobody = opened(clouds, tmp_path)
    outcome = given(nobody, order("stop", server="s1"))
    assert (outcome.state, outcome.why[:5], outcome.retry) == ("failed", "CL606", True)
    assert "the connection was refused" in outcome.why
    assert looked_for(nobody, order("stop", server="s1")).state == "unknown"
    assert nobody.follow(replace(order("stop", server="s1"), reference="r"), Deadline.after(5)).state == "underway"
    assert nobody.reachable(Deadline.after(5)) is not None
    nobody.close()


@pytest.mark.parametrize("status", [308, 400, 403, 404, 409, 413, 429])
def test_refusals(cloud: Cloud, executor: OpenStackExecutor, status: int):
    """A refusal says that nothing was done, why, and whether it may pass; no secret of ours comes back with it."""
    cloud.refuse = (status, "not <b>you</b>: TOKEN")
    outcome = given(executor, order("stop", server="s1"))
    assert (outcome.state, outcome.why[:5], outcome.retry) == ("failed", "CL601", status in (413, 429))
    assert str(status) in outcome.why and "not you" in outcome.why
    assert "secret-" not in repr(outcome) and cloud.done == []


def test_a_token_that_is_not_taken_any_more(cloud: Cloud, executor: OpenStackExecutor):
    """Another token is asked for, and the action is done once."""
    assert executor.reachable(Deadline.after(30)) is None
    cloud.refuse = (401, "expired")
    assert done(executor, order("stop", server="s1"), SECONDS).state == "succeeded"
    assert cloud.done == [("s1", "stop")]


def test_a_busy_server(cloud: Cloud, executor: OpenStackExecutor):
    """Nova is not asked while it is at something else; deleting alone does not wait."""
    cloud.server("s1", **{"OS-EXT-STS:task_state": "migrating"})
    outcome = given(executor, order("stop", server="s1"))
    assert (outcome.state, outcome.why[:5], outcome.retry) == ("failed", "CL603", True)
    assert looked_for(executor, order("stop", server="s1")).state == "unknown"
    assert cloud.done == []
    assert done(executor, order("delete", server="s1"), SECONDS).state == "succeeded"


def test_a_refusal_that_passes(cloud: Cloud, executor: OpenStackExecutor):
    """A conflict passes if Nova is busy by then, and does not if the server is in another state."""
    cloud.refuse = (409, "conflict")
    assert not given(executor, order("stop", server="s1")).retry

    class Later(dict[str, Any]):
        """A server that is busy from the second look on."""

        looks = 0

        def items(self) -> Any:
            self.looks += 1
            return {**self, "OS-EXT-STS:task_state": None if self.looks < 2 else "busy"}.items()

    cloud.refuse, cloud.servers["s1"] = (409, "conflict"), Later(cloud.servers["s1"])
    outcome = given(executor, order("stop", server="s1"))
    assert (outcome.why[:5], outcome.retry) == ("CL603", True)


@pytest.mark.parametrize(("status", "retry"), [("ACTIVE", True), ("ERROR", False)])
def test_what_nova_gives_up(cloud: Cloud, executor: OpenStackExecutor, status: str, retry: bool):
    """What Nova calls an error has failed with Nova's words; a server in ERROR is for a person."""
    cloud.fail = "no valid host"
    cloud.hold = True
    wanted = order("reboot", server="s1")
    begun = given(executor, wanted)
    cloud.end(begun.reference)
    cloud.servers["s1"]["status"] = status
    outcome = followed(executor, wanted, begun, SECONDS)
    assert (outcome.state, outcome.why[:5], outcome.retry) == ("failed", "CL604", retry)
    assert "no valid host" in outcome.why
    assert looked_for(executor, wanted).state == "failed"


@pytest.mark.parametrize("skew", [0.0, 3600.0, -3600.0], ids=["same clock", "an hour ahead", "an hour behind"])
def test_clocks_differ(cloud: Cloud, executor: OpenStackExecutor, skew: float):
    """What was asked before an order is not taken for it, and what was asked after is, whatever the clocks say."""
    cloud.skew = skew
    cloud.record("s1", "reboot", ago=10.0)
    wanted = order("reboot", server="s1")
    assert looked_for(executor, wanted).state == "absent"
    cloud.record("s1", "reboot", user="c" * 32)
    assert looked_for(executor, wanted).state == "absent"
    cloud.end(cloud.record("s1", "reboot"))
    assert looked_for(executor, wanted).state == "succeeded"


def test_a_resize_is_confirmed_once(cloud: Cloud, executor: OpenStackExecutor):
    """A resize is confirmed by whoever follows it, never by who looks it up, and once."""
    wanted = order("resize", server="s1", flavor="f2")
    begun = given(executor, wanted)
    assert looked_for(executor, wanted).state == "underway"
    assert cloud.done == [("s1", "resize")]
    cloud.hold = True  # the confirmation takes its time
    asked = replace(wanted, reference=begun.reference)
    for _ in range(3):
        assert executor.follow(asked, Deadline.after(30)).state == "underway"
    cloud.end(cloud.records[-1]["request_id"])
    assert executor.follow(asked, Deadline.after(30)).state == "succeeded"
    assert cloud.done == [("s1", "resize"), ("s1", "confirmResize")]


def test_a_migration_that_was_taken_back(cloud: Cloud, executor: OpenStackExecutor):
    """A move that somebody took back has failed, though the server runs."""
    wanted = order("migrate", server="s1")
    given(executor, wanted)
    cloud.end(cloud.record("s1", "revertResize"))
    cloud.servers["s1"]["status"] = "ACTIVE"
    outcome = looked_for(executor, wanted)
    assert (outcome.state, "took it back" in outcome.why) == ("failed", True)


@pytest.mark.parametrize(
    ("moves", "state"),
    [("completed", "succeeded"), ("error", "failed"), ("cancelled", "failed"), ("running", "underway")],
)
def test_a_live_migration_is_what_the_list_of_moves_says(
    cloud: Cloud, executor: OpenStackExecutor, moves: str, state: str
):
    """A live migration that was rolled back without an error has failed; its list of moves tells."""
    cloud.moves = moves
    wanted = order("live_migrate", server="s1")
    begun = given(executor, wanted)
    assert executor.follow(replace(wanted, reference=begun.reference), Deadline.after(30)).state == state


def test_a_host_that_failed_and_one_that_did_not(cloud: Cloud, executor: OpenStackExecutor):
    """An event that failed on one host, and went well on the next, is no failure."""
    wanted = order("reboot", server="s1")
    events = [("Error", "1"), ("Success", "2")]
    cloud.record(
        "s1", "reboot",
        events=[{"event": "prep", "result": result, "start_time": at, "finish_time": "3"} for result, at in events],
    )  # fmt: skip
    assert looked_for(executor, wanted).state == "succeeded"


@pytest.mark.parametrize("name", ["", "..", "../flavors/f1", "s1/action", "s1?x", "s1%2f..", "é", "a b"])
def test_only_ids_stand_in_addresses(cloud: Cloud, executor: OpenStackExecutor, name: str):
    """What is no id is no server, and nothing is asked for it."""
    outcome = given(executor, order("delete", server=name))
    assert (outcome.state, outcome.why[:5], outcome.retry) == ("failed", "CL600", False)
    assert looked_for(executor, order("delete", server=name)).state == "absent"
    assert given(executor, order("copy_volume", volume=name, name="n")).why[:5] == "CL600"
    assert cloud.keys == [] and list(cloud.servers) == ["s1"]


def test_a_log_in_that_is_refused(serving: Serving, tmp_path: Path):
    """A user without the role does nothing, and is told so."""
    careful = opened(serving.clouds(tmp_path), tmp_path, roles=["operator"])
    outcome = given(careful, order("stop", server="s1"))
    assert (outcome.state, "CL533" in outcome.why, outcome.retry) == ("failed", True, False)
    unknown = opened(serving.clouds(tmp_path), tmp_path, cloud="lba")
    assert "CL530" in given(unknown, order("stop", server="s1")).why
    assert serving.cloud.keys == []
    for each in (careful, unknown):
        assert "hush" not in repr(each.reachable(Deadline.after(5)))
        each.close()


def test_many_at_once(cloud: Cloud, executor: OpenStackExecutor):
    """Any number of threads give orders at once, and each is done once."""
    names = [cloud.server(f"many-{number}") for number in range(32)]
    outcomes: dict[str, Outcome] = {}

    def stop(name: str) -> None:
        outcomes[name] = done(executor, order("stop", server=name), SECONDS)

    threads = [threading.Thread(target=stop, args=(name,)) for name in names]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.why for each in outcomes.values() if each.state != "succeeded"] == []
    assert sorted(cloud.done) == sorted((name, "stop") for name in names)


# -- volumes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["after", "error", "silent", "before", "refuse"])
def test_a_volume_is_made_once(serving: Serving, executor: OpenStackExecutor, tmp_path: Path, fault: Fault):
    """A volume whose answer was lost is found by its key, among others of its name, and never made twice."""
    for _ in range(5):
        serving.cloud.volumes[str(len(serving.cloud.volumes))] = {"id": str(len(serving.cloud.volumes)), "name": "n"}
    wanted = order("create_volume", name="n", size=1)
    with Lossy(serving.port) as line:
        line.fault = fault
        address = f"http://127.0.0.1:{line.port}/volume"
        lossy = opened(
            by(serving.clouds(tmp_path), tmp_path, block_storage_endpoint_override=address), tmp_path, timeout=0.5
        )
        assert given(lossy, wanted).state == "unknown"
        lossy.close()
    heard = fault not in ("before", "refuse")
    assert looked_for(executor, wanted).state == ("succeeded" if heard else "absent")
    assert given(executor, replace(wanted, attempt=2)).state == "succeeded"
    assert serving.cloud.done == [("n", "create")]


@pytest.mark.parametrize(
    ("changes", "code", "retry"),
    [
        ({"os-vol-tenant-attr:tenant_id": "d" * 32}, "CL605", False),
        ({"status": "error"}, "CL603", True),
        ({}, None, True),
    ],
    ids=["another project", "in another state", "fine"],
)
def test_what_is_copied(
    cloud: Cloud, executor: OpenStackExecutor, changes: dict[str, Any], code: str | None, retry: bool
):
    """Only a volume of the user's own project is copied: the copy would belong to whoever asks."""
    source = {"id": "v1", "name": "v", "status": "in-use", "os-vol-tenant-attr:tenant_id": PROJECT}
    cloud.volumes["v1"] = {**source, **changes}
    outcome = given(executor, order("copy_volume", volume="v1", name="copy"))
    assert (outcome.state, outcome.why[:5] if code else None, outcome.retry) == (
        "failed" if code else "succeeded", code, retry,
    )  # fmt: skip
    assert cloud.done == ([] if code else [("copy", "create")])


def test_a_volume_in_error(cloud: Cloud, executor: OpenStackExecutor):
    """A volume that could not be made stays for a person; another attempt makes another one."""
    wanted = order("create_volume", name="n", size=1)
    first = given(executor, wanted)
    cloud.volumes[first.reference]["status"] = "error"
    assert looked_for(executor, wanted).state == "failed"
    second = replace(wanted, attempt=2)
    assert looked_for(executor, second).state == "absent"
    assert given(executor, second).state == "succeeded"
    assert len(cloud.volumes) == 2
