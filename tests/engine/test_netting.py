"""Netting: what really comes to a base table and goes from it, and which rows are refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.diagnostics import SourceError
from congresslite.engine.counting import TableDelta
from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.netting import changed_rows
from congresslite.engine.relation import Relation
from congresslite.schema import INT_MAX, INT_MIN, Column, Delta, Row, Scalar, TableSchema, Type
from tests.engine.columnar import identities, table
from tests.examples import few

QUICK = few(75)

PAIRS = table("s:e", a=Type.ANY, b=Type.ANY)
NOTHING = table("s:z")
OWNERS = (object(), object())
Bag = Counter[tuple[Hashable, ...]]


def relation(schema: TableSchema, rows: Sequence[Row], *, distinct: bool = True) -> Relation:
    """A relation of these rows."""
    dictionaries = [Dictionary() for _ in schema.columns]
    columns = [each.encode(row[at] for row in rows) for at, each in enumerate(dictionaries)]
    return Relation(schema.name, dictionaries, columns, len(rows), distinct=distinct, owner=OWNERS[0])


def bag(rows: Sequence[Row]) -> Bag:
    """Rows as often as they occur; `true` is not 1."""
    return Counter(identities(row) for row in rows)


def decoded(held: Relation, columns: Sequence[Ids], length: int) -> Bag:
    """Rows of ids as values, as often as they occur."""
    values = [each.decode(column) for each, column in zip(held.dictionaries, columns, strict=True)]
    return bag(list(zip(*values, strict=True)) if values else [()] * length)


def rows_of(held: Relation) -> Bag:
    return decoded(held, held.columns(), held.rows)


def came_and_went(held: Relation, delta: TableDelta) -> tuple[Bag, Bag]:
    return decoded(held, delta.came, delta.came_rows), decoded(held, delta.gone, delta.gone_rows)


@dataclass(frozen=True)
class Case:
    """A batch for a table that holds some rows, and what comes and goes."""

    held: Sequence[Row]
    delta: Delta
    came: Sequence[Row] = ()
    went: Sequence[Row] = ()


NETS: dict[str, Case] = {
    "nothing": Case([(1, 2)], Delta()),
    "a new row": Case([(1, 2)], Delta([(1, 3)]), [(1, 3)]),
    "a row that is there": Case([(1, 2)], Delta([(1, 2)])),
    "a row that goes": Case([(1, 2), (1, 3)], Delta([], [(1, 2)]), [], [(1, 2)]),
    "a row that is not there": Case([(1, 2)], Delta([], [(2, 1)])),
    "a value that nobody has seen": Case([(1, 2)], Delta([], [("new", 2), (1, 2)]), [], [(1, 2)]),
    "one in place of another": Case([(1, 2)], Delta([(1, 3)], [(1, 2)]), [(1, 3)], [(1, 2)]),
    "a row in both, that is there": Case([(1, 2)], Delta([(1, 2)], [(1, 2)])),
    "a row in both, that is not there": Case([], Delta([(1, 2)], [(1, 2)]), [(1, 2)]),
    "a row twice": Case([(5, 5)], Delta([(1, 2), (1, 2)], [(5, 5), (5, 5)]), [(1, 2)], [(5, 5)]),
    "into an empty table": Case([], Delta([(None, None)]), [(None, None)]),
    "a float and its integer are one": Case([(1, 2)], Delta([(1.0, 2.0)], [(3.0, 2)])),
    "a float that goes as its integer": Case([(1, 0.5)], Delta([], [(1.0, 0.5)]), [], [(1, 0.5)]),
    "true is not one": Case([(1, 2)], Delta([(True, 2)], [(1, True)]), [(True, 2)]),
    "null is a value": Case([(None, 2), (1, 2)], Delta([], [(None, 2)]), [], [(None, 2)]),
    "the same values in other columns": Case([(1, 2)], Delta([(2, 1)], [(2, 2)]), [(2, 1)]),
    "rows with all values in common": Case(
        [("a", "b")], Delta([("a", "b"), ("c", "d")], [("a", "b"), ("c", "d")]), [("c", "d")]
    ),
    "the ends": Case(
        [(INT_MIN, 1e300)], Delta([(INT_MAX, "")], [(INT_MIN, 1e300)]), [(INT_MAX, "")], [(INT_MIN, 1e300)]
    ),
}


@pytest.mark.parametrize("case", NETS.values(), ids=NETS)
def test_batches_are_net(case: Case) -> None:
    """What comes was not there and what goes was; an insert wins over a delete; the table before stays as it was."""
    held = relation(PAIRS, case.held)
    after, delta = changed_rows(held, PAIRS, case.delta, OWNERS[1])
    assert came_and_went(held, delta) == (bag(case.came), bag(case.went))
    assert rows_of(after) == bag(case.held) - bag(case.went) + bag(case.came)
    assert rows_of(held) == bag(case.held)
    assert after.distinct
    assert bool(delta) == bool(case.came or case.went) == (after is not held)


REPEATS: dict[str, Case] = {
    "none repeats": Case([(1, 2), (1, 3)], Delta([(1, 2)])),
    "a repetition goes with any batch": Case([(1, 2), (1, 2), (1, 2)], Delta(), [], [(1, 2)] * 2),
    "one that is inserted": Case([(1, 2), (1, 2)], Delta([(1, 2)]), [], [(1, 2)]),
    "one that is deleted goes altogether": Case([(1, 2), (5, 5), (1, 2)], Delta([], [(1, 2)]), [], [(1, 2)] * 2),
    "one beside another that is deleted": Case([(1, 2), (5, 5), (1, 2)], Delta([], [(5, 5)]), [], [(1, 2), (5, 5)]),
    "one in both": Case([(1, 2), (1, 2)], Delta([(1, 2)], [(1, 2)]), [], [(1, 2)]),
    "one beside another that comes": Case([(1, 2), (1, 2)], Delta([(5, 5)]), [(5, 5)], [(1, 2)]),
}


@pytest.mark.parametrize("case", REPEATS.values(), ids=REPEATS)
def test_repetitions_go_with_the_first_batch(case: Case) -> None:
    """A table whose rows may repeat has each once after a batch, and tells what it had too often as gone."""
    held = relation(PAIRS, case.held, distinct=False)
    after, delta = changed_rows(held, PAIRS, case.delta, OWNERS[0])
    assert came_and_went(held, delta) == (bag(case.came), bag(case.went))
    assert rows_of(after) == bag(case.held) - bag(case.went) + bag(case.came)
    assert max(rows_of(after).values(), default=1) == 1
    assert after.distinct
    assert rows_of(held) == bag(case.held)


VALUES: Sequence[Scalar] = (None, True, 1, 1.0, 2, 0.5, "1", "a", "")


@QUICK
@given(data=st.data())
def test_batch_after_batch(data: st.DataObject) -> None:
    """A table is what its batches make of it, whatever repeats, whoever applies them to which of its states."""
    row = st.tuples(*[st.sampled_from(VALUES)] * 2)
    first = data.draw(st.lists(row, max_size=6))
    states = [(relation(PAIRS, first, distinct=False), bag(first))]
    for _ in range(data.draw(st.integers(1, 5))):
        held, before = data.draw(st.sampled_from(states))
        inserted, deleted = (
            data.draw(st.lists(st.one_of(row, st.sampled_from([*first, (1, 2)])), max_size=4)) for _ in "+-"
        )
        after, delta = changed_rows(held, PAIRS, Delta(inserted, deleted), data.draw(st.sampled_from(OWNERS)))
        expected = Counter((before.keys() - bag(deleted).keys()) | bag(inserted).keys())
        came, went = came_and_went(held, delta)
        assert rows_of(after) == expected
        assert (came, went) == (expected - before, before - expected)
        states.append((after, expected))
    for held, expected in states[1:]:
        assert rows_of(held) == expected


WITHOUT_COLUMNS: dict[str, tuple[int, Delta, int, int]] = {
    "comes": (0, Delta([()]), 1, 0),
    "comes twice": (0, Delta([(), ()]), 1, 0),
    "goes": (1, Delta([], [()]), 0, 1),
    "is not there": (0, Delta([], [()]), 0, 0),
    "is there": (1, Delta([()]), 0, 0),
    "in both": (1, Delta([()], [()]), 0, 0),
    "repeats": (3, Delta([()]), 0, 2),
    "repeats, and goes": (3, Delta([], [()]), 0, 3),
}


@pytest.mark.parametrize(("rows", "delta", "came", "went"), WITHOUT_COLUMNS.values(), ids=WITHOUT_COLUMNS)
def test_tables_without_columns(rows: int, delta: Delta, came: int, went: int) -> None:
    """A table without columns has one row, which comes and goes as any other."""
    held = relation(NOTHING, [()] * rows, distinct=rows < 2)
    after, found = changed_rows(held, NOTHING, delta, OWNERS[0])
    assert (found.came_rows, found.gone_rows) == (came, went)
    assert (held.rows, after.rows) == (rows, rows + came - went)


TYPED = table("s:host", id=Type.STR, cores=Type.INT, load=Type.FLOAT, up=Type.BOOL, note=Type.ANY)
GOOD: Row = ("h1", 4, 0.5, True, None)
FITTING: dict[str, Row] = {
    "as declared": GOOD,
    "nulls": (None,) * 5,
    "a whole float where integers are": ("h1", 4.0, 0.5, True, 2.5),
    "an integer where floats are": ("h1", 4, 1, False, True),
    "the ends": ("", INT_MAX, -1e308, False, INT_MIN),
    "any text": ("\U0001f600\0é", 0, 0.0, True, "\uffff"),
}


@pytest.mark.parametrize("row", FITTING.values(), ids=FITTING)
def test_rows_that_fit(row: Row) -> None:
    """A value fits a column that takes its kind, and null fits all."""
    after, _ = changed_rows(relation(TYPED, []), TYPED, Delta([row], [row]), None)
    assert after.rows == 1


BIG, NAN, ENDLESS = 2**63, float("nan"), float("inf")
TAKES = {
    "id": "texts",
    "cores": "integers of 64 bits",
    "load": "numbers",
    "up": "booleans",
    "note": "numbers of 64 bits, texts, booleans and null",
}
MISFITS: dict[str, tuple[Row, dict[str, str]]] = {
    "a number as a text": ((7, 4, 0.5, True, None), {"id": "7"}),
    "a text as an integer": (("h1", "4", 0.5, True, None), {"cores": "'4'"}),
    "a fraction as an integer": (("h1", 4.5, 0.5, True, None), {"cores": "4.5"}),
    "true as an integer": (("h1", True, 0.5, True, None), {"cores": "True"}),
    "too large an integer": (("h1", BIG, 0.5, True, None), {"cores": str(BIG)}),
    "too small an integer": (("h1", -BIG - 1, 0.5, True, None), {"cores": str(-BIG - 1)}),
    "too large a whole float": (("h1", 1e19, 0.5, True, None), {"cores": "1e+19"}),
    "half a surrogate pair": (("\ud800", 4, 0.5, True, "a\udfff"), {"id": r"'\ud800'", "note": r"'a\udfff'"}),
    "no number": (("h1", 4, NAN, True, None), {"load": "nan"}),
    "an infinity": (("h1", 4, -ENDLESS, True, None), {"load": "-inf"}),
    "too large an integer as a number": (("h1", 4, BIG, True, None), {"load": str(BIG)}),
    "one as a boolean": (("h1", 4, 0.5, 1, None), {"up": "1"}),
    "what is no scalar": (("h1", 4, 0.5, True, [1]), {"note": "[1]"}),  # type: ignore[dict-item]
    "what is no scalar, as a text": (([1], 4, 0.5, True, None), {"id": "[1]"}),  # type: ignore[dict-item]
    "true as a text": ((True, 4, 0.5, True, None), {"id": "True"}),
    "an infinity anywhere": (("h1", 4, 0.5, True, ENDLESS), {"note": "inf"}),
    "in several columns": ((7, "4", "x", True, None), {"id": "7", "cores": "'4'", "load": "'x'"}),
}


@pytest.mark.parametrize("deleted", [False, True], ids=["inserted", "deleted"])
@pytest.mark.parametrize(("row", "named"), MISFITS.values(), ids=MISFITS)
def test_misfits_are_refused(row: Row, named: dict[str, str], deleted: bool) -> None:
    """A batch with values that do not fit is refused, naming the first in each column, and nothing has changed."""
    rows = [GOOD, row, row]
    delta = Delta([GOOD, GOOD], rows) if deleted else Delta(rows, [GOOD])
    held = relation(TYPED, [GOOD])
    with pytest.raises(SourceError) as error:
        changed_rows(held, TYPED, delta, OWNERS[0])
    of = "deleted" if deleted else "inserted"
    expected = [
        f"row 1 of those {of}: `{shown}` does not fit the column `{column}` of `s:host`, which takes {TAKES[column]}"
        for column, shown in named.items()
    ]
    found = error.value.diagnostics
    assert [each.message for each in found] == expected
    assert {(each.code, each.place, each.hint) for each in found} == {
        ("CL442", "s:host", "correct the row, or the declared type")
    }
    assert rows_of(held) == bag([GOOD])


WIDE: dict[str, tuple[Delta, str]] = {
    "too few": (Delta([GOOD, ("h1", 4)]), "row 1 of those inserted has 2 values"),
    "too many": (Delta([], [GOOD, GOOD, (*GOOD, 1)]), "row 2 of those deleted has 6 values"),
    "none": (Delta([()]), "row 0 of those inserted has 0 values"),
    "the first of several": (Delta([GOOD], [(1,), (1, 2)]), "row 0 of those deleted has 1 values"),
}


@pytest.mark.parametrize(("delta", "message"), WIDE.values(), ids=WIDE)
def test_rows_of_the_wrong_width_are_refused(delta: Delta, message: str) -> None:
    """A row with too few or too many values is refused, with its number and the columns that it should have."""
    held = relation(TYPED, [GOOD])
    with pytest.raises(SourceError) as error:
        changed_rows(held, TYPED, delta, OWNERS[0])
    (found,) = error.value.diagnostics
    assert (found.code, found.place) == ("CL441", "s:host")
    assert found.message == f"{message}, but `s:host` has 5 columns"
    assert found.hint == "give a value for each of `id`, `cores`, `load`, `up`, `note`"
    assert held.rows == 1


@pytest.mark.parametrize("type_", [Type.BOOL, Type.STR])
def test_integers_alone_are_no_other_kind(type_: Type) -> None:
    """A column of nothing but integers, known ones too, is refused where booleans or texts belong."""
    schema = TableSchema("s:x", (Column("n", Type.INT), Column("x", type_)))
    held = relation(schema, [(1, None), (0, None)])
    held.dictionaries[1].encode([0, 1])
    with pytest.raises(SourceError, match="CL442"):
        changed_rows(held, schema, Delta([(0, 1), (1, 0)], [(1, 1)]), OWNERS[0])
