"""Marking open violations as waived, whole rules at a time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, update

from congresslite.store.records import ViolationFilter, WaiverRecord
from congresslite.store.rules import Rules
from congresslite.store.tables import OPEN, VIOLATIONS, WAIVED
from congresslite.store.texts import name

_TABLE = VIOLATIONS.c


def mark_waived(connection: Connection, rules: Rules, holding: Sequence[WaiverRecord]) -> int:
    """Unmark what no waiver of these covers any more, then mark what one of them does; tell how many changed.

    What two waivers cover is marked by the first of them, and by the other one when that has ended.
    """
    ended = _TABLE.waiver.not_in([each.id for each in holding])
    unmark = update(VIOLATIONS).where(_TABLE.state == WAIVED, ended).values(state=OPEN, waiver=None)
    changed = connection.execute(unmark).rowcount
    for waiver in holding:
        covered = [_TABLE.state == OPEN, *_covered(rules, waiver)]
        mark = update(VIOLATIONS).where(*covered).values(state=WAIVED, waiver=waiver.id)
        changed += connection.execute(mark).rowcount
    return changed


def _covered(rules: Rules, waiver: WaiverRecord) -> list[ColumnElement[bool]]:
    """What must hold of an open violation that a waiver covers."""
    tests: list[ColumnElement[bool]] = []
    if waiver.violation is not None:
        try:
            tests += [_TABLE.id == bytes.fromhex(waiver.violation), _TABLE.closed_in == 0]
        except ValueError:
            return [_TABLE.seq < 0]  # no violation has such an id
    named = ViolationFilter(
        policies=() if waiver.policy is None else (waiver.policy,),
        rules=() if waiver.rule is None else (waiver.rule,),
        kinds=(),  # conflicts too
    )
    tests.append(_TABLE.rule.in_(rules.wanted(named)))
    if waiver.object is not None:
        tests.append(_TABLE.object == name(waiver.object))
    return tests
