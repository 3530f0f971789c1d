"""Declarations: what `table`, `incompatible` and `functional` statements may say."""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.diagnostics import Diagnostic, Severity
from congresslite.diagnostics.suggest import did_you_mean, listing, near_or_listed
from congresslite.language.program import Match, RuleKind
from congresslite.language.resolution.collect import full_name
from congresslite.language.resolution.domains import fits
from congresslite.language.resolution.draft import Draft
from congresslite.language.resolution.kinds import contradict, of_column, refuses, sure
from congresslite.language.resolution.scope import VIOLATIONS
from congresslite.language.syntax import (
    Atom,
    ColumnDeclaration,
    Functional,
    Incompatible,
    TableDeclaration,
    TableName,
)
from congresslite.schema import Choice, Column, Range, Scalar, TableSchema


def check(draft: Draft) -> Iterator[Diagnostic]:
    """Findings about every declaration of every policy."""
    commanded = _commanded(draft)
    for policy, file in draft.policies.items():
        tables: dict[str, TableDeclaration] = {}
        for statement in file.statements:
            match statement:
                case TableDeclaration(name):
                    yield from _table(draft, policy, statement, tables.get(name))
                    tables.setdefault(name, statement)
                case Incompatible(first, second):
                    for atom in (first, second):
                        yield from _action(atom, commanded)
                case Functional():
                    yield from _functional(draft, policy, statement, commanded)
                case _:
                    pass


def _commanded(draft: Draft) -> set[str]:
    """The names of everything that some rule commands, permits, requires or gives an effect to."""
    names = {str(rule.outline.rule.head.atom.table) for rule in draft.rules if rule.outline.kind is RuleKind.MODAL}
    for rule in draft.rules:
        if rule.outline.kind is RuleKind.EFFECT:
            names |= {
                literal.table.removeprefix("execute[").removesuffix("]")
                for literal in rule.body
                if isinstance(literal, Match) and literal.table.startswith("execute[")
            }
    return names


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


def _action(atom: Atom, commanded: set[str]) -> Iterator[Diagnostic]:
    if str(atom.table) not in commanded:
        yield _never_commanded(atom.table, "incompatible", commanded)


def _never_commanded(name: TableName, word: str, commanded: set[str]) -> Diagnostic:
    message = f"`{word}` names `{name}`, but no rule commands or requires it"
    hint = did_you_mean(str(name), sorted(commanded))
    if hint is None and commanded:
        hint = f"rules command {listing(sorted(commanded))}"
    return Diagnostic("CL132", message, name.span, hint, Severity.WARNING)


def _functional(draft: Draft, policy: str, statement: Functional, commanded: set[str]) -> Iterator[Diagnostic]:
    meaning = draft.scope.meaning(policy, statement.table)
    if not isinstance(meaning, TableSchema):
        if str(statement.table) not in commanded:
            yield _never_commanded(statement.table, "functional", commanded)
        return
    given = len(statement.keys) + len(statement.values)
    if given != meaning.arity:
        message = f"`{statement.table}` has {meaning.arity} columns, but `functional` names {given}"
        hint = f"its columns are {listing(column.name for column in meaning.columns)}"
        yield Diagnostic("CL105", message, statement.span, hint)
