"""The tables of a server, as schemas."""

from __future__ import annotations

from collections.abc import Iterable

from congresslite.cli.client.http import Client, at
from congresslite.schema import Catalog, Choice, Column, Domain, Range, Reference, TableSchema, Type
from congresslite.server.schemas.sources import SourceSchema
from congresslite.server.schemas.tables import ColumnOut, Table, TableList


def server_catalog(client: Client, name: str | None) -> Catalog:
    """The tables of a source or a policy, one table, or (None) those of all sources, with their columns.

    Whatever else there is stands in the catalog with its name alone. Raises ServerError.
    """
    listed = client.get(at("tables"), TableList).body.items
    whole: list[TableSchema] = []
    if name is None:
        for source in sorted({each.source for each in listed if not each.derived}):
            whole += source_schemas(client, source)
        return Catalog.of(whole)
    wanted = [each.name for each in listed if name in (each.name, each.source)]
    whole += [_schema(client.get(at("tables", each), Table).body) for each in wanted]
    return Catalog.of([*(TableSchema(each.name, ()) for each in listed), *whole])


def source_schemas(client: Client, source: str) -> list[TableSchema]:
    """The tables of a source. Raises ServerError."""
    return [_schema(each) for each in client.get(at("sources", source, "schema"), SourceSchema).body.items]


def _schema(table: Table) -> TableSchema:
    return TableSchema(table.name, tuple(_columns(table.columns)), tuple(table.key), table.description)


def _columns(columns: Iterable[ColumnOut]) -> Iterable[Column]:
    types = {each.value: each for each in Type}
    for each in columns:
        reference = None
        if each.references is not None:
            table, _, column = each.references.rpartition(".")
            reference = Reference(table, column)
        type_ = types.get(each.type, Type.ANY)
        yield Column(each.name, type_, reference, _domain(each), each.declared, each.description)


def _domain(column: ColumnOut) -> Domain | None:
    match column.domain:
        case None:
            return None
        case list(values):
            return Choice(tuple(values))
        case bounds:
            return Range(bounds.get("low"), bounds.get("high"))
