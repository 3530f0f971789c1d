"""What the solver chooses is what trying everything finds: over rules of every kind, and rows drawn at random."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.analysis.adaptation import AdaptationPlan, adapt
from congresslite.analysis.adaptation.problem import by_value
from congresslite.api import Delta, Engine, Policy
from congresslite.language.program import RuleKind
from congresslite.policy.violations import is_violation
from congresslite.schema import Column, Row, RowsTable, Scalar, TableSchema
from tests.examples import few
from tests.waiting import missing

try:
    import clingo  # noqa: F401
except ImportError:
    missing("clingo is not installed")

TABLES = {
    "inv:vnf": ("id", "state"),
    "inv:pop": ("id", "size"),
    "inv:link": ("a", "b"),
    "inv:need": ("vnf", "what", "amount"),
    "inv:placed": ("vnf", "pop", "instance"),
    "inv:spare": ("vnf", "pop", "instance"),
}
FRAME = """
policy p(description = "x").
failed(v) :- inv:vnf(v, "FAILED").
candidate(v, p, "new") :- failed(v), inv:pop(id=p).
redundant(v, p, i) :- failed(v), inv:spare(v, p, i).
at(v, p) :- inv:placed(v, p, _).
used(p, sum(n)) :- inv:placed(v, p, _), inv:need(v, "cpu", n).
full(p) :- used(p, n), inv:pop(p, s), n >= s.
crowd(p, count(v)) :- inv:placed(v, p, _).
kinds(p, count_distinct(n)) :- inv:placed(v, p, _), inv:need(v, _, n).
least(p, min(n)) :- inv:placed(v, p, _), inv:need(v, _, n).
most(p, max(n), sum(n)) :- at(v, p), inv:need(v, "cpu", n) or at(v, p), inv:need(v, "ram", n).
reach(a, b) :- at(_, a), inv:link(a, b), not full(b).
reach(a, c) :- reach(a, b), inv:link(b, c), at(_, c).
empty(p) :- inv:pop(id=p), not at(_, p).
signed(v, n) :- inv:need(v, "ram", m), n = m - 4.
net(p, sum(n)) :- at(v, p), signed(v, n).
gaps(count(p)) :- empty(p).
stated("x0", 1). stated(p, n) :- crowd(p, n).
both(p) :- stated(p, 1), not inv:spare(_, p, _).
"""
# Each rule is about something else that has to be translated; what is drawn is which of them a policy has.
RULES = (
    "error(p, n, s) :- used(p, n), inv:pop(p, s), n > s.",
    "error(v, w) :- at(v, p), at(w, p), v < w, inv:need(v, \"apart\", _).",
    "error(p) :- crowd(p, n), n > 2.",
    "error(a) :- inv:pop(id=a), not reach(a, _), at(_, a).",
    "error(p) :- inv:pop(p, s), not used(p, _), s > 6.",
    "error(v) :- failed(v), not at(v, _).",
    "error(p, n) :- kinds(p, n), n > 2.",
    "error(v, p) :- inv:placed(v, p, i), startswith(i, \"b\"), full(p).",
    "error(n) :- gaps(n), n > 2.",
    "@weight(3) warning(a, b) :- reach(a, b), a != b.",
    "@weight(2) warning(v, p) :- inv:placed(v, p, \"new\").",
    "@weight(0.5) warning(p) :- empty(p).",
    "@weight(1.25) warning(p, n) :- least(p, n), n < 3.",
    "warning(p, m, n) :- most(p, m, n), n > m.",
    "@weight(4) warning(p) :- full(p) or crowd(p, 2), not empty(p).",
    "@weight(0) warning(v) :- at(v, _).",
    "@weight(2) warning(p, n) :- net(p, n), n < 1.",
    "@weight(7) warning(v) :- at(v, p), inv:pop(p, s), s / 4 < 1.5.",
    "@weight(1) warning(p) :- both(p).",
    "@weight(2) warning(p, q) :- used(p, n), used(q, n), p < q.",
)  # fmt: skip

POPS, VNFS, DOWN = ("x0", "x1", "x2", "x3"), ("a", "b", "c", "d", "e"), ("a", "b", "c")


@st.composite
def estates(draw: st.DrawFn) -> Mapping[str, Sequence[Row]]:
    """Rows of a small estate in which up to three of five functions have failed."""
    pops = draw(st.lists(st.sampled_from(POPS), min_size=1, unique=True))
    down = set(draw(st.lists(st.sampled_from(DOWN), min_size=1, unique=True)))
    pairs = [(a, b) for a in pops for b in pops if a != b]
    whole = st.integers(0, 8)
    needs = st.tuples(st.sampled_from(VNFS), st.sampled_from(("cpu", "ram", "apart")), whole | st.none())
    spare = st.tuples(st.sampled_from(VNFS), st.sampled_from(pops), st.sampled_from(("b1", "b2", "new")))
    placed = [(name, draw(st.sampled_from(POPS)), "old") for name in VNFS if draw(st.booleans())]
    return {
        "inv:vnf": [(name, "FAILED" if name in down else "ACTIVE") for name in VNFS],
        "inv:pop": [(name, draw(whole)) for name in pops],
        "inv:link": draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else [],
        "inv:need": draw(st.lists(needs, unique=True, max_size=8)),
        "inv:placed": placed,
        "inv:spare": draw(st.lists(spare, unique=True, max_size=3)),
    }


def load(rules: Sequence[str], rows: Mapping[str, Sequence[Row]]) -> Engine:
    """An engine with these rules over these rows."""
    tables = {
        name: RowsTable(TableSchema(name, tuple(map(Column, columns))), rows[name]) for name, columns in TABLES.items()
    }
    return Engine.load([Policy("p", "\n".join([FRAME, *rules]), "p.dl")], tables)


@dataclass(frozen=True)
class Tried:
    """A choice that was tried: its rows, in order of what they are for, the hard rules that it breaks, its worth."""

    rows: tuple[Row | None, ...]
    breaks: frozenset[str]
    worth: tuple[int, Fraction, list[object]]


def tried(engine: Engine, *, partly: bool) -> tuple[list[str], list[Tried]]:
    """Every choice, evaluated by the engine; `partly`: also such as leave something out."""
    failed = sorted(str(row[0]) for row in engine.rows("p:failed"))
    gone = [row for row in engine.rows("inv:placed") if row[0] in failed]
    bare = engine.trial({"inv:placed": Delta(delete=gone)}).after
    offers: set[Row] = {*bare.rows("p:candidate"), *bare.rows("p:redundant")}
    options = [[row for row in sorted(offers, key=by_value) if row[0] == name] for name in failed]
    rules = [rule for rule in engine.program.rules if is_violation(rule)]
    hard = [rule for rule in rules if rule.kind is RuleKind.ERROR]
    before = {rule.table: set(bare.rows(rule.table)) for rule in hard}
    found = []
    choices: list[Sequence[Row | None]] = [[None, *each] if partly else [*each] for each in options]
    for rows in product(*choices):
        placed = [row for row in rows if row is not None]
        after = bare.trial({"inv:placed": Delta(insert=placed)}).after
        broken = {rule: set(after.rows(rule.table)) for rule in hard}
        breaks = frozenset(rule.identity for rule, each in broken.items() if each - before[rule.table])
        cost = sum(
            (Fraction(1 if rule.weight is None else str(rule.weight)) * after.count(rule.table)
             for rule in rules if rule.kind is RuleKind.WARNING), Fraction()
        )  # fmt: skip
        found.append(Tried(rows, breaks, (sum(map(len, broken.values())), cost, [by_value(row) for row in placed])))
    return failed, found


def chosen_rows(plan: AdaptationPlan) -> tuple[Row, ...]:
    """What a plan chose, in order."""
    return tuple(each.chosen.row for each in plan.decisions if each.chosen is not None)


@given(rules=st.lists(st.sampled_from(RULES), min_size=1, max_size=6, unique=True), rows=estates())
@few(15)
def test_the_best_of_all(rules: list[str], rows: Mapping[str, Sequence[Row]]) -> None:
    """The plan is the best by hard rules, standing violations, cost and value order, or there is none at all."""
    hold(rules, rows)


@pytest.mark.long
@given(rules=st.lists(st.sampled_from(RULES), min_size=1, max_size=8, unique=True), rows=estates())
@few(150)
def test_the_best_of_all_at_length(rules: list[str], rows: Mapping[str, Sequence[Row]]) -> None:
    """The same for hundreds of policies and estates."""
    hold(rules, rows)


def hold(rules: Sequence[str], rows: Mapping[str, Sequence[Row]]) -> None:
    """Hold a plan against everything that could be chosen."""
    engine = load(rules, rows)
    plan = adapt(engine, alternatives=4)
    failed, found = tried(engine, partly=False)
    allowed = [each for each in found if not each.breaks]
    if not allowed:
        assert plan.status == "impossible"
        hold_contradiction(plan, failed, tried(engine, partly=True)[1])
        return
    assert plan.status == "optimal"
    assert chosen_rows(plan) == min(allowed, key=lambda each: each.worth).rows
    by_rows = {each.rows: each for each in found}
    for place, decision in enumerate(plan.decisions):
        for other in decision.alternatives:
            swapped = by_rows[*chosen_rows(plan)[:place], other.option.row, *chosen_rows(plan)[place + 1 :]]
            assert {each.rule for each in other.breaks} == swapped.breaks
            assert (other.cost is None) == bool(swapped.breaks)


def hold_contradiction(plan: AdaptationPlan, failed: Sequence[str], found: Sequence[Tried]) -> None:
    """What is said to stand in the way does, and each part of it is needed for that."""
    stuck, rules = set(plan.stuck), {each.rule for each in plan.obstacles}
    assert stuck

    def possible(names: Collection[Scalar], kept: set[str]) -> bool:
        return any(
            not each.breaks & kept
            and all(row is not None for name, row in zip(failed, each.rows, strict=True) if name in names)
            for each in found
        )

    assert not possible(stuck, rules)
    assert all(possible(stuck - {name}, rules) for name in stuck)
    assert all(possible(stuck, rules - {rule}) for rule in rules)
