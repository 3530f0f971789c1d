"""
Satisfaction: whether constraints on single variables can hold together.

For each variable a constraint leaves some numbers, some strings, and perhaps
null and booleans; listed values are tried one by one. A verdict "cannot hold"
is always right; "can hold" only means that nothing was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from congresslite.diagnostics import Span
from congresslite.diagnostics.suggest import did_you_mean
from congresslite.language.printing import domain_text
from congresslite.language.program import Compare, Const, Literal, Match, Member, NoMatch, Var
from congresslite.language.resolution.domains import admits
from congresslite.language.resolution.scope import Scope
from congresslite.language.resolution.where import place_span
from congresslite.language.semantics import Skip, compare, equal
from congresslite.language.syntax import ComparisonOperator, Rule
from congresslite.schema import Choice, Column, Scalar, TableSchema

_NEGATED: dict[ComparisonOperator, ComparisonOperator] = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}
_TURNED: dict[ComparisonOperator, ComparisonOperator] = {
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
    "=": "=",
    "!=": "!=",
}
_SIGNS: dict[ComparisonOperator, frozenset[int]] = {
    "<": frozenset({-1}),
    "<=": frozenset({-1, 0}),
    ">": frozenset({1}),
    ">=": frozenset({0, 1}),
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a body cannot hold: the literal at which it became impossible, and one that it contradicts."""

    reason: str
    span: Span | None
    before: Span | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class _Constraint:
    """What one literal says of one variable. `values` are all that it leaves, if it lists them."""

    test: Callable[[Scalar], bool]
    span: Span | None
    values: tuple[Scalar, ...] | None = None
    # The ends of a range of numbers or strings: (value, whether it belongs to the range).
    low: tuple[Scalar, bool] | None = None
    high: tuple[Scalar, bool] | None = None
    # Whether only values that have an order remain; a domain leaves null as well.
    ordered: bool = False


class Constraints:
    """The constraints of one body, by classes of variables that are equal."""

    def __init__(self, scope: Scope, rule: Rule) -> None:
        self.scope = scope
        self.rule = rule
        self.parent: dict[str, str] = {}
        self.of: dict[str, list[_Constraint]] = {}
        self.signs: dict[tuple[str, str], tuple[frozenset[int], Span | None]] = {}

    def conflict(self, body: Iterable[Literal]) -> Conflict | None:
        """The first contradiction among the literals of a conjunction, or None if none was found."""
        literals = tuple(body)
        for literal in literals:
            match literal:
                case Compare(operator, Var(left), Var(right), negated) if (operator == "=") != negated:
                    if operator in ("=", "!="):
                        self.parent[self.root(left)] = self.root(right)
                case _:
                    pass
        found = self._keys(literals)
        for literal in literals:
            found = found or self._add(literal)
        return found or self._missing(literals)

    def root(self, name: str) -> str:
        """The variable that stands for all that are equal to this one."""
        top = name
        while self.parent.get(top, top) != top:
            top = self.parent[top]
        if top != name:
            self.parent[name] = top
        return top

    def _keys(self, literals: tuple[Literal, ...]) -> Conflict | None:
        """Rows of one table with the same key are one row, so their columns are equal."""
        first: dict[tuple[str, ...], Match] = {}
        for literal in literals:
            schema = self.scope.schema(literal.table) if isinstance(literal, Match) else None
            if schema is None or not schema.key or not isinstance(literal, Match):
                continue
            key = [literal.terms[place] for place, column in enumerate(schema.columns) if column.name in schema.key]
            named = (schema.name, *(self.root(term.name) if isinstance(term, Var) else repr(term) for term in key))
            other = first.setdefault(named, literal)
            for one, two in zip(other.terms, literal.terms, strict=True):
                found = self._one_value(one, two, literal.span, other.span) if other is not literal else None
                if found is not None:
                    return found
        return None

    def _one_value(self, one: Var | Const, two: Var | Const, span: Span | None, before: Span | None) -> Conflict | None:
        match one, two:
            case Var(left), Var(right):
                self.parent[self.root(left)] = self.root(right)
            case (Var(name), Const(value)) | (Const(value), Var(name)):
                return self._narrow(name, _against("=", value, span))
            case Const(left), Const(right) if not equal(left, right):
                return Conflict("a row with this key has one value in each column", span, before)
            case _:
                pass
        return None

    def _add(self, literal: Literal) -> Conflict | None:
        match literal:
            case Match():
                return self._row(literal)
            case Member(Var(name), values, negated):
                if negated:
                    test = _none_of(values)
                    return self._narrow(name, _Constraint(test, literal.span))
                return self._narrow(name, _Constraint(_one_of(values), literal.span, values))
            case Compare(operator, _, _, negated):
                return self._comparison(literal, _NEGATED[operator] if negated else operator)
            case _:
                return None

    def _comparison(self, literal: Compare, operator: ComparisonOperator) -> Conflict | None:
        match literal.left, literal.right:
            case Var(name), Const(value):
                return self._narrow(name, _against(operator, value, literal.span))
            case Const(value), Var(name):
                return self._narrow(name, _against(_TURNED[operator], value, literal.span))
            case Const(left), Const(right):
                if not _holds(operator, left, right):
                    return Conflict("the comparison is false", literal.span)
            case Var(left), Var(right):
                return self._pair(self.root(left), self.root(right), operator, literal.span)
            case _:
                pass
        return None

    def _pair(self, left: str, right: str, operator: ComparisonOperator, span: Span | None) -> Conflict | None:
        """Two variables: what their order can still be."""
        if left == right:
            return Conflict("both sides are equal", span) if operator in ("<", ">", "!=") else None
        if operator not in _SIGNS:
            return None
        if left > right:
            left, right, operator = right, left, _TURNED[operator]
        before, where = self.signs.get((left, right), (frozenset({-1, 0, 1}), None))
        now = before & _SIGNS[operator]
        self.signs[left, right] = (now, where or span)
        return None if now else Conflict("the two orderings exclude each other", span, where)

    def _row(self, literal: Match) -> Conflict | None:
        schema = self.scope.schema(literal.table)
        if schema is None:
            return None
        for place, (column, term) in enumerate(zip(schema.columns, literal.terms, strict=False)):
            if column.domain is None:
                continue
            if isinstance(term, Const):
                if term.value is not None and not admits(column.domain, term.value):
                    return self._outside(literal, schema, place, term.value)
            elif not term.anonymous:
                found = self._narrow(term.name, _domain(column, literal.span))
                if found is not None:
                    reason = f"`{schema.name}.{column.name}` is declared in `{domain_text(column.domain)}`"
                    return Conflict(reason, found.span, found.before, found.hint)
        return None

    def _outside(self, literal: Match, schema: TableSchema, place: int, value: Scalar) -> Conflict:
        column = schema.columns[place]
        assert column.domain is not None
        reason = f"`{schema.name}.{column.name}` is declared in `{domain_text(column.domain)}`"
        hint = None
        if isinstance(column.domain, Choice) and isinstance(value, str):
            hint = did_you_mean(value, (each for each in column.domain.values if isinstance(each, str)))
        span = place_span(self.rule, literal.span, schema, place) if literal.span is not None else None
        return Conflict(reason, span, hint=hint)

    def _narrow(self, name: str, constraint: _Constraint) -> Conflict | None:
        """Add what is said of a variable; a conflict if no value remains."""
        known = self.of.setdefault(self.root(name), [])
        known.append(constraint)
        if (len(known) == 1 and constraint.values is None) or _satisfiable(known):
            return None
        shown = name if not name.startswith(("$", "#")) else "it"
        before = next((each for each in known if not _satisfiable([each, constraint])), known[0])
        span, other = constraint.span, before.span
        if span is not None and other is not None and other.start > span.start:
            span, other = other, span
        return Conflict(f"no value is left for `{shown}`", span, other if other is not span else None)

    def _missing(self, literals: tuple[Literal, ...]) -> Conflict | None:
        """A row that must be there and must not be there."""
        there = [literal for literal in literals if isinstance(literal, Match) and literal.table]
        for absent in literals:
            if isinstance(absent, NoMatch):
                for match in there:
                    if match.table == absent.table and self._covers(absent, match):
                        return Conflict("the row is asked for and excluded", absent.span, match.span)
        return None

    def _covers(self, absent: NoMatch, match: Match) -> bool:
        return all(self._same(one, other) for one, other in zip(absent.terms, match.terms, strict=True))

    def _same(self, absent: Var | Const, term: Var | Const) -> bool:
        match absent, term:
            case Var(), _ if absent.anonymous:
                return True
            case Var(left), Var(right):
                return self.root(left) == self.root(right)
            case Const(left), Const(right):
                return equal(left, right)
            case _:
                return False


def _holds(operator: ComparisonOperator, left: Scalar, right: Scalar) -> bool:
    try:
        return compare(operator, left, right)
    except Skip:
        return False


def _one_of(values: tuple[Scalar, ...]) -> Callable[[Scalar], bool]:
    return lambda value: any(equal(value, each) for each in values)


def _none_of(values: tuple[Scalar, ...]) -> Callable[[Scalar], bool]:
    return lambda value: not any(equal(value, each) for each in values)


def _against(operator: ComparisonOperator, value: Scalar, span: Span | None) -> _Constraint:
    """What a comparison with a constant leaves."""

    def test(given: Scalar) -> bool:
        return _holds(operator, given, value)

    match operator:
        case "=":
            return _Constraint(test, span, (value,))
        case "!=":
            return _Constraint(test, span)
        case "<" | "<=":
            return _Constraint(test, span, high=(value, operator == "<="), ordered=True)
        case _:
            return _Constraint(test, span, low=(value, operator == ">="), ordered=True)


def _domain(column: Column, span: Span | None) -> _Constraint:
    """What a declared domain leaves: its values, and null."""
    domain = column.domain
    assert domain is not None

    def test(given: Scalar) -> bool:
        return given is None or admits(domain, given)

    if isinstance(domain, Choice):
        return _Constraint(test, span, (None, *domain.values))
    low = None if domain.low is None else (domain.low, True)
    high = None if domain.high is None else (domain.high, True)
    return _Constraint(test, span, low=low, high=high)


def _satisfiable(constraints: list[_Constraint]) -> bool:
    """Whether some value may meet all constraints."""
    listed = [each.values for each in constraints if each.values is not None]
    if listed:
        return any(all(each.test(value) for each in constraints) for value in min(listed, key=len))
    if not any(each.ordered for each in constraints):
        return True
    ends = [end for each in constraints for end in (each.low, each.high) if end is not None]
    if not all(_ordered(end[0], ends[0][0]) for end in ends):
        return False
    return all(
        _holds("<=" if low[1] and high[1] else "<", low[0], high[0])
        for low in (each.low for each in constraints if each.low is not None)
        for high in (each.high for each in constraints if each.high is not None)
    )


def _ordered(left: Scalar, right: Scalar) -> bool:
    return _holds("<=", left, right) or _holds(">", left, right)
