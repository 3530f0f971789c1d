"""
Questions to a server about rows: queries, why, and why not.

A server says what of the whole estate it cannot tell at the moment; whoever asks
is told what of that their question rests on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from congresslite.cli.client.explanations import Notes, proof_of, why_not_of
from congresslite.cli.client.findings import undetermined
from congresslite.cli.client.http import Client, at
from congresslite.cli.client.showing import moment
from congresslite.diagnostics import Diagnostic, Severity, Source
from congresslite.engine.explanation import Proof, WhyNot
from congresslite.schema import Row
from congresslite.server.schemas.common import Stale
from congresslite.server.schemas.tables import Answers, Explanation, RowsPage

MOST = 10_000  # rows of an answer
_PAGE = 1000  # rows of a table that come at once
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_QUALIFIED = re.compile(r"([\w.-]+):([\w.]+)")
_UNQUALIFIED = re.compile(r"(?<![\w.:])(?!(?:not|or|in)\b)\w[\w.]*\s*\(")


@dataclass(frozen=True, slots=True)
class Answered:
    """Rows, how many there are in all, and what cannot be told of them."""

    columns: tuple[str, ...]
    rows: list[Row]
    total: int
    lacking: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Why a row is there (None: it is not): as a document, as a proof, and what there is to say of single rows."""

    document: dict[str, Any] | None
    proof: Proof | None
    notes: Notes
    lacking: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class WhyNotThere:
    """Why a row is not there (None: it is): as a document, and as a value."""

    document: dict[str, Any] | None
    why_not: WhyNot | None
    lacking: tuple[Diagnostic, ...]


def rows_of(client: Client, table: str, limit: int) -> Answered:
    """The rows of a table, at most `limit` of them (0: all). Raises ServerError."""
    rows: list[Row] = []
    offset: int | None = 0
    while True:
        asked = min(_PAGE, limit - len(rows)) if limit else _PAGE
        query = [("offset", str(offset)), ("limit", str(asked))]
        page = client.get(at("tables", table, "rows"), RowsPage, query).body
        rows += [tuple(row) for row in page.items]
        following = page.next
        if following is None or following <= (offset or 0) or (limit and len(rows) >= limit):
            return Answered(tuple(page.columns), rows, max(page.total, len(rows)), _unhealthy(table, page))
        offset = following


def _unhealthy(table: str, page: RowsPage) -> tuple[Diagnostic, ...]:
    if page.health in ("fresh", "lazy"):
        return ()
    seen = f"its rows are of {moment(page.as_of)}" if page.as_of else "none of its rows have been seen yet"
    message = f"`{table}` is {page.health.replace('_', ' ')}: {seen}"
    hint = "`congresslite source list` shows which sources are not current"
    return (Diagnostic("CL594", message, hint=hint, severity=Severity.WARNING, place=table),)


def answer(client: Client, text: str, limit: int) -> Answered:
    """The answers to a query, at most `limit` of them (0: as many as the server gives). Raises ServerError."""
    body = {"query": text, "limit": min(limit or MOST, MOST)}
    reply = client.send("POST", at("queries"), Answers, body, texts={"query": Source("query", text)}).body
    rows = [tuple(row) for row in reply.items]
    return Answered(tuple(reply.columns), rows, max(reply.total, len(rows)), _lacking(reply.undetermined, text))


def why(client: Client, atom: str) -> Why:
    """The proof of a row. Raises ServerError."""
    reply = _explanation(client, "why", atom)
    lacking = _lacking(reply.undetermined, atom)
    if reply.explanation is None:
        return Why(None, None, {}, lacking)
    proof, notes = proof_of(reply.explanation)
    return Why(reply.explanation, proof, notes, lacking)


def why_not(client: Client, atom: str) -> WhyNotThere:
    """How far each rule gets towards a row that is not there. Raises ServerError."""
    reply = _explanation(client, "why-not", atom)
    value = None if reply.explanation is None else why_not_of(reply.explanation)
    return WhyNotThere(reply.explanation, value, _lacking(reply.undetermined, atom))


def _explanation(client: Client, question: str, atom: str) -> Explanation:
    # It reads the atom, and then asks for it as a query: findings are about the same text.
    source = Source("query", atom)
    return client.send("POST", at(question), Explanation, {"atom": atom}, texts={"atom": source, "query": source}).body


def _lacking(entries: Iterable[Stale], text: str) -> tuple[Diagnostic, ...]:
    """What cannot be told of what a text asks for; where it names a table without its source, of everything."""
    bare = _STRING.sub("", text)
    named = _QUALIFIED.findall(bare)
    tables = {f"{source}:{table}" for source, table in named}
    sources = {source for source, _ in named}
    return undetermined(
        each
        for each in entries
        if _UNQUALIFIED.search(bare) or tables & set(each.tables) or sources & set(each.policies)
    )
