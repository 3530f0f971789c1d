"""
DuckDB beside congresslite: the same questions in SQL, as a careful person writes it by hand.

One thread, as congresslite evaluates with one; every table is materialised, as
congresslite's are; `distinct` stands only where rows would repeat without it.
The rows of `error` and `warning` are those of other tables and are not copied.
Run as a process: prints one JSON object with what `congresslite check` prints
of it, `counts` and `timing`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click
import duckdb
import yaml

from congresslite.bench.clock import Clock, timing

NFV = {
    "in_region": """
        with recursive lies_in(pop, region) as (
            select id, region from pop
            union
            select pop, parent from lies_in join region_parent on child = region)
        from lies_in""",
    "vm_tenant": """
        select vm.id as vm, ns.tenant
        from vm join vnf on vnf.id = vm.vnf join ns on ns.id = vnf.ns""",
    "vm_pop": "select vm.id as vm, host.pop from vm join host on host.id = vm.host",
    "platinum_on_hdd": """
        select vm.id as vm, vm.host
        from vm join vm_tenant on vm_tenant.vm = vm.id join tenant on tenant.id = vm_tenant.tenant
            join host on host.id = vm.host
        where tenant.tier = 'platinum' and host.disk = 'hdd'""",
    # Two tenants may share several groups.
    "same_group": """
        select distinct one.tenant, other.tenant as other
        from member as one join member as other using ("group")""",
    # A machine may have several ports on one network.
    "foreign_public_net": """
        select distinct port.vm, port.net
        from port join network on network.id = port.net join vm_tenant on vm_tenant.vm = port.vm
        where network.visibility = 'public' and not exists (
            from same_group where same_group.tenant = vm_tenant.tenant and same_group.other = network.owner)""",
    "anti_affinity": """
        select one.id as vm, other.id as other, one.host
        from vm as one join vm as other using (vnf, host)
        where one.id < other.id""",
    "host_load": "select host, sum(vcpus) as load from vm group by host",
    "overcommit": """
        select host_load.host, load, cores
        from host_load join host on host.id = host_load.host
        where load > cores""",
    "banned_image": "select id as vm, image from vm where image in (from image_banned)",
    "on_down_host": """
        select vm.id as vm, vm.host
        from vm join host on host.id = vm.host
        where host.state = 'down'""",
    "reach": """
        with recursive path(vnf, later) as (
            select vnf, next from link
            union
            select path.vnf, link.next from path join link on link.vnf = path.later)
        from path""",
    "chain_broken": """
        select reach.vnf, reach.later
        from reach join vnf on vnf.id = reach.later
        where vnf.state = 'ERROR'""",
    "has_active_vm": "select distinct vnf from vm where state = 'ACTIVE'",
    "no_active_vm": """
        select id as vnf from vnf
        where not exists (from has_active_vm where has_active_vm.vnf = vnf.id)""",
    "platinum_edge": """
        select vm_pop.vm, vm_pop.pop
        from vm_pop join pop on pop.id = vm_pop.pop join vm_tenant using (vm)
            join tenant on tenant.id = vm_tenant.tenant
        where pop.kind = 'edge' and tenant.tier = 'platinum'""",
}

CLOSURE = {
    "path": """
        with recursive path(a, b) as (
            from edge
            union
            select path.a, edge.b from path join edge on edge.a = path.b)
        from path""",
}

QUESTIONS = {"nfv": NFV, "closure": CLOSURE}
# All integers here fit 32 bits, and DuckDB is quicker with those.
TYPES = {"str": "VARCHAR", "int": "INTEGER"}


def load(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Read each table of the folder's inventory, with the types that its schema declares."""
    schema = yaml.safe_load((folder / "inv" / "_schema.yaml").read_text(encoding="utf-8"))
    for table, declared in schema.items():
        columns = {column: TYPES[type_] for column, type_ in declared["columns"].items()}
        connection.execute(
            f"create table {table} as from read_csv(?, header = true, columns = {columns})",
            [str(folder / "inv" / f"{table}.csv")],
        )


def evaluate(connection: duckdb.DuckDBPyConnection, questions: Mapping[str, str]) -> dict[str, float]:
    """Make the table of each question, in order; the seconds of processor time of each."""
    seconds = {}
    for table, sql in questions.items():
        clock = Clock()
        connection.execute(f"create table {table} as {sql}")
        seconds[table] = clock.lap().cpu_s
    return seconds


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """How many rows a table has."""
    found = connection.execute(f"select count(*) from {table}").fetchone()
    assert found is not None
    return int(found[0])


@click.command()
@click.argument("questions", type=click.Choice(list(QUESTIONS)))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--details", is_flag=True, help="Tell the processor time of each table too.")
def main(questions: str, folder: Path, details: bool) -> None:
    """Answer QUESTIONS over the inventory in FOLDER with DuckDB."""
    asked = QUESTIONS[questions]
    connection = duckdb.connect(config={"threads": 1})
    clock = Clock()
    load(connection, folder)
    loaded = clock.lap()
    seconds = evaluate(connection, asked)
    evaluated = clock.lap()
    report: dict[str, object] = {
        "counts": {f"{questions}:{table}": count(connection, table) for table in asked},
        "timing": timing(loaded, evaluated),
    }
    if details:
        report["tables"] = seconds
    click.echo(json.dumps(report))


if __name__ == "__main__":
    main()
