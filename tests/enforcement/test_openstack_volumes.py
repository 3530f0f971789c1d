"""
The executor `openstack` against a real Cinder: volumes are made, copied, attached and detached, each once.

Needs `tests/controlplane/cinder.sh`. The volumes are files, some of them encrypted; the servers are those of fake
hypervisors, so what a guest sees of a volume is not shown here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from congresslite.enforcement.executor import Outcome
from congresslite.enforcement.executors.openstack import OpenStackExecutor
from tests.controlplane.fixture import ControlPlane, controlplane
from tests.enforcement.openstack_doing import SILENCE, by, done, followed, given, looked_for, opened, order
from tests.enforcement.openstack_lossy import Fault, Lossy
from tests.sources.test_openstack_live import a_server
from tests.waiting import missing, until

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("controlplane"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@dataclass(frozen=True)
class Lab:
    """The cloud, seen with OpenStack's own SDK, an executor for it, and a server that runs."""

    plane: ControlPlane
    cloud: Any
    executor: OpenStackExecutor
    server: str
    name: str = field(default_factory=lambda: f"test-{uuid4().hex[:8]}")

    def volumes(self, name: str) -> list[Any]:
        """The volumes of a name."""
        return list(self.cloud.block_storage.volumes(name=name))

    def attached(self) -> set[str]:
        """The volumes of the server, by Nova."""
        reply = self.cloud.compute.get(f"/servers/{self.server}", microversion="2.46")
        return {each["id"] for each in reply.json()["server"]["os-extended-volumes:volumes_attached"]}

    def is_in(self, volume: str, status: str) -> bool:
        """Whether a volume is in a state, by Cinder."""
        return bool(self.cloud.block_storage.get_volume(volume).status == status)

    def made(self, kind: str, name: str) -> str:
        """A volume that was made by the executor."""
        outcome = done(self.executor, order("create_volume", name=name, size=1, type=kind))
        assert outcome.state == "succeeded", outcome
        return str(outcome.output["volume"])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The control plane with Cinder, and a server for all tests of this module."""
    plane = controlplane()
    with ExitStack() as stack:
        cloud = stack.enter_context(plane.connect())
        if not any(each.type == "volumev3" for each in cloud.identity.services()):
            missing("no block storage: `tests/controlplane/cinder.sh`")
        executor = opened(plane.clouds, tmp_path_factory.mktemp("state"))
        stack.callback(executor.close)
        made = stack.enter_context(a_server(cloud, f"test-{uuid4().hex[:8]}"))
        yield Lab(plane, cloud, executor, made.id)


@pytest.fixture
def lab(shared: Lab) -> Iterator[Lab]:
    """The same with a name of its own, whose volumes are gone afterwards."""
    own = replace(shared, name=f"test-{uuid4().hex[:8]}")
    yield own
    for volume in own.attached():
        done(own.executor, order("detach_volume", server=own.server, volume=volume))
    storage = own.cloud.block_storage
    left = [each for each in storage.volumes() if each.name.startswith(own.name)]
    for each in left:
        storage.delete_volume(each)
    until(lambda: not any(each.name.startswith(own.name) for each in storage.volumes()), 30)


def agrees(lab: Lab, outcome: Outcome) -> bool:
    """Whether an outcome says of a volume what Cinder says of it."""
    told = lab.cloud.block_storage.get_volume(outcome.output["volume"])
    says = (told.name, told.size, told.volume_type, told.is_encrypted)
    return says == tuple(outcome.output[name] for name in ("name", "size", "volume_type", "encrypted"))


@pytest.mark.parametrize("kind", ["plain", "encrypted"])
def test_a_volume_is_made(lab: Lab, kind: str):
    """A volume is made once, of its type, and found again by its order."""
    wanted = order("create_volume", name=lab.name, size=1, type=kind)
    outcome = done(lab.executor, wanted)
    assert outcome.state == "succeeded" and agrees(lab, outcome), outcome
    assert outcome.output["encrypted"] is (kind == "encrypted")
    assert looked_for(lab.executor, wanted).reference == outcome.reference
    assert given(lab.executor, wanted).reference == outcome.reference
    assert len(lab.volumes(lab.name)) == 1


def test_attach_and_detach(lab: Lab):
    """A volume is attached and detached as Nova and Cinder both show; a second time there is nothing to be done."""
    volume = lab.made("plain", lab.name)
    for action, status, there in (("attach_volume", "in-use", {volume}), ("detach_volume", "available", set())):
        outcome = done(lab.executor, order(action, server=lab.server, volume=volume))
        assert outcome.state == "succeeded", outcome
        assert lab.attached() == there
        until(partial(lab.is_in, volume, status), 20)
        again = given(lab.executor, order(action, server=lab.server, volume=volume))
        assert again.why == "there was nothing to be done"


def test_a_copy_of_an_encrypted_volume_that_is_attached(lab: Lab):
    """A copy has type, size and content of its source, which stays attached."""
    source = lab.made("encrypted", lab.name)
    assert done(lab.executor, order("attach_volume", server=lab.server, volume=source)).state == "succeeded"
    outcome = done(lab.executor, order("copy_volume", volume=source, name=f"{lab.name}-copy"))
    assert outcome.state == "succeeded" and agrees(lab, outcome), outcome
    assert (outcome.output["volume_type"], outcome.output["encrypted"]) == ("encrypted", True)
    assert lab.attached() == {source}
    files = lab.plane.clouds.parents[1] / "var" / "cinder" / "mnt"
    first, second = (next(files.glob(f"*/volume-{each}")) for each in (source, outcome.reference))
    assert first.read_bytes() == second.read_bytes()
    assert b"LUKS" in first.read_bytes()[: 4 * 1024 * 1024]


def test_a_volume_is_replaced_by_its_copy(lab: Lab):
    """The steps of key cycling: copy, attach the copy, detach the old one, delete it; the server runs all the time."""
    old = lab.made("encrypted", lab.name)
    steps: list[tuple[str, Callable[[str], dict[str, Any]]]] = [
        ("attach_volume", lambda copy: {"server": lab.server, "volume": old}),
        ("copy_volume", lambda copy: {"volume": old, "name": f"{lab.name}-copy"}),
        ("attach_volume", lambda copy: {"server": lab.server, "volume": copy}),
        ("detach_volume", lambda copy: {"server": lab.server, "volume": old}),
        ("delete_volume", lambda copy: {"volume": old}),
    ]
    copy = ""
    for action, arguments in steps:
        outcome = done(lab.executor, order(action, **arguments(copy)))
        assert outcome.state == "succeeded", outcome
        copy = outcome.reference if action == "copy_volume" else copy
        assert lab.cloud.compute.get_server(lab.server).status == "ACTIVE"
    assert lab.attached() == {copy}
    assert [each.id for each in lab.volumes(lab.name)] == []


@pytest.mark.parametrize("fault", ["before", "after", "error", "silent", "refuse"])
def test_a_lost_answer_of_cinder_is_looked_up(lab: Lab, tmp_path: Path, fault: Fault):
    """Whatever happens to the answer: the key tells whether the volume was made, and there is one at the end."""
    wanted = order("create_volume", name=lab.name, size=1)
    address = lab.cloud.block_storage.get_endpoint()
    port = int(address.split(":")[2].split("/")[0])
    with Lossy(port) as line:
        override = address.replace(f":{port}/", f":{line.port}/")
        lossy = opened(
            by(lab.plane.clouds, tmp_path, block_storage_endpoint_override=override), tmp_path, timeout=SILENCE
        )
        line.fault = fault
        lost = given(lossy, wanted)
        assert lost.state == "unknown", lost
        lossy.close()
    heard = fault in ("after", "error", "silent")
    found = looked_for(lab.executor, wanted)
    assert (found.state == "absent") is not heard, found
    again = replace(wanted, attempt=2, started_at=time.time())
    assert done(lab.executor, again).state == "succeeded"
    assert len(lab.volumes(lab.name)) == 1


@pytest.mark.parametrize("fault", ["before", "after", "error"])
@pytest.mark.parametrize("action", ["attach_volume", "detach_volume"])
def test_a_lost_answer_about_a_volume_is_looked_up(lab: Lab, tmp_path: Path, action: str, fault: Fault):
    """Nova's records tell whether a volume was attached or detached whose answer was lost."""
    volume = lab.made("plain", lab.name)
    if action == "detach_volume":
        assert done(lab.executor, order("attach_volume", server=lab.server, volume=volume)).state == "succeeded"
    wanted = order(action, server=lab.server, volume=volume)
    port = int(lab.cloud.compute.get_endpoint().split(":")[2].split("/")[0])
    with Lossy(port) as line:
        override = f"http://127.0.0.1:{line.port}/v2.1"
        lossy = opened(by(lab.plane.clouds, tmp_path, compute_endpoint_override=override), tmp_path, timeout=SILENCE)
        line.fault = fault
        lost = given(lossy, wanted)
        assert lost.state == "unknown", lost
        lossy.close()
    found = looked_for(lab.executor, wanted)
    if fault == "before":
        assert found.state == "absent", found
        return
    assert followed(lab.executor, wanted, found).state == "succeeded"
    assert (volume in lab.attached()) is (action == "attach_volume")


def test_what_cannot_be_done_with_volumes(lab: Lab):
    """A volume that is not there, one in use, and one of another project: each is refused, for its reason."""
    volume = lab.made("plain", lab.name)
    assert done(lab.executor, order("attach_volume", server=lab.server, volume=volume)).state == "succeeded"
    with lab.plane.connect("lab-alpha") as alpha:
        foreign = alpha.block_storage.create_volume(name=lab.name, size=1)
        alpha.block_storage.wait_for_status(foreign, "available", interval=0.5, wait=30)
    nothing = str(uuid4())
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("copy_volume", {"volume": nothing, "name": lab.name}, "CL600"),
        ("copy_volume", {"volume": foreign.id, "name": f"{lab.name}-copy"}, "CL605"),
        ("attach_volume", {"server": lab.server, "volume": nothing}, "CL601"),
        ("delete_volume", {"volume": volume}, "CL601"),
        ("create_volume", {"name": lab.name, "size": 1, "type": "none-such"}, "CL600 CL601"),
    ]
    try:
        for action, arguments, codes in cases:
            outcome = done(lab.executor, order(action, **arguments))
            assert outcome.state == "failed" and outcome.why[:5] in codes, outcome
            assert not outcome.retry
        assert lab.volumes(f"{lab.name}-copy") == []
        assert done(lab.executor, order("delete_volume", volume=nothing)).state == "succeeded"
    finally:
        lab.cloud.block_storage.delete_volume(foreign.id)
