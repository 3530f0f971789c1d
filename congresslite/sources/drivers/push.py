"""
The driver `push`: rows and webhooks that others send.

Nothing is pulled. What comes is checked here as strictly as what is read
elsewhere: a row that does not fit its table is an error for whoever sent it,
and nothing of the request is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.schema import ColumnsTable, ColumnValues, Row, Scalar, TableSchema, canonical, row_identity
from congresslite.sources import columns as typed
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Deadline, Feed, Pull, Wake
from congresslite.sources.hooks import Hook
from congresslite.sources.replies import ReplyTable

Key = tuple[Scalar, ...]

_MOST_FINDINGS = 20


class Settings(BaseModel):
    """What the driver wants to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    max_rows: int = Field(
        default=1_000_000, gt=0, description="More rows of a table in one request than that are an error."
    )
    unfit_rows: Literal["refuse", "drop"] = Field(
        default="refuse",
        description="What becomes of the held rows of a table that are lost, or that its definition does not fit.",
    )


class Change(NamedTuple):
    """Rows that come, each in place of the one with its key, and keys of rows that go.

    A key that is shorter than the table's goes for all rows whose keys begin so, those that come excepted.
    """

    upserts: list[Row]
    deletes: list[Key]


def open_driver(source: str, settings: Settings, definition: Definition | None) -> PushDriver:
    """A driver for the tables of a definition. Raises SourceError without one."""
    if definition is None:
        hint = "name one that ships, such as `definition: alertmanager`, or a file of your own"
        message = f"source `{source}` lacks `definition`, which says what its tables are"
        raise SourceError(Diagnostic("CL430", message, place=source, hint=hint))
    return PushDriver(definition.named(source), settings.max_rows, drops_unfit=settings.unfit_rows == "drop")


class PushDriver:
    """Makes rows of what is pushed."""

    def __init__(self, definition: Definition, max_rows: int, *, drops_unfit: bool = False) -> None:
        self._definition = definition
        self._max_rows = max_rows
        self.drops_unfit = drops_unfit
        self.feeds: Sequence[Feed] = ()
        self.hooks: Mapping[str, Hook] = definition.hooks
        self.schemas: Mapping[str, TableSchema] = {name: definition.schema(name) for name in definition.declarations}
        self.owners: Mapping[str, str] = {
            name: each.owner for name, each in definition.declarations.items() if each.owner is not None
        }

    # -- rows --------------------------------------------------------------------------------------

    def key_columns(self, table: str) -> tuple[str, ...]:
        """The columns that tell the rows of a table apart: its key, or all of them. Raises KeyError."""
        schema = self.schemas[table]
        return schema.key or tuple(column.name for column in schema.columns)

    def key(self, table: str, row: Row) -> Key:
        """The key of a row. Raises KeyError."""
        schema = self.schemas[table]
        return tuple(row[schema.position(column) or 0] for column in schema.key) or row

    def rows(self, table: str, objects: Iterable[Mapping[str, Any]]) -> list[Row]:
        """Rows that come as objects by column, where what is left out is null; each row once.

        Raises KeyError for a table that is not there, and SourceError for what does not fit: an unknown column, a row
        without its key, a wrong type, two rows of one key.
        """
        schema = self.schemas[table]
        rows = self._read(schema, [column.name for column in schema.columns], objects)
        places = [schema.position(column) or 0 for column in self.key_columns(table)]
        keys = list(zip(*([row[place] for row in rows] for place in places), strict=True))
        return rows if len(set(keys)) == len(rows) else self._distinct(schema, rows, keys)

    def keys(self, table: str, objects: Iterable[Mapping[str, Any]]) -> list[Key]:
        """Keys of rows that go, as objects with at least the columns of the key. Raises KeyError and SourceError."""
        return self._read(self.schemas[table], self.key_columns(table), objects)

    def _read(self, schema: TableSchema, names: Sequence[str], objects: Iterable[Mapping[str, Any]]) -> list[Row]:
        """The values of these columns. Raises SourceError with everything that is wrong."""
        given = list(islice(objects, self._max_rows + 1))
        if len(given) > self._max_rows:
            raise self._too_many(schema)
        findings = [*islice(self._misshapen(schema, given), _MOST_FINDINGS)]
        if findings:
            raise SourceError(findings)
        types = {column.name: column.type for column in schema.columns}
        columns: list[list[Scalar]] = []
        for name in names:
            values = [each.get(name) for each in given]
            try:
                if name in schema.key and None in values:
                    hint = f"give `{name}` in each row: it is the key, or part of it"
                    raise typed.MisfitError(values.index(None), "CL544", "nothing, where the key is", hint)
                typed.column(values, types[name])  # checks them
                columns.append(_scalars(values))
            except typed.MisfitError as misfit:
                message = f"row {misfit.row + 1}, column `{name}`: {misfit.message}"
                findings.append(Diagnostic(misfit.code, message, place=schema.name, hint=misfit.hint))
        if findings:
            raise SourceError(findings)
        return list(zip(*columns, strict=True))

    def _distinct(self, schema: TableSchema, rows: Sequence[Row], keys: Sequence[Key]) -> list[Row]:
        """The rows, each once. Raises SourceError for two of them with one key."""
        first: dict[object, int] = {}
        distinct: list[Row] = []
        for number, (row, key) in enumerate(zip(rows, keys, strict=True), 1):
            same = row_identity(key)
            if same not in first:
                first[same] = number
                distinct.append(row)
            elif row != rows[first[same] - 1]:
                message = f"rows {first[same]} and {number} have one key, {_shown(key)}"
                raise self._error("CL431", schema, message, "send each row once")
        return distinct

    def _misshapen(self, schema: TableSchema, given: Sequence[Any]) -> Iterable[Diagnostic]:
        """A finding for each row that is no object, and for each name that is no column."""
        known = {column.name: None for column in schema.columns}
        told: set[str] = set()
        for number, each in enumerate(given, 1):
            if not isinstance(each, Mapping):
                what = "null" if each is None else typed.shown(each)
                message = f"row {number} is {what}, where an object is expected"
                yield Diagnostic("CL409", message, place=schema.name, hint='write each row as `{"column": value}`')
            elif not each.keys() <= known.keys():
                for name in each.keys() - known.keys() - told:
                    told.add(name)
                    hint = near_or_listed(name, known, "it has")
                    message = f"row {number}: table `{_short(schema)}` has no column `{name}`"
                    yield Diagnostic("CL543", message, place=schema.name, hint=hint)

    # -- webhooks ----------------------------------------------------------------------------------

    def hook(self, name: str, body: Any) -> Mapping[str, Change]:
        """What a notification says of each table of its hook. Raises KeyError and SourceError.

        Of an object that a notification names twice, the last word counts.
        """
        hook = self.hooks[name]
        objects = hook.split(body)
        identities = self._definition.identities[name]
        own, column = next(iter(identities.items()))
        keys = self._objects_keys(own, column, [found for found, _ in objects])
        last = dict(zip(keys, objects, strict=True))
        notified = _Notified(name, [found for found, over in last.values() if not over])
        ended: list[Key] = [(key,) for key, (_, over) in last.items() if over]
        every: list[Key] = [(key,) for key in last]
        return {table: Change(self._mapped(table, notified), ended if table == own else every) for table in identities}

    def _objects_keys(self, table: str, column: str, objects: list[Any]) -> list[Scalar]:
        """The ids of objects."""
        every = ReplyTable(self._definition, table, _Notified(self._definition.mappings[table].reply, objects))
        return _values(every.columns([column])[column])

    def _mapped(self, table: str, notified: _Notified) -> list[Row]:
        """The rows that a notification has for a table, each key once."""
        whole = ReplyTable(self._definition, table, notified).whole()
        if whole.num_rows > self._max_rows:
            raise self._too_many(whole.schema)
        by_key = {row_identity(self.key(table, row)): row for row in _rows(whole)}
        return list(by_key.values())

    def _too_many(self, schema: TableSchema) -> SourceError:
        return self._error("CL541", schema, f"more than {self._max_rows} rows at once", "send them in portions")

    def _error(self, code: str, schema: TableSchema, message: str, hint: str) -> SourceError:
        return SourceError(Diagnostic(code, f"table `{_short(schema)}`: {message}", place=schema.name, hint=hint))

    # -- what other drivers do ---------------------------------------------------------------------

    def pull(self, feed: str, deadline: Deadline) -> NoReturn:
        """Raises KeyError: there is no feed."""
        raise KeyError(feed)

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> Pull | None:
        """None: there is nothing to pull."""
        return None

    def watch(self, wake: Wake) -> None:
        """None: whoever pushes tells of changes by pushing."""

    def close(self) -> None:
        """There is nothing to give back."""


class _Notified:
    """The objects of a notification, as a reply that lists them."""

    def __init__(self, hook: str, objects: list[Any]) -> None:
        self._hook = hook
        self._objects = objects

    def place(self, reply: str) -> str:
        """Where it comes from, for people."""
        return f"hook {self._hook}"

    def get(self, reply: str) -> list[Any]:
        """The objects."""
        return self._objects

    def release(self) -> None:
        """It is here but once."""


def _scalars(values: list[Any]) -> list[Scalar]:
    """The values of a column that was checked, each as the one that stands for all equal ones."""
    return [canonical(value) for value in values] if float in set(map(type, values)) else values


def _rows(table: ColumnsTable) -> list[Row]:
    columns = [_values(table.values[column.name]) for column in table.schema.columns]
    return list(zip(*columns, strict=True))


def _values(column: ColumnValues) -> list[Scalar]:
    return _scalars(column if isinstance(column, list) else column.to_pylist())


def _shown(key: Key) -> str:
    return ", ".join("null" if value is None else typed.shown(value) for value in key)


def _short(schema: TableSchema) -> str:
    return schema.name.partition(":")[2]
