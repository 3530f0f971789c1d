"""What the actions of `vnfm` are said to change, held against the shipped tables and tried out by simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from congresslite import Engine, simulate
from congresslite.actions import kinds_of
from congresslite.api import Policy
from congresslite.diagnostics import Source
from congresslite.language.check import check_sources
from congresslite.schema import RowsTable, Scalar
from congresslite.sources.definitions import catalog_of_definitions

HELD: Mapping[str, list[dict[str, Scalar]]] = {
    "vnf_instances": [
        {"id": "v1", "vnf_instance_name": "one", "instantiation_state": "INSTANTIATED", "flavour_id": "simple",
         "vnf_state": "STARTED"},
        {"id": "v2", "instantiation_state": "NOT_INSTANTIATED"},
    ],
    "vnfc_info": [{"id": "p1", "vnf_instance_id": "v1", "vnfc_state": "STOPPED"}],
    "vnfc_resources": [{"id": "p1", "vnf_instance_id": "v1", "vdu_id": "web", "resource_id": "s1"}],
    "scale_status": [{"vnf_instance_id": "v1", "aspect_id": "web", "scale_level": 1}],
    "vnf_lcm_op_occs": [{"id": "o1", "vnf_instance_id": "v1", "operation": "SCALE", "operation_state": "FAILED_TEMP"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("step", "changed"),
    [
        ('vnfm:scale_out("v1", "web")', {"scale_status": {"scale_level": 2}}),
        ('vnfm:scale_out("v1", "web", 3)', {"scale_status": {"scale_level": 4}}),
        ('vnfm:scale_in("v1", "web", 1)', {"scale_status": {"scale_level": 0}}),
        ('vnfm:stop("v1", "GRACEFUL", 5)', {"vnf_instances": {"vnf_state": "STOPPED"}}),
        ('vnfm:change_flavour("v1", "big")', {"vnf_instances": {"flavour_id": "big"}}),
        ('vnfm:heal("v1", "why")', {"vnfc_info": {"vnfc_state": "STARTED"}}),
        ('vnfm:rollback("o1")', {"vnf_lcm_op_occs": {"operation_state": "ROLLED_BACK"}}),
        ('vnfm:terminate("v1")', {
            "vnf_instances": {"instantiation_state": "NOT_INSTANTIATED", "flavour_id": None, "vnf_state": None},
            "vnfc_info": None, "vnfc_resources": None, "scale_status": None,
        }),
    ],
)  # fmt: skip
def test_a_simulated_action_changes_what_it_is_about(step: str, changed: Mapping[str, Any]) -> None:
    """Each effect changes the columns that the action changes, keeps the others, and touches no other row."""
    catalog = catalog_of_definitions()
    tables = {}
    for name, rows in HELD.items():
        schema = catalog.tables[f"vnfm:{name}"]
        listed = [tuple(row.get(each.name) for each in schema.columns) for row in rows]
        tables[schema.name] = RowsTable(schema, listed)
    for name, schema in catalog.tables.items():
        if name.startswith("vnfm:") and name not in tables:
            tables[name] = RowsTable(schema, [])
    effects = [each for kind in kinds_of("vnfm").values() for each in kind.effects]
    text = "policy effects.\n" + "\n".join(each.format(source="vnfm", target="vnfm") for each in effects)
    (done_,) = simulate(Engine.load([Policy("effects", text, "effects.dl")], tables), [step]).steps
    (part,) = done_.parts
    for table, delta in part.rows.items():
        columns = [each.name for each in catalog.tables[table].columns]
        (before,) = [dict(zip(columns, row, strict=True)) for row in delta.delete]
        short = table.partition(":")[2]
        assert {key: value for key, value in before.items() if value is not None} == HELD[short][0]
        after = [{**before, **changed[short]}] if changed[short] is not None else []
        assert [dict(zip(columns, row, strict=True)) for row in delta.insert] == after
    assert {table.partition(":")[2] for table in part.rows} == set(changed)


def test_effects_are_rules_over_the_shipped_tables() -> None:
    """The effects of every action are rules without a finding over the tables of the shipped definition."""
    effects = [each for kind in kinds_of("vnfm").values() for each in kind.effects]
    text = "policy effects.\n" + "\n".join(each.format(source="vnfm", target="manager") for each in effects)
    checked = check_sources([Source("effects.dl", text)], catalog_of_definitions())
    assert checked.diagnostics == ()
    assert checked.program is not None
    assert len(checked.program.effects) == len(effects)


def test_what_undoes_an_action_takes_its_parameters() -> None:
    """The inverse of an action is one that can be called with terms of the action."""
    kinds = kinds_of("vnfm")
    for kind in kinds.values():
        if kind.inverse is not None:
            inverse = kinds[kind.inverse]
            needed = {each.name for each in inverse.parameters if each.required}
            assert needed <= {each.name for each in kind.parameters}
            assert inverse.inverse == kind.name
