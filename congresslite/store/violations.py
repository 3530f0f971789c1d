"""
Violations and their history.

One row is one episode: it is written when a violation comes and closed in place
when it goes; a violation that lasts costs no write, until something else is told
of it. What came and went together is a batch, and so is what is told otherwise.
Batches are numbered without gaps, and so are episodes within and across them:
whatever was told up to one batch can be told on from there.

One process writes, so what it needs at each batch (the last numbers, the rules,
how many are open) is kept in memory, and read anew whenever a write failed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select

from congresslite.store import cursors
from congresslite.store.database import Database
from congresslite.store.episodes import (
    LISTED,
    close_episodes,
    insert_episodes,
    open_among,
    packed,
    read_about,
    read_open,
    rewrite,
    unpacked,
)
from congresslite.store.known import Known, Open
from congresslite.store.pages import Order, read_page
from congresslite.store.records import (
    Batch,
    Opened,
    Page,
    Part,
    Revised,
    RuleRecord,
    ViolationFilter,
    ViolationRecord,
    WaiverRecord,
)
from congresslite.store.retelling import retold, rewritten
from congresslite.store.rules import Rules
from congresslite.store.tables import BATCHES, VIOLATIONS
from congresslite.store.texts import name
from congresslite.store.waiving import mark_waived

_MANY = 10_000  # episodes in one batch, after which the database is to look at its tables anew
_PRUNED = 5_000  # episodes in one transaction

Result = TypeVar("Result")


class Violations:
    """The violations of a store. Safe for any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = threading.Lock()
        self._known: Known | None = None

    # -- changes ---------------------------------------------------------------------------------

    def record(
        self, at: float, opened: Sequence[Opened], resolved: Sequence[str] = (), by: str = "change"
    ) -> Batch | None:
        """Write what came and went, durably; None if that changed nothing. Raises StoreError.

        What is open already is not opened again, and what is not open is not closed. Of an id in both, the open
        episode ends and another one begins. Time does not run backwards: `at` is that of the last batch, or later.
        """
        if not opened and not resolved:
            return None
        return self._change(lambda connection, known: _recorded(connection, known, opened, resolved, at=at, by=by))

    def revise(
        self, at: float, told: Iterable[Opened], keep: Collection[Part] = ()
    ) -> tuple[Batch | None, Sequence[Revised]]:
        """Let open violations be told like this, durably; each that differs, as it was and as it is. Raises StoreError.

        What is not open stays as it is, and so do the parts to `keep`. A waiver is that of `told` if the object is
        another one. If anything differs, that is a batch which opens and resolves nothing.
        """
        return self._change(lambda connection, known: _revised(connection, known, told, keep, at=at))

    def set_rules(self, rules: Sequence[RuleRecord]) -> None:
        """Tell how rules are now, though none of their violations came or went."""

        def change(connection: Connection, known: Known) -> tuple[Known, None]:
            return known.with_rules(known.rules.saved(connection, rules)), None

        self._change(change)

    def set_waivers(self, holding: Sequence[WaiverRecord]) -> int:
        """Let just the open violations that these waivers cover be waived; tell how many changed."""

        def change(connection: Connection, known: Known) -> tuple[Known, int]:
            changed = mark_waived(connection, known.rules, holding)
            return (known.recounted(connection) if changed else known), changed

        return self._change(change)

    def prune(self, before: float) -> int:
        """Remove the episodes that ended before a time, a bounded number at once; tell how many there were."""
        with self._database.read() as connection:
            last = connection.scalar(select(BATCHES.c.number).order_by(BATCHES.c.number.desc()).limit(1))
            older = BATCHES.c.at < before
            number = connection.scalar(select(BATCHES.c.number).where(older).order_by(BATCHES.c.number.desc()).limit(1))
        if number is None:
            return 0
        closed = VIOLATIONS.c.closed_in
        some = select(VIOLATIONS.c.seq).where(closed > 0, closed <= number).limit(_PRUNED)
        removed = 0
        while True:
            with self._database.write() as connection:
                count = connection.execute(VIOLATIONS.delete().where(VIOLATIONS.c.seq.in_(some))).rowcount
            removed += count
            if count < _PRUNED:
                break
        with self._database.write() as connection:
            # The last one stays: numbers go on from it.
            connection.execute(BATCHES.delete().where(BATCHES.c.number <= min(number, (last or 0) - 1)))
        return removed

    # -- questions -------------------------------------------------------------------------------

    def page(
        self, wanted: ViolationFilter, sort: str = "-first_seen", limit: int = 100, cursor: str | None = None
    ) -> Page:
        """A page of violations, and where the next one begins. Raises StoreError for a cursor of another list."""
        after = None if cursor is None else cursors.read(cursor, wanted, sort)
        rules = self._current().rules
        with self._database.read() as connection:
            found = read_page(connection, rules, wanted, Order(sort), limit=limit + 1, after=after)
        items = tuple(record for _, record in found[:limit])
        return Page(items, cursors.written(found[limit - 1][0], wanted, sort) if len(found) > limit else None)

    def episodes(self, id: str) -> tuple[ViolationRecord, ...]:
        """The episodes of a violation, the latest first; none for an id that never was."""
        try:
            digest = bytes.fromhex(id)
        except ValueError:
            return ()
        return self._read("id = ? ORDER BY seq DESC", digest)

    def counts(self, tenant: str | None = None) -> list[tuple[RuleRecord, str | None, int, int]]:
        """By rule and site, how many are open and not waived, and how many are waived; of one tenant, or of all."""
        known = self._current()
        if tenant is None:
            counted = known.open
        else:
            with self._database.read() as connection:
                counted = Open.count(connection, tenant)
        return [(known.rules.records[rule], site, open, waived) for rule, site, open, waived in counted.listed()]

    def open_ids(self) -> set[bytes]:
        """The ids of all open violations, as bytes."""
        with self._database.read() as connection:
            return {
                bytes(row[0]) for row in connection.exec_driver_sql("SELECT id FROM violations WHERE closed_in = 0")
            }

    def ids_of(self, policy: str, rule: str) -> set[str]:
        """The ids of the open violations of a rule."""
        return {bytes(row[0]).hex() for row in self._open_rows(policy, rule, "id")}

    def told_of(self, policy: str, rule: str) -> dict[str, int]:
        """The ids of the open violations of a rule, each with the `told_hash` of it."""
        rows = self._open_rows(policy, rule, "id", "object", "tenant", "site", "message")
        return {bytes(row[0]).hex(): hash(tuple(row[1:])) for row in rows}

    def _open_rows(self, policy: str, rule: str, *columns: str) -> Iterator[Sequence[Any]]:
        """These columns of the open violations of a rule."""
        number = self._current().rules.numbers.get((policy, rule))
        if number is None:
            return
        mark = "?" if self._database.sqlite else "%s"
        listed = ", ".join(f'"{column}"' for column in columns)
        statement = f"SELECT {listed} FROM violations WHERE rule = {mark} AND closed_in = 0"  # noqa: S608
        with self._database.read() as connection:
            # There may be a million: the driver's own rows cost a third of those that are wrapped.
            cursor: Any = connection.exec_driver_sql(statement, (number,)).cursor
            yield from cursor

    def open_about(self, rules: Iterable[tuple[str, str]], objects: Iterable[str]) -> tuple[ViolationRecord, ...]:
        """The open violations of these rules, by policy and identity, about these objects."""
        known = self._current().rules
        numbers = [known.numbers[rule] for rule in rules if rule in known.numbers]
        with self._database.read() as connection:
            rows = read_about(connection, numbers, sorted(set(map(name, objects))))
        return tuple(unpacked(row, known.records) for row in rows)

    def open_numbers(self) -> dict[tuple[str, str], int]:
        """How many violations are open of each rule of which any is, by policy and identity."""
        known = self._current()
        found: Counter[tuple[str, str]] = Counter()
        for (rule, _, _), count in known.open.groups.items():
            record = known.rules.records[rule]
            found[record.policy, record.rule] += count
        return dict(found)

    def open_of(self, ids: Sequence[str]) -> tuple[ViolationRecord, ...]:
        """The open violations among these."""
        rules = self._current().rules
        with self._database.read() as connection:
            return tuple(unpacked(row, rules.records) for row in read_open(connection, [bytes.fromhex(i) for i in ids]))

    def last_batch(self) -> int:
        """The number of the last batch; 0 before the first one."""
        return self._current().batch

    def since(
        self, batch: int, limit: int
    ) -> Iterator[tuple[Batch, tuple[ViolationRecord, ...], tuple[ViolationRecord, ...]]]:
        """The batches after one, with what they opened and resolved; of one with more than `limit`, neither is read.

        One that did neither told open violations otherwise; which ones, and how they were before, is not kept.

        If the first of them is not the next one, those in between were pruned.
        """
        number = batch
        while True:
            following = select(BATCHES).where(BATCHES.c.number > number).order_by(BATCHES.c.number).limit(1)
            with self._database.read() as connection:
                row = connection.execute(following).mappings().first()
            if row is None:
                return
            number = row["number"]
            one = Batch(number, row["at"], row["opened"], row["resolved"])
            if one.opened + one.resolved > limit:
                yield one, (), ()
                continue
            first = row["first_seq"]
            came = self._read("seq >= ? AND seq < ? ORDER BY seq", first, first + one.opened)
            yield one, came, self._read("closed_in > 0 AND closed_in = ? ORDER BY seq", number)

    # -- within ----------------------------------------------------------------------------------

    def _change(self, work: Callable[[Connection, Known], tuple[Known, Result]]) -> Result:
        with self._turn:
            try:
                with self._database.write() as connection:
                    after, result = work(connection, self._known or Known.load(connection))
            except BaseException:
                self._known = None  # whether it was written or not, the database knows
                raise
            self._known = after
        return result

    def _current(self) -> Known:
        known = self._known
        if known is None:
            with self._database.read() as connection:
                known = Known.load(connection)
        return known

    def _read(self, where: str, *given: object) -> tuple[ViolationRecord, ...]:
        with self._database.read() as connection:
            if not self._database.sqlite:
                where = where.replace("?", "%s")
            statement = f"SELECT {LISTED} FROM violations WHERE {where}"  # noqa: S608
            rows = connection.exec_driver_sql(statement, given).all()
            rules = self._current().rules
            if any(row[2] not in rules.records for row in rows):
                rules = Rules.load(connection)
        return tuple(unpacked(row, rules.records) for row in rows)


def _recorded(
    connection: Connection, known: Known, opened: Sequence[Opened], resolved: Sequence[str], *, at: float, by: str
) -> tuple[Known, Batch | None]:
    """Write one batch; what is known after it, and the batch."""
    at, number = max(at, known.at), known.batch + 1
    closed = close_episodes(connection, [bytes.fromhex(each) for each in resolved], at, by, number)
    rules = known.rules.saved(connection, {id(each.rule): each.rule for each in opened}.values())
    fresh = _fresh(connection, known, opened)
    known = known.with_rules(rules)
    if not fresh and not closed:
        return known, None
    numbers = {id(each.rule): rules.numbers[each.rule.policy, each.rule.rule] for each in fresh}
    rows = list(packed(fresh, numbers, known.next_seq, at, number))
    if rows:
        insert_episodes(connection, rows, first=known.next_seq == 1)
    batch = Batch(number, at, len(fresh), len(closed))
    connection.execute(
        insert(BATCHES).values(
            number=number, at=at, opened=batch.opened, resolved=batch.resolved, first_seq=known.next_seq
        )
    )
    if len(rows) + len(closed) > _MANY and connection.dialect.name != "sqlite":
        connection.exec_driver_sql("ANALYZE violations")
    return known.after(batch, fresh, numbers, closed), batch


def _revised(
    connection: Connection, known: Known, told: Iterable[Opened], keep: Collection[Part], *, at: float
) -> tuple[Known, tuple[Batch | None, Sequence[Revised]]]:
    """Write one batch of violations that are told otherwise; what is known after it, the batch, and each of them."""
    revised: list[Revised] = []
    given = iter(told)
    while chunk := {each.id: each for each in islice(given, _MANY)}:
        rows = read_open(connection, [bytes.fromhex(each) for each in chunk])
        before = [unpacked(row, known.rules.records) for row in rows]
        pairs = [(each, retold(each, chunk[each.id], keep)) for each in before]
        differing = [pair for pair in pairs if pair[0] != pair[1]]
        if differing:
            rewrite(connection, [rewritten(after) for _, after in differing])
        revised += differing
    if not revised:
        return known, (None, ())
    batch = Batch(known.batch + 1, max(at, known.at), 0, 0)
    values = {"number": batch.number, "at": batch.at, "opened": 0, "resolved": 0, "first_seq": known.next_seq}
    connection.execute(insert(BATCHES).values(values))
    return known.told_otherwise(batch, revised), (batch, revised)


def _fresh(connection: Connection, known: Known, opened: Sequence[Opened]) -> list[Opened]:
    """Those that are not open yet, each once."""
    by_id = {each.id: each for each in opened}
    if known.open.total == 0:
        return list(by_id.values())
    present = open_among(connection, [bytes.fromhex(each) for each in by_id])
    return [each for id, each in by_id.items() if bytes.fromhex(id) not in present]
