"""
Base tables: their columns, read as far as rules need them, and the batches that change them.

A column is numbered when somebody first needs it. Once rows of a table change,
the table is held whole: what was read from a file is no longer what the file
says, and a row is found by all of its columns.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.keys import KeySet
from congresslite.engine.relation import Relation
from congresslite.schema import ColumnValues, TableData, TableSchema

# A column's place and what dictionaries its table has.
Dictionaries = Callable[[str, int], list[Dictionary]]


class BaseTables:
    """The tables of the sources, behind the relations that are made of them."""

    def __init__(self, tables: Mapping[str, TableData]) -> None:
        self._tables = tables
        self._lock = threading.RLock()

    def attach(self, tables: Mapping[str, TableData]) -> None:
        """Know further tables."""
        with self._lock:
            self._tables = {**self._tables, **tables}

    def detach(self, names: Iterable[str]) -> None:
        """Know of these tables no more."""
        with self._lock:
            gone = set(names)
            self._tables = {name: each for name, each in self._tables.items() if name not in gone}

    def data(self, name: str) -> TableData:
        """A table as it was given. Raises KeyError."""
        return self._tables[name]

    def schema(self, name: str) -> TableSchema:
        """The schema of a table. Raises KeyError."""
        return self._tables[name].schema

    def __contains__(self, name: str) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def read(
        self,
        wanted: Mapping[str, Iterable[int]],
        relations: MutableMapping[str, Relation],
        dictionaries: Dictionaries,
        owner: object,
    ) -> None:
        """Read columns and make ids of them: all columns of a dictionary in one pass. Raises SourceError."""
        with self._lock:
            gathered: defaultdict[int, list[tuple[Relation, int, ColumnValues]]] = defaultdict(list)
            shared: dict[int, Dictionary] = {}
            for name, positions in wanted.items():
                relation, values = self._values(name, positions, relations, dictionaries, owner)
                own = dictionaries(name, len(relation.dictionaries))
                for position, column in values.items():
                    dictionary = own[position]
                    shared[id(dictionary)] = dictionary
                    gathered[id(dictionary)].append((relation, position, column))
            for key, entries in gathered.items():
                encoded = shared[key].encode_columns([values for _, _, values in entries])
                for (relation, position, _), ids in zip(entries, encoded, strict=True):
                    relation.set_column(position, shared[key], ids)
                entries.clear()

    def _values(
        self,
        name: str,
        positions: Iterable[int],
        relations: MutableMapping[str, Relation],
        dictionaries: Dictionaries,
        owner: object,
    ) -> tuple[Relation, Mapping[int, ColumnValues]]:
        """The relation of a table, made if it is not there yet, and the values of the columns that it lacks."""
        data, held = self._tables[name], relations.get(name)
        schema = data.schema
        missing = sorted(each for each in positions if held is None or not held.has(each))
        columns = data.columns([schema.columns[position].name for position in missing]) if missing else {}
        if held is None:
            # Only now: how many rows there are is known for nothing once columns have been read.
            arity, rows = schema.arity, data.num_rows
            held = relations[name] = Relation(name, dictionaries(name, arity), [None] * arity, rows, owner=owner)
        elif missing and data.num_rows != held.size:
            raise SourceError(_other_rows(name))
        return held, {position: columns[schema.columns[position].name] for position in missing}

    def whole(
        self, name: str, relations: MutableMapping[str, Relation], dictionaries: Dictionaries, owner: object
    ) -> None:
        """Read all columns of a table."""
        held = relations.get(name)
        if held is not None and all(map(held.has, range(len(held.dictionaries)))):
            return
        self.read({name: range(self._tables[name].schema.arity)}, relations, dictionaries, owner)


def _other_rows(name: str) -> Diagnostic:
    return Diagnostic(
        "CL443",
        f"the file of `{name}` has changed since it was first read: a column that is needed now has other rows",
        None,
        "load everything anew",
        place=name,
    )


def without_repeats(relation: Relation, owner: object) -> Relation:
    """The same rows, each once; all columns must have been read."""
    if relation.distinct:
        return relation
    fresh, length = KeySet(relation.dictionaries).add(relation.columns(), relation.rows)
    if length == relation.rows:
        relation.distinct = True
        return relation
    return Relation(relation.name, relation.dictionaries, fresh, length, distinct=True, owner=owner)
