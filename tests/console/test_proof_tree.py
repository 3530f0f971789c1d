"""Explanations as trees: everything is shown once, and never too much of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from congresslite import Engine
from congresslite.engine.explanation import as_json
from congresslite.policy import Policy
from congresslite.schema import Column, RowsTable, TableSchema
from congresslite.server.console.proof_tree import MOST, Node, key_of, proof_tree

Document = dict[str, Any]
RULE = {"policy": "p", "id": "r", "file": "p.dl", "line": 1}


def chain(height: int) -> Document:
    """A proof that is so many rows high, as `as_json` writes it."""
    steps: list[Document] = [
        {
            "step": number,
            "table": "p:reach",
            "row": {"to": number},
            "height": height - number,
            "complete": True,
            "from": "rule",
            "rule": RULE,
            "body": [{"step": number + 1}, {"holds": "a < b", "with_values": "1 < 2"}],
        }
        for number in range(height)
    ]
    steps.append(source(height))
    return {"table": "p:reach", "row": {"to": 0}, "height": height, "steps": steps}


def source(step: int, **more: object) -> Document:
    """A step of a row of a source."""
    row = {
        "step": step,
        "table": "s:t",
        "row": {"id": step},
        "height": 0,
        "complete": True,
        "from": "source",
        "as_of": "1970-01-01T00:00:09.000000Z",
    }
    return {**row, **more}


def derived(step: int, body: list[Document], **more: object) -> Document:
    """A step of a derived row."""
    common = {"step": step, "table": "p:t", "row": {"id": step}, "height": 1, "complete": True, "from": "rule"}
    return {**common, "rule": RULE, "body": body, **more}


def nodes(root: Node | None) -> Iterator[Node]:
    """A tree's nodes, each before its children."""
    todo = [] if root is None else [root]
    while todo:
        node = todo.pop()
        yield node
        todo += reversed(node.children)


def test_a_high_proof_is_bounded() -> None:
    """Of a proof ten thousand rows high, a few levels are shown, and how many there are below them."""
    tree = proof_tree(chain(10_000))
    found = list(nodes(tree))
    assert len(found) == 17
    (last,) = [node for node in found if node.more]
    assert (last.row, last.more) == ({"to": 8}, 9_992)


def test_every_row_of_a_high_proof_can_be_reached() -> None:
    """From row to row that is not unfolded, one comes down to the source."""
    document, start, seen = chain(100), "", set()
    for _ in range(100):
        found = list(nodes(proof_tree(document, start)))
        seen |= {node.key for node in found if node.kind == "row" and not node.more}
        following = [node.key for node in found if node.more]
        if not following:
            break
        (start,) = following
    assert seen == {key_of(step) for step in document["steps"]}


def test_a_wide_proof_is_bounded() -> None:
    """However wide a proof is, about so many entries are shown at once."""
    wide = [derived(number, [{"step": each} for each in range(100, 120)]) for number in range(1, 100)]
    last = [derived(number, [{"step": number + 20}]) for number in range(100, 120)]
    bottom = [source(number) for number in range(120, 140)]
    document = {"steps": [derived(0, [{"step": number} for number in range(1, 100)]), *wide, *last, *bottom]}
    found = list(nodes(proof_tree(document)))
    assert len(found) <= MOST + 20
    assert any(node.more for node in found)


def test_a_row_that_occurs_again_is_unfolded_once() -> None:
    """A row that several rows rest on is unfolded where it is nearest to the top, and referred to elsewhere."""
    document = {
        "steps": [
            derived(0, [{"step": 1}, {"step": 2}]),
            derived(1, [{"step": 2}]),
            derived(2, [{"step": 3}]),
            source(3),
        ]
    }
    tree = proof_tree(document)
    assert tree is not None
    first, second = tree.children
    assert [node.row for node in second.children] == [{"id": 3}]
    assert [(node.row, node.shown_above, node.children) for node in first.children] == [({"id": 2}, True, [])]


def test_rows_that_one_may_not_see() -> None:
    """Rows that are left out for a tenant are told apart, show their tables alone, and what is below them is shown."""
    hidden: Document = {"row": {}, "redacted": True}
    steps = [
        derived(0, [{"step": 1}, {"step": 2}]),
        derived(1, [{"step": 3}], **hidden),
        derived(2, [{"step": 4}], **hidden),
    ]
    tree = proof_tree({"steps": [*steps, source(3), source(4)]})
    assert tree is not None
    assert [node.hidden for node in tree.children] == [True, True]
    assert [[below.row for below in node.children] for node in tree.children] == [[{"id": 3}], [{"id": 4}]]


@pytest.mark.parametrize("start", ["0" * 20, "x", "<script>"])
def test_a_row_that_is_not_there(start: str) -> None:
    """A key of no row gives no tree."""
    assert proof_tree(chain(3), start) is None


POLICY = """
error(h) :- big(h), not s:spare(host=h), (s:vm(_, h, 9) or s:vm(_, h, 8)).
big(h) :- load(h, n), n > 10.
load(h, sum(n)) :- s:vm(v, h, n).
"""


def test_each_kind_of_entry() -> None:
    """A real proof is shown with all that it has: rows, what is absent, comparisons, alternatives, groups."""

    def table(name: str, columns: str, rows: list[tuple[Any, ...]]) -> RowsTable:
        return RowsTable(TableSchema(f"s:{name}", tuple(Column(each) for each in columns.split())), rows)

    vms = [(f"v{number}", "h1", 8) for number in range(30)]
    data = {"s:vm": table("vm", "id host n", vms), "s:spare": table("spare", "host", [("h2",)])}
    engine = Engine.load(Policy("p", POLICY), data)
    proof = engine.explain("p:error", ("h1",))
    assert proof is not None
    found = list(nodes(proof_tree(as_json(proof))))
    assert {node.kind for node in found} == {"row", "absent", "comparison", "branch", "note"}
    assert [node.text for node in found if node.kind == "note"] == ["10 more bindings"]
    assert [node.text for node in found if node.kind == "branch"] == ["alternative 2 of 2"]
    assert [(node.text, node.written) for node in found if node.kind == "comparison"] == [("240 > 10", "n > 10")]
    assert [(node.table, node.row) for node in found if node.kind == "absent"] == [("s:spare", {"host": "h1"})]
