"""Loops: which are possible, which are certain, and what is said where nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.analysis import loops as module
from congresslite.analysis.effects import Effects
from congresslite.analysis.loops import loops
from congresslite.analysis.precommit import precommit
from congresslite.analysis.report import Loop
from congresslite.api import Engine, Policy
from congresslite.schema import Column, Reference, Row, RowsTable, TableSchema, Type
from tests.examples import few

VNF = TableSchema("inv:vnf", (Column("id", Type.STR), Column("state", Type.STR), Column("load", Type.INT)), ("id",))
VM = TableSchema(
    "inv:vm",
    (Column("id", Type.STR), Column("vnf", Type.STR, Reference("inv:vnf", "id")), Column("host", Type.STR)),
    ("id",),
)
VNFS: list[Row] = [("f", "ACTIVE", 95), ("g", "ACTIVE", 10)]
VMS: list[Row] = [("a", "f", "h1"), ("b", "g", "h2")]

EFFECTS = Policy("effects", """policy effects.
inv:vnf-(id=f) :- scale_out(f).  inv:vnf+(f, "SCALED", l) :- scale_out(f), inv:vnf(id=f, load=l).
inv:vnf-(id=f) :- scale_in(f).   inv:vnf+(f, "ACTIVE", l) :- scale_in(f), inv:vnf(id=f, load=l).
inv:vm-(id=v) :- migrate(v, _).  inv:vm+(v, f, h) :- migrate(v, h), inv:vm(id=v, vnf=f).
inv:vm-(id=v) :- stop(v).
""")  # fmt: skip
OUT = '@id("out") execute[scale_out(f)] :- inv:vnf(id=f, state="ACTIVE", load=load), load > 90.'
IN = '@id("in") execute[scale_in(f)] :- inv:vnf(id=f, state="SCALED").'


def policy(name: str, *rules: str, mode: str = "enforce") -> Policy:
    """A policy that commands, in earnest unless said otherwise."""
    return Policy(name, f'policy {name}(mode = "{mode}").\n' + "\n".join(rules))


def found(live: Sequence[Policy], proposed: Sequence[Policy]) -> tuple[Sequence[Loop], list[str]]:
    """The loops of a pre-commit check, and what it says of loops that it did not look into."""
    data = {"inv:vnf": RowsTable(VNF, VNFS), "inv:vm": RowsTable(VM, VMS)}
    report = precommit(Engine.load(live, data), proposed)
    codes = {each.code for each in report.reasons}
    certain = any(each.certainty == "certain" for each in report.loops)
    assert certain == ("CL321" in codes)
    assert any(each.certainty == "possible" for each in report.loops) == ("CL325" in codes)
    return report.loops, [each for each in report.not_analysed if "loop" in each]


def test_a_certain_loop_has_the_run_that_came_back() -> None:
    """Two policies undo each other's actions, and the trace says how."""
    (loop,), left = found([EFFECTS, policy("a", OUT)], [policy("b", IN)])
    assert (loop.certainty, loop.actions, left) == ("certain", ("scale_out", "scale_in"), [])
    assert loop.rules == (("a", "out"), ("b", "in"))
    assert [(each["round"], each["text"]) for each in loop.trace] == [(1, 'scale_out("f")'), (2, 'scale_in("f")')]
    assert loop.trace[0]["rows"][0]["insert"] == [{"id": "f", "state": "SCALED", "load": 95}]


POSSIBLE = {
    "not enforced": [policy("a", OUT), policy("b", IN, mode="warn")],
    "not from this state": [policy("a", OUT.replace("90", "99")), policy("b", IN)],
    "through a count": [
        policy("m", '@id("m") execute[migrate(v, "h2")] :- load(h, n), n > 0, inv:vm(id=v, host=h).',
               "load(h, count(v)) :- inv:vm(id=v, host=h)."),
    ],
    "through a negation": [
        policy("m", '@id("m") execute[stop(v)] :- inv:vm(id=v, host="h2"), not lonely(v).',
               'lonely(v) :- inv:vm(id=v, host=h), inv:vm(id=w, host="h1"), h != "h1".'),
    ],
    "as a denial goes": [
        policy("d", '@id("d") deny[stop(v)] :- inv:vm(id=v), inv:vm(id=w, host="h1"), v != w.',
               '@id("s") execute[stop(v)] :- inv:vm(id=v).'),
    ],
}  # fmt: skip


@pytest.mark.parametrize("policies", POSSIBLE.values(), ids=POSSIBLE.keys())
def test_possible_loops(policies: list[Policy]) -> None:
    """A cycle in the trigger graph is told, though no run from this state comes back."""
    told, left = found([EFFECTS], policies)
    assert [each.certainty for each in told] == ["possible"]
    assert told[0].trace == ()
    assert left == []


NONE = {
    "an end": ['@id("m") execute[migrate(v, "h2")] :- inv:vm(id=v, host="h1").'],
    "a condition that the action ends": ['@id("m") execute[migrate(v, "h2")] :- inv:vm(id=v, host=h), h != "h2".'],
    "columns that stay as they were": [
        '@id("m") execute[migrate(v, "h2")] :- inv:vm(id=v, vnf=f), inv:vnf(id=f, load=l), l > 90.',
    ],
    "a negation over columns that stay": [
        '@id("m") execute[migrate(v, "h2")] :- inv:vm(id=v, host="h1"), not inv:vm(vnf="zz").',
    ],
    "another table": ['@id("m") execute[scale_out(f)] :- inv:vm(vnf=f, host="h1").'],
    "rows that only go": ['@id("s") execute[stop(v)] :- inv:vm(id=v, host="h1").'],
    "a chain": [OUT, '@id("m") execute[migrate(v, "h2")] :- inv:vm(id=v, vnf=f), inv:vnf(id=f, state="SCALED").'],
}  # fmt: skip


@pytest.mark.parametrize("rules", NONE.values(), ids=NONE.keys())
def test_what_cannot_go_round(rules: list[str]) -> None:
    """Constants, and what an action leaves as it was, rule out that rules set each other off."""
    assert found([EFFECTS], [policy("p", *rules)]) == ((), [])


def test_rules_of_one_policy_may_undo_each_other() -> None:
    """Both sides may stand in one policy, and command one action."""
    there, back = ('@id("m1") execute[migrate(v, "h2")] :- inv:vm(id=v, host="h1").',
                   '@id("m2") execute[migrate(v, "h1")] :- inv:vm(id=v, host="h2").')  # fmt: skip
    (loop,), _ = found([EFFECTS], [policy("m", there, back)])
    assert (loop.certainty, loop.actions) == ("certain", ("migrate", "migrate"))
    assert len(loop.trace) == 4


def test_rules_that_only_act_in_a_run_are_no_certain_loop() -> None:
    """Of two cycles in the graph the one is certain that goes round without other rules."""
    full = '@id("full") execute[migrate(v, "h1")] :- load(h, n), n > 1, inv:vm(id=v, host="h2").'
    back = '@id("back") execute[migrate(v, "h2")] :- inv:vm(id=v, host="h1").'
    told, _ = found([EFFECTS], [policy("m", full, back, "load(h, count(v)) :- inv:vm(id=v, host=h).")])
    assert {tuple(rule for _, rule in each.rules if rule in ("full", "back")): each.certainty for each in told} == {
        ("full", "back"): "certain",
        ("full",): "possible",
    }


def test_only_loops_of_changed_policies_are_told() -> None:
    """What was there before is no news."""
    live = [EFFECTS, policy("a", OUT), policy("b", IN)]
    assert found(live, [policy("c", "seen(v) :- inv:vm(id=v).")]) == ((), [])
    assert found(live, [policy("c", '@id("m") execute[migrate(v, "h2")] :- inv:vm(id=v, host="h1").')]) == ((), [])


@pytest.mark.parametrize(
    "changed",
    [
        policy("view", 'scaled(f) :- inv:vnf(id=f, state="SCALED").'),
        Policy("effects", EFFECTS.text + "inv:vm-(id=v) :- pause(v)."),
    ],
    ids=["a view", "the effects"],
)
def test_a_policy_takes_part_that_only_closes_the_circle(changed: Policy) -> None:
    """A loop is told to whoever changes what it goes through."""
    view = policy("view", 'scaled(f) :- inv:vnf(id=f, state="NEVER").')
    live = [EFFECTS, policy("a", OUT), view, policy("b", '@id("in") execute[scale_in(f)] :- view:scaled(f).')]
    if changed.name == "effects":
        live[2] = policy("view", 'scaled(f) :- inv:vnf(id=f, state="SCALED").')
    (loop,), _ = found(live, [changed])
    assert loop.certainty == "certain"
    assert changed.name in {name for name, _ in loop.rules}


def test_an_action_without_effects_is_not_analysed() -> None:
    """Nobody can tell what it sets off, and that is said; where no change concerns commands, nothing is."""
    heal = policy("h", '@id("h") execute[heal(f)] :- inv:vnf(id=f, state="ERROR").')
    assert found([], [heal]) == ((), ["loops through `heal`, whose effects no policy declares"])
    assert found([heal], [policy("c", "seen(v) :- inv:vm(id=v).")]) == ((), [])
    assert found([heal], [policy("c", '@id("e") error(v) :- inv:vm(id=v).')]) == ((), [])


def test_a_run_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is cut short, loops stay possible, and that nobody knows is said."""
    monkeypatch.setattr(module, "MAX_ROUNDS", 1)
    (loop,), left = found([EFFECTS, policy("a", OUT)], [policy("b", IN)])
    assert loop.certainty == "possible"
    assert left == ["whether loops are certain: a run of 1 rounds neither settled nor came back"]


def test_objects_of_a_run_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many commands at once the first are run, and that there are more is said."""
    monkeypatch.setattr(module, "MAX_COMMANDS", 1)
    everybody = OUT.replace("load > 90", "load > 0")
    (loop,), left = found([EFFECTS, policy("a", everybody)], [policy("b", IN)])
    assert left == ["loops among more than 1 commands at once"]
    assert loop.certainty in ("certain", "possible")


# -- no loop is missed ---------------------------------------------------------------------------

STATES = ("A", "B", "C")
STATE = st.sampled_from(STATES)
CONDITIONS = {
    "is": 'inv:vnf(id=f, state="{s}")',
    "is not": 'inv:vnf(id=f, state=s), s != "{s}"',
    "has none": 'inv:vnf(id=f), not inv:vnf(id=f, state="{s}")',
    "view": "inv:vnf(id=f), at_{s}(f)",
    "not in view": "inv:vnf(id=f), not at_{s}(f)",
    "any": 'inv:vnf(id=f), inv:vnf(id=g, state="{s}"), f != g',
    "count": "inv:vnf(id=f), many_{s}(n), n > 1",
    "either": '(inv:vnf(id=f, state="{s}")) or (inv:vnf(id=f, load=95, state="C"))',
}
RULES = st.tuples(st.sampled_from(sorted(CONDITIONS)), STATE, STATE)


@few(150)
@given(st.lists(RULES, min_size=1, max_size=4, unique=True), st.booleans())
def test_whatever_comes_back_was_possible(rules: list[tuple[str, str, str]], copied: bool) -> None:
    """Where a run from this state comes back, the graph has a cycle, however the effects are written."""
    old = "load=l" if copied else "state=_, load=l"
    lines = [f'inv:vnf-(id=f) :- to_{s}(f). inv:vnf+(f, "{s}", l) :- to_{s}(f), inv:vnf(id=f, {old}).' for s in STATES]
    lines += [f'at_{s}(f) :- inv:vnf(id=f, state="{s}"). many_{s}(count(g)) :- inv:vnf(id=g, state="{s}").'
              for s in STATES]  # fmt: skip
    lines += [f'@id("r{number}") execute[to_{to}(f)] :- {CONDITIONS[how].format(s=s)}.'
              for number, (how, s, to) in enumerate(rules)]  # fmt: skip
    data = {"inv:vnf": RowsTable(VNF, [("f", "A", 95), ("g", "B", 10), ("h", "B", 10)])}
    snapshot = Engine.load([policy("p", *lines)], data).snapshot()
    run = module._Run(snapshot, Effects(snapshot.program), set())
    run.until_it_comes_back()
    told, _ = loops(snapshot, {"p"})
    acted = {each.command.rule for each in run.cycle}
    assert not acted or any(acted & {rule for _, rule in loop.rules} for loop in told)
