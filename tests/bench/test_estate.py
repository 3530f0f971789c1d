"""The estate and what happens to it: the same for ever, and consistent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from congresslite.bench.changes import AFTER, FILE, LINKS, MOVES, PLANNED, Batch, read_changes, write_changes
from congresslite.bench.workload import COLUMNS, Values, read_rows, write_estate

# Every file of the smallest estate, one after the other, by name; and the batches.
INVENTORY = "ed006f0ab614a2b7acabcb882b937743f28e2f70136c0c0b4924b709082b3c82"
CHANGES = "d13790b1bb5ea5ba7a89504c1ffe1f6ed2f19d94bc436b1e01c8acae4828810b"


def digest(files: Iterable[Path]) -> str:
    """A digest of the files, one after the other."""
    made = hashlib.sha256()
    for file in files:
        made.update(file.read_bytes())
    return made.hexdigest()


def rows(folder: Path, table: str) -> list[Values]:
    """The rows of a table of an inventory."""
    return list(read_rows(folder / "inv" / f"{table}.csv", COLUMNS[table]))


def test_estates_stay_the_same(estate: Path) -> None:
    """A size and a seed make the same files for ever, byte for byte, or else figures could not be compared."""
    assert digest(sorted((estate / "inv").glob("*.csv"))) == INVENTORY
    assert digest([estate / FILE]) == CHANGES


def test_seeds_make_others(estate: Path, tmp_path: Path) -> None:
    """Another seed makes another estate of the same size, to which other things happen."""
    write_estate(1_000, tmp_path, seed=2)
    write_changes(1_000, tmp_path, seed=2)
    assert len(rows(tmp_path, "vm")) == len(rows(estate, "vm")) == 1_000
    assert rows(tmp_path, "vm") != rows(estate, "vm")
    assert read_changes(tmp_path)["1 move"] != read_changes(estate)["1 move"]


def test_batches_follow_each_other(estate: Path) -> None:
    """Each batch deletes rows that are there and inserts rows that are not, and all of them lead to what is told."""
    history = read_changes(estate)
    assert [*history] == [*MOVES, *LINKS]
    present = {f"inv:{table}": set(rows(estate, table)) for table in ("vm", "link")}
    for name, batches in history.items():
        for batch in batches:
            table = present[batch.table]
            assert set(batch.delete) <= table
            assert not set(batch.insert) & table
            if name != PLANNED:
                table.difference_update(batch.delete)
                table.update(batch.insert)
    assert {table: set(rows(estate / AFTER, table.removeprefix("inv:"))) for table in present} == present


@pytest.mark.parametrize("name", [*MOVES, *LINKS])
def test_batches_are_what_they_are_called(estate: Path, name: str) -> None:
    """A batch has as many rows as its name says; each row that goes comes back with one other value."""
    kind, batches = {**MOVES, **LINKS}[name], read_changes(estate)[name]
    kept = (True, True, False, True, True, True) if name in MOVES else (True, False)
    assert len(batches) == kind.batches
    for batch in batches:
        assert len(set(batch.delete)) == len(set(batch.insert)) == kind.rows
        for old, new in zip(batch.delete, batch.insert, strict=True):
            assert tuple(one == other for one, other in zip(old, new, strict=True)) == kept


def test_batches_of_a_small_estate(tmp_path: Path) -> None:
    """An estate that has fewer machines than a batch moves all of them."""
    write_estate(100, tmp_path)
    write_changes(100, tmp_path)
    assert {len(batch.insert) for batch in read_changes(tmp_path)["1,000 moves"]} == {100}


def test_undone() -> None:
    """A batch that is undone leaves what was."""
    batch = Batch("inv:link", delete=(("a", "b"),), insert=(("a", "c"),))
    assert batch.undone() == Batch("inv:link", delete=(("a", "c"),), insert=(("a", "b"),))
    assert batch.undone().undone() == batch
