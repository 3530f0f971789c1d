"""
The driver `openstack` against a real control plane: the tables are what OpenStack's own SDK lists, and stay so.

Others use the same control plane at the same time, so lists are compared until
they agree, and only what a test made itself is changed.
"""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import TableData
from congresslite.sources.definitions import Definition, shipped_definition
from congresslite.sources.driver import Deadline, Part
from congresslite.sources.drivers.openstack import OpenStackDriver, Settings, open_driver
from tests.controlplane.fixture import ControlPlane, controlplane
from tests.controlplane.proxy import Proxy
from tests.sources.listed import LISTED
from tests.waiting import until

pytestmark = [
    pytest.mark.long,
    # Others change servers at random, and end services for a while.
    pytest.mark.xdist_group("controlplane"),
    # The SDK, which does here what an operator would, warns of its own plans.
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]

SOURCES = ("nova", "neutronv2", "keystonev3", "glancev2", "placement", "vnfm")
FEEDS = [
    (source, reply)
    for source in SOURCES
    for reply in shipped_definition(source).replies
    if any(
        f"{source}:{table}" in LISTED for table, of in shipped_definition(source).mappings.items() if of.reply == reply
    )
]
# Nothing here attaches volumes.
EMPTY = {"nova:servers.volumes"}


@pytest.fixture(scope="module")
def plane() -> ControlPlane:
    """The control plane."""
    return controlplane()


@pytest.fixture(scope="module")
def cloud(plane: ControlPlane) -> Iterator[Any]:
    """A connection of OpenStack's own SDK, as the admin."""
    with plane.connect() as made:
        yield made


@pytest.fixture(scope="module")
def name() -> str:
    """What the objects of these tests are called."""
    return f"test-{uuid4().hex[:8]}"


@contextmanager
def a_server(cloud: Any, name: str) -> Iterator[Any]:
    """A running server without networks, gone afterwards."""
    cloud.compute.default_microversion = "2.72"
    made = cloud.compute.create_server(
        name=name,
        flavor_id=cloud.compute.find_flavor("vnf.small", ignore_missing=False).id,
        image_id=cloud.image.find_image("vnf-base", ignore_missing=False).id,
        networks="none",
        availability_zone="pop-lyon",
        metadata={"made": "by a test"},
        tags=["test"],
    )
    try:
        yield cloud.compute.wait_for_server(made, wait=120, interval=0.5)
    finally:
        cloud.compute.delete_server(made)
        cloud.compute.wait_for_delete(made, interval=0.5, wait=60)


@pytest.fixture(scope="module")
def objects(cloud: Any, name: str) -> Iterator[None]:
    """Objects of every kind that an estate may lack."""
    with ExitStack() as gone:
        flavor = cloud.compute.create_flavor(name=name, vcpus=1, ram=64, disk=1)
        gone.callback(cloud.compute.delete_flavor, flavor)
        cloud.compute.create_flavor_extra_specs(flavor, {"hw:cpu_policy": "shared"})
        project = cloud.identity.create_project(name=name, domain_id="default", tags=["test"])
        gone.callback(cloud.identity.delete_project, project)
        network = cloud.network.create_network(name=name)
        gone.callback(cloud.network.delete_network, network)
        subnet = cloud.network.create_subnet(
            name=name,
            network_id=network.id,
            ip_version=4,
            cidr="192.0.2.0/24",
            dns_nameservers=["192.0.2.53"],
            host_routes=[{"destination": "198.51.100.0/24", "nexthop": "192.0.2.2"}],
        )
        gone.callback(cloud.network.delete_subnet, subnet)
        port = cloud.network.create_port(
            name=name, network_id=network.id, allowed_address_pairs=[{"ip_address": "192.0.2.200"}]
        )
        gone.callback(cloud.network.delete_port, port)
        server = gone.enter_context(a_server(cloud, name))
        cloud.compute.live_migrate_server(server, host=None, block_migration="auto")
        before = server.compute_host
        until(lambda: _settled(cloud, server.id).compute_host != before, 60)
        yield


def _settled(cloud: Any, server: str) -> Any:
    """A server, once nothing is being done with it."""
    return until(lambda: (found := cloud.compute.get_server(server)).task_state is None and found, 60)


@contextmanager
def opened(
    plane: ControlPlane, source: str | Definition, cloud: str = "lab-admin", **settings: Any
) -> Iterator[OpenStackDriver]:
    """A driver for one service of the cloud."""
    definition = shipped_definition(source) if isinstance(source, str) else source
    made = open_driver(
        definition.source, Settings.model_validate({"cloud": cloud, "clouds": plane.clouds, **settings}), definition
    )
    try:
        yield made
    finally:
        made.close()


def rows(data: TableData | Part, columns: str) -> set[tuple[Any, ...]]:
    """The rows of a table, as these columns have them."""
    table = data.rows if isinstance(data, Part) else data
    names = columns.split()
    found = table.columns(names)
    return set(zip(*[list(map(_plain, found[each])) for each in names], strict=True))


def count(data: TableData | Part) -> int:
    """How many rows there are."""
    return (data.rows if isinstance(data, Part) else data).num_rows


def _plain(value: Any) -> Any:
    return value.as_py() if hasattr(value, "as_py") else value


def test_every_table_is_compared() -> None:
    """No table of an OpenStack definition is left out of the comparison."""
    ours = {f"{source}:{table}" for source in SOURCES[:-1] for table in shipped_definition(source).mappings}
    assert ours - set(LISTED) == set()


@pytest.mark.parametrize(("source", "feed"), FEEDS, ids=[" ".join(each) for each in FEEDS])
def test_tables_are_what_the_sdk_lists(plane: ControlPlane, cloud: Any, objects: None, source: str, feed: str) -> None:
    """Each table has the rows that OpenStack's own SDK lists, and none is empty where there is something."""
    with opened(plane, source) as driver:

        def compared() -> dict[str, tuple[set[Any], set[Any], int]]:
            found = {}
            for table, data in driver.pull(feed, Deadline.after(60)).items():
                if (listed := LISTED.get(f"{source}:{table}")) is not None:
                    ours, theirs = rows(data, listed.columns), set(listed.rows(cloud))
                    found[table] = (ours - theirs, theirs - ours, len(theirs))
            return found

        # Something may change between the two looks, now and then.
        differing, end = compared(), time.monotonic() + 60
        while any(only or lacking for only, lacking, _ in differing.values()):
            assert time.monotonic() < end, differing
            differing = compared()
    empty = {f"{source}:{table}" for table, (_, _, count) in differing.items() if not count}
    assert empty <= EMPTY


@pytest.mark.parametrize(
    ("source", "feed", "table", "key"),
    [
        ("nova", "servers", "servers", "id"),
        ("nova", "flavors", "flavors", "id"),
        ("neutronv2", "ports", "ports", "id"),
        ("neutronv2", "networks", "networks", "id"),
        ("neutronv2", "security_groups", "security_groups", "id"),
        ("glancev2", "images", "images", "id"),
    ],
)
def test_pages_are_put_together(plane: ControlPlane, source: str, feed: str, table: str, key: str) -> None:
    """A service that gives its list one object at a time has the same tables as one that gives all of it."""
    definition = shipped_definition(source)
    reply = definition.replies[feed]
    small = replace(reply, paging=replace(reply.paging, size=("limit", 1)))
    paged = replace(definition, replies={**definition.replies, feed: small})
    with opened(plane, definition) as one, opened(plane, paged) as many:
        until(
            lambda: (
                rows(one.pull(feed, Deadline.after(60))[table], key)
                == rows(many.pull(feed, Deadline.after(60))[table], key)
            )
        )


# -- changes


class Follower:
    """What whoever polls would do: on each wake, pull what it is about, and keep the rows by their key."""

    def __init__(self, driver: OpenStackDriver) -> None:
        self._driver = driver
        self._wakes: queue.Queue[tuple[str, frozenset[str] | None]] = queue.Queue()
        self.tables: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.watch = driver.watch(self._woken)
        assert self.watch is not None

    def _woken(self, feed: str, keys: Collection[str] | None = None) -> None:
        self._wakes.put((feed, None if keys is None else frozenset(keys)))

    def follow(self) -> None:
        """Pull what was woken since, each feed once."""
        woken: dict[str, frozenset[str] | None] = {}
        while not self._wakes.empty():
            feed, keys = self._wakes.get()
            before = woken.get(feed, frozenset())
            woken[feed] = None if keys is None or before is None else before | keys
        for feed, keys in woken.items():
            deadline = Deadline.after(30)
            some = None if keys is None else self._driver.pull_some(feed, keys, deadline)
            for table, data in (some or self._driver.pull(feed, deadline)).items():
                self._take(table, data)

    def _take(self, table: str, data: TableData | Part) -> None:
        held = self.tables.setdefault(table, {})
        whole, of = (None, data) if not isinstance(data, Part) else (data, data.rows)
        names = [column.name for column in of.schema.columns]
        came = [dict(zip(names, row, strict=True)) for row in rows(of, " ".join(names))]
        for key in [key for key, row in held.items() if whole is None or row[whole.column] in whole.keys]:
            del held[key]
        held.update({str(tuple(row[each] for each in of.schema.key or names)): row for row in came})

    def rows(self, table: str, **where: Any) -> list[Mapping[str, Any]]:
        """The rows of a table with these values, once everything that was woken is pulled."""
        self.follow()
        return [
            row for row in self.tables.get(table, {}).values() if all(row[key] == value for key, value in where.items())
        ]


@contextmanager
def following(plane: ControlPlane, source: str) -> Iterator[Follower]:
    """A follower of one service that is connected to the broker and has pulled everything once."""
    with opened(plane, source, notifications={"url": plane.broker}) as driver:
        follower = Follower(driver)
        assert follower.watch is not None
        try:
            until(lambda: follower.watch is not None and follower.watch.fault is None)
            follower.follow()
            yield follower
        finally:
            follower.watch.close()


def seen(what: str, happened: Callable[[], Any], held: Callable[[], Any]) -> None:
    """Wait until OpenStack says that something happened, and then until our rows say so; print how long that took."""
    until(happened, 60)
    begun = time.monotonic()
    until(held, 60)
    sys.stdout.write(f"\n{what}: in the table {time.monotonic() - begun:.2f} s after OpenStack said so\n")


def test_changes_of_servers_are_seen(plane: ControlPlane, cloud: Any, name: str) -> None:
    """A server that is made, stopped, started, migrated or deleted is so in the tables, without a poll."""
    compute = cloud.compute
    with following(plane, "nova") as ours:
        with a_server(cloud, f"{name}-events") as server:
            id_ = server.id

            def held(**values: Any) -> Callable[[], Any]:
                return lambda: ours.rows("servers", id=id_, **values)

            def status(wanted: str) -> Callable[[], Any]:
                return lambda: compute.get_server(id_).status == wanted

            seen("made", status("ACTIVE"), held(status="ACTIVE"))
            assert ours.rows("servers.metadata", server_id=id_, key="made")
            compute.stop_server(server)
            seen("stopped", status("SHUTOFF"), held(status="SHUTOFF"))
            compute.start_server(server)
            seen("started", status("ACTIVE"), held(status="ACTIVE"))
            before = _settled(cloud, id_).compute_host
            compute.live_migrate_server(server, host=None, block_migration="auto")
            seen(
                "migrated",
                lambda: compute.get_server(id_).compute_host != before,
                lambda: [row for row in held()() if row["host_name"] not in (None, before)],
            )
            until(lambda: ours.rows("migrations", server_id=id_))
            _settled(cloud, id_)
        seen("deleted", lambda: True, lambda: not ours.rows("servers", id=id_))
        assert not ours.rows("servers.metadata", server_id=id_)


def test_a_security_group_that_is_opened_is_seen(plane: ControlPlane, cloud: Any, name: str) -> None:
    """A rule that lets SSH in from anywhere is in the tables, and out of them when it goes."""
    network = cloud.network
    with following(plane, "neutronv2") as ours:
        group = network.create_security_group(name=name)
        try:
            seen("group made", lambda: True, lambda: ours.rows("security_groups", id=group.id))
            rule = network.create_security_group_rule(
                security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22,
                remote_ip_prefix="0.0.0.0/0",
            )  # fmt: skip
            opened_ = {"id": rule.id, "port_range_min": 22, "remote_ip_prefix": "0.0.0.0/0"}
            seen("opened", lambda: True, lambda: ours.rows("security_group_rules", **opened_))
            network.delete_security_group_rule(rule)
            seen("closed", lambda: True, lambda: not ours.rows("security_group_rules", id=rule.id))
        finally:
            network.delete_security_group(group)
        seen("group gone", lambda: True, lambda: not ours.rows("security_groups", id=group.id))


def test_changes_of_ports_are_seen(plane: ControlPlane, cloud: Any, name: str) -> None:
    """Networks, subnets and ports that come and go do so in the tables."""
    network = cloud.network
    with following(plane, "neutronv2") as ours:
        made = network.create_network(name=f"{name}-events")
        try:
            seen("network made", lambda: True, lambda: ours.rows("networks", id=made.id))
            subnet = network.create_subnet(network_id=made.id, ip_version=4, cidr="192.0.2.0/24")
            seen("subnet made", lambda: True, lambda: ours.rows("allocation_pools", subnet_id=subnet.id))
            port = network.create_port(network_id=made.id)
            seen("port made", lambda: True, lambda: ours.rows("fixed_ips", port_id=port.id))
            network.update_port(port, port_security_enabled=False, security_groups=[])
            seen("port opened", lambda: True, lambda: ours.rows("ports", id=port.id, port_security_enabled=False))
            network.delete_port(port)
            seen("port gone", lambda: True, lambda: not ours.rows("ports", id=port.id))
        finally:
            network.delete_network(made)
        seen("network gone", lambda: True, lambda: not ours.rows("networks", id=made.id))


def test_changes_of_users_are_seen(plane: ControlPlane, cloud: Any, name: str) -> None:
    """Projects, users and what they may do are in the tables as soon as they are given, and out when they go."""
    identity = cloud.identity
    with following(plane, "keystonev3") as ours:
        project = identity.create_project(name=f"{name}-events", domain_id="default")
        user = identity.create_user(name=name, domain_id="default")
        try:
            seen("project made", lambda: True, lambda: ours.rows("projects", id=project.id))
            seen("user made", lambda: True, lambda: ours.rows("users", id=user.id, enabled=True))
            identity.assign_project_role_to_user(project, user, identity.find_role("reader", ignore_missing=False))
            seen("role given", lambda: True, lambda: ours.rows("role_assignments", user_id=user.id))
            identity.update_user(user, is_enabled=False)
            seen("user locked out", lambda: True, lambda: ours.rows("users", id=user.id, enabled=False))
        finally:
            identity.delete_user(user)
            identity.delete_project(project)
        seen("user gone", lambda: True, lambda: not ours.rows("users", id=user.id))
        seen("role gone", lambda: True, lambda: not ours.rows("role_assignments", user_id=user.id))
        seen("project gone", lambda: True, lambda: not ours.rows("projects", id=project.id))


def test_changes_of_images_are_seen(plane: ControlPlane, cloud: Any, name: str) -> None:
    """An image that comes, is tagged, and goes."""
    image = cloud.image
    # Glance makes its exchange with its first word, and a broker that was restarted has forgotten it.
    image.delete_image(image.create_image(name=name, disk_format="raw", container_format="bare", data=b"0", wait=True))
    with following(plane, "glancev2") as ours:
        made = image.create_image(name=name, disk_format="raw", container_format="bare", data=b"0" * 1024, wait=True)
        seen("image made", lambda: True, lambda: ours.rows("images", id=made.id, status="active"))
        image.add_tag(made, "signed")
        seen("image signed", lambda: True, lambda: ours.rows("tags", image_id=made.id, tag="signed"))
        image.delete_image(made)
        seen("image gone", lambda: True, lambda: not ours.rows("images", id=made.id))


# -- what goes wrong


def finding(driver: OpenStackDriver, feed: str) -> Diagnostic:
    """What is told of a pull that fails."""
    with pytest.raises(SourceError) as caught:
        driver.pull(feed, Deadline.after(30))
    return caught.value.diagnostics[0]


@pytest.mark.parametrize(
    ("source", "feed", "cloud", "message"),
    [
        ("nova", "servers", "lab-alpha", "`alice` has only `member`, `reader` in project `tenant-alpha`"),
        ("neutronv2", "ports", "lab-alpha", "does not see the objects of all projects"),
        ("neutronv2", "ports", "lab-auditor", "`auditor` has only `reader` in project `tenant-alpha`"),
        ("glancev2", "images", "lab-beta", "`bob` has only"),
    ],
)
def test_who_sees_a_part_is_told(plane: ControlPlane, source: str, feed: str, cloud: str, message: str) -> None:
    """A member of a project, who is given fewer rows than there are, is told so instead."""
    with opened(plane, source, cloud) as driver:
        told = finding(driver, feed)
    assert (told.code, message in told.message) == ("CL533", True), told


def test_a_role_of_the_operators_own_can_do(plane: ControlPlane, cloud: Any) -> None:
    """A role that `roles` names is enough; the service itself decides then what it gives."""
    with opened(plane, "neutronv2", "lab-alpha", roles=["member"]) as driver:
        networks = count(driver.pull("networks", Deadline.after(30))["networks"])
    assert 0 < networks < len(list(cloud.network.networks()))


def changed(plane: ControlPlane, folder: Path, **changes: Any) -> ControlPlane:
    """The control plane by a clouds.yaml in which the admin logs in with other values, or with further settings."""
    read = yaml.safe_load(plane.clouds.read_text(encoding="utf-8"))
    cloud = read["clouds"]["lab-admin"]
    cloud["auth"].update({key: value for key, value in changes.items() if key in cloud["auth"]})
    cloud.update({key: value for key, value in changes.items() if key not in cloud["auth"]})
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump(read), encoding="utf-8")
    return ControlPlane(path)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"password": "hush-hush"}, "CL531", "the log-in was refused"),
        ({"username": "nobody"}, "CL531", "the log-in was refused"),
        ({"project_name": "nowhere"}, "CL531", "the log-in was refused"),
        ({"region_name": "Elsewhere"}, "CL532", "has no public address in region `Elsewhere`"),
    ],
    ids=["a wrong password", "an unknown user", "an unknown project", "an unknown region"],
)
def test_a_log_in_that_does_not_do_is_told(
    plane: ControlPlane, tmp_path: Path, changes: dict[str, str], code: str, message: str
) -> None:
    """What Keystone refuses, or does not have, is told with a mend; and once the file is mended, it goes well."""
    with opened(changed(plane, tmp_path, **changes), "nova") as driver:
        told = finding(driver, "flavors")
        assert (told.code, message in told.message) == (code, True), told
        assert "hush" not in str(told)
        changed(plane, tmp_path)
        assert count(driver.pull("flavors", Deadline.after(30))["flavors"])


def test_a_service_that_the_cloud_lacks_is_told(plane: ControlPlane) -> None:
    """A service that is not in the catalogue is told, with those that are."""
    with opened(plane, replace(shipped_definition("glancev2"), service="object-store")) as driver:
        told = finding(driver, "images")
    assert (told.code, told.message) == ("CL532", "the catalogue has no service of type `object-store`")
    assert "`compute`" in (told.hint or "")


def test_an_api_that_is_down_is_told_and_found_again(plane: ControlPlane, cloud: Any, tmp_path: Path) -> None:
    """While Nova's API is out of reach a pull is an error, never fewer rows; afterwards it goes well by itself."""
    address = str(cloud.session.get_endpoint(service_type="compute", interface="public"))
    host, _, rest = address.removeprefix("http://").partition("/")
    proxy = Proxy(int(host.partition(":")[2]))
    through = changed(plane, tmp_path, compute_endpoint_override=f"http://127.0.0.1:{proxy.port}/{rest}")
    with opened(through, "nova", retries=1) as driver:
        before = count(driver.pull("flavors", Deadline.after(30))["flavors"])
        proxy.cut()
        told = finding(driver, "flavors")
        assert (told.code, told.place) == ("CL470", f"http://127.0.0.1:{proxy.port}/{rest}/flavors/detail?…"), told
        proxy.mend()
        assert count(driver.pull("flavors", Deadline.after(30))["flavors"]) >= before - 1
        proxy.cut()
