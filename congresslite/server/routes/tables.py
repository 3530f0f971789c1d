"""Tables, queries and questions about single rows over REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request
from werkzeug.datastructures import MultiDict

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.live import LiveEstate, Looked, Rows, TableInfo
from congresslite.schema.times import stamp_or_none
from congresslite.server import asked
from congresslite.server.contract import READ, Contract, Resource
from congresslite.server.current import Currency
from congresslite.server.intake import parameters, validated
from congresslite.server.problems import ProblemError, known, respond
from congresslite.server.replies import reply
from congresslite.server.rows import CSV, csv_text
from congresslite.server.schemas.tables import (
    Answers,
    AtomIn,
    Explanation,
    QueryIn,
    RowsPage,
    RowsQuery,
    Table,
    TableList,
    TableSummary,
)

# The most rows of one answer, and how many there are if nobody says.
_JSON, _CSV = (1000, 100), (1_000_000, 100_000)
_ROWS = {
    "parameters": [
        {"in": "query", "name": name, "required": False, "schema": schema, "description": description}
        for name, schema, description in (
            ("offset", {"type": "integer", "minimum": 0, "maximum": 2**40, "default": 0}, "Rows to leave out."),
            (
                "limit",
                {"type": "integer", "minimum": 1, "maximum": _CSV[0]},
                "At most 1000 (default 100) as JSON, 1000000 (default 100000) as CSV.",
            ),
            ("format", {"type": "string", "enum": ["json", "csv"]}, "As the header `Accept` asks, if not given."),
            (
                "columns",
                {"type": "object", "additionalProperties": {"type": "string"}},
                "Any other parameter is a column: `?COLUMN=VALUE` keeps the rows whose value reads so.",
            ),
        )
    ],
    "responses": {"200": {"content": {CSV: {"schema": {"type": "string"}}}}},
}


def tables(estate: LiveEstate) -> Resource:
    """The operations on tables."""
    bp = Resource("tables")

    @bp.operation("GET", "/tables", READ, replies=TableList)
    def listed() -> Response:
        """List the tables."""
        return reply(TableList(items=[TableSummary.of(each) for each in estate.tables(g.caller)], next=None))

    @bp.operation("GET", "/tables/<table>", READ, replies=Table)
    def read(table: str) -> Response:
        """Read the schema of a table."""
        with known("table", table):
            return reply(Table.of(estate.table(g.caller, table)))

    @bp.operation("GET", "/tables/<table>/rows", replace(READ, document=_ROWS), replies=RowsPage, fails=(502,))
    def rows(table: str) -> Response:
        """Read rows of a table, as JSON or CSV."""
        with known("table", table):
            query, where = _asked(request.args, estate.table(g.caller, table))
            csv = _wants_csv(query)
            most, usual = _CSV if csv else _JSON
            limit = min(most, usual if query.limit is None else query.limit)
            try:
                found = estate.rows(g.caller, table, where=where, offset=query.offset, limit=limit)
            except SourceError as error:
                return respond(502, error.diagnostics)
            info = estate.table(g.caller, table)
        if csv:
            return _as_csv(table, found, limit)
        return reply(
            RowsPage(
                table=table,
                columns=list(found.columns),
                items=[list(row) for row in found.rows],
                next=found.next,
                total=found.total,
                as_of=stamp_or_none(info.as_of),
                health=info.health,
            )
        )

    return bp


def queries(estate: LiveEstate) -> Resource:
    """Questions in the language of policies."""
    bp = Resource("queries")

    @bp.operation("POST", "/queries", Contract("viewer"), body=QueryIn, replies=Answers)
    def ask(body: QueryIn) -> Response:
        """Ask the tables a question."""
        now = Currency.of(estate, g.caller, estate.look(body.query))
        return reply(Answers.of(estate.query(g.caller, body.query, limit=body.limit), now.undetermined, now.as_of))

    def explained(explanation: Mapping[str, Any] | None, looked: Looked) -> Response:
        now = Currency.of(estate, g.caller, looked)
        document = None if explanation is None else dict(explanation)
        return reply(Explanation(explanation=document, undetermined=now.undetermined, as_of=stamp_or_none(now.as_of)))

    @bp.operation("POST", "/why", Contract("viewer"), body=AtomIn, replies=Explanation)
    def why(body: AtomIn) -> Response:
        """Say why a row is there; null if it is not."""
        looked = estate.look(body.atom)
        proof = asked.why(estate.snapshot(), body.atom, lambda table: estate.table(g.caller, table).as_of)
        return explained(proof, looked)

    @bp.operation("POST", "/why-not", Contract("viewer"), body=AtomIn, replies=Explanation)
    def why_not(body: AtomIn) -> Response:
        """Say how far each rule got that could have derived a row; null if the row is there."""
        looked = estate.look(body.atom)
        return explained(asked.why_not(estate.snapshot(), body.atom), looked)

    return bp


def _asked(given: MultiDict[str, str], info: TableInfo) -> tuple[RowsQuery, dict[str, str]]:
    """The parameters of paging, and the columns that are to have a value."""
    own = MultiDict((name, value) for name, value in given.items(multi=True) if name in RowsQuery.model_fields)
    where = {name: values for name, values in given.lists() if name not in own}
    columns = [column.name for column in info.schema.columns]
    unknown = [name for name in where if name not in columns]
    if unknown:
        name = unknown[0][:200]
        hint = near_or_listed(name, columns, "its columns are")
        finding = Diagnostic("CL550", f"`{info.schema.name}` has no column `{name}`", place="query", hint=hint)
        raise ProblemError(422, finding)
    query = validated(RowsQuery, parameters(own, RowsQuery), "query")
    assert isinstance(query, RowsQuery)
    return query, dict(parameters(MultiDict(where), RowsQuery))


def _wants_csv(query: RowsQuery) -> bool:
    if query.format is not None:
        return query.format == "csv"
    return request.accept_mimetypes.best_match(["application/json", CSV]) == CSV


def _as_csv(table: str, found: Rows, limit: int) -> Response:
    name = table.replace(":", "_")
    response = Response(csv_text(found.columns, found.rows), mimetype=CSV)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    if found.next is not None:
        parameters = {**request.args.to_dict(), "offset": found.next, "limit": limit, "format": "csv"}
        response.headers["Link"] = f'<{request.path}?{urlencode(parameters)}>; rel="next"'
    return response
