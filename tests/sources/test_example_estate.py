"""The shipped definitions, held against the example estate and against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from congresslite.schema import Choice, ColumnValues, Range, Reference, Scalar, TableSchema, Type
from congresslite.share import share
from congresslite.sources import (
    Inventory,
    catalog_of_definitions,
    open_inventory,
    owner_path,
    shipped_definition,
    shipped_names,
)

# How many rows each table of the estate has.
ROWS = {
    "glancev2": "images=2 tags=1",
    "keystonev3": """domains=2 endpoints=21 projects=7 projects.tags=0 regions=1 role_assignments=20 roles=6 services=7
        users=12""",
    "neutronv2": """agents=6 allocation_pools=7 allowed_address_pairs=0 dns_nameservers=0 external_fixed_ips=3
        external_gateway_infos=3 fixed_ips=32 floating_ips=1 host_routes=0 networks=7 ports=32 routers=3
        security_group_port_bindings=31 security_group_rules=40 security_groups=10 subnets=7""",
    "nova": """aggregates=3 aggregates.hosts=6 aggregates.metadata=12 availability_zones=4 flavors=4
        flavors.extra_specs=0 hypervisors=6 migrations=2 server_groups=4 server_groups.members=10 servers=19
        servers.addresses=26 servers.metadata=30 servers.security_groups=31 servers.volumes=0 services=8 tags=0""",
    "placement": "aggregates=6 allocations=57 inventories=18 resource_providers=6 traits=60 usages=18",
    "pop": """capacity=9 hosts=6 links=9 partners=2 regions=3 service_limits=9 services=6 sites=3 tenants=3
        vnf_servers=19 vnfs=12 wan_links=6""",
    "vnfm": """alarms=4 ext_cps=4 ext_link_ports=4 ext_virtual_links=4 max_scale_levels=2 pm_job_metrics=2
        pm_job_objects=1 pm_job_reports=0 pm_jobs=1 scale_status=2 storage_resources=0 thresholds=1
        vim_connections=2 virtual_links=0 vnf_instances=4 vnf_lcm_op_occs=2 vnf_packages=1
        vnfc_info=4 vnfc_resources=4""",
}
MME_1 = "0467ee84-9def-4734-a6ac-7998327b8d14"
ALPHA = "7b2cc095d0f24c6bbfc09ef55b012fe8"
EDGE_FIREWALL = "6727dde2-5f4f-4ad9-817c-13f8e3b41fe3"

# What others post, or the engine itself fills, comes and goes, and is in no estate.
POSTED = tuple(name for name in shipped_names() if not shipped_definition(name).replies)

# The columns of OpenStack Congress's tables, in its order: its rules may read them by place.
CONGRESS = {
    "nova:servers": "id name host_id status tenant_id user_id image_id flavor_id zone host_name created_at",
    "nova:servers.addresses": "server_id network_name address version mac_address address_type",
    "nova:tags": "server_id tag",
    "nova:flavors": "id name vcpus ram disk ephemeral rxtx_factor",
    "nova:hypervisors": "hypervisor_hostname id state status",
    "nova:services": "service_id binary host zone status state updated_at disabled_reason",
    "nova:availability_zones": "zone state",
    "neutronv2:networks": "id tenant_id name status admin_state_up shared",
    "neutronv2:ports": """id tenant_id name network_id mac_address admin_state_up status device_id device_owner""",
    "neutronv2:fixed_ips": "port_id ip_address subnet_id",
    "neutronv2:security_group_port_bindings": "port_id security_group_id",
    "neutronv2:subnets": """id tenant_id name network_id ip_version cidr gateway_ip enable_dhcp ipv6_ra_mode
        ipv6_address_mode""",
    "neutronv2:allocation_pools": "subnet_id start end",
    "neutronv2:dns_nameservers": "subnet_id dns_nameserver",
    "neutronv2:host_routes": "subnet_id destination nexthop",
    "neutronv2:routers": "id tenant_id status admin_state_up name distributed",
    "neutronv2:external_gateway_infos": "router_id network_id enable_snat",
    "neutronv2:external_fixed_ips": "router_id subnet_id ip_address",
    "neutronv2:security_groups": "id tenant_id name description",
    "neutronv2:security_group_rules": """security_group_id id tenant_id remote_group_id direction ethertype protocol
        port_range_min port_range_max remote_ip_prefix""",
    "neutronv2:floating_ips": """id router_id tenant_id floating_network_id fixed_ip_address floating_ip_address port_id
        status""",
    "keystonev3:users": "id description name enabled project_id domain_id email",
    "keystonev3:roles": "id name",
    "keystonev3:projects": "enabled description name domain_id id",
    "keystonev3:domains": "enabled description name id",
    "glancev2:images": """id status name container_format created_at updated_at disk_format owner protected min_ram
        min_disk checksum size file kernel_id ramdisk_id schema visibility""",
    "glancev2:tags": "image_id tag",
}


@cache
def estate() -> Inventory:
    """The example estate, read once."""
    return open_inventory(share("examples") / "estate")


def column(table: str, name: str) -> list[Scalar]:
    """The values of a column of the estate."""
    values: ColumnValues = estate().table(table).columns([name])[name]
    return values if isinstance(values, list) else values.to_pylist()


def row(table: str, key: str) -> dict[str, Scalar]:
    """The row of the estate whose first column has a value."""
    names = [each.name for each in estate().catalog[table].columns]
    place = column(table, names[0]).index(key)
    return {name: column(table, name)[place] for name in names}


TABLES = [(name, int(count)) for source in ROWS for name, _, count in (
    f"{source}:{entry}".rpartition("=") for entry in ROWS[source].split()
)]  # fmt: skip


@pytest.mark.parametrize(("table", "count"), TABLES, ids=[name for name, _ in TABLES])
def test_tables(table: str, count: int) -> None:
    """Each table of the estate has its rows, each value of the type and in the domain that its definition says."""
    schema = estate().catalog[table]
    assert estate().table(table).num_rows == count
    for each in schema.columns:
        values = [value for value in column(table, each.name) if value is not None]
        if each.type is not Type.ANY:
            python = {Type.STR: str, Type.INT: int, Type.FLOAT: float, Type.BOOL: bool}[each.type]
            assert {type(value) for value in values} <= {python}
        match each.domain:
            case Choice(allowed):
                assert set(values) <= set(allowed)
            case Range(low, high):
                numbers = [value for value in values if isinstance(value, int | float)]
                assert all((low is None or low <= n) and (high is None or n <= high) for n in numbers)


def test_every_table_is_counted() -> None:
    """The estate has every table of every definition that ships, those of webhooks excepted, and no other."""
    shipped = [name for name in catalog_of_definitions() if name.partition(":")[0] not in POSTED]
    assert sorted(estate().catalog) == sorted(name for name, _ in TABLES) == sorted(shipped)
    assert set(ROWS) == set(shipped_names()) - set(POSTED)


def test_rows() -> None:
    """Some rows of the estate, as the replies have them."""
    server = row("nova:servers", MME_1)
    shown = ("name", "status", "tenant_id", "zone", "host_name", "locked", "power_state")
    assert [server[key] for key in shown] == ["mme-1", "ACTIVE", ALPHA, "pop-paris", "cmp-par-1", False, 1]
    assert row("nova:flavors", str(server["flavor_id"]))["vcpus"] == 2
    assert row("nova:availability_zones", "pop-nice") == {"zone": "pop-nice", "state": "available"}
    firewall = row("vnfm:vnf_instances", EDGE_FIREWALL)
    assert (firewall["vnf_instance_name"], firewall["vnf_state"]) == ("edge-fw-alpha", "STARTED")
    spare = row("vnfm:vnf_instances", "0f465e60-dbca-422f-be2f-a420b2bc7127")
    assert (spare["instantiation_state"], spare["vnf_state"], spare["flavour_id"]) == ("NOT_INSTANTIATED", None, None)
    assert set(column("vnfm:vnfc_resources", "resource_id")) <= set(column("nova:servers", "id"))
    used = dict(zip(zip(column("placement:usages", "resource_provider"), column("placement:usages", "resource_class"),
                        strict=True), column("placement:usages", "used"), strict=True))  # fmt: skip
    assert used["12b0272e-c29a-463b-8f95-a748f5b924bc", "VCPU"] == 3


def references() -> Iterator[tuple[str, str, Reference]]:
    """Each reference of the shipped definitions: table, column, and where it leads."""
    for name, schema in catalog_of_definitions().items():
        for each in schema.columns:
            if each.references is not None:
                yield name, each.name, each.references


REFERENCES = list(references())


@pytest.mark.parametrize(("table", "name", "to"), REFERENCES, ids=[f"{each[0]}.{each[1]}" for each in REFERENCES])
def test_references(table: str, name: str, to: Reference) -> None:
    """References lead to a column of a definition that ships, of the same type, and in the estate to a value."""
    schemas = catalog_of_definitions()
    types = [schema.columns[place].type for schema, place in (
        (schemas[table], schemas[table].position(name)), (schemas[to.table], schemas[to.table].position(to.column))
    ) if place is not None]  # fmt: skip
    assert len(types) == 2
    assert types[0] is types[1]
    if table.partition(":")[0] not in POSTED:
        assert set(column(table, name)) - {None} <= set(column(to.table, to.column))


def test_keys() -> None:
    """No two rows of the estate share a key."""
    for name, schema in estate().catalog.items():
        if schema.key:
            keys = list(zip(*(column(name, each) for each in schema.key), strict=True))
            assert len(set(keys)) == len(keys), name


@pytest.mark.parametrize("table", CONGRESS)
def test_congress(table: str) -> None:
    """What Congress's rules read by name or by place is there, in its order."""
    expected = CONGRESS[table].split()
    assert [each.name for each in catalog_of_definitions()[table].columns][: len(expected)] == expected


@pytest.mark.parametrize("source", shipped_names())
def test_definitions(source: str) -> None:
    """A definition is named as its file, describes its tables, and can be read by rules: its names are identifiers."""
    definition = shipped_definition(source)
    assert definition.source == source
    assert definition.description.endswith(".")
    for name in definition.declarations:
        schema: TableSchema = definition.schema(name)
        assert schema.description, name
        for each in (name, *(each.name for each in schema.columns)):
            assert re.fullmatch(r"[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*", each)
        assert not {"true", "false", "null", "in", "or", "not"} & {each.name for each in schema.columns}
    used = {mapping.reply for mapping in definition.mappings.values()}
    assert used == {*definition.replies, *definition.hooks}


def test_owners() -> None:
    """An object leads to its tenant, however far it lies from it; who belongs to nobody leads nowhere."""
    inventory = estate()

    def way(table: str) -> list[str]:
        return [f"{step.column} -> {step.to.table}" for step in owner_path(table, inventory.catalog, inventory.owners)]

    assert way("neutronv2:fixed_ips") == ["port_id -> neutronv2:ports", "tenant_id -> keystonev3:projects"]
    assert way("placement:allocations") == ["consumer -> nova:servers", "tenant_id -> keystonev3:projects"]
    assert way("pop:vnf_servers") == ["vnf -> pop:vnfs", "service -> pop:services", "tenant -> pop:tenants"]
    assert way("nova:hypervisors") == []


def test_no_secrets() -> None:
    """Nothing in the estate is a secret, nor anything that a server was started with."""
    for path in (share("examples") / "estate").rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"user_data|adminPass|\"password\"|PRIVATE KEY|X-Auth-Token", text), path
