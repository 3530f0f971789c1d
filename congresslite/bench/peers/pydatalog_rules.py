"""
pyDatalog beside congresslite: the same rules, written for pyDatalog by hand.

Each `_` of the policy has a name of its own here, since pyDatalog takes `_` for
one variable, and tests come after the literals that bind what they test. Run as
a process, as the DuckDB peer is; at 100,000 machines it takes minutes.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
from pyDatalog import pyDatalog

from congresslite.bench.clock import Clock, timing
from congresslite.bench.workload import COLUMNS, read_rows

RULES = """
in_region(P, R) <= pop(P, R, K)
in_region(P, W) <= in_region(P, R) & region_parent(R, W)

vm_tenant(V, T) <= vm(V, F, H, C, S, I) & vnf(F, N, K, E) & ns(N, T)
vm_pop(V, P) <= vm(V, F, H, C, S, I) & host(H, P, N, E, D)

platinum_on_hdd(V, H) <= vm_tenant(V, T) & tenant(T, 'platinum') & vm(V, F, H, C, S, I) & host(H, P, N, E, 'hdd')

same_group(A, B) <= member(A, G) & member(B, G)
foreign_public_net(V, N) <= port(P, V, N) & network(N, O, 'public') & vm_tenant(V, T) & ~same_group(T, O)

anti_affinity(A, B, H) <= vm(A, F, H, C1, S1, I1) & vm(B, F, H, C2, S2, I2) & (A < B)

(host_load[H] == sum_(C, for_each=V)) <= vm(V, F, H, C, S, I)
overcommit(H, L, N) <= (host_load[H] == L) & host(H, P, N, E, D) & (L > N)

banned_image(V, I) <= vm(V, F, H, C, S, I) & image_banned(I)
on_down_host(V, H) <= vm(V, F, H, C, S, I) & host(H, P, N, 'down', D)

reach(A, B) <= link(A, B)
reach(A, C) <= reach(A, B) & link(B, C)
chain_broken(A, B) <= reach(A, B) & vnf(B, N, K, 'ERROR')

has_active_vm(F) <= vm(V, F, H, C, 'ACTIVE', I)
no_active_vm(F) <= vnf(F, N, K, E) & ~has_active_vm(F)

platinum_edge(V, P) <= vm_pop(V, P) & pop(P, R, 'edge') & vm_tenant(V, T) & tenant(T, 'platinum')
"""

ASKED = {
    "in_region": "P, R", "vm_tenant": "V, T", "vm_pop": "V, P", "platinum_on_hdd": "V, H",
    "foreign_public_net": "V, N", "anti_affinity": "A, B, H", "overcommit": "H, L, N", "banned_image": "V, I",
    "on_down_host": "V, H", "chain_broken": "A, B", "no_active_vm": "F", "platinum_edge": "V, P",
}  # fmt: skip


def load(folder: Path) -> None:
    """Assert each row of each table of the inventory, and the rules."""
    for table, types in COLUMNS.items():
        for row in read_rows(folder / "inv" / f"{table}.csv", types):
            pyDatalog.assert_fact(table, *row)
    pyDatalog.load(RULES)


def answer(table: str, terms: str) -> int:
    """How many rows a table has."""
    found = pyDatalog.ask(f"{table}({terms})")
    return 0 if found is None else len(set(found.answers))


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--details", is_flag=True, help="Tell the processor time of each table too.")
def main(folder: Path, details: bool) -> None:
    """Answer the questions over the inventory in FOLDER with pyDatalog."""
    clock = Clock()
    load(folder)
    loaded = clock.lap()
    counts, seconds = {}, {}
    for table, terms in ASKED.items():
        each = Clock()
        counts[f"nfv:{table}"] = answer(table, terms)
        seconds[table] = each.lap().cpu_s
    report: dict[str, object] = {"counts": counts, "timing": timing(loaded, clock.lap())}
    if details:
        report["tables"] = seconds
    click.echo(json.dumps(report))


if __name__ == "__main__":
    main()
