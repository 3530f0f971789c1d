"""
Standing by: waiting for the place of the process that leads.

The rule to keep: a standby touches nothing of the estate. It reads the lease,
says that it is there, and waits; only when the lease may be taken is the store
opened, which takes it or finds that somebody was faster.
"""

from __future__ import annotations

import socket
import threading
import time

import structlog

from congresslite.config.models import Config
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.live.health import Esc
from congresslite.store import leaserow
from congresslite.store.database import checked_url
from congresslite.store.errors import StoreError
from congresslite.store.lease import LeaseHeldError, Lost, SharedLease
from congresslite.store.leaserow import LeaseRecord
from congresslite.store.link import Link

log = structlog.get_logger("congresslite.standby")

_LOOK_EVERY = 0.5
# A database without a lease tells nothing of who writes to it: opening it is tried now and then.
_TRY_EVERY = 5.0
# What is told to everybody; which database it is, and what it says, stands in the log.
_AWAY = "the database does not answer"


def lease_of(config: Config, lost: Lost) -> SharedLease | None:
    """The lease of a configuration's database, not yet taken; `lost` is told once if another process takes it.

    None for a database of SQLite's, whose lock is held for as long as a process lasts: nobody can take over.
    Raises SourceError for a standby of such a database.
    """
    url = config.database_url
    if checked_url(url).get_backend_name() == "sqlite":
        if config.standby.enabled:
            message = "nobody can stand by: the database is SQLite's, which one process has for itself"
            hint = "keep state in PostgreSQL (`database.url: postgresql://USER:PASSWORD@HOST/NAME`)"
            raise SourceError(Diagnostic("CL650", message, None, hint, place="standby.enabled"))
        return None
    settings = config.standby
    label = settings.name or socket.gethostname()
    return SharedLease(url, label, address=settings.url, seconds=settings.lease, lost=lost)


class Standby:
    """A process that waits for its turn to lead. `health`, `ready` and `leader` may be asked by any thread."""

    def __init__(self, config: Config, lease: SharedLease) -> None:
        self._lease = lease
        self._link = Link(config.database_url, lease.seconds / 3, "standby")
        self._row: LeaseRecord | None = None
        self._fault: str | None = None
        self._told: object = None
        self._next_beat = 0.0
        self._next_try = 0.0
        self.opening = False  # whether the estate is being opened, to lead

    # -- waiting -----------------------------------------------------------------------------------

    def wait(self, ending: threading.Event) -> bool:
        """Wait until it may be tried to open the estate; False if `ending` came first."""
        self.opening = False
        while not ending.is_set():
            try:
                if self._look():
                    self.opening = True
                    return True
                self._fault = None
            except StoreError as error:
                self._failed(error)
            ending.wait(_LOOK_EVERY)
        self._leave()
        return False

    def outlast(self, held: LeaseHeldError) -> None:
        """Wait for the end of a lease that is not renewed any more. Raises the LeaseHeldError if its holder lives."""
        before = held.holder.version
        until = time.monotonic() + 2 * held.holder.seconds + self._lease.seconds
        log.info("waiting for the end of a lease", leader=held.holder.holder.label, seconds=held.holder.seconds)
        while time.monotonic() < until:
            with self._link.session() as connection:
                row = leaserow.read(connection)
            if row is None or self._lease.takeable(row):
                return
            if row.version != before:
                break
            time.sleep(_LOOK_EVERY / 2)
        self._link.close()
        raise held

    def _look(self) -> bool:
        """Look at the lease, and say that we are there; whether it may be taken."""
        with self._link.session() as connection:
            if not leaserow.there(connection):
                return self._may_try()
            row = leaserow.read(connection)
            self._row = row
            if time.monotonic() >= self._next_beat:
                leaserow.beat(connection, self._lease.me, self._lease.seconds)
                self._next_beat = time.monotonic() + self._lease.seconds / 3
        if row is None:
            return self._may_try()
        self._tell(row)
        return self._lease.takeable(row) and self._may_try(_LOOK_EVERY)

    def _may_try(self, every: float = _TRY_EVERY) -> bool:
        now = time.monotonic()
        if now < self._next_try:
            return False
        self._next_try = now + every
        return True

    def _tell(self, row: LeaseRecord) -> None:
        leads = row.holder.label, row.epoch, row.released
        if leads != self._told:
            self._told = leads
            what = "the leader has given up its place" if row.released else "standing by"
            log.info(what, name=self._lease.me.label, leader=row.holder.label, epoch=row.epoch)

    def _failed(self, error: StoreError) -> None:
        # A database that comes back finds its leader first: that one renews its lease before anybody takes it.
        self._lease.look_anew()
        said = error.diagnostics[0].message
        if said != self._fault:
            self._fault = said
            log.warning("the lease cannot be read", why=said)

    def _leave(self) -> None:
        try:
            if self._next_beat:
                with self._link.session() as connection:
                    leaserow.beat_no_more(connection, self._lease.me)
        except StoreError:
            pass  # it is soon seen that nobody is here
        self._link.close()

    # -- what is told of it ------------------------------------------------------------------------

    @property
    def leader(self) -> str:
        """Who leads, as people call it, and where it answers; empty if that is not known."""
        row = self._row
        if row is None:
            return ""
        return f"`{row.holder.label}`" + (f" at {row.holder.address}" if row.holder.address else "")

    def ready(self) -> tuple[bool, str]:
        """That it answers no questions, and why."""
        if self.opening:
            return False, "it takes over"
        if self._fault is not None:
            return False, f"it stands by, and {_AWAY}"
        return False, f"it stands by: {self.leader or 'another process'} leads"

    def esc(self) -> Esc:
        """The health of this process, as tools of the field read it."""
        if self.opening:
            return Esc.of("5010", "it takes over, and opens the estate")
        if self._fault is not None:
            return Esc.of("5010", _AWAY)
        return Esc.of("2000", f"it stands by; {self.leader or 'another process'} leads")
