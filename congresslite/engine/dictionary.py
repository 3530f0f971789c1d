"""
Dictionaries: values as small dense integers, one dictionary for the columns that are joined with each other.

Equality of values is equality of ids, so joins, groups and negation never look
at a value. Ids say nothing about order. Rules to keep: id 0 is null, an id is
never given to another value, and equal values (1 and 1.0, but not `true`) have
one id, because every value is canonical before it gets one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from congresslite.engine.chunks import NULL_ID, ids_of_chunk, is_string, joined
from congresslite.engine.texts import TextIndex, as_texts
from congresslite.engine.translation import Translation
from congresslite.schema import ColumnValues, Scalar, canonical, identity

Ids = NDArray[np.int32]
NULL, BOOL, INT, FLOAT, STR = range(5)
# Beyond this many constants looked up, hashing all strings once is cheaper than searching them each time.
_SEARCHES = 16
# So many texts at a time are found by their hashes, among so many.
_MANY, _LARGE = 512, 1 << 15
# Whoever adds holds it; to decode needs none, since an id never changes. One for all: translating takes two of them.
_LOCK = threading.RLock()


class Dictionary:
    """Values with dense ids. Each id has a kind and a payload: an integer, a float's bits, or a string's place."""

    def __init__(self) -> None:
        self.size = 1
        self.text_bytes = 0  # what strings take that came one by one: rules may compute many, and long ones
        self._kinds = np.zeros(16, np.uint8)
        self._payloads = np.zeros(16, np.int64)
        # Strings that came in columns, and those that came one by one after them: replaced together, for readers.
        self._strings: tuple[Any, list[str]] = (pa.array([], pa.string()), [])
        self._ids: dict[Hashable, int] = {None: NULL_ID}
        self._indexed = 1  # ids below this one are in `_ids`, unless they are strings of `_texts`
        self._searches = 0
        self._by_hash = TextIndex()
        self._ranks: NDArray[np.int32] | None = None
        self._translations: dict[int, tuple[Translation, Dictionary]] = {}

    @property
    def _texts(self) -> Any:
        return self._strings[0]

    @property
    def _late(self) -> list[str]:
        return self._strings[1]

    # -- what is in it ---------------------------------------------------------------------------

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """The kind of each id."""
        return self._kinds[: self.size]

    @property
    def payloads(self) -> NDArray[np.int64]:
        """The payload of each id; for an id of kind INT the value itself."""
        return self._payloads[: self.size]

    def decode(self, ids: NDArray[np.integer[Any]]) -> list[Scalar]:
        """The values of these ids."""
        kinds, payloads = self._kinds[ids], self._payloads[ids]
        present = np.unique(kinds)
        if len(present) == 1 and present[0] == INT:
            return payloads.tolist()  # type: ignore[no-any-return]
        if len(present) == 1 and present[0] == STR:
            return self._decode_texts(payloads)
        values = np.empty(len(ids), object)
        for kind in present.tolist():
            chosen = np.flatnonzero(kinds == kind)
            values[chosen] = self._decode_kind(kind, payloads[chosen])
        return values.tolist()

    def _decode_kind(self, kind: int, payloads: NDArray[np.int64]) -> Any:
        if kind == BOOL:
            return payloads.astype(bool)
        if kind == INT:
            return payloads
        if kind == FLOAT:
            return payloads.view(np.float64)
        return np.array(self._decode_texts(payloads), object) if kind == STR else None

    def _decode_texts(self, places: NDArray[np.int64]) -> list[Any]:
        texts, late = self._strings
        split = len(texts)
        if not late:
            return texts.take(pa.array(places)).to_pylist()  # type: ignore[no-any-return]
        values = np.empty(len(places), object)
        early = places < split
        values[early] = texts.take(pa.array(places[early])).to_pylist()
        values[~early] = [late[place - split] for place in places[~early].tolist()]
        return values.tolist()

    def ranks(self) -> NDArray[np.int32]:
        """The place of each string among all strings, by code point; what is no string has no meaningful rank."""
        with _LOCK:
            return self._ranks_now()

    def _ranks_now(self) -> NDArray[np.int32]:
        if self._ranks is None or len(self._ranks) < self.size:
            texts = pa.concat_arrays([self._texts, pa.array(self._late, pa.string())])
            # UTF-8 sorts by bytes just as its characters sort by code point.
            order = pc.sort_indices(texts).to_numpy()
            places = np.empty(len(order), np.int32)
            places[order] = np.arange(len(order), dtype=np.int32)
            ranks = np.full(self.size, -1, np.int32)
            strings = np.flatnonzero(self.kinds == STR)
            ranks[strings] = places[self._payloads[strings]]
            self._ranks = ranks
        return self._ranks

    # -- single values ---------------------------------------------------------------------------

    def find(self, value: Scalar) -> int:
        """The id of a canonical value, or -1 if it has none."""
        self._index_ids()
        found = self._ids.get(identity(value))
        if found is not None:
            return found
        if isinstance(value, str) and len(self._texts) and self._searches <= _SEARCHES:
            self._searches += 1
            if self._searches > _SEARCHES:
                with _LOCK:
                    self._index_texts()
                return self._ids.get(value, -1)
            place = pc.index(self._texts, value).as_py()
            if place >= 0:
                found = int(np.flatnonzero((self.kinds == STR) & (self.payloads == place))[0])
                self._ids[value] = found
                return found
        return -1

    def add(self, value: Scalar) -> int:
        """The id of a canonical value, a new one if it has none yet."""
        found = self.find(value)
        if found < 0:
            with _LOCK:
                found = self._ids.get(identity(value), -1)
                found = found if found >= 0 else self._append(value)
        return found

    def encode(self, values: Iterable[Scalar]) -> Ids:
        """The ids of values, canonical or not, new ones included."""
        return np.fromiter((self.add(canonical(value)) for value in values), np.int32)

    def known(self, values: Sequence[Scalar]) -> Ids:
        """The ids of canonical values, none a boolean; -1 for those without. The first call prepares for strings."""
        self._index_ids()
        if len(values) >= _MANY and len(self._texts) >= _LARGE and (found := self._known_texts(values)) is not None:
            return found
        if self._searches <= _SEARCHES and len(self._texts):
            with _LOCK:
                self._searches = _SEARCHES + 1
                self._index_texts()
        try:
            return np.fromiter(map(self._ids.__getitem__, values), np.int32, len(values))
        except KeyError:  # mostly there is none
            return np.array([self._ids.get(value, -1) for value in values], np.int32)

    def _known_texts(self, values: Sequence[Scalar]) -> Ids | None:
        """As `known`, by the hashes of many texts at once; None if there is anything else among them."""
        if (asked := as_texts(values)) is None:
            return None
        if not self._by_hash.covers(self._texts):
            with _LOCK:
                if not self._by_hash.covers(self._texts):
                    self._by_hash.extend(self._texts, (self.kinds == STR).nonzero()[0], self.payloads)
        ids = self._by_hash.find(asked)
        for at in (ids < 0).nonzero()[0].tolist():
            ids[at] = self._ids.get(values[at], -1)
        return ids

    def encode_many(self, values: Sequence[Scalar], added: int) -> Ids:
        """The ids of values, canonical or not. The first `added` get one if they have none, the others -1."""
        kinds = set(map(type, values))
        if bool in kinds or float in kinds:
            values = [canonical(value) for value in values]
            return np.array([self.add(v) if at < added else self.find(v) for at, v in enumerate(values)], np.int32)
        return self.completed(self.known(values), values, added)

    def completed(self, ids: Ids, values: Sequence[Scalar], added: int) -> Ids:
        """The ids of values, with new ones for those of the first `added` that have -1."""
        new = (ids[:added] < 0).nonzero()[0].tolist()
        for at in new:
            ids[at] = self.add(values[at])
        for at in (ids < 0).nonzero()[0].tolist() if new else ():  # it may be one of those just added
            ids[at] = self.find(values[at])
        return ids

    def _append(self, value: Scalar) -> int:
        new = self.size
        self._grow(new + 1)
        match value:
            case bool():
                self._set(new, BOOL, int(value))
            case int():
                self._set(new, INT, value)
            case float():
                self._kinds[new] = FLOAT
                self._payloads.view(np.float64)[new] = value
            case str():
                texts, late = self._strings
                self._set(new, STR, len(texts) + len(late))
                late.append(value)
                self.text_bytes += sys.getsizeof(value)
            case None:
                raise AssertionError("null has an id from the start")
        self._ids[identity(value)] = new
        self.size = self._indexed = new + 1
        return new

    def _set(self, place: int, kind: int, payload: int) -> None:
        self._kinds[place] = kind
        self._payloads[place] = payload

    def _grow(self, size: int) -> None:
        if size > len(self._kinds):
            capacity = max(size, len(self._kinds) * 2)
            self._kinds = np.resize(self._kinds, capacity)
            self._payloads = np.resize(self._payloads, capacity)

    def _index_ids(self) -> None:
        """Enter what came in columns into `_ids`, strings apart."""
        if self._indexed == self.size:
            return
        with _LOCK:
            fresh = np.arange(self._indexed, self.size)
            fresh = fresh[self._kinds[fresh] != STR]
            self._ids.update(zip(map(identity, self.decode(fresh)), fresh.tolist(), strict=True))
            self._indexed = self.size

    def _index_texts(self) -> None:
        strings = np.flatnonzero(self.kinds == STR)
        self._ids.update(zip(self._decode_texts(self._payloads[strings]), strings.tolist(), strict=True))

    # -- columns ---------------------------------------------------------------------------------

    def encode_columns(self, columns: Sequence[ColumnValues]) -> list[Ids]:
        """The ids of whole columns. Strings of all of them are hashed in one pass, which is what loading costs."""
        with _LOCK:
            return self._encode_columns(columns)

    def _encode_columns(self, columns: Sequence[ColumnValues]) -> list[Ids]:
        result: list[Ids | None] = [None] * len(columns)
        strings = [i for i, each in enumerate(columns) if is_string(each)]
        for place, ids in zip(strings, self._encode_strings([columns[i] for i in strings]), strict=True):
            result[place] = ids
        for place, column in enumerate(columns):
            if isinstance(column, list):
                result[place] = self.encode(column)
            elif result[place] is None:
                result[place] = self._encode_numbers(column)
        return [ids for ids in result if ids is not None]

    def _encode_strings(self, columns: list[Any]) -> list[Ids]:
        chunks = [[chunk for chunk in column.chunks if len(chunk)] for column in columns]
        every = [chunk for mine in chunks for chunk in mine]
        if not every:
            return [np.zeros(0, np.int32) for _ in columns]
        encoded = pa.chunked_array(every).dictionary_encode()
        # The last chunk's dictionary holds those of all the chunks before it.
        ids_of_codes = self._ids_of_texts(encoded.chunk(encoded.num_chunks - 1).dictionary)
        # Strings that are all new have ids in a row, which need no looking up.
        row = len(ids_of_codes) > 0 and bool((np.diff(ids_of_codes) == 1).all())
        parts = iter([ids_of_chunk(chunk, ids_of_codes, in_a_row=row) for chunk in encoded.chunks])
        return [joined([next(parts) for _ in mine]) for mine in chunks]

    def _ids_of_texts(self, texts: Any) -> Ids:
        """The ids of distinct strings, new ones where they have none."""
        ids = np.full(len(texts), -1, np.int32)
        if len(self._texts):
            places = pc.index_in(texts, value_set=self._texts)
            known = np.asarray(places.is_valid())
            if known.any():
                id_of_place = np.empty(len(self._texts), np.int32)
                early = np.flatnonzero((self.kinds == STR) & (self.payloads < len(self._texts)))
                id_of_place[self._payloads[early]] = early
                ids[known] = id_of_place[np.asarray(places.fill_null(0))[known]]
        if self._late:
            late = pc.index_in(texts, value_set=pa.array(self._late, pa.string())).fill_null(-1).to_pylist()
            for position, place in enumerate(late):
                if place >= 0:
                    ids[position] = self._ids[self._late[place]]
        new = np.flatnonzero(ids < 0)
        if len(new):
            ids[new] = self._add_texts(texts if len(new) == len(texts) else texts.take(pa.array(new)))
        return ids

    def _add_texts(self, texts: Any) -> Ids:
        """New ids for strings that have none, in their order."""
        known, late = self._strings
        if late:
            # Places after the columns' strings belong to late ones: those join them first.
            known = pa.concat_arrays([known, pa.array(late, pa.string())])
        first, count = self.size, len(texts)
        self._grow(first + count)
        self._kinds[first : first + count] = STR
        self._payloads[first : first + count] = np.arange(len(known), len(known) + count)
        self._strings = (pa.concat_arrays([known, texts]) if len(known) else texts, [])
        self._index_ids()
        self.size = self._indexed = first + count
        if self._searches > _SEARCHES:
            self._ids.update(zip(texts.to_pylist(), range(first, first + count), strict=True))
        return np.arange(first, first + count, dtype=np.int32)

    def _encode_numbers(self, column: Any) -> Ids:
        """The ids of a column of integers, floats, booleans or nulls."""
        if pa.types.is_null(column.type) or len(column) == 0:
            return np.zeros(len(column), np.int32)
        valid = np.asarray(column.is_valid())
        ids = np.zeros(len(column), np.int32)
        values = column.drop_null().to_numpy()
        if pa.types.is_integer(column.type):
            ids[valid] = self.encode_integers(values.astype(np.int64, copy=False))
        elif pa.types.is_boolean(column.type):
            ids[valid] = np.where(values, self.add(True), self.add(False))
        else:
            distinct, inverse = np.unique(values, return_inverse=True)
            ids[valid] = self._encode_distinct_floats(distinct)[inverse]
        return ids

    def encode_integers(self, values: NDArray[np.int64]) -> Ids:
        """The ids of integers, new ones included."""
        if len(values) == 0:
            return np.zeros(0, np.int32)
        with _LOCK:
            return self._encode_integers(values)

    def _encode_integers(self, values: NDArray[np.int64]) -> Ids:
        low, high = int(values.min()), int(values.max())
        if high - low < 4 * len(values) + 1024:  # dense enough to count instead of sorting
            seen = np.zeros(high - low + 1, bool)
            seen[values - low] = True
            distinct = np.flatnonzero(seen) + low
            lookup = np.zeros(high - low + 1, np.int32)
            lookup[distinct - low] = self._encode_distinct(distinct)
            return lookup[values - low]
        distinct, inverse = np.unique(values, return_inverse=True)
        return self._encode_distinct(distinct)[inverse]

    def _encode_distinct(self, values: NDArray[np.int64]) -> Ids:
        if not np.any(self.kinds == INT):
            return self._append_many(INT, values)
        self._index_ids()
        return np.fromiter((self._add_indexed(value) for value in values.tolist()), np.int32, len(values))

    def _encode_distinct_floats(self, values: NDArray[np.float64]) -> Ids:
        """The ids of floats that differ. Those that equal an integer become it; the others, where new, need no look."""
        if np.any(self.kinds == FLOAT) or not np.isfinite(values).all():
            return self.encode(values.tolist())
        whole = (values == np.floor(values)) & (values >= -(2.0**63)) & (values < 2.0**63)
        ids = np.zeros(len(values), np.int32)
        ids[whole] = self.encode_integers(values[whole].astype(np.int64))
        ids[~whole] = self._append_many(FLOAT, values[~whole].view(np.int64))
        return ids

    def _append_many(self, kind: int, payloads: NDArray[np.int64]) -> Ids:
        """New ids in a row for values of one kind that have none; `_ids` has them when one is looked up."""
        first, count = self.size, len(payloads)
        self._grow(first + count)
        self._kinds[first : first + count] = kind
        self._payloads[first : first + count] = payloads
        self.size = first + count
        return np.arange(first, first + count, dtype=np.int32)

    def _add_indexed(self, value: int) -> int:
        found = self._ids.get(value)
        return self._append(value) if found is None else found

    # -- between dictionaries --------------------------------------------------------------------

    def translate(self, ids: Ids, target: Dictionary, *, add: bool) -> Ids:
        """The ids that these values have in another dictionary; -1 for those it lacks, unless they are to be added.

        What was found once is remembered: columns that nobody meant to join may be joined by a rule that comes later.
        """
        with _LOCK:
            # The target is kept, so that no other dictionary can have its id.
            known, _ = self._translations.setdefault(id(target), (Translation(target.size), target))
            convert = target.add if add else target.find

            def converted(asked: Ids) -> Ids:
                return np.fromiter(map(convert, self.decode(asked)), np.int32, len(asked))

            return known.translate(ids, converted, (self.size, target.size), add=add)
