"""`congresslite why-not`: how far each rule gets towards a row that is not there."""

from __future__ import annotations

import sys
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
from congresslite.cli.terminal import console, remark, tell

if TYPE_CHECKING:
    from congresslite.engine.explanation import WhyNot


@click.command(cls=Teaching)
@asked_options
@shared("table", "json", server=True)
def why_not(settings: Settings, *, atom: str, policies: tuple[Path, ...], **estate: Any) -> int:
    """Show why a row is not there: for each rule that could derive it, the first literal that fails.

    ATOM is a row of a table, by place or by column; a column that is left out may hold anything. Beside what fails
    stand the rows that are nearest to what the rule looked for.

    For example:
      congresslite why-not 'nfv:error("vm1", "h7")' rules/nfv.dl --data inventory
      congresslite why-not 'nfv:error(vm="vm1")' rules/nfv.dl --data inventory -o json
      congresslite why-not 'nfv:error("vm1", "h7")' --server http://127.0.0.1:8181

    Exits with 1 if the row is there; `congresslite why` then says why.
    """
    if asks_server(settings, (*LOCAL, "policies")):
        return _ask(settings, atom)
    asked = ask(settings, atom, policies, **estate)
    if not isinstance(asked, Asked):
        return asked
    if asked.matches:
        return _there(len(asked.matches), settings)
    from congresslite.engine.explanation import as_json

    answer = asked.engine.why_not(asked.table, asked.pattern, whole=True)
    assert answer is not None
    if settings.output == "json":
        click.echo(entries.dumps({"matches": 0, "why_not": as_json(answer)}))
    else:
        _write(answer, settings)
    return Exit.CLEAN


def _ask(settings: Settings, text: str) -> int:
    """Let a server answer."""
    atom = read_atom(spelled(text), settings)
    if atom is None:
        return Exit.FAILED
    with asking(settings) as client:
        from congresslite.cli.client import questions

        found = questions.why_not(client, spelled(text))
        matches = 0 if found.why_not is not None else questions.answer(client, atom.masked, 1).total
    tell(found.lacking, settings)
    if found.why_not is None:
        return _there(matches, settings)
    if settings.output == "json":
        click.echo(entries.dumps({"matches": 0, "why_not": found.document}))
    else:
        _write(found.why_not, settings)
    return Exit.UNDETERMINED if found.lacking else Exit.CLEAN


def _there(matches: int, settings: Settings) -> Exit:
    """Say that the row is there."""
    remark("the row is there; `congresslite why` with the same arguments says why", settings)
    if settings.output == "json":
        click.echo(entries.dumps({"matches": matches, "why_not": None}))
    return Exit.BLOCKING


def _write(answer: WhyNot, settings: Settings) -> None:
    from congresslite.cli.trees import why_not_lines

    screen = console(settings, sys.stdout)
    for line in why_not_lines(answer):
        screen.print(line)
