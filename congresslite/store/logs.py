"""
Lines of the log, so that they can be searched; only so many are kept.

A tag is held as a line of its own in one text, so that it is found whole:
`object:vm1` is not `object:vm12`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select

from congresslite.store.database import Database
from congresslite.store.records import LogFilter, LogRecord
from congresslite.store.tables import LOGS
from congresslite.store.texts import held, name

MOST_TAGS, LONGEST_TAG, LONGEST_MESSAGE = 32, 500, 4000


class Logs:
    """The lines of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, records: Sequence[LogRecord]) -> None:
        """Keep lines, in their order."""
        rows = [
            {
                "at": each.at, "level": each.level, "category": name(each.category),
                "message": each.message[:LONGEST_MESSAGE], "tags": _written(each.tags),
            }
            for each in records
        ]  # fmt: skip
        if rows:
            with self._database.write() as connection:
                connection.execute(insert(LOGS), rows)

    def prune(self, most: int, before: float) -> None:
        """Drop all but so many lines, and those that are older than a time."""
        with self._database.write() as connection:
            last = connection.execute(select(func.max(LOGS.c.seq))).scalar()
            if last is not None:
                connection.execute(delete(LOGS).where(or_(LOGS.c.seq <= last - most, LOGS.c.at < before)))

    def page(
        self, wanted: LogFilter, *, limit: int = 100, before: int | None = None
    ) -> tuple[tuple[LogRecord, ...], int | None]:
        """Lines, the latest first, those before a number; and the number before which the next page is, or None."""
        chosen = select(LOGS).where(*_tests(wanted, self._database.sqlite)).order_by(LOGS.c.seq.desc()).limit(limit + 1)
        if before is not None:
            chosen = chosen.where(LOGS.c.seq < before)
        with self._database.read() as connection:
            rows = connection.execute(chosen).mappings().all()
        items = tuple(LogRecord(**{**row, "tags": _read(row["tags"])}) for row in rows[:limit])
        return items, items[-1].seq if len(rows) > limit and items else None


def _tests(wanted: LogFilter, sqlite: bool) -> list[ColumnElement[bool]]:
    tests: list[ColumnElement[bool]] = []
    if wanted.categories:
        tests.append(or_(*map(_within, wanted.categories)))
    # Not LIKE: that knows no difference between `a` and `A` in SQLite, and takes `_` for anything.
    found = func.instr if sqlite else func.strpos
    tests += [found(LOGS.c.tags, _written({key: value})) > 0 for key, value in wanted.tags]
    if wanted.level:
        tests.append(LOGS.c.level >= wanted.level)
    if wanted.text:
        tests.append(LOGS.c.message.icontains(held(wanted.text), autoescape=True))
    if wanted.since is not None:
        tests.append(LOGS.c.at >= wanted.since)
    if wanted.until is not None:
        tests.append(LOGS.c.at < wanted.until)
    return tests


def _within(category: str) -> ColumnElement[bool]:
    """Of a category or of one below it; `/` is what follows `.`."""
    given = name(category)
    return or_(LOGS.c.category == given, and_(LOGS.c.category >= f"{given}.", LOGS.c.category < f"{given}/"))


def _written(tags: Mapping[str, str]) -> str:
    """Tags as they are held, with a line break before and after each."""
    lines = [f"{_key(key)}:{_value(value)}" for key, value in list(tags.items())[:MOST_TAGS]]
    return "\n" + "".join(f"{line}\n" for line in lines)


def _key(key: str) -> str:
    return key[:LONGEST_TAG].replace(":", "_").replace("\n", " ")


def _value(value: str) -> str:
    return value[:LONGEST_TAG].replace("\n", " ")


def _read(text: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in text.split("\n") if line)
