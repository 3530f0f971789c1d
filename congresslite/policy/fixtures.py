"""
Fixtures: the tables that a test gives, as an engine wants them.

A test must not pass because of a mistake in it: a table that nobody knows, a
column misspelt or a number where the definition has a string is told, with the
place in the test. Tables without a definition have the columns that the tests
of the file give them and that the policy reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from congresslite.diagnostics import Diagnostic
from congresslite.language.printing import domain_text
from congresslite.language.resolution.domains import admits
from congresslite.language.syntax import (
    Atom,
    Body,
    Disjunction,
    Negation,
    PolicyFile,
    Rule,
    TableDeclaration,
    TableName,
)
from congresslite.policy.testfiles import Case, WrittenRow, WrittenTable
from congresslite.schema import Catalog, Column, Row, Scalar, TableSchema, Type, identity

_OF_TYPE: dict[Type, tuple[type, ...]] = {
    Type.BOOL: (bool,),
    Type.INT: (int,),
    Type.FLOAT: (int, float),
    Type.STR: (str,),
}


def without_source(catalog: Catalog, source: str) -> Catalog:
    """A catalog without the tables of one source."""
    kept = [schema for name, schema in catalog.items() if name.partition(":")[0] != source]
    return Catalog.of(kept, catalog.sources - {source})


@dataclass(slots=True)
class _Use:
    """How a policy reads a table: the columns that it names, and how many it reads by place."""

    columns: dict[str, None] = field(default_factory=dict)
    places: int = 0


def fixture_catalog(file: PolicyFile, cases: Iterable[Case], definitions: Catalog) -> Catalog:
    """The tables that a policy is tested over: those defined, and those that only it and its tests know.

    Another policy's tables are among the latter: a test says what they hold, as of a source. A definition named like
    the policy is left out: it says what a source of that name would offer, not that there is one.
    """
    definitions = without_source(definitions, file.name)
    uses = {name: use for name, use in _uses(file).items() if name.partition(":")[0] not in definitions.sources}
    for case in cases:
        for table in case.given:
            if (use := uses.get(table.name)) is not None:
                use.columns = dict.fromkeys([*(column for row in table.rows for column in row.cells), *use.columns])
    schemas = [_schema(name, use) for name, use in uses.items()]
    return Catalog.of([*definitions.values(), *schemas], definitions.sources)


def given_rows(
    table: WrittenTable, schema: TableSchema, findings: list[Diagnostic], *, what: str = "table"
) -> list[Row]:
    """The rows given for a table, in the order of its columns, null where nothing is said."""
    rows = []
    seen: dict[tuple[object, ...], int] = {}
    for row in table.rows:
        findings.extend(unknown_columns(row, schema, what))
        findings.extend(_bad_values(row, schema))
        rows.append(tuple(row.cells.get(column.name) for column in schema.columns))
        findings.extend(_repeated_key(row, schema, seen))
    return rows


def unknown_columns(row: WrittenRow, schema: TableSchema, what: str = "table") -> Iterator[Diagnostic]:
    """A finding for each cell of a row whose column the table has not."""
    names = [column.name for column in schema.columns]
    for name in row.cells:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"its columns are {', '.join(names) or 'none'}"
            yield Diagnostic("CL463", f"{what} `{schema.name}` has no column `{name}`", row.spans[name], hint)


def unknown_table(table: WrittenTable, known: Iterable[str]) -> Diagnostic:
    """The finding for a table that neither a definition nor the policy knows."""
    names = sorted(known)
    near = get_close_matches(table.name, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else None
    return Diagnostic("CL465", f"the policy has and reads no table `{table.name}`", table.span, hint)


def _bad_values(row: WrittenRow, schema: TableSchema) -> Iterator[Diagnostic]:
    for column in schema.columns:
        value = row.cells.get(column.name)
        if value is not None and (problem := _problem(value, column)):
            hint = "put it in quotes" if column.type is Type.STR and not isinstance(value, str) else None
            message = f"column `{column.name}` of `{schema.name}` {problem}"
            yield Diagnostic("CL464", message, row.spans[column.name], hint)


def _problem(value: Scalar, column: Column) -> str | None:
    """What is wrong with a value for a column, or None."""
    kinds = _OF_TYPE.get(column.type)
    if kinds is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        return f"is of type {column.type}"
    if column.domain is not None and not admits(column.domain, value):
        return f"is {domain_text(column.domain)}"
    return None


def _repeated_key(row: WrittenRow, schema: TableSchema, seen: dict[tuple[object, ...], int]) -> Iterator[Diagnostic]:
    """A finding for a second row with the same key: engines may rely on declared keys."""
    if not schema.key or not all(row.cells.get(column) is not None for column in schema.key):
        return
    key = tuple(identity(row.cells[column]) for column in schema.key)
    if key in seen:
        shown = ", ".join(f"{column} = {row.cells[column]}" for column in schema.key)
        message = f"a second row of `{schema.name}` with the key {shown}"
        yield Diagnostic("CL464", message, row.span, f"the other one is on line {seen[key]}")
    seen.setdefault(key, row.span.line)


def _schema(name: str, use: _Use) -> TableSchema:
    """A table that nothing defines: `c3` is a column that is read by its place only."""
    names = list(use.columns)
    names += [f"c{place}" for place in range(len(names) + 1, use.places + 1)]
    return TableSchema(name, tuple(Column(each, Type.ANY, declared=False) for each in names))


def _uses(file: PolicyFile) -> Mapping[str, _Use]:
    """The tables of other names than the policy's own that it reads."""
    uses: dict[str, _Use] = {}
    for statement in file.statements:
        match statement:
            case Rule():
                for atom in _atoms(statement.body):
                    if (use := _use(uses, atom.table, file.name)) is not None:
                        _note(atom, use)
            case TableDeclaration():
                for column in statement.columns:
                    if column.references and (use := _use(uses, column.references[0], file.name)) is not None:
                        use.columns.setdefault(column.references[1])
    return uses


def _use(uses: dict[str, _Use], table: TableName, policy: str) -> _Use | None:
    if table.qualifier in (None, policy, "builtin"):
        return None
    return uses.setdefault(f"{table.qualifier}:{table.name}", _Use())


def _note(atom: Atom, use: _Use) -> None:
    by_place = 0
    for argument in atom.arguments:
        match argument.column:
            case str(name):
                use.columns.setdefault(name)
            case int(place):
                use.places = max(use.places, place + 1)  # columns are numbered from 0
            case None:
                by_place += 1
    use.places = max(use.places, by_place)


def _atoms(body: Body) -> Iterator[Atom]:
    """The atoms of a body, at any depth."""
    for literal in body:
        match literal:
            case Atom():
                yield literal
            case Negation(inner):
                yield from _atoms((inner,))
            case Disjunction(branches):
                for branch in branches:
                    yield from _atoms(branch)
