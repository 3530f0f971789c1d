"""`congresslite why`: the proof of a row."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from congresslite.cli.asked import Asked, ask, asked_options
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import console, number, remark


@click.command(cls=Teaching)
@asked_options
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Levels of the tree that are shown; 0 for all.",
)
@shared("table", "json")
def why(settings: Settings, *, atom: str, policies: tuple[Path, ...], depth: int, **estate: Any) -> int:
    """Show why a row is there: the rule that derives it, and the rows that the rule found.

    ATOM is a row of a table, by place or by column. Of several rows that match, the first is explained. The proof is of
    the least height that there is, down to the rows of the sources.

    For example:
      congresslite why nova:servers --example
      congresslite why 'nfv:error("vm1", "h7")' rules/nfv.dl --data inventory
      congresslite why 'nfv:error(vm="vm1")' rules/nfv.dl --data inventory -o json

    Exits with 1 if there is no such row; `congresslite why-not` then says why.
    """
    asked = ask(settings, atom, policies, **estate)
    if not isinstance(asked, Asked):
        return asked
    if not asked.matches:
        remark("there is no such row; `congresslite why-not` with the same arguments says why", settings)
        if settings.output == "json":
            click.echo(entries.dumps({"matches": 0, "proof": None}))
        return Exit.BLOCKING
    _write(asked, depth, settings)
    return Exit.CLEAN


def _write(asked: Asked, depth: int, settings: Settings) -> None:
    from congresslite.cli.trees import proof_lines
    from congresslite.engine.explanation import Proof, as_json

    row = asked.matches[0]
    try:
        proof = asked.engine.explain(asked.table, row, whole=True)
    except KeyError:  # a table of a source that no policy reads
        proof = Proof(asked.table, row, asked.columns, 0, "source")
    assert proof is not None
    if settings.output == "json":
        click.echo(entries.dumps({"matches": len(asked.matches), "proof": as_json(proof)}))
        return
    screen = console(settings, sys.stdout)
    for line in proof_lines(proof, depth):
        screen.print(line)
    if not proof.complete:
        remark("there are too many bindings to look at them all: a lower proof may exist", settings)
    if len(asked.matches) > 1:
        remark(f"{number(len(asked.matches), 'row')} match; this is the first", settings)
