"""
Scripts: a plan as statements that make its tables, one after the other.

A table that does not depend on itself is one statement. So is a recursion that
WITH RECURSIVE can say: one table, one rule that reads it once and makes no
values. Any other recursion is a `Loop`: statements that whoever runs the
script repeats until no table grows, each over what the round before made new.
"""

# ruff: noqa: S608 - every name is quoted, and every text a literal
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from textwrap import indent

from congresslite.diagnostics import Diagnostic, EvaluationError
from congresslite.language.program import Call, CheckedRule, Compare, Program, Var
from congresslite.plan.build import build_plan
from congresslite.plan.nodes import Conjunction, RulePlan, StratumPlan
from congresslite.plan.sql.dialects import Dialect
from congresslite.plan.sql.kinds import Kind, Term
from congresslite.plan.sql.layout import HOLDS, Layout, StoredTable
from congresslite.plan.sql.rules import binding_selects, head_select, rule_selects
from congresslite.plan.sql.select import Select, united
from congresslite.plan.sql.statements import Create, Loop, Script, Statement, Step, Turn, Variant
from congresslite.plan.sql.terms import Terms
from congresslite.plan.variables import binds
from congresslite.schema import TableSchema

# Tables that one statement may read, more or less: what it takes to plan it grows with them, not with the rows.
_SOURCES = 64


def print_program(program: Program, dialect: Dialect, layout: Layout | None = None) -> Script:
    """The script of a program. `layout` has the source tables and the facts, as they are in the database.

    Facts of a table `t` are read from a table `t#facts`. Raises EvaluationError
    with everything that the dialect cannot say, PolicyError for too many alternatives.
    """
    if layout is None:
        layout = Layout()
        for schema in program.base.values():
            layout.add(schema)
        for name, facts in program.facts.items():
            if facts:
                layout.add(facts_schema(program.tables[name]))
    plan = build_plan(program)
    printer = Printer(dialect, layout)
    steps: list[Step] = []
    found: list[Diagnostic] = []
    for stratum in plan.strata:
        try:
            steps += printer.steps(stratum, program.tables)
        except EvaluationError as error:
            found += error.diagnostics
    if found:
        raise EvaluationError(found)
    return Script(tuple(steps))


def facts_schema(schema: TableSchema) -> TableSchema:
    """The schema of the table that holds the facts of another one."""
    return replace(schema, name=f"{schema.name}#facts")


class Printer:
    """Prints strata, and lays out the tables that they derive."""

    def __init__(self, dialect: Dialect, layout: Layout) -> None:
        self._terms = Terms(dialect)
        self._layout = layout

    def steps(self, stratum: StratumPlan, schemas: Mapping[str, TableSchema]) -> list[Step]:
        """What makes the tables of a stratum. Raises EvaluationError for what the dialect cannot say."""
        own = stratum.stratum.tables
        for name in own:
            # No column may hold null, until a rule gives it one that may.
            self._layout.add(schemas[name], [False] * schemas[name].arity)
            facts = self._layout.get(f"{name}#facts")
            if facts is not None:
                self._layout.widen(name, [column.nullable for column in facts.columns])
        self._widen(stratum.rules)
        if not stratum.stratum.recursive:
            return [self.create(name, [plan for plan in stratum.rules if plan.rule.table == name]) for name in own]
        recursion = _Recursion(own, stratum.rules)
        if recursion.native:
            return [self._recursive(own[0], recursion)]
        return [self._loop(own, recursion)]

    def create(self, table: str, plans: Sequence[RulePlan]) -> Create:
        """The statements that make a table which does not depend on itself."""
        before: list[Statement] = []
        after: list[Statement] = []
        selects: list[Select] = []
        for number, plan in enumerate(plans):
            bindings = binding_selects(plan, self._layout, self._terms)
            if len(_batches(bindings)) < 2:
                selects += self._selects(plan)
                continue
            aside = self._aside(table, f"bindings {number + 1}")
            before += self._filled(aside, bindings, (plan.rule,))
            after.append(Statement(f"DROP TABLE {aside}"))
            selects += rule_selects(plan, self._layout, self._terms, aside)
        rules = tuple(plan.rule for plan in plans)
        filled = self._filled(self._layout[table].name, self._rows(table, selects), rules)
        return Create(table, (*before, *filled, *after))

    def _filled(self, name: str, selects: Sequence[Select], rules: tuple[CheckedRule, ...]) -> Iterator[Statement]:
        """Make a table of the rows of these SELECTs, each once."""
        first, *more = _batches(selects)
        yield Statement(f"{self._terms.dialect.create} {name} AS\n{_united(first)}", rules)
        for batch in more:
            yield Statement(f"INSERT INTO {name}\n{_united(batch)}\nEXCEPT\nSELECT * FROM {name}", rules)

    def _selects(self, plan: RulePlan) -> list[Select]:
        return rule_selects(plan, self._layout, self._terms)

    def _widen(self, plans: Sequence[RulePlan]) -> None:
        """Let columns hold null where a rule may give one, until nothing changes."""
        changed = True
        while changed:
            changed = False
            for plan in plans:
                for select in self._selects(plan):
                    nullable = [term.nullable for term, name in select.columns if name != HOLDS]
                    changed |= self._layout.widen(plan.rule.table, nullable)

    def _rows(self, table: str, selects: Iterable[Select]) -> list[Select]:
        """These SELECTs and the facts of a table; if that is nothing, one without rows."""
        stored = self._layout[table]
        rows = list(selects)
        facts = self._layout.get(f"{table}#facts")
        if facts is not None:
            pairs = zip(stored.columns, facts.columns, strict=True)
            columns = tuple((Term(f"f.{fact.name}", fact.kind), column.name) for column, fact in pairs)
            rows.append(Select(columns or (_TRUE,), (f"{facts.name} AS f",), distinct=True))
        return rows or [Select(self._empty(stored), where=("FALSE",))]

    def _empty(self, stored: StoredTable) -> tuple[tuple[Term, str], ...]:
        null = self._terms.constant(None)
        return tuple((self._terms.stored(null, column.kind), column.name) for column in stored.columns) or (_TRUE,)

    # Recursion

    def _recursive(self, table: str, recursion: _Recursion) -> Create:
        """A recursion that the database runs by itself."""
        stored = self._layout[table]
        ((plan, conjunction),) = recursion.recursive
        start = _united(self._rows(table, self._exits(recursion.exits)))
        step = replace(head_select(conjunction, stored, self._layout, self._terms), distinct=False).text
        names = ", ".join(column.name for column in stored.columns) or HOLDS
        both = indent(f"{start}\nUNION\n{step}", "  ")
        query = f"WITH RECURSIVE {stored.name}({names}) AS (\n{both}\n)\nSELECT * FROM {stored.name}"
        rules = (*(plan.rule for plan, _ in recursion.exits), plan.rule)
        return Create(table, (Statement(f"{self._terms.dialect.create} {stored.name} AS\n{query}", rules),))

    def _exits(self, exits: Iterable[tuple[RulePlan, Conjunction | None]]) -> Iterator[Select]:
        for plan, conjunction in exits:
            if conjunction is None:
                yield from self._selects(plan)
            else:
                yield head_select(conjunction, self._layout[plan.rule.table], self._layout, self._terms)

    def _loop(self, own: tuple[str, ...], recursion: _Recursion) -> Loop:
        start: list[Statement] = []
        turns: dict[str, Turn] = {}
        end: list[str] = []
        for table in own:
            name, delta, new = self._layout[table].name, self._aside(table, "delta"), self._aside(table, "new")
            mine = [each for each in recursion.exits if each[0].rule.table == table]
            rules = tuple(dict.fromkeys(plan.rule for plan, _ in mine))
            start += self._filled(name, self._rows(table, self._exits(mine)), rules)
            create = self._terms.dialect.create
            start.append(Statement(f"{create} {delta} AS SELECT * FROM {name}"))
            start.append(Statement(f"{create} {new} AS SELECT * FROM {name} WHERE FALSE"))
            turns[table] = Turn(
                f"TRUNCATE {delta}",
                f"INSERT INTO {delta} SELECT DISTINCT * FROM {new}",
                f"INSERT INTO {name} SELECT * FROM {delta}",
                f"TRUNCATE {new}",
            )
            end += (f"DROP TABLE {delta}", f"DROP TABLE {new}")
        variants = [
            each for plan, conjunction in recursion.recursive for each in self._variants(own, plan, conjunction)
        ]
        return Loop(own, tuple(start), tuple(variants), turns, tuple(end))

    def _aside(self, table: str, what: str) -> str:
        return self._layout.identifier(f"{table}#{what}")

    def _variants(self, own: tuple[str, ...], plan: RulePlan, conjunction: Conjunction) -> Iterator[Variant]:
        table = plan.rule.table
        stored = self._layout[table]
        for place, scan in enumerate(conjunction.scans):
            if scan.table in own:
                delta = {place: self._aside(scan.table, "delta")}
                select = head_select(conjunction, stored, self._layout, self._terms, delta=delta)
                text = f"{replace(select, distinct=False).text}\nEXCEPT\nSELECT * FROM {stored.name}"
                sql = f"INSERT INTO {self._aside(table, 'new')}\n{text}"
                yield Variant(scan.table, Statement(sql, (plan.rule,)), _computes(conjunction))


_TRUE = (Term("TRUE", Kind.BOOL), HOLDS)


def _united(selects: Sequence[Select]) -> str:
    if len(selects) == 1:
        return selects[0].text
    return united([replace(select, distinct=False).text for select in selects])


def _batches(selects: Sequence[Select]) -> list[list[Select]]:
    """The SELECTs in parts of which each makes a statement that a database can plan."""
    parts: list[list[Select]] = []
    room = 0
    for select in selects:
        room -= 1 + len(select.sources)
        if room < 0:
            parts.append([])
            room = _SOURCES - 1 - len(select.sources)
        parts[-1].append(select)
    return parts


class _Recursion:
    """The conjunctions of a recursive stratum: those that read none of its tables, and the others."""

    def __init__(self, own: tuple[str, ...], plans: Sequence[RulePlan]) -> None:
        # A rule with aggregates reads lower strata only; it is taken whole.
        self.exits: list[tuple[RulePlan, Conjunction | None]] = []
        self.recursive: list[tuple[RulePlan, Conjunction]] = []
        for plan in plans:
            if plan.rule.aggregates:
                self.exits.append((plan, None))
                continue
            for branch in plan.branches:
                if any(scan.table in own for scan in branch.scans):
                    self.recursive.append((plan, branch))
                else:
                    self.exits.append((plan, branch))
        few = len(self.exits) <= _SOURCES // 4
        self.native = few and len(own) == 1 and len(self.recursive) == 1 and self._is_linear(own[0])

    def _is_linear(self, table: str) -> bool:
        ((_, conjunction),) = self.recursive
        # What makes values may do so without end: that is for a loop to count.
        return sum(scan.table == table for scan in conjunction.scans) == 1 and not _computes(conjunction)


def _computes(conjunction: Conjunction) -> bool:
    """Whether a conjunction can make values that no table holds."""
    bound = {name for scan in conjunction.scans for name in _names(scan.terms)}
    return any(
        binds(condition, bound) != set()
        for condition in conjunction.conditions
        if isinstance(condition, Compare | Call)
    )


def _names(terms: Iterable[object]) -> Iterator[str]:
    return (term.name for term in terms if isinstance(term, Var))
