"""What others send: rows of a table, whole or changed, and the webhooks of other systems."""

from __future__ import annotations

from flask import Response, g, request

from congresslite.diagnostics import Diagnostic
from congresslite.live import LiveEstate
from congresslite.server.contract import Contract, Resource
from congresslite.server.intake import read_json
from congresslite.server.problems import ProblemError, known
from congresslite.server.replies import nothing, reply
from congresslite.server.rows import CSV, JSON, NDJSON, read_rows
from congresslite.server.schemas.sources import Changes, PushedOut

_LIST = {"type": "array", "items": {"type": "object"}}
_WHOLE = {
    "requestBody": {
        "content": {
            JSON: {"schema": _LIST},
            NDJSON: {"schema": {"type": "string"}},
            CSV: {"schema": {"type": "string"}},
        }
    }
}
_ANYTHING = {"requestBody": {"content": {JSON: {"schema": {"anyOf": [{"type": "object"}, {"type": "array"}]}}}}}


def push(estate: LiveEstate) -> Resource:
    """The operations of those who push."""
    bp = Resource("push")

    @bp.operation(
        "PUT", "/sources/<name>/tables/<table>/rows",
        Contract("operator", action="rows.replace", body_limit=None, document=_WHOLE), replies=PushedOut,
    )  # fmt: skip
    def replace(name: str, table: str) -> Response:
        """Replace a table by the rows of a JSON list, of lines of JSON, or of CSV."""
        with known("table", f"{name}:{table}"):
            schema = estate.table(g.caller, f"{name}:{table}").schema
        rows = read_rows(request, schema)
        with known("table", f"{name}:{table}"):
            return reply(PushedOut.of(estate.put_rows(g.caller, name, table, rows)))

    @bp.operation(
        "POST", "/sources/<name>/tables/<table>/rows", Contract("operator", action="rows.change", body_limit=None),
        body=Changes, replies=PushedOut,
    )  # fmt: skip
    def change(name: str, table: str, body: Changes) -> Response:
        """Add rows in place of those with the same keys, and remove rows."""
        with known("table", f"{name}:{table}"):
            return reply(PushedOut.of(estate.push_rows(g.caller, name, table, body.upsert, body.delete)))

    @bp.operation(
        "POST", "/sources/<name>/hooks/<hook>",
        Contract("operator", action="rows.webhook", body_limit=None, document=_ANYTHING), replies=PushedOut,
    )  # fmt: skip
    def webhook(name: str, hook: str) -> Response:
        """Take what another system posts, as the source's definition maps it."""
        body = read_json(request)
        if not isinstance(body, dict | list):
            raise ProblemError(422, Diagnostic("CL550", "a webhook posts an object or a list", place="body"))
        with known("webhook", f"{name}/{hook}"):
            return reply(PushedOut.of(estate.webhook(g.caller, name, hook, body)))

    @bp.operation("GET", "/sources/<name>/hooks/<hook>", Contract("operator"), status=204)
    def test(name: str, hook: str) -> Response:
        """Say that a webhook's address is right: VNF managers ask before they subscribe."""
        with known("webhook", f"{name}/{hook}"):
            estate.find_hook(name, hook)
        return nothing()

    return bp
