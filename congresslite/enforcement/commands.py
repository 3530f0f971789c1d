"""
Commands: what the policies want to be done now, each with what there is to know of its object.

Only what would be run is here: a command that another rule overrules, or that is tied with one, is a conflict and is
told as such.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from congresslite.analysis.belonging import Belonging, object_reference
from congresslite.api import Snapshot
from congresslite.language.program import CheckedRule, PolicySettings, Program
from congresslite.language.reads import base_tables, tables_read
from congresslite.policy.conflicts.told import Command, action_of, commanding
from congresslite.policy.violations import shown, violation_id
from congresslite.schema import Changes, Row, Scalar


@dataclass(frozen=True, slots=True)
class Wish:
    """A command as it is wanted now. `id` names it: the same row of the same rule commands the same."""

    id: str
    policy: PolicySettings
    rule: str
    action: str
    arguments: Row
    object: str
    kind: str  # the table that has the object, if that is known
    tenant: str | None
    site: str | None


class Commanding:
    """The commanding rules of a program, and what each rests on."""

    def __init__(self, program: Program) -> None:
        self.policies = {policy.name: policy for policy in program.policies}
        self._program = program
        self._defined: dict[tuple[str, str], object] = {}
        self._heads: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        rests = base_tables(program)
        self._rests: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._rules: dict[tuple[str, str, str], CheckedRule] = {}
        for rule in commanding(program):
            self._rests[rule.policy, rule.identity] |= rests.get(rule.table, frozenset())
            self._heads[rule.policy, rule.identity].add(rule.table)
            self._rules[rule.policy, rule.identity, action_of(rule.table)] = rule
        # What decides between two rules, or overrules one, may rest on other tables.
        for table, contradiction in program.contradictions.items():
            for side in contradiction.sides:
                if (side.policy, side.rule) in self._rests:
                    self._rests[side.policy, side.rule] |= rests.get(table, frozenset())
                    self._heads[side.policy, side.rule].add(table)
        self.tables = {rule.table for rule in self._rules.values()} | set(program.contradictions)

    def __contains__(self, rule: tuple[str, str]) -> bool:
        return rule in self._rests

    def defined(self, policy: str, rule: str) -> object:
        """What the commands of a rule, and whatever could overrule them, follow from: equal until somebody edits it."""
        if (policy, rule) not in self._defined:
            found: set[str] = set()
            ahead = set(self._heads.get((policy, rule), ()))
            while ahead:
                found |= ahead
                ahead = {
                    name for table in ahead for each in self._by_table[table] for name in tables_read(each)
                } - found
            rules = frozenset(each for table in found for each in self._by_table[table])
            facts = {table: self._program.facts[table] for table in found if table in self._program.facts}
            self._defined[policy, rule] = rules, facts
        return self._defined[policy, rule]

    @cached_property
    def _by_table(self) -> Mapping[str, Sequence[CheckedRule]]:
        """The rules of each table; nothing of one that has none."""
        found: defaultdict[str, list[CheckedRule]] = defaultdict(list)
        for rule in self._program.rules:
            found[rule.table].append(rule)
        return found

    def gone(self, changes: Changes) -> Iterator[str]:
        """The ids of the wishes that a change takes away."""
        for (policy, identity, action), rule in self._rules.items():
            for row in changes[rule.table].delete if any(changes.size(rule.table)) else ():
                yield violation_id(policy, identity, (action, *row))

    def rule(self, command: Command) -> CheckedRule:
        """The rule of a command."""
        return self._rules[command.policy, command.rule, command.action]

    def rests(self, policy: str, rule: str) -> Set[str]:
        """The source tables that the commands of a rule come from, and whatever could overrule them."""
        return self._rests.get((policy, rule), frozenset())


def wishes(snapshot: Snapshot, rules: Commanding, belonging: Belonging) -> Iterator[Wish]:
    """What is wanted now, in the order of the policies and of the values."""
    by_rule: defaultdict[tuple[str, str, str], list[Command]] = defaultdict(list)
    for command in snapshot.commands():
        if command.decision == "run":
            by_rule[command.policy, command.rule, command.action].append(command)
    for commands in by_rule.values():
        yield from _wishes(commands, rules.rule(commands[0]), rules.policies, snapshot, belonging)


def _wishes(
    commands: list[Command],
    rule: CheckedRule,
    policies: Mapping[str, PolicySettings],
    snapshot: Snapshot,
    belonging: Belonging,
) -> Iterator[Wish]:
    objects: list[Scalar] = [_object(each, rule) for each in commands]
    reference = object_reference(snapshot, rule)
    tenants = belonging.tenants(snapshot, rule, objects)
    sites = belonging.places(snapshot, objects)
    for command, about, tenant, site in zip(commands, objects, tenants, sites, strict=True):
        yield Wish(
            id=violation_id(command.policy, command.rule, (command.action, *command.arguments)),
            policy=policies[command.policy],
            rule=command.rule,
            action=command.action,
            arguments=command.arguments,
            object=shown(about),
            kind="" if reference is None else reference.table,
            tenant=tenant,
            site=site,
        )


def _object(command: Command, rule: CheckedRule) -> Scalar:
    """What a command acts upon: what its rule says, or else its first term."""
    if not command.arguments:
        return ""
    return command.arguments[0 if rule.object is None else rule.object]
