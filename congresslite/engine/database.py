"""
The database: the relations of a program, base tables read as far as rules need them, derived tables evaluated.

Strata are evaluated in their order; what has been evaluated is never changed by
what comes after it. Queries run on the finished relations and add nothing to
them but indexes, ids of their constants, and columns that had not been read yet.
"""

from __future__ import annotations

from collections import ChainMap, Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from congresslite.diagnostics import Diagnostic
from congresslite.engine.constraints import broken_constraints
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.domains import Domains
from congresslite.engine.fixpoint import Fixpoint
from congresslite.engine.keys import KeySet
from congresslite.engine.limits import Limits
from congresslite.engine.relation import Relation
from congresslite.engine.rules import derive
from congresslite.engine.sinks import Part, SetSink
from congresslite.language.program import CheckedRule, Match, NoMatch, Program, Var
from congresslite.plan import Plan, RulePlan, StratumPlan, build_plan, plan_rule
from congresslite.schema import Column, ColumnValues, Row, Scalar, TableData, TableSchema, Type, as_float

# Told how many strata are done, of how many.
Progress = Callable[[int, int], None]


class Database:
    """The tables of a program as relations."""

    def __init__(self, program: Program, tables: Mapping[str, TableData], limits: Limits) -> None:
        self.program = program
        self.limits = limits
        self._tables = tables
        self._plan: Plan = build_plan(program)
        self._domains = Domains(self._plan.conjunctions(), {**program.base, **program.tables})
        self._relations: dict[str, Relation] = {}

    # -- loading ---------------------------------------------------------------------------------

    def load(self) -> None:
        """Read what the rules need of the base tables. Raises SourceError for what cannot be read."""
        wanted = {name: self._wanted(schema) for name, schema in self.program.base.items()}
        self._read(wanted)
        for name, schema in self.program.base.items():
            self._check_key(schema)
            if name in self._domains.counted:
                self.make_distinct(name)

    def constraint_violations(self) -> tuple[Diagnostic, ...]:
        """What rows of the base tables break of what is declared of them, as far as their columns were read."""
        return tuple(broken_constraints(self.program.base, self._relations))

    def _wanted(self, schema: TableSchema) -> set[int]:
        """The columns of a base table that the rules need, and its key where its rows are counted."""
        wanted = set(self._domains.required[schema.name])
        if schema.name in self._domains.counted:
            keys = [schema.position(name) for name in schema.key]
            wanted.update(each for each in keys if each is not None)
        return wanted

    def _read(self, wanted: Mapping[str, set[int]]) -> None:
        """Read columns and make ids of them: all columns of a dictionary in one pass."""
        gathered: defaultdict[int, list[tuple[Relation, int, ColumnValues]]] = defaultdict(list)
        dictionaries: dict[int, Dictionary] = {}
        for name, positions in wanted.items():
            data = self._tables[name]
            held = self._relations.get(name)
            missing = sorted(each for each in positions if held is None or not held.has(each))
            columns = data.columns([data.schema.columns[position].name for position in missing]) if missing else {}
            if held is None:
                # Only now: how many rows there are is known for nothing once columns have been read.
                arity = data.schema.arity
                held = Relation(name, self._domains.dictionaries(name, arity), [None] * arity, data.num_rows)
            relation = self._relations[name] = held
            for position in missing:
                dictionary = relation.dictionaries[position]
                dictionaries[id(dictionary)] = dictionary
                values = columns[data.schema.columns[position].name]
                gathered[id(dictionary)].append((relation, position, values))
        for key, entries in gathered.items():
            encoded = dictionaries[key].encode_columns([values for _, _, values in entries])
            for (relation, position, _), ids in zip(entries, encoded, strict=True):
                relation.set_column(position, dictionaries[key], ids)
            entries.clear()

    def _check_key(self, schema: TableSchema) -> None:
        """Rely on a declared key of one column, if no value repeats in it."""
        relation = self._relations[schema.name]
        position = schema.position(schema.key[0]) if len(schema.key) == 1 else None
        if position is not None and relation.has(position) and relation.distinct_count(position) == relation.rows:
            relation.declare_unique(position)
            relation.distinct = True

    def make_distinct(self, name: str) -> None:
        """Read a base table whole and remove repeated rows, unless it is known to have none."""
        relation = self._relations[name] if name in self._relations else self._new_base(name)
        if relation.distinct:
            return
        arity = len(relation.dictionaries)
        self._read({name: set(range(arity))})
        columns = [relation.column(position) for position in range(arity)]
        fresh, length = KeySet(relation.dictionaries).add(columns, relation.rows)
        if length < relation.rows:
            relation.replace(fresh, length)
        relation.distinct = True

    def _new_base(self, name: str) -> Relation:
        self._read({name: set()})
        return self._relations[name]

    # -- evaluation ------------------------------------------------------------------------------

    def evaluate(self, progress: Progress | None = None) -> None:
        """Derive every table. Raises EvaluationError at a limit, naming the rule."""
        for done, stratum in enumerate(self._plan.strata):
            if progress is not None:
                progress(done, len(self._plan.strata))
            if stratum.stratum.recursive:
                names = stratum.stratum.tables
                dictionaries = {name: self._dictionaries(name) for name in names}
                facts = {name: self._facts(name) for name in names}
                Fixpoint(stratum, self._relations, dictionaries, self.limits).run(facts)
            else:
                self._derive(stratum)

    def _derive(self, stratum: StratumPlan) -> None:
        """Evaluate a table that does not depend on itself."""
        (name,) = stratum.stratum.tables
        dictionaries = self._dictionaries(name)
        facts = self._facts(name)
        sink = SetSink(dictionaries, self.limits, facts)
        distinct = (facts[1] > 0) + len(stratum.rules) <= 1
        for plan in stratum.rules:
            distinct &= derive(plan, self._relations, dictionaries, self.limits, sink)
        self._relations[name] = sink.relation(name, distinct=distinct)

    def _dictionaries(self, name: str) -> list[Dictionary]:
        return self._domains.dictionaries(name, self.program.tables[name].arity)

    def _facts(self, name: str) -> Part:
        """The facts of a table as columns."""
        rows = self.program.facts.get(name, ())
        dictionaries = self._dictionaries(name)
        return [each.encode(row[at] for row in rows) for at, each in enumerate(dictionaries)], len(rows)

    # -- answers ---------------------------------------------------------------------------------

    def count(self, table: str) -> int:
        """How many rows a table has; for `error` and `warning`, rows of each rule. Raises KeyError."""
        return sum(self._distinct(part).rows for part in self.program.answers.get(table, (table,)))

    def rows(self, table: str) -> list[Row]:
        """The rows of a table. Raises KeyError if there is none of that name."""
        return [row for part in self.program.answers.get(table, (table,)) for row in self._decoded(part)]

    def _distinct(self, name: str) -> Relation:
        if name not in self.program.tables:
            self.make_distinct(name)
        return self._relations[name]

    def _decoded(self, name: str) -> list[Row]:
        relation = self._distinct(name)
        schema = self.program.tables.get(name)
        if schema is None:
            schema = self._tables[name].schema
            self._read({name: set(range(schema.arity))})
        return decode_rows(relation, schema)

    def query(self, rules: Sequence[CheckedRule], tables: Mapping[str, TableSchema]) -> list[Row]:
        """The rows that the last of these rules derives over the finished tables.

        The rules are no part of the program; each may read what those before it derive. `tables` are their schemas.
        """
        # What an answer takes is given back with it, and what it skips is not the program's.
        limits = replace(self.limits, skipped=Counter())
        relations: ChainMap[str, Relation] = ChainMap({}, self._relations)
        plans = [plan_rule(rule) for rule in rules]
        self._prepare(plans)
        for table in dict.fromkeys(rule.table for rule in rules):
            mine = [plan for plan in plans if plan.rule.table == table]
            dictionaries = [_head_dictionary(mine[0], place, relations) for place in range(len(mine[0].rule.head))]
            sink = SetSink(dictionaries, limits)
            distinct = [derive(plan, relations, dictionaries, limits, sink) for plan in mine]
            relations[table] = sink.relation(table, distinct=distinct == [True])
        last = rules[-1].table
        unknown = TableSchema(last, tuple(Column(f"c{place + 1}") for place in range(len(rules[-1].head))))
        return decode_rows(relations[last], tables.get(last, unknown))

    def _prepare(self, plans: Sequence[RulePlan]) -> None:
        """Read what queries need beyond what the program does."""
        needs = Domains(((plan, branch) for plan in plans for branch in plan.branches), {})
        literals: list[Match | NoMatch] = []
        for plan in plans:
            for branch in plan.branches:
                literals += (*branch.scans, *branch.absent)
        derived = self.program.tables.keys() | {plan.rule.table for plan in plans}
        names = {each.table for each in literals} - derived
        self._read({name: needs.required[name] for name in names})
        for name in needs.counted & names:
            self.make_distinct(name)

    def skipped(self) -> Mapping[str, int]:
        """For each rule (its place), how many bindings were skipped for a null or a wrong type."""
        return dict(self.limits.skipped)


def _head_dictionary(plan: RulePlan, place: int, relations: Mapping[str, Relation]) -> Dictionary:
    """A dictionary for a column of an answer: that of a column from which its values come, or else a new one."""
    for branch in plan.branches:
        term = branch.head[place]
        for literal in branch.scans:
            if isinstance(term, Var) and term in literal.terms:
                return relations[literal.table].dictionaries[literal.terms.index(term)]
    return Dictionary()


def decode_rows(relation: Relation, schema: TableSchema) -> list[Row]:
    """The rows of a relation as values; a column of floats has floats, though 2.0 is kept as 2."""
    if not relation.dictionaries:
        return [()] * relation.rows
    columns: list[list[Scalar]] = []
    for position, (dictionary, column) in enumerate(zip(relation.dictionaries, schema.columns, strict=True)):
        values = dictionary.decode(relation.column(position))
        if column.type is Type.FLOAT:
            values = list(map(as_float, values))
        columns.append(values)
    return list(zip(*columns, strict=True))
