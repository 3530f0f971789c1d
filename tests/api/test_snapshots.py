"""
Snapshots: one complete state each, whatever the writer does meanwhile.

No test here measures time: a writer that is held up by an event stands for one
that takes long, and memory is counted by `tracemalloc`, to which NumPy tells
what it takes.
"""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, overload

import pytest

from congresslite import Delta, Engine, Policy
from congresslite.api import Snapshot
from congresslite.diagnostics import PolicyError, SourceError
from congresslite.schema import Column, Row, RowsTable, TableSchema, Type

LEFT = TableSchema("s:left", (Column("x", Type.INT),))
RIGHT = TableSchema("s:right", (Column("x", Type.INT),))
EDGE = TableSchema("s:edge", (Column("a", Type.INT), Column("b", Type.INT)))
# Every batch below moves rows between two tables, so that in each complete state all of this holds:
# `all` has every row, `both` and `none` have none, and `total` is what it always was.
MOVES = """
all(x) :- s:left(x).
all(x) :- s:right(x).
both(x) :- s:left(x), s:right(x).
none(x) :- all(x), not s:left(x), not s:right(x).
amount(1, sum(x)) :- s:left(x).
amount(2, sum(x)) :- s:right(x).
total(sum(n)) :- amount(_, n).
reach(b) :- s:left(a), s:edge(a, b).
reach(b) :- s:right(a), s:edge(a, b).
reach(c) :- reach(b), s:edge(b, c).
error(x) :- both(x).
"""
MANY = 40
TIMEOUT = 120  # seconds: only a test that fails waits for so long


def loaded(text: str = MOVES, number: int = MANY) -> Engine:
    """An engine with all rows on the left, and a cycle of edges."""
    rows: dict[TableSchema, list[Row]] = {
        LEFT: [(each,) for each in range(number)],
        RIGHT: [],
        EDGE: [(each, (each + 1) % number) for each in range(number)],
    }
    return Engine.load([Policy("p", text)], {schema.name: RowsTable(schema, given) for schema, given in rows.items()})


def moved(some: Sequence[Row], *, back: bool = False) -> dict[str, Delta]:
    """A batch that moves rows from the left to the right, or back."""
    source, target = ("s:right", "s:left") if back else ("s:left", "s:right")
    return {source: Delta(delete=some), target: Delta(insert=some)}


def moves(count: int) -> Iterator[dict[str, Delta]]:
    """Batches that move all rows to and fro, a few at a time."""
    for number in range(count):
        first = number * 7 % MANY
        some: list[Row] = [((first + each) % MANY,) for each in range(7)]
        back = number * 7 // MANY % 2 == 1
        yield moved(some, back=back)


def hold(snapshot: Snapshot) -> None:
    """Assert of a snapshot what holds in each complete state."""
    everything = {(each,) for each in range(MANY)}
    assert set(snapshot.rows("p:all")) == everything
    assert snapshot.count("p:both") == snapshot.count("p:none") == snapshot.count("p:error") == 0
    assert snapshot.rows("p:total") == [(sum(range(MANY)),)]
    assert set(snapshot.rows("p:reach")) == everything
    left, right = snapshot.rows("s:left"), snapshot.rows("s:right")
    assert len(left) == snapshot.count("s:left")
    assert sorted([*left, *right]) == sorted(everything)
    assert len(snapshot.query("s:left(x), not s:right(x)").rows) == len(left)


def contents(snapshot: Snapshot) -> dict[str, Any]:
    """Everything that a snapshot answers, so that it can be compared."""
    names = [*snapshot.tables(), "s:left", "s:right", "s:edge"]
    return {
        **{name: (snapshot.count(name), sorted(snapshot.rows(name))) for name in names},
        "schema": [snapshot.schema(name) for name in names],
        "violations": [each.row for each in snapshot.violations()],
        "query": sorted(snapshot.query("s:left(x), not s:right(x), s:edge(x, y)").rows),
        "program": snapshot.program,
        "skipped": dict(snapshot.skipped()),
    }


def test_a_snapshot_stays_as_it_is() -> None:
    """What a snapshot answers never changes, though rows and policies come and go, and however late it is asked."""
    engine = loaded()
    early, kept = engine.snapshot(), []
    for number, batch in enumerate(moves(60)):
        engine.apply(batch)
        if number % 10 == 0:
            snapshot = engine.snapshot()
            kept.append((snapshot, contents(snapshot)))
    engine.apply(policies=[Policy("p", "all(x, y) :- s:left(x), s:right(y)."), Policy("q", "t(x) :- s:edge(x, _).")])
    engine.apply({"s:edge": Delta(delete=engine.rows("s:edge"))}, remove=["q"])
    for snapshot, before in kept:
        assert contents(snapshot) == before
        hold(snapshot)
    # This one was never asked before.
    hold(early)
    assert early.count("s:left") == MANY


def test_the_latest_snapshot_is_what_the_engine_answers() -> None:
    """An engine answers from its latest snapshot; between two batches it is the same state."""
    engine = loaded()
    before = contents(engine.snapshot())
    engine.what_if(moved([(1,)]))
    assert contents(engine.snapshot()) == before
    engine.apply(moved([(1,)]))
    snapshot = engine.snapshot()
    assert {name: sorted(engine.rows(name)) for name in engine.tables()} == {
        name: sorted(snapshot.rows(name)) for name in snapshot.tables()
    }
    assert engine.rows("s:right") == snapshot.rows("s:right") == [(1,)]


def test_readers_never_see_half_a_batch() -> None:
    """However many threads read while batches are applied, each sees complete states only, and never an older one."""
    engine = loaded()
    stop, ready = threading.Event(), threading.Barrier(4, timeout=TIMEOUT)

    def read() -> int:
        ready.wait()
        seen = 0
        while not stop.is_set() or not seen:
            hold(engine.snapshot())
            seen += 1
        return seen

    with ThreadPoolExecutor(max_workers=3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            ready.wait()
            for batch in moves(150):
                engine.apply(batch)
        finally:
            stop.set()
        assert all(reader.result(TIMEOUT) for reader in readers)
    hold(engine.snapshot())


def test_readers_of_snapshots_and_of_new_columns() -> None:
    """Threads may ask one snapshot at the same time for what nobody asked before: indexes, columns, constants."""
    engine = loaded("t(a) :- s:edge(a, _).")
    for _ in range(5):
        engine.apply({"s:edge": Delta(insert=[(100, 101)], delete=[(0, 1)])})
        snapshot = engine.snapshot()
        questions = ["s:edge(x, 5)", "s:edge(a, b), s:edge(b, c)", "s:left(x), s:edge(x, y)", "s:edge(x, 101)"] * 3
        with ThreadPoolExecutor(max_workers=4) as pool:
            found = list(pool.map(lambda text: sorted(snapshot.query(text).rows), questions))  # noqa: B023
        assert found == [sorted(snapshot.query(text).rows) for text in questions]


class Slow(Sequence[Row]):
    """Rows of a batch that come only once an event is set; `begun` tells that somebody waits for them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.begun, self.go = threading.Event(), threading.Event()

    def _wait(self) -> None:
        self.begun.set()
        assert self.go.wait(TIMEOUT)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        self._wait()
        return self._rows[index]

    def __iter__(self) -> Iterator[Row]:
        self._wait()
        return iter(self._rows)


@pytest.mark.parametrize("ask", ["rows", "query", "what_if", "snapshot"])
def test_readers_do_not_wait_for_the_writer(ask: str) -> None:
    """While a batch is being applied, whoever asks is answered at once, from the state before it."""
    engine = loaded()
    slow = Slow([(0,)])
    questions: dict[str, Callable[[], object]] = {
        "rows": lambda: len(engine.rows("s:left")),
        "query": lambda: len(engine.query("s:left(x)").rows),
        "what_if": lambda: len(engine.what_if({"s:left": Delta(insert=[(1000,)])})["p:all"].insert) * MANY,
        "snapshot": lambda: engine.snapshot().count("p:all"),
    }
    with ThreadPoolExecutor(max_workers=2) as pool:
        writer = pool.submit(engine.apply, {"s:left": Delta(delete=slow), "s:right": Delta(insert=[(0,)])})
        try:
            assert slow.begun.wait(TIMEOUT)
            assert pool.submit(questions[ask]).result(TIMEOUT) == MANY
            assert not writer.done()
        finally:
            slow.go.set()
        writer.result(TIMEOUT)
    assert engine.rows("s:right") == [(0,)]
    hold(engine.snapshot())


def test_writers_take_turns() -> None:
    """Batches that several threads apply at the same time come one after the other; none is lost."""
    engine = loaded("t(x) :- s:left(x). n(count(x)) :- s:left(x). r(b) :- s:left(a), s:edge(a, b).", 1)

    def write(first: int) -> None:
        for number in range(first, first + 40):
            engine.apply({"s:left": Delta(insert=[(number,)])})
            engine.apply({"s:edge": Delta(insert=[(number, -number)])})

    with ThreadPoolExecutor(max_workers=4) as pool:
        for each in [pool.submit(write, first) for first in (100, 200, 300, 400)]:
            each.result(TIMEOUT)
    expected = {number for first in (100, 200, 300, 400) for number in range(first, first + 40)}
    assert {row[0] for row in engine.rows("p:t")} == {0, *expected}
    assert engine.rows("p:n") == [(161,)]
    assert {row[0] for row in engine.rows("p:r")} == {0, *(-number for number in expected)}


def test_a_reader_sees_a_failed_batch_nowhere() -> None:
    """A batch that fails, at its rows or at its policies, leaves the latest snapshot the latest."""
    engine = loaded()
    before = contents(engine.snapshot())
    with pytest.raises(SourceError):
        engine.apply({"s:left": Delta(delete=[(1,)]), "s:right": Delta(insert=[(1,), ("x",)])})
    with pytest.raises(PolicyError):
        engine.apply(moved([(1,)]), policies=[Policy("q", "t(x) :- s:nothing(x).")])
    assert contents(engine.snapshot()) == before


# -- memory -------------------------------------------------------------------------------------------------------

LARGE = 5_000
CHURN = "t(x) :- s:left(x), not s:right(x). n(count(x)) :- s:left(x). r(b) :- t(a), s:edge(a, b). q(x) :- t(x), r(x)."


def held() -> int:
    """The bytes that are held now."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def churn(engine: Engine, rounds: int, keep: list[Snapshot] | None = None) -> None:
    """Take away half of the rows and bring them back; each value was there before."""
    half: list[Row] = [(each,) for each in range(0, LARGE, 2)]
    for _ in range(rounds):
        engine.apply({"s:left": Delta(delete=half), "s:edge": Delta(delete=[(1, 2)])})
        if keep is not None:
            keep.append(engine.snapshot())
            assert keep[-1].count("p:t") == LARGE - len(half)
            assert len(keep[-1].query("p:t(x), p:r(x)").rows) == keep[-1].count("p:q")
        engine.apply({"s:left": Delta(insert=half), "s:edge": Delta(insert=[(1, 2)])})


@pytest.fixture
def traced() -> Iterator[None]:
    """Memory is counted while the test runs."""
    tracemalloc.start(1)
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("traced")
def test_batches_do_not_add_up() -> None:
    """However many rows come and go, what is held stays in proportion to the rows that there are."""
    start = held()
    engine = loaded(CHURN, LARGE)
    churn(engine, 5)
    few = held() - start
    churn(engine, 40)
    assert held() - start < 2 * few
    assert engine.count("p:t") == LARGE


@pytest.mark.usefixtures("traced")
def test_old_snapshots_are_freed_with_their_last_reader() -> None:
    """What old snapshots hold is freed when nobody reads them any more, though the engine goes on."""
    start = held()
    engine = loaded(CHURN, LARGE)
    churn(engine, 5)
    few = held() - start
    kept: list[Snapshot] = []
    churn(engine, 30, kept)
    assert all(each.count("p:t") == LARGE // 2 for each in kept)
    kept.clear()
    churn(engine, 5)
    assert held() - start < 2 * few
    snapshot = engine.snapshot()
    del engine
    assert snapshot.count("p:t") == LARGE
    del snapshot
    assert held() - start < few / 2


@pytest.mark.usefixtures("traced")
def test_what_ifs_do_not_add_up() -> None:
    """What a what-if takes is freed when its changes are."""
    start = held()
    engine = loaded(CHURN, LARGE)
    churn(engine, 5)
    few = held() - start
    half: list[Row] = [(each,) for each in range(0, LARGE, 2)]
    for _ in range(40):
        assert engine.what_if({"s:left": Delta(delete=half)})["p:t"].delete
    for _ in range(5):
        assert engine.what_if(policies=[Policy("q", "t(x) :- p:t(x), s:edge(x, _).")])["q:t"].insert
    assert held() - start < 2 * few
