"""
Adaptation: how long it takes to choose where failed network functions go, and to have the choice confirmed.

Run as a process; prints one JSON object. The draft's scenarios are the example that ships, and an estate is drawn of
forwarding graphs of four functions each over points of presence that are nearly full.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from congresslite.analysis.adaptation import AdaptationPlan, adapt
from congresslite.api import Engine
from congresslite.schema import Row, RowsTable, TableData
from congresslite.share import share
from congresslite.sources import open_inventory

EXAMPLE = share("examples") / "adaptation"
LENGTH = 4  # functions of a forwarding graph
VCPUS = (2, 4, 8)
# What becomes of the example: rows that its tables have instead, by scenario.
SCENARIOS: Mapping[str, Mapping[str, Sequence[Row]]] = {
    "11: nothing has failed": {"inv:vnf": [("vnf-a", "ACTIVE"), ("vnf-b", "ACTIVE"), ("vnf-c", "ACTIVE")]},
    "12: failed, and no way out": {"inv:graph": [("web", 5, 2)]},
    "13: instantiated elsewhere": {
        "inv:instance": [("a0", "vnf-a", "pop-a", "active"), ("c0", "vnf-c", "pop-c", "active")]
    },
    "14: over to the instance that stands by": {},
}
RUNS = 3


def example(rows: Mapping[str, Sequence[Row]]) -> dict[str, TableData]:
    """The tables of the example, some of them with other rows."""
    tables = dict(open_inventory(EXAMPLE).tables)
    return tables | {name: RowsTable(tables[name].schema, each) for name, each in rows.items()}


def estate(vnfs: int, failed: int, seed: int) -> dict[str, TableData]:
    """The tables of the example with an estate of so many network functions, some of which have failed."""
    draw = random.Random(seed)
    pops = [f"pop-{number:02}" for number in range(max(4, vnfs // 25))]
    names = [f"vnf-{number:05}" for number in range(vnfs)]
    down = set(draw.sample(names, failed))
    home = {name: pops[(number // LENGTH * 7 + number % LENGTH) % len(pops)] for number, name in enumerate(names)}
    needs = {name: draw.choice(VCPUS) for name in names}
    used = {pop: sum(needs[name] for name in names if home[name] == pop and name not in down) for pop in pops}
    links = [(a, b, 1 + (j - i) % 9, 1000) for i, a in enumerate(pops) for j, b in enumerate(pops) if i < j]
    running = [(f"{name}-0", name, home[name], "active") for name in names]
    standing = [(f"{name}-1", name, draw.choice(pops), "standby") for name in sorted(down)[::2]]
    rows: dict[str, list[Row]] = {
        "inv:pop": [(pop, "unstable" if number % 10 == 0 else "stable") for number, pop in enumerate(pops)],
        "inv:link": [*links],
        "inv:capacity": [(pop, "vcpus", used[pop] + draw.choice((0, 4, 8, 12))) for pop in pops],
        "inv:graph": [(f"fg-{number:04}", 20, 2) for number in range(-(-vnfs // LENGTH))],
        "inv:chain": [(f"fg-{at // LENGTH:04}", at % LENGTH, name) for at, name in enumerate(names)],
        "inv:vnf": [(name, "FAILED" if name in down else "ACTIVE") for name in names],
        "inv:demand": [(name, "vcpus", needs[name]) for name in names],
        "inv:instance": [*running, *standing],
    }
    return example(rows)


def measured(tables: Mapping[str, TableData], runs: int) -> dict[str, object]:
    """The best of some runs from tables to a plan, in seconds of the processor and by the clock on the wall."""
    found = min((_run(tables) for _ in range(runs)), key=lambda each: each.cpu)
    plan = found.plan
    alternatives = sum(len(each.alternatives) for each in plan.decisions)
    return {
        "cpu_s": found.cpu,
        "wall_s": found.wall,
        "status": plan.status,
        "cost": plan.cost,
        "decisions": len(plan.decisions),
        "alternatives": alternatives,
        "parts_s": dict(plan.seconds),
    }


@dataclass(frozen=True, slots=True)
class _Run:
    cpu: float
    wall: float
    plan: AdaptationPlan


def _run(tables: Mapping[str, TableData]) -> _Run:
    """Policies and tables loaded, and a plan made of them."""
    cpu, wall = time.process_time(), time.perf_counter()
    plan = adapt(Engine.load(EXAMPLE / "policies", tables))
    return _Run(time.process_time() - cpu, time.perf_counter() - wall, plan)


@click.command()
@click.argument("vnfs", type=click.IntRange(min=16))
@click.argument("failed", type=click.IntRange(min=1))
@click.option("--seed", type=int, default=1, help="What the estate is drawn by.")
def main(vnfs: int, failed: int, seed: int) -> None:
    """Choose for the example's scenarios, and for FAILED of VNFS network functions."""
    scenarios = {name: measured(example(rows), RUNS) for name, rows in SCENARIOS.items()}
    drawn = measured(estate(vnfs, failed, seed), RUNS)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"scenarios": scenarios, "estate": drawn, "peak_bytes": peak}, sys.stdout)


if __name__ == "__main__":
    main()
