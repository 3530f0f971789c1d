"""
A second opinion: the language as its text reads, without any cleverness.

Nested loops over dictionaries of bindings, repeated until nothing is new. It
shares no code with the engines: arithmetic, comparison and aggregates are
written anew from the description of the language, with rational numbers. It is
slow and only for tests.

Values are kept by `identity`, so a boolean stands as `(True,)` and Python's own
equality is the language's.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from congresslite.language.builtins import BUILTINS
from congresslite.language.program import (
    Calc,
    Call,
    CheckedRule,
    Compare,
    Const,
    Either,
    Fold,
    Literal,
    Match,
    Member,
    NoMatch,
    Program,
    Var,
)
from congresslite.language.semantics import Skip
from congresslite.schema import Row, identity

Bindings = dict[str, Any]
Tables = dict[str, set[tuple[Hashable, ...]]]


def evaluate_naively(program: Program, rows: Mapping[str, Iterable[Row]], clock: str = "2026-01-01 00:00:00") -> Tables:
    """Every derived table of a program, as a set of rows of identities."""
    tables: Tables = {name: set() for name in (*program.base, *program.tables)}
    for given in (rows, program.facts):
        for name, each in given.items():
            tables.setdefault(name, set()).update(tuple(identity(value) for value in row) for row in each)
    for stratum in program.strata:
        rules = [rule for rule in program.rules if rule.table in stratum.tables]
        grown = True
        while grown:
            before = sum(len(tables[name]) for name in stratum.tables)
            for rule in rules:
                tables[rule.table] |= set(heads(rule, tables, clock))
            grown = sum(len(tables[name]) for name in stratum.tables) > before
    return {name: tables[name] for name in program.tables}


def heads(rule: CheckedRule, tables: Tables, clock: str) -> list[tuple[Hashable, ...]]:
    """The head rows that a rule derives from the tables as they are."""
    bindings = {frozenset(each.items()) for each in solve(list(rule.body), {}, tables, clock)}
    if not rule.aggregates:
        return [tuple(evaluate(term, dict(each)) for term in rule.head) for each in bindings]
    groups: dict[tuple[Hashable, ...], list[Bindings]] = {}
    for each in bindings:
        key = tuple(evaluate(term, dict(each)) for term in rule.head if not isinstance(term, Fold))
        groups.setdefault(key, []).append(dict(each))
    found = []
    for key, members in groups.items():
        rest = iter(key)
        row = [
            aggregate(term.function, [each[term.argument.name] for each in members])
            if isinstance(term, Fold)
            else next(rest)
            for term in rule.head
        ]
        if not any(value is NO_ROW for value in row):
            found.append(tuple(row))
    return found


def solve(body: list[Literal], bound: Bindings, tables: Tables, clock: str) -> Iterator[Bindings]:
    """The bindings that make every literal hold, starting from those that are bound."""
    if not body:
        yield bound
        return
    chosen = next(literal for literal in body if ready(literal, set(bound)))
    rest = [literal for literal in body if literal is not chosen]
    for each in extend(chosen, bound, tables, clock):
        yield from solve(rest, each, tables, clock)


def extend(literal: Literal, bound: Bindings, tables: Tables, clock: str) -> Iterator[Bindings]:
    """The bindings that make one literal hold; none where an operation holds neither way."""
    try:
        match literal:
            case Match(table, terms):
                yield from (each for row in tables[table] if (each := unify(terms, row, bound)) is not None)
            case NoMatch(table, terms):
                if all(unify(terms, row, bound) is None for row in tables[table]):
                    yield bound
            case Compare("=", Var(name), expression, False) if name not in bound:
                yield {**bound, name: evaluate(expression, bound)}
            case Compare("=", expression, Var(name), False) if name not in bound:
                yield {**bound, name: evaluate(expression, bound)}
            case Compare(operator, left, right, negated):
                if compare(operator, evaluate(left, bound), evaluate(right, bound)) != negated:
                    yield bound
            case Member(term, values, negated):
                if (evaluate(term, bound) in [identity(value) for value in values]) != negated:
                    yield bound
            case Call(name, inputs, outputs, negated):
                given = [plain(evaluate(term, bound)) for term in inputs]
                rows = [tuple(identity(value) for value in row) for row in BUILTINS[name].rows(given, clock)]
                wanted = [term if free(term, bound) else Const(plain(evaluate(term, bound))) for term in outputs]
                found = [each for row in rows if (each := unify(wanted, row, bound)) is not None]
                yield from ([] if found else [bound]) if negated else found
            case Either(branches):
                for branch in branches:
                    yield from solve(list(branch), bound, tables, clock)
    except Skip:
        return


def ready(literal: Literal, bound: set[str]) -> bool:
    """Whether a literal can be evaluated when these variables are bound."""
    match literal:
        case Match():
            return True
        case NoMatch(_, terms):
            return all(variables(term) <= bound for term in terms if not getattr(term, "anonymous", False))
        case Compare("=", Var(_), expression, False) if variables(expression) <= bound:
            return True
        case Compare("=", expression, Var(_), False) if variables(expression) <= bound:
            return True
        case Compare(_, left, right, _):
            return variables(left) | variables(right) <= bound
        case Member(term, _, _):
            return variables(term) <= bound
        case Call(_, inputs, outputs, negated):
            needed = [term for term in outputs if not isinstance(term, Var) or (negated and not term.anonymous)]
            return all(variables(term) <= bound for term in (*inputs, *needed))
        case Either(branches):
            return all(solvable(list(branch), bound) for branch in branches)


def solvable(body: list[Literal], bound: set[str]) -> bool:
    """Whether some order of the literals binds what each of them needs."""
    while body:
        chosen = next((literal for literal in body if ready(literal, bound)), None)
        if chosen is None:
            return False
        body = [literal for literal in body if literal is not chosen]
        bound = bound | binds(chosen)
    return True


def binds(literal: Literal) -> set[str]:
    """The variables that are bound once a literal holds."""
    match literal:
        case Match(_, terms) | Call(_, _, terms, False):
            return set().union(*map(variables, terms))
        case Compare("=", left, right, False):
            return variables(left) | variables(right)
        case Either(branches):
            return set.intersection(*({name for each in branch for name in binds(each)} for branch in branches))
    return set()


def variables(term: Any) -> set[str]:
    """The names of the variables in an expression."""
    match term:
        case Var(name):
            return {name}
        case Calc(_, left, right):
            return variables(left) | variables(right)
    return set()


def free(term: Any, bound: Bindings) -> bool:
    return isinstance(term, Var) and term.name not in bound


def unify(terms: Sequence[Any], row: Sequence[Any], bound: Bindings) -> Bindings | None:
    """The bindings under which the terms are the row, or None."""
    result = dict(bound)
    for term, value in zip(terms, row, strict=True):
        expected = identity(term.value) if isinstance(term, Const) else result.setdefault(term.name, value)
        if expected != value:
            return None
    return result


def evaluate(term: Any, bound: Bindings) -> Any:
    """The identity of an expression's value. Raises Skip where it has none."""
    match term:
        case Const(value):
            return identity(value)
        case Var(name):
            return bound[name]
        case Calc(operator, left, right):
            return calculate(operator, evaluate(left, bound), evaluate(right, bound))
    raise AssertionError(term)


def plain(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def numeric(value: Any) -> bool:
    return isinstance(value, int | float)  # booleans stand as tuples here


def calculate(operator: str, left: Any, right: Any) -> Any:
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not numeric(left) or not numeric(right) or (operator in "/%" and right == 0):
        raise Skip
    if isinstance(left, int) and isinstance(right, int):
        x, y = Fraction(left), Fraction(right)
        if operator == "/":
            return settle(float(x / y))
        whole = {"+": x + y, "-": x - y, "*": x * y}.get(operator)
        return fitting(x - y * (x // y) if whole is None else whole)
    functions = {"+": float.__add__, "-": float.__sub__, "*": float.__mul__, "/": float.__truediv__, "%": float.__mod__}
    return settle(functions[operator](float(left), float(right)))


def fitting(exact: Fraction) -> int:
    """A whole number that fits in 64 bits."""
    if not -(2**63) <= exact < 2**63:
        raise Skip
    return int(exact)


def settle(number: float) -> int | float:
    """A float as the integer that it equals, if that fits; a NaN or an infinity is no value."""
    if not math.isfinite(number):
        raise Skip
    whole = Fraction(number)
    return int(whole) if whole.denominator == 1 and -(2**63) <= whole < 2**63 else number


def compare(operator: str, left: Any, right: Any) -> bool:
    if operator in ("=", "!="):
        return bool((left == right) == (operator == "="))
    if numeric(left) and numeric(right):
        x, y = [Fraction(left)], [Fraction(right)]
    elif isinstance(left, str) and isinstance(right, str):
        x, y = [Fraction(ord(each)) for each in left], [Fraction(ord(each)) for each in right]
    else:
        raise Skip
    return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[operator]


NO_ROW = object()


def aggregate(function: str, values: list[Any]) -> Any:
    """One group folded, or NO_ROW."""
    values = [value for value in values if value is not None]
    if function in ("sum", "avg"):
        values = [value for value in values if numeric(value)]
    if not values:
        return NO_ROW
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len(set(values))
    if function in ("min", "max"):
        if not (all(map(numeric, values)) or all(isinstance(value, str) for value in values)):
            return NO_ROW
        return sorted(values)[0 if function == "min" else -1]
    total = sum(map(Fraction, values), Fraction())
    try:
        if function == "avg":
            return settle(float(total / len(values)))
        return fitting(total) if all(isinstance(value, int) for value in values) else settle(float(total))
    except (Skip, OverflowError):
        return NO_ROW
