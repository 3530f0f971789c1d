"""
Programs made ready: the plan that the engine keeps current, and what lasts as long as it does.

A program that replaces another takes over whatever it says of the same tables in
the same words: their strata, and with them the pipelines built for them and the
relations that hold their rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from congresslite.engine.dictionary import Dictionary
from congresslite.engine.domains import Domains, Place
from congresslite.engine.rules import Pipelines
from congresslite.language.program import CheckedRule, Program, Var, visible_tables
from congresslite.plan import Plan, RulePlan, StratumPlan, build_plan, isolate_aggregates, project
from congresslite.schema import Row


@dataclass(frozen=True, slots=True)
class Revision:
    """How a stratum differs from the one that had its tables before: rules that it has more, and those it has less."""

    added: tuple[RulePlan, ...]
    removed: tuple[RulePlan, ...]


class Prepared:
    """A program with its plan. `strata` are in topological order, projections and bindings of aggregates included."""

    def __init__(
        self, program: Program, held: Mapping[Place, Dictionary] | None = None, earlier: Prepared | None = None
    ) -> None:
        self.program = program
        plan = project(isolate_aggregates(build_plan(program)), program.base)
        self.revisions: dict[int, Revision | None] = {}  # None: to be evaluated anew
        self.strata = tuple(self._taken_over(plan, earlier))
        self.words = {id(rule): _words(rule) for stratum in self.strata for rule in stratum.rules}
        self.arities = {name: schema.arity for name, schema in (*program.base.items(), *program.tables.items())}
        for stratum in self.strata:
            for rule in stratum.rules:
                self.arities.setdefault(rule.rule.table, len(rule.rule.head))
        schemas = {**program.base, **program.tables}
        self.domains = Domains(Plan(self.strata).conjunctions(), schemas, held)
        branches = [branch for _, branch in Plan(self.strata).conjunctions()]
        self.pipelines: Pipelines = Pipelines() if earlier is None else earlier.pipelines.kept(branches)
        # Questions that were asked of a few rows, with the columns of base tables that they need.
        self.questions: dict[str, tuple[RulePlan, Mapping[str, set[int]]]] = {}
        # Rules beside the program of which was asked what batches change for them, by identity; the same of each.
        self.asked: dict[int, tuple[CheckedRule, RulePlan, Mapping[str, set[int]]]] = {}
        self.places = {name: at for at, stratum in enumerate(self.strata) for name in stratum.stratum.tables}
        # Tables that are other tables by another name: they have the same relation.
        self.copies = {at: source for at, each in enumerate(self.strata) if (source := self._source(each)) is not None}
        # The tables that users see, each with its parts.
        self.visible: Mapping[str, tuple[str, ...]] = visible_tables(program)
        readers: defaultdict[str, dict[int, None]] = defaultdict(dict)
        for at, stratum in enumerate(self.strata):
            for name in _read_by(stratum):
                readers[name][at] = None
        self.readers: Mapping[str, tuple[int, ...]] = {name: tuple(ats) for name, ats in readers.items()}

    def dictionaries(self, table: str) -> list[Dictionary]:
        """The dictionaries of a derived table's columns."""
        return self.domains.dictionaries(table, self.arities[table])

    def facts(self, table: str) -> tuple[Row, ...]:
        """The rows that policies state of a table."""
        return tuple(self.program.facts.get(table, ()))

    def _source(self, stratum: StratumPlan) -> str | None:
        """The derived table of which a table is nothing but a copy."""
        source = copied(stratum)
        if source is None or source not in self.program.tables or self.facts(stratum.stratum.tables[0]):
            return None
        pairs = zip(self.dictionaries(source), self.dictionaries(stratum.stratum.tables[0]), strict=True)
        return source if all(one is other for one, other in pairs) else None

    def _taken_over(self, plan: Plan, earlier: Prepared | None) -> Iterator[StratumPlan]:
        """The strata, with the objects of the earlier program where they say the same; notes the others."""
        for at, stratum in enumerate(plan.strata):
            was = None if earlier is None else earlier.stratum_of(stratum.stratum.tables)
            if earlier is None or was is None:
                self.revisions[at] = None
                yield stratum
                continue
            known: defaultdict[str, list[RulePlan]] = defaultdict(list)
            for rule in was.rules:
                known[earlier.words[id(rule)]].append(rule)
            rules, added = [], []
            for rule in stratum.rules:
                same = known[_words(rule)]
                rules.append(same.pop() if same else rule)
                added += [] if rules[-1] is not rule else [rule]
            removed = tuple(rule for left in known.values() for rule in left)
            facts = any(_facts(earlier, name) != _facts(self, name) for name in stratum.stratum.tables)
            if added or removed or facts or was.stratum.recursive != stratum.stratum.recursive:
                # The rows of a copy, and of groups, have something else beside them than the counts of derivations.
                kinds = [each.stratum.recursive or copied(each) or folded(each) for each in (was, stratum)]
                anew = any(kinds) or facts or self._arity_changes(earlier, stratum)
                self.revisions[at] = None if anew else Revision(tuple(added), removed)
            yield replace(stratum, rules=tuple(rules))

    def _arity_changes(self, earlier: Prepared, stratum: StratumPlan) -> bool:
        heads = {len(rule.rule.head) for rule in stratum.rules}
        return any({earlier.arities[name]} != heads for name in stratum.stratum.tables)

    def stratum_of(self, tables: tuple[str, ...]) -> StratumPlan | None:
        """The stratum that has exactly these tables."""
        at = self.places.get(tables[0])
        found = None if at is None else self.strata[at]
        return found if found is not None and set(found.stratum.tables) == set(tables) else None


def copied(stratum: StratumPlan) -> str | None:
    """The table of which a stratum's only rule is a copy, column by column."""
    if stratum.stratum.recursive or len(stratum.rules) != 1 or len(stratum.rules[0].branches) != 1:
        return None
    (branch,) = stratum.rules[0].branches
    if len(branch.scans) != 1 or branch.absent or branch.conditions or branch.head != branch.scans[0].terms:
        return None
    names = [term.name for term in branch.head if isinstance(term, Var)]
    return branch.scans[0].table if len(set(names)) == len(branch.head) else None


def folded(stratum: StratumPlan) -> bool:
    """Whether a table is nothing but the rows of one aggregating rule, if it has no facts."""
    return not stratum.stratum.recursive and len(stratum.rules) == 1 and stratum.rules[0].rule.aggregates


def _read_by(stratum: StratumPlan) -> set[str]:
    return {literal.table for rule in stratum.rules for branch in rule.branches for literal in branch.literals}


def _words(rule: RulePlan) -> str:
    """What a rule says, word for word: `1` and `true` differ, which `==` does not tell."""
    return repr(rule.branches)


def _facts(prepared: Prepared, table: str) -> Counter[str]:
    return Counter(map(repr, prepared.facts(table)))
