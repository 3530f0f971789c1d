"""
Aggregates over what is chosen: the values that a group might have, and when it has each.

A group's elements are known, only which of them are there is not. So every value that some of them could give becomes
a possible row, whose literal says that the group has exactly this value. The rule to keep: what cannot be said exactly
(averages, sums of fractions, more values than can be listed) is refused by name, never rounded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import product
from math import gcd

from congresslite.analysis.adaptation.literals import FALSE, MAX_SUM, TRUE, GroundProgram, TooLargeError
from congresslite.diagnostics import Diagnostic
from congresslite.language.aggregates import fold
from congresslite.language.program import CheckedRule, Fold
from congresslite.language.semantics import is_number
from congresslite.language.syntax import AggregateFunction
from congresslite.schema import Row, Scalar, identity, order_key

# How many values one aggregate may have in one group: each of them may have to be told apart from all others.
MAX_VALUES = 20_000

Element = tuple[Row, int]  # the values to be folded, by place of the aggregate in the head; and when they are there
Value = tuple[Scalar, Callable[[], int]]  # what a group might have, and when it has it
_Listed = Sequence[tuple[Scalar, int]]


class Refused(Exception):  # noqa: N818 - no error yet, but the reason for one
    """What cannot be said exactly, in words."""


def refusal(rule: CheckedRule, error: Exception) -> Diagnostic:
    """The finding about a rule that cannot be solved for."""
    if isinstance(error, TooLargeError):
        hint = "use a larger unit: gigabytes instead of bytes, say"
        return Diagnostic("CL644", "this rule sums up more than a solver counts exactly", rule.span, hint)
    hint = (
        "let it rest on tables that no choice touches, or say it with `sum`, `count`, `min` or `max` of whole numbers"
    )
    return Diagnostic("CL643", f"this rule cannot be solved for: {error}", rule.span, hint)


def folded_rows(
    program: GroundProgram, rule: CheckedRule, group: Row, elements: Sequence[Element]
) -> Iterator[tuple[Row, Callable[[], int]]]:
    """The rows that a group might give, with their literals. Raises Refused, TooLargeError."""
    folds = [term for term in rule.head if isinstance(term, Fold)]
    there = [(values, literal) for values, literal in elements if literal != FALSE]
    options = [
        list(_values(program, each.function, [(values[place], literal) for values, literal in there]))
        for place, each in enumerate(folds)
    ]
    total = 1
    for each in options:
        total *= len(each)
    if total > MAX_VALUES:
        raise Refused(f"a group of it has more than {MAX_VALUES:,} possible values")
    for chosen in product(*options):
        keys, found = iter(group), iter(value for value, _ in chosen)
        row = tuple(next(found) if isinstance(term, Fold) else next(keys) for term in rule.head)
        yield row, _all(program, [literal for _, literal in chosen])


def _all(program: GroundProgram, literals: Sequence[Callable[[], int]]) -> Callable[[], int]:
    return literals[0] if len(literals) == 1 else lambda: program.all_of([each() for each in literals])


def _values(program: GroundProgram, function: AggregateFunction, elements: _Listed) -> Iterator[Value]:
    known = [(value, literal) for value, literal in elements if value is not None]
    if all(literal == TRUE for _, literal in known):
        value = fold(function, [value for value, _ in known]).value
        if value is not None:
            yield value, lambda: TRUE
        return
    match function:
        case "count":
            yield from _sums(program, [(1, literal) for _, literal in known])
        case "count_distinct":
            yield from _sums(program, [(1, program.any_of(each)) for each in _by_value(known).values()])
        case "sum":
            yield from _sums(program, _whole(known))
        case "min" | "max":
            yield from _extremes(program, known, greatest=function == "max")
        case "avg":
            raise Refused("`avg` of what is chosen is no whole number")


def _by_value(known: _Listed) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = {}
    for value, literal in known:
        found.setdefault(identity(value), []).append(literal)
    return found


def _whole(known: _Listed) -> list[tuple[int, int]]:
    """The numbers of a sum; what is none is skipped, as the language does."""
    numbers = [(value, literal) for value, literal in known if is_number(value)]
    if any(isinstance(value, float) for value, _ in numbers):
        raise Refused("it sums up fractions, which a solver would round")
    return [(int(value), literal) for value, literal in numbers]


def _sums(program: GroundProgram, elements: Sequence[tuple[int, int]]) -> Iterator[Value]:
    fixed = [weight for weight, literal in elements if literal == TRUE]
    free = [(literal, weight) for weight, literal in elements if literal not in (TRUE, FALSE)]
    sizes = [abs(weight) for _, weight in free]
    if sum(sizes) // (gcd(*sizes) or 1) > MAX_SUM:
        raise TooLargeError
    base = sum(fixed)
    # Without any element there is no row, so a sum of 0 may be no sum at all.
    reached = {base} if fixed else set()
    for weights in _together(program, free):
        reached |= {total + weight for total in reached for weight in weights} | (set() if fixed else weights)
        _bounded(reached)
    any_of = [TRUE] if fixed else [literal for literal, _ in free]
    for total in sorted(reached):
        yield total, _exactly(program, total - base, free, any_of)


def _together(program: GroundProgram, free: Sequence[tuple[int, int]]) -> Iterator[set[int]]:
    """What parts of a sum may come to, parts that have nothing to do with each other.

    Elements that need different options of one group exclude each other, so that only one of them counts.
    """
    alone: list[int] = []
    groups: defaultdict[int, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for literal, weight in free:
        option = program.needs(literal)
        if option is None:
            alone.append(weight)
        else:
            groups[program.options[option]][option].append(weight)
    yield from ({weight} for weight in alone)
    for options in groups.values():
        yield _bounded(set().union(*map(_subsets, options.values())))


def _subsets(weights: Iterable[int]) -> set[int]:
    """What some of these come to, at least one."""
    found: set[int] = set()
    for weight in weights:
        found |= {total + weight for total in found} | {weight}
        _bounded(found)
    return found


def _bounded(totals: set[int]) -> set[int]:
    if len(totals) > MAX_VALUES:
        raise Refused(f"a group of it has more than {MAX_VALUES:,} possible values")
    return totals


def _exactly(
    program: GroundProgram, total: int, free: Sequence[tuple[int, int]], any_of: Sequence[int]
) -> Callable[[], int]:
    def literal() -> int:
        more = program.at_least(total + 1, free)
        return program.all_of([program.at_least(total, free), -more, program.any_of(any_of)])

    return literal


def _extremes(program: GroundProgram, known: _Listed, *, greatest: bool) -> Iterator[Value]:
    kinds = {str if isinstance(value, str) else int if is_number(value) else None for value, _ in known}
    if len(kinds) > 1 or None in kinds:
        raise Refused("it compares values of several kinds")
    literals: dict[Scalar, list[int]] = {}
    for value, literal in known:
        literals.setdefault(value, []).append(literal)
    before: list[int] = []
    for value in sorted(literals, key=order_key, reverse=greatest):
        mine = program.any_of(literals[value])
        yield value, _first(program, mine, tuple(before))
        if mine == TRUE:
            return
        before.append(mine)


def _first(program: GroundProgram, mine: int, before: Sequence[int]) -> Callable[[], int]:
    return lambda: program.all_of([mine, *(-each for each in before)])
