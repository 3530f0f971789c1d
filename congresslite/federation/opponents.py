"""Opponents: the modal rules that engines below have told of, as rules that those here may contradict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast, get_args

from congresslite.federation.relations import COLUMNS, RULES
from congresslite.language.program import PolicySettings
from congresslite.language.syntax import Modal
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import Row

_MODALS = frozenset(get_args(Modal))


def opponents(rows: Iterable[Row], table: str) -> list[ForeignRule]:
    """The rules that rows of RULES tell of; `table` has their rows."""
    told = (dict(zip(COLUMNS[RULES], row, strict=True)) for row in rows)
    return [_opponent(each, table) for each in told if each["modal"] in _MODALS]


def _opponent(told: dict[str, Any], table: str) -> ForeignRule:
    policy = PolicySettings(
        told["policy"],
        tier=told["tier"],
        priority=told["priority"],
        overridable=told["overridable"],
        mode=told["mode"],
    )
    return ForeignRule(
        engine=told["engine"],
        policy=policy,
        rule=told["rule"],
        modal=cast(Modal, told["modal"]),
        atom=told["atom"],
        arity=told["arity"],
        hard=told["hard"],
        table=table,
        file=told["file"],
        line=told["line"],
    )
