"""Why and why not: every proof is checked step by step, and every failure is looked up, by code of the tests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given

from congresslite.cli.trees import proof_lines
from congresslite.diagnostics import Source
from congresslite.engine.explanation import ANY, Attempt, Proof, as_json, explain, why_not
from congresslite.language.check import check_sources
from congresslite.language.program import Either, Literal, Program
from congresslite.schema import Catalog, Column, Row, TableSchema, Type, identity
from tests.engine.lookups import CLOCK, UNREAD, HeldLookup, NaiveLookup, rows_beside
from tests.engine.naive import Tables, solve
from tests.engine.proof_checker import Checker
from tests.engine.same_answers import check_same, progress_of
from tests.engine.strategies import CATALOG, Case, cases
from tests.examples import PROGRAMS, few, many

SHORT = few(75, suppress_health_check=PROGRAMS)
LONG = many(1_500, suppress_health_check=PROGRAMS)


def table(name: str, *columns: str, key: tuple[str, ...] = ()) -> TableSchema:
    """A table of a source."""
    return TableSchema(name, tuple(Column(column, Type.ANY) for column in columns), key)


ESTATE = (
    table("inv:vm", "id", "host", "vcpus", key=("id",)),
    table("inv:host", "id", "disk", key=("id",)),
    table("inv:link", "a", "b"),
    table("inv:waiver", "host", "reason"),
)
ROWS: dict[str, list[Row]] = {
    "inv:vm": [("vm1", "h1", 4), ("vm2", "h1", 8), ("vm3", "h2", 2)],
    "inv:host": [("h1", "hdd"), ("h2", "ssd")],
    "inv:link": [("a", "b"), ("b", "c"), ("c", "d"), ("a", "c"), ("d", "a")],
    "inv:waiver": [("h2", "old")],
}


def program_of(text: str, catalog: Catalog | None = None) -> Program:
    """The program of a policy `p`."""
    found = check_sources([Source("p.dl", text)], catalog or Catalog.of(ESTATE))
    assert found.program is not None, found.diagnostics
    return found.program


def state(text: str, **rows: list[Row]) -> NaiveLookup:
    """A policy over the small estate; `link=[…]` gives other rows to a table."""
    return NaiveLookup(program_of(text), {**ROWS, **{f"inv:{name}": each for name, each in rows.items()}})


# -- random policies ---------------------------------------------------------------------------------


class Reversed(NaiveLookup):
    """Answers in another order: nothing may depend on it."""

    def solve(self, *arguments: Any) -> list[Row]:
        """See `Lookup`."""
        rule, body, bound, names, limit = arguments
        return list(reversed(super().solve(rule, list(reversed(body)), bound, names, None)))[:limit]


def check_case(case: Case) -> None:
    """Each derived row has a proof that the checker accepts; rows beside it have none, and a failure that fails."""
    program = check_sources([Source("p.dl", case.text)], CATALOG).program
    assume(program is not None)
    assert program is not None
    lookup = NaiveLookup(program, case.tables)
    other, held = Reversed(program, case.tables, lookup.tables), HeldLookup(lookup)
    checker = Checker(program, lookup.tables, CLOCK)
    for name, row in checker.rows():
        proof = explain(lookup, name, row)
        assert proof is not None, (name, row)
        checker.check(proof)
        again = explain(other, name, row)
        assert again is not None
        assert as_json(again) == as_json(proof)
        check_same(explain(held, name, row), proof)
        json.dumps(as_json(proof))
        assert why_not(lookup, name, row) is None
    for name, row in rows_beside(program, lookup.tables):
        assert explain(lookup, name, row) is None
        check_failure(lookup, name, row)
        answer = why_not(held, name, row)
        assert answer is not None
        assert UNREAD not in json.dumps(as_json(answer))
        assert progress_of(answer) == progress_of(why_not(lookup, name, row))


def check_failure(lookup: NaiveLookup, name: str, row: Row) -> None:
    """What holds, holds for the row; with the literal that fails, nothing does."""
    answer = why_not(lookup, name, row)
    assert answer is not None
    json.dumps(as_json(answer))
    deriving = [rule for rule in lookup.program.rules if rule.table == name] if "/" not in name else None
    if deriving is not None:
        assert len(answer.attempts) + len(answer.mismatches) == len(deriving)
    for attempt in answer.attempts:
        bound = {
            term.name: identity(value)
            for term, value in zip(attempt.rule.head, row, strict=True)
            if hasattr(term, "name")
        }
        check_attempt(lookup, attempt, bound, attempt.rule.body)


def check_attempt(lookup: NaiveLookup, attempt: Attempt, bound: dict[str, Any], body: tuple[Literal, ...]) -> None:
    """The literals that hold can hold together, and not with the one that fails."""
    failed = attempt.failed
    assert len(attempt.held) == len(attempt.literals)
    assert {id(each) for each in attempt.literals} <= {id(each) for each in body}
    assert holds(lookup, attempt.literals, bound)
    if failed.literal is None:
        assert attempt.rule.aggregates
        return
    assert failed.literal in body
    assert not holds(lookup, (*attempt.literals, failed.literal), bound)
    if isinstance(failed.literal, Either):
        assert len(failed.branches) == len(failed.literal.branches)
        for branch, inner in zip(failed.branches, failed.literal.branches, strict=True):
            sample = {name: identity(value) for name, value in attempt.bindings.items()}
            # The sample's anonymous variables are not told, and occur in no branch.
            check_attempt(lookup, branch, {**bound, **sample}, inner)


def holds(lookup: NaiveLookup, body: tuple[Literal, ...], bound: dict[str, Any]) -> bool:
    """Whether a body has a binding, found by nested loops."""
    return next(solve(list(body), bound, lookup.tables, CLOCK), None) is not None


@SHORT
@given(case=cases())
def test_random_policies(case: Case) -> None:
    """Every derived row has a proof that an independent checker accepts, of minimal height; other rows have none."""
    check_case(case)


@pytest.mark.long
@LONG
@given(case=cases())
def test_random_policies_at_length(case: Case) -> None:
    """As the test above, on more than a thousand policies that differ from run to run."""
    check_case(case)


# -- named cases -------------------------------------------------------------------------------------

REACH = "reach(a, b) :- inv:link(a, b).\nreach(a, c) :- reach(a, b), inv:link(b, c)."


def proved(lookup: NaiveLookup, name: str, row: Row, **more: Any) -> Proof:
    """The proof of a row, which the checker accepts."""
    proof = explain(lookup, name, row, **more)
    assert proof is not None
    if proof.complete:
        Checker(lookup.program, lookup.tables, CLOCK).check(proof)
    return proof


def told(proof: Proof) -> str:
    """The rows that a proof rests on directly."""
    return " ".join(f"{each.table}{each.row}" for each in proof.premises())


@pytest.mark.parametrize(
    ("text", "row", "height", "premises"),
    [
        ("t(v) :- inv:vm(v, h, _), inv:host(h, 'hdd').", ("vm1",), 1, "inv:vm('vm1', 'h1', 4) inv:host('h1', 'hdd')"),
        ("t(1). t(x) :- inv:vm(_, _, x).", (1,), 0, ""),
        ("t(x) :- x = 3.", (3,), 1, ""),
        ("t(h) :- inv:vm(_, h, _).", ("h1",), 1, "inv:vm('vm1', 'h1', 4)"),
        ("u(h) :- inv:vm(_, h, _). t(h) :- u(h). t(h) :- inv:host(h, _).", ("h1",), 1, "inv:host('h1', 'hdd')"),
        ("u(h) :- inv:vm(_, h, _). t(h) :- (u(h)) or (inv:host(h, _)).", ("h1",), 1, "inv:host('h1', 'hdd')"),
        ("t(h) :- inv:host(h, _), not inv:waiver(h, _).", ("h1",), 1, "inv:host('h1', 'hdd')"),
        (f"{REACH} t(b) :- reach('a', b).", ("d",), 3, "p:reach('a', 'd')"),
        ("error(v) :- inv:vm(v, 'h2', _). t(x) :- error(x).", ("vm3",), 2, "p:error('vm3',)"),
        ("t(h, sum(n)) :- inv:vm(_, h, n).", ("h1", 12), 1, "inv:vm('vm1', 'h1', 4) inv:vm('vm2', 'h1', 8)"),
        ("u(x) :- inv:host(x, _). u(x) :- v(x). v(x) :- inv:waiver(x, _). v('h9'). t(count(x)) :- u(x).",
         (3,), 2, "p:u('h1',) p:u('h2',) p:u('h9',)"),
    ],
    ids=[
        "a join", "a fact before a rule", "no atoms", "the least binding", "the rule that proves it lower",
        "the branch that proves it lower", "what is absent counts for nothing", "the shortest path", "violations",
        "a group", "as high as the group's highest",
    ],
)  # fmt: skip
def test_proofs(text: str, row: Row, height: int, premises: str) -> None:
    """The proof is of the least height, and of equal ones by the first rule and the least values."""
    proof = proved(state(text), "p:t", row)
    assert (proof.height, told(proof)) == (height, premises)


@pytest.mark.parametrize(
    ("text", "row", "height"),
    [
        (
            """
            c1(x) :- inv:host(x, _). c2(x) :- c1(x). c3(x) :- c2(x).
            a(x) :- c3(x). a(x) :- r(x). r(x) :- inv:host(x, _). r(x) :- a(x).
            t(x) :- a(x).
            """,
            ("h2",),
            3,
        ),
        (
            """
            a(x) :- inv:waiver(x, _). deep(x) :- a(x). e(x) :- inv:host(x, _). e(x) :- inv:waiver(x, _).
            t(count(x)) :- (inv:host(x, "ssd")) or (inv:host(x, "hdd")) or (deep(x), x = "h2", y = 1).
            t(count(x)) :- (e(x)) or (e(x), x = "h2", y = 2).
            """,
            (3,),
            2,
        ),
    ],
    ids=["through a recursion", "by another rule"],
)
def test_lower_proof_found_late(text: str, row: Row, height: int) -> None:
    """A row that was proved by a long way first gets the lower proof that is found later, and so do its users."""
    assert proved(state(text), "p:t", row).height == height


@pytest.mark.parametrize("limit", [0, 2, None], ids=str)
def test_limit_of_groups(limit: int | None) -> None:
    """An aggregate shows as many bindings as are wanted, and tells how many there are."""
    vms: list[Row] = [(f"vm{i}", "h1", i) for i in range(30)]
    proof = proved(state("t(h, count(v)) :- inv:vm(v, h, _).", vm=vms), "p:t", ("h1", 30), limit=limit)
    assert (proof.total, len(proof.group)) == (30, 30 if limit is None else limit)


def test_long_path() -> None:
    """A path of thousands of links is explained with two questions for each, and told without recursion."""
    length = 3_000
    program = program_of(REACH)
    derived: Tables = {"p:reach": {("n0", f"n{i}") for i in range(1, length + 1)}}
    lookup = NaiveLookup(program, {"inv:link": [(f"n{i}", f"n{i + 1}") for i in range(length)]}, derived)
    proof = explain(lookup, "p:reach", ("n0", f"n{length}"))
    assert proof is not None
    assert (proof.height, proof.complete) == (length, True)
    assert lookup.asked <= 2 * length
    assert len(json.loads(json.dumps(as_json(proof)))["steps"]) == 2 * length
    assert len(list(proof_lines(proof, 3))) == 2 * 3 + 1


@pytest.mark.parametrize(
    ("text", "row", "questions"),
    [
        ("t(h) :- inv:vm(_, h, _).", ("hub",), 1),
        ("t(h, count(v)) :- inv:vm(v, h, _).", ("hub", 300), 1),
        ("u(v, h) :- inv:vm(v, h, _). t(h) :- u(_, h).", ("hub",), 2),
        ("u(v) :- inv:vm(v, _, _). u(v) :- w(v). w(v) :- u(v). t(h) :- inv:vm(v, h, _), w(v).", ("hub",), 60),
    ],
    ids=["one rule", "a group", "a chain", "varying heights"],
)  # fmt: skip
def test_hub(text: str, row: Row, questions: int) -> None:
    """However many bindings a row has, only so many are looked at, and the proof says if that left something out."""
    vms: list[Row] = [(f"vm{i}", "hub", i) for i in range(300)]
    program = program_of(text)
    lookup = NaiveLookup(program, {"inv:vm": vms})
    lookup.asked = 0
    proof = explain(lookup, "p:t", row, width=20, patience=50)
    assert proof is not None
    assert proof.complete == bool(program.tables["p:t"].arity == 2)
    assert lookup.asked <= questions


def test_only_proof_beyond_the_width() -> None:
    """If all that was looked at rests on the row itself, more is looked at: what is derived is proved."""
    names = [f"a{i}" for i in range(100)]
    links: list[Row] = [*(("z", name) for name in names), *((name, "z") for name in names)]
    lookup = state(f"{REACH}", link=[*links, ("start", "zz"), ("zz", "z")])
    proof = explain(lookup, "p:reach", ("start", "z"), width=5)
    assert proof is not None
    assert proof.height == 2


@pytest.mark.parametrize("row", [("vm9",), (1,), (True,), (), ("vm1", "h1")], ids=repr)
def test_no_proof(row: Row) -> None:
    """A row that is not there has no proof, whatever its values and however many."""
    assert explain(state("t(v) :- inv:vm(v, _, _). t(true) :- inv:vm(_, _, 77)."), "p:t", row) is None


def test_unknown_table() -> None:
    """A table that nobody knows is told as everywhere: KeyError."""
    for ask in (explain, why_not):
        with pytest.raises(KeyError):
            ask(state("t(1)."), "p:u", (1,))


JOIN = 't(v, h) :- h != "h0", inv:vm(v, h, n), inv:host(h, "ssd"), n > 4, not inv:waiver(h, _).'


@pytest.mark.parametrize(
    ("text", "row", "reason", "failed", "near"),
    [
        (JOIN, ("vm1", "h2"), "missing", 'inv:vm(id="vm1", host="h2", vcpus=n)', [("vm1", "h1", 4)]),
        (JOIN, ("vm1", "h1"), "missing", 'inv:host(id="h1", disk="ssd")', [("h1", "hdd")]),
        (JOIN, ("vm3", "h2"), "untrue", "2 > 4", []),
        (JOIN, ("vm4", "h2"), "present", 'not inv:waiver(host="h2")', [("h2", "old")]),
        (JOIN, ("vm4", "h0"), "untrue", '"h0" != "h0"', []),
        ("t(v) :- inv:vm(v, h, n), n < h.", ("vm5",), "undefined", "null < \"h3\"", []),
        ("t(v) :- inv:vm(v, _, n), m = n + 1, m > 0.", ("vm5",), "undefined", "m = null + 1", []),
        ("t(v) :- inv:vm(v, _, n), not n in [4, 5].", ("vm1",), "untrue", "not 4 in [4, 5]", []),
        ("t(v) :- inv:vm(v, h, _), startswith(h, 'x').", ("vm1",), "untrue", 'startswith("h1", "x")', []),
        ("t(h, sum(n)) :- inv:vm(_, h, n).", ("h1", 13), "aggregate", 'p:t(h="h1", c2=sum(n))', [("h1", 12)]),
        ("t(h, sum(n)) :- inv:vm(_, h, n).", ("h3", 13), "aggregate", 'p:t(h="h3", c2=sum(n))', []),
        ("t(v) :- inv:vm(v, _, n), (n = 1) or (n = 2).", ("vm1",), "or", "(4 = 1) or (4 = 2)", []),
    ],
    ids=[
        "no such row", "the key is kept", "a comparison", "a row under not", "before any atom", "neither way",
        "a value that cannot be computed", "a membership", "a builtin", "another sum", "no sum", "no branch",
    ],
)  # fmt: skip
def test_failures(text: str, row: Row, reason: str, failed: str, near: list[Row]) -> None:
    """The first literal that fails is told with its values, and the rows that come nearest."""
    vms: list[Row] = [*ROWS["inv:vm"], ("vm4", "h2", 8), ("vm5", "h3", None), ("vm4", "h0", 8)]
    answer = why_not(state(text, vm=vms), "p:t", row)
    assert answer is not None
    (attempt,) = answer.attempts
    assert (attempt.failed.reason, attempt.failed.with_values) == (reason, failed)
    assert [each.row for each in attempt.failed.near] == near


@pytest.mark.parametrize(
    ("table", "row", "reasons"),
    [
        ("p:t", ("x", 1, 2), ['its head has "b" for `c1`, not "x"', 'its head has `x` twice, here "x" and 1']),
        ("p:t", ("b",), ["its head has 3 columns", "its head has 3 columns"]),
        ("p:f", (2,), []),
        ("inv:vm", ("vm1", "h2", 4), []),
    ],
    ids=["heads", "arity", "facts", "a source"],
)
def test_no_rule(table: str, row: Row, reasons: list[str]) -> None:
    """Where no rule could derive the row, each of them says why."""
    text = "t('b', x, y) :- inv:vm(x, y, _). t(x, x, y) :- inv:vm(x, _, y). f(1)."
    answer = why_not(state(text), table, row)
    assert answer is not None
    assert not answer.attempts
    assert [each.reason for each in answer.mismatches] == reasons
    assert (answer.note is None) == bool(reasons)


def test_open_columns() -> None:
    """Columns that are left open may hold anything."""
    lookup = state("t(v, h, d) :- inv:vm(v, h, _), inv:host(h, d), d = 'ssd'.")
    assert why_not(lookup, "p:t", (ANY, "h2", ANY)) is None
    answer = why_not(lookup, "p:t", (ANY, "h1", ANY))
    assert answer is not None
    assert answer.attempts[0].failed.with_values == '"hdd" = "ssd"'
    assert as_json(answer)["row"] == {"h": "h1"}
