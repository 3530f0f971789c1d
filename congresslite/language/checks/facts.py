"""
Facts: rows that a policy states must keep what its `table` statements declare.

A reference is held against rows that the policies state; rows of sources are
not known here, and are checked when they are imported.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.suggest import did_you_mean
from congresslite.language.printing import domain_text
from congresslite.language.resolution.domains import admits, fits, shown
from congresslite.language.resolution.draft import Draft, Fact
from congresslite.language.resolution.where import head_span
from congresslite.schema import Choice, Column, Domain, Scalar, TableSchema, identity, row_identity


def check(draft: Draft) -> Iterator[Diagnostic]:
    """A finding for each constraint that a row breaks."""
    derived = {rule.table for rule in draft.rules}
    for table, facts in draft.facts.items():
        schema = draft.scope.schema(table)
        if schema is None:
            continue
        for place, column in enumerate(schema.columns):
            if column.declared:
                yield from _values(schema, place, column, facts)
            if column.references is not None and column.references.table not in derived:
                yield from _references(draft, schema, place, column, facts)
        yield from _keys(schema, facts)


def _values(schema: TableSchema, place: int, column: Column, facts: Sequence[Fact]) -> Iterator[Diagnostic]:
    for fact in facts:
        value = fact.row[place]
        span = head_span(fact.outline.rule, schema, place)
        if not fits(column.type, value):
            message = f"row {shown(fact.row)} of `{_name(schema)}` breaks `{column.name}: {column.type}`"
            yield Diagnostic("CL120", message, span, f"`{column.name}` holds values of type {column.type}")
        elif column.domain is not None and value is not None and not admits(column.domain, value):
            said = domain_text(column.domain)
            message = f"row {shown(fact.row)} of `{_name(schema)}` breaks `{column.name} in {said}`"
            yield Diagnostic("CL123", message, span, _near(column.domain, value))


def _near(domain: Domain, value: Scalar) -> str | None:
    if isinstance(domain, Choice) and isinstance(value, str):
        return did_you_mean(value, (each for each in domain.values if isinstance(each, str)))
    return None


def _references(
    draft: Draft, schema: TableSchema, place: int, column: Column, facts: Sequence[Fact]
) -> Iterator[Diagnostic]:
    assert column.references is not None
    target = draft.scope.tables.get(column.references.table)
    there = target.position(column.references.column) if target is not None else None
    if target is None or there is None:
        return
    known = {identity(fact.row[there]) for fact in draft.facts.get(target.name, ())}
    for fact in facts:
        if fact.row[place] is not None and identity(fact.row[place]) not in known:
            refers = f"{column.name} -> {_name(target)}.{column.references.column}"
            message = f"row {shown(fact.row)} of `{_name(schema)}` breaks `{refers}`"
            hint = f"`{_name(target)}` has no such row"
            yield Diagnostic("CL122", message, head_span(fact.outline.rule, schema, place), hint)


def _keys(schema: TableSchema, facts: Sequence[Fact]) -> Iterator[Diagnostic]:
    if not schema.key:
        return
    places = [place for place, column in enumerate(schema.columns) if column.name in schema.key]
    seen: dict[tuple[Hashable, ...], Fact] = {}
    for fact in facts:
        key = tuple(identity(fact.row[place]) for place in places)
        first = seen.setdefault(key, fact)
        if row_identity(first.row) != row_identity(fact.row):
            message = f"row {shown(fact.row)} of `{_name(schema)}` breaks its key `{', '.join(schema.key)}`"
            hint = f"line {first.outline.span.line} has {shown(first.row)}"
            yield Diagnostic("CL121", message, fact.outline.span, hint)


def _name(schema: TableSchema) -> str:
    return schema.name.partition(":")[2]
