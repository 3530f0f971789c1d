"""Opponents: the modal rules that engines below have told of, as rules that those here may contradict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast, get_args

from congresslite.config.models import TierSettings
from congresslite.federation.agreed import ALL_COMMANDS
from congresslite.federation.relations import COLUMNS, RULES
from congresslite.language.program import PolicySettings
from congresslite.language.resolution.settings import own_tier
from congresslite.language.syntax import Modal
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import Row, Scalar

_MODALS = frozenset(get_args(Modal))


def opponents(rules: Iterable[Row], engines: Iterable[Row], tier: TierSettings) -> list[ForeignRule]:
    """The rules that rows of RULES tell of; rows of ENGINES tell which level those are of whose rules they are."""
    told = (dict(zip(COLUMNS[RULES], row, strict=True)) for row in rules)
    levels: dict[Scalar, str] = {name: str(level) for name, level, _ in engines}
    return [_opponent(each, levels.get(each["engine"], ""), tier) for each in told if each["modal"] in _MODALS]


def _opponent(told: dict[str, Any], level: str, tier: TierSettings) -> ForeignRule:
    # Whatever it says, a rule of an engine below is of no tier above that engine, and that one is below this one.
    highest = level if level in tier.below else tier.next_below
    policy = PolicySettings(
        told["policy"],
        tier=own_tier(told["tier"], tier.levels, highest),
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
        table=ALL_COMMANDS,
        file=told["file"],
        line=told["line"],
    )
