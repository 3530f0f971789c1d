"""Deltas as literals read them: narrowed to what a rule uses, and of a negation only whether there is a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine.access import Access
from congresslite.engine.counting import TableDelta
from congresslite.engine.deltas import Deltas, frame_of_rows, gains, losses
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.frames import WEIGHT, Frame
from congresslite.engine.relation import Relation
from congresslite.engine.vectors import Coded
from tests.engine.encoded import IdRow, columns_of, rows_of, sized
from tests.examples import few

QUICK = few(75)

Weights = Mapping[IdRow, int]


def bindings(frame: Frame) -> list[IdRow]:
    """The ids of a frame's bindings, in order of variables."""
    columns = []
    for name in sorted(frame.vectors.keys() - {WEIGHT}):
        vector = frame.vectors[name]
        assert isinstance(vector, Coded)
        columns.append(vector.ids)
    return rows_of(columns, frame.length)


def weights(frame: Frame) -> Weights:
    """The weight of each binding; asserts that none repeats, and that none has no weight."""
    vector = frame.vectors[WEIGHT]
    assert isinstance(vector, np.ndarray)
    found = dict(zip(bindings(frame), vector.tolist(), strict=True))
    assert len(found) == frame.length
    assert 0 not in found.values()
    return found


def relation(rows: Sequence[IdRow], dictionaries: list[Dictionary]) -> Relation:
    """A relation of these rows; it is distinct if they are."""
    columns = columns_of(rows, len(dictionaries))
    return Relation("t", dictionaries, columns, len(rows), distinct=len(set(rows)) == len(rows))


def deltas(before: Sequence[IdRow], after: Sequence[IdRow], width: int) -> Deltas:
    """What changed in a table `t` of which each row may have repeated before."""
    dictionaries = [sized(9)] * width
    came, gone = Counter(after) - Counter(before), Counter(before) - Counter(after)
    lists = [sorted(each.elements()) for each in (came, gone)]
    relations, earlier = {"t": relation(after, dictionaries)}, {"t": relation(before, dictionaries)}
    result = Deltas(relations, earlier)
    result.add("t", TableDelta(columns_of(lists[0], width), len(lists[0]), columns_of(lists[1], width), len(lists[1])))
    return result


@dataclass(frozen=True)
class Case:
    """A literal, a table before and after, and what a literal and its negation gain and lose."""

    access: Access
    before: Sequence[IdRow]
    after: Sequence[IdRow]
    positive: Weights
    negated: Weights


X = Access("t", {"x": 0})
XY = Access("t", {"x": 0, "y": 1})
NONE = Access("t", {})
CASES: dict[str, Case] = {
    "a row that comes": Case(XY, [(1, 2)], [(1, 2), (1, 3)], {(1, 3): 1}, {(1, 3): -1}),
    "a row that goes": Case(XY, [(1, 2), (1, 3)], [(1, 2)], {(1, 3): -1}, {(1, 3): 1}),
    "one in place of another": Case(XY, [(1, 2)], [(1, 3)], {(1, 3): 1, (1, 2): -1}, {(1, 3): -1, (1, 2): 1}),
    "in a column that is not read": Case(X, [(1, 2)], [(1, 3)], {}, {}),
    "in no column that is read": Case(NONE, [(1, 2)], [(4, 5)], {}, {}),
    "another row of the same value": Case(X, [(1, 2)], [(1, 2), (1, 3)], {(1,): 1}, {}),
    "two rows of a new value": Case(X, [], [(1, 2), (1, 3)], {(1,): 2}, {(1,): -1}),
    "one of two rows": Case(X, [(1, 2), (1, 3)], [(1, 2)], {(1,): -1}, {}),
    "both rows": Case(X, [(1, 2), (1, 3)], [(2, 2)], {(1,): -2, (2,): 1}, {(1,): 1, (2,): -1}),
    "two rows in place of one": Case(X, [(1, 2)], [(1, 3), (1, 4)], {(1,): 1}, {}),
    "the first row at all": Case(NONE, [], [(1, 2), (3, 4)], {(): 2}, {(): -1}),
    "the last row at all": Case(NONE, [(1, 2)], [], {(): -1}, {(): 1}),
    "a constant": Case(
        Access("t", {"x": 0}, ((1, 2),)), [(1, 2), (3, 5)], [(4, 2), (3, 6)], {(1,): -1, (4,): 1}, {(1,): 1, (4,): -1}
    ),
    "constants only": Case(Access("t", {}, ((0, 1), (1, 2))), [(1, 3)], [(1, 2), (7, 2)], {(): 1}, {(): -1}),
    "equal columns": Case(
        Access("t", {"x": 0}, (), ((0, 1),)),
        [(1, 1), (2, 3)],
        [(2, 2), (2, 4)],
        {(1,): -1, (2,): 1},
        {(1,): 1, (2,): -1},
    ),
    "nothing that passes": Case(Access("t", {"x": 0}, ((1, 8),)), [(1, 2)], [(1, 3)], {}, {}),
    "repetitions that go": Case(XY, [(1, 2)] * 3, [(1, 2)], {(1, 2): -2}, {}),
    "repetitions that go altogether": Case(XY, [(1, 2)] * 3, [], {(1, 2): -3}, {(1, 2): 1}),
    "repetitions beside a row that comes": Case(
        XY, [(1, 2)] * 2, [(1, 2), (1, 3)], {(1, 2): -1, (1, 3): 1}, {(1, 3): -1}
    ),
    "repetitions of a value": Case(X, [(1, 2), (1, 2)], [(1, 2), (1, 3)], {}, {}),
    "constants and repetitions": Case(Access("t", {"x": 0}, ((1, 2),)), [(1, 2)] * 2, [(1, 2)], {(1,): -1}, {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_literals_gain_and_lose(case: Case) -> None:
    """Rows that agree in what is read cancel out; a negation changes where the last row goes or the first comes."""
    found = deltas(case.before, case.after, 2)
    for negated, expected in ((False, case.positive), (True, case.negated)):
        frame = found.frame(case.access, negated=negated)
        assert weights(frame) == expected
        assert sorted(bindings(gains(frame))) == sorted(row for row, weight in expected.items() if weight > 0)
        assert sorted(bindings(losses(frame))) == sorted(row for row, weight in expected.items() if weight < 0)
        assert WEIGHT not in gains(frame).vectors.keys() | losses(frame).vectors.keys()
        assert found.frame(case.access, negated=negated) is frame  # and it is made once


ACCESSES: dict[str, tuple[Access, Callable[[IdRow], IdRow | None]]] = {
    "all columns": (Access("t", {"a": 0, "b": 1, "c": 2}), lambda row: row),
    "in another order": (Access("t", {"a": 2, "b": 0, "c": 1}), lambda row: (row[2], row[0], row[1])),
    "two columns": (Access("t", {"a": 2, "b": 0}), lambda row: (row[2], row[0])),
    "one column": (Access("t", {"a": 1}), lambda row: (row[1],)),
    "no column": (Access("t", {}), lambda row: ()),
    "a constant": (Access("t", {"a": 1, "b": 2}, ((0, 1),)), lambda row: row[1:] if row[0] == 1 else None),
    "a constant, one column": (Access("t", {"a": 1}, ((0, 1),)), lambda row: (row[1],) if row[0] == 1 else None),
    "equal columns": (Access("t", {"a": 0, "b": 1}, (), ((0, 2),)), lambda row: row[:2] if row[0] == row[2] else None),
    "three equal columns": (
        Access("t", {"a": 0}, (), ((0, 1), (0, 2))),
        lambda row: row[:1] if len(set(row)) == 1 else None,
    ),
}


@pytest.mark.parametrize(("access", "narrow"), ACCESSES.values(), ids=ACCESSES)
@QUICK
@given(data=st.data())
def test_against_counters(access: Access, narrow: Callable[[IdRow], IdRow | None], data: st.DataObject) -> None:
    """What a literal gains and loses is the difference of its bindings; of a negation, that of where there are none."""
    row = st.tuples(*[st.integers(0, 2)] * 3)
    before = data.draw(st.lists(row, max_size=6))
    after = list(data.draw(st.sets(st.one_of(row, st.sampled_from([*before, (1, 1, 1)])), max_size=6)))
    found = deltas(before, after, 3)
    counts = []
    for rows in (before, after):
        narrowed = (narrow(each) for each in rows)
        counts.append(Counter(each for each in narrowed if each is not None))
    then, now = counts
    if "t" not in found.tables:
        assert Counter(before) == Counter(after)
        return
    changed = {each: now[each] - then[each] for each in now | then if now[each] != then[each]}
    assert weights(found.frame(access, negated=False)) == changed
    turned = {each: int(each in then) - int(each in now) for each in now | then if (each in then) != (each in now)}
    assert weights(found.frame(access, negated=True)) == turned
    frame = frame_of_rows(access, columns_of(before, 3), len(before), [sized(9)] * 3)
    assert Counter(bindings(frame)) == then


def test_tables_that_did_not_change() -> None:
    """A table whose delta is empty has not changed."""
    found = deltas([(1, 2)], [(1, 2)], 2)
    assert not found.tables
