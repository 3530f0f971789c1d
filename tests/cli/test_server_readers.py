"""What a server says, read back: event streams and explanations."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from typing import Any

import pytest

from congresslite.cli.client.errors import ServerError
from congresslite.cli.client.events import Event, parsed
from congresslite.cli.client.explanations import proof_of, why_not_of
from congresslite.cli.trees import proof_lines, why_not_lines

STREAM = (
    b"retry: 2000\n\n: \n\nid: 1\nevent: violations\ndata: {}\n\n"
    b"id: 2\r\nevent:sources\r\ndata: a\r\ndata:b\r\n\r\n"
    b"data: \xc3\xa4\r\rid: x\nevent: nothing\n\nunknown: 1\ndata: last\n\ndata: unfinished\n"
)
EVENTS = [
    Event("1", "violations", "{}"),
    Event("2", "sources", "a\nb"),
    Event("2", "message", "ä"),
    Event("2", "message", "last"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events(size: int) -> None:
    """Events are the same, however the stream is cut, and whatever its lines end with."""
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert list(parsed(pieces, "http://h")) == EVENTS


def test_an_event_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that does not end takes no more memory than it may."""
    monkeypatch.setattr("congresslite.cli.client.events._BIGGEST", 100)
    for piece in (b"x" * 10, b"data: xxxxxxxxxx\n"):
        with pytest.raises(ServerError, match="does not end"):
            list(parsed([piece] * 100, "http://h"))


RULE = {"policy": "p", "id": "R", "file": "p.dl", "line": 3}
PROOF: dict[str, Any] = {
    "table": "p:error", "row": {"a": 1}, "height": 2,
    "steps": [
        {"step": 0, "table": "p:error", "row": {"a": 1}, "height": 2, "complete": True, "from": "rule", "rule": RULE,
         "bindings": {}, "body": [
             {"step": 2},
             {"branch": 1, "of": 2, "body": [{"step": 1}, {"holds": "a < 2", "with_values": "1 < 2"}]},
             {"absent": "s:t", "row": {"x": None}},
         ]},
        {"step": 1, "table": "p:group", "row": {"n": 3}, "height": 1, "complete": True, "from": "rule", "rule": RULE,
         "bindings": {}, "total": 3, "group": [{"bindings": {"x": 1}, "body": [{"step": 2}]}]},
        {"step": 2, "table": "s:t", "row": {"x": "\x1b"}, "height": 0, "complete": True, "from": "source",
         "as_of": "2026-05-01T12:00:00.000000Z"},
    ],
}  # fmt: skip
WHY_NOT: dict[str, Any] = {
    "table": "p:error", "row": {"a": 1}, "mismatches": [{"rule": RULE, "reason": "its head has 5 columns"}],
    "attempts": [
        {"rule": RULE, "bindings": {}, "held": [{"found": "s:t", "row": {"x": 1}}], "failed": {
            "reason": "or", "literal": "a or b", "with_values": "a or b", "branches": [
                {"rule": RULE, "bindings": {}, "held": [], "failed": {
                    "reason": "missing", "literal": "s:t(x)", "with_values": "s:t(x=2)", "table": "s:t",
                    "near": [{"row": {"x": 1}, "agrees": []}],
                }},
            ],
        }},
    ],
}  # fmt: skip


def test_a_proof() -> None:
    """A document becomes the tree that it stands for, rows that the rest leans on first."""
    proof, notes = proof_of(PROOF)
    assert [line.plain for line in proof_lines(proof, 0, notes)] == [
        "p:error(a=1)  by R (p.dl:3)",
        '├─ s:t(x="\\x1b")  as of 2026-05-01 12:00:00Z',
        "├─ branch 2 of 2",
        "│  ├─ p:group(n=3)  by R (p.dl:3), over 3 bindings",
        '│  │  ├─ s:t(x="\\x1b")  as of 2026-05-01 12:00:00Z',
        "│  │  └─ … 2 more bindings",
        "│  └─ 1 < 2  (a < 2)",
        "└─ not s:t(x=null)",
    ]


def test_a_proof_with_hidden_rows() -> None:
    """A row that the caller may not see is named as such."""
    document = copy.deepcopy(PROOF)
    document["steps"][2] |= {"row": {}, "redacted": True}
    proof, notes = proof_of(document)
    assert "├─ s:t()  not yours to see" in [line.plain for line in proof_lines(proof, 0, notes)]


def test_a_high_proof() -> None:
    """No proof is too high to be read."""
    steps = [
        {
            "table": "p:r",
            "row": {"n": at},
            "height": 5000 - at,
            "from": "rule",
            "rule": RULE,
            "body": [{"step": at + 1}],
        }
        for at in range(5000)
    ]
    steps.append({"table": "s:t", "row": {}, "height": 0, "from": "source"})
    proof, _ = proof_of({"steps": steps})
    assert len(list(proof_lines(proof, 0))) == 5001


def test_why_not() -> None:
    """A document says how far each rule got."""
    assert [line.plain for line in why_not_lines(why_not_of(WHY_NOT))] == [
        "p:error(a=1) is not there",
        "",
        "rule R (p.dl:3)",
        "  holds    s:t(x=1)",
        "  fails    a or b",
        "  branch 1 ",
        "    fails    s:t(x=2)  (s:t(x))",
        "    nearest  s:t(x=1)",
        "",
        "rule R (p.dl:3)",
        "  no       its head has 5 columns",
    ]


def _nested(depth: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"step": 2}
    for _ in range(depth):
        entry = {"branch": 0, "of": 1, "body": [entry]}
    return entry


def _step(number: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["steps"][number].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("steps"),
        lambda document: document.update(steps=[]),
        lambda document: document.update(steps=3),
        lambda document: document.update(steps=[None]),
        _step(0, body=[{"step": 0}]),
        _step(1, height=2),
        _step(0, body=[{"step": 99}]),
        _step(0, body=[{"step": []}]),
        _step(0, body=[{}]),
        _step(0, body=[_nested(5000)]),
        _step(0, row={"a": {}}),
        _step(0, row=[1]),
        _step(0, height="high"),
        _step(0, rule={**RULE, "line": "x"}),
        _step(2, as_of="99999-01-01T00:00:00Z"),
        _step(2, as_of="yesterday"),
    ],
    ids=[
        "no steps", "none", "a number", "null", "itself", "round about", "beyond the end", "a list", "an empty entry",
        "nested without end", "a row of objects", "a list as a row", "a height in words", "a line in words",
        "a time beyond times", "a time in words",
    ],
)  # fmt: skip
def test_what_is_no_proof(change: Callable[[dict[str, Any]], object]) -> None:
    """A document that makes no sense is the fault of whoever sent it."""
    document = copy.deepcopy(PROOF)
    change(document)
    gc.collect()  # what others left must not be finalized where no frame is left for it
    with pytest.raises(ServerError, match="not understood"):
        proof_of(document)


@pytest.mark.parametrize("key", ["row", "attempts", "mismatches"])
@pytest.mark.parametrize("value", [None, 3, [3], {"a": []}], ids=["null", "a number", "a list", "an object"])
def test_what_says_nothing(key: str, value: object) -> None:
    """The same for what should say why a row is not there."""
    with pytest.raises(ServerError, match="not understood"):
        why_not_of({**WHY_NOT, key: value})


def test_a_line_beyond_all_lines() -> None:
    """A number from elsewhere costs no memory."""
    document = copy.deepcopy(PROOF)
    document["steps"][0]["rule"]["line"] = 10**15
    assert proof_of(document)[0].rule is not None
