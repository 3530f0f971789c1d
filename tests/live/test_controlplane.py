"""
A server over a real OpenStack and a real Tacker: what happens there is a violation over REST.

How long that takes after the cloud itself says so is printed, not asserted: it
depends on what else the machine does.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import yaml

from tests.controlplane.fixture import ControlPlane, controlplane
from tests.controlplane.seeds.vnf import Vnfm, instantiate
from tests.live.serving import Served, served
from tests.sources.listed import LISTED
from tests.sources.test_openstack_live import a_server
from tests.waiting import until

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("controlplane"),  # one of these ends a service that the others need
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]

SOURCES = ("nova", "neutronv2", "keystonev3", "glancev2", "placement", "vnfm")
VNFD = "6f1b7c1e-5d0a-4c55-9f63-0c1d2a7e9b01"
POLICY = """\
policy watched(description = "What a test does to a cloud").
mine(name) :- nova:servers(name=name), startswith(name, "{prefix}").
@id("there") @object(server) warning(server, host) :- nova:servers(id=server, name=name, host_name=host), mine(name).
@id("stopped") @object(server) @message("{{name}} is stopped")
error(server) :- nova:servers(id=server, name=name, status="SHUTOFF"), mine(name).
@id("open") @object(group) @message("{{name}} lets SSH in from anywhere")
error(group) :-
    neutronv2:security_groups(id=group, name=name), startswith(name, "{prefix}"),
    neutronv2:security_group_rules(security_group_id=group, remote_ip_prefix="0.0.0.0/0", port_range_min=22).
@id("idle-vnf") @object(vnf) @message("{{name}} is not instantiated")
error(vnf) :-
    vnfm:vnf_instances(id=vnf, vnf_instance_name=name, instantiation_state="NOT_INSTANTIATED"),
    startswith(name, "{prefix}").
@id("stopped-part") @object(vnf) @message("{{server}} of {{name}} is {{status}}")
error(vnf, server) :-
    vnfm:vnf_instances(id=vnf, vnf_instance_name=name), startswith(name, "{prefix}"),
    vnfm:vnfc_resources(vnf_instance_id=vnf, resource_id=server),
    nova:servers(id=server, status=status), status != "ACTIVE".
"""


@pytest.fixture(scope="module")
def plane() -> ControlPlane:
    """The control plane."""
    return controlplane()


@pytest.fixture(scope="module")
def cloud(plane: ControlPlane) -> Iterator[Any]:
    """A connection of OpenStack's own SDK, as the admin."""
    with plane.connect() as made:
        yield made


def subscribing(plane: ControlPlane, port: int, every: str) -> dict[str, Any]:
    """The VNF manager as a source that tells of changes at our address, and hardly needs to be polled."""
    cloud = yaml.safe_load(plane.clouds.read_text(encoding="utf-8"))["clouds"]["lab-admin"]
    given = cloud["auth"]
    auth = {key: given[key] for key in ("auth_url", "username", "password")} | {"project": given["project_name"]}
    callback = {"url": f"http://127.0.0.1:{port}/v1/sources/vnfm/hooks/notify"}
    return {"driver": "rest", "every": every, "auth": {"type": "keystone", **auth}, "callback": callback, "lazy": False}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


@contextmanager
def estate(
    plane: ControlPlane, folder: Path, prefix: str, *, notified: bool, every: str, subscribed: bool = False
) -> Iterator[Served]:
    """A server over the whole cloud, all tables pulled."""
    policy = folder / "watched.dl"
    policy.write_text(POLICY.format(prefix=prefix), encoding="utf-8")
    common: dict[str, Any] = {"driver": "openstack", "cloud": "lab-admin", "clouds": str(plane.clouds), "every": every}
    if notified:
        common["notifications"] = {"url": plane.broker}
    sources = {name: {**common, "lazy": False} for name in SOURCES}
    config: dict[str, Any] = {"state": str(folder / "state"), "policies": [str(policy)], "sources": sources}
    if subscribed:
        port = free_port()
        sources["vnfm"] = subscribing(plane, port, every)
        config["server"] = {"listen": f"127.0.0.1:{port}"}
    with served(folder, config) as server:
        until(lambda: _settled(server), 120)
        yield server


def _settled(server: Served) -> bool:
    feeds = [feed for source in server.get("/v1/sources")["items"] for feed in source["feeds"]]
    return all(feed["health"] == "fresh" for feed in feeds)


def seen(what: str, happened: Callable[[], Any], told: Callable[[], Any]) -> None:
    """Wait until the cloud says that something happened, then until REST says so; print how long that took."""
    until(happened, 120)
    begun = time.monotonic()
    until(told, 90)
    sys.stdout.write(f"\n{what}: told over REST {time.monotonic() - begun:.2f} s after the cloud said so\n")


def open_(server: Served, rule: str, object_: str) -> list[Any]:
    """The open violations of a rule about an object."""
    return server.violations(f"rule={rule}&object={object_}")


def test_every_table_is_what_the_client_lists(plane: ControlPlane, cloud: Any, tmp_path: Path) -> None:
    """The tables of a server over a cloud have the objects that OpenStack's own client lists."""
    with estate(plane, tmp_path, f"test-{uuid4().hex[:8]}", notified=True, every="10s") as server:
        for table, listed in LISTED.items():
            wanted = listed.columns.split()

            def same(table: str = table, listed: Any = listed, wanted: list[str] = wanted) -> bool:
                held = {tuple(row[name] for name in wanted) for row in server.rows(table)}
                return held == {tuple(row) for row in listed.rows(cloud)}

            until(same, 60)


@pytest.mark.parametrize("notified", [True, False], ids=["with notifications", "by polls alone"])
def test_what_happens_in_the_cloud_is_told(plane: ControlPlane, cloud: Any, tmp_path: Path, notified: bool) -> None:
    """A server that is stopped, migrated or deleted, and a security group that is opened, are violations over REST."""
    prefix = f"test-{uuid4().hex[:8]}"
    compute, network = cloud.compute, cloud.network
    with estate(plane, tmp_path, prefix, notified=notified, every="600s" if notified else "3s") as ours:
        with a_server(cloud, prefix) as server:
            id_ = server.id
            seen("made", lambda: compute.get_server(id_).status == "ACTIVE", lambda: open_(ours, "there", id_))
            compute.stop_server(server)
            seen("stopped", lambda: compute.get_server(id_).status == "SHUTOFF", lambda: open_(ours, "stopped", id_))
            compute.start_server(server)
            seen("started", lambda: compute.get_server(id_).status == "ACTIVE", lambda: not open_(ours, "stopped", id_))
            before = compute.get_server(id_).compute_host
            compute.live_migrate_server(server, host=None, block_migration="auto")
            seen(
                "migrated",
                lambda: compute.get_server(id_).compute_host not in (None, before),
                lambda: [each for each in open_(ours, "there", id_) if before not in each["row"]],
            )
            until(lambda: compute.get_server(id_).status == "ACTIVE", 60)
        seen("deleted", lambda: True, lambda: not open_(ours, "there", id_))
        group = network.create_security_group(name=prefix)
        try:
            network.create_security_group_rule(
                security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22,
                remote_ip_prefix="0.0.0.0/0",
            )  # fmt: skip
            seen("opened", lambda: True, lambda: open_(ours, "open", group.id))
        finally:
            network.delete_security_group(group)
        seen("closed", lambda: True, lambda: not open_(ours, "open", group.id))


@pytest.mark.parametrize("notified", [True, False], ids=["with notifications", "by polls alone"])
def test_what_happens_to_a_vnf_is_told(
    plane: ControlPlane, cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notified: bool
) -> None:
    """A VNF instance that is made, instantiated, loses a server, and is terminated, is told over REST."""
    prefix = f"test-{uuid4().hex[:8]}"
    monkeypatch.setenv("KEYSTONE_PORT", str(urlsplit(cloud.config.auth["auth_url"]).port))
    vnfm = Vnfm(cloud)
    every = "600s" if notified else "3s"
    with estate(plane, tmp_path, prefix, notified=notified, every=every, subscribed=notified) as ours:
        if notified:
            until(lambda: _watched(ours, "vnfm"), 60)
        described = {"vnfdId": VNFD, "vnfInstanceName": prefix, "vnfInstanceDescription": "a test's"}
        id_ = vnfm.call("POST", "/vnflcm/v2/vnf_instances", json=described).json()["id"]
        path = f"/vnflcm/v2/vnf_instances/{id_}"
        try:
            seen("VNF made", lambda: True, lambda: open_(ours, "idle-vnf", id_))
            instantiate(cloud, vnfm, id_, "alpha", "pop-lyon")
            seen("VNF instantiated", lambda: True, lambda: not open_(ours, "idle-vnf", id_))
            (part, *_) = vnfm.get(path)["instantiatedVnfInfo"]["vnfcResourceInfo"]
            server = part["computeResource"]["resourceId"]
            cloud.compute.stop_server(server)
            seen(
                "part stopped",
                lambda: cloud.compute.get_server(server).status == "SHUTOFF",
                lambda: open_(ours, "stopped-part", id_),
            )
            ended = unlocked(lambda: vnfm.call("POST", f"{path}/terminate", json={"terminationType": "FORCEFUL"}))
            assert vnfm.finished(ended.headers["Location"])["operationState"] == "COMPLETED"
            seen(
                "VNF terminated",
                lambda: True,
                lambda: open_(ours, "idle-vnf", id_) and not open_(ours, "stopped-part", id_),
            )
        finally:
            unlocked(lambda: vnfm.call("DELETE", path))
        seen("VNF deleted", lambda: True, lambda: not open_(ours, "idle-vnf", id_))


def _watched(server: Served, source: str) -> bool:
    (found,) = [each for each in server.get("/v1/sources")["items"] if each["name"] == source]
    return bool(found["watching"]) and found["watch_fault"] is None


def unlocked(call: Callable[[], Any]) -> Any:
    """What a call gives once the VNF manager has let go of the instance, a moment after an operation has ended."""

    def tried() -> Any:
        try:
            return call()
        except SystemExit as refused:
            if " 409 " not in str(refused):
                raise
            return None

    return until(tried, 60)


def test_an_api_that_dies_makes_stale_and_comes_back_by_itself(plane: ControlPlane, cloud: Any, tmp_path: Path) -> None:
    """Nova's API dies under load: its violations stay, undetermined since then, and why; then all is well."""
    prefix = f"test-{uuid4().hex[:8]}"
    with estate(plane, tmp_path, prefix, notified=False, every="1s") as ours, a_server(cloud, prefix) as server:
        until(lambda: open_(ours, "there", server.id), 60)
        over = threading.Event()
        failed: list[str] = []

        def load() -> None:
            while not over.is_set():
                try:
                    ours.get("/v1/violations?limit=100")
                except (OSError, AssertionError) as error:
                    failed.append(repr(error))

        asking = [threading.Thread(target=load) for _ in range(4)]
        for each in asking:
            each.start()
        try:
            plane.kill("nova-api")
            (told,) = until(lambda: _stale(ours, "nova", "servers"), 60)
            assert told["policies"] == ["watched"]
            assert told["since"]
            assert told["why"]
            (mine,) = open_(ours, "there", server.id)
            assert mine["undetermined"]
        finally:
            plane.start("nova-api")
        until(lambda: not ours.get("/v1/violations?limit=1")["undetermined"], 120)
        over.set()
        for each in asking:
            each.join()
        (mine,) = open_(ours, "there", server.id)
        assert not mine["undetermined"]
        assert failed == []


def _stale(server: Served, source: str, feed: str) -> list[Mapping[str, Any]]:
    told = server.get("/v1/violations?limit=1")["undetermined"]
    return [each for each in told if (each["source"], each["feed"]) == (source, feed)]
