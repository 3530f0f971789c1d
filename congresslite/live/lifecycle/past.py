"""
The past: an event commands nothing of a policy that came, or was changed, after it had happened.

Only times that are stored are asked: when the event happened, when the policy came to say what it says, and when the
action was planned, since what was planned by the policy as it was before is still to be done. So a restart changes
nothing of this.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from congresslite.enforcement.enforcer import Enforcer
from congresslite.live.lifecycle.tables import EVENT, LifecycleTables, number
from congresslite.schema import Delta, Row
from congresslite.store.records import ActionRecord

# Since when a policy had said what it said at a time.
Since = Callable[[str, float], float]

_PAST = "it waits for the next event: the one that commands it was before its policy, as that is now"


class Past:
    """What is past for whom. Safe for any thread."""

    def __init__(self, tables: LifecycleTables, enforcer: Enforcer, since: Since) -> None:
        self._tables, self._enforcer, self._since = tables, enforcer, since

    def is_past(self, row: Row, record: ActionRecord) -> bool:
        """Whether an event was before the policy of an action that it commands."""
        # Events bear whole milliseconds that have passed.
        return number(row[2]) < math.floor(self._since(record.policy, record.created_at) * 1000) / 1000

    def doubt(self, record: ActionRecord) -> str | None:
        """Why an action is not to be begun: nothing but events that are past for it commands it."""
        snapshot = self._tables.snapshot()
        rules = self._enforcer.rules(snapshot)
        if record.undoes is not None or EVENT.name not in rules.rests(record.policy, record.rule):
            return None
        past = [row for row in snapshot.rows(EVENT.name) if self.is_past(row, record)]
        if not past:
            return None
        lost = self._tables.core.engine.what_if({EVENT.name: Delta(delete=past)})
        # If one of them has just gone, it is not known what it commanded: that is looked at again.
        gone = not set(past) <= set(self._tables.rows(EVENT))
        return _PAST if gone or record.command in rules.gone(lost) else None
