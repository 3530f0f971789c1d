"""
The row of the lease: how it reads, and what is done to it. Times are those of the database's clock, and of no other.

The rule to keep: the epoch goes up only in a session that has ended the former
writer's session and holds the writer's lock, in one transaction that holds the
row. So nobody else can write once there is another epoch, nor before it either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, delete, insert, literal_column, select, text, update
from sqlalchemy.exc import ProgrammingError

from congresslite.diagnostics import Diagnostic
from congresslite.store.errors import StoreError
from congresslite.store.processes import Process
from congresslite.store.tables import LEASES, STANDBYS
from congresslite.store.upsert import upsert

NAME = "leader"
NOW: ColumnElement[float] = literal_column("extract(epoch from clock_timestamp())::float8", Float(53))
_NOT_PERMITTED = "42501"
# A number of a session is given again, a number and a start are not; as a number, it is the same in every time zone.
_BEGUN = "extract(epoch from backend_start)::text"


@dataclass(frozen=True, slots=True)
class Member:
    """A process that leads or stands by: an id of this run of it, what people call it, and where it answers."""

    id: str
    label: str
    address: str
    process: Process


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """The lease as it stands. `unproved` is the last epoch whose holder may still live; `now` is when it was read."""

    epoch: int
    holder: Member
    backend: int
    backend_started: str
    seconds: float
    expires_at: float
    released: bool
    unproved: int
    now: float

    @property
    def version(self) -> tuple[str, int, float, bool]:
        """What is another after each renewal."""
        return self.holder.id, self.epoch, self.expires_at, self.released


def there(connection: Connection) -> bool:
    """Whether the database has a table of leases: an older version had none."""
    return connection.execute(text("SELECT to_regclass('leases')")).scalar() is not None


def read(connection: Connection, *, lock: bool = False) -> LeaseRecord | None:
    """The row, and nobody else changes it until the transaction ends (`lock`); None if there is none yet."""
    chosen = select(LEASES, NOW.label("now")).where(LEASES.c.name == NAME)
    row = connection.execute(chosen.with_for_update() if lock else chosen).mappings().first()
    if row is None:
        return None
    process = Process(row["host"], row["boot"], row["space"], row["pid"], row["started"])
    holder = Member(row["holder"], row["label"], row["address"], process)
    told = {key: row[key] for key in LeaseRecord.__slots__ if key != "holder"}
    return LeaseRecord(holder=holder, **told)


def write(connection: Connection, member: Member, epoch: int, unproved: int, seconds: float) -> None:
    """Make a member the holder, who writes by this very session."""
    session = connection.execute(
        text(f"SELECT pid, {_BEGUN} FROM pg_stat_activity WHERE pid = pg_backend_pid()")  # noqa: S608
    ).one()
    process = member.process
    values: Mapping[str, Any] = {
        "epoch": epoch, "holder": member.id, "label": member.label, "address": member.address,
        "host": process.host, "boot": process.boot, "space": process.space, "pid": process.pid,
        "started": process.started, "backend": session[0], "backend_started": session[1],
        "seconds": seconds, "expires_at": NOW + seconds, "released": False, "unproved": unproved,
    }  # fmt: skip
    changed = connection.execute(update(LEASES).where(LEASES.c.name == NAME).values(values))
    if not changed.rowcount:
        connection.execute(insert(LEASES).values({"name": NAME, **values}))


def end_session(connection: Connection, row: LeaseRecord, where: str) -> None:
    """End the session that a holder writes with, if it still lasts. Raises StoreError if that is not permitted."""
    ending = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid AND pid <> pg_backend_pid()"  # noqa: S608
        # When the session of another user began, nobody else is told.
        f" AND (backend_start IS NULL OR {_BEGUN} = :started)"
    )
    try:
        connection.execute(ending, {"pid": row.backend, "started": row.backend_started})
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_PERMITTED:
            raise
        message = f"the session of `{row.holder.label}`, which led before, cannot be ended: that is not permitted"
        hint = "let all engines of one estate log in to the database as the same user, and not as a superuser"
        raise StoreError(Diagnostic("CL652", message, None, hint, place=where)) from None


def renew(connection: Connection, member: Member, epoch: int, seconds: float) -> bool:
    """Let the lease of a member begin anew; False if it is not the holder any more."""
    changing = update(LEASES).where(
        LEASES.c.name == NAME, LEASES.c.holder == member.id, LEASES.c.epoch == epoch, LEASES.c.released.is_(False)
    )
    return bool(connection.execute(changing.values(expires_at=NOW + seconds)).rowcount)


def give_up(connection: Connection, member: Member, epoch: int) -> None:
    """End the lease of a member, who says by it that it does nothing any more."""
    mine = (LEASES.c.name == NAME, LEASES.c.holder == member.id, LEASES.c.epoch == epoch)
    connection.execute(update(LEASES).where(*mine).values(expires_at=NOW, released=True))


# -- those that stand by -------------------------------------------------------------------------------


def beat(connection: Connection, member: Member, seconds: float) -> None:
    """Say that a member stands by, for so many seconds."""
    until = connection.execute(select(NOW)).scalar_one() + seconds
    row = {"id": member.id, "label": member.label, "address": member.address, "expires_at": until}
    upsert(connection, STANDBYS, [row])


def beat_no_more(connection: Connection, member: Member) -> None:
    """Say that a member does not stand by any more."""
    connection.execute(delete(STANDBYS).where(STANDBYS.c.id == member.id))


def standing_by(connection: Connection) -> tuple[str, ...]:
    """What those are called that stand by now."""
    chosen = select(STANDBYS.c.label).where(STANDBYS.c.expires_at > NOW).order_by(STANDBYS.c.label)
    return tuple(connection.execute(chosen).scalars())


def forget_old(connection: Connection) -> None:
    """Drop what is left of those that have gone without a word."""
    connection.execute(delete(STANDBYS).where(STANDBYS.c.expires_at < NOW - 86_400))
