"""
Projections: tables of their own for what a rule only asks the existence of.

`not host(h, _)` and, in a body whose other literals bind `h`, `host(h, _)` ask
whether there is *some* row. A row that comes or goes need not change that, so
whoever keeps answers current must know how many rows stand behind each `h`.
Here such a literal gets a table that is derived like any other,

    inv:host(c0, _)(c0) :- inv:host(c0, _).

and reads that instead. The rule to keep: afterwards a literal of a rule without
aggregates either brings a variable that no other scan still does, or names all
columns of its table, or at least its declared key; so the number of
derivations of a row never multiplies by rows that nobody looks at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from congresslite.language.program import CheckedRule, Const, Match, NoMatch, RuleKind, Stratum, Var
from congresslite.plan.nodes import Conjunction, Plan, RulePlan, StratumPlan
from congresslite.plan.variables import used_variables
from congresslite.schema import TableSchema


def project(plan: Plan, base: Mapping[str, TableSchema]) -> Plan:
    """The plan with projections where rules ask for existence only. `base` are the schemas of the source tables."""
    maker = _Maker(base)
    strata: list[StratumPlan] = []
    for stratum in plan.strata:
        own = frozenset(stratum.stratum.tables) if stratum.stratum.recursive else frozenset()
        rules = tuple(maker.rule(rule, own) for rule in stratum.rules)
        strata += maker.take()
        strata.append(replace(stratum, rules=rules))
    return Plan(tuple(strata))


class _Maker:
    """Makes each projection once, before the first rule that reads it."""

    def __init__(self, base: Mapping[str, TableSchema]) -> None:
        self._keys = {name: _key(schema) for name, schema in base.items()}
        self._known: set[str] = set()
        self._made: list[StratumPlan] = []

    def take(self) -> list[StratumPlan]:
        """The projections made since the last call."""
        made, self._made = self._made, []
        return made

    def rule(self, plan: RulePlan, own: Collection[str]) -> RulePlan:
        """The rule reading projections; `own` are tables that depend on it, which cannot be projected before it."""
        return replace(plan, branches=tuple(self._branch(plan.rule, branch, own) for branch in plan.branches))

    def _branch(self, rule: CheckedRule, branch: Conjunction, own: Collection[str]) -> Conjunction:
        absent = tuple(self._absent(rule, each) for each in branch.absent)
        scans = branch.scans if rule.aggregates else tuple(self._scans(rule, branch, own))
        return replace(branch, scans=scans, absent=absent)

    def _absent(self, rule: CheckedRule, literal: NoMatch) -> NoMatch:
        kept = [place for place, term in enumerate(literal.terms) if not (isinstance(term, Var) and term.anonymous)]
        if len(kept) == len(literal.terms) or self._names_key(literal.table, kept):
            return literal
        return NoMatch(*self._projection(rule, literal, kept), literal.span)

    def _scans(self, rule: CheckedRule, branch: Conjunction, own: Collection[str]) -> Iterator[Match]:
        used = used_variables(branch, everything=False)
        joined = dict(enumerate(branch.scans))
        for place, scan in enumerate(branch.scans):
            kept = [at for at, term in enumerate(scan.terms) if isinstance(term, Const) or term.name in used]
            others = {term.name for at, other in joined.items() if at != place for term in _variables(other)}
            brings = {term.name for term in _variables(scan) if term.name in used} - others
            whole = len(kept) == len(scan.terms) or self._names_key(scan.table, kept)
            if whole or brings or len(branch.scans) == 1 or scan.table in own:
                yield scan
                continue
            del joined[place]
            yield Match(*self._projection(rule, scan, kept), scan.span)

    def _names_key(self, table: str, places: Collection[int]) -> bool:
        key = self._keys.get(table, ())
        return bool(key) and set(key) <= set(places)

    def _projection(
        self, rule: CheckedRule, literal: Match | NoMatch, kept: Collection[int]
    ) -> tuple[str, tuple[Var | Const, ...]]:
        """The table of a literal's projection and the terms to read it with; made if it is not there yet."""
        wanted = list(dict.fromkeys(term for at in kept if isinstance(term := literal.terms[at], Var)))
        heads = {term: Var(f"c{number}") for number, term in enumerate(wanted)}
        terms = tuple(
            term if isinstance(term, Const) else heads.get(term, Var(f"$p{at}"))
            for at, term in enumerate(literal.terms)
        )
        name = f"{literal.table}({', '.join(map(_shown, terms))})"
        if name not in self._known:
            self._known.add(name)
            body = Match(literal.table, terms, literal.span)
            head = tuple(heads.values())
            made = replace(rule, kind=RuleKind.DERIVE, table=name, head=head, body=(body,), message=None, object=None)
            branch = Conjunction(head, (body,))
            self._made.append(StratumPlan(Stratum((name,), recursive=False), (RulePlan(made, (branch,)),)))
        return name, tuple(wanted)


def _key(schema: TableSchema) -> tuple[int, ...]:
    """The places of a table's declared key; none if a column of it is missing."""
    places = [schema.position(name) for name in schema.key]
    return tuple(place for place in places if place is not None) if None not in places else ()


def _variables(literal: Match) -> list[Var]:
    return [term for term in literal.terms if isinstance(term, Var)]


def _shown(term: Var | Const) -> str:
    """A term as it stands in a projection's name, where no constant may look like a variable."""
    if isinstance(term, Const):
        return repr(term.value)
    return "_" if term.anonymous else term.name
