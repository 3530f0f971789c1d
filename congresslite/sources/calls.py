"""
Calls: a definition followed over HTTP, from the paths of its replies to the rows of its tables.

The rule to keep: a pull gives all tables of a reply with all their rows, read to
the last value, or it is an error; nothing is left to be found out later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.schema import ColumnsTable, TableSchema
from congresslite.sources.asking import Reply
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Deadline, Feed, Part, Pull
from congresslite.sources.fetching import DEFAULT_BOUNDS, Asker, Bounds, document_of
from congresslite.sources.http import Http
from congresslite.sources.replies import ReplyTable

__all__ = ["Bounds", "DefinedService"]


class DefinedService:
    """A service that answers as a definition says: the part of a Driver that pulls. `definition` has the source's name.

    A feed is a reply of the definition, with the tables that come from it; a table without a reply is not offered.
    """

    def __init__(self, definition: Definition, http: Http, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self.definition = definition
        self._http = http
        self._bounds = bounds
        self._tables_of = {
            reply: tuple(name for name, mapping in definition.mappings.items() if mapping.reply == reply)
            for reply in definition.replies
        }
        self.feeds: Sequence[Feed] = tuple(
            Feed(reply, tables, mapped=True) for reply, tables in self._tables_of.items() if tables
        )
        offered = [name for feed in self.feeds for name in feed.tables]
        self.schemas: Mapping[str, TableSchema] = {name: definition.schema(name) for name in offered}
        self.owners: Mapping[str, str] = {
            name: owner for name in offered if (owner := definition.declarations[name].owner) is not None
        }

    def pull(self, feed: str, deadline: Deadline) -> Pull:
        """All rows of a feed's tables. Raises SourceError."""
        reply = self.definition.replies[feed]
        asker = Asker(self._http, reply, self._bounds, deadline)
        return self._tables(reply, asker.whole(), asker.place)

    def pull_some(self, feed: str, keys: Collection[str], deadline: Deadline) -> Pull | None:
        """The rows of these objects alone; None if they cannot be asked for singly. Raises SourceError."""
        reply = self.definition.replies[feed]
        if reply.one is None:
            return None
        asker = Asker(self._http, reply, self._bounds, deadline)
        found = asker.some(reply.one, sorted(keys))
        if found is None:
            return None
        columns = self.definition.identities[feed]
        tables = self._tables(reply, document_of(reply, {}, list(found.values())), asker.place)
        _check_identities(tables, columns, found, asker.place)
        return {name: Part(columns[name], frozenset(keys), table) for name, table in tables.items()}

    def _tables(self, reply: Reply, body: Any, place: str) -> dict[str, ColumnsTable]:
        """The tables of a reply, read to the end, so that whatever is wrong with a row is told now."""
        replies = _AskedReply(place, body)
        tables: dict[str, ColumnsTable] = {}
        findings: list[Diagnostic] = []
        for name in self._tables_of[reply.name]:
            try:
                tables[name] = ReplyTable(self.definition, name, replies).whole()
            except SourceError as error:
                findings.extend(error.diagnostics)
        if findings:
            raise SourceError(findings)
        return tables


@dataclass(frozen=True, slots=True)
class _AskedReply:
    """The one reply that was asked for just now."""

    address: str
    body: Any

    def place(self, reply: str) -> str:
        return self.address

    def get(self, reply: str) -> Any:
        return self.body

    def release(self) -> None:
        """There is nothing to read it from again."""


def _check_identities(
    tables: Mapping[str, ColumnsTable], columns: Mapping[str, str], found: Mapping[str, Any], place: str
) -> None:
    """Raise SourceError (CL477) where a service gave another object than the one that was asked for."""
    own, key = next(iter(columns.items()))
    values = tables[own].columns([key])[key]
    listed = values if isinstance(values, list) else values.to_pylist()
    other = next((each for each in listed if each not in found), None)
    if other is not None:
        message = f"the object with the id `{other}` came, where another one was asked for"
        raise SourceError(Diagnostic("CL477", message, place=place, hint="see to `one` of the reply in the definition"))
