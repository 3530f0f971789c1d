"""
Expansion: the options of a goal, found by evaluating the rules of its table with the head bound.

One question for each way through a rule, in the order of the heights that they
can prove: where one proves the least there can be, the others are not asked.
However many bindings there are, only so many are looked at; the goal then says
so.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

from congresslite.engine.explanation.goals import Goal, Group, Member, Option
from congresslite.engine.explanation.outline import SOURCE, Deriving, Heights, Way, key_of, unify
from congresslite.engine.explanation.sight import Sight, known
from congresslite.language.aggregates import fold
from congresslite.language.program import Fold
from congresslite.schema import Row, Scalar, identity, order_key

# Bindings of a group that are counted where their heights need not be found out.
COUNTED = 10_000

Rank = tuple[int, int, int]


class Expander:
    """Makes goals and their options. `asked` is how many questions were asked."""

    def __init__(self, sight: Sight, *, whole_groups: bool) -> None:
        self.lookup = sight.lookup
        self.outline = sight.outline
        self.asked = 0
        self._sight = sight
        self._whole_groups = whole_groups
        self._goals: dict[tuple[str, tuple[int, ...], tuple[Hashable, ...]], Goal] = {}

    def goal(self, table: str, values: Mapping[int, Scalar]) -> Goal:
        """The goal of a row that is there, by the values in its places: one for each row, however often it is met."""
        places, row = tuple(values), tuple(values.values())
        key = (table, places, key_of(row))
        found = self._goals.get(key)
        if found is None:
            given = not self.outline.deriving(table) or self.outline.is_fact(table, row)
            heights = SOURCE if given else self.outline.heights(table)
            best = heights.low if heights.certain else None
            found = self._goals[key] = Goal(table, places, row, heights, given, best)
        return found

    def premises(self, option: Option) -> tuple[Goal, ...]:
        """The rows that an option rests on, in written order."""
        return tuple(self.goal(atom.table, known(atom, option.bindings)) for atom in option.way.atoms)

    def expand(self, goal: Goal, width: int) -> None:
        """Find the goal's options, looking at up to `width` bindings of each way."""
        goal.options, goal.looked_at, goal.truncated = [], width, False
        least: Rank | None = None
        for deriving, way, heights in self._candidates(goal):
            if least is not None and (heights.low, deriving.number, way.number if way else 0) > least:
                continue  # something found already proves the row at least as well
            bound = unify(deriving.rule.head, goal.row)
            if bound is None or not self._derives(deriving, goal):
                continue
            if way is None:
                found: Sequence[Option | Group] = self._group(goal, deriving, bound, width)
            else:
                found = self._options(goal, deriving, way, bound, width)
            goal.options += found
            for option in found:
                if option.value is not None:
                    rank = (option.value, deriving.number, way.number if way else 0)
                    least = rank if least is None else min(least, rank)

    def _candidates(self, goal: Goal) -> list[tuple[Deriving, Way | None, Heights]]:
        """The ways that may derive a row, those first that may prove it lowest; of an aggregate the rule as a whole."""
        found: list[tuple[Deriving, Way | None, Heights]] = []
        for deriving in self.outline.deriving(goal.table):
            heights = [self.outline.way_heights(way) for way in deriving.ways]
            if deriving.rule.aggregates:
                whole = Heights(min(each.low for each in heights), max(each.high for each in heights))
                found.append((deriving, None, whole))
            else:
                found += [(deriving, way, each) for way, each in zip(deriving.ways, heights, strict=True)]
        return sorted(found, key=lambda each: each[2].low)

    def _derives(self, deriving: Deriving, goal: Goal) -> bool:
        """Whether the row is in the rule's own table, where that is not the goal's (violations are kept by rule)."""
        return deriving.rule.table == goal.table or self.lookup.has(deriving.rule.table, goal.row)

    # -- rules without aggregates ----------------------------------------------------------------

    def _options(
        self, goal: Goal, deriving: Deriving, way: Way, bound: Mapping[str, Scalar], width: int
    ) -> Sequence[Option]:
        """The bindings of a way; the least of them alone, if all prove the same height."""
        heights = self.outline.way_heights(way)
        bindings, whole = self._bindings(deriving, way, bound, width)
        goal.truncated |= not whole
        value = heights.low if heights.certain else None
        options = [Option(goal, deriving, way, each, value) for each in bindings]
        if value is not None:
            return [min(options, key=Option.rank)] if options else []
        for option in options:
            self._await(option, option)
        return options

    def _await(self, option: Option, user: Option | Group) -> None:
        """Note whose heights an option waits for, and who is to be told when they are known."""
        option.premises = self.premises(option)
        for premise in option.premises:
            premise.users.append(user)

    def _bindings(
        self, deriving: Deriving, way: Way, bound: Mapping[str, Scalar], width: int | None
    ) -> tuple[list[dict[str, Scalar]], bool]:
        """Bindings of a way, and whether these are all."""
        unseen = self._sight.unseen(way.literals, way.idle)
        names = [name for name in way.names if name not in bound and name not in unseen]
        self.asked += 1
        rows = self.lookup.solve(deriving.rule, way.literals, bound, names, width)
        found = [{**bound, **dict(zip(names, row, strict=True))} for row in rows]
        return found, not names or width is None or len(rows) < width

    # -- aggregates ------------------------------------------------------------------------------

    def _group(self, goal: Goal, deriving: Deriving, bound: Mapping[str, Scalar], width: int) -> Sequence[Group]:
        """The group that folds to the row, if it does."""
        ways = [(way, self.outline.way_heights(way)) for way in deriving.ways]
        certain = all(heights.certain for _, heights in ways)
        # Only the whole group says whether this rule made the row, if another one may have made it.
        doubt = not self._alone(deriving)
        limit = None if doubt or self._whole_groups else max(width, COUNTED) if certain else width
        members: dict[Hashable, Member] = {}
        for way, heights in ways:
            bindings, whole = self._bindings(deriving, way, bound, limit)
            goal.truncated |= not whole
            for each in bindings:
                # Alternatives may make the same binding; it counts once.
                key = frozenset((name, identity(value)) for name, value in each.items())
                member = members.setdefault(key, Member(each))
                value = heights.low if certain else None
                member.options.append(Option(member, deriving, way, each, value))
        every = list(members.values())
        if not every or (doubt and not _folds_to(deriving, every, goal.row)):
            return ()
        return (self._folded(goal, deriving, every, certain=certain, width=width),)

    def _folded(self, goal: Goal, deriving: Deriving, members: list[Member], *, certain: bool, width: int) -> Group:
        """The group as an option; members whose heights must be found out are bounded in number."""
        members.sort(key=_member_order)
        total = len(members)
        if certain:
            heights = (min(option.value or 0 for option in member.options) for member in members)
            return Group(goal, deriving, members, max(heights), total)
        if not self._whole_groups and total > width:
            members, goal.truncated = members[:width], True
        group = Group(goal, deriving, members, None, total)
        for member in members:
            for option in member.options:
                self._await(option, group)
        return group

    def _alone(self, deriving: Deriving) -> bool:
        """Whether no other rule and no fact gives its table rows."""
        table = deriving.rule.table
        return len(self.outline.deriving(table)) == 1 and not self.outline.program.facts.get(table)


def _member_order(member: Member) -> list[tuple[str, object]]:
    return [(name, order_key(value)) for name, value in member.bindings.items()]


def _folds_to(deriving: Deriving, members: Sequence[Member], row: Row) -> bool:
    """Whether the group gives the row's values."""
    return all(
        identity(value) == identity(wanted)
        for value, wanted in zip(folded(deriving, members), _folds(deriving, row), strict=True)
    )


def folded(deriving: Deriving, members: Sequence[Member]) -> list[Scalar]:
    """The values that a group's aggregates have, in the order of the head; None where one has no value."""
    terms = [term for term in deriving.rule.head if isinstance(term, Fold)]
    return [fold(term.function, [each.bindings[term.argument.name] for each in members]).value for term in terms]


def _folds(deriving: Deriving, row: Row) -> Iterator[Scalar]:
    return (value for term, value in zip(deriving.rule.head, row, strict=True) if isinstance(term, Fold))
