"""Conflicts of random policies, held against their definition: pairs of rows of two rules, each evaluated by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from congresslite.api import Delta, Engine, Policy
from congresslite.schema import Column, Row, RowsTable, TableSchema, Type
from tests.examples import few, many

VM = TableSchema("inv:vm", (Column("id", Type.STR), Column("host", Type.STR), Column("load", Type.INT)))
LEVELS = ("global", "region", "pop")
BODIES = (
    "inv:vm(id=x, host=y)",
    'inv:vm(id=x, host=y), y = "h1"',
    "inv:vm(id=x, host=y, load=n), n > 5",
    'inv:vm(id=x, host=y), not inv:vm(id=x, host="h2")',
)
# The two terms that a rule speaks of, and the fitting modals.
HEADS = ("x, y", 'x, "h1"', '"vm1", y', "x, x")
FOR, AGAINST = ("permit", "execute"), ("deny",)
INCOMPATIBLE = "incompatible nova:stop(v, _), nova:start(v, _).\n"


@dataclass(frozen=True)
class Written:
    """A modal rule of a random policy."""

    modal: str
    action: str
    head: str
    body: str
    soft: bool

    def text(self, number: int) -> str:
        """As it is written."""
        weight = "@weight(1) " if self.soft else ""
        return f'@id("r{number}") {weight}{self.modal}[{self.action}({self.head})] :- {self.body}.\n'


@dataclass(frozen=True)
class Set:
    """A random policy."""

    tier: str
    priority: int
    overridable: bool
    rules: tuple[Written, ...]

    def policy(self, name: str) -> Policy:
        """As it is loaded."""
        said = f'tier = "{self.tier}", priority = {self.priority}, overridable = {str(self.overridable).lower()}'
        rules = "".join(rule.text(number) for number, rule in enumerate(self.rules))
        return Policy(name, f"policy {name}({said}).\n{INCOMPATIBLE}{rules}")


written = st.builds(
    Written,
    st.sampled_from(FOR + AGAINST),
    st.sampled_from(["nova:stop", "nova:start"]),
    st.sampled_from(HEADS),
    st.sampled_from(BODIES),
    st.booleans(),
)
sets = st.builds(
    Set, st.sampled_from(LEVELS), st.integers(0, 1), st.booleans(), st.lists(written, min_size=2, max_size=4).map(tuple)
)
rows = st.tuples(st.sampled_from(["vm1", "vm2", "h1"]), st.sampled_from(["h1", "h2"]), st.integers(3, 8))
tables = st.lists(rows, min_size=1, max_size=6, unique=True)


def engine_of(policies: Sequence[Policy], data: Sequence[Row], engine: str = "columnar") -> Engine:
    return Engine.load(list(policies), {"inv:vm": RowsTable(VM, list(data))}, engine=engine)


def named(given_sets: Sequence[Set]) -> list[Policy]:
    return [each.policy(f"p{number}") for number, each in enumerate(given_sets)]


def rows_of(rule: Written, data: Sequence[Row]) -> set[Row]:
    """The rows of one rule, evaluated by itself as a plain table."""
    engine = engine_of([Policy("alone", f"t(a, b) :- {rule.body}, a = {rule.head.split(', ')[0]}, "
                                        f"b = {rule.head.split(', ')[1]}.")], data)  # fmt: skip
    return {tuple(row) for row in engine.rows("alone:t")}


def decided(one: Set, first: Written, other: Set, second: Written) -> tuple[int, str] | None:
    """Who wins by hardness, tier or priority; None if none of these tells the two apart."""
    if first.soft != second.soft:
        return (0, "hardness") if second.soft else (1, "hardness")
    if one.tier != other.tier:
        upper = 0 if LEVELS.index(one.tier) < LEVELS.index(other.tier) else 1
        if not (one, other)[upper].overridable:
            return upper, "tier"
    if one.priority != other.priority:
        return (0 if one.priority > other.priority else 1), "priority"
    return None


def by_definition(given_sets: Sequence[Set], data: Sequence[Row]) -> set[tuple[object, ...]]:
    """Every conflict as the definition has it: kind, both rules with their rows, and who wins where that is plain."""
    every = [
        (f"p{place}/r{number}", each, rule, rows_of(rule, data))
        for place, each in enumerate(given_sets)
        for number, rule in enumerate(each.rules)
    ]
    found: set[tuple[object, ...]] = set()
    for name, one, first, firsts in every:
        for label, other, second, seconds in every:
            opposed = first.modal in FOR and second.modal in AGAINST and first.action == second.action
            actions = (first.modal, second.modal) == ("execute", "execute")
            clash = actions and (first.action, second.action) == ("nova:stop", "nova:start")
            for row in firsts:
                for against in seconds:
                    if (opposed and row == against) or (clash and row[0] == against[0]):
                        plain = decided(one, first, other, second)
                        winner = None if plain is None else ((name, label)[plain[0]], plain[1])
                        sides = frozenset({(name, row), (label, against)})
                        found.add(("action" if clash else "modality", sides, winner))
    return found


def by_engine(engine: Engine) -> set[tuple[object, ...]]:
    """The same of what the engine tells."""
    found: set[tuple[object, ...]] = set()
    for each in engine.snapshot().conflicts():
        names = [f"{side.policy}/{side.rule}" for side in each.sides]
        plain = each.by in ("hardness", "tier", "priority") and each.winner is not None
        winner = (names[each.winner], each.by) if plain and each.winner is not None else None
        sides = frozenset((name, tuple(side.row)) for name, side in zip(names, each.sides, strict=True))
        entry = (each.kind, sides, winner)
        assert entry not in found, "told twice"
        found.add(entry)
    return found


def without_twins(given_sets: Sequence[Set]) -> list[Set]:
    """The policies with each rule once: what is written twice in a policy is one rule of two ids."""
    return [Set(each.tier, each.priority, each.overridable, tuple(dict.fromkeys(each.rules))) for each in given_sets]


def hold(given_sets: list[Set], changed: Set, data: list[Row], insert: list[Row], delete: list[Row]) -> int:
    """Conflicts are those of the definition, and stay so when rows and policies change. How many there were."""
    given_sets = without_twins(given_sets)
    (changed,) = without_twins([changed])
    engine = engine_of(named(given_sets), data)
    first = by_engine(engine)
    assert first == by_definition(given_sets, data)
    assert by_engine(engine_of(named(given_sets), data, "duckdb")) == first
    engine.apply({"inv:vm": Delta(insert, delete)})
    now = [*dict.fromkeys([row for row in data if row not in delete or row in insert] + insert)]
    assert by_engine(engine) == by_definition(given_sets, now)
    engine.apply(policies=[changed.policy("p0")])
    assert by_engine(engine) == by_definition([changed, *given_sets[1:]], now)
    fresh = engine_of(named([changed, *given_sets[1:]]), now)
    ids = [{each.id for each in one.snapshot().conflicts()} for one in (engine, fresh)]
    assert ids[0] == ids[1]
    commands = [sorted(map(repr, one.snapshot().commands())) for one in (engine, fresh)]
    assert commands[0] == commands[1]
    return len(first)


several = st.lists(sets, min_size=2, max_size=3)


def _example(count: list[int]) -> object:
    def check(given_sets: list[Set], changed: Set, data: list[Row], insert: list[Row], delete: list[Row]) -> None:
        count[0] += hold(given_sets, changed, data, insert, delete) > 0

    return check


def share(how: settings) -> float:
    """Try; which share of them had conflicts."""
    count = [0]
    tried = given(several, sets, tables, tables, tables)(_example(count))  # type: ignore[arg-type]
    how(tried)()
    return count[0] / how.max_examples


def test_conflicts_are_those_of_the_definition() -> None:
    """Random modal policies conflict just where the definition says, before and after changes of rows and policies."""
    assert share(few(40)) > 0.25


@pytest.mark.long
def test_conflicts_are_those_of_the_definition_often() -> None:
    """As the quick test, hundreds of times, each time others."""
    assert share(many(300)) > 0.3
