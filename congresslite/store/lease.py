"""
The lease: which of several processes writes and acts, until when, and what it knows of the one before.

A leader renews its lease in the database long before it ends. It may act until
a moment that it counts by its own clock from *before* it sent the renewal, so
it stops before anybody else may begin, whatever either of them thinks of the
time. Who finds the lease ended takes it over: the former leader's session is
ended, the writer's lock taken and the epoch raised, all in one transaction.

The rule to keep: nobody acts without having asked `held` right before. A
process that is frozen does not know how long; it asks when it goes on.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from congresslite.diagnostics import Diagnostic
from congresslite.store import leaserow
from congresslite.store.database import Database
from congresslite.store.errors import AwayError, StoreError, TakenError
from congresslite.store.leaserow import LeaseRecord, Member
from congresslite.store.link import Link
from congresslite.store.locks import be_patient, patient, take_session_lock
from congresslite.store.processes import Process

# The share of a lease in which its holder acts: the rest is for what begins just before the end, and for clocks.
_USED = 0.9
_SLOWEST_RETRY = 1.0

# Told once, by any thread, why the lease is lost.
Lost = Callable[["LeaseLostError"], None]


class LeaseLostError(AwayError):
    """Another process leads now: this one must not do anything any more."""


class LeaseHeldError(TakenError):
    """Another process leads, or did until a moment ago."""

    def __init__(self, holder: LeaseRecord, where: str) -> None:
        message = f"another process writes to this database: `{holder.holder.label}`"
        hint = "stop that process, give this one a database of its own, or let it stand by: `standby.enabled`"
        super().__init__(Diagnostic("CL484", message, None, hint, place=where))
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease that was just taken, or goes on in another session: what is known of it, and when it was asked for."""

    epoch: int
    unproved: int
    sent: float


class SharedLease:
    """The lease of a PostgreSQL database, taken by whoever opens it to write (`WriterLease`). Safe for any thread."""

    def __init__(self, url: str, label: str, *, address: str = "", seconds: float = 10.0, lost: Lost) -> None:
        self.me = Member(uuid.uuid4().hex, label, address, Process.current())
        self.seconds = seconds
        self._link = Link(url, seconds / 3, "lease")
        self._tell_lost = lost
        self._mutex = threading.Lock()
        self._claimed: Claim | None = None
        self._until = 0.0
        self._lost: LeaseLostError | None = None
        self._seen: tuple[object, float] | None = None
        self._standbys: tuple[str, ...] = ()
        self._ending = threading.Event()
        self._renewing: threading.Thread | None = None

    @property
    def epoch(self) -> int:
        """The number of this holder, one more than that of the one before; 0 before it was ever held."""
        return 0 if self._claimed is None else self._claimed.epoch

    @property
    def proved_dead(self) -> bool:
        """Whether the holder before this one is known to do nothing any more."""
        claimed = self._claimed
        return claimed is not None and (not claimed.unproved or claimed.unproved < claimed.epoch - 1)

    @property
    def standbys(self) -> tuple[str, ...]:
        """What those are called that stand by, as of the latest renewal."""
        return self._standbys

    def held(self, seconds: float = 0.0) -> bool:
        """Whether this process may act now, and for so many seconds more.

        It may be false for a while, as long as the database cannot be reached, and true again if nobody took over.
        """
        return self._lost is None and clock() + seconds < self._until

    def check(self) -> None:
        """Raise LeaseLostError unless this process may act now."""
        if self._lost is not None:
            raise self._lost
        if not self.held():
            message = "the lease could not be renewed in time: the database does not answer"
            raise LeaseLostError(Diagnostic("CL651", message, place=self._link.where))

    def over(self, epoch: int) -> bool:
        """Whether whoever held it in an earlier epoch is known to do nothing any more."""
        return self._claimed is not None and self._claimed.unproved < epoch < self._claimed.epoch

    def release(self) -> None:
        """Say that this process does nothing any more. Where that cannot be told, the lease ends by itself."""
        self._ending.set()
        with self._mutex:
            self._until = 0.0
        if self._renewing is not None:
            self._renewing.join(2 * self.seconds)
            if self._renewing.is_alive():
                return
        with suppress(StoreError):
            if self._claimed is not None and self._lost is None:
                with self._link.session() as connection:
                    leaserow.give_up(connection, self.me, self.epoch)
        self._link.close()

    # -- taking it ---------------------------------------------------------------------------------

    def takeable(self, row: LeaseRecord) -> bool:
        """Whether the lease that somebody has, or had, may be taken; to be asked again and again.

        It may, if the holder gave it up or is known to have ended. Else it has to have ended by the database's clock,
        which may leap, and also to have been the same for its whole length by ours.
        """
        now = clock()
        if self._seen is None or self._seen[0] != row.version:
            self._seen = row.version, now
        ended = row.now >= row.expires_at and now - self._seen[1] >= row.seconds
        return ended or _over(row)

    def look_anew(self) -> None:
        """Take nothing that was seen before for the same as now: who could not look could not see a renewal either."""
        self._seen = None

    def claim(self, connection: Connection, where: str) -> Claim | None:
        """Take the lease in a transaction, with the lock of the writer; None where there is no table of leases yet.

        What is returned is to be given to `hold` once the transaction is durable. Raises LeaseHeldError,
        LeaseLostError, StoreError.
        """
        sent = clock()
        be_patient(connection)
        there = leaserow.there(connection)
        row = leaserow.read(connection, lock=True) if there else None
        if row is None:
            take_session_lock(connection)
            # Somebody may have been faster.
            row = leaserow.read(connection, lock=True) if there else None
        epoch, unproved = self._next(row, where)
        if row is not None:
            leaserow.end_session(connection, row, where)
            take_session_lock(connection)
        if there:
            leaserow.write(connection, self.me, epoch, unproved, self.seconds)
            leaserow.beat_no_more(connection, self.me)
            leaserow.forget_old(connection)
        return Claim(epoch, unproved, sent) if there else None

    def hold(self, claim: Claim) -> None:
        """Act under a lease that is taken, and renew it from now on."""
        with self._mutex:
            self._claimed, self._until = claim, claim.sent + _USED * self.seconds
            if self._renewing is None and not self._ending.is_set():
                self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
                self._renewing.start()

    def _next(self, row: LeaseRecord | None, where: str) -> tuple[int, int]:
        """The epoch in which it would be ours, and the last one whose holder may still live."""
        claimed = self._claimed
        if claimed is not None:
            if row is None or (row.holder.id, row.epoch) != (self.me.id, claimed.epoch):
                raise self._lose(row)
            return claimed.epoch, claimed.unproved
        if row is None:
            return 1, 0
        if not self.takeable(row):
            raise LeaseHeldError(row, where)
        return row.epoch + 1, row.unproved if _over(row) else row.epoch

    # -- keeping it --------------------------------------------------------------------------------

    def _renew(self) -> None:
        """Renew it in time, sooner if that failed, until it is lost or given up."""
        usual = self.seconds / 3
        wait = usual
        while not self._ending.wait(wait):
            try:
                if not self._renewed():
                    return
                wait = usual
            except StoreError:
                wait = min(usual, _SLOWEST_RETRY)

    def _renewed(self) -> bool:
        sent = clock()
        with self._link.session() as connection:
            if not leaserow.renew(connection, self.me, self.epoch, self.seconds):
                self._lose(leaserow.read(connection))
                return False
            self._standbys = leaserow.standing_by(connection)
        with self._mutex:
            if not self._ending.is_set():
                self._until = max(self._until, sent + _USED * self.seconds)
        return True

    def _lose(self, row: LeaseRecord | None) -> LeaseLostError:
        """Act no more, and say so to whoever wants to know."""
        with self._mutex:
            first, self._until = self._lost is None, 0.0
            if self._lost is None:
                by = "" if row is None else f": `{row.holder.label}` leads now"
                hint = "it took over because this process did not renew its lease in time; start this one anew"
                self._lost = LeaseLostError(
                    Diagnostic("CL651", f"the lease is lost{by}", None, hint, place=self._link.where)
                )
        if first:
            self._tell_lost(self._lost)
        return self._lost


class WriterLease:
    """A lease as the lock of a writer: whoever writes has the lease, and the lease goes to whoever can write."""

    def __init__(self, lease: SharedLease) -> None:
        self._lease = lease

    def before(self, where: str) -> None:
        """It needs a connection."""

    def within(self, connection: Connection, where: str) -> None:
        """Take the lease, or go on with it in another session.

        Raises LeaseHeldError while another process may have it, LeaseLostError once another one has taken it.
        """
        with patient(where), connection.begin():
            claim = self._lease.claim(connection, where)
        if claim is not None:
            self._lease.hold(claim)

    def complete(self, database: Database) -> None:
        """Take the lease where its table has just been made."""
        if self._lease.epoch:
            return
        with database.write() as connection:
            claim = self._lease.claim(connection, database.where)
        assert claim is not None, "there is a table by now"
        self._lease.hold(claim)

    def release(self) -> None:
        """The lock went with its connection; the lease outlives it."""


def clock() -> float:
    """Seconds of a clock that goes on while the process is frozen, and while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _over(row: LeaseRecord) -> bool:
    """Whether its holder is known to do nothing any more."""
    return row.released or row.holder.process.gone()
