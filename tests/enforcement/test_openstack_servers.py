"""
The executor `openstack` against a real Nova: each outcome is what Nova itself reports, and each action is done once.

The control plane is shared with other tests: only servers that are made here are touched. Its hypervisors are fake;
its API, scheduler, conductor and computes are those of OpenStack.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml

from congresslite.enforcement.executor import Outcome
from congresslite.enforcement.executors.openstack import OpenStackExecutor
from congresslite.sources.driver import Deadline
from tests.controlplane.fixture import ControlPlane, controlplane
from tests.controlplane.seeds.cloud import PASSWORD
from tests.enforcement.openstack_doing import SILENCE, by, done, followed, given, looked_for, opened, order
from tests.enforcement.openstack_lossy import Fault, Lossy
from tests.sources.test_openstack_live import a_server
from tests.waiting import until

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("controlplane"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@dataclass(frozen=True)
class Lab:
    """What the tests share: the cloud, seen with OpenStack's own SDK, an executor for it, and a server that runs."""

    plane: ControlPlane
    cloud: Any
    executor: OpenStackExecutor
    server: str

    def seen(self, server: str | None = None) -> dict[str, Any]:
        """What Nova says of a server, asked without us."""
        reply = self.cloud.compute.get(f"/servers/{server or self.server}", microversion="2.46")
        return reply.json().get("server", {}) if reply.ok else {}

    def host(self, server: str | None = None) -> str:
        """Where a server is."""
        return str(self.seen(server)["OS-EXT-SRV-ATTR:host"])

    def records(self, action: str) -> list[str]:
        """Nova's records of an action, the latest first, by the name of the request."""
        reply = self.cloud.compute.get(f"/servers/{self.server}/os-instance-actions", microversion="2.58")
        return [each["request_id"] for each in reply.json()["instanceActions"] if each["action"] == action]

    def agrees(self, outcome: Outcome) -> bool:
        """Whether an outcome says of the server what Nova says of it."""
        told = self.seen(outcome.output["server"])
        says = {"status": told["status"], "host": told["OS-EXT-SRV-ATTR:host"], "flavor": told["flavor"]["id"]}
        return says == {name: outcome.output[name] for name in says} and told["OS-EXT-STS:task_state"] is None


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The control plane, with a server for all tests of this module."""
    plane = controlplane()
    executor = opened(plane.clouds, tmp_path_factory.mktemp("state"))
    with plane.connect() as cloud, a_server(cloud, f"test-{uuid4().hex[:8]}") as made:
        yield Lab(plane, cloud, executor, made.id)
    executor.close()


@pytest.fixture
def lab(shared: Lab) -> Lab:
    """The same, with the server active whatever a test before left."""
    until(lambda: done(shared.executor, order("start", server=shared.server)).state == "succeeded", 60)
    return shared


@pytest.mark.parametrize(
    ("there", "status", "back"),
    [("stop", "SHUTOFF", "start"), ("pause", "PAUSED", "unpause"), ("suspend", "SUSPENDED", "resume")],
    ids=["stop", "pause", "suspend"],
)
def test_there_and_back(lab: Lab, there: str, status: str, back: str):
    """An action and its inverse leave the server as Nova shows it, with one record each."""
    before = {name: len(lab.records(name)) for name in (there, back)}
    for action, expected in ((there, status), (back, "ACTIVE")):
        outcome = done(lab.executor, order(action, server=lab.server))
        assert (outcome.state, outcome.output["status"]) == ("succeeded", expected), outcome
        assert lab.agrees(outcome)
        again = given(lab.executor, order(action, server=lab.server))
        assert (again.state, again.why) == ("succeeded", "there was nothing to be done")
        assert len(lab.records(action)) == before[action] + 1


@pytest.mark.parametrize("arguments", [{}, {"type": "HARD"}], ids=["soft", "hard"])
def test_reboot(lab: Lab, arguments: dict[str, str]):
    """A reboot is followed until the server runs again."""
    outcome = done(lab.executor, order("reboot", server=lab.server, **arguments))
    assert outcome.state == "succeeded" and lab.agrees(outcome)
    assert lab.records("reboot")[0] == outcome.reference


def test_live_migrate(lab: Lab):
    """A live migration ends on another host, without an interruption."""
    before = lab.host()
    outcome = done(lab.executor, order("live_migrate", server=lab.server))
    assert outcome.state == "succeeded", outcome
    assert outcome.output["host"] != before and lab.agrees(outcome)
    back = done(lab.executor, order("live_migrate", server=lab.server, host=before))
    assert (back.state, back.output["host"]) == ("succeeded", before)
    assert lab.agrees(back)


def test_migrate_is_confirmed(lab: Lab):
    """A cold migration is confirmed once, and ends with the server running on another host."""
    before, confirmed = lab.host(), len(lab.records("confirmResize"))
    outcome = done(lab.executor, order("migrate", server=lab.server))
    assert outcome.state == "succeeded", outcome
    assert (outcome.output["status"], outcome.output["host"] != before) == ("ACTIVE", True)
    assert lab.agrees(outcome)
    assert len(lab.records("confirmResize")) == confirmed + 1


def test_resize(lab: Lab):
    """A resize ends with the other flavor; asked for again, there is nothing to be done."""
    for name in ("vnf.medium", "vnf.small"):
        flavor = lab.cloud.compute.find_flavor(name).id
        outcome = done(lab.executor, order("resize", server=lab.server, flavor=flavor))
        assert (outcome.state, outcome.output.get("flavor")) == ("succeeded", flavor), outcome
        assert lab.agrees(outcome)
        assert (
            given(lab.executor, order("resize", server=lab.server, flavor=flavor)).why == "there was nothing to be done"
        )


def test_resize_that_somebody_decides_on(lab: Lab, tmp_path: Path):
    """Where people confirm, a resize waits for them, and can be taken back."""
    careful = opened(lab.plane.clouds, tmp_path, confirm=False)
    before, flavor = lab.seen()["flavor"]["id"], lab.cloud.compute.find_flavor("vnf.medium").id
    outcome = done(careful, order("resize", server=lab.server, flavor=flavor))
    assert (outcome.state, outcome.output["status"]) == ("succeeded", "VERIFY_RESIZE"), outcome
    back = done(careful, order("revert", server=lab.server))
    assert (back.state, back.output["flavor"]) == ("succeeded", before), back
    assert lab.agrees(back)
    careful.close()


def test_rebuild(lab: Lab):
    """A rebuild ends with the server running from the image."""
    image = lab.seen()["image"]["id"]
    outcome = done(lab.executor, order("rebuild", server=lab.server, image=image))
    assert (outcome.state, outcome.output["image"]) == ("succeeded", image), outcome
    assert lab.agrees(outcome)


@pytest.mark.parametrize(
    ("action", "arguments", "expected"),
    [
        ("live_migrate", {"host": "cmp-nowhere"}, ("CL601", False, "cmp-nowhere could not be found")),
        ("live_migrate", {"host": "cmp-par-1"}, ("CL604", True, "No valid host")),
        ("migrate", {"host": "cmp-par-1"}, ("CL604", True, "No valid host")),
        ("evacuate", {}, ("CL601", False, "still in use")),
        ("confirm", {}, ("CL601", False, "vm_state active")),
        ("rebuild", {"image": str(uuid4())}, ("CL601", False, "mage")),
        ("resize", {"flavor": str(uuid4())}, ("CL601", False, "lavor")),
    ],
)
def test_what_nova_refuses(lab: Lab, action: str, arguments: dict[str, Any], expected: tuple[str, bool, str]):
    """What Nova refuses, or gives up, has failed for the reason that Nova gives, and leaves the server as it was."""
    code, retry, words = expected
    before = lab.seen()
    outcome = done(lab.executor, order(action, server=lab.server, **arguments))
    assert (outcome.state, outcome.why[:5], outcome.retry) == ("failed", code, retry), outcome
    assert words in outcome.why
    after = lab.seen()
    for part in ("status", "OS-EXT-SRV-ATTR:host", "flavor", "image"):
        assert after[part] == before[part]


def test_a_busy_server_may_be_tried_again(lab: Lab):
    """While Nova is at one thing, another one fails in a way that says: try again."""
    begun, before = order("migrate", server=lab.server), lab.records("pause")
    first = given(lab.executor, begun)
    second = given(lab.executor, order("pause", server=lab.server))
    assert (second.state, second.why[:5], second.retry) == ("failed", "CL603", True)
    assert followed(lab.executor, begun, first).state == "succeeded"
    assert lab.records("pause") == before


@pytest.mark.parametrize("action", ["stop", "reboot", "migrate"])
@pytest.mark.parametrize("fault", ["before", "after", "error", "silent", "refuse"])
def test_a_lost_answer_is_looked_up(lab: Lab, tmp_path: Path, action: str, fault: Fault):
    """Whatever happens to the answer, `perform` does not know, and Nova's records tell what became of it."""
    before = len(lab.records(action))
    address = lab.cloud.compute.get_endpoint()
    port = int(address.split(":")[2].split("/")[0])
    with Lossy(port) as line:
        override = f"http://127.0.0.1:{line.port}/v2.1"
        lossy = opened(by(lab.plane.clouds, tmp_path, compute_endpoint_override=override), tmp_path, timeout=SILENCE)
        line.fault = fault
        wanted = order(action, server=lab.server)
        lost = given(lossy, wanted)
        assert lost.state == "unknown", lost
        lossy.close()
    heard = fault in ("after", "error", "silent")
    if not heard:
        assert looked_for(lab.executor, wanted).state == "absent"
        assert len(lab.records(action)) == before
        return
    found = looked_for(lab.executor, wanted)
    assert found.state in ("underway", "succeeded"), found
    assert followed(lab.executor, wanted, found).state == "succeeded"
    assert len(lab.records(action)) == before + 1  # and it was not asked for twice
    assert looked_for(lab.executor, wanted).state == "succeeded"


def test_an_unconfirmed_move_is_taken_up_after_a_crash(lab: Lab):
    """A move that was done while nobody looked is found as under way, and confirmed by whoever follows it."""
    wanted = order("migrate", server=lab.server)
    given(lab.executor, wanted)
    until(lambda: lab.seen()["status"] == "VERIFY_RESIZE", 60)
    found = looked_for(lab.executor, wanted)
    assert found.state == "underway" and lab.seen()["status"] == "VERIFY_RESIZE"
    assert followed(lab.executor, wanted, found).state == "succeeded"
    assert lab.seen()["status"] == "ACTIVE"


def test_another_ones_action_is_not_ours(lab: Lab, tmp_path: Path):
    """The same action, asked for by another user in the meantime, is not taken for ours."""
    identity, name = lab.cloud.identity, f"test-{uuid4().hex[:8]}"
    user = identity.create_user(name=name, password=PASSWORD, domain_id="default")
    try:
        project, role = identity.find_project("admin"), identity.find_role("admin")
        identity.assign_project_role_to_user(project, user, role)
        read = yaml.safe_load(lab.plane.clouds.read_text(encoding="utf-8"))
        read["clouds"]["lab-admin"]["auth"]["username"] = name
        clouds = tmp_path / "clouds.yaml"
        clouds.write_text(yaml.safe_dump(read), encoding="utf-8")
        other, wanted = opened(clouds, tmp_path), order("reboot", server=lab.server)
        assert done(lab.executor, order("reboot", server=lab.server)).state == "succeeded"
        assert looked_for(other, wanted).state == "absent"
        assert looked_for(lab.executor, wanted).state == "succeeded"
        other.close()
    finally:
        identity.delete_user(user)


def test_delete(lab: Lab):
    """A deletion is followed until the server is gone; asked for again, it is."""
    with a_server(lab.cloud, f"test-{uuid4().hex[:8]}") as made:
        wanted = order("delete", server=made.id)
        assert done(lab.executor, wanted).state == "succeeded"
        assert not lab.seen(made.id)
        assert looked_for(lab.executor, wanted).state == "succeeded"
        assert given(lab.executor, order("delete", server=made.id)).state == "succeeded"
        stopped = given(lab.executor, order("stop", server=made.id))
        assert (stopped.state, stopped.why[:5], stopped.retry) == ("failed", "CL600", False)


def force_down(cloud: Any, service: str, down: bool) -> bool:
    """Say whether a nova-compute is down, whatever it says itself; whether Nova took that."""
    body = {"forced_down": down}
    return bool(cloud.compute.put(f"/os-services/{service}", json=body, microversion="2.53").ok)


def test_evacuate(lab: Lab):
    """A server on a host that is down is made anew on the other host of its zone."""
    with ExitStack() as stack:
        # Nova takes a host back only when what was evacuated from it is gone.
        service = stack.enter_context(ExitStack())
        made = stack.enter_context(a_server(lab.cloud, f"test-{uuid4().hex[:8]}"))
        host = lab.host(made.id)
        found = next(lab.cloud.compute.services(host=host, binary="nova-compute")).id
        service.callback(until, partial(force_down, lab.cloud, found, False), 60)
        assert force_down(lab.cloud, found, True)
        outcome = done(lab.executor, order("evacuate", server=made.id))
        assert outcome.state == "succeeded", outcome
        assert outcome.output["host"] != host and lab.agrees(outcome)


def test_a_member_acts_on_what_is_his(lab: Lab, tmp_path: Path):
    """A user who is no admin is told that a server of another project is not there."""
    member = opened(lab.plane.clouds, tmp_path, cloud="lab-alpha", roles=["member"])
    told = given(member, order("stop", server=lab.server))
    assert (told.state, told.why[:5]) == ("failed", "CL600")
    member.close()
    refused = opened(lab.plane.clouds, tmp_path, cloud="lab-alpha")
    assert "CL533" in str(refused.reachable(Deadline.after(10)))
    told = given(refused, order("stop", server=lab.server))
    assert (told.state, "CL533" in told.why, told.retry) == ("failed", True, False)
    refused.close()


def test_reachable(lab: Lab):
    """A cloud that answers can be reached."""
    assert lab.executor.reachable(Deadline.after(10)) is None


def test_all_orders_have_a_key(lab: Lab):
    """The key of an order stands in Nova's own log, so that who looks there finds our journal."""
    wanted = order("reboot", server=lab.server)
    assert done(lab.executor, wanted).state == "succeeded"
    log = lab.plane.clouds.parents[1] / "log" / "nova-api.log"
    assert f"req-{UUID(wanted.key)}" in log.read_text(encoding="utf-8", errors="replace")
