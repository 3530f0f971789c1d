"""
Episodes of violations as rows: written many at a time, and read back as records.

What is written may be a million rows, so drivers are spoken to as directly as
SQLAlchemy lets us: tuples on SQLite, COPY on PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from congresslite.store.records import Opened, RuleRecord, ViolationRecord
from congresslite.store.tables import OPEN, RESOLVED, VIOLATIONS, WAIVED
from congresslite.store.texts import held, name, told, told_name

# A row as it is written, and the PostgreSQL types that COPY sends.
_WRITTEN = {
    "seq": "int8",
    "id": "bytea",
    "rule": "int4",
    "state": "int2",
    "row": "text",
    "object": "text",
    "tenant": "text",
    "site": "text",
    "message": "text",
    "first_seen": "float8",
    "waiver": "text",
    "opened_in": "int8",
    "closed_in": "int8",
}
# A row as it is read.
COLUMNS = (
    *("seq", "id", "rule", "row", "object", "tenant", "site", "message"),
    *("first_seen", "resolved_at", "resolved_by", "waiver"),
)
LISTED = ", ".join(f'"{column}"' for column in COLUMNS)
_CHUNK = 10_000  # ids in one statement
_MANY = 10_000

Held = TypeVar("Held", bytes, str)

# One encoder for all rows: `json.dumps` would make one for each.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def packed(
    opened: Sequence[Opened], numbers: Mapping[int, int], first_seq: int, at: float, batch: int
) -> Iterator[tuple[Any, ...]]:
    """Episodes that begin, as rows. `numbers` has the number of each rule by the identity of its record."""
    for seq, each in enumerate(opened, first_seq):
        yield (
            seq,
            bytes.fromhex(each.id),
            numbers[id(each.rule)],
            OPEN if each.waiver is None else WAIVED,
            _encode(each.row),
            name(each.object),
            name(each.tenant),
            name(each.site),
            held(each.message),
            at,
            None if each.waiver is None else held(each.waiver),
            batch,
            0,
        )


def insert_episodes(connection: Connection, rows: Sequence[tuple[Any, ...]], *, first: bool) -> None:
    """Write episodes that begin. The indexes of many `first` ones are made at once: that takes a third of the time."""
    later = [index for index in VIOLATIONS.indexes if first and len(rows) > _MANY]
    for index in later:
        index.drop(connection)
    _insert(connection, rows)
    for index in later:
        index.create(connection)


def _insert(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{column}"' for column in _WRITTEN)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in _WRITTEN)
        connection.exec_driver_sql(f"INSERT INTO violations ({columns}) VALUES ({marks})", list(rows))  # noqa: S608
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"COPY violations ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(list(_WRITTEN.values()))
        for row in rows:
            copy.write_row(row)


def close_episodes(
    connection: Connection, ids: Sequence[bytes], at: float, by: str, batch: int
) -> list[tuple[int, str, bool]]:
    """End the open episodes of these ids; tell of each its rule, its site and whether it was waived."""
    closed: list[tuple[int, str, bool]] = []
    for chunk in _chunks(ids):
        among, given = _among(connection, chunk)
        mark = _mark(connection)
        statement = (
            f"UPDATE violations SET state = {RESOLVED}, resolved_at = {mark}, resolved_by = {mark}, "  # noqa: S608
            f"closed_in = {mark} WHERE closed_in = 0 AND id {among} RETURNING rule, site, waiver"
        )
        found = connection.exec_driver_sql(statement, (at, held(by), batch, *given))
        closed += [(rule, site, waiver is not None) for rule, site, waiver in found]
    return closed


def rewrite(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write anew what is told of episodes: object, tenant, site, message, state and waiver, and the number of each."""
    columns = ("object", "tenant", "site", "message", "state", "waiver")
    mark = _mark(connection)
    set_ = ", ".join(f'"{column}" = {mark}' for column in columns)
    connection.exec_driver_sql(f"UPDATE violations SET {set_} WHERE seq = {mark}", list(rows))  # noqa: S608


def read_about(connection: Connection, rules: Sequence[int], objects: Sequence[str]) -> list[Sequence[Any]]:
    """The open episodes of these rules (numbers) about these objects (as they are held), as LISTED has them."""
    found: list[Sequence[Any]] = []
    mark = _mark(connection)
    for chunk in _chunks(objects):
        among, given = _among(connection, chunk)
        for rule in rules:
            for state in (OPEN, WAIVED):
                statement = (
                    f"SELECT {LISTED} FROM violations WHERE state = {mark} AND rule = {mark} "  # noqa: S608
                    f"AND object {among}"
                )
                found += connection.exec_driver_sql(statement, (state, rule, *given)).all()
    return found


def open_among(connection: Connection, ids: Sequence[bytes]) -> set[bytes]:
    """Which of these ids have an open episode."""
    found: set[bytes] = set()
    for chunk in _chunks(ids):
        among, given = _among(connection, chunk)
        statement = f"SELECT id FROM violations WHERE closed_in = 0 AND id {among}"  # noqa: S608
        found.update(bytes(row[0]) for row in connection.exec_driver_sql(statement, given))
    return found


def read_open(connection: Connection, ids: Sequence[bytes]) -> list[Sequence[Any]]:
    """The open episodes of these ids, as LISTED names their parts."""
    found: list[Sequence[Any]] = []
    for chunk in _chunks(ids):
        among, given = _among(connection, chunk)
        statement = f"SELECT {LISTED} FROM violations WHERE closed_in = 0 AND id {among}"  # noqa: S608
        found += connection.exec_driver_sql(statement, given).all()
    return found


def unpacked(row: Sequence[Any], rules: Mapping[int, RuleRecord]) -> ViolationRecord:
    """The record of a row that was read, as COLUMNS names its parts."""
    seq, digest, rule, values, about, tenant, site, message, first_seen, resolved_at, resolved_by, waiver = row
    return ViolationRecord(
        seq=seq,
        id=bytes(digest).hex(),
        rule=rules[rule],
        row=tuple(json.loads(values)),
        object=told_name(about),
        tenant=told_name(tenant),
        site=told_name(site),
        message=told(message),
        first_seen=first_seen,
        resolved_at=resolved_at,
        resolved_by=None if resolved_by is None else told(resolved_by),
        waiver=None if waiver is None else told(waiver),
    )


def _chunks(ids: Sequence[Held]) -> Iterator[Sequence[Held]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


def _among(connection: Connection, ids: Sequence[Held]) -> tuple[str, tuple[Any, ...]]:
    """A test for being one of these, and what is given with it."""
    if connection.dialect.name == "sqlite":
        return f"IN ({', '.join('?' * len(ids))})", tuple(ids)
    return "= ANY(%s)", (list(ids),)


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"
