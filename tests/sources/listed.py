"""
What a cloud holds as OpenStack's own SDK lists it: for each table of the shipped definitions some columns of its rows.

The SDK asks, pages and reads by itself, and knows nothing of our definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

# As the definitions ask: names of these versions' fields differ from those of later ones.
SERVERS = "2.46"
GROUPS = "2.64"
SERVICES = "2.53"
MIGRATIONS = "2.80"
VNFM = {"service_type": "nfv-orchestration", "interface": "public"}


@dataclass(frozen=True, slots=True)
class Listed:
    """Columns of a table, and what the SDK gives for them."""

    columns: str
    rows: Callable[[Any], Iterable[tuple[Any, ...]]]


def _servers(cloud: Any) -> Any:
    cloud.compute.default_microversion = SERVERS
    return cloud.compute.servers(all_projects=True)


def _flavors(cloud: Any) -> Any:
    return cloud.compute.flavors(is_public=None, get_extra_specs=True)


def _groups(cloud: Any) -> Any:
    cloud.compute.default_microversion = GROUPS
    return cloud.compute.server_groups(all_projects=True)


def _raw(cloud: Any, service: str, path: str, **headers: str) -> Any:
    filter_ = {"service_type": service, "interface": "public"}
    return cloud.session.get(path, endpoint_filter=filter_, headers=headers).json()


def _providers(cloud: Any, part: str) -> Iterable[tuple[str, Any]]:
    """For each resource provider what Placement says under a part of its path."""
    version = {"OpenStack-API-Version": "placement 1.39"}
    for provider in cloud.placement.resource_providers():
        yield provider.id, _raw(cloud, "placement", f"/resource_providers/{provider.id}/{part}", **version)[part]


def _services(cloud: Any) -> Any:
    cloud.compute.default_microversion = SERVICES
    return cloud.compute.services()


def _hypervisors(cloud: Any) -> Iterable[Any]:
    found = _raw(cloud, "compute", "/os-hypervisors/detail", **{"OpenStack-API-Version": f"compute {SERVICES}"})
    return [(each["hypervisor_hostname"], each["id"], each["state"], each["status"]) for each in found["hypervisors"]]


def _migrations(cloud: Any) -> Iterable[Any]:
    found = _raw(cloud, "compute", "/os-migrations", **{"OpenStack-API-Version": f"compute {MIGRATIONS}"})
    return [(each["uuid"], each["instance_uuid"], each["migration_type"]) for each in found["migrations"]]


def _vnfs(cloud: Any) -> list[dict[str, Any]]:
    version = {"Version": "2.0.0"}
    base = "/vnflcm/v2/vnf_instances"
    return [
        _raw(cloud, "nfv-orchestration", f"{base}/{each['id']}", **version)
        for each in _raw(cloud, "nfv-orchestration", base, **version)
    ]


def _parts(cloud: Any, name: str) -> Iterable[tuple[str, dict[str, Any]]]:
    return [(vnf["id"], part) for vnf in _vnfs(cloud) for part in vnf.get("instantiatedVnfInfo", {}).get(name, ())]


LISTED: dict[str, Listed] = {
    "nova:servers": Listed(
        "id name status tenant_id host_name vm_state flavor_id image_id zone",
        lambda c: [
            (
                s.id,
                s.name,
                s.status,
                s.project_id,
                s.hypervisor_hostname,
                s.vm_state,
                s.flavor.id,
                (s.image or {}).get("id"),
                s.availability_zone,
            )
            for s in _servers(c)
        ],
    ),
    "nova:servers.addresses": Listed(
        "server_id network_name address version mac_address",
        lambda c: [
            (s.id, network, a["addr"], a["version"], a["OS-EXT-IPS-MAC:mac_addr"])
            for s in _servers(c)
            for network, of in s.addresses.items()
            for a in of
        ],
    ),
    "nova:tags": Listed("server_id tag", lambda c: [(s.id, tag) for s in _servers(c) for tag in s.tags or ()]),
    "nova:servers.metadata": Listed(
        "server_id key value", lambda c: [(s.id, *entry) for s in _servers(c) for entry in s.metadata.items()]
    ),
    "nova:servers.security_groups": Listed(
        "server_id name", lambda c: [(s.id, g["name"]) for s in _servers(c) for g in s.security_groups or ()]
    ),
    "nova:servers.volumes": Listed(
        "server_id volume_id", lambda c: [(s.id, v["id"]) for s in _servers(c) for v in s.attached_volumes or ()]
    ),
    "nova:flavors": Listed(
        "id name vcpus ram disk is_public",
        lambda c: [(f.id, f.name, f.vcpus, f.ram, f.disk, f.is_public) for f in _flavors(c)],
    ),
    "nova:flavors.extra_specs": Listed(
        "flavor_id key value", lambda c: [(f.id, *entry) for f in _flavors(c) for entry in f.extra_specs.items()]
    ),
    "nova:hypervisors": Listed("hypervisor_hostname id state status", _hypervisors),
    "nova:services": Listed(
        "service_id binary host state status",
        lambda c: [(s.id, s.binary, s.host, s.state, s.status) for s in _services(c)],
    ),
    "nova:availability_zones": Listed(
        "zone state",
        lambda c: [
            (z.name, "available" if z.state["available"] else "not available")
            for z in c.compute.availability_zones(details=True)
        ],
    ),
    "nova:aggregates": Listed(
        "id name availability_zone", lambda c: [(a.id, a.name, a.availability_zone) for a in c.compute.aggregates()]
    ),
    "nova:aggregates.hosts": Listed(
        "aggregate_id host", lambda c: [(a.id, host) for a in c.compute.aggregates() for host in a.hosts]
    ),
    "nova:aggregates.metadata": Listed(
        "aggregate_id key value",
        lambda c: [(a.id, *entry) for a in c.compute.aggregates() for entry in a.metadata.items()],
    ),
    "nova:server_groups": Listed(
        "id name policy project_id", lambda c: [(g.id, g.name, g.policy, g.project_id) for g in _groups(c)]
    ),
    "nova:server_groups.members": Listed(
        "group_id server_id", lambda c: [(g.id, member) for g in _groups(c) for member in g.member_ids]
    ),
    "nova:migrations": Listed("uuid server_id type", _migrations),
    "neutronv2:networks": Listed(
        "id name tenant_id status shared router_external mtu",
        lambda c: [
            (n.id, n.name, n.project_id, n.status, n.is_shared, n.is_router_external, n.mtu)
            for n in c.network.networks()
        ],
    ),
    "neutronv2:subnets": Listed(
        "id name network_id cidr gateway_ip enable_dhcp",
        lambda c: [(s.id, s.name, s.network_id, s.cidr, s.gateway_ip, s.is_dhcp_enabled) for s in c.network.subnets()],
    ),
    "neutronv2:allocation_pools": Listed(
        "subnet_id start end",
        lambda c: [(s.id, p["start"], p["end"]) for s in c.network.subnets() for p in s.allocation_pools],
    ),
    "neutronv2:dns_nameservers": Listed(
        "subnet_id dns_nameserver", lambda c: [(s.id, each) for s in c.network.subnets() for each in s.dns_nameservers]
    ),
    "neutronv2:host_routes": Listed(
        "subnet_id destination nexthop",
        lambda c: [(s.id, r["destination"], r["nexthop"]) for s in c.network.subnets() for r in s.host_routes],
    ),
    "neutronv2:ports": Listed(
        "id network_id mac_address device_id device_owner host_id port_security_enabled",
        lambda c: [
            (
                p.id,
                p.network_id,
                p.mac_address,
                p.device_id,
                p.device_owner,
                p.binding_host_id,
                p.is_port_security_enabled,
            )
            for p in c.network.ports()
        ],
    ),
    "neutronv2:fixed_ips": Listed(
        "port_id ip_address subnet_id",
        lambda c: [(p.id, ip["ip_address"], ip["subnet_id"]) for p in c.network.ports() for ip in p.fixed_ips],
    ),
    "neutronv2:security_group_port_bindings": Listed(
        "port_id security_group_id",
        lambda c: [(p.id, group) for p in c.network.ports() for group in p.security_group_ids],
    ),
    "neutronv2:allowed_address_pairs": Listed(
        "port_id ip_address mac_address",
        lambda c: [
            (p.id, a["ip_address"], a["mac_address"]) for p in c.network.ports() for a in p.allowed_address_pairs
        ],
    ),
    "neutronv2:routers": Listed(
        "id name tenant_id", lambda c: [(r.id, r.name, r.project_id) for r in c.network.routers()]
    ),
    "neutronv2:external_gateway_infos": Listed(
        "router_id network_id",
        lambda c: [
            (r.id, r.external_gateway_info["network_id"]) for r in c.network.routers() if r.external_gateway_info
        ],
    ),
    "neutronv2:external_fixed_ips": Listed(
        "router_id subnet_id ip_address",
        lambda c: [
            (r.id, ip["subnet_id"], ip["ip_address"])
            for r in c.network.routers()
            if r.external_gateway_info
            for ip in r.external_gateway_info["external_fixed_ips"]
        ],
    ),
    "neutronv2:security_groups": Listed(
        "id name tenant_id", lambda c: [(g.id, g.name, g.project_id) for g in c.network.security_groups()]
    ),
    "neutronv2:security_group_rules": Listed(
        "id security_group_id direction ethertype protocol port_range_min port_range_max remote_ip_prefix",
        lambda c: [
            (
                r.id,
                r.security_group_id,
                r.direction,
                r.ether_type,
                r.protocol,
                r.port_range_min,
                r.port_range_max,
                r.remote_ip_prefix,
            )
            for r in c.network.security_group_rules()
        ],
    ),
    "neutronv2:floating_ips": Listed(
        "id floating_ip_address port_id", lambda c: [(f.id, f.floating_ip_address, f.port_id) for f in c.network.ips()]
    ),
    "neutronv2:agents": Listed(
        "id agent_type host alive", lambda c: [(a.id, a.agent_type, a.host, a.is_alive) for a in c.network.agents()]
    ),
    "keystonev3:users": Listed(
        "id name enabled domain_id", lambda c: [(u.id, u.name, u.is_enabled, u.domain_id) for u in c.identity.users()]
    ),
    "keystonev3:projects": Listed(
        "id name enabled domain_id",
        lambda c: [(p.id, p.name, p.is_enabled, p.domain_id) for p in c.identity.projects()],
    ),
    "keystonev3:projects.tags": Listed(
        "project_id tag", lambda c: [(p.id, tag) for p in c.identity.projects() for tag in p.tags]
    ),
    "keystonev3:roles": Listed("id name", lambda c: [(r.id, r.name) for r in c.identity.roles()]),
    "keystonev3:domains": Listed(
        "id name enabled", lambda c: [(d.id, d.name, d.is_enabled) for d in c.identity.domains()]
    ),
    "keystonev3:role_assignments": Listed(
        "user_id role_id project_id",
        lambda c: [
            (a.user and a.user["id"], a.role["id"], a.scope.get("project", {}).get("id"))
            for a in c.identity.role_assignments()
        ],
    ),
    "keystonev3:regions": Listed("id", lambda c: [(r.id,) for r in c.identity.regions()]),
    "keystonev3:services": Listed("id name type", lambda c: [(s.id, s.name, s.type) for s in c.identity.services()]),
    "keystonev3:endpoints": Listed(
        "id interface url", lambda c: [(e.id, e.interface, e.url) for e in c.identity.endpoints()]
    ),
    "glancev2:images": Listed("id name status", lambda c: [(i.id, i.name, i.status) for i in c.image.images()]),
    "glancev2:tags": Listed("image_id tag", lambda c: [(i.id, tag) for i in c.image.images() for tag in i.tags]),
    "placement:resource_providers": Listed(
        "id name", lambda c: [(p.id, p.name) for p in c.placement.resource_providers()]
    ),
    "placement:inventories": Listed(
        "resource_provider resource_class total reserved",
        lambda c: [
            (p, name, i["total"], i["reserved"]) for p, of in _providers(c, "inventories") for name, i in of.items()
        ],
    ),
    "placement:usages": Listed(
        "resource_provider resource_class used",
        lambda c: [(p, *used) for p, of in _providers(c, "usages") for used in of.items()],
    ),
    "placement:allocations": Listed(
        "resource_provider consumer resource_class used",
        lambda c: [
            (p, consumer, *used)
            for p, of in _providers(c, "allocations")
            for consumer, a in of.items()
            for used in a["resources"].items()
        ],
    ),
    "placement:traits": Listed(
        "resource_provider trait", lambda c: [(p, t) for p, of in _providers(c, "traits") for t in of]
    ),
    "placement:aggregates": Listed(
        "resource_provider aggregate", lambda c: [(p, a) for p, of in _providers(c, "aggregates") for a in of]
    ),
    "vnfm:vnf_instances": Listed(
        "id vnf_instance_name instantiation_state",
        lambda c: [(v["id"], v.get("vnfInstanceName"), v["instantiationState"]) for v in _vnfs(c)],
    ),
    "vnfm:vnfc_resources": Listed(
        "id vnf_instance_id vdu_id resource_id",
        lambda c: [
            (r["id"], vnf, r["vduId"], r["computeResource"]["resourceId"]) for vnf, r in _parts(c, "vnfcResourceInfo")
        ],
    ),
    "vnfm:vnf_packages": Listed(
        "id onboarding_state",
        lambda c: [(p["id"], p["onboardingState"]) for p in _raw(c, "nfv-orchestration", "/vnfpkgm/v1/vnf_packages")],
    ),
}
