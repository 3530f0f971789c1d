"""
The driver `sql`: a database, a query for each table.

Each table is a feed of its own, read by one query, so that its rows are of one
moment. What a query must give is declared, or else read off its first answer
and kept from then on: a query whose columns change is an error, never another
table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from congresslite.config.units import Seconds
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.schema import Column, ColumnsTable, TableSchema, Type
from congresslite.sources import columns as typed
from congresslite.sources.databases import Answer, Database, fault_of
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Deadline, Feed, Pull, Wake
from congresslite.sources.schemas import Schemas

Made = TypeVar("Made")

_FIRST_LOOK = 60.0  # seconds for the query that tells the columns of a table that nobody declared


class TableSettings(BaseModel):
    """One table: its query, and what is declared of what the query gives."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    query: str = Field(description="One SELECT; its columns are the table's.")
    columns: dict[str, Type] | None = Field(
        default=None, description="The type of each column; read off the rows if left out."
    )
    key: tuple[str, ...] = Field(default=(), description="The columns that tell the rows apart.")
    owner: str | None = Field(default=None, description="The column that leads to whom a row belongs.")
    description: str = Field(default="", description="What the rows are, for people.")


class Settings(BaseModel):
    """What the driver wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr = Field(description="The address of the database, such as `postgresql://reader@db.lab/cmdb`.")
    password: SecretStr | None = Field(default=None, description="The password, where it is not part of the address.")
    tables: dict[str, TableSettings] = Field(min_length=1, description="The tables by name.")
    max_rows: int = Field(default=1_000_000, gt=0, description="More rows of one table than that are an error.")
    connect_timeout: Seconds = Field(default=10.0, gt=0, description="The seconds that connecting may take.")


def open_driver(source: str, settings: Settings, definition: Definition | None) -> SqlDriver:
    """A driver that has not connected yet. Raises SourceError with everything that is wrong with the settings."""
    findings: list[Diagnostic] = []
    reader = _Reader(source, None if definition is None else definition.named(source), findings)
    queries = {name: reader.query(name, table) for name, table in settings.tables.items()}
    database = None
    try:
        password = None if settings.password is None else settings.password.get_secret_value()
        database = Database(settings.url.get_secret_value(), password, settings.connect_timeout)
    except SourceError as error:
        findings.extend(error.diagnostics)
    if findings or database is None:
        raise SourceError(findings)
    return SqlDriver(database, queries, settings.max_rows)


@dataclass(frozen=True, slots=True)
class _Query:
    """One table's query. `declared` says that the columns of the schema are; otherwise it has none yet."""

    statement: str
    schema: TableSchema
    declared: bool
    owner: str | None


class _Reader:
    """Makes queries of settings; what is wrong goes to the findings."""

    def __init__(self, source: str, definition: Definition | None, findings: list[Diagnostic]) -> None:
        self.source = source
        self.definition = definition
        self.findings = findings

    def query(self, name: str, table: TableSettings) -> _Query:
        """The query of one table."""
        full = f"{self.source}:{name}"
        if fault := fault_of(table.query):
            message = f"the query of table `{name}` cannot be used: {fault}"
            self.findings.append(Diagnostic("CL537", message, place=full))
        if self.definition is not None:
            return self._defined(name, table, self.definition)
        if table.columns is not None:
            for column in dict.fromkeys((*table.key, *([table.owner] if table.owner else []))):
                if column not in table.columns:
                    self.findings.append(_no_column(column, name, full, table.columns))
        columns = tuple(Column(each, type_) for each, type_ in (table.columns or {}).items())
        schema = TableSchema(full, columns, table.key, table.description)
        return _Query(table.query, schema, table.columns is not None, table.owner)

    def _defined(self, name: str, table: TableSettings, definition: Definition) -> _Query:
        """A query for a table that a definition declares."""
        full = f"{self.source}:{name}"
        if name not in definition.declarations:
            hint = near_or_listed(name, definition.declarations, "it has")
            message = f"the definition has no table `{name}`"
            self.findings.append(Diagnostic("CL421", message, place=full, hint=hint))
            return _Query(table.query, TableSchema(full, ()), True, None)
        if table.columns is not None or table.key or table.owner:
            hint = "leave out `columns`, `key` and `owner`"
            message = f"table `{name}` is declared by the definition already"
            self.findings.append(Diagnostic("CL422", message, place=full, hint=hint))
        return _Query(table.query, definition.schema(name), True, definition.declarations[name].owner)


def _no_column(column: str, table: str, place: str, known: Collection[str]) -> Diagnostic:
    hint = near_or_listed(column, known, "it has")
    return Diagnostic("CL424", f"table `{table}` has no column `{column}`", place=place, hint=hint)


class SqlDriver:
    """Reads the tables of one database."""

    def __init__(self, database: Database, queries: Mapping[str, _Query], most: int) -> None:
        self._database = database
        self._queries = dict(queries)
        self._most = most
        self.feeds: Sequence[Feed] = tuple(Feed(name, (name,)) for name in queries)
        self.owners: Mapping[str, str] = {name: each.owner for name, each in queries.items() if each.owner}
        self.schemas: Mapping[str, TableSchema] = Schemas(queries, self._schema)

    def pull(self, feed: str, deadline: Deadline) -> Pull:
        """All rows of a table. Raises SourceError."""
        query = self._queries[feed]
        try:
            answer = self._database.ask(query.statement, deadline, self._most)
        except SourceError as error:
            raise SourceError(_of_table(feed, each) for each in error.diagnostics) from None
        twice = next((name for name in answer.names if answer.names.count(name) > 1), None)
        if twice is not None:
            hint = "give each a name of its own: `SELECT a.id AS server, b.id AS host …`"
            raise SourceError(Diagnostic("CL540", f"table `{feed}`: two columns are named `{twice}`", hint=hint))
        if not query.declared:
            query = self._queries[feed] = self._inferred(feed, query, answer)
        return {feed: self._typed(feed, query.schema, answer)}

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> None:
        """None: a query gives the whole table."""

    def watch(self, wake: Wake) -> None:
        """None: a database does not tell of changes."""

    def close(self) -> None:
        """Give back connections."""
        self._database.close()

    def _schema(self, name: str) -> TableSchema:
        """The schema of a table; if nobody declared it, the table is read for it, once."""
        if not self._queries[name].declared:
            self.pull(name, Deadline.after(_FIRST_LOOK))
        return self._queries[name].schema

    def _inferred(self, name: str, query: _Query, answer: Answer) -> _Query:
        """The query with the columns that its first answer has."""
        wanted = (*query.schema.key, *([query.owner] if query.owner else []))
        lacking = [each for each in dict.fromkeys(wanted) if each not in answer.names]
        if lacking:
            raise SourceError(_no_column(each, name, query.schema.name, answer.names) for each in lacking)
        bare = replace(query.schema, columns=tuple(Column(each, declared=False) for each in answer.names))
        types = _columns(name, bare, answer, lambda values, _: typed.infer(values)[0])
        columns = tuple(replace(each, type=types[each.name]) for each in bare.columns)
        return replace(query, schema=replace(bare, columns=columns), declared=True)

    def _typed(self, name: str, schema: TableSchema, answer: Answer) -> ColumnsTable:
        """The answer as the table that it must be."""
        expected = [column.name for column in schema.columns]
        findings = [
            Diagnostic("CL540", f"table `{name}`: the query gives no column `{each}`", place=schema.name,
                       hint=near_or_listed(each, answer.names, "it gives"))
            for each in expected if each not in answer.names
        ]  # fmt: skip
        findings += [
            Diagnostic("CL540", f"table `{name}` has no column `{each}`, but the query gives it", place=schema.name,
                       hint=near_or_listed(each, expected, "it has"))
            for each in answer.names if each not in expected
        ]  # fmt: skip
        if findings:
            raise SourceError(findings)
        values = _columns(name, schema, answer, lambda found, column: typed.column(found, column.type))
        return ColumnsTable(schema, answer.num_rows, values)


def _columns(
    name: str, schema: TableSchema, answer: Answer, make: Callable[[Sequence[object], Column], Made]
) -> dict[str, Made]:
    """What `make` makes of each column of an answer. Raises SourceError for values that do not fit."""
    made: dict[str, Made] = {}
    findings: list[Diagnostic] = []
    for column in schema.columns:
        try:
            made[column.name] = make(answer.columns[answer.names.index(column.name)], column)
        except typed.MisfitError as misfit:
            message = f"table `{name}`, row {misfit.row + 1}, column `{column.name}`: {misfit.message}"
            findings.append(Diagnostic(misfit.code, message, place=schema.name, hint=_CAST))
    if findings:
        raise SourceError(findings)
    return made


_CAST = "let the query give what the column holds: `CAST(… AS …)`"


def _of_table(name: str, finding: Diagnostic) -> Diagnostic:
    return replace(finding, message=f"table `{name}`: {finding.message}")
