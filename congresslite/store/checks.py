"""Pre-commit checks, so that what was checked can be committed; the last ones are kept."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from congresslite.store.database import Database
from congresslite.store.records import CheckRecord
from congresslite.store.tables import CHECKS

KEPT = 100
_COLUMNS = CHECKS.c


class Checks:
    """The checks of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, check: CheckRecord) -> None:
        """Keep a check, and forget the oldest."""
        values = {
            "id": check.id, "at": check.at, "by": check.by,
            "proposal": json.dumps(check.proposal), "document": json.dumps(check.document),
        }  # fmt: skip
        with self._database.write() as connection:
            seq = connection.execute(insert(CHECKS).values(**values).returning(_COLUMNS.seq)).scalar_one()
            connection.execute(delete(CHECKS).where(_COLUMNS.seq <= seq - KEPT))

    def get(self, id: str) -> CheckRecord:
        """A check. Raises KeyError."""
        with self._database.read() as connection:
            row = connection.execute(select(CHECKS).where(_COLUMNS.id == id)).mappings().first()
        if row is None:
            raise KeyError(id)
        return _record(row)

    def all(self) -> tuple[CheckRecord, ...]:
        """All checks that are kept, the latest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(CHECKS).order_by(_COLUMNS.seq.desc())).mappings().all()
        return tuple(_record(row) for row in rows)

    def applied(self, id: str, at: float, by: str) -> None:
        """A check has been applied."""
        with self._database.write() as connection:
            connection.execute(update(CHECKS).where(_COLUMNS.id == id).values(applied_at=at, applied_by=by))


def _record(row: RowMapping) -> CheckRecord:
    texts: dict[str, Any] = {key: json.loads(row[key]) for key in ("proposal", "document")}
    return CheckRecord(
        row["id"], row["at"], row["by"], **texts, applied_at=row["applied_at"], applied_by=row["applied_by"]
    )
