"""`congresslite why`: the proof of a row."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.asked import Asked, ask, asked_options, read_atom, spelled
from congresslite.cli.client.asking import asking, asks_server
from congresslite.cli.estate import LOCAL
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import console, number, remark, tell

if TYPE_CHECKING:
    from congresslite.engine.explanation import Proof


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
@shared("table", "json", server=True)
def why(settings: Settings, *, atom: str, policies: tuple[Path, ...], depth: int, **estate: Any) -> int:
    """Show why a row is there: the rule that derives it, and the rows that the rule found.

    ATOM is a row of a table, by place or by column. Of several rows that match, the first is explained. The proof is of
    the least height that there is, down to the rows of the sources.

    For example:
      congresslite why nova:servers --example
      congresslite why 'nfv:error("vm1", "h7")' rules/nfv.dl --data inventory
      congresslite why 'nfv:error(vm="vm1")' rules/nfv.dl --data inventory -o json
      congresslite why 'nfv:error("vm1", "h7")' --server http://127.0.0.1:8181

    Exits with 1 if there is no such row; `congresslite why-not` then says why. A server tells how old its rows are.
    """
    if asks_server(settings, (*LOCAL, "policies")):
        return _ask(settings, atom, depth)
    asked = ask(settings, atom, policies, **estate)
    if not isinstance(asked, Asked):
        return asked
    if not asked.matches:
        return _nothing(settings)
    from congresslite.engine.explanation import as_json

    proof = asked.engine.explain(asked.table, asked.matches[0], whole=True)
    assert proof is not None
    if settings.output == "json":
        click.echo(entries.dumps({"matches": len(asked.matches), "proof": as_json(proof)}))
    else:
        _write(proof, len(asked.matches), depth, settings)
    return Exit.CLEAN


def _ask(settings: Settings, text: str, depth: int) -> int:
    """Let a server answer."""
    atom = read_atom(spelled(text), settings)
    if atom is None:
        return Exit.FAILED
    with asking(settings) as client:
        from congresslite.cli.client import questions

        found = questions.why(client, spelled(text))
        matches = 0 if found.proof is None else questions.answer(client, atom.masked, 1).total
    tell(found.lacking, settings)
    if found.proof is None:
        return _nothing(settings)
    if settings.output == "json":
        click.echo(entries.dumps({"matches": matches, "proof": found.document}))
    else:
        _write(found.proof, matches, depth, settings, found.notes)
    return Exit.UNDETERMINED if found.lacking else Exit.CLEAN


def _nothing(settings: Settings) -> Exit:
    """Say that there is no such row."""
    remark("there is no such row; `congresslite why-not` with the same arguments says why", settings)
    if settings.output == "json":
        click.echo(entries.dumps({"matches": 0, "proof": None}))
    return Exit.BLOCKING


def _write(
    proof: Proof, matches: int, depth: int, settings: Settings, notes: Mapping[Proof, str] | None = None
) -> None:
    from congresslite.cli.trees import proof_lines

    screen = console(settings, sys.stdout)
    for line in proof_lines(proof, depth, notes):
        screen.print(line)
    if not proof.complete:
        remark("there are too many bindings to look at them all: a lower proof may exist", settings)
    if matches > 1:
        remark(f"{number(matches, 'row')} match; this is the first", settings)
