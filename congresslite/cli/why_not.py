"""`congresslite why-not`: how far each rule gets towards a row that is not there."""

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
from congresslite.cli.terminal import console, remark


@click.command(cls=Teaching)
@asked_options
@shared("table", "json")
def why_not(settings: Settings, *, atom: str, policies: tuple[Path, ...], **estate: Any) -> int:
    """Show why a row is not there: for each rule that could derive it, the first literal that fails.

    ATOM is a row of a table, by place or by column; a column that is left out may hold anything. Beside what fails
    stand the rows that are nearest to what the rule looked for.

    For example:
      congresslite why-not 'nfv:error("vm1", "h7")' rules/nfv.dl --data inventory
      congresslite why-not 'nfv:error(vm="vm1")' rules/nfv.dl --data inventory -o json

    Exits with 1 if the row is there; `congresslite why` then says why.
    """
    asked = ask(settings, atom, policies, **estate)
    if not isinstance(asked, Asked):
        return asked
    if asked.matches:
        remark("the row is there; `congresslite why` with the same arguments says why", settings)
        if settings.output == "json":
            click.echo(entries.dumps({"matches": len(asked.matches), "why_not": None}))
        return Exit.BLOCKING
    _write(asked, settings)
    return Exit.CLEAN


def _write(asked: Asked, settings: Settings) -> None:
    from congresslite.cli.trees import why_not_lines
    from congresslite.engine.explanation import WhyNot, as_json

    try:
        answer = asked.engine.why_not(asked.table, asked.pattern, whole=True)
    except KeyError:  # a table of a source that no policy reads
        note = "its rows come from a source; no rule derives them"
        answer = WhyNot(asked.table, asked.pattern, asked.columns, note=note)
    assert answer is not None
    if settings.output == "json":
        click.echo(entries.dumps({"matches": 0, "why_not": as_json(answer)}))
        return
    screen = console(settings, sys.stdout)
    for line in why_not_lines(answer):
        screen.print(line)
