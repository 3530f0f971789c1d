"""
clingo beside congresslite: the same rules, written for it by hand in `nfv.lp`.

Run as a process, as the DuckDB peer is. Reading is parsing facts and rules;
evaluating is grounding, which finds all answers of a stratified program, and solving.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
from clingo import Control

from congresslite.bench.clock import Clock, timing
from congresslite.bench.peers.facts import write_facts

RULES = Path(__file__).with_name("nfv.lp")
ASKED = {
    "in_region": 2, "vm_tenant": 2, "vm_pop": 2, "platinum_on_hdd": 2, "foreign_public_net": 2, "anti_affinity": 3,
    "host_load": 2, "overcommit": 3, "banned_image": 2, "on_down_host": 2, "reach": 2, "chain_broken": 2,
    "no_active_vm": 1, "platinum_edge": 2,
}  # fmt: skip


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Answer the questions over the inventory in FOLDER with clingo."""
    with tempfile.NamedTemporaryFile(suffix=".lp") as facts:
        write_facts(folder, Path(facts.name), quote='"')
        clock = Clock()
        control = Control()
        control.load(str(RULES))
        control.load(facts.name)
        loaded = clock.lap()
    control.ground()
    control.solve()
    evaluated = clock.lap()
    counts = {f"nfv:{table}": _count(control, table, arity) for table, arity in ASKED.items()}
    click.echo(json.dumps({"counts": counts, "timing": timing(loaded, evaluated)}))


def _count(control: Control, table: str, arity: int) -> int:
    return sum(1 for atom in control.symbolic_atoms.by_signature(table, arity) if atom.is_fact)


if __name__ == "__main__":
    main()
