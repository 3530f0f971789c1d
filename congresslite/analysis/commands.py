"""
Commands: the actions that a change would command at once, against the blast-radius limit.

What counts is how many different objects would be acted upon that are not acted upon now. The limit holds for all
actions on one kind of object together: ten policies that each heal a little heal much. Its number holds for each action
too, whatever the kinds of its objects. The rule to keep: it is the same that stops actions before they run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from congresslite.analysis.limits import MaxAffected, exceeds
from congresslite.analysis.report import Commanded
from congresslite.api import Snapshot, Trial
from congresslite.policy.conflicts.told import Command, action_of, commanding, contradicting, losing

# An action on something, as it would be run.
_Order = tuple[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Orders:
    """The commands that would be run in a trial and are not run now, and all of the same actions that would be run."""

    new: tuple[Command, ...]
    all: tuple[Command, ...]

    def lines(self) -> list[str]:
        """The new ones as texts, sorted."""
        return sorted(f"{each.policy} {each.action}{each.arguments!r}" for each in self.new)


def orders(trial: Trial) -> Orders:
    """What a trial would command, of the actions of which anything can have changed."""
    actions = _touched(trial)
    if not actions:
        return Orders((), ())
    now = list(_run(trial.before, actions))
    known = {_order(each) for each in now}
    # Only what is enforced is done; of a policy in another mode the command is known, and nothing came of it.
    done = {_order(each) for each in now if each.mode == "enforce"}
    then = tuple(_run(trial.after, actions))
    return Orders(tuple(each for each in then if _order(each) not in (done if each.mode == "enforce" else known)), then)


def commanded(trial: Trial, found: Orders, limit: MaxAffected) -> list[Commanded]:
    """The actions that are new for some object, the most first, each with the limit that holds for it."""
    kinds = _kinds(trial.after)
    new, total = _objects(found.new), _objects(found.all)
    by_kind: defaultdict[str | None, set[object]] = defaultdict(set)
    by_action: defaultdict[str, set[object]] = defaultdict(set)
    for (policy, action, _), objects in new.items():
        by_kind[kinds.get((policy, action))] |= objects
        by_action[action] |= objects
    sizes = {kind: None if kind is None else trial.after.count(kind) for kind in by_kind}
    listed = []
    for (policy, action, mode), objects in new.items():
        kind = kinds.get((policy, action))
        many, of, most = len(by_kind[kind]), sizes[kind], limit.limit(sizes[kind])
        if kind is None or (not exceeds(many, most) and exceeds(len(by_action[action]), limit.limit(None))):
            many, of, most = len(by_action[action]), None, limit.limit(None)
        listed.append(
            Commanded(
                action=action,
                policy=policy,
                mode=mode,
                new=len(objects),
                total=len(total[policy, action, mode]),
                of=of,
                limit=most,
                exceeded=exceeds(many, most),
                kind=kind,
                together=many,
            )
        )
    return sorted(listed, key=lambda each: (not each.exceeded, -each.new, each.action, each.policy))


def _touched(trial: Trial) -> set[str]:
    """The actions of which a command comes or goes, has another mode, or is decided upon otherwise.

    All others are left alone: an estate may have a million commands of which a check changes nothing.
    """
    found = {action_of(table) for _, table, *_ in _rules(trial.before) ^ _rules(trial.after)}
    found |= {atom for atom, *_ in _stops(trial.before) ^ _stops(trial.after)}
    for program in (trial.before.program, trial.after.program):
        found |= {action_of(rule.table) for rule in commanding(program) if any(trial.changes.size(rule.table))}
        for table, contradiction in program.contradictions.items():
            if any(trial.changes.size(table)):
                found |= {side.atom for side in losing(contradiction)}
    return found


def _rules(snapshot: Snapshot) -> set[tuple[str, ...]]:
    """The rules that command: policy, table, identity, and the mode of the policy."""
    modes = {policy.name: policy.mode for policy in snapshot.program.policies}
    return {(rule.policy, rule.table, rule.identity, modes[rule.policy]) for rule in commanding(snapshot.program)}


def _stops(snapshot: Snapshot) -> set[tuple[str, ...]]:
    """Which side of which pair of rules is stopped: its action, policy and rule, and the pair; a tie stops both."""
    program = snapshot.program
    return {
        (side.atom, side.policy, side.rule, rule.identity)
        for rule in contradicting(program)
        if snapshot.count(rule.table)
        for side in losing(program.contradictions[rule.table])
    }


def _run(snapshot: Snapshot, actions: Collection[str]) -> Iterator[Command]:
    return (each for each in snapshot.commands(actions) if each.decision == "run")


def _order(command: Command) -> _Order:
    return command.action, command.arguments


def _objects(commands: tuple[Command, ...]) -> Mapping[tuple[str, str, str], set[object]]:
    """The different objects of each policy's action; where none is named, each different command counts."""
    found: defaultdict[tuple[str, str, str], set[object]] = defaultdict(set)
    for each in commands:
        found[each.policy, each.action, each.mode].add(each.arguments if each.object is None else each.object)
    return found


def _kinds(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """The table that has the objects of each policy's action, where it is known."""
    kinds = {}
    for rule in commanding(snapshot.program):
        schema = snapshot.program.tables[rule.table]
        reference = None if rule.object is None else schema.columns[rule.object].references
        if reference is not None:
            kinds[rule.policy, action_of(rule.table)] = reference.table
    return kinds
