"""
The trigger graph: which rules that command actions may fire anew because of what another one commands.

    rule ──commands──▶ action ──effects──▶ rows of tables, with signs ──rules──▶ rows of derived tables ──▶ rule

An edge says *may*. It is left out only where constants, or what an action leaves as it was, rule it out: an action that
sets a state to "ACTIVE" starts no rule that looks for "ERROR", and one that moves a machine none that looks at its load
alone.
(On triggering graphs of active rules: Aiken, Widom and Hellerstein, "Behavior of database production rules", 1992.)
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from congresslite.analysis.effects import Effect, Effects
from congresslite.language.program import (
    CheckedRule,
    Compare,
    Const,
    Either,
    Expression,
    Fold,
    Match,
    NoMatch,
    Program,
    RuleKind,
    Var,
)
from congresslite.language.program import Literal as BodyLiteral
from congresslite.language.resolution.binding import literal_variables
from congresslite.policy.conflicts.told import action_of, commanding
from congresslite.policy.implication import Prover
from congresslite.schema import identity

Sign = Literal["+", "-"]
Pattern = tuple[Const | None, ...]

# How many kinds of changes are followed from one rule, and what the proofs that some are impossible may cost in all.
MAX_EVENTS = 2_000
TOTAL_STEPS = 50_000


@dataclass(frozen=True, slots=True)
class Event:
    """Rows that come to a table, or go from it; `pattern` has the values that all of them have.

    In the columns `kept` each row is as one that was there before and, if it goes, as one that is there afterwards.
    """

    table: str
    sign: Sign
    pattern: Pattern
    kept: frozenset[int] = frozenset()

    def key(self) -> Hashable:
        """Equal for equal events, though `true` is not 1."""
        values = tuple(None if each is None else (identity(each.value),) for each in self.pattern)
        return self.table, self.sign, values, self.kept


@dataclass(frozen=True, slots=True)
class Edge:
    """What one rule commands may make another one fire; `through` are the effects and rules in between."""

    first: CheckedRule
    second: CheckedRule
    through: tuple[CheckedRule, ...]


@dataclass(frozen=True, slots=True)
class _Reader:
    """A rule that reads a table by a literal, within a branch only (`inner`) or not; `looked_at` are columns."""

    rule: CheckedRule
    literal: Match | NoMatch
    inner: bool
    looked_at: frozenset[int]


class TriggerGraph:
    """The edges between the commanding rules of a program. `gave_up` tells whether some could not be followed."""

    def __init__(self, program: Program, effects: Effects) -> None:
        self.gave_up = False
        self._program, self._effects = program, effects
        self._commanding = tuple(commanding(program))
        self._prover: Prover | None = None
        self._readers: defaultdict[str, list[_Reader]] = defaultdict(list)
        for rule in program.rules:
            for literal, inner in _read(rule.body):
                self._readers[literal.table].append(_Reader(rule, literal, inner, _looked_at(rule, literal)))
        self._stopping = _stopping(program, self._commanding)
        self._impossible: dict[Hashable, bool] = {}

    def edges(self, changed: Collection[str]) -> Iterator[Edge]:
        """The edges that a cycle may have in which one of these policies has a part."""
        # Where they only command, cycles go through what they command; else they may have a part in any.
        others = (*self._program.effects, *(each for each in self._program.rules if each.modal != "execute"))
        everything = any(rule.policy in changed for rule in others)
        waiting = deque(rule for rule in self._commanding if everything or rule.policy in changed)
        reached = set(map(id, waiting))
        while waiting:
            for edge in self._from(waiting.popleft()):
                yield edge
                if id(edge.second) not in reached:
                    reached.add(id(edge.second))
                    waiting.append(edge.second)

    def _from(self, first: CheckedRule) -> Iterator[Edge]:
        told: set[int] = set()
        seen: set[Hashable] = set()
        waiting: deque[tuple[Event, tuple[CheckedRule, ...]]] = deque()
        for effect, event in self._caused(first):
            waiting.append((event, (effect.rule,)))
        while waiting:
            event, way = waiting.popleft()
            if event.key() in seen:
                continue
            seen.add(event.key())
            if len(seen) > MAX_EVENTS:
                self.gave_up = True
                return
            for second in self._stopping.get(event.table, ()) if event.sign == "-" else ():
                if id(second) not in told:
                    told.add(id(second))
                    yield Edge(first, second, way)
            for rule, following in self._following(event):
                fires = following.sign == "+" and rule.kind is RuleKind.MODAL and rule.modal == "execute"
                if fires and id(rule) not in told:
                    told.add(id(rule))
                    yield Edge(first, rule, way)
                waiting.append((following, (*way, rule)))

    # From actions to events

    def _caused(self, rule: CheckedRule) -> Iterator[tuple[Effect, Event]]:
        """What happens to tables by the action that a rule commands."""
        effects = self._effects.of(action_of(rule.table), len(rule.head))
        for effect in effects:
            bound = _bound(effect.action.terms, rule.head)
            if bound is not None and self._possible(effect.rule, bound):
                pattern = tuple(_constant(term, bound) for term in effect.rule.head)
                kept = _kept_by_adding(effect) if effect.adds else _kept_by_removing(effect, effects)
                yield effect, Event(effect.table, "+" if effect.adds else "-", pattern, kept)

    # From events to events

    def _following(self, event: Event) -> Iterator[tuple[CheckedRule, Event]]:
        """What rules that read a table make of what happens to it."""
        for reader in self._readers.get(event.table, ()):
            if event.kept and reader.looked_at <= event.kept:
                continue
            rule, bound = reader.rule, _bound(reader.literal.terms, event.pattern)
            if bound is None:
                continue
            if reader.inner:  # what holds in one branch need not hold in another
                bound = {}
            if not self._possible(rule, bound):
                continue
            pattern = tuple(_constant(term, bound) for term in rule.head)
            same = (event.sign == "+") == isinstance(reader.literal, Match)
            if same or rule.aggregates:
                yield rule, Event(rule.table, "+", pattern)
            if not same or rule.aggregates:
                yield rule, Event(rule.table, "-", pattern)

    def _possible(self, rule: CheckedRule, bound: Mapping[str, Const]) -> bool:
        """Whether a body may hold where some variables have these values; only a proof says that it may not."""
        if not bound:
            return True
        known = id(rule), tuple(sorted((name, repr(each.value)) for name, each in bound.items()))
        if known not in self._impossible:
            if self._prover is None:
                self._prover = Prover(self._program, total=TOTAL_STEPS)
            given = tuple(Compare("=", Var(name), each) for name, each in bound.items())
            body = tuple(each for each in rule.body if not (isinstance(each, Match) and _is_action(each)))
            named = {name for each in body for name in literal_variables(each)}
            usable = tuple(each for each in given if isinstance(each.left, Var) and each.left.name in named)
            self._impossible[known] = self._prover.empty(replace(rule, body=(*body, *usable), head=()))
        return not self._impossible[known]


def _is_action(literal: Match) -> bool:
    return literal.table.startswith("execute[")


def _read(body: Sequence[BodyLiteral], inner: bool = False) -> Iterator[tuple[Match | NoMatch, bool]]:
    """The atoms of a body, and whether each stands in a branch only."""
    for literal in body:
        match literal:
            case Match() | NoMatch():
                yield literal, inner
            case Either(branches):
                for branch in branches:
                    yield from _read(branch, inner=True)


def _stopping(program: Program, rules: Collection[CheckedRule]) -> Mapping[str, list[CheckedRule]]:
    """For tables whose rows stop commands (a `deny` that wins), the commanding rules that they stop."""
    by_side = {(rule.policy, action_of(rule.table), rule.identity): rule for rule in rules}
    found: defaultdict[str, list[CheckedRule]] = defaultdict(list)
    for contradiction in program.contradictions.values():
        for place, side in enumerate(contradiction.sides):
            rule = by_side.get((side.policy, side.atom, side.rule)) if side.modal == "execute" else None
            if rule is not None and contradiction.winner != place:
                found[contradiction.sides[1 - place].table].append(rule)
    return found


# -- terms ---------------------------------------------------------------------------------------


def _bound(terms: Sequence[Var | Const], values: Sequence[Var | Const | Fold | None]) -> dict[str, Const] | None:
    """The values that variables get where terms stand for these; None if constants forbid it."""
    bound: dict[str, Const] = {}
    for term, value in zip(terms, values, strict=True):
        if not isinstance(value, Const):
            continue
        known = bound.get(term.name) if isinstance(term, Var) else term
        if known is not None and identity(known.value) != identity(value.value):
            return None
        if isinstance(term, Var):
            bound[term.name] = value
    return bound


def _constant(term: Var | Const | Fold, bound: Mapping[str, Const]) -> Const | None:
    if isinstance(term, Const):
        return term
    return bound.get(term.name) if isinstance(term, Var) else None


def _looked_at(rule: CheckedRule, literal: Match | NoMatch) -> frozenset[int]:
    """The columns on which it depends whether a literal holds; in an aggregate each row counts, as it is."""
    if rule.aggregates:
        return frozenset(range(len(literal.terms)))
    counted = Counter(_names(rule))
    return frozenset(
        place for place, term in enumerate(literal.terms) if isinstance(term, Const) or counted[term.name] > 1
    )


def _names(rule: CheckedRule) -> Iterator[str]:
    """The variables of a rule, as often as they occur."""
    for term in rule.head:
        if not isinstance(term, Const):
            yield term.argument.name if isinstance(term, Fold) else term.name
    todo: list[BodyLiteral] = list(rule.body)
    while todo:
        literal = todo.pop()
        match literal:
            case Match() | NoMatch():
                yield from (term.name for term in literal.terms if isinstance(term, Var))
            case Either(branches):
                todo += [each for branch in branches for each in branch]
            case _:
                yield from literal_variables(literal)


# -- what an action leaves as it was -------------------------------------------------------------


def _kept_by_adding(effect: Effect) -> frozenset[int]:
    """The columns in which a row that comes is as one that was there."""
    olds = [each for each in effect.rule.body if isinstance(each, Match) and each.table == effect.table]
    return max((_same(effect, old) for old in olds), key=len, default=frozenset())


def _kept_by_removing(effect: Effect, effects: Sequence[Effect]) -> frozenset[int]:
    """The columns in which another row takes the place of each row that goes."""
    kept = (_replaced(effect, other) for other in effects if other.adds and other.table == effect.table)
    return max(kept, key=len, default=frozenset())


def _replaced(going: Effect, coming: Effect) -> frozenset[int]:
    """The columns that stay where `coming` adds a row for each one that `going` removes; none if it may not."""
    rest = [each for each in coming.rule.body if each is not coming.action]
    old = rest[0] if len(rest) == 1 else None
    if not isinstance(old, Match) or old.table != going.table:
        return frozenset()
    meaning: dict[str, Var | Const] = {}
    for own, other in zip(coming.action.terms, going.action.terms, strict=True):
        if isinstance(own, Const):
            if own != other:
                return frozenset()
        elif meaning.setdefault(own.name, other) != other:
            return frozenset()
    counted = Counter(term.name for term in old.terms if isinstance(term, Var))
    for term, gone in zip(old.terms, going.rule.head, strict=True):
        free = isinstance(term, Var) and term.name not in meaning and counted[term.name] == 1
        wanted: Expression | None = term if isinstance(term, Const) else meaning.get(term.name)
        if not free and (wanted is None or wanted != gone):
            return frozenset()
    return _same(coming, old)


def _same(effect: Effect, old: Match) -> frozenset[int]:
    pairs = zip(effect.rule.head, old.terms, strict=True)
    return frozenset(place for place, (new, before) in enumerate(pairs) if new == before)
