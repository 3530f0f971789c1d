"""
The key cycling of the example on a real Nova and a real Cinder: nodes get new keys while they run.

Volumes are LUKS in qcow2, as Cinder makes them, and what is on them is written and read through their encryption, by
`qemu-io` and `qemu-img`. The servers are those of fake hypervisors: that a guest sees its new volume is not shown here.
"""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from congresslite.live import LiveEstate, open_estate
from tests.controlplane.fixture import ControlPlane, controlplane
from tests.enforcement.lifecycles import ADMIN, actions
from tests.enforcement.test_lifecycle_examples import EXAMPLE, example
from tests.sources.test_openstack_live import a_server
from tests.waiting import missing, until

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("controlplane"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]
SCRIPT = EXAMPLE / "scripts" / "cycle_keys.py"
CLOUD = "lab-alpha"  # a member of a project, whom the lock of an admin holds up
PRIVATE, PUBLIC, ACCEPTED = "ssh/id_ed25519", "ssh/id_ed25519.pub", "ssh/authorized_keys"
FIRST = f"{0:012d}"
# The operator's program: the files are JSON behind its length, at the beginning of the volume.
TOOL = """\
#!{python} -I
import subprocess, sys, tempfile
from pathlib import Path

SIZE = 65536
what, volume = sys.argv[1:]
(image,) = Path({volumes!r}).glob("*/volume-" + volume)
key = ["--object", "secret,id=key,format=raw,file=" + {key!r}]
layers = "driver=qcow2,encrypt.key-secret=key,file.filename=" + str(image)
with tempfile.TemporaryDirectory() as folder:
    block = Path(folder) / "block"
    if what == "write":
        text = sys.stdin.buffer.read()
        block.write_bytes((len(text).to_bytes(8, "big") + text).ljust(SIZE, bytes(1)))
        command = ["qemu-io", *key, "--image-opts", layers, "-c", f"write -s {{block}} 0 {{SIZE}}", "-c", "flush"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    else:
        command = ["qemu-img", "dd", *key, "--image-opts", "-O", "raw", f"bs={{SIZE}}", "count=1"]
        subprocess.run([*command, "if=" + layers, f"of={{block}}"], check=True, stdout=subprocess.DEVNULL)
        text = block.read_bytes()
        sys.stdout.buffer.write(text[8 : 8 + int.from_bytes(text[:8], "big")])
"""


@dataclass(frozen=True)
class Vpc:
    """A VPC of two servers, each with a volume of keys, seen with OpenStack's own SDK."""

    plane: ControlPlane
    cloud: Any
    admin: Any
    folder: Path
    name: str = field(default_factory=lambda: f"test-{uuid4().hex[:8]}")
    nodes: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What the script wants in its environment."""
        tool = str(self.folder / "volume-tool")
        return {"OS_CLOUD": CLOUD, "OS_CLIENT_CONFIG_FILE": str(self.plane.clouds), "VOLUME_TOOL": tool}

    @property
    def files_of_cinder(self) -> Path:
        """Where Cinder keeps its volumes."""
        return self.plane.clouds.parents[1] / "var" / "cinder" / "mnt"

    def tool(self, what: str, volume: str, given: str = "") -> str:
        """Run the operator's program."""
        command = [self.environment["VOLUME_TOOL"], what, volume]
        return subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout

    def volumes(self, node: str) -> dict[str, Any]:
        """All volumes for the keys of a node, by their names."""
        found = self.cloud.block_storage.volumes()
        return {each.name: each for each in found if each.name.startswith(f"{node}-keys-")}

    def volume(self, node: str) -> Any:
        """The one volume that a node has, by Nova's word, and that is in use, by Cinder's."""
        told = self.cloud.compute.get(f"/servers/{node}/os-volume_attachments").json()["volumeAttachments"]
        assert len(told) == 1, told
        volume = self.cloud.block_storage.get_volume(told[0]["volumeId"])
        assert volume.status == "in-use"
        assert [each["server_id"] for each in volume.attachments] == [node]
        return volume

    def files(self, node: str) -> dict[str, str]:
        """What a node finds on its volume."""
        found: dict[str, str] = json.loads(self.tool("read", self.volume(node).id))
        return found

    def done_to(self, node: str) -> list[str]:
        """All that was ever done to a server, by Nova's records."""
        told = self.admin.compute.get(f"/servers/{node}/os-instance-actions", microversion="2.58").json()
        assert self.admin.compute.get_server(node).status == "ACTIVE"
        return sorted(each["action"] for each in told["instanceActions"])

    def with_keys(self, node: str) -> None:
        """Give a node the first volume of keys."""
        storage = self.cloud.block_storage
        made = storage.create_volume(
            name=f"{node}-keys-{FIRST}", size=1, volume_type="encrypted", metadata={"vpc": self.name}
        )
        storage.wait_for_status(made, "available", interval=0.5, wait=60)
        private, public = runpy.run_path(str(SCRIPT))["new_key"](node)
        self.tool("write", made.id, json.dumps({PRIVATE: private, PUBLIC: public, "data/node": node}))
        self.cloud.compute.create_volume_attachment(node, volume_id=made.id)
        storage.wait_for_status(made, "in-use", interval=0.5, wait=60)

    def gone(self) -> None:
        """Delete its volumes; the servers are no more."""
        storage = self.cloud.block_storage

        def ours() -> list[Any]:
            return [each for each in storage.volumes() if (each.metadata or {}).get("vpc") == self.name]

        until(lambda: all(each.status in ("available", "error") for each in ours()), 60)
        for each in ours():
            storage.delete_volume(each)
        until(lambda: not ours(), 60)


@pytest.fixture
def vpc(tmp_path: Path) -> Iterator[Vpc]:
    """A VPC whose servers and volumes are gone afterwards."""
    plane = controlplane()
    if shutil.which("qemu-io") is None:
        missing("no qemu-io: Debian's package qemu-utils")
    with ExitStack() as stack:
        cloud, admin = (stack.enter_context(plane.connect(name)) for name in (CLOUD, "lab-admin"))
        if not any(each.type == "volumev3" for each in admin.identity.services()):
            missing("no block storage: `tests/controlplane/cinder.sh`")
        made = Vpc(plane, cloud, admin, tmp_path)
        cinder = RawConfigParser(strict=False)
        cinder.read(plane.clouds.with_name("cinder.conf"))
        # Cinder's passphrase is the key in hexadecimal digits.
        (tmp_path / "key").write_text(bytes.fromhex(cinder["key_manager"]["fixed_key"]).hex(), encoding="utf-8")
        text = TOOL.format(python=sys.executable, volumes=str(made.files_of_cinder), key=str(tmp_path / "key"))
        (tmp_path / "volume-tool").write_text(text, encoding="utf-8")
        (tmp_path / "volume-tool").chmod(0o700)
        stack.callback(made.gone)
        for number in range(2):
            server = stack.enter_context(a_server(cloud, f"{made.name}-{number}"))
            stack.callback(admin.compute.unlock_server, server.id)
            cloud.compute.set_server_metadata(server.id, vpc=made.name)
            made.nodes.append(server.id)
            made.with_keys(server.id)
        yield made


def renewed(vpc: Vpc, node: str, before: dict[str, str]) -> dict[str, str]:
    """What a node has: one volume, a new and encrypted one, with new keys and its data; the old one is spare."""
    volume, now = vpc.volume(node), vpc.files(node)
    volumes = vpc.volumes(node)
    assert volume.name != f"{node}-keys-{FIRST}"
    assert (volume.volume_type, volume.is_encrypted) == ("encrypted", True)
    raw = next(vpc.files_of_cinder.glob(f"*/volume-{volume.id}")).read_bytes()
    assert b"LUKS" in raw
    assert b"OPENSSH" not in raw
    assert b"ssh-ed25519" not in raw
    assert len(volumes) == 2
    assert [each.status for name, each in volumes.items() if name != volume.name] == ["available"]
    assert now["data/node"] == node
    assert now[PUBLIC] != before[PUBLIC]
    public = load_ssh_private_key(now[PRIVATE].encode(), None).public_key()
    assert now[PUBLIC] == public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + f" {node}\n"
    return now


def accept_each_other(nodes: list[dict[str, str]]) -> None:
    """Each node has a key of its own, which all accept."""
    publics = {each[PUBLIC] for each in nodes}
    assert len(publics) == len(nodes)
    assert all(publics <= set(each[ACCEPTED].splitlines(keepends=True)) for each in nodes)


def lived(vpc: Vpc, node: str, attached: int, *otherwise: str) -> None:
    """A server was made once, got so many volumes, and was never touched otherwise but so."""
    volumes = ["attach_volume"] * attached + ["detach_volume"] * (attached - 1)
    assert vpc.done_to(node) == sorted(["create", *volumes, *otherwise])


def estate_of(vpc: Vpc) -> LiveEstate:
    """The example's estate, whose script finds the cloud, and has more time and a shorter period."""
    texts = {
        path.name: path.read_text(encoding="utf-8").replace("CYCLE_60", "CYCLE_5")
        for path in (EXAMPLE / "policies").glob("key_cycling*")
    }
    made = example(vpc.folder / "example", **texts)
    keys = made.enforcement.targets["keys"]
    settings = {**keys.settings, "environment": vpc.environment, "timeout": "300s"}
    targets = {**made.enforcement.targets, "keys": keys.model_copy(update={"settings": settings})}
    enforcement = made.enforcement.model_copy(update={"targets": targets})
    return open_estate(made.model_copy(update={"enforcement": enforcement}))


def test_keys_are_cycled_while_the_servers_run(vpc: Vpc) -> None:
    """A live estate has the script give each server a new volume with new keys, which all accept; no server stops."""
    before = {node: vpc.files(node) for node in vpc.nodes}
    estate = estate_of(vpc)
    estate.start()
    try:
        stage = {"object": vpc.name, "level": "deployment"}
        estate.push_rows(ADMIN, "lifecycle", "stage", [{**stage, "stage": "monitoring"}])
        until(lambda: actions(estate), 60)
        estate.push_rows(ADMIN, "lifecycle", "stage", [{**stage, "stage": "update"}])
        until(lambda: not actions(estate, "planned", "running"), 300)
        (record,) = actions(estate)
    finally:
        estate.stop()
    assert (record.action, record.state) == ("keys:run", "succeeded"), record
    assert "PRIVATE KEY" not in str(record)
    accept_each_other([renewed(vpc, node, before[node]) for node in vpc.nodes])
    for node in vpc.nodes:
        lived(vpc, node, 2)


def cycled(vpc: Vpc, at: int) -> tuple[int, list[str]]:
    """Run the script as the executor does; its exit code, and the nodes that it failed at."""
    command = [sys.executable, "-I", str(SCRIPT), "--vpc", vpc.name, "--at", str(at)]
    environment = {"PATH": "/usr/bin:/bin", **vpc.environment}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=300)
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)["failed"]


def test_a_locked_server_keeps_its_keys_and_the_other_gets_new_ones(vpc: Vpc) -> None:
    """What Nova refuses for one node leaves it with its volume and keys, which the other accepts, until it can be."""
    locked, other = vpc.nodes
    before = {node: vpc.files(node) for node in vpc.nodes}
    old = vpc.volume(locked).id
    vpc.admin.compute.lock_server(locked)
    for at in (60, 120):
        assert cycled(vpc, at) == (75, [locked])
        assert vpc.volume(locked).id == old
        assert vpc.files(locked) == before[locked]
        # Only the latest copy waits for another attempt: failures do not pile up.
        assert sorted(vpc.volumes(locked)) == [f"{locked}-keys-{each:012d}" for each in (0, at)]
        assert vpc.volume(other).name == f"{other}-keys-{at:012d}"
        now = renewed(vpc, other, before[other])
        assert before[locked][PUBLIC] in now[ACCEPTED].splitlines(keepends=True)
    vpc.admin.compute.unlock_server(locked)
    volume = vpc.volume(other).id
    assert cycled(vpc, 120) == (0, [])
    assert vpc.volume(other).id == volume
    accept_each_other([renewed(vpc, locked, before[locked]), now])
    lived(vpc, locked, 2, "lock", "unlock")
    lived(vpc, other, 3)
