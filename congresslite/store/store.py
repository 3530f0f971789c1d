"""
The store: one database, and a class for each kind of thing that is kept in it.

What a method wrote is durable when it returns. Any thread may call any of
them; those that write take turns, those that read never wait for them.
"""

from __future__ import annotations

from types import TracebackType

from congresslite.store.actions import Actions
from congresslite.store.audit import Audit
from congresslite.store.checks import Checks
from congresslite.store.database import Database
from congresslite.store.feeds import Feeds
from congresslite.store.files import Files
from congresslite.store.lease import SharedLease, WriterLease
from congresslite.store.logs import Logs
from congresslite.store.migrating import migrate
from congresslite.store.policies import Policies
from congresslite.store.pushed import Pushed
from congresslite.store.secrets import Secrets
from congresslite.store.sources import Sources
from congresslite.store.violations import Violations
from congresslite.store.waivers import Waivers


class Store:
    """Everything that outlives the process. Made by `open`, ended by `close`."""

    def __init__(self, database: Database, secrets: Secrets) -> None:
        self._database = database
        self.violations = Violations(database)
        self.policies = Policies(database)
        self.checks = Checks(database)
        self.actions = Actions(database)
        self.sources = Sources(database, secrets)
        self.feeds = Feeds(database)
        self.waivers = Waivers(database)
        self.pushed = Pushed(database)
        self.files = Files(database)
        self.audit = Audit(database)
        self.logs = Logs(database)

    def __repr__(self) -> str:
        return f"Store({self._database.where!r})"

    @classmethod
    def open(cls, url: str, *, key: bytes | None = None, lease: SharedLease | None = None) -> Store:
        """Open a database (`sqlite:///FILE`, `postgresql://…`) for writing, and bring its tables up to this version.

        `key` encrypts the settings of sources; `lease` is taken with the right to write. Raises StoreError, a
        TakenError if another process writes to the database.
        """
        secrets = Secrets(key)
        lock = None if lease is None else WriterLease(lease)
        database = Database(url, lock)
        try:
            migrate(database)
            if lock is not None:
                lock.complete(database)
        except BaseException:
            database.close()
            raise
        return cls(database, secrets)

    def answers(self) -> bool:
        """Whether the database does what it is asked, as far as is known. Any number may ask at once."""
        return self._database.answers()

    def close(self) -> None:
        """End the connections, and let another process write."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
