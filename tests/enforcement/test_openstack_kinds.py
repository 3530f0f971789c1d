"""What is declared of the executor `openstack` holds: its actions can be done, and their effects fit Nova's tables."""

from __future__ import annotations

from typing import Any

import pytest

from congresslite.actions import kinds_of
from congresslite.actions.openstack import SERVERS
from congresslite.analysis.simulation import simulate
from congresslite.api import Engine, Policy
from congresslite.enforcement.openstack.operations import OPERATIONS
from congresslite.enforcement.openstack.volumes import ACTIONS
from congresslite.schema import RowsTable, TableSchema
from congresslite.sources.definitions import shipped_definition

KINDS = kinds_of("openstack")
NOVA = shipped_definition("nova").named("paris")
TABLES = ("servers", "servers.addresses", "tags", "servers.metadata", "servers.security_groups", "servers.volumes",
          "server_groups.members", "hypervisors")  # fmt: skip
SERVER = {
    "id": "s1", "name": "mme", "status": "ACTIVE", "vm_state": "active", "power_state": 1, "flavor_id": "f1",
    "image_id": "i1", "host_name": "h1.lab", "locked": False, "tenant_id": "t1",
}  # fmt: skip
GIVEN: dict[str, list[dict[str, Any]]] = {
    "servers": [SERVER, {**SERVER, "id": "s2"}],
    "servers.volumes": [{"server_id": "s1", "volume_id": "v1"}, {"server_id": "s2", "volume_id": "v2"}],
    "tags": [{"server_id": "s1", "tag": "vnf"}],
    "server_groups.members": [{"group_id": "g1", "server_id": "s1"}],
    "hypervisors": [{"hypervisor_hostname": f"{host}.lab", "host": host} for host in ("h1", "h2")],
}


def table(name: str) -> RowsTable:
    """A table of Nova's with what there is."""
    schema: TableSchema = NOVA.schema(name)
    columns = [column.name for column in schema.columns]
    return RowsTable(schema, [tuple(row.get(column) for column in columns) for row in GIVEN.get(name, [])])


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An estate with two servers and the effects of all actions, called at a target of another name."""
    rules = [rule.format(source="paris", target="act") for kind in KINDS.values() for rule in kind.effects]
    policy = Policy("acts", "\n".join(["policy acts.", *rules]), "acts.dl")
    return Engine.load([policy], {f"paris:{name}": table(name) for name in TABLES})


def simulated(engine: Engine, step: str) -> dict[str, list[tuple[Any, ...]]]:
    """The rows that come and go by an action."""
    (done,) = simulate(engine, [step]).steps[0].parts
    assert done.result == "done", done
    return {
        "insert": [(name, *row) for name, change in done.rows.items() for row in change.insert],
        "delete": [(name, *row) for name, change in done.rows.items() for row in change.delete],
    }


def test_the_columns_are_those_of_the_definition():
    """Effects name the columns that `servers` has, in their order."""
    assert tuple(column.name for column in NOVA.schema("servers").columns) == SERVERS


def test_each_action_is_done_by_somebody():
    """What is declared can be done, and what can be done is declared."""
    assert set(KINDS) == set(OPERATIONS) | set(ACTIONS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_inverse_takes_what_the_action_takes(kind: Any):
    """An action can be undone with its own first terms, and the inverse of an inverse is the action."""
    if kind.inverse is None:
        return
    inverse = KINDS[kind.inverse]
    names = [each.name for each in kind.parameters]
    assert [each.name for each in inverse.parameters[: inverse.least]] == names[: inverse.least]
    assert inverse.inverse == kind.name


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_effects_are_told_for_every_way_to_call(kind: Any):
    """An action on a server has effects with and without the terms that may be left out."""
    if kind.name in ACTIONS:
        assert kind.effects == ()
        return
    for terms in range(kind.least, len(kind.parameters) + 1):
        names = [each.name for each in kind.parameters[:terms]]
        calls = {f"{{target}}:{kind.name}({', '.join(given)})" for given in (names, [names[0], "_"])}
        assert any(call in rule for rule in kind.effects for call in calls), (kind.name, terms)


@pytest.mark.parametrize(
    ("step", "changed"),
    [
        ('act:stop("s1")', {"status": "SHUTOFF", "vm_state": "stopped", "power_state": 4}),
        ('act:pause("s1")', {"status": "PAUSED", "vm_state": "paused", "power_state": 3}),
        ('act:suspend("s1")', {"status": "SUSPENDED", "vm_state": "suspended", "power_state": 4}),
        ('act:migrate("s1")', {"host_name": None}),
        ('act:migrate("s1", "h2")', {"host_name": "h2.lab"}),
        ('act:live_migrate("s1", "h2")', {"host_name": "h2.lab"}),
        ('act:evacuate("s1", "h2")', {"host_name": "h2.lab"}),
        ('act:resize("s1", "f2")', {"flavor_id": "f2"}),
        ('act:rebuild("s1", "i2")', {"image_id": "i2"}),
    ],
)
def test_effects_on_a_server(engine: Engine, step: str, changed: dict[str, Any]):
    """An action changes what it says of one server, and nothing else of it."""
    found = simulated(engine, step)
    columns = [column.name for column in NOVA.schema("servers").columns]
    (before,), (after,) = found["delete"], found["insert"]
    assert dict(zip(columns, before[1:], strict=True)) == {**dict.fromkeys(columns), **SERVER}
    assert dict(zip(columns, after[1:], strict=True)) == {**dict.fromkeys(columns), **SERVER, **changed}


@pytest.mark.parametrize(
    ("step", "side", "rows"),
    [
        ('act:attach_volume("s1", "v9")', "insert", {("paris:servers.volumes", "s1", "v9")}),
        ('act:detach_volume("s1", "v1")', "delete", {("paris:servers.volumes", "s1", "v1")}),
        ('act:delete("s1")', "delete", {
            ("paris:servers.volumes", "s1", "v1"), ("paris:tags", "s1", "vnf"),
            ("paris:server_groups.members", "g1", "s1"),
        }),
    ],
    ids=["attach", "detach", "delete"],
)  # fmt: skip
def test_effects_on_what_belongs_to_a_server(engine: Engine, step: str, side: str, rows: set[tuple[Any, ...]]):
    """Volumes come and go, and with a server goes all that belongs to it."""
    found = simulated(engine, step)
    assert {row for row in found[side] if row[0] != "paris:servers"} == rows
    assert [row[1] for row in found["delete"] if row[0] == "paris:servers"] == (["s1"] if "delete" in step else [])
