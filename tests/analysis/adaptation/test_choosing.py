"""What `adapt` promises beside the best choice: it moves nothing else, says what it cannot solve, and is confirmed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from congresslite.analysis.adaptation import AdaptationError, adapt, plan_document, solving
from congresslite.analysis.adaptation.literals import FALSE, TRUE, GroundProgram, TooLargeError
from congresslite.api import Delta, Engine, Policy
from congresslite.schema import Column, Row, RowsTable, TableSchema, Type
from tests.analysis.adaptation.example import NO_STANDBY, chosen, load, need_clingo, planned

need_clingo()


def policy(text: str, name: str = "p", **settings: str) -> Policy:
    """A policy with these rules."""
    said = ", ".join(f"{key} = {value}" for key, value in settings.items())
    return Policy(name, f"policy {name}({said}).\n{text}" if said else f"policy {name}.\n{text}", f"{name}.dl")


def estate(rules: str, **tables: tuple[Sequence[str], Sequence[Row]]) -> Engine:
    """An engine with one policy over tables of a source `inv`: columns and rows by name."""
    data = {
        f"inv:{name}": RowsTable(TableSchema(f"inv:{name}", tuple(map(Column, columns))), rows)
        for name, (columns, rows) in tables.items()
    }
    return Engine.load([policy(rules)], data)


def places(*pops: Any) -> dict[str, tuple[Sequence[str], Sequence[Row]]]:
    """The tables of an estate where `f` has failed and can be placed at any of these."""
    return {
        "pop": (("id", "n"), [(pop, number) for number, pop in enumerate(pops)]),
        "placed": (("vnf", "pop"), [("f", "gone"), ("g", "kept")]),
    }


BASE = 'failed("f"). candidate("f", p) :- inv:pop(id=p), p != "kept".\n'


# -- what is chosen ------------------------------------------------------------------------------


def test_what_has_not_failed_stays() -> None:
    """Rows of what works are never touched, whatever it would save to move them."""
    engine = estate(BASE + '@weight(100) warning(v) :- inv:placed(v, "kept").', **places("a", "b"))
    plan = adapt(engine)
    assert (plan.changes.delete, plan.changes.insert) == ([("f", "gone")], [("f", "a")])


def test_nothing_of_the_engine_changes() -> None:
    """A plan is made on a state that nobody else sees."""
    engine = load()
    before = engine.rows("plan:placed"), sorted(engine.rows("adaptation:error"))
    adapt(engine, ["vnf-a"])
    assert (engine.rows("plan:placed"), sorted(engine.rows("adaptation:error"))) == before
    assert engine.program.facts.get("adaptation:failed") is None


def test_equal_costs_go_by_value() -> None:
    """Of equal options the first by value is chosen: numbers before texts, and 2 before 10."""
    rules = BASE + "error(v) :- inv:placed(v, p), inv:pop(p, n), n = 99."
    assert chosen(adapt(estate(rules, **places("b", 10, "a", 2))))["f"] == (2,)


def test_further_failures_can_be_named() -> None:
    """What is named has failed as if the policy had said so, to all rules of it."""
    plan = adapt(load(), ["vnf-a"])
    assert chosen(plan) == {"vnf-a": ("pop-c", "new"), "vnf-b": ("pop-c", "b1")}
    assert {each.action for each in plan.commands} == {"vnfm:instantiate", "wim:join"}


def test_a_plan_that_is_put_in_place_commands_what_it_said() -> None:
    """Applied to the choice table, a plan makes the rules command exactly the actions that it showed."""
    engine = load({"instance": NO_STANDBY})
    plan = adapt(engine)
    engine.apply({plan.table: plan.changes})
    run = {(each.action, each.arguments) for each in engine.snapshot().commands() if each.decision == "run"}
    assert run == {(each.action, each.arguments) for each in plan.commands}
    assert len(run) == 3


def test_offers_of_other_engines_are_tables_like_any() -> None:
    """A global engine chooses among points of presence that engines below have published."""
    schema = TableSchema("tiers:offers", (Column("pop", Type.STR), Column("class", Type.STR), Column("free", Type.INT)))
    placed = TableSchema("plan:placed", (Column("service", Type.STR), Column("pop", Type.STR)))
    wants = TableSchema("inv:service", (Column("id", Type.STR), Column("class", Type.STR), Column("size", Type.INT)))
    rules = policy(
        "failed(s) :- inv:service(id=s).\n"
        "candidate(s, pop) :- inv:service(s, class, _), tiers:offers(pop, class, _).\n"
        "taken(pop, sum(n)) :- plan:placed(s, pop), inv:service(s, _, n).\n"
        "free(pop, max(n)) :- tiers:offers(pop, _, n).\n"
        '@id("full") error(pop, n, most) :- taken(pop, n), free(pop, most), n > most.\n'
        '@id("spread") @weight(3) warning(a, b) :- plan:placed(a, pop), plan:placed(b, pop), a < b.',
        tier="global".join('""'),
    )
    data = {
        "tiers:offers": RowsTable(schema, [("oslo", "Platinum", 8), ("malmo", "Platinum", 4), ("lyon", "Gold", 64)]),
        "plan:placed": RowsTable(placed, []),
        "inv:service": RowsTable(wants, [("s1", "Platinum", 5), ("s2", "Platinum", 3), ("s3", "Gold", 60)]),
    }
    assert chosen(adapt(Engine.load([rules], data))) == {"s1": ("oslo",), "s2": ("malmo",), "s3": ("lyon",)}


def test_policies_in_dryrun_decide_nothing() -> None:
    """A policy that is only tried out neither forbids a choice nor costs anything."""
    more = policy('error(v) :- plan:placed(v, _, "b1").', "trying", mode='"dryrun"')
    assert chosen(planned({}, more)) == {"vnf-b": ("pop-c", "b1")}


def test_standing_violations_forbid_nothing() -> None:
    """A hard violation that was there before is told, and does not stand in the way of a plan."""
    rules = BASE + (
        'used(p, count(v)) :- inv:placed(v, p).\n@id("full") error(p, n) :- used(p, n), inv:pop(p, most), n > most.'
    )
    engine = estate(rules, **places("kept", "a", "b"))
    plan = adapt(engine)
    assert (plan.status, chosen(plan), [each.row for each in plan.standing]) == (
        "optimal",
        {"f": ("a",)},
        [("kept", 1)],
    )


def test_a_plan_that_mends_more_is_preferred() -> None:
    """Of two plans, that one is better which leaves fewer hard violations, whatever it costs."""
    rules = (
        BASE
        + 'error("dark") :- inv:pop(id="b"), not inv:placed(_, "b").\n@weight(50) warning(v) :- inv:placed(v, "b").'
    )
    plan = adapt(estate(rules, **places("a", "b")))
    assert (chosen(plan), plan.cost, plan.standing) == ({"f": ("b",)}, 50, [])


def test_weights_are_exact() -> None:
    """Ten times 0.1 is 1, and costs less than 1.0000001."""
    rules = BASE + (
        '@weight(0.1) warning(n) :- inv:placed("f", "a"), inv:pop(n=n).\n'
        '@weight(1.0000001) warning(v) :- inv:placed(v, "b").'
    )
    plan = adapt(estate(rules, **places("a", "b", *map(str, range(8)))), alternatives=1)
    assert chosen(plan)["f"] == ("0",)
    only = rules.replace('candidate("f", p) :- inv:pop(id=p)', 'candidate("f", p) :- inv:pop(id=p), p in ["a", "b"]')
    plan = adapt(estate(only, **places("a", "b", *map(str, range(8)))))
    assert (chosen(plan)["f"], plan.cost) == (("a",), 1)
    assert [each.cost for each in plan.decisions[0].alternatives] == [1.0000001]


def test_hostile_texts_are_only_texts() -> None:
    """Names that would mean something to a solver, quotes, NULs and newlines among them, are values like any."""
    names = ('a"). :- x.', "#program b.", "\x00a", "\x00b", "line\nbreak", "'", "\\", "é", "", "true", "1")
    rules = BASE + 'error(p) :- inv:placed("f", p), inv:pop(p, n), n != 3.'
    assert chosen(adapt(estate(rules, **places(*names))))["f"] == (names[3],)


PLACED = 'inv:placed("f", p), inv:pop(p, n)'
VALUES: dict[str, tuple[str, str]] = {
    "floats are compared": (f"error(p) :- {PLACED}, n / 3 < 0.5.", "c"),
    "integers of 64 bits are compared": (f"error(p) :- {PLACED}, 9007199254740993 + n < 9007199254740994.", "b"),
    "texts are joined": (f'error(p) :- {PLACED}, p + "!" in ["a!", "b!"].', "c"),
    "builtins are called": (f'error(p) :- {PLACED}, not matches(p, "[cd]").', "c"),
    "large sums with a common divisor": (
        "s(sum(m)) :- inv:placed(_, p), inv:pop(p, n), m = n * 4294967296.\nerror(n) :- s(n), n < 4294967297.",
        "c",
    ),
    "a sum of nothing is no sum": (
        "s(sum(n)) :- inv:placed(_, p), inv:pop(p, n), n < 1.\nerror(n) :- s(n), n = 0.",
        "b",
    ),
    "the least of several": (
        'k(n) :- inv:placed("f", p), inv:pop(p, n).\nk(2) :- inv:placed("g", _).\n'
        "m(min(n)) :- k(n).\nerror(n) :- m(n), n != 1.",
        "b",
    ),
    "null is no value of a sum": (
        "s(count(m)) :- inv:placed(_, p), half(p, m).\nhalf(p, null) :- inv:pop(p, 0). half(p, 1) :- inv:pop(p, 1).\n"
        'error("none") :- not s(1).',
        "b",
    ),
}


@pytest.mark.parametrize(("rule", "where"), VALUES.values(), ids=VALUES.keys())
def test_values_mean_what_they_mean_to_the_engine(rule: str, where: str) -> None:
    """Whatever a rule computes is computed by our engine, exactly, and never by the solver."""
    assert chosen(adapt(estate(BASE + rule, **places("a", "b", "c"))))["f"] == (where,)


# -- what is refused -----------------------------------------------------------------------------

LOTS = "".join(
    f'failed("{n}"). candidate("{n}", "a"). candidate("{n}", "b"). power("{n}", {2**n}).\n' for n in range(24)
)
SUM = "error(n) :- m(n), n > 1."
PLACES = "inv:placed(_, p), inv:pop(p, n)"
REFUSED: dict[str, tuple[str, str]] = {
    "no candidates": ('failed("f"). error(v) :- inv:placed(v, _).', "CL640"),
    "nothing that says what failed": ('candidate("f", "a"). error(v) :- inv:placed(v, _).', "CL640"),
    "a failure of two columns": ('failed("f", 1). candidate("f", "a"). error(v) :- inv:placed(v, _).', "CL640"),
    "no choice table": ('failed("f"). candidate("f", "a"). error(v) :- inv:pop(id=v).', "CL641"),
    "candidates of another form": ('failed("f"). candidate("f", "a", 1). error(v) :- inv:placed(v, _).', "CL641"),
    "an average": (f"{BASE} m(avg(n)) :- {PLACES}. {SUM}", "CL643"),
    "a sum of fractions": (f"{BASE} m(sum(h)) :- {PLACES}, h = n / 2. {SUM}", "CL643"),
    "values of two kinds": (f"{BASE} k(p, p) :- inv:pop(id=p). k(p, n) :- inv:pop(p, n). "
                            "m(min(x)) :- inv:placed(_, p), k(p, x). error(x) :- m(x).", "CL643"),
    "too many sums": (f'{LOTS} m(sum(x)) :- inv:placed(v, "a"), power(v, x). {SUM}', "CL643"),
    "a sum that is too large": (f"{BASE} m(sum(x)) :- {PLACES}, x = n * 4294967296 + 1. {SUM}", "CL644"),
    "costs that are too large": (f'{BASE} @weight(4000000000) warning(p) :- inv:placed("f", p).', "CL644"),
    "a weight below 0": (f'{BASE} @weight(-1) warning(p) :- inv:placed("f", p).', "CL645"),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_solved_is_refused_by_name(rules: str, code: str) -> None:
    """Nothing is rounded, guessed or left out: the finding says what cannot be done, and at which rule."""
    with pytest.raises(AdaptationError) as caught:
        adapt(estate(rules, **places("a", "b", "c")))
    assert [each.code for each in caught.value.diagnostics] == [code]
    assert code < "CL643" or "costs" in str(caught.value) or caught.value.diagnostics[0].span is not None


NAMED: dict[str, tuple[dict[str, Any], str]] = {
    "a policy that is not there": ({"policy": "adaption"}, "CL640"),
    "a policy without candidates": ({"policy": "other"}, "CL640"),
    "a table that is not there": ({"choice": "plan:place"}, "CL641"),
    "a table that no rule reads": ({"choice": "plan:idle"}, "CL641"),
    "a table that rules derive": ({"choice": "adaptation:runs"}, "CL641"),
    "a function that nobody knows": ({"failed": ["vnf-z"]}, "CL642"),
}


@pytest.mark.parametrize(("named", "code"), NAMED.values(), ids=NAMED.keys())
def test_a_wrong_name_is_told(named: dict[str, Any], code: str) -> None:
    """What is named but is not there is told, where possible with what may have been meant."""
    engine = load({}, policy("x(p) :- inv:pop(id=p).", "other"))
    engine.attach({"plan:idle": RowsTable(TableSchema("plan:idle", (Column("a"),)), [])})
    with pytest.raises(AdaptationError) as caught:
        adapt(engine, **named)
    assert [each.code for each in caught.value.diagnostics] == [code]
    assert caught.value.diagnostics[0].hint


def test_two_policies_with_candidates_have_to_be_told_apart() -> None:
    """Where several policies say what may be chosen, one of them must be named."""
    other = policy('candidate(v, "pop-a", "new") :- inv:vnf(id=v). failed("vnf-c").', "other")
    engine = load({}, other)
    with pytest.raises(AdaptationError, match="CL640"):
        adapt(engine)
    assert chosen(adapt(engine, policy="other"))["vnf-c"] == ("pop-a", "new")


# -- the solver is never trusted, and ends -------------------------------------------------------


def test_a_plan_that_the_engine_does_not_confirm_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the solver answers for another question than was asked, nothing is shown but that."""
    honest = solving.solve

    def confused(question: solving.Question, *arguments: Any) -> Any:
        # As a fault in the translation would: the solver is not told of the hard rules.
        loose = solving.Question(question.program, question.choices, [[] for _ in question.hard], (), question.soft)
        return honest(loose, *arguments)

    engine = estate(BASE + 'error(v) :- inv:placed(v, "a").', **places("a", "b"))
    assert chosen(adapt(engine)) == {"f": ("b",)}
    monkeypatch.setattr(solving, "solve", confused)
    with pytest.raises(AdaptationError, match="CL649"):
        adapt(engine)


def test_costs_that_differ_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the solver counts other costs than the engine, nothing is shown but that."""
    honest = solving.solve

    def confused(question: solving.Question, *arguments: Any) -> Any:
        doubled = [(literal, weight * 2) for literal, weight in question.soft]
        asked = solving.Question(question.program, question.choices, question.hard, question.standing, doubled)
        return honest(asked, *arguments)

    monkeypatch.setattr(solving, "solve", confused)
    with pytest.raises(AdaptationError, match="CL649"):
        adapt(load())


def pigeons(count: int) -> Engine:
    """So many functions for one place less: what no solver finds out soon."""
    names = "".join(f'failed("{n}"). ' for n in range(count))
    rules = f"{names}\ncandidate(v, p) :- failed(v), inv:pop(id=p).\n"
    rules += "error(a, b) :- inv:placed(a, p), inv:placed(b, p), a < b."
    return estate(rules, pop=(("id", "n"), [(f"p{n}", n) for n in range(count - 1)]), placed=(("vnf", "pop"), []))


def test_the_time_limit_is_kept() -> None:
    """A search without an end ends at its limit, and says that nothing is known."""
    started = time.monotonic()
    plan = adapt(pigeons(13), time_limit=0.5)
    assert plan.status == "unknown"
    assert time.monotonic() - started < 20
    assert [each.chosen for each in plan.decisions] == [None] * 13


def test_whoever_interrupts_is_heard() -> None:
    """An interruption ends the search at once, and its threads with it."""
    before = threading.active_count()

    def interrupted(what: str, done: int, total: int) -> None:
        if what == "choosing":
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        adapt(pigeons(13), time_limit=600, progress=interrupted)
    assert time.monotonic() - started < 60
    assert threading.active_count() == before


def test_the_best_so_far_is_no_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that was found before the limit is confirmed and shown, and called the best so far only."""
    run = solving._Written._run

    def stopped(self: Any, assumed: Sequence[int], end: float, *more: Any) -> Any:
        found, core = run(self, assumed, end, *more)
        return (None, []) if more[0] is not None and not assumed else (found, core)

    monkeypatch.setattr(solving._Written, "_run", stopped)
    plan = planned()
    assert plan.status == "feasible"
    assert chosen(plan)


# -- ground programs -----------------------------------------------------------------------------


SUMS: dict[str, Callable[[GroundProgram, int, int], tuple[int, int]]] = {
    "nothing to reach": lambda program, a, b: (program.at_least(0, [(a, 1)]), TRUE),
    "out of reach": lambda program, a, b: (program.at_least(3, [(a, 1), (b, 1)]), FALSE),
    "all of them": lambda program, a, b: (program.at_least(2, [(a, 1), (b, 1)]), program.all_of([a, b])),
    "with what is there anyway": lambda program, a, b: (program.at_least(3, [(TRUE, 2), (a, 1)]), a),
    "less than nothing": lambda program, a, b: (program.at_least(0, [(a, -1)]), -a),
    "a common divisor": lambda program, a, b: (
        program.at_least(5, [(a, 4), (b, 8)]),
        program.at_least(2, [(a, 1), (b, 2)]),
    ),
    "opposites": lambda program, a, b: (program.all_of([a, -a]), FALSE),
    "one is enough": lambda program, a, b: (program.any_of([FALSE, TRUE, a]), TRUE),
    "nothing at all": lambda program, a, b: (program.any_of([]), FALSE),
}  # fmt: skip


@pytest.mark.parametrize("made", SUMS.values(), ids=SUMS.keys())
def test_what_can_be_decided_is_decided(made: Callable[[GroundProgram, int, int], tuple[int, int]]) -> None:
    """A sum or a conjunction whose truth is known needs no atom of its own."""
    program = GroundProgram()
    found, expected = made(program, *program.choice(2))
    assert found == expected


def test_a_sum_beyond_the_solver_is_refused() -> None:
    """No weight is handed over that the solver would cut off."""
    program = GroundProgram()
    a, b = program.choice(2)
    with pytest.raises(TooLargeError):
        program.at_least(5, [(a, 2**31), (b, 2**31 + 1)])


def test_the_document_is_whole() -> None:
    """A plan's document has every key whatever the status, so that scripts need not ask."""
    documents: list[Mapping[str, Any]] = [
        plan_document(plan)
        for plan in (planned(), planned({"graph": [("web", 5, 2)]}), planned({"vnf": [("vnf-b", "ACTIVE")]}))
    ]
    assert [each["status"] for each in documents] == ["optimal", "impossible", "nothing"]
    assert documents[0].keys() == documents[1].keys() == documents[2].keys()
    assert documents[0]["changes"]["insert"] == [{"vnf": "vnf-b", "pop": "pop-c", "instance": "b1"}]


def test_an_old_plan_is_replaced() -> None:
    """Rows that an earlier plan left for what has failed go, as the new one comes."""
    engine = load()
    engine.apply({"plan:placed": Delta(insert=[("vnf-b", "pop-a", "new"), ("vnf-c", "pop-c", "new")])})
    plan = adapt(engine)
    assert (plan.changes.delete, plan.changes.insert) == ([("vnf-b", "pop-a", "new")], [("vnf-b", "pop-c", "b1")])
    assert len(plan.links.delete) == len(plan.links.insert) == 2
