"""
What executors declare of their actions, as effects over the tables that there are.

A policy need not say what stopping a server does: whatever stops it knows. The rule to keep: what a policy says of an
action holds alone; what executors declare holds for the others, as far as the tables are there that it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from congresslite.actions import ActionKind, kinds_of
from congresslite.analysis.effects import Effect
from congresslite.api import Snapshot
from congresslite.diagnostics import Source
from congresslite.language.check import check_sources
from congresslite.language.program import CheckedRule, Program
from congresslite.language.reads import effect_tables
from congresslite.policy.conflicts.told import action_of, commanding
from congresslite.schema import Catalog, TableSchema

# The name of the policy that declared effects are told to be of.
POLICY = "actions"


@dataclass(frozen=True, slots=True)
class ActionTarget:
    """What actions of one prefix are called at: the executor, and the source that has the objects."""

    executor: str
    source: str


# What prefixes mean where no configuration says so: the names that the shipped definitions have.
USUAL: Mapping[str, ActionTarget] = {
    "nova": ActionTarget("openstack", "nova"),
    "vnfm": ActionTarget("vnfm", "vnfm"),
}


def with_declared(
    snapshot: Snapshot, targets: Mapping[str, ActionTarget] = USUAL, asked: Iterable[str] = ()
) -> Program:
    """The program of a state, with the effects that executors declare of actions which no policy describes.

    Of those targets alone that rules command something of, or that are named in the texts `asked`.
    """
    program = snapshot.program
    named = {action_of(rule.table).rpartition(":")[0] for rule in commanding(program)}
    named |= {name for text in asked for name in targets if f"{name}:" in text}
    said = {Effect.of(rule).name for rule in program.effects}
    found = _declared(snapshot.catalog, {name: targets[name] for name in targets if name in named})
    more = [rule for rule in found if Effect.of(rule).name not in said]
    return replace(program, effects=(*program.effects, *more)) if more else program


def declared_tables(snapshot: Snapshot, targets: Mapping[str, ActionTarget]) -> frozenset[str]:
    """The source tables that the declared effects of commanded actions speak of."""
    wanted = {action_of(rule.table) for rule in commanding(snapshot.program)}
    if not wanted:
        return frozenset()
    known = with_declared(snapshot, targets)
    effects = tuple(each for each in known.effects if Effect.of(each).name in wanted)
    return effect_tables(replace(known, effects=effects))


def _declared(catalog: Catalog, targets: Mapping[str, ActionTarget]) -> Iterator[CheckedRule]:
    for name, target in targets.items():
        # By their names first: to tell a schema, a file may have to be read.
        tables = tuple(catalog[each] for each in catalog if each.startswith(f"{target.source}:"))
        if tables:
            yield from _compiled(name, target, tables)


@lru_cache(maxsize=64)
def _compiled(name: str, target: ActionTarget, tables: tuple[TableSchema, ...]) -> tuple[CheckedRule, ...]:
    """The declared effects of a target's actions, but for those that speak of tables which are not there."""
    catalog = Catalog.of(tables)
    kinds = [kind for kind in kinds_of(target.executor).values() if kind.effects]
    whole = _checked(name, target, kinds, catalog)
    if whole is not None:
        return whole
    return tuple(rule for kind in kinds for rule in _checked(name, target, [kind], catalog) or ())


def _checked(
    name: str, target: ActionTarget, kinds: Sequence[ActionKind], catalog: Catalog
) -> tuple[CheckedRule, ...] | None:
    """The effects of some actions; None if the tables are not as they are meant to be."""
    texts = [effect for kind in kinds for effect in kind.effects_at(name, target.source)]
    text = "\n".join((f"policy {POLICY}().", *texts))
    program = check_sources([Source(f"{POLICY} of {name}", text)], catalog).program
    return None if program is None else program.effects
