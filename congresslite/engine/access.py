"""
Accesses: how a literal reaches a relation, and in which order literals are joined.

Constants and repeated variables of an atom become a selection of the relation,
made once and indexed by itself; what is left is a mapping from variables to
columns. The order is greedy: from each possible start, always the literal that
is expected to leave the fewest bindings; the start with the lowest cost wins.
Expectations come from the relations as they are, not from guesses about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from congresslite.engine.relation import Relation, Selection
from congresslite.language.program import Call, Compare, Const, Expression, Match, NoMatch, Var
from congresslite.plan.nodes import Condition, Conjunction, condition_variables, variables_of

# What it costs to build an index, for each of its rows, and to follow it to a row, against handling one binding.
# Where no value repeats, it is one array to look up in; otherwise rows are sorted, and found in runs.
_UNIQUE_COST, _INDEX_COST = 0.3, 2.0
_UNIQUE_STEP, _INDEX_STEP = 0.5, 1.5
# Starts that are tried; a rule with more literals has one that is as good among the smallest.
_MAX_STARTS = 6
# A delta is expected to be small, whatever it will be.
_DELTA_ROWS = 100.0


@dataclass(frozen=True, slots=True)
class Access:
    """A literal's way into a relation: the rows of `selection`, with variables at these columns."""

    relation: Relation
    selection: Selection
    columns: Mapping[str, int]

    def selected(self) -> Relation:
        """The rows that the constants and repeated variables let through, as they are now."""
        return self.relation.selection(self.selection)


def access(literal: Match | NoMatch, relation: Relation, used: frozenset[str]) -> Access:
    """The access of a literal, with columns for the variables that are used: for any other, any value will do."""
    constants: list[tuple[int, int]] = []
    equal: list[tuple[int, int]] = []
    columns: dict[str, int] = {}
    for position, term in enumerate(literal.terms):
        match term:
            case Const(value):
                constants.append((position, relation.dictionaries[position].add(value)))
            case Var(name) if name in columns:
                equal.append((columns[name], position))
            case Var(name) if name in used:
                columns[name] = position
            case _:
                pass
    return Access(relation, Selection(tuple(constants), tuple(equal)), columns)


def join_order(accesses: Sequence[Access], conditions: Sequence[Condition], start: int | None) -> list[int]:
    """The order in which to join, as places in `accesses`; it begins with `start` if that is given."""
    if len(accesses) <= 1:
        return list(range(len(accesses)))
    if start is not None:
        return _greedy(accesses, conditions, start, _DELTA_ROWS)[1]
    smallest = sorted(range(len(accesses)), key=lambda each: (accesses[each].selected().rows, each))[:_MAX_STARTS]
    tried = [_greedy(accesses, conditions, each, float(accesses[each].selected().rows)) for each in smallest]
    return min(tried, key=lambda each: each[0])[1]


def _greedy(
    accesses: Sequence[Access], conditions: Sequence[Condition], start: int, rows: float
) -> tuple[float, list[int]]:
    """The expected cost and the order that begins with `start`, of which `rows` rows are expected."""
    order, cost = [start], 0.0
    bound = bound_after(set(accesses[start].columns), conditions)
    remaining = [each for each in range(len(accesses)) if each != start]
    while remaining:
        connected = [each for each in remaining if not bound.isdisjoint(accesses[each].columns)] or remaining
        fan_out, best = min((_fan_out(accesses[each], bound), each) for each in connected)
        build, follow = _index_costs(accesses[best], bound)
        cost += build + rows + rows * fan_out * follow
        rows *= fan_out
        order.append(best)
        remaining.remove(best)
        bound = bound_after(bound | set(accesses[best].columns), conditions)
    return cost, order


def _fan_out(access: Access, bound: set[str]) -> float:
    """How many rows are expected for one binding."""
    relation = access.selected()
    rows = float(relation.rows)
    for name, position in access.columns.items():
        if name in bound:
            rows /= max(1, relation.distinct_count(position))
    return rows


def _index_costs(access: Access, bound: set[str]) -> tuple[float, float]:
    """What it costs to build the index that a binding needs, if it is not there, and to follow it to one row."""
    relation = access.selected()
    positions = [position for name, position in access.columns.items() if name in bound]
    if not positions:
        return 0.0, 1.0
    unique = any(relation.distinct_count(position) == relation.rows for position in positions)
    ready = any(relation.has_index(position) for position in positions)
    build = 0.0 if ready else (_UNIQUE_COST if unique else _INDEX_COST) * relation.rows
    return build, _UNIQUE_STEP if unique else _INDEX_STEP


def best_position(access: Access, bound: Iterable[str]) -> int | None:
    """The column through which to look up a binding: the one with the most values among those that are bound."""
    relation = access.selected()
    positions = [access.columns[name] for name in bound if name in access.columns]
    if not positions:
        return None
    return max(positions, key=lambda each: (relation.distinct_count(each), relation.has_index(each), -each))


def bound_after(bound: set[str], conditions: Sequence[Condition]) -> set[str]:
    """The variables that are bound once conditions have bound what follows from `bound`."""
    result = set(bound)
    changed = True
    while changed:
        changed = False
        for condition in conditions:
            new = binds(condition, result)
            if new is not None and not new <= result:
                result |= new
                changed = True
    return result


def binds(condition: Condition, bound: set[str]) -> set[str] | None:
    """The variables that a condition binds when these are bound; None if it cannot be evaluated yet."""
    match condition:
        case Call(_, inputs, outputs, negated):
            # What a negated call compares with is bound elsewhere; only `_` stands for any value.
            free = {each.name for each in outputs if isinstance(each, Var) and (each.anonymous or not negated)}
            if not _names(inputs) | (_names(outputs) - free) <= bound:
                return None
            return set() if negated else free - bound
        case Compare("=", left, right, negated=False):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, Var) and one.name not in bound:
                    return {one.name} if _names((other,)) <= bound else None
    return set() if condition_variables(condition) <= bound else None


def _names(expressions: Iterable[Expression]) -> set[str]:
    return {name for each in expressions for name in variables_of(each)}


def used_variables(conjunction: Conjunction, *, everything: bool) -> frozenset[str]:
    """The variables that something but a single place of a scan uses: only their columns need to be read.

    With `everything`, all variables: an aggregate over alternatives must tell their bindings apart.
    """
    seen: set[str] = set()
    used = {name for term in conjunction.head for name in variables_of(term)}
    used.update(name for condition in conjunction.conditions for name in condition_variables(condition))
    for none in conjunction.absent:
        used.update(each.name for each in none.terms if isinstance(each, Var) and not each.anonymous)
    for literal in conjunction.scans:
        for term in literal.terms:
            if isinstance(term, Var):
                if everything or term.name in seen:
                    used.add(term.name)
                seen.add(term.name)
    return frozenset(used)
