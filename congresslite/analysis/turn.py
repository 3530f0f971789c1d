"""
Turns: several actions and changes of rows done at once, in one state.

All of them look at the state before; then rows go, then rows come, and what comes wins. Two that write the same row (by
its key, or else by all of its columns) cannot be done at once: the later one waits for the next turn, and that is told.
A change that adds a row only waits for those that remove the row of its key, wherever they stand: they do not compete.
The rule to keep: nothing is merged silently, and a row that breaks what is declared of its table is told and left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from congresslite.analysis.effects import Effects, evaluate, unknown_objects
from congresslite.analysis.outcome import Broken, Clash, Done
from congresslite.analysis.overlay import Overlay
from congresslite.analysis.steps import Action, Anything, Part, RowChange, unfit
from congresslite.api import Delta, Snapshot, Trial
from congresslite.diagnostics.suggest import did_you_mean
from congresslite.language.printing import value_text
from congresslite.schema import Row, TableSchema, row_identity

_Id = tuple[Hashable, ...]
_Why = tuple[Literal["key", "type", "domain"], str]  # what a row breaks, and in words


@dataclass(slots=True)
class _Wanted:
    """What a part would write, by table: rows that go and rows that come, as far as they are ones of sources."""

    delete: defaultdict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    insert: defaultdict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    beyond: set[str] = field(default_factory=set)  # tables of policies that it would write too

    def keys(self, snapshot: Snapshot) -> dict[tuple[str, _Id], Row]:
        """What it writes: the keys of rows by table, with their values."""
        found = {}
        for table in self.delete.keys() | self.insert.keys():
            places = key_places(snapshot.schema(table))
            for row in (*self.delete[table], *self.insert[table]):
                key = tuple(row[place] for place in places)
                found[table, row_identity(key)] = key
        return found


@dataclass(frozen=True, slots=True)
class Turn:
    """What was done at once, with the state before and after, and who had to wait for whom."""

    done: Mapping[int, Done]
    trial: Trial
    waiting: Sequence[int]
    clashes: Sequence[Clash]


def turns(overlay: Overlay, effects: Effects, parts: Sequence[Part]) -> Iterator[Turn]:
    """Do all parts at once, as far as that is possible, and the others after them, in as many turns as it takes."""
    left, number = list(range(len(parts))), 1
    while left:
        turn = _turn(overlay, effects, {place: parts[place] for place in left}, number)
        yield turn
        left, number = list(turn.waiting), number + 1


def key_places(schema: TableSchema) -> Sequence[int]:
    """The places of the columns that tell rows apart: those of the key, or all of them."""
    places = [place for name in schema.key if (place := schema.position(name)) is not None]
    return places or range(schema.arity)


def _turn(overlay: Overlay, effects: Effects, parts: Mapping[int, Part], number: int) -> Turn:
    snapshot = overlay.now
    wanted = _wanted(snapshot, effects, parts)
    waiting, clashes = _waiting(snapshot, parts, wanted)
    now = {place: each for place, each in wanted.items() if place not in waiting}
    settled = _Settled(snapshot, now.values())
    changes: defaultdict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    done = {}
    for place, each in now.items():
        rows, broken = settled.rows(each)
        for table, delta in rows.items():
            changes[table][0].extend(delta.insert)
            changes[table][1].extend(delta.delete)
        notes = [f"what it does to `{table}` is left out: only rows of sources change" for table in sorted(each.beyond)]
        part = parts[place]
        kind: Literal["action", "rows"] = "action" if isinstance(part, Action) else "rows"
        found = Done(part.text, kind, "done", None, number, rows, broken, notes)
        done[place] = _judged(found, snapshot, effects, part)
    trial = overlay.apply({table: Delta(insert, delete) for table, (insert, delete) in changes.items()})
    return Turn(done, trial, waiting, clashes)


# -- what is wanted ------------------------------------------------------------------------------


def _wanted(snapshot: Snapshot, effects: Effects, parts: Mapping[int, Part]) -> dict[int, _Wanted]:
    wanted = {place: _Wanted() for place in parts}
    actions: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for place, part in parts.items():
        if isinstance(part, Action):
            actions[part.name, len(part.arguments)].append(place)
        elif part.adds:
            wanted[place].insert[part.schema.name].append(_row(part))
        else:
            wanted[place].delete[part.schema.name].extend(_matching(snapshot, part))
    for (name, arity), places in actions.items():
        terms = [part.arguments for place in places if isinstance(part := parts[place], Action)]
        for effect in effects.of(name, arity):
            if effect.table not in snapshot.catalog:
                for place in places:
                    wanted[place].beyond.add(effect.table)
                continue
            for at, row in evaluate(snapshot, effect, terms):
                each = wanted[places[at]]
                (each.insert if effect.adds else each.delete)[effect.table].append(row)
    return wanted


def _row(change: RowChange) -> Row:
    return tuple(None if isinstance(value, Anything) else value for value in change.values)


def _matching(snapshot: Snapshot, change: RowChange) -> Sequence[Row]:
    said = {column.name: value for column, value in zip(change.schema.columns, change.values, strict=True)
            if not isinstance(value, Anything)}  # fmt: skip
    if not said:
        return snapshot.rows(change.schema.name)
    return snapshot.matching(change.schema.name, list(said), [tuple(said.values())])[0]


def _waiting(
    snapshot: Snapshot, parts: Mapping[int, Part], wanted: Mapping[int, _Wanted]
) -> tuple[list[int], list[Clash]]:
    """The parts that must wait, since one before them writes what they write, and what that is."""
    if len(wanted) < 2:
        return [], []
    writing = {place: each.keys(snapshot) for place, each in wanted.items()}
    going = {key for place, part in parts.items() if isinstance(part, RowChange) and not part.adds
             for key in writing[place]}  # fmt: skip
    written: dict[tuple[str, _Id], int] = {}
    waiting, clashes = [], []
    for place, keys in writing.items():
        part = parts[place]
        if isinstance(part, RowChange) and part.adds and not going.isdisjoint(keys):
            waiting.append(place)  # rows go, then rows come
            continue
        common = next((known for known in keys if known in written), None)
        if common is not None:
            waiting.append(place)
            table, schema = common[0], snapshot.schema(common[0])
            columns = [schema.columns[at].name for at in key_places(schema)]
            clashes.append(Clash(parts[written[common]].text, part.text, table, columns, keys[common]))
        for known in keys:
            written.setdefault(known, place)
    return waiting, clashes


# -- what is done --------------------------------------------------------------------------------


class _Settled:
    """Which of the rows that parts want are there already, asked once for all of them."""

    def __init__(self, snapshot: Snapshot, wanted: Iterable[_Wanted]) -> None:
        self._snapshot = snapshot
        asked: defaultdict[str, dict[_Id, Row]] = defaultdict(dict)
        for each in wanted:
            for table, rows in each.insert.items():
                places = key_places(snapshot.schema(table))
                for row in rows:
                    key = tuple(row[place] for place in places)
                    asked[table][row_identity(key)] = key
        self._there: dict[tuple[str, _Id], list[Row]] = {}
        for table, keys in asked.items():
            schema = snapshot.schema(table)
            columns = [schema.columns[place].name for place in key_places(schema)]
            found = snapshot.matching(table, columns, list(keys.values()))
            for id_, rows in zip(keys, found, strict=True):
                self._there[table, id_] = rows

    def rows(self, wanted: _Wanted) -> tuple[dict[str, Delta], list[Broken]]:
        """What a part really changes, and the rows that are left out."""
        changes, broken = {}, []
        for table in sorted(wanted.delete.keys() | wanted.insert.keys()):
            schema = self._snapshot.schema(table)
            gone = {row_identity(row): row for row in wanted.delete[table]}
            insert, left_out = self._coming(schema, {row_identity(row): row for row in wanted.insert[table]}, gone)
            broken += left_out
            # Where a row is left out, the one that it would take the place of stays.
            kept = {row_identity(row) for row in insert} | {
                id_ for id_, row in gone.items() for each in left_out if _same_key(schema, row, each.row)
            }
            insert = [row for row in insert if row_identity(row) not in gone and not self._is_there(schema, row)]
            delete = [row for id_, row in gone.items() if id_ not in kept]
            if insert or delete:
                changes[table] = Delta(insert, delete)
        return changes, broken

    def _coming(
        self, schema: TableSchema, rows: Mapping[_Id, Row], gone: Mapping[_Id, Row]
    ) -> tuple[list[Row], list[Broken]]:
        """The rows that may come, and those that may not."""
        by_key: defaultdict[_Id, list[Row]] = defaultdict(list)
        for row in rows.values():
            by_key[_key_id(schema, row)].append(row)
        coming, broken = [], []
        for key, same in by_key.items():
            others = [
                each for each in self._there[schema.name, key] if row_identity(each) not in gone.keys() | rows.keys()
            ]
            for row in same:
                why = _misfit(schema, row) or (_key_broken(schema, row, others or same[1:]))
                if why is None:
                    coming.append(row)
                else:
                    names = [column.name for column in schema.columns]
                    broken.append(Broken(schema.name, names, row, *why))
        return coming, broken

    def _is_there(self, schema: TableSchema, row: Row) -> bool:
        return row_identity(row) in map(row_identity, self._there[schema.name, _key_id(schema, row)])


def _misfit(schema: TableSchema, row: Row) -> _Why | None:
    for place, value in enumerate(row):
        why = unfit(schema, place, value)
        if why is not None:
            return "domain" if "domain" in why else "type", f"{value_text(value)} {why}"
    return None


def _key_broken(schema: TableSchema, row: Row, others: Sequence[Row]) -> _Why | None:
    if not schema.key or not others:
        return None
    key = ", ".join(f"{name}={value_text(row[schema.position(name) or 0])}" for name in schema.key)
    return "key", f"`{schema.name}` has another row with the key {key}"


def _same_key(schema: TableSchema, one: Row, other: Row) -> bool:
    return _key_id(schema, one) == _key_id(schema, other)


def _key_id(schema: TableSchema, row: Row) -> _Id:
    return row_identity([row[place] for place in key_places(schema)])


def _judged(done: Done, snapshot: Snapshot, effects: Effects, part: Part) -> Done:
    """The same with what became of it, and why if it is nothing."""
    if isinstance(part, Action) and not effects.of(part.name, len(part.arguments)):
        near = None if part.name in effects.actions else did_you_mean(part.name, effects.actions)
        message = f"no policy says what `{part.name}` does{'; ' if near else ''}{near or ''}"
        return replace(done, result="no_effect_model", message=message)
    if done.rows:
        return done
    return replace(done, result="nothing", message=_why_nothing(snapshot, effects, part, done.broken))


def _why_nothing(snapshot: Snapshot, effects: Effects, part: Part, broken: Sequence[Broken]) -> str:
    if broken:
        return "what it would add may not be added"
    if isinstance(part, RowChange):
        return "the row is there already" if part.adds else "there is no such row"
    unknown = unknown_objects(snapshot, effects.of(part.name, len(part.arguments)), part.arguments)
    lacking = [f"`{table}` has no row with {column}={value_text(value)}" for table, column, value in unknown]
    return f"unknown object: {', '.join(lacking)}" if lacking else "its effects change nothing in this state"
