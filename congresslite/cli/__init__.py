"""
The command line: one module for each command, one in `formats` for each form of output.

The rule to keep: nothing here imports NumPy, PyArrow or the engine before a
command really runs, so that `--help`, `--version` and completion answer at once.
"""

from __future__ import annotations


def main() -> None:
    """What the `congresslite` script runs; ends the process with the exit code."""
    from congresslite.cli.app import cli

    cli.main(prog_name="congresslite")
