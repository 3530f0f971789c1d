"""
The executor `vnfm` against a real Tacker over a real OpenStack: each outcome is what Tacker itself then reports.

Instances are made under names of their own and deleted at the end. Tacker offers no `operate`, in neither version of
its interface, so that stopping and starting is shown only as refused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import yaml

from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.executors.vnfm import Settings, VnfmExecutor, open_executor
from congresslite.schema import Scalar
from congresslite.sources.driver import Deadline
from tests.controlplane.fixture import ControlPlane, controlplane
from tests.controlplane.seeds.vnf import USER_DATA, VNFD_ID, Vnfm, connection_points, vim
from tests.enforcement.vnfm_calls import order
from tests.waiting import until

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("controlplane"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]
# The tenant with the most of its quota left: healing makes new servers before old ones are gone.
TENANT, ZONE, ASPECT = "gamma", "pop-nice", "VDU1_scale"
PATH = "/vnflcm/v2/vnf_instances"
OCCURRENCES = "/vnflcm/v2/vnf_lcm_op_occs"
PATIENCE = 240.0  # seconds: the machine may have much else to do


@pytest.fixture(scope="module")
def plane() -> ControlPlane:
    """The control plane."""
    return controlplane()


@pytest.fixture(scope="module")
def cloud(plane: ControlPlane) -> Iterator[Any]:
    """A connection of OpenStack's own SDK, as the admin."""
    with plane.connect() as made:
        yield made


@pytest.fixture
def tacker(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> Vnfm:
    """Tacker, asked past the executor."""
    monkeypatch.setenv("KEYSTONE_PORT", str(urlsplit(cloud.config.auth["auth_url"]).port))
    return Vnfm(cloud)


@pytest.fixture
def opened(plane: ControlPlane, cloud: Any, tacker: Vnfm, tmp_path: Path) -> Iterator[VnfmExecutor]:
    """An executor that finds Tacker in the catalogue, with a profile that works and one that names no zone there is."""
    clouds = yaml.safe_load(plane.clouds.read_text("utf-8"))["clouds"]
    given = clouds["lab-admin"]["auth"]
    auth = {key: given[key] for key in ("auth_url", "username", "password")} | {"project": given["project_name"]}
    for name, zone in (("default", ZONE), ("nowhere", "no-such-zone")):
        (tmp_path / f"{name}.json").write_text(
            json.dumps(profile(cloud, clouds[f"lab-{TENANT}"]["auth"], zone)), encoding="utf-8"
        )
    # The package says by these how Tacker fills its templates.
    second = {"nfv": {"VDU": {"VDU1-1": {"locationConstraints": ZONE}}}}
    parameters = {"scale_out": {**USER_DATA, **second}, "scale_in": USER_DATA, "heal": USER_DATA}
    settings = {"auth": {"type": "keystone", **auth}, "profiles": str(tmp_path), "parameters": parameters}
    made = open_executor("vnfm", Settings.model_validate(settings), tmp_path)
    yield made
    made.close()


def profile(cloud: Any, login: dict[str, Any], zone: str) -> dict[str, Any]:
    """What an instantiation needs beside its flavour: networks, a VIM with its credentials, a zone."""
    network = cloud.network.find_network(f"net-{TENANT}-mgmt", ignore_missing=False).id
    where = {f"{part}-0": {"locationConstraints": zone} for part in ("VDU1", "VDU2")}
    place = vim("alpha")
    place["vimId"] = "6f1b7c1e-0000-4000-8000-000000000003"
    place["accessInfo"] |= {
        "username": login["username"], "password": login["password"], "project": login["project_name"]
    }  # fmt: skip
    return {
        "extVirtualLinks": connection_points(network),
        "vimConnectionInfo": {"vim1": place},
        "additionalParams": {**USER_DATA, "nfv": {"VDU": where}},
    }


@contextmanager
def instance(tacker: Vnfm) -> Iterator[str]:
    """A VNF instance of our own, terminated and deleted at the end, whatever became of it."""
    described = {"vnfdId": VNFD_ID, "vnfInstanceName": f"test-{uuid4().hex[:8]}"}
    id_ = tacker.call("POST", PATH, json=described).json()["id"]
    try:
        yield id_
    finally:
        clear(tacker, id_)


def clear(tacker: Vnfm, id_: str) -> None:
    """Give back all that an instance has, and delete it."""
    for each in occurrences(tacker, id_):
        if each["operationState"] == "FAILED_TEMP":
            accepted(lambda each=each: tacker.call("POST", f"{OCCURRENCES}/{each['id']}/fail"))
    if tacker.get(f"{PATH}/{id_}")["instantiationState"] == "INSTANTIATED":
        forced = {"terminationType": "FORCEFUL"}
        tacker.finished(
            accepted(lambda: tacker.call("POST", f"{PATH}/{id_}/terminate", json=forced)).headers["Location"]
        )
    accepted(lambda: tacker.call("DELETE", f"{PATH}/{id_}"))


def accepted(call: Any) -> Any:
    """What a call gives once Tacker has let go of the instance, a moment after an operation has ended."""

    def tried() -> Any:
        try:
            return call()
        except SystemExit as refused:
            if " 409 " not in str(refused):
                raise
            return None

    return until(tried, PATIENCE)


def occurrences(tacker: Vnfm, id_: str) -> list[dict[str, Any]]:
    """All operations of an instance, as Tacker lists them."""
    found: list[dict[str, Any]] = tacker.get(f"{OCCURRENCES}?filter=(eq,vnfInstanceId,{id_})&all_fields")
    return found


def begun(made: VnfmExecutor, given: Order) -> Outcome:
    """An order that Tacker has accepted; it refuses one for a moment after an operation has ended."""

    def tried() -> Outcome | None:
        found = made.perform(given, Deadline.after(60))
        return None if found.state == "failed" and found.output.get("status") == 409 and found.retry else found

    return until(tried, PATIENCE)


def followed(made: VnfmExecutor, given: Order, start: Outcome) -> Outcome:
    """What became of an order that is under way."""

    def look() -> Outcome | None:
        found = made.follow(replace(given, reference=start.reference), Deadline.after(60))
        return None if found.state == "underway" else found

    return until(look, PATIENCE)


def done(tacker: Vnfm, made: VnfmExecutor, id_: str, action: str, *terms: Scalar) -> dict[str, Any]:
    """An action that succeeds: Tacker's own word of the instance, once it has one operation more that bears our key."""
    before = len(occurrences(tacker, id_))
    given = order(action, id_, *terms)
    start = begun(made, given)
    assert start.state == "underway", start
    # As after a crash: nothing is known of the order but what was journaled before the call.
    found = made.inspect(given, Deadline.after(60))
    assert (found.reference, found.state in ("underway", "succeeded")) == (start.reference, True)
    outcome = followed(made, given, start)
    assert outcome.state == "succeeded", outcome
    told = tacker.get(f"{OCCURRENCES}/{outcome.reference}")
    assert (told["operationState"], told["operation"]) == ("COMPLETED", outcome.output["operation"])
    assert told["operationParams"]["additionalParams"]["congresslite_key"] == given.key
    assert len(occurrences(tacker, id_)) == before + 1
    assert made.inspect(given, Deadline.after(60)).state == "succeeded"
    found_instance: dict[str, Any] = tacker.get(f"{PATH}/{id_}")
    return found_instance


def servers(found: dict[str, Any]) -> set[str]:
    """The servers of an instance."""
    info = found.get("instantiatedVnfInfo", {})
    return {each["computeResource"]["resourceId"] for each in info.get("vnfcResourceInfo", ())}


def level(found: dict[str, Any]) -> int:
    """How far an instance is scaled out."""
    (status,) = found["instantiatedVnfInfo"]["scaleStatus"]
    return int(status["scaleLevel"])


def test_the_life_of_a_vnf(cloud: Any, tacker: Vnfm, opened: VnfmExecutor) -> None:
    """A VNF is instantiated, scaled out and in, healed and terminated, and Tacker and Nova report each as we do."""
    assert opened.reachable(Deadline.after(30)) is None
    with instance(tacker) as id_:
        found = done(tacker, opened, id_, "instantiate", "simple", "instantiation_level_1")
        assert (found["instantiationState"], level(found)) == ("INSTANTIATED", 0)
        first = servers(found)
        assert {cloud.compute.get_server(each).status for each in first} == {"ACTIVE"}
        again = begun(opened, order("instantiate", id_, "simple"))
        assert (again.state, again.why) == ("succeeded", "it was so already")
        found = done(tacker, opened, id_, "scale_out", ASPECT)
        assert (level(found), len(servers(found) - first)) == (1, 1)
        found = done(tacker, opened, id_, "scale_in", ASPECT, 1)
        assert (level(found), servers(found)) == (0, first)
        found = done(tacker, opened, id_, "heal", "a test")
        healed = servers(found)
        assert (len(healed), healed & first) == (2, set())
        assert {cloud.compute.get_server(each).status for each in healed} == {"ACTIVE"}
        found = done(tacker, opened, id_, "terminate", "FORCEFUL")
        assert (found["instantiationState"], servers(found)) == ("NOT_INSTANTIATED", set())
        assert not [each for each in healed if cloud.compute.find_server(each) is not None]
        again = begun(opened, order("terminate", id_))
        assert (again.state, again.why) == ("succeeded", "it was so already")


def test_what_tacker_refuses(tacker: Vnfm, opened: VnfmExecutor) -> None:
    """What cannot be done is refused for good, in Tacker's words, and Tacker has no operation of it."""
    with instance(tacker) as id_:
        cases: list[tuple[Order, str]] = [
            (order("heal", str(uuid4())), "there is no VNF instance"),
            (order("scale_out", id_, ASPECT), "isn't instantiated"),
            (order("stop", id_), "the VNF manager has no `operate`: it answered 404"),
            (order("scale_to_level", id_, "big"), "the VNF manager has no `scale_to_level`: it answered 404"),
            (order("rollback", str(uuid4())), "there is no operation occurrence"),
        ]
        for given, told in cases:
            outcome = opened.perform(given, Deadline.after(30))
            assert (outcome.state, outcome.retry) == ("failed", False), outcome
            assert told in outcome.why
        assert occurrences(tacker, id_) == []
        assert opened.inspect(order("heal", id_), Deadline.after(30)).state == "absent"


def test_an_operation_that_fails_is_ended(tacker: Vnfm, opened: VnfmExecutor) -> None:
    """An instantiation where there is no zone fails; it is retried, which fails again, rolled back, or given up."""
    with instance(tacker) as id_:
        given = order("instantiate", id_, "simple", "instantiation_level_1", "nowhere")
        outcome = followed(opened, given, begun(opened, given))
        assert (outcome.state, outcome.retry, outcome.output["state"]) == ("failed", False, "FAILED_TEMP")
        broken = outcome.reference
        assert "secret" not in repr(outcome)
        other = opened.perform(order("instantiate", id_, "simple"), Deadline.after(30))
        assert (other.state, other.output["blocking"]["occurrence"]) == ("failed", broken)
        # Tacker tells times in whole seconds.
        since = tacker.get(f"{OCCURRENCES}/{broken}")["stateEnteredTime"]
        until(lambda: time.time() % 1 < 0.1 and now(tacker) > since, 10)
        outcome = ending(tacker, opened, "retry", broken, "FAILED_TEMP")
        assert (outcome.state, outcome.retry) == ("failed", False)
        outcome = ending(tacker, opened, "rollback", broken, "ROLLED_BACK")
        assert outcome.state == "succeeded"
        outcome = opened.perform(order("fail", broken), Deadline.after(30))
        assert (outcome.state, outcome.retry) == ("failed", False)
        given = order("instantiate", id_, "simple", "instantiation_level_1", "nowhere")
        broken = followed(opened, given, begun(opened, given)).reference
        outcome = ending(tacker, opened, "fail", broken, "FAILED")
        assert outcome.state == "succeeded"


def now(tacker: Vnfm) -> str:
    """The time by Tacker's clock, as it writes times."""
    date = tacker.call("GET", "/vnflcm/api_versions").headers["Date"]
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT"))


def ending(tacker: Vnfm, made: VnfmExecutor, action: str, broken: str, state: str) -> Outcome:
    """What came of ending a failed operation, which Tacker says is in this state then."""
    given = order(action, broken)
    start = begun(made, given)
    outcome = start if start.state != "underway" else followed(made, given, start)
    told = tacker.get(f"{OCCURRENCES}/{broken}")
    assert (told["operationState"], outcome.output["state"]) == (state, state)
    return outcome
