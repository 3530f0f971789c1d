"""
What happens to an estate: batches of moved machines and of re-wired links, decided by size and seed.

Machines move one batch after the other, so that each batch is drawn from the
estate as the batches before it leave it; what is only planned is drawn last and
never applied. Run as a process, because a million rows in Python would count
against whoever is measured: writes `changes.json` beside the estate's
inventory, and `after/`, the estate as all batches leave it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from congresslite.bench.workload import COLUMNS, Estate, Values, read_rows, write_rows

FILE = "changes.json"
AFTER = "after"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table that go and come together."""

    table: str
    delete: tuple[Values, ...]
    insert: tuple[Values, ...]

    def undone(self) -> Batch:
        """The batch that takes this one back."""
        return Batch(self.table, self.insert, self.delete)


@dataclass(frozen=True, slots=True)
class Kind:
    """Batches of one kind: how many rows each changes, and how many batches there are."""

    rows: int
    batches: int


# In the order in which they are applied. The first batches make the indexes that later ones find; they are told apart.
MOVES = {
    "first 100 moves": Kind(100, 1),
    "1 move": Kind(1, 30),
    "100 moves": Kind(100, 20),
    "1,000 moves": Kind(1_000, 10),
    "100 moves, planned": Kind(100, 10),  # never applied
}
LINKS = {"first 100 links": Kind(100, 1), "100 links": Kind(100, 20)}
PLANNED = "100 moves, planned"

History = Mapping[str, tuple[Batch, ...]]


def write_changes(vms: int, folder: Path, seed: int = 1) -> None:
    """Draw the batches for the estate in a folder, and write them and what they lead to."""
    (folder / AFTER / "inv").mkdir(parents=True, exist_ok=True)
    for file in (folder / "inv").iterdir():
        link = folder / AFTER / "inv" / file.name
        link.unlink(missing_ok=True)
        link.symlink_to(Path("../..") / "inv" / file.name)
    moves = _moves(vms, folder, random.Random(f"moves {seed}"))
    links = _links(vms, folder, random.Random(f"links {seed}"))
    document = {
        name: [[each.table, each.delete, each.insert] for each in batches]
        for name, batches in {**moves, **links}.items()
    }
    (folder / FILE).write_text(json.dumps(document), encoding="utf-8")


def read_changes(folder: Path) -> History:
    """The batches for the estate in a folder."""
    document = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return {
        name: tuple(Batch(table, _tuples(delete), _tuples(insert)) for table, delete, insert in batches)
        for name, batches in document.items()
    }


def _tuples(rows: Iterable[list[str | int]]) -> tuple[Values, ...]:
    return tuple(tuple(row) for row in rows)


def _moves(vms: int, folder: Path, draw: random.Random) -> History:
    """Machines move to other hosts."""
    hosts = Estate(vms).hosts
    drawn = {
        name: [draw.sample(range(vms), min(kind.rows, vms)) for _ in range(kind.batches)]
        for name, kind in MOVES.items()
    }
    chosen = {vm for batches in drawn.values() for batch in batches for vm in batch}
    rows = {vm: row for vm, row in enumerate(_read(folder, "vm")) if vm in chosen}
    history = {}
    for name, batches in drawn.items():
        made = []
        for batch in batches:
            moved = {vm: _moved(rows[vm], hosts, draw) for vm in batch}
            made.append(Batch("inv:vm", tuple(rows[vm] for vm in batch), tuple(moved.values())))
            if name != PLANNED:
                rows.update(moved)
        history[name] = tuple(made)
    _write_after(folder, "vm", (rows.get(vm, row) for vm, row in enumerate(_read(folder, "vm"))))
    return history


def _moved(row: Values, hosts: int, draw: random.Random) -> Values:
    """The row of a machine on another host; it stands in the third column."""
    while (host := f"host{draw.randrange(hosts)}") == row[2]:
        pass
    return (*row[:2], host, *row[3:])


def _links(vms: int, folder: Path, draw: random.Random) -> History:
    """Links lead to other functions than before, which may lengthen chains and close rings."""
    vnfs = Estate(vms).vnfs
    rows = list(_read(folder, "link"))
    present = set(rows)
    history = {}
    for name, kind in LINKS.items():
        made = []
        for _ in range(kind.batches):
            chosen = draw.sample(range(len(rows)), min(kind.rows, len(rows)))
            delete = tuple(rows[place] for place in chosen)
            for place in chosen:
                rows[place] = _rewired(rows[place], vnfs, present, draw)
                present.add(rows[place])
            present.difference_update(delete)
            made.append(Batch("inv:link", delete, tuple(rows[place] for place in chosen)))
        history[name] = tuple(made)
    _write_after(folder, "link", rows)
    return history


def _rewired(row: Values, vnfs: int, present: set[Values], draw: random.Random) -> Values:
    """The link with another end, as no link is yet."""
    while (new := (row[0], f"vnf{draw.randrange(vnfs)}")) in present or new[0] == new[1]:
        pass
    return new


def _read(folder: Path, table: str) -> Iterator[Values]:
    return read_rows(folder / "inv" / f"{table}.csv", COLUMNS[table])


def _write_after(folder: Path, table: str, rows: Iterable[Values]) -> None:
    """Write a table as all batches leave it, in place of the link to what it was."""
    path = folder / AFTER / "inv" / f"{table}.csv"
    path.unlink()
    write_rows(path, COLUMNS[table], rows)


@click.command()
@click.argument("vms", type=click.IntRange(min=1))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--seed", default=1, show_default=True)
def main(vms: int, folder: Path, seed: int) -> None:
    """Draw batches of changes for the estate of VMS machines in FOLDER."""
    write_changes(vms, folder, seed)


if __name__ == "__main__":
    main()
