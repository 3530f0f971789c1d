"""Recursion: closures of any shape, of any width, as deep as memory allows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.schema import Row, Type
from tests.engine.columnar import Tables, answer, run, table
from tests.engine.naive import evaluate_naively
from tests.examples import few

QUICK = few(50)
EDGE = table("s:edge", a=Type.INT, b=Type.INT)
START = table("s:start", a=Type.INT)
Edges = list[tuple[int, int]]
edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16)


def reachable(pairs: Iterable[tuple[int, int]], start: Iterable[int]) -> set[int]:
    """The nodes that at least no edge away are reached from `start`, breadth first."""
    successors: dict[int, list[int]] = {}
    for a, b in pairs:
        successors.setdefault(a, []).append(b)
    seen = set(start)
    todo = list(seen)
    for node in todo:
        for successor in successors.get(node, ()):
            if successor not in seen:
                seen.add(successor)
                todo.append(successor)
    return seen


def closure(pairs: Edges) -> set[tuple[Hashable, ...]]:
    """All pairs of nodes with a way of one edge or more from the first to the second."""
    return {(a, b) for a in {a for a, _ in pairs} for b in reachable(pairs, [d for c, d in pairs if c == a])}


CLOSURES: dict[str, str] = {
    "right-linear": "r(a, b) :- s:edge(a, b). r(a, c) :- s:edge(a, b), r(b, c).",
    "left-linear": "r(a, b) :- s:edge(a, b). r(a, c) :- r(a, b), s:edge(b, c).",
    "non-linear": "r(a, b) :- s:edge(a, b). r(a, c) :- r(a, b), r(b, c).",
    "three of its own": "r(a, b) :- s:edge(a, b). r(a, c) :- r(a, b), r(b, c). r(a, d) :- r(a, b), r(b, c), r(c, d).",
    "one rule with alternatives": "r(a, c) :- s:edge(a, c) or (r(a, b), s:edge(b, c)).",
    "mutual": "r(a, b) :- s:edge(a, b). r(a, c) :- q(a, b), s:edge(b, c). q(a, b) :- r(a, b).",
    "through an alternative of another": "r(a, c) :- s:edge(a, c). r(a, c) :- h(a, b), (s:edge(b, c) or q(b, c)).\n"
    "h(a, b) :- r(a, b). q(a, b) :- r(a, b).",
    "repeated rules": "r(a, b) :- s:edge(a, b). r(x, y) :- s:edge(x, y), x = x. r(a, c) :- r(a, b), r(b, c).",
    "backwards": "r(a, b) :- i(b, a). i(b, a) :- s:edge(a, b). i(c, a) :- i(b, a), i(c, b).",
}


@pytest.mark.parametrize("rules", CLOSURES.values(), ids=CLOSURES)
@QUICK
@given(pairs=edges)
def test_transitive_closure(rules: str, pairs: Edges) -> None:
    """However a closure is written, it holds the pairs that a breadth-first search finds."""
    assert answer(run(rules, {EDGE: pairs}), "r") == closure(pairs)


@QUICK
@given(pairs=edges)
def test_negation_of_a_closure(pairs: Edges) -> None:
    """What is not reachable is known once the recursion has come to its end."""
    text = "r(a, b) :- s:edge(a, b). r(a, c) :- r(a, b), s:edge(b, c). n(a) :- s:edge(a, _). n(b) :- s:edge(_, b)."
    nodes = {node for pair in pairs for node in pair}
    database = run(f"{text}\nfar(a, b) :- n(a), n(b), not r(a, b).", {EDGE: pairs})
    assert answer(database, "far") == {(a, b) for a in nodes for b in nodes} - closure(pairs)


def test_a_long_path() -> None:
    """Single-source reachability on a path of 100,000 edges takes as many rounds, and reaches its end."""
    length = 100_000
    tables: Tables = {EDGE: [(node, node + 1) for node in range(length)], START: [(0,)]}
    database = run("reach(a) :- s:start(a). reach(b) :- reach(a), s:edge(a, b).", tables)
    assert database.count("p:reach") == length + 1


def test_a_long_chain_of_rules() -> None:
    """A chain of 10,000 rules, each reading the one before, is evaluated without deep recursion in Python."""
    length = 10_000
    rules = ["t0(a) :- s:start(a).", *(f"t{number + 1}(a) :- t{number}(a)." for number in range(length))]
    assert answer(run("\n".join(rules), {START: [(1,), (2,)]}), f"t{length}") == {(1,), (2,)}


def test_a_large_circle_of_rules() -> None:
    """Hundreds of tables that read each other in a circle are one recursion."""
    length = 300
    rules = [f"t{number}(b) :- t{(number or length) - 1}(a), s:edge(a, b)." for number in range(length)]
    tables: Tables = {EDGE: [(node, (node + 1) % 7) for node in range(7)], START: [(0,)]}
    database = run("\n".join(["t0(a) :- s:start(a).", *rules]), tables)
    assert answer(database, "t0") == {(node,) for node in range(7)}


def test_a_long_body() -> None:
    """A body may have more literals than Python has room for calls."""
    joins = ", ".join(f"s:edge(x{number}, x{number + 1})" for number in range(60))
    tests = ", ".join(f"x0 != {number + 10}" for number in range(1_100))
    assert answer(run(f"t(x0) :- {joins}, {tests}.", {EDGE: [(1, 1), (2, 3)]}), "t") == {(1,)}


PROGRAMS: dict[str, tuple[str, set[tuple[Hashable, ...]]]] = {
    "no columns": ("t() :- s:start(_). t() :- t(), s:edge(_, 3).", {()}),
    "no columns, never begun": ("t() :- t(), s:start(_).", set()),
    "no columns, through each other": ("t() :- u(). u() :- t(). u() :- s:edge(3, _).", {()}),
    "one column": ("t(a) :- s:start(a). t(b) :- t(a), s:edge(a, b).", {(1,), (2,), (3,), (4,)}),
    "three columns": (
        "t(a, b, 0) :- s:edge(a, b). t(a, c, n) :- t(a, b, m), s:edge(b, c), n = m + 1, n < 2.",
        {(1, 2, 0), (2, 3, 0), (3, 4, 0), (1, 3, 1), (2, 4, 1)},
    ),
    "six columns": (
        't(a, a, a, "x", 0.5, null) :- s:start(a). t(b, a, a, s, f, n) :- t(a, _, _, s, f, n), s:edge(a, b).',
        {(a, b, b, "x", 0.5, None) for a, b in [(1, 1), (2, 1), (3, 2), (4, 3)]},
    ),
    "facts begin it": ("t(2). t(9). t(b) :- t(a), s:edge(a, b).", {(2,), (9,), (3,), (4,)}),
    "facts alone": ("t(2). t(9). t(b) :- t(b), s:edge(b, 77).", {(2,), (9,)}),
    "repeated facts": ("t(2). t(2.0). t(b) :- t(a), s:edge(a, b).", {(2,), (3,), (4,)}),
    "null and booleans": ("t(null). t(true). t(1). t(b) :- t(a), s:edge(a, b).", {
        (None,), ((True,),), (1,), (2,), (3,), (4,)}),
    "an aggregate begins it": (
        "t(a, count(b)) :- s:edge(a, b). t(b, n) :- t(a, n), s:edge(a, b), n < 5.",
        {(1, 1), (2, 1), (3, 1), (4, 1)},
    ),
    "a constant in its own literal": ("t(1, a) :- s:start(a). t(x, b) :- t(x, a), t(1, a), s:edge(a, b).", {
        (1, 1), (1, 2), (1, 3), (1, 4)}),
    "equal columns in its own literal": (
        "t(a, b) :- s:edge(a, b). t(b, b) :- t(a, b), s:edge(b, _). t(9, a) :- t(a, a).", {
        (1, 2), (2, 3), (3, 4), (2, 2), (3, 3), (9, 2), (9, 3)}),
    "negation of a lower table": ("t(a) :- s:start(a). t(b) :- t(a), s:edge(a, b), not s:edge(b, 4).", {(1,), (2,)}),
    "arithmetic": ("t(0). t(y) :- t(x), x < 5, y = x + 2.", {(0,), (2,), (4,), (6,)}),
    "arithmetic on what is read": ("t(a, 0) :- s:start(a). t(b, n) :- t(a, m), s:edge(a, b), n = m * 2 + a.", {
        (1, 0), (2, 1), (3, 4), (4, 11)}),
    "floats that become integers": ("t(0.5). t(y) :- t(x), x < 2, y = x + 0.5.", {(0.5,), (1,), (1.5,), (2,)}),
    "texts": ('t("a"). t(y) :- t(x), len(x, n), n < 4, y = x + "b".', {("a",), ("ab",), ("abb",), ("abbb",)}),
    "several values a step": ('t("a b-c"). t(y) :- t(x), split(x, " ", _, y). t(y) :- t(x), split(x, "-", _, y).', {
        ("a b-c",), ("a",), ("b-c",), ("a b",), ("b",), ("c",)}),
    "skipped bindings": ('t(1). t("x"). t(y) :- t(x), y = x + 1, y < 4.', {(1,), ("x",), (2,), (3,)}),
    "copies of itself": ("t(a) :- t(a). t(a) :- s:start(a).", {(1,)}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PROGRAMS.values(), ids=PROGRAMS)
def test_programs(text: str, expected: set[tuple[Hashable, ...]]) -> None:
    """Recursion goes through tables of any width, facts, arithmetic, builtins, aggregates below it and negation."""
    rows: list[Row] = [(1, 2), (2, 3), (3, 4), (2, 3)]
    database = run(text, {EDGE: rows, START: [(1,)]})
    assert answer(database, "t") == expected
    naive = evaluate_naively(database.program, {"s:edge": rows, "s:start": [(1,)]})
    assert naive["p:t"] == expected


@QUICK
@given(pairs=edges, chunk=st.sampled_from([1, 2, 5]))
def test_chunks_do_not_matter(pairs: Edges, chunk: int) -> None:
    """However few bindings are made at a time, a non-linear recursion comes to the same end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("congresslite.engine.steps.CHUNK", chunk)
        assert answer(run(CLOSURES["non-linear"], {EDGE: pairs}), "r") == closure(pairs)


def test_a_grid() -> None:
    """A closure with many ways to each pair has each pair once, and grows by sorted runs without slowing down."""
    side = 18
    pairs = [(x * side + y, x * side + y + step) for x in range(side) for y in range(side) for step in (1, side)]
    pairs = [(a, b) for a, b in pairs if b < side * side and (b - a == side or b % side)]
    expected = (side * (side + 1) // 2) ** 2 - side * side
    for rules in ("left-linear", "non-linear"):
        assert run(CLOSURES[rules], {EDGE: pairs}).count("p:r") == expected
