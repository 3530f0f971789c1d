"""`congresslite query`: ask the tables a question."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from congresslite.cli.client.asking import asking, asks_server
from congresslite.cli.estate import LOCAL, choose, estate_options, shipped_rules
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import console, number, remark, tell
from congresslite.diagnostics import CongressliteError, PolicyError
from congresslite.diagnostics.visible import visible

if TYPE_CHECKING:
    from congresslite.schema import Row

_TABLE = re.compile(r"\s*[\w.]+:[\w.]+\s*")


@click.command(cls=Teaching)
@click.argument("text", metavar="QUERY")
@click.argument("policies", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[POLICY]...")
@estate_options
@click.option("--limit", type=click.IntRange(min=0), default=0, metavar="N", help="At most N rows; 0 for all.")
@shared("table", "json", "ndjson", server=True)
def query(settings: Settings, *, text: str, policies: tuple[Path, ...], limit: int, **estate: Any) -> int:
    """Ask the tables a question.

    QUERY is the name of a table, or the body of a rule: its answers are the values of its variables. Tables that
    policies derive can be asked for too, if the policies are given. With --server, all tables of the server.

    For example:
      congresslite query inv:host --example
      congresslite query 'inv:vm(id=v, host=h), inv:host(id=h, disk="hdd")' --data inventory
      congresslite query 'nfv:error(vm, host)' rules/nfv.dl --data inventory -o ndjson
      congresslite query nfv:error --server http://127.0.0.1:8181

    Exits with 3 if a server cannot tell at the moment: the answer then is of the last time that it could.
    """
    if asks_server(settings, (*LOCAL, "policies")):
        return _ask(settings, text, limit)
    default = (shipped_rules(),) if estate["example"] else ()
    chosen = choose(policies, default, **estate)
    try:
        engine = chosen.load(settings)
    except PolicyError as error:
        tell(error.diagnostics, settings)
        return Exit.BLOCKING
    try:
        # A table's name alone asks for its rows, as an atom without variables does.
        answer = engine.query(f"{text}()" if _TABLE.fullmatch(text) else text)
    except CongressliteError as error:
        tell(error.diagnostics, settings)
        return Exit.FAILED
    tell(engine.diagnostics, settings)
    rows = _ordered(answer.rows)
    _write(answer.columns, rows[:limit] if limit else rows, len(rows), sys.stdout, settings)
    return Exit.CLEAN


def _ask(settings: Settings, text: str, limit: int) -> int:
    """Let a server answer."""
    with asking(settings) as client:
        from congresslite.cli.client.questions import MOST, answer, rows_of

        table = _TABLE.fullmatch(text) is not None
        found = rows_of(client, text.strip(), limit) if table else answer(client, text, limit)
    tell(found.lacking, settings)
    _write(found.columns, _ordered(found.rows), found.total, sys.stdout, settings)
    if len(found.rows) < min(found.total, limit or found.total):
        remark(f"a server gives {MOST:,} rows of an answer; of a table that is named alone, all", settings)
    return Exit.UNDETERMINED if found.lacking else Exit.CLEAN


def _ordered(rows: Iterable[Row]) -> list[Row]:
    from congresslite.schema import order_key

    return sorted(rows, key=lambda row: [order_key(value) for value in row])


def _write(columns: Sequence[str], shown: list[Row], total: int, out: IO[str], settings: Settings) -> None:
    if settings.output == "ndjson":
        for row in shown:
            out.write(entries.dumps(dict(zip(columns, row, strict=True))) + "\n")
    elif settings.output == "json":
        content = {"columns": list(columns), "rows": shown, "total": total}
        out.write(entries.dumps(content) + "\n")
    else:
        _table(columns, shown, total, out, settings)


def _table(columns: Sequence[str], shown: list[Row], total: int, out: IO[str], settings: Settings) -> None:
    from congresslite.cli.formats.table import aligned

    screen = console(settings, out)
    if columns and shown:
        header = tuple(map(visible, columns))
        for line in aligned(header, [tuple(map(cell, row)) for row in shown]):
            screen.print(line)
    if columns:
        hidden = f", {total - len(shown):,} not shown" if total > len(shown) else ""
        screen.print(f"({number(total, 'row')}{hidden})")
    else:
        screen.print("yes" if total else "no")


def cell(value: object) -> str:
    """A value as a person reads it: text bare unless it could be taken for something else, null as `null`."""
    if not isinstance(value, str):
        return entries.dumps(value)
    plain = value and value == value.strip() and not _looks_like_json(value)
    return visible(value if plain else f'"{value}"')


def _looks_like_json(text: str) -> bool:
    return text in ("null", "true", "false") or text[0] in '"-0123456789'
