"""
Received: what a child says of itself and of the engines below it, and what that changes here.

Rows of tables become rows of this engine's tables, and are not kept here a second time; what is small (which engines
there are, their policies, rules and violations) is kept as it was said.

The rule to keep: nothing is taken on trust. A row whose engine is not the child or one below it, that has other
columns than those agreed on, or is of a relation that nobody knows, is refused, and the rest is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from congresslite.api import Snapshot
from congresslite.config.models import TierSettings
from congresslite.federation.agreed import COMMANDS, POP, UNION, Agreed
from congresslite.federation.refusals import Refusals
from congresslite.federation.relations import ENGINES, TABLE, TABLES, UP, fits
from congresslite.federation.replica import Apply, Replace, Step
from congresslite.schema import Delta, Replacement, Row, RowsTable, row_identity


class Claims:
    """Which child speaks for which engine: one alone. Names that somebody else has are nobody's to claim."""

    def __init__(self, tier: TierSettings) -> None:
        self._speaks = {child: child for child in tier.children}
        parent = () if tier.parent is None else (tier.parent.name,)
        self._reserved = {tier.name, *parent, UNION}
        self._waiting: defaultdict[str, set[str]] = defaultdict(set)

    def child_of(self, engine: str) -> str | None:
        """The child that speaks for an engine."""
        return self._speaks.get(engine)

    def claim(self, engine: str, child: str) -> bool:
        """Let a child speak for an engine, unless somebody else does."""
        if engine in self._reserved:
            return False
        if self._speaks.setdefault(engine, child) == child:
            return True
        self._waiting[engine].add(child)
        return False

    def release(self, engine: str, child: str) -> set[str]:
        """Let a child speak for an engine no more; the children who wanted to meanwhile."""
        if engine == child or self._speaks.get(engine) != child:
            return set()
        del self._speaks[engine]
        return self._waiting.pop(engine, set()) - {child}


@dataclass
class Taken:
    """What a step changes: rows of this engine's tables, and what is passed on upward.

    `anew` are children whose streams are to be followed from a snapshot, since now more of them would be taken.
    """

    tables: dict[str, Delta | Replacement] = field(default_factory=dict)
    small: dict[str, Delta] = field(default_factory=dict)
    anew: set[str] = field(default_factory=set)


class Received:
    """What one child said. One thread uses it; any may copy the sets in `small`."""

    def __init__(self, child: str, agreed: Mapping[str, Agreed], claims: Claims, refusals: Refusals) -> None:
        self.small: dict[str, set[Row]] = {name: set() for name in UP}
        self.differing: frozenset[str] = frozenset()  # tables of which some engine has other columns
        self.fault: str | None = None  # why what it said could not be taken
        self.retry_at = 0.0
        self._child, self._agreed, self._claims, self._refusals = child, agreed, claims, refusals
        self._owned = {child}  # engines whose rows it may have brought

    @property
    def engines(self) -> frozenset[str]:
        """The child and the engines below it."""
        below = {str(row[0]) for row in self.small[ENGINES]}
        return frozenset(each for each in below | {self._child} if self._claims.child_of(each) == self._child)

    def restore(self, relations: Mapping[str, Iterable[Row]]) -> None:
        """Begin with what the child had said when it was last heard."""
        for engine in self._claimed(relations.get(ENGINES, ())):
            self._owned.add(engine)
        for name in UP:
            self.small[name] = set(self._small_rows(name, relations.get(name, ())))

    def take(self, step: Step, snapshot: Snapshot) -> Taken:
        """What a step changes; `snapshot` is of before it."""
        match step:
            case Apply(changes):
                return self._applied(changes, snapshot)
            case Replace(relations):
                return self._replaced(relations, snapshot)

    # -- all of it ---------------------------------------------------------------------------------

    def _replaced(self, relations: Mapping[str, Sequence[Row]], snapshot: Snapshot) -> Taken:
        taken = Taken()
        self._owned |= self.engines
        for engine in self._claimed(relations.get(ENGINES, ())):
            self._owned.add(engine)
        gone = {str(row[0]) for row in self.small[ENGINES]} - {row[0] for row in relations.get(ENGINES, ())}
        for name in UP:
            rows = set(self._small_rows(name, relations.get(name, ())))
            before, self.small[name] = self.small[name], rows
            taken.small[name] = Delta(tuple(rows - before), tuple(before - rows))
        for name in relations.keys() - UP:
            if not name.startswith(TABLE):
                self._refuse(f"there is no relation `{name[:40]}`")
        self._compare()
        for agreed in self._agreed.values():
            rows_of = list(self._table_rows(agreed, relations.get(TABLE + agreed.name, ())))
            # With what nobody speaks for any more: it is from before this engine started anew.
            known = {str(each) for each in snapshot.counted([(agreed.union, 0)], ())} | self._owned
            mine = frozenset(each for each in known if self._claims.child_of(each) in (self._child, None))
            taken.tables[agreed.union] = Replacement(RowsTable(agreed.of_all(), rows_of), POP, mine)
            if agreed.name != COMMANDS:
                own = _distinct(row[1:] for row in rows_of)
                taken.tables[f"{self._child}:{agreed.name}"] = Replacement(
                    RowsTable(agreed.of_child(self._child), own)
                )  # fmt: skip
        for engine in gone:
            taken.anew |= self._claims.release(engine, self._child)
        self._owned = set(self.engines)
        return taken

    # -- what came and went ------------------------------------------------------------------------

    def _applied(self, changes: Mapping[str, Delta], snapshot: Snapshot) -> Taken:
        taken = Taken()
        for engine in self._claimed(changes[ENGINES].insert if ENGINES in changes else ()):
            self._owned.add(engine)
        for name, delta in changes.items():
            if name in self.small:
                taken.small[name] = self._small_delta(name, delta)
            elif not name.startswith(TABLE):
                self._refuse(f"there is no relation `{name[:40]}`")
        if TABLES in taken.small:
            before = self.differing
            self._compare()
            if before - self.differing:
                taken.anew.add(self._child)
        for agreed in self._agreed.values():
            if change := changes.get(TABLE + agreed.name):
                taken.tables.update(self._table_delta(agreed, change, snapshot))
        for row in taken.small[ENGINES].delete if ENGINES in taken.small else ():
            if all(row[0] != other[0] for other in self.small[ENGINES]):
                taken.anew |= self._claims.release(str(row[0]), self._child)
        return taken

    def _small_delta(self, name: str, delta: Delta) -> Delta:
        held = self.small[name]
        insert = set(self._small_rows(name, delta.insert)) - held
        delete = (set(delta.delete) & held) - set(delta.insert)
        held -= delete
        held |= insert
        return Delta(tuple(insert), tuple(delete))

    def _table_delta(self, agreed: Agreed, delta: Delta, snapshot: Snapshot) -> Iterator[tuple[str, Delta]]:
        insert = list(self._table_rows(agreed, delta.insert))
        delete = [row for row in delta.delete if self._may_go(agreed, row)]
        yield agreed.union, Delta(insert, delete)
        if agreed.name != COMMANDS:
            gone = [row[1:] for row in delete]
            if len(self._owned) > 1 and gone:
                gone = self._gone_everywhere(agreed, delete, snapshot)
            yield f"{self._child}:{agreed.name}", Delta([row[1:] for row in insert], gone)

    def _gone_everywhere(self, agreed: Agreed, delete: Sequence[Row], snapshot: Snapshot) -> list[Row]:
        """Of rows that went, those that no other engine below the child has as well."""
        going = {row_identity(row) for row in delete}
        names = [column.name for column in agreed.columns]
        held = snapshot.matching(agreed.union, names, [row[1:] for row in delete])
        return [
            row[1:]
            for row, same in zip(delete, held, strict=True)
            if not any(each[0] in self._owned and row_identity(each) not in going for each in same)
        ]

    # -- what is refused ---------------------------------------------------------------------------

    def _claimed(self, rows: Iterable[Row]) -> Iterator[str]:
        for row in rows:
            if fits(ENGINES, row):
                if self._claims.claim(str(row[0]), self._child):
                    yield str(row[0])
                else:
                    self._refuse(f"it claims to speak for `{row[0]}`", "CL361")

    def _small_rows(self, name: str, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if not fits(name, row):
                self._refuse(f"a row of `{name}` has other columns than it should", "CL362")
            elif self._speaks_for(row):
                yield row

    def _table_rows(self, agreed: Agreed, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if not row or not self._speaks_for(row):
                continue
            if agreed.fits(row[1:]):
                yield row
            else:
                self._refuse(f"a row of `{agreed.name}` has other columns than were agreed on", "CL362")

    def _may_go(self, agreed: Agreed, row: Row) -> bool:
        return bool(row) and row[0] in self._owned and self._speaks_for(row) and agreed.fits(row[1:])

    def _speaks_for(self, row: Row) -> bool:
        if isinstance(row[0], str) and self._claims.child_of(row[0]) == self._child:
            return True
        self._refuse(f"it speaks for `{str(row[0])[:60]}`", "CL361")
        return False

    def _compare(self) -> None:
        """Find out of which tables some engine below has other columns than those agreed on."""
        shapes = {name: each.shape for name, each in self._agreed.items()}
        differing = {
            (str(engine), str(table))
            for engine, table, shape in self.small[TABLES]
            if table in shapes and shapes[str(table)] != shape
        }
        for engine, table in sorted(differing):
            self._refuse(f"`{table}` of `{engine}` has other columns than were agreed on", "CL362")
        self.differing = frozenset(table for _, table in differing)

    def _refuse(self, what: str, code: str = "CL362") -> None:
        self._refusals.tell(code, self._child, what)


def _distinct(rows: Iterable[Row]) -> list[Row]:
    return list({row_identity(row): row for row in rows}.values())
