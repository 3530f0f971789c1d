"""
Loops: actions that set each other off, by the effects that policies declare.

*Possible* is a cycle in the trigger graph. *Certain* is a run from a state that comes back to a state it was in:
whatever is commanded anew is done at once, round by round, as an engine that enforces it would do.

The rule to keep: only loops in which a policy takes part that has changed are told; and where an action has no effect
model, or a run is cut short, loops are called not analysed, never absent.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

from congresslite.analysis.declared import USUAL, ActionTarget, with_declared
from congresslite.analysis.documents import changed_rows
from congresslite.analysis.effects import Effects
from congresslite.analysis.outcome import Done
from congresslite.analysis.overlay import Overlay
from congresslite.analysis.report import Document, Loop
from congresslite.analysis.steps import Action
from congresslite.analysis.triggers import Edge, TriggerGraph
from congresslite.analysis.turn import turns
from congresslite.api import Snapshot
from congresslite.diagnostics.suggest import listing
from congresslite.language.program import CheckedRule, Program
from congresslite.language.reads import tables_read
from congresslite.policy.conflicts.told import Command, action_of, commanding
from congresslite.schema import row_identity

# How long a run may be, in rounds, and how many commands of a round are run.
MAX_ROUNDS = 20
MAX_COMMANDS = 100
# How many loops are told, and how many actions of the run that came back.
MAX_LOOPS = 20
_TRACED = 20

_Key = tuple[str, str]  # a policy and the identity of a rule of it


@dataclass(frozen=True, slots=True)
class _Ring:
    """A cycle of commanding rules, in order, with all rules of changed policies that it goes through."""

    rules: tuple[CheckedRule, ...]
    changed: tuple[_Key, ...]

    @property
    def named(self) -> tuple[_Key, ...]:
        """The commanding rules."""
        return tuple(map(_key, self.rules))

    def loop(self, trace: Sequence[Document] | None) -> Loop:
        """The loop that it is; `trace` is None for one that is only possible."""
        return Loop(
            "possible" if trace is None else "certain",
            tuple(action_of(rule.table) for rule in self.rules),
            tuple(dict.fromkeys((*self.named, *self.changed))),
            trace or (),
        )


def loops(
    snapshot: Snapshot, changed: Collection[str], targets: Mapping[str, ActionTarget] = USUAL
) -> tuple[tuple[Loop, ...], tuple[str, ...]]:
    """The loops of a state in which policies take part that have changed, and what was not analysed of them.

    `targets`: what actions are called at, for what they are known to do.
    """
    if not _concerned(snapshot.program, changed):
        return (), ()
    program = with_declared(snapshot, targets)
    effects = Effects(program)
    left = _unmodelled(program, effects)
    if not program.effects:
        return (), left
    graph = TriggerGraph(program, effects)
    rings = _rings(list(graph.edges(changed)), changed, list(commanding(program)))
    if graph.gave_up:
        left = (*left, "loops through rules that are too many to follow")
    if len(rings) > MAX_LOOPS:
        left = (*left, f"{len(rings) - MAX_LOOPS} loops beyond the first {MAX_LOOPS}")
        rings = rings[:MAX_LOOPS]
    modes = {policy.name: policy.mode for policy in program.policies}
    enforced = [ring for ring in rings if all(modes[rule.policy] == "enforce" for rule in ring.rules)]
    traces, cut = _certain(snapshot, effects, enforced) if enforced else ({}, ())
    return tuple(ring.loop(traces.get(ring)) for ring in rings), (*left, *cut)


def _key(rule: CheckedRule) -> _Key:
    return rule.policy, rule.identity


def _concerned(program: Program, changed: Collection[str]) -> bool:
    """Whether a policy that has changed may have a part in what is commanded."""
    rules = list(commanding(program))
    if not rules:
        return False
    if any(rule.policy in changed for rule in (*rules, *program.effects)):
        return True
    deriving: defaultdict[str, list[CheckedRule]] = defaultdict(list)
    for rule in program.rules:
        deriving[rule.table].append(rule)
    waiting = [table for rule in (*rules, *program.effects) for table in tables_read(rule)]
    # What stops commands has a part in them too.
    waiting += [side.table for each in program.contradictions.values() for side in each.sides]
    seen: set[str] = set()
    while waiting:
        table = waiting.pop()
        if table not in seen:
            seen.add(table)
            for rule in deriving[table]:
                if rule.policy in changed:
                    return True
                waiting.extend(tables_read(rule))
    return False


def _unmodelled(program: Program, effects: Effects) -> tuple[str, ...]:
    actions = {action_of(rule.table): len(rule.head) for rule in commanding(program)}
    lacking = sorted(action for action, arity in actions.items() if not effects.of(action, arity))
    if not lacking:
        return ()
    return (f"loops through {listing(lacking)}, whose effects no policy declares",)


# -- possible loops ------------------------------------------------------------------------------


def _rings(edges: Sequence[Edge], changed: Collection[str], order: Sequence[CheckedRule]) -> list[_Ring]:
    """For each edge that a changed policy has a part in the shortest cycle through it, each once, in this order."""
    place = {id(rule): at for at, rule in enumerate(order)}
    leaving: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[id(edge.first)].append(edge)
    found: dict[frozenset[int], _Ring] = {}
    for edge in edges:
        if any(rule.policy in changed for rule in (edge.first, edge.second, *edge.through)):
            back = [] if edge.first is edge.second else _way(edge.second, edge.first, leaving)
            if back is not None:
                ring = _ring([edge, *back], changed, place)
                found.setdefault(frozenset(map(id, ring.rules)), ring)
    return sorted(found.values(), key=lambda ring: [place[id(rule)] for rule in ring.rules])


def _ring(edges: Sequence[Edge], changed: Collection[str], place: Mapping[int, int]) -> _Ring:
    """The cycle that these edges are, from the rule on that comes first."""
    first = min(range(len(edges)), key=lambda at: place[id(edges[at].first)])
    turned = [*edges[first:], *edges[:first]]
    passed = [rule for each in turned for rule in (each.first, *each.through) if rule.policy in changed]
    return _Ring(tuple(each.first for each in turned), tuple(dict.fromkeys(map(_key, passed))))


def _way(start: CheckedRule, goal: CheckedRule, leaving: Mapping[int, Sequence[Edge]]) -> list[Edge] | None:
    """The shortest way from rule to rule; None if there is none."""
    ways: dict[int, list[Edge]] = {id(start): []}
    waiting = deque([start])
    while waiting:
        rule = waiting.popleft()
        if rule is goal:
            return ways[id(rule)]
        for edge in leaving.get(id(rule), ()):
            if id(edge.second) not in ways:
                ways[id(edge.second)] = [*ways[id(rule)], edge]
                waiting.append(edge.second)
    return None


# -- certain loops -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ran:
    """A command that was run in a round, and what it did."""

    round: int
    command: Command
    done: Done


def _certain(
    snapshot: Snapshot, effects: Effects, rings: Sequence[_Ring]
) -> tuple[Mapping[_Ring, tuple[Document, ...]], tuple[str, ...]]:
    """The rings that a run goes round, each with what it commanded in between, and what was not analysed."""
    run = _Run(snapshot, effects, {key for ring in rings for key in ring.named})
    left = run.until_it_comes_back()
    acting = [ring for ring in rings if run.goes_round(ring)]
    # Of rules that act in one run, those go round by themselves that do so without the others.
    alone = {ring: _Run(run.now, effects, set(ring.named), only=True) for ring in acting}
    for each in alone.values():
        each.until_it_comes_back()
    found = {ring: each for ring, each in alone.items() if each.goes_round(ring)} or dict.fromkeys(acting, run)
    return {ring: each.trace(ring) for ring, each in found.items()}, left


class _Run:
    """A run of the commands that are enforced, those of rules that are `named` first, or (`only`) alone.

    `cycle` is what was run between the two times in the same state.
    """

    def __init__(self, start: Snapshot, effects: Effects, named: Collection[_Key], *, only: bool = False) -> None:
        self._overlay, self._effects = Overlay(start), effects
        self._named, self._only = named, only
        self.cycle: tuple[_Ran, ...] = ()

    @property
    def now(self) -> Snapshot:
        """The state that the run has come to."""
        return self._overlay.now

    def until_it_comes_back(self) -> tuple[str, ...]:
        """Run, until nothing is commanded anew or a state comes back. Returns what was not analysed."""
        been: dict[Hashable, int] = {}
        rounds: list[list[_Ran]] = []
        left: dict[str, None] = {}
        before: Mapping[Hashable, Command] = {}
        while len(rounds) < MAX_ROUNDS:
            standing = self._commands()
            anew = {key: each for key, each in standing.items() if key not in before}
            state = self._overlay.state(), frozenset(anew)
            if not anew or state in been:
                self.cycle = tuple(each for part in rounds[been.get(state, len(rounds)) :] for each in part)
                return tuple(left)
            if len(anew) > MAX_COMMANDS:
                left[f"loops among more than {MAX_COMMANDS} commands at once"] = None
            been[state] = len(rounds)
            rounds.append(self._round(len(rounds) + 1, list(anew.values())[:MAX_COMMANDS]))
            before = standing
        return (*left, f"whether loops are certain: a run of {MAX_ROUNDS} rounds neither settled nor came back")

    def _commands(self) -> dict[Hashable, Command]:
        """What would be run in this state, each action once."""
        found: dict[Hashable, Command] = {}
        for each in sorted(self.now.commands(), key=lambda each: not self._is_named(each)):
            modelled = self._effects.of(each.action, len(each.arguments))
            wanted = modelled and (self._is_named(each) or not self._only)
            if each.decision == "run" and each.mode == "enforce" and wanted:
                found.setdefault((each.action, row_identity(each.arguments)), each)
        return found

    def _is_named(self, command: Command) -> bool:
        return (command.policy, command.rule) in self._named

    def _round(self, number: int, commands: Sequence[Command]) -> list[_Ran]:
        parts = [Action(each.action, each.arguments) for each in commands]
        done = [item for turn in turns(self._overlay, self._effects, parts) for item in turn.done.items()]
        return [_Ran(number, commands[place], each) for place, each in done if each.rows]

    def goes_round(self, ring: _Ring) -> bool:
        """Whether all rules of a ring had a part in what was run until a state came back."""
        return set(ring.named) <= {(each.command.policy, each.command.rule) for each in self.cycle}

    def trace(self, ring: _Ring) -> tuple[Document, ...]:
        """What the rules of a ring commanded in the run until it came back."""
        ran = [each for each in self.cycle if (each.command.policy, each.command.rule) in ring.named]
        return tuple(_traced(each, self.now) for each in ran[:_TRACED])


def _traced(ran: _Ran, snapshot: Snapshot) -> Document:
    names = {table: [column.name for column in snapshot.schema(table).columns] for table in ran.done.rows}
    return {
        "round": ran.round,
        "policy": ran.command.policy,
        "rule": ran.command.rule,
        "action": ran.command.action,
        "arguments": list(ran.command.arguments),
        "text": ran.done.text,
        "rows": changed_rows(ran.done.rows, names),
    }
