"""
Following: where values lead, from column to column, for many values at once.

A hop goes from a value in one column of a table to what stands beside it in another one; so a machine leads to its
function, and that to its service. Where several rows have the value, the least that stands beside it counts, by its
text; where none has it, or null stands there, it leads nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from congresslite.engine.dictionary import Dictionary, Ids
from congresslite.engine.relation import Relation

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Hop:
    """From a value of `key` to what stands in `column`, both places of columns of `table`."""

    table: str
    key: int
    column: int


# A table with these columns read.
Opened = Callable[[str, Sequence[int]], Relation]


def follow(ids: Ids, dictionary: Dictionary, hops: Sequence[Hop], opened: Opened) -> tuple[Ids, Dictionary]:
    """Where ids of a dictionary lead, as ids of another: `NOWHERE` (which may be among those given) for nowhere."""
    for hop in hops:
        relation = opened(hop.table, (hop.key, hop.column))
        keys = relation.dictionaries[hop.key]
        if keys is not dictionary:
            ids = _translated(ids, dictionary, keys)
        dictionary = relation.dictionaries[hop.column]
        ids = _followed(ids, relation, hop, dictionary)
    return ids, dictionary


def _translated(ids: Ids, source: Dictionary, target: Dictionary) -> Ids:
    found = np.full(len(ids), NOWHERE, np.int32)
    known = ids != NOWHERE
    found[known] = source.translate(ids[known], target, add=False)
    return found


def _followed(ids: Ids, relation: Relation, hop: Hop, dictionary: Dictionary) -> Ids:
    found = np.full(len(ids), NOWHERE, np.int32)
    asked = (ids != NOWHERE).nonzero()[0]
    if not len(asked) or not relation.rows:
        return found
    which, places = relation.matches([hop.key], [ids[asked]], len(asked))
    beside = relation.column(hop.column)[places]
    there = beside != dictionary.find(None)
    which, beside = which[there], beside[there]
    found[asked[which]] = beside
    tied = np.bincount(which, minlength=len(asked))[which] > 1
    for at, least in _least(which[tied], beside[tied], dictionary).items():
        found[asked[at]] = least
    return found


def _least(which: Ids, ids: Ids, dictionary: Dictionary) -> dict[int, int]:
    """For each question the id of the answer whose text is least."""
    least: dict[int, tuple[str, int]] = {}
    for at, id_, value in zip(which.tolist(), ids.tolist(), dictionary.decode(ids), strict=True):
        least[at] = min(least.get(at, (str(value), id_)), (str(value), id_))
    return {at: id_ for at, (_, id_) in least.items()}
