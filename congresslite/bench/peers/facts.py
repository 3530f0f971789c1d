"""
An estate as the facts of a logic program: what Prolog and answer set solvers read.

Writing them is not counted against a peer; reading them is.
"""

from __future__ import annotations

from pathlib import Path

from congresslite.bench.workload import COLUMNS, read_rows


def write_facts(folder: Path, path: Path, quote: str, prefix: str = "") -> None:
    """Write each row of the inventory in a folder as a fact of its table's name, strings between quotes."""
    with path.open("w", encoding="utf-8") as file:
        for table, types in COLUMNS.items():
            for row in read_rows(folder / "inv" / f"{table}.csv", types):
                # The workload's strings are letters, digits and hyphens: nothing to escape.
                terms = ",".join(str(value) if isinstance(value, int) else f"{quote}{value}{quote}" for value in row)
                file.write(f"{prefix}{table}({terms}).\n")
