"""Telling open violations otherwise: their object, tenant, site and message, as texts that are held."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from congresslite.store.records import Opened, Part, ViolationRecord
from congresslite.store.tables import OPEN, WAIVED
from congresslite.store.texts import held, name, told_name


def told_hash(each: Opened) -> int:
    """A number that is the same, within a process, for what the database holds of a violation if it is told like it."""
    return hash((name(each.object), name(each.tenant), name(each.site), held(each.message)))


def retold(record: ViolationRecord, told: Opened, keep: Collection[Part] = ()) -> ViolationRecord:
    """An open violation as it is told now, but for what is to be kept."""
    about = told_name(name(told.object))
    return replace(
        record,
        object=about,
        tenant=record.tenant if "tenant" in keep else told_name(name(told.tenant)),
        site=record.site if "site" in keep else told_name(name(told.site)),
        message=told.message,
        waiver=record.waiver if about == record.object else told.waiver,
    )


def rewritten(record: ViolationRecord) -> tuple[Any, ...]:
    """What is written of a violation that is told otherwise, and its number."""
    return (
        name(record.object),
        name(record.tenant),
        name(record.site),
        held(record.message),
        OPEN if record.waiver is None else WAIVED,
        None if record.waiver is None else held(record.waiver),
        record.seq,
    )
