"""Relations as values: whoever makes what of which relation, each has its own rows and finds them, against a dict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine import relation as module
from congresslite.engine.relation import Relation
from tests.engine.encoded import IdRow, columns_of, rows_of, sized
from tests.examples import few

QUICK = few(30)

OWNERS = (object(), object())


@dataclass
class Model:
    """A relation, and the rows that it must have with what stands beside each."""

    held: Relation
    rows: Mapping[IdRow, int] = field(default_factory=dict)

    def changed(self, gone: Sequence[IdRow], came: Mapping[IdRow, int], owner: object) -> Model:
        """Both without some rows, and with others."""
        width = len(self.held.dictionaries)
        lost = self.held.find(columns_of(gone, width), len(gone))
        extras = [np.array(list(came.values()), np.int32)]
        after = self.held.changed(lost, columns_of(list(came), width), len(came), owner, extras=extras)
        return Model(after, {row: each for row, each in self.rows.items() if row not in set(gone)} | dict(came))

    def check(self, asked: Sequence[IdRow], positions: tuple[int, ...]) -> None:
        """Assert that the relation has these rows, and tells so in every way."""
        held, width = self.held, len(self.held.dictionaries)
        living = held.living()
        beside = held.beside(0) if living is None else held.beside(0)[living]
        assert held.rows == len(self.rows)
        assert dict(zip(rows_of(held.columns(), held.rows), beside.tolist(), strict=True)) == self.rows
        places = held.find(columns_of(asked, width), len(asked)).tolist()
        assert [place >= 0 for place in places] == [row in self.rows for row in asked]
        here = [(row, place) for row, place in zip(asked, places, strict=True) if place >= 0]
        assert [held.beside(0)[place] for _, place in here] == [self.rows[row] for row, _ in here]
        assert [tuple(held.column(at)[place] for at in range(width)) for _, place in here] == [row for row, _ in here]
        self._check_some(asked, positions)

    def _check_some(self, asked: Sequence[IdRow], positions: tuple[int, ...]) -> None:
        """The same for questions about some columns."""
        held = self.held
        some = [tuple(row[at] for at in positions) for row in asked]
        columns = columns_of(some, len(positions))
        kept = Counter(tuple(row[at] for at in positions) for row in self.rows)
        which, places = held.matches(positions, columns, len(some))
        answers = [(place, tuple(int(held.column(at)[row]) for at in positions))
                   for place, row in zip(which.tolist(), places.tolist(), strict=True)]  # fmt: skip
        assert len(set(zip(which.tolist(), places.tolist(), strict=True))) == len(answers)
        assert Counter(answers) == {(place, each): kept[each] for place, each in enumerate(some) if kept[each]}
        unknown = [(-1, *each[1:]) for each in some]
        mixed = columns_of([*some, *unknown], len(positions))
        expected = [each in kept for each in some] + [False] * len(some)
        assert held.contains(positions, mixed, len(expected)).tolist() == expected
        # In bulk, and once there is a set.
        assert held.key_set(positions).contains(mixed, len(expected)).tolist() == expected
        assert held.contains(positions, mixed, len(expected)).tolist() == expected


# How many rows a value makes a column too slow to ask, when dead rows are swept, and whether all hashes are the same.
HOW: dict[str, tuple[int, int, bool]] = {
    "by columns": (8, 1024, False),
    "by whole rows": (0, 1024, False),
    "by whole rows of one hash": (0, 1024, True),
    "swept at once": (8, 0, False),
    "by whole rows, swept at once": (0, 0, False),
}
POSITIONS = [(0,), (1,), (0, 1), (0, 2), (0, 1, 2)]


@pytest.mark.parametrize(("few", "swept", "colliding"), HOW.values(), ids=HOW)
@pytest.mark.parametrize("width", [1, 2, 3])
@QUICK
@given(data=st.data())
def test_values_that_share_arrays(width: int, few: int, swept: int, colliding: bool, data: st.DataObject) -> None:
    """Whoever changes whichever relation, and asks it what: every relation has its own rows, to the end."""
    row = st.tuples(*[st.integers(0, 3)] * width)
    positions = data.draw(st.sampled_from([each for each in POSITIONS if max(each) < width]))
    asked = data.draw(st.lists(row, max_size=6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_FEW", few)
        patch.setattr(module, "MIN_SWEPT", swept)
        if colliding:
            patch.setattr(module, "mixed_rows", lambda _, length: np.full(length, 1 << 40, np.uint64))
        dictionaries = [sized(4) for _ in range(width)]
        extras = [np.zeros(0, np.int32)]
        models = [Model(Relation.empty("t", dictionaries, extras=extras, owner=OWNERS[0]))]
        for _ in range(data.draw(st.integers(1, 6))):
            start = models[-1] if data.draw(st.booleans()) else data.draw(st.sampled_from(models))
            came = data.draw(st.dictionaries(row, st.integers(1, 9), max_size=8))
            gone = [each for each in start.rows if each in came or data.draw(st.booleans())]
            models.append(start.changed(gone, came, data.draw(st.sampled_from(OWNERS))))
            if data.draw(st.booleans()):
                models[-1].check(asked, positions)
        for each in models:
            each.check(asked, positions)
