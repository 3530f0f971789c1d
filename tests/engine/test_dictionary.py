"""Dictionaries: equal values have one id, in whatever way and order they come, and every id gives its value back."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine import dictionary as module
from congresslite.engine.chunks import NULL_ID
from congresslite.engine.dictionary import Dictionary
from congresslite.schema import INT_MAX, INT_MIN, ColumnValues, Scalar, canonical, identity
from tests.examples import few

QUICK = few(75)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(INT_MIN, INT_MAX),
    st.sampled_from([0, 1, -1, INT_MAX, INT_MIN, 2**53, 2**53 + 1, 1.0, 0.5, -0.0, 5e-324, 1e300, 2.0**63, -(2.0**63)]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.sampled_from(["", "1", "None", "True", "\0", "a\0", "\U0010ffff", "e\u0301", "é", "\uffff"]),
)


def same(left: Sequence[Scalar], right: Sequence[Scalar]) -> bool:
    """Whether two lists hold equal values of equal types, once canonical."""
    a, b = [canonical(value) for value in left], [canonical(value) for value in right]
    return [(type(value), value) for value in a] == [(type(value), value) for value in b]


def strings(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


WAYS = ["in columns", "one by one"]
EQUAL: dict[str, tuple[Scalar, Scalar]] = {
    "an integer and a float": (1, 1.0),
    "the zeros": (0, -0.0),
    "a large float and its integer": (2.0**62, 2**62),
    "the least integer": (INT_MIN, -(2.0**63)),
    "nulls": (None, None),
    "strings": ("ab", "a" + "b"),
}
DIFFERENT: dict[str, tuple[Scalar, Scalar]] = {
    "one and true": (1, True),
    "zero and false": (0, False),
    "a float and true": (1.0, True),
    "beyond the floats": (2**53, 2**53 + 1),
    "the greatest integer and the float beside it": (INT_MAX, 2.0**63),
    "null and the empty string": (None, ""),
    "null and its spelling": (None, "None"),
    "a number and its digits": (1, "1"),
    "composed and decomposed": ("é", "e\u0301"),
    "a string and the same with a zero byte": ("a", "a\0"),
}


@pytest.mark.parametrize(("left", "right"), EQUAL.values(), ids=EQUAL)
def test_equal_values_have_one_id(left: Scalar, right: Scalar) -> None:
    """Values that are equal in the language have one id."""
    ids = Dictionary().encode([left, right])
    assert ids[0] == ids[1]


@pytest.mark.parametrize(("left", "right"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_values_have_two_ids(left: Scalar, right: Scalar) -> None:
    """Values that Python or a database might confuse have ids of their own."""
    ids = Dictionary().encode([left, right])
    assert ids[0] != ids[1]


def test_null_is_zero() -> None:
    """The id of null is 0, from the start and in columns of every type."""
    dictionary = Dictionary()
    assert (dictionary.find(None), dictionary.add(None), dictionary.size) == (NULL_ID, NULL_ID, 1)
    columns: list[ColumnValues] = [
        pa.chunked_array([pa.array([None], type_)])
        for type_ in (pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.null())
    ]
    assert [ids.tolist() for ids in dictionary.encode_columns([*columns, [None]])] == [[NULL_ID]] * 6


@pytest.mark.parametrize(
    "column",
    [
        strings("b", None, "", "b", "é\U0001f600"),
        strings(None, None),
        strings(),
        pa.chunked_array([], pa.string()),
        pa.chunked_array([["a", None], [], [None], ["b", "a"]], pa.string()),
        pa.chunked_array([[INT_MAX, None, INT_MIN], [0, INT_MAX]], pa.int64()),
        pa.chunked_array([[7, 8, 9, 7]], pa.int64()),
        pa.chunked_array([[0.5, 1.0, None, -0.0, 1e300, 2.0**63]], pa.float64()),
        pa.chunked_array([[True, None, False]], pa.bool_()),
        pa.chunked_array([[None, None]], pa.null()),
        [1, True, "1", None, 0.5, 1.0, "", 2**53 + 1],
        [],
    ],
    ids=[
        "strings",
        "strings that are null",
        "no strings",
        "no chunks",
        "chunks",
        "integers far apart",
        "integers close together",
        "floats",
        "booleans",
        "nulls",
        "mixed",
        "nothing",
    ],
)
def test_columns_come_back(column: ColumnValues) -> None:
    """A column that was encoded decodes to its values, into an empty dictionary and one that holds some already."""
    expected = column if isinstance(column, list) else column.to_pylist()
    full = Dictionary()
    full.encode(["b", 7, 0.5, True, "late"])
    for dictionary in (Dictionary(), full):
        (ids,) = dictionary.encode_columns([column])
        assert ids.dtype == np.int32
        assert same(dictionary.decode(ids), expected)
        (again,) = dictionary.encode_columns([column])
        assert again.tolist() == ids.tolist()


def test_columns_of_one_pass_share_ids() -> None:
    """Strings that stand in several columns have one id, whether the columns come at once, later, or value by value."""
    dictionary = Dictionary()
    first, second = dictionary.encode_columns([strings("a", "b"), strings("c", "a")])
    late = dictionary.add("late")
    (third,) = dictionary.encode_columns([strings("d", "late", "c")])
    assert second[1] == first[0]
    assert (third[1], third[2]) == (late, second[0])
    assert dictionary.decode(np.concatenate((first, second, third))) == ["a", "b", "c", "a", "d", "late", "c"]
    assert dictionary.size == 1 + len({"a", "b", "c", "d", "late"})


@QUICK
@given(
    batches=st.lists(st.tuples(st.sampled_from(["column", "one by one"]), st.lists(SCALARS, max_size=12)), max_size=6)
)
def test_any_order_of_arrival(batches: list[tuple[str, list[Scalar]]]) -> None:
    """However values arrive, equal ones have one id for ever, different ones never share it, and decode gives them."""
    dictionary = Dictionary()
    known: dict[object, int] = {}
    for way, values in batches:
        for column in typed_columns(values) if way == "in columns" else [values]:
            given_values = column if isinstance(column, list) else column.to_pylist()
            ids = dictionary.encode_columns([column])[0] if way == "in columns" else dictionary.encode(values)
            assert same(dictionary.decode(ids), given_values)
            for value, id_ in zip(given_values, ids.tolist(), strict=True):
                assert known.setdefault(identity(canonical(value)), id_) == id_
    assert len(set(known.values())) == len(known)
    for _, values in batches:
        for value in values:
            assert dictionary.find(canonical(value)) == known[identity(canonical(value))]


def typed_columns(values: list[Scalar]) -> list[ColumnValues]:
    """The values as a source gives them: a column of each type, nulls among them, and one of mixed types."""
    kinds: dict[pa.DataType, type] = {pa.string(): str, pa.int64(): int, pa.float64(): float, pa.bool_(): bool}
    columns: list[ColumnValues] = [values]
    for arrow, kind in kinds.items():
        chosen = [value for value in values if value is None or type(value) is kind]
        half = len(chosen) // 2
        columns.append(pa.chunked_array([pa.array(chosen[:half], arrow), pa.array(chosen[half:], arrow)]))
    return columns


def test_absent_values_are_not_found() -> None:
    """Looking up a value that is not there gives -1, and adds nothing."""
    dictionary = Dictionary()
    dictionary.encode_columns([strings("a", "b")])
    dictionary.encode([1, 0.5])
    size = dictionary.size
    absent: list[Scalar] = ["c", "", 2, True, 1e300, False, "1"]
    assert [dictionary.find(value) for value in absent] == [-1] * len(absent)
    assert dictionary.size == size


@pytest.mark.parametrize("early", [0, 1, 40], ids=["few constants", "one before", "more than are searched for"])
def test_constants_in_large_dictionaries(early: int) -> None:
    """Constants are found among many strings, before and after the dictionary turns from searching to hashing."""
    dictionary = Dictionary()
    texts = [f"s{number}" for number in range(2_000)]
    (ids,) = dictionary.encode_columns([strings(*texts)])
    for number in range(early):
        assert dictionary.find(f"absent{number}") == -1
    for number in [*range(0, 2_000, 50), 1_999]:
        assert dictionary.find(f"s{number}") == ids[number] == dictionary.add(f"s{number}")
    assert dictionary.find("s2000") == -1
    assert early <= module._SEARCHES or dictionary._searches > module._SEARCHES
    # What comes after the strings were hashed is found as well, in whichever way it comes.
    new = dictionary.add("one by one")
    (column,) = dictionary.encode_columns([strings("in a column", "s7", "one by one")])
    assert column.tolist() == [dictionary.find("in a column"), ids[7], new]
    assert dictionary.decode(column) == ["in a column", "s7", "one by one"]


def test_integers_of_all_sizes() -> None:
    """Integers are kept whole at both ends of their range, whether they come close together or far apart."""
    dictionary = Dictionary()
    for values in (
        [5, 6, 7],
        [INT_MIN, INT_MAX],
        [INT_MAX - 1, INT_MAX],
        [INT_MIN, INT_MIN + 1],
        [0, 2**53 + 1, 2**53],
    ):
        ids = dictionary.encode_integers(np.array(values, np.int64))
        assert dictionary.decode(ids) == values
        assert [dictionary.find(value) for value in values] == ids.tolist()


def test_ranks_order_strings_by_code_point() -> None:
    """Strings rank by code point, late ones among the others, whatever else the dictionary holds."""
    texts = ["b", "", "a\U0001f600", "a\uffff", "Z", "é", "a", "aa"]
    dictionary = Dictionary()
    dictionary.encode_columns([strings(*texts[:4]), [1, None, True]])
    for count in range(4, len(texts) + 1):  # grows between two questions
        ids = dictionary.encode(texts[:count])
        ranks = dictionary.ranks()[ids]
        assert [texts[place] for place in np.argsort(ranks)] == sorted(texts[:count])


@QUICK
@given(values=st.lists(SCALARS, min_size=1, max_size=10), others=st.lists(SCALARS, max_size=10), add=st.booleans())
def test_translation_keeps_values(values: list[Scalar], others: list[Scalar], add: bool) -> None:
    """Ids translated to another dictionary stand for the same values there; what it lacks is -1 or added."""
    source, target = Dictionary(), Dictionary()
    ids = source.encode(values)
    target.encode(others)
    size = target.size
    held = {identity(canonical(value)) for value in [None, *others]}
    there = source.translate(ids, target, add=add)
    for value, id_ in zip(values, there.tolist(), strict=True):
        if add or identity(canonical(value)) in held:
            assert same(target.decode(np.array([id_])), [value])
        else:
            assert id_ == -1
    assert add or target.size == size


@QUICK
@given(batches=st.lists(st.tuples(st.booleans(), st.lists(SCALARS, max_size=6)), min_size=1, max_size=6))
def test_translations_are_no_older_than_their_dictionaries(batches: list[tuple[bool, list[Scalar]]]) -> None:
    """What was not there when it was first translated is found once it is, and values that come later are, too."""
    source, target = Dictionary(), Dictionary()
    held: set[object] = {None}
    for to_target, values in batches:
        (target if to_target else source).encode(values)
        held |= {identity(canonical(value)) for value in values} if to_target else set()
        every = np.arange(source.size, dtype=np.int32)
        there = source.translate(every, target, add=False).tolist()
        for value, id_ in zip(source.decode(every), there, strict=True):
            assert (id_ >= 0) == (identity(value) in held)
            assert id_ < 0 or same(target.decode(np.array([id_])), [value])


@QUICK
@given(
    column=st.lists(SCALARS, max_size=8),
    batches=st.lists(st.tuples(st.lists(SCALARS, max_size=5), st.lists(SCALARS, max_size=5)), max_size=4),
)
def test_a_few_values_at_a_time(column: list[Scalar], batches: list[tuple[list[Scalar], list[Scalar]]]) -> None:
    """Of some values the first are added where they are new, and the others only found."""
    dictionary = Dictionary()
    for each in typed_columns(column):
        dictionary.encode_columns([each])
    for added, asked in batches:
        before = {identity(value) for value in dictionary.decode(np.arange(dictionary.size))}
        held = before | {identity(canonical(value)) for value in added}
        ids = dictionary.encode_many([*added, *asked], len(added)).tolist()
        assert same(dictionary.decode(np.array(ids[: len(added)], np.int32)), added)
        for value, id_ in zip(asked, ids[len(added) :], strict=True):
            assert (id_ >= 0) == (identity(canonical(value)) in held)
            assert id_ < 0 or same(dictionary.decode(np.array([id_])), [value])
        assert dictionary.size == len(held)


def test_growth_keeps_ids() -> None:
    """An id is never given to another value, through thousands of additions of all kinds."""
    dictionary, source = Dictionary(), random.Random(7)
    ids: dict[object, int] = {}
    for number in range(3_000):
        value: Scalar = source.choice([number, number / 7, str(number), number % 2 == 0, None])
        id_ = dictionary.add(canonical(value))
        assert ids.setdefault(identity(canonical(value)), id_) == id_
    assert dictionary.size == len({*ids.values(), NULL_ID})
