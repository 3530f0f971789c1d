"""`congresslite schema`: the tables that rules can read, and their columns."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from congresslite.cli.client.asking import asking, asks_server
from congresslite.cli.definitions import data_catalog, shipped_catalog
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import console, number
from congresslite.diagnostics.visible import visible
from congresslite.share import share

if TYPE_CHECKING:
    from congresslite.schema import Catalog, Column, Domain, TableSchema


@click.command(cls=Teaching)
@click.argument("name", required=False, metavar="[SOURCE[:TABLE]]")
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="The tables of this folder, instead of the definitions that ship.")  # fmt: skip
@click.option("--example", is_flag=True, help="The tables of the example estate that ships.")
@shared("table", "json", server=True)
def schema(settings: Settings, *, name: str | None, data: Path | None, example: bool) -> int:
    """Show the tables that rules can read.

    Without --data, the tables that the shipped source definitions describe; with --server, those of its sources, and of
    its policies if one is named. A table is shown with its columns; a key column is marked with a star.

    For example:
      congresslite schema
      congresslite schema inv --example
      congresslite schema inv:vm --data inventory
      congresslite schema nova --server http://127.0.0.1:8181
    """
    if asks_server(settings, ("data", "example")):
        with asking(settings) as client:
            from congresslite.cli.client.catalog import server_catalog

            catalog = server_catalog(client, name)
    else:
        if example:
            data = share("examples") / "estate"
        catalog = shipped_catalog() if data is None else data_catalog(data)
    write_schemas(_chosen(catalog, name), settings, alone=name is not None and ":" in name)
    return Exit.CLEAN


def write_schemas(tables: Sequence[TableSchema], settings: Settings, *, alone: bool = False) -> None:
    """Write tables with their columns; one that is asked for alone with all that is said of it."""
    if settings.output == "json":
        sys.stdout.write(entries.dumps({"tables": [_entry(table) for table in tables]}) + "\n")
    elif alone:
        _write_table(tables[0], sys.stdout, settings)
    else:
        _write_list(tables, sys.stdout, settings)


def _chosen(catalog: Catalog, name: str | None) -> Sequence[TableSchema]:
    """The tables of a source, or one table, or all. Raises UsageError if there is none of that name."""
    if name is None:
        return [catalog[each] for each in sorted(catalog)]
    if name in catalog:
        return [catalog[name]]
    found = [catalog[each] for each in sorted(catalog) if each.partition(":")[0] == name]
    if not found:
        sources = {each.partition(":")[0] for each in catalog}
        near = get_close_matches(name, catalog if ":" in name else sources, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"the sources are {', '.join(sorted(sources)) or 'none'}"
        raise click.UsageError(f"there is no {'table' if ':' in name else 'source'} `{name}`; {hint}")
    return found


def _write_list(tables: Sequence[TableSchema], out: IO[str], settings: Settings) -> None:
    from congresslite.cli.formats.table import aligned

    screen = console(settings, out)
    rows = [
        (visible(table.name), ", ".join(visible(column.name) + _star(table, column) for column in table.columns))
        for table in tables
    ]
    for line in aligned(("table", "columns"), rows):
        screen.print(line)
    screen.print(f"({number(len(tables), 'table')})")


def _write_table(table: TableSchema, out: IO[str], settings: Settings) -> None:
    from congresslite.cli.formats.table import aligned

    screen = console(settings, out)
    screen.print(f"{visible(table.name)}{': ' if table.description else ''}{visible(table.description)}")
    rows = [
        (visible(column.name) + _star(table, column), str(column.type), visible(_about(column)))
        for column in table.columns
    ]
    for line in aligned(None, rows):
        line.pad_left(2)
        screen.print(line)


def _star(table: TableSchema, column: Column) -> str:
    return "*" if column.name in table.key else ""


def _about(column: Column) -> str:
    """What is declared of a column beside its type."""
    parts = [column.description] if column.description else []
    if column.references is not None:
        parts.insert(0, f"-> {column.references.table}.{column.references.column}")
    if column.domain is not None:
        parts.insert(0, f"in {_domain(column.domain)}")
    return "  ".join(parts)


def _domain(domain: Domain) -> str:
    from congresslite.language.printing import domain_text

    return domain_text(domain)


def _entry(table: TableSchema) -> entries.Entry:
    return {
        "name": table.name,
        "description": table.description,
        "key": list(table.key),
        "columns": [_column_entry(column) for column in table.columns],
    }


def _column_entry(column: Column) -> entries.Entry:
    target = column.references
    return {
        "name": column.name,
        "type": str(column.type),
        "references": None if target is None else f"{target.table}.{target.column}",
        "domain": None if column.domain is None else _domain(column.domain),
        "description": column.description,
    }
