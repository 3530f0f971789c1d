"""The audit: who changed what. It only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select

from congresslite.store.database import Database
from congresslite.store.records import AuditRecord
from congresslite.store.tables import AUDIT


class Audit:
    """The audit of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        *,
        at: float,
        actor: str,
        role: str,
        action: str,
        target: str,
        outcome: str,
        detail: Mapping[str, Any] | None = None,
        address: str = "",
        request: str = "",
    ) -> AuditRecord:
        """Write one record, durably. `detail` holds no secret."""
        told = dict(detail or {})
        values = {
            "at": at, "actor": actor, "role": role, "action": action, "target": target, "outcome": outcome,
            "address": address, "request": request,
        }  # fmt: skip
        with self._database.write() as connection:
            adding = insert(AUDIT).values(detail=json.dumps(told), **values).returning(AUDIT.c.seq)
            seq = connection.execute(adding).scalar_one()
        return AuditRecord(seq=seq, detail=told, **values)  # type: ignore[arg-type]

    def page(self, limit: int = 100, before: int | None = None) -> tuple[tuple[AuditRecord, ...], int | None]:
        """Records, the latest first, those before a number; and the number before which the next page is, or None."""
        chosen = select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(limit + 1)
        if before is not None:
            chosen = chosen.where(AUDIT.c.seq < before)
        with self._database.read() as connection:
            rows = connection.execute(chosen).mappings().all()
        items = tuple(AuditRecord(**{**row, "detail": json.loads(row["detail"])}) for row in rows[:limit])
        return items, items[-1].seq if len(rows) > limit and items else None
