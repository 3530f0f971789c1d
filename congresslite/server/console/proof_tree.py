"""
Explanations as trees of a bounded size.

The document of a proof is a flat list of steps, and may hold ten thousand rows
one above the other. A tree shows a few levels of it, from any of its rows on;
what lies deeper is asked for by the key of the row that it begins with, which
stays the same for as long as the row is part of the proof.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from congresslite.schema import Scalar

DEPTH = 8  # levels that are shown at once
MOST = 400  # entries that are shown at once

Kind = Literal["row", "absent", "comparison", "branch", "binding", "note"]
Document = Mapping[str, Any]


@dataclass(slots=True)
class Node:
    """One entry of the tree.

    A *row* is one of a source, a fact, or derived by a rule; of one that is `hidden`, the caller may see the table
    alone. A row that is not unfolded is either `shown_above`, or has `more` levels below it. An *absent* row is a
    pattern that nothing matches. A *comparison* has its values, and in `written` how the rule has it.
    """

    kind: Kind
    table: str = ""
    row: Mapping[str, Scalar] = field(default_factory=dict)
    text: str = ""
    written: str = ""
    origin: str = ""
    rule: Document | None = None
    as_of: float | None = None
    key: str = ""
    hidden: bool = False
    shown_above: bool = False
    more: int = 0
    complete: bool = True
    children: list[Node] = field(default_factory=list)


def proof_tree(document: Document, start: str = "", *, depth: int = DEPTH, most: int = MOST) -> Node | None:
    """The tree below the row with the key `start`, or below the row that was asked about; None if there is no such."""
    steps: Sequence[Document] = document["steps"]
    root = next((step for step in steps if not start or key_of(step) == start), None)
    return None if root is None else _Growth(steps, depth, most).grow(root)


def key_of(step: Document) -> str:
    """A short name for the row of a step, whatever its number is."""
    # Rows that the caller may not see are all alike: their numbers tell them apart.
    text = json.dumps([step["table"], step["row"], step["step"] if step.get("redacted") else None], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:20]


class _Growth:
    """Unfolds rows level by level, so that what is nearest to the root is shown, and shown once."""

    def __init__(self, steps: Sequence[Document], depth: int, most: int) -> None:
        self._steps, self._depth, self._most = steps, depth, most
        self._made = 0
        self._unfolded: set[str] = set()
        self._todo: deque[tuple[Node, Document, int]] = deque()

    def grow(self, root: Document) -> Node:
        """The tree of a step."""
        tree = self._row(root, 0)
        while self._todo:
            node, step, level = self._todo.popleft()
            if node.key in self._unfolded:
                node.shown_above = True
            elif level >= self._depth or self._made >= self._most:
                node.more = step.get("height", 0)
            else:
                self._unfolded.add(node.key)
                node.children = list(self._premises(step, level + 1))
        return tree

    def _row(self, step: Document, level: int) -> Node:
        self._made += 1
        node = Node(
            "row",
            hidden=step.get("redacted", False),
            table=step["table"],
            row=step["row"],
            origin=step["from"],
            rule=step.get("rule"),
            as_of=_seconds(step.get("as_of")),
            key=key_of(step),
            complete=step.get("complete", True),
        )
        if step.get("body") or step.get("group"):
            self._todo.append((node, step, level))
        return node

    def _premises(self, step: Document, level: int) -> Iterator[Node]:
        if "group" not in step:
            yield from self._entries(step["body"], level)
            return
        for member in step["group"]:
            entries = list(self._entries(member["body"], level))
            # One entry alone needs nothing above it that holds it together.
            yield entries[0] if len(entries) == 1 else Node("binding", row=member["bindings"], children=entries)
        if more := step.get("total", 0) - len(step["group"]):
            yield Node("note", text=f"{more:,} more {'binding' if more == 1 else 'bindings'}")

    def _entries(self, body: Sequence[Document], level: int) -> Iterator[Node]:
        for entry in body:
            yield self._entry(entry, level)

    def _entry(self, entry: Document, level: int) -> Node:
        match entry:
            case {"step": number}:
                return self._row(self._steps[number], level)
            case {"branch": taken, "of": of, "body": body}:  # as deep as the policy's text, not as the proof
                text = f"alternative {taken + 1} of {of}"
                return Node("branch", text=text, children=list(self._entries(body, level)))
            case {"absent": table, "row": row}:
                return Node("absent", table=table, row=row)
            case {"holds": written, "with_values": text}:
                return Node("comparison", text=text, written="" if written == text else written)
            case _:
                raise ValueError(f"no entry of a proof: {sorted(entry)}")


def _seconds(stamp: str | None) -> float | None:
    return None if stamp is None else datetime.fromisoformat(stamp).timestamp()
