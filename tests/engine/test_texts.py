"""Texts found many at a time: against a dict, whatever their bytes, and whatever their hashes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine import dictionary as dictionaries
from congresslite.engine import texts as module
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.texts import TextIndex
from congresslite.schema import Scalar
from tests.examples import few

QUICK = few(75)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["", "a" * 1500, "a" * 1499 + "b"]
)


@QUICK
@given(parts=st.lists(st.lists(TEXTS, max_size=8), min_size=1, max_size=3), asked=st.lists(TEXTS, max_size=8))
@pytest.mark.parametrize("factors", ["as they are", "all zero"])
def test_finds_what_a_dict_finds(factors: str, parts: list[list[str]], asked: list[str]) -> None:
    """Texts that come in several columns are found, each by its id, and no others; also where all hashes agree."""
    with pytest.MonkeyPatch.context() as patch:
        if factors == "all zero":
            patch.setattr(module, "_FACTORS", np.zeros(1024, np.uint64))
        index, every = TextIndex(), list[str]()
        for part in parts:
            every = list(dict.fromkeys((*every, *part)))
            ids = np.arange(len(every)) + 3
            places = np.concatenate((np.zeros(3, np.int64), np.arange(len(every)), [len(every)]))
            index.extend(pa.array(every, pa.string()), np.append(ids, len(every) + 3), places)
        questions = [*asked, *every]
        found = index.find(pa.array(questions, pa.string())).tolist()
    known = {text: at + 3 for at, text in enumerate(every)}
    assert found == [known.get(text, -1) for text in questions]


@QUICK
@given(
    column=st.lists(TEXTS, max_size=8),
    late=st.lists(TEXTS, max_size=4),
    asked=st.lists(TEXTS | st.none() | st.integers(0, 3), min_size=1, max_size=8),
)
def test_many_are_known_as_few_are(column: list[str], late: list[str], asked: list[Scalar]) -> None:
    """What a dictionary knows does not depend on how many values it is asked for at a time."""
    dictionary = Dictionary()
    dictionary.encode_columns([pa.chunked_array([pa.array(column, pa.string())])])
    dictionary.encode([*late, 1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dictionaries, "_MANY", 1)
        patch.setattr(dictionaries, "_LARGE", 1)
        many = dictionary.known(asked).tolist()
    assert many == dictionary.known(asked).tolist()
