"""The example of a forwarding graph that ships, with other rows where a test wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from congresslite.analysis.adaptation import AdaptationPlan, adapt
from congresslite.api import Engine, Policy
from congresslite.schema import Row, RowsTable, TableData
from congresslite.share import share
from congresslite.sources import open_inventory
from tests.waiting import missing

EXAMPLE = share("examples") / "adaptation"
NO_STANDBY: Sequence[Row] = [
    ("a0", "vnf-a", "pop-a", "active"), ("b0", "vnf-b", "pop-b", "active"), ("c0", "vnf-c", "pop-c", "active"),
]  # fmt: skip


def need_clingo() -> None:
    """Skip the module where the solver is not installed."""
    try:
        import clingo  # noqa: F401
    except ImportError:
        missing("clingo is not installed")


def tables(rows: Mapping[str, Sequence[Row]]) -> dict[str, TableData]:
    """The tables of the example; `rows` are those that some have instead, by name without the source `inv`."""
    found = dict(open_inventory(EXAMPLE).tables)
    return found | {f"inv:{name}": RowsTable(found[f"inv:{name}"].schema, each) for name, each in rows.items()}


def load(rows: Mapping[str, Sequence[Row]] | None = None, *more: Policy) -> Engine:
    """The example with some other rows, and further policies."""
    return Engine.load([EXAMPLE / "policies", *more], tables(rows or {}))


def chosen(plan: AdaptationPlan) -> dict[object, Row]:
    """What was chosen for each network function: where, and which instance."""
    return {each.vnf: each.chosen.row[1:] for each in plan.decisions if each.chosen is not None}


def planned(rows: Mapping[str, Sequence[Row]] | None = None, *more: Policy) -> AdaptationPlan:
    """A plan for the example with some other rows."""
    return adapt(load(rows, *more))
