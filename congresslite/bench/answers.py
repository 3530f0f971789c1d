"""
What an engine answers, small enough to be compared between processes: counts, and digests of the rows.

Run as a process: evaluates the twelve questions from scratch. An engine that was
kept current through all batches has to answer the same.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path

import click

from congresslite.api import Engine
from congresslite.bench.clock import Taken, timing
from congresslite.bench.policies import NFV

# A table with more rows is only counted: rows in Python cost more than what is measured.
DIGESTED_ROWS = 100_000


def counts(engine: Engine) -> dict[str, int]:
    """How many rows each derived table has."""
    return {table: engine.count(table) for table in engine.tables()}


def digests(engine: Engine) -> dict[str, str]:
    """A digest of the rows of each derived table that is not too large; their order does not matter."""
    return {table: _digest(engine, table) for table, rows in counts(engine).items() if rows <= DIGESTED_ROWS}


def _digest(engine: Engine, table: str) -> str:
    rows = (blake2b(repr(row).encode(), digest_size=8).digest() for row in engine.rows(table))
    return f"{sum(int.from_bytes(row) for row in rows) % 2**64:016x}"


def engine_timing(engine: Engine) -> dict[str, float]:
    """What the engine took for reading and for evaluating, in the form of the peers."""
    took = engine.timing
    return timing(Taken(took.load_cpu_s, took.load_s), Taken(took.evaluate_cpu_s, took.evaluate_s))


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Answer the twelve questions over the inventory in FOLDER."""
    engine = Engine.load(NFV, folder)
    report = {"counts": counts(engine), "digests": digests(engine), "timing": engine_timing(engine)}
    click.echo(json.dumps(report))


if __name__ == "__main__":
    main()
