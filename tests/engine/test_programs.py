"""
Whole programs: policies with their tables, and all rows that they derive, in `golden/`.

Each `NAME.dl` has a `NAME.yaml` beside it: `tables` with columns and rows,
`expect` with every derived table, and `queries` with their answers. The naive
evaluator is held to the same rows, so that no file repeats the engine's mistake.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from congresslite.diagnostics import Source
from congresslite.engine import Database, evaluate
from congresslite.language.check import CheckedQuery, check_query, check_sources
from congresslite.language.parser import parse_query
from congresslite.language.program import CheckedRule, Either, Literal, Program
from congresslite.schema import Catalog, Column, Row, RowsTable, TableSchema, Type, canonical
from tests.engine.columnar import CLOCK, Tables, answer, as_set, identities, keyed, run
from tests.engine.naive import evaluate_naively, heads
from tests.engine.strategies import CATALOG, Case, cases
from tests.examples import PROGRAMS, few

T = TypeVar("T")
GOLDEN = Path(__file__).with_name("golden")
NAMES = sorted(path.stem for path in GOLDEN.glob("*.dl"))


@dataclass(frozen=True)
class Golden:
    """A policy, its tables, and what is expected of it."""

    program: Program
    catalog: Catalog
    rows: Mapping[str, list[Row]]
    expected: Mapping[str, list[Row]]
    queries: tuple[tuple[str, list[Row]], ...]

    def database(self) -> Database:
        """The policy evaluated over all tables, also those that only queries read."""
        return evaluate(self.program, self.tables(), clock=CLOCK)

    def tables(self) -> dict[str, RowsTable]:
        """The tables as an engine reads them."""
        return {name: RowsTable(schema, self.rows[name]) for name, schema in self.catalog.items()}

    def asked(self, text: str) -> CheckedQuery:
        """A query, checked."""
        source = Source("query", text)
        body, _ = parse_query(source)
        assert body is not None
        asked = check_query(body, source, self.program, self.catalog)
        assert asked.rules, asked.diagnostics
        return asked


def golden(name: str) -> Golden:
    """Read a policy of the golden folder and what stands beside it."""
    given_: dict[str, Any] = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))
    schemas, rows = [], {}
    for table, described in given_["tables"].items():
        columns = tuple(Column(column, Type(type_)) for column, type_ in described["columns"].items())
        schemas.append(TableSchema(table, columns, (described["key"],) if "key" in described else ()))
        rows[table] = as_rows(described["rows"])
    catalog = Catalog.of(schemas)
    checked = check_sources([Source(f"{name}.dl", (GOLDEN / f"{name}.dl").read_text(encoding="utf-8"))], catalog)
    assert checked.program is not None, checked.diagnostics
    expected = {table: as_rows(each) for table, each in given_["expect"].items()}
    queries = tuple((each["ask"], as_rows(each["rows"])) for each in given_["queries"])
    return Golden(checked.program, catalog, rows, expected, queries)


def as_rows(rows: list[list[Any]]) -> list[Row]:
    return [tuple(canonical(value) for value in row) for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_derived_tables(name: str) -> None:
    """Every derived table has the rows that stand beside the policy, each once, and so says the naive evaluator."""
    case = golden(name)
    database = case.database()
    naive = evaluate_naively(case.program, case.rows, CLOCK)
    assert set(case.expected) == set(case.program.tables)
    for table, rows in case.expected.items():
        assert as_set(database.rows(table)) == as_set(rows), table
        assert database.count(table) == len(rows), table
        assert naive[table] == as_set(rows), table


@pytest.mark.parametrize("name", NAMES)
def test_queries(name: str) -> None:
    """Queries answer as expected, asked one after the other, also across tables that no rule ever joined."""
    case = golden(name)
    database = case.database()
    naive = {
        **evaluate_naively(case.program, case.rows, CLOCK),
        **{t: as_set(distinct(r)) for t, r in case.rows.items()},
    }
    for text, rows in [*case.queries, *reversed(case.queries)]:
        asked = case.asked(text)
        assert as_set(database.query(asked.rules, asked.tables)) == as_set(rows), text
        assert naive_answer(asked, naive) == as_set(rows), text
    for table, rows in case.expected.items():
        assert as_set(database.rows(table)) == as_set(rows), "queries change nothing"


def naive_answer(asked: CheckedQuery, tables: dict[str, set[tuple[Hashable, ...]]]) -> set[tuple[Hashable, ...]]:
    """The answer of the naive evaluator to a query."""
    found = dict(tables)
    for rule in asked.rules:
        found[rule.table] = found.get(rule.table, set()) | set(heads(rule, found, CLOCK))
    return found[asked.rules[-1].table]


@pytest.mark.parametrize("name", NAMES)
def test_base_tables(name: str) -> None:
    """A base table is answered whole, each row once, whether or not rules read it, before and after counting it."""
    case = golden(name)
    database = case.database()
    for table, rows in case.rows.items():
        assert database.count(table) == len(distinct(rows))
        assert as_set(database.rows(table)) == as_set(distinct(rows))
    with pytest.raises(KeyError):
        database.rows("no:such")


def distinct(rows: list[Row]) -> list[Row]:
    return list({identities(row): row for row in rows}.values())


SHUFFLES = few(30, suppress_health_check=PROGRAMS)


@SHUFFLES
@given(case=cases(), seed=st.integers(0, 2**32))
def test_no_order_matters(case: Case, seed: int) -> None:
    """Rules, literals, alternatives, facts and rows in another order give the same answers."""
    program = check_sources([Source("p.dl", case.text)], CATALOG).program
    assume(program is not None)
    assert program is not None
    order = random.Random(seed)
    other = shuffled_program(program, order)
    tables = {name: shuffled(rows, order) for name, rows in case.tables.items()}
    first, second = answers(program, case.tables), answers(other, tables)
    assert first == second


@pytest.mark.parametrize("name", NAMES)
def test_no_order_matters_to_whole_programs(name: str) -> None:
    """As above, for the policies of the golden folder."""
    case, order = golden(name), random.Random(name)
    expected = {table: as_set(rows) for table, rows in case.expected.items()}
    for _ in range(3):
        rows = {table: shuffled(each, order) for table, each in case.rows.items()}
        assert answers(shuffled_program(case.program, order), rows) == expected


@SHUFFLES
@given(case=cases(), keys=st.lists(st.sampled_from(["", "c1", "c2"]), min_size=6, max_size=6), clean=st.booleans())
def test_declared_keys_change_nothing(case: Case, keys: list[str], clean: bool) -> None:
    """A declared key may change how an answer is computed, never the answer, whether or not the rows keep to it."""
    program = check_sources([Source("p.dl", case.text)], CATALOG).program
    assume(program is not None)
    assert program is not None
    declared = dict(zip(sorted(CATALOG), keys, strict=True))
    base = {
        name: replace(schema, key=(declared[name],) if schema.position(declared[name]) is not None else ())
        for name, schema in program.base.items()
    }
    rows = dict(case.tables)
    for name, schema in base.items():
        if clean and schema.key:
            place = schema.columns.index(next(each for each in schema.columns if each.name == schema.key[0]))
            rows[name] = list({identities(row)[place]: row for row in rows.get(name, [])}.values())
    assert answers(replace(program, base=base), rows) == answers(program, rows)


VM = keyed("s:vm", id=Type.STR, host=Type.STR, cpus=Type.INT)
HOST = keyed("s:host", id=Type.STR, pop=Type.STR)
DISTINCT: dict[str, tuple[str, set[tuple[Hashable, ...]]]] = {
    "the key": ("t(v) :- s:vm(v, _, _).", {("a b",), ("c",), ("d",)}),
    "no key": ("t(h) :- s:vm(_, h, _).", {("h1",), ("h2",)}),
    "a key leads to a key": ("t(v) :- s:vm(v, h, _), s:host(h, _).", {("a b",), ("c",), ("d",)}),
    "the far key leads nowhere": ("t(h) :- s:vm(_, h, n), s:host(h, p), n > 0, p != h.", {("h1",), ("h2",)}),
    "two keys": ("t(v, w) :- s:vm(v, h, _), s:vm(w, h, _), v != w.", {("a b", "c"), ("c", "a b")}),
    "one of two keys": ("t(v) :- s:vm(v, h, _), s:vm(w, h, _), v != w.", {("a b",), ("c",)}),
    "a builtin with several rows": ('t(v) :- s:vm(v, _, _), split(v, " ", _, _).', {("a b",), ("c",), ("d",)}),
    "a builtin whose rows are told apart": (
        't(v, p) :- s:vm(v, _, _), split(v, " ", _, p).',
        {("a b", "a"), ("a b", "b"), ("c", "c"), ("d", "d")},
    ),
    "a value computed of the key": ("t(n) :- s:vm(v, _, _), len(v, n).", {(3,), (1,)}),
    "facts beside a rule": ('t("c"). t("c"). t(v) :- s:vm(v, _, _).', {("a b",), ("c",), ("d",)}),
    "facts alone": ("t(1). t(1.0). t(true).", {(1,), ((True,),)}),
    "two rules": ("t(v) :- s:vm(v, _, _). t(h) :- s:host(h, _).", {(v,) for v in ("a b", "c", "d", "h1", "h2")}),
    "alternatives": ("t(v) :- s:vm(v, h, _), (h = h) or (s:host(h, _)).", {("a b",), ("c",), ("d",)}),
    "a head of constants": ("t(1, 2) :- s:vm(_, _, _).", {(1, 2)}),
    "a head without columns": ("t() :- s:vm(_, _, _), s:host(_, _).", {()}),
    "a product": ("t(v) :- s:vm(v, _, n), s:host(_, p), p != v, n > 0.", {("a b",), ("c",), ("d",)}),
    "one row by a constant": ('t(p) :- s:vm("c", h, _), s:host(h, p).', {("p1",)}),
}


@pytest.mark.parametrize(("text", "expected"), DISTINCT.values(), ids=DISTINCT)
def test_no_row_repeats(text: str, expected: set[tuple[Hashable, ...]]) -> None:
    """Where keys prove that no row repeats nothing is removed, and where they do not, what repeats is."""
    tables: Tables = {
        VM: [("a b", "h1", 4), ("c", "h1", 4), ("d", "h2", 4)],
        HOST: [("h1", "p1"), ("h2", "p1")],
    }
    assert answer(run(text, tables), "t") == expected


def answers(program: Program, rows: Mapping[str, list[Row]]) -> dict[str, set[tuple[Hashable, ...]]]:
    """All derived tables."""
    tables = {name: RowsTable(schema, rows.get(name, ())) for name, schema in program.base.items()}
    database = evaluate(program, tables, clock=CLOCK)
    return {name: as_set(database.rows(name)) for name in program.tables}


def shuffled_program(program: Program, order: random.Random) -> Program:
    """The same program with its rules, literals and facts in another order."""
    facts = {table: tuple(shuffled(list(rows), order)) for table, rows in program.facts.items()}
    rules = tuple(shuffled([shuffled_rule(rule, order) for rule in program.rules], order))
    return replace(program, rules=rules, facts=facts)


def shuffled_rule(rule: CheckedRule, order: random.Random) -> CheckedRule:
    return replace(rule, body=shuffled_body(rule.body, order))


def shuffled_body(body: tuple[Literal, ...], order: random.Random) -> tuple[Literal, ...]:
    """Literals in another order, and within alternatives too."""
    literals = [
        replace(each, branches=tuple(shuffled([shuffled_body(way, order) for way in each.branches], order)))
        if isinstance(each, Either)
        else each
        for each in body
    ]
    return tuple(shuffled(literals, order))


def shuffled(values: list[T], order: random.Random) -> list[T]:
    return order.sample(values, len(values))
