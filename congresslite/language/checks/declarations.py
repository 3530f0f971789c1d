"""Declarations: what `table` statements may say."""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.language.resolution.collect import full_name
from congresslite.language.resolution.domains import fits
from congresslite.language.resolution.draft import Draft
from congresslite.language.resolution.kinds import contradict, of_column, refuses, sure
from congresslite.language.resolution.scope import VIOLATIONS
from congresslite.language.syntax import ColumnDeclaration, TableDeclaration
from congresslite.schema import Choice, Column, Range, Scalar


def check(draft: Draft) -> Iterator[Diagnostic]:
    """Findings about every table that a policy declares."""
    for policy, file in draft.policies.items():
        tables: dict[str, TableDeclaration] = {}
        for statement in file.statements:
            if isinstance(statement, TableDeclaration):
                yield from _table(draft, policy, statement, tables.get(statement.name))
                tables.setdefault(statement.name, statement)


def _table(
    draft: Draft, policy: str, declaration: TableDeclaration, first: TableDeclaration | None
) -> Iterator[Diagnostic]:
    if first is not None:
        same = first.columns == declaration.columns
        message = f"table `{declaration.name}` is declared twice{'' if same else ', with different columns'}"
        yield Diagnostic("CL124", message, declaration.span, f"the other declaration is in line {first.span.line}")
        return
    if declaration.name in VIOLATIONS:
        message = f"`{declaration.name}` cannot be declared: each of its rules has columns of its own"
        yield Diagnostic("CL125", message, declaration.span, "give the table of facts another name")
    seen: set[str] = set()
    for column in declaration.columns:
        if column.name in seen:
            message = f"table `{declaration.name}` has two columns named `{column.name}`"
            yield Diagnostic("CL126", message, column.span, "rename one of them")
        seen.add(column.name)
        yield from _domain(column)
        yield from _reference(draft, policy, column)


def _domain(column: ColumnDeclaration) -> Iterator[Diagnostic]:
    match column.domain:
        case Range(low, high):
            values: tuple[Scalar, ...] = tuple(value for value in (low, high) if value is not None)
        case Choice(values):
            pass
        case _:
            return
    for value in values:
        # The ends of a range of integers may be fractions; the values of a list are what the column holds.
        if refuses(sure(column.type), value) or not (isinstance(column.domain, Range) or fits(column.type, value)):
            message = f"column `{column.name}` is {column.type}, but its domain holds `{value}`"
            yield Diagnostic("CL127", message, column.span, "the values of a domain have the column's type")
            return


def _reference(draft: Draft, policy: str, column: ColumnDeclaration) -> Iterator[Diagnostic]:
    if column.references is None:
        return
    table, name = column.references
    schema = draft.scope.schema(full_name(policy, table))
    if schema is None:
        finding = draft.scope.unknown(policy, table)
        if finding is not None:
            yield finding
        return
    place = schema.position(name)
    if place is None:
        known = [each.name for each in schema.columns]
        hint = near_or_listed(name, known, "its columns are")
        yield Diagnostic("CL103", f"`{table}` has no column `{name}`", column.span, hint)
    elif contradict(of_column(Column("", column.type)), of_column(schema.columns[place])):
        message = f"column `{column.name}` is {column.type}, but `{table}.{name}` is {schema.columns[place].type}"
        yield Diagnostic("CL110", message, column.span, "a column and what it refers to have one type")
