"""
An NFV estate on the control plane: three points of presence, three tenants, fifteen servers.

A point of presence is an availability zone with two hosts. Objects are found by
their names, and only what is missing is made, so this can run at any time.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

from tests.controlplane.seeds.cloud import connect, named, project, role, user

TENANTS = {"alpha": "alice", "beta": "bob", "gamma": "carol"}
SITES = {
    "pop-paris": ("core", ("cmp-par-1", "cmp-par-2")),
    "pop-lyon": ("edge", ("cmp-lyo-1", "cmp-lyo-2")),
    "pop-nice": ("edge", ("cmp-nce-1", "cmp-nce-2")),
}
# Name, virtual CPUs, MB of memory, GB of disk, the only tenant that may use it.
FLAVORS = (
    ("vnf.small", 1, 512, 1, None),
    ("vnf.medium", 2, 1024, 2, None),
    ("vnf.large", 4, 2048, 4, None),
    ("vnf.alpha-only", 1, 1024, 1, "alpha"),
)
# Tenant, name, policy.
GROUPS = (
    ("alpha", "mme-anti", "anti-affinity"),
    ("beta", "fw-anti", "anti-affinity"),
    ("beta", "lb-aff", "affinity"),
    ("gamma", "web-soft", "soft-anti-affinity"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server to be, and the state that it is left in."""

    tenant: str
    name: str
    flavor: str
    zone: str | None = None
    group: str | None = None
    state: str = "ACTIVE"

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that it is connected to."""
        carries = self.name.startswith(("mme", "sgw", "pgw", "fw-"))
        return (f"net-{self.tenant}-mgmt", f"net-{self.tenant}-data") if carries else (f"net-{self.tenant}-mgmt",)

    @property
    def security_groups(self) -> tuple[str, ...]:
        """The security groups that it is in."""
        serves = self.name.startswith(("web", "lb"))
        return (f"sg-{self.tenant}-mgmt", f"sg-{self.tenant}-web") if serves else (f"sg-{self.tenant}-mgmt",)

    @property
    def image(self) -> str:
        """The image that it starts from."""
        return "vnf-legacy" if self.name == "hss-1" else "vnf-base"


SERVERS = (
    Server("alpha", "mme-1", "vnf.medium", "pop-paris", "mme-anti"),
    Server("alpha", "mme-2", "vnf.medium", "pop-paris", "mme-anti"),
    Server("alpha", "sgw-1", "vnf.medium", "pop-lyon"),
    Server("alpha", "pgw-1", "vnf.alpha-only", "pop-paris"),
    Server("alpha", "hss-1", "vnf.small", "pop-lyon", state="SHUTOFF"),
    Server("beta", "fw-1", "vnf.small", "pop-lyon", "fw-anti"),
    Server("beta", "fw-2", "vnf.small", "pop-lyon", "fw-anti"),
    Server("beta", "lb-1", "vnf.small", "pop-nice", "lb-aff"),
    Server("beta", "lb-2", "vnf.small", "pop-nice", "lb-aff"),
    Server("beta", "dns-1", "vnf.small", "pop-nice", state="PAUSED"),
    Server("gamma", "web-1", "vnf.small", "pop-paris", "web-soft"),
    Server("gamma", "web-2", "vnf.small", "pop-paris", "web-soft"),
    Server("gamma", "web-3", "vnf.large", "pop-lyon", "web-soft", state="SUSPENDED"),
    Server("gamma", "web-4", "vnf.small", "pop-nice", "web-soft", state="SHUTOFF"),
    Server("gamma", "probe-1", "vnf.small"),
)


def make_tenants(cloud: Any) -> dict[str, Any]:
    """Projects with a member each, and an auditor who may read all of them."""
    member, reader = role(cloud, "member"), role(cloud, "reader")
    auditor = user(cloud, "auditor")
    projects = {}
    for tenant, person in TENANTS.items():
        made = project(cloud, f"tenant-{tenant}", description=f"NFV tenant {tenant}")
        account = user(cloud, person, default_project_id=made.id, email=f"{person}@example.org")
        cloud.identity.assign_project_role_to_user(made, account, member)
        cloud.identity.assign_project_role_to_user(made, auditor, reader)
        projects[tenant] = made
    return projects


def make_sites(cloud: Any) -> None:
    """Points of presence as aggregates with an availability zone."""
    compute = cloud.compute
    for name, (tier, hosts) in SITES.items():
        found = named(compute.aggregates(), name)
        aggregate = found or compute.create_aggregate(name=name, availability_zone=name)
        for host in set(hosts) - set(aggregate.hosts or []):
            compute.add_host_to_aggregate(aggregate, host)
        if (aggregate.metadata or {}).get("pop") != name:
            compute.set_aggregate_metadata(aggregate, {"pop": name, "country": "FR", "tier": tier})


def make_flavors(cloud: Any, projects: dict[str, Any]) -> None:
    """Sizes of servers; one of them for a single tenant."""
    compute = cloud.compute
    for name, cpus, memory, disk, tenant in FLAVORS:
        if compute.find_flavor(name):
            continue
        flavor = compute.create_flavor(name=name, vcpus=cpus, ram=memory, disk=disk, is_public=tenant is None)
        if tenant is not None:
            compute.flavor_add_tenant_access(flavor, projects[tenant].id)


def make_images(cloud: Any) -> None:
    """A signed image, and one that is not."""
    shared = {"disk_format": "raw", "container_format": "bare", "visibility": "public", "wait": True}
    if not cloud.image.find_image("vnf-base"):
        signed = {"tags": ["signed"], "vendor": "example", "min_disk": 1, "min_ram": 256}
        cloud.image.create_image(name="vnf-base", data=os.urandom(1024 * 1024), **shared, **signed)
    if not cloud.image.find_image("vnf-legacy"):
        cloud.image.create_image(name="vnf-legacy", data=b"0" * 65536, **shared)


def make_public_network(cloud: Any) -> Any:
    """The network that leads outside."""
    network = cloud.network
    public = network.find_network("public") or network.create_network(
        name="public",
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="public",
    )
    if not network.find_subnet("public-v4"):
        network.create_subnet(
            network_id=public.id, name="public-v4", ip_version=4, cidr="203.0.113.0/24", is_dhcp_enabled=False
        )
    return public


def make_networks(cloud: Any, tenant: str, number: int, public: Any) -> None:
    """A tenant's router, its two networks, and a subnet in each."""
    network = cloud.network
    router = network.find_router(f"rt-{tenant}") or network.create_router(
        name=f"rt-{tenant}", external_gateway_info={"network_id": public.id}
    )
    for place, kind in enumerate(("mgmt", "data"), 1):
        name = f"net-{tenant}-{kind}"
        made = network.find_network(name) or network.create_network(name=name)
        if network.find_subnet(f"sub-{tenant}-{kind}"):
            continue
        subnet = network.create_subnet(
            network_id=made.id, name=f"sub-{tenant}-{kind}", ip_version=4, cidr=f"10.{number}.{place}.0/24"
        )
        if kind == "mgmt":
            network.add_interface_to_router(router, subnet_id=subnet.id)


def make_security_groups(cloud: Any, tenant: str, project_id: str) -> None:
    """A tenant's security groups. One tenant leaves SSH open to the world."""
    anywhere = "0.0.0.0/0"
    wanted: dict[str, list[tuple[str, int | None, str | None]]] = {
        f"sg-{tenant}-web": [("tcp", 80, anywhere), ("tcp", 443, anywhere)],
        f"sg-{tenant}-mgmt": [("tcp", 22, anywhere if tenant == "gamma" else "10.0.0.0/8"), ("icmp", None, None)],
    }
    network = cloud.network
    there = {group.name for group in network.security_groups(project_id=project_id)}
    for name, rules in wanted.items():
        if name in there:
            continue
        group = network.create_security_group(name=name)
        for protocol, port, prefix in rules:
            network.create_security_group_rule(
                security_group_id=group.id,
                direction="ingress",
                ether_type="IPv4",
                protocol=protocol,
                port_range_min=port,
                port_range_max=port,
                remote_ip_prefix=prefix,
            )


def make_server(cloud: Any, server: Server, groups: dict[str, Any]) -> Any | None:
    """Begin to make a server; None if it is there. One that ended in an error is made anew."""
    compute = cloud.compute
    found = next(iter(compute.servers(name=f"^{server.name}$")), None)
    if found is not None and found.status != "ERROR":
        return None
    if found is not None:
        compute.delete_server(found)
        compute.wait_for_delete(found, wait=60)
    wanted: dict[str, Any] = {
        "name": server.name,
        "flavor_id": compute.find_flavor(server.flavor, ignore_missing=False).id,
        "image_id": cloud.image.find_image(server.image, ignore_missing=False).id,
        "networks": [{"uuid": cloud.network.find_network(name).id} for name in server.networks],
        "security_groups": [{"name": name} for name in server.security_groups],
        "metadata": {"vnf": server.name.partition("-")[0], "owner": server.tenant},
    }
    if server.zone:
        wanted["availability_zone"] = server.zone
    if server.group:
        wanted["scheduler_hints"] = {"group": groups[server.group].id}
    made = compute.create_server(**wanted)
    if server.group:
        # One after the other: two at once may land on one host, and the second then ends in an error.
        compute.wait_for_server(made, wait=180, interval=0.5)
    return made


def settle(cloud: Any, made: Any, state: str) -> None:
    """Wait for a server, and leave it in a state."""
    compute = cloud.compute
    running = compute.wait_for_server(made, wait=180, interval=0.5)
    leave = {"SHUTOFF": compute.stop_server, "PAUSED": compute.pause_server, "SUSPENDED": compute.suspend_server}
    if state in leave:
        leave[state](running)
        compute.wait_for_server(running, status=state, interval=0.5)


def make_servers(tenants: dict[str, Any]) -> None:
    """All servers, in their groups."""
    groups = {}
    for tenant, name, policy in GROUPS:
        compute = tenants[tenant].compute
        found = named(compute.server_groups(), name)
        groups[name] = found or compute.create_server_group(name=name, policy=policy)
    made = [(each, make_server(tenants[each.tenant], each, groups)) for each in SERVERS]
    for server, begun in made:
        if begun is not None:
            settle(tenants[server.tenant], begun, server.state)
    sys.stdout.write(f"servers made: {sum(begun is not None for _, begun in made)}\n")


def make_floating_ip(cloud: Any, public: Any) -> None:
    """An external address for a load balancer."""
    if list(cloud.network.ips()):
        return
    balancer = next(cloud.compute.servers(name="^lb-1$"))
    port = next(cloud.network.ports(device_id=balancer.id))
    cloud.network.create_ip(floating_network_id=public.id, port_id=port.id)


def main() -> None:
    """Make what is missing."""
    cloud = connect()
    projects = make_tenants(cloud)
    make_flavors(cloud, projects)
    make_sites(cloud)
    make_images(cloud)
    public = make_public_network(cloud)
    tenants = {tenant: connect(f"lab-{tenant}") for tenant in TENANTS}
    for number, (tenant, own) in enumerate(tenants.items(), 1):
        make_networks(own, tenant, number, public)
        make_security_groups(own, tenant, projects[tenant].id)
    make_servers(tenants)
    make_floating_ip(tenants["beta"], public)


if __name__ == "__main__":
    main()
