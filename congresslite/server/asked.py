"""
Questions about one row: why it is in a table, or why it is not.

The row is written as an atom of constants, `nfv:error("vm1", "host7")`; a column
may be left open by `_` or by a variable. Of several rows that match, the first
by value is explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from congresslite.api import Snapshot
from congresslite.api.asked import AskedRow, NotARowError, asked_row, read_atom
from congresslite.diagnostics import Diagnostic
from congresslite.engine.explanation import as_json
from congresslite.live.documents import aged
from congresslite.server.problems import ProblemError


def why(snapshot: Snapshot, text: str, as_of: Callable[[str], float | None]) -> Mapping[str, Any] | None:
    """The proof of a row as a document; None if there is no such row. Raises PolicyError, ProblemError."""
    asked = _asked(snapshot, text)
    if not asked.rows:
        return None
    proof = snapshot.explain(asked.table, asked.rows[0], whole=True)
    return None if proof is None else aged(as_json(proof), as_of)


def why_not(snapshot: Snapshot, text: str) -> Mapping[str, Any] | None:
    """How far each rule got that could derive a row; None if the row is there. Raises PolicyError, ProblemError."""
    asked = _asked(snapshot, text)
    if asked.rows:
        return None
    answer = snapshot.why_not(asked.table, asked.pattern, whole=True)
    return None if answer is None else as_json(answer)


def _asked(snapshot: Snapshot, text: str) -> AskedRow:
    try:
        return asked_row(snapshot, read_atom(text))
    except NotARowError as error:
        hint = 'write a table and its values, as `nfv:error("vm1", "host7")`'
        raise ProblemError(422, Diagnostic("CL550", str(error), place="body.atom", hint=hint)) from None
