"""
Cursors: where the next page begins, as a text that says nothing to whoever carries it.

A cursor belongs to one filter and one order. It is no secret and grants
nothing: a page is filtered anew, whatever the cursor says.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b

from congresslite.diagnostics import Diagnostic
from congresslite.store.errors import StoreError
from congresslite.store.records import ViolationFilter

_END = 2**63


@dataclass(frozen=True, slots=True)
class Position:
    """The last violation of a page: its rule's place in the order, its object if that counts, and its number."""

    group: str
    object: str
    seq: int


def written(position: Position, wanted: ViolationFilter, sort: str) -> str:
    """The cursor of what follows a position."""
    body = [position.group, position.object, position.seq]
    return base64.urlsafe_b64encode(json.dumps([_bound(body, wanted, sort), *body]).encode("ascii")).decode("ascii")


def read(cursor: str, wanted: ViolationFilter, sort: str) -> Position:
    """The position that a cursor means. Raises StoreError for one that is malformed or of another list."""
    try:
        match json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True)):
            case [str(bound), str(group), str(about), int(seq)] if 0 <= seq < _END:
                if bound == _bound([group, about, seq], wanted, sort):
                    return Position(group, about, seq)
    except (ValueError, RecursionError):
        pass
    hint = "begin with the first page, or keep filter and order as they were"
    raise StoreError(Diagnostic("CL489", "this cursor is of no page of this list", hint=hint))


def _bound(body: Sequence[object], wanted: ViolationFilter, sort: str) -> str:
    """What ties a position to its filter and its order."""
    text = json.dumps([body, sort, asdict(wanted)], default=list)
    return blake2b(text.encode("ascii"), digest_size=12, person=b"cursor").hexdigest()
