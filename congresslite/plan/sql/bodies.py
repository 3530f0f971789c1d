"""
Bodies: a conjunction as the FROM and WHERE of a SELECT.

Its scans are joined in one go, and the database chooses their order. What an
expression or a builtin gives a name to needs a SELECT around that, one for each
step from bound variables to newly bound ones; a condition or a negation
is tested in the first of them that has its variables.
"""

# ruff: noqa: S608 - every name is quoted, and every text a literal
from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from congresslite.language.program import Call, Compare, Const, Expression, Match, Member, NoMatch, Var
from congresslite.plan.nodes import Condition, Conjunction
from congresslite.plan.sql.calls import Rows, Test, Value, answer
from congresslite.plan.sql.kinds import Kind, Term
from congresslite.plan.sql.layout import Layout
from congresslite.plan.sql.names import Names
from congresslite.plan.sql.select import Select, nested
from congresslite.plan.sql.terms import Terms
from congresslite.plan.variables import binds, used_variables

# Begins the names of what a builtin gives only to be compared; no variable of a rule is named so.
MADE = "$."


@dataclass(slots=True)
class Body:
    """What a SELECT is made of so far, and the variables that it has."""

    sources: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    env: dict[str, Term] = field(default_factory=dict)


def body(
    conjunction: Conjunction,
    layout: Layout,
    terms: Terms,
    *,
    everything: bool = False,
    delta: Mapping[int, str] | None = None,
) -> Body:
    """The body of a conjunction; each of its bindings is one row.

    `everything`: all variables are kept; `delta`: the tables that scans at these places read instead of their own.
    """
    return _Builder(conjunction, layout, terms, everything, delta or {}).build()


class _Builder:
    def __init__(
        self, conjunction: Conjunction, layout: Layout, terms: Terms, everything: bool, delta: Mapping[int, str]
    ) -> None:
        self._layout, self._terms, self._delta = layout, terms, delta
        self._used = used_variables(conjunction, everything=everything)
        self._scans = conjunction.scans
        self._conditions = list(conjunction.conditions)
        self._absent = list(conjunction.absent)
        self._aliases = 0
        self._body = Body()

    def build(self) -> Body:
        """All literals of the conjunction."""
        self._join()
        while binders := self._test():
            self._bind(binders)
        assert not self._conditions, "a condition whose variables nothing binds"
        return self._body

    def _alias(self, letter: str) -> str:
        self._aliases += 1
        return f"{letter}{self._aliases}"

    def _join(self) -> None:
        """The scans, with what their constants and shared variables ask for."""
        places: defaultdict[str, list[Term]] = defaultdict(list)
        for number, scan in enumerate(self._scans):
            alias = self._alias("t")
            self._body.sources.append(f"{self._delta.get(number, self._layout[scan.table].name)} AS {alias}")
            for term, column in self._columns(scan, alias):
                if isinstance(term, Const):
                    self._body.where.append(self._terms.equal(column, self._terms.constant(term.value)))
                else:
                    places[term.name].append(column)
        for name, columns in places.items():
            # The plainest column stands for the variable.
            best = min(columns, key=lambda column: (column.nullable, column.kind is Kind.VALUE))
            self._body.env[name] = best
            self._body.where += [self._terms.equal(best, each) for each in columns if each is not best]

    def _columns(self, literal: Match | NoMatch, alias: str) -> list[tuple[Var | Const, Term]]:
        """The terms of a literal that say something, each with its column."""
        stored = self._layout[literal.table].columns
        return [
            (term, Term(f"{alias}.{stored[place].name}", stored[place].kind, stored[place].nullable))
            for place, term in enumerate(literal.terms)
            if isinstance(term, Const) or term.name in self._used
        ]

    def _test(self) -> list[Condition]:
        """Test what has its variables; returns the conditions that bind new ones, each others than those before."""
        binders: list[Condition] = []
        bound = set(self._body.env)
        taken: set[str] = set()
        for condition in list(self._conditions):
            new = binds(condition, bound)
            if new is None or new & taken:
                continue
            if new:
                taken |= new
                binders.append(condition)
            else:
                self._body.where += self._condition(condition)
            self._conditions.remove(condition)
        for absent in list(self._absent):
            if {term.name for term in absent.terms if isinstance(term, Var) and term.name in self._used} <= bound:
                self._absent.remove(absent)
                self._body.where.append(self._no_match(absent))
        return binders

    def _no_match(self, literal: NoMatch) -> str:
        alias = self._alias("n")
        tests = [
            self._terms.equal(self._terms.expression(term, self._body.env), column)
            for term, column in self._columns(literal, alias)
        ]
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        return f"NOT EXISTS (SELECT 1 FROM {self._layout[literal.table].name} AS {alias}{where})"

    # Conditions that bind nothing

    def _condition(self, condition: Condition) -> list[str]:
        terms, env = self._terms, self._body.env
        match condition:
            case Compare(operator, left, right, negated):
                pair = terms.expression(left, env), terms.expression(right, env)
                return [terms.compared(operator, *pair, negated=negated)]
            case Member(term, values, negated):
                return [terms.member(terms.expression(term, env), values, negated=negated)]
            case Call():
                return self._call(condition)

    def _call(self, call: Call) -> list[str]:
        found = answer(call, self._body.env, self._terms, self._alias("r"))
        wanted = [self._wanted(each) for each in call.outputs]
        match found:
            case Test(sql, negation):
                return [negation if call.negated else sql]
            case Value(term):
                if wanted[0] is None:
                    # There is a value, or neither way: only the first is said by a positive call.
                    return ["FALSE"] if call.negated else [f"{term.sql} IS NOT NULL"]
                return [self._terms.equal(wanted[0], term, negated=call.negated)]
            case Rows(source, columns, known):
                pairs = [(each, column) for each, column in zip(wanted, columns, strict=True) if each is not None]
                tests = [self._terms.equal(each, column) for each, column in pairs]
                where = f" WHERE {' AND '.join(tests)}" if tests else ""
                exists = f"EXISTS (SELECT 1 FROM {source}{where})"
                if not call.negated:
                    return [exists]
                present = [f"{each.sql} IS NOT NULL" for each in wanted if each is not None and each.partial]
                return [known, *present, f"NOT {exists}"]

    def _wanted(self, output: Expression) -> Term | None:
        """What an output must be; None if anything will do."""
        if isinstance(output, Var) and output.anonymous and output.name not in self._body.env:
            return None
        return self._terms.expression(output, self._body.env)

    # Conditions that bind

    def _bind(self, binders: Sequence[Condition]) -> None:
        """Name what conditions give: in a SELECT around what there is, unless it is a name already."""
        columns: dict[str, Term] = {}
        more: list[str] = []
        for condition in binders:
            match condition:
                case Compare(_, left, right):
                    name, value = self._assigned(left, right)
                    columns[name] = self._terms.expression(value, self._body.env)
                case Call():
                    columns |= self._outputs(condition, more)
        self._body.sources += more
        if not more and not any(term.partial for term in columns.values()):
            self._body.env |= columns
            return
        env = {name: term for name, term in self._body.env.items() if name in self._used} | columns
        names = Names()
        named = tuple((term, names.of(name)) for name, term in env.items())
        fence = self._terms.dialect.fence
        inner = Select(named, tuple(self._body.sources), tuple(self._body.where), fence=fence)
        alias = self._alias("s")
        outer = {name: term.named(f"{alias}.{names.of(name)}") for name, term in env.items()}
        present = [outer[name].sql + " IS NOT NULL" for name, term in env.items() if term.partial]
        self._body = Body([nested(inner.text, alias)], present, outer)

    def _assigned(self, left: Expression, right: Expression) -> tuple[str, Expression]:
        """The variable of an equality that has no value yet, and what gives it one."""
        if isinstance(left, Var) and left.name not in self._body.env:
            return left.name, right
        assert isinstance(right, Var)
        return right.name, left

    def _outputs(self, call: Call, more: list[str]) -> dict[str, Term]:
        """The variables that a builtin gives values to; its other outputs are compared once those have them."""
        found = answer(call, self._body.env, self._terms, self._alias("r"))
        match found:
            case Value(term):
                values: Sequence[Term] = (term,)
            case Rows(source, columns, _):
                more.append(source)
                values = columns
            case Test():
                values = ()
        given: dict[str, Term] = {}
        for output, value in zip(call.outputs, values, strict=True):
            if isinstance(output, Var) and output.name not in self._body.env and output.name not in given:
                given[output.name] = value
            else:
                # A name of its own, which no user can write: to be compared in the SELECT around this one.
                name = MADE + self._alias("w")
                given[name] = value
                self._used |= {name}
                self._conditions.append(Compare("=", output, Var(name)))
        return given
