"""
SWI-Prolog beside congresslite: the same rules, written for it by hand in `nfv.pl`, with tabling.

Run as a process, as the DuckDB peer is: writes the facts, and leaves the rest to `swipl`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import click

from congresslite.bench.peers.facts import write_facts

RULES = Path(__file__).with_name("nfv.pl")
# The limits that it has otherwise are for a hundred thousand machines.
COMMAND = ("swipl", "--table-space=16g", "--stack-limit=16g", str(RULES), "--")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Answer the questions over the inventory in FOLDER with SWI-Prolog."""
    with tempfile.NamedTemporaryFile(suffix=".pl") as facts:
        write_facts(folder, Path(facts.name), quote="'", prefix="inv_")
        sys.exit(subprocess.run([*COMMAND, facts.name], check=False).returncode)


if __name__ == "__main__":
    main()
