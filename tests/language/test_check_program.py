"""The checked program: positional, complete, with full names and everything that back ends ask for."""

from __future__ import annotations

import time

import pytest

from congresslite.language.program import (
    Calc,
    Call,
    CheckedRule,
    Compare,
    Const,
    Either,
    Fold,
    Literal,
    Match,
    Member,
    NoMatch,
    PolicySettings,
    Program,
    RuleKind,
    Stratum,
    Var,
)
from congresslite.schema import Reference
from tests.language.estate import checked

X, Y, N, ANY1, ANY2 = Var("x"), Var("y"), Var("n"), Var("$1"), Var("$2")


def program(*texts: str) -> Program:
    """The program of policies without findings."""
    result = checked(*texts)
    assert result.program is not None, result.diagnostics
    return result.program


def rule(text: str) -> CheckedRule:
    """The one rule of a policy."""
    (found,) = program(text).rules
    return found


BODIES: dict[str, tuple[str, tuple[Literal, ...]]] = {
    "by place": ("p(x) :- inv:link(x, y).", (Match("inv:link", (X, Y)),)),
    "by name": ("p(x) :- inv:link(b=y, a=x).", (Match("inv:link", (X, Y)),)),
    "by number": ("p(x) :- inv:link(1=x).", (Match("inv:link", (ANY1, X)),)),
    "by place, then name": ("p(x) :- inv:link(x, b=y).", (Match("inv:link", (X, Y)),)),
    "missing columns": ("p(x) :- inv:pop(x).", (Match("inv:pop", (X, ANY1, ANY2)),)),
    "each any is its own": ("p() :- inv:link(_, _).", (Match("inv:link", (ANY1, ANY2)),)),
    "no columns": ("p() :- inv:alarm().", (Match("inv:alarm", ()),)),
    "constants": ("p() :- inv:link('a', null).", (Match("inv:link", (Const("a"), Const(None))),)),
    "a whole float is its integer": ("p() :- inv:tag(2.0).", (Match("inv:tag", (Const(2), ANY1)),)),
    "not": (
        "p(x) :- inv:pop(x), not inv:link(x).",
        (Match("inv:pop", (X, ANY1, ANY2)), NoMatch("inv:link", (X, Var("$3")))),
    ),
    "comparison": (
        "p(n) :- inv:host(cores=n), n * 2 > 7.",
        (
            Match("inv:host", (ANY1, ANY2, Var("$3"), N, Var("$4"))),
            Compare(">", Calc("*", N, Const(2)), Const(7)),
        ),
    ),
    "negated comparison": ("p(x) :- x = 1, not x < 3.", (Compare("=", X, Const(1)), Compare("<", X, Const(3), True))),
    "list": ("p(x) :- x = 1, x in [1, 2.0].", (Compare("=", X, Const(1)), Member(X, (1, 2)))),
    "negated list": ("p(x) :- x = 3, not x in ['a'].", (Compare("=", X, Const(3)), Member(X, ("a",), True))),
    "builtin": ("p(n) :- x = 'a', len(x, n).", (Compare("=", X, Const("a")), Call("len", (X,), (N,)))),
    "builtin by its prefix": ("p() :- builtin:lt(1, 2).", (Call("lt", (Const(1), Const(2)), ()),)),
    "negated builtin": ("p() :- not lt(2, 1).", (Call("lt", (Const(2), Const(1)), (), True),)),
    "arithmetic in a builtin": (
        "p() :- x = 1, lt(x + 1, 3).",
        (Compare("=", X, Const(1)), Call("lt", (Calc("+", X, Const(1)), Const(3)), ())),
    ),
    "arithmetic in an atom": (
        "p(x) :- inv:link(x, _), inv:tag(x, 1 + 2).",
        (
            Match("inv:link", (X, ANY1)),
            Compare("=", Var("#2"), Calc("+", Const(1), Const(2))),
            Match("inv:tag", (X, Var("#2"))),
        ),
    ),
    "arithmetic in a negated atom": (
        "p(x) :- inv:link(x, _), not inv:tag(x, 1 + 2).",
        (
            Match("inv:link", (X, ANY1)),
            Compare("=", Var("#2"), Calc("+", Const(1), Const(2))),
            NoMatch("inv:tag", (X, Var("#2"))),
        ),
    ),
    "disjunction": (
        "p(x) :- (inv:link(x, _), x != 'a') or (inv:link(_, x)).",
        (
            Either(
                (
                    (Match("inv:link", (X, ANY1)), Compare("!=", X, Const("a"))),
                    (Match("inv:link", (ANY2, X)),),
                )
            ),
        ),
    ),
    "arithmetic in a branch stays there": (
        "p(x) :- x = 1, (inv:tag(x + 1)) or (inv:alarm()).",
        (
            Compare("=", X, Const(1)),
            Either(
                (
                    (Compare("=", Var("#1"), Calc("+", X, Const(1))), Match("inv:tag", (Var("#1"), ANY2))),
                    (Match("inv:alarm", ()),),
                )
            ),
        ),
    ),
}


@pytest.mark.parametrize(("text", "body"), BODIES.values(), ids=BODIES)
def test_bodies(text: str, body: tuple[Literal, ...]):
    """Atoms become positional and complete, and what stands in them apart from variables and constants is lifted."""
    assert rule(text).body == body


def test_heads():
    """Aggregates fold a variable, whatever they are written over; arithmetic in a head is lifted."""
    made = rule("t(h, sum(n), count(n * 2), n + 1) :- inv:host(id=h, cores=n).")
    assert made.head == (Var("h"), Fold("sum", N), Fold("count", Var("#4")), Var("#5"))
    assert made.aggregates
    assert made.body[1:] == (
        Compare("=", Var("#4"), Calc("*", N, Const(2))),
        Compare("=", Var("#5"), Calc("+", N, Const(1))),
    )


def test_columns():
    """Derived columns are named by the first head's variables, or else by their place, and never alike."""
    made = program("t(x, x, 3, sum(n), c3) :- inv:vm(x, host=c3, vcpus=n). t(a, b, 1, d, e) :- t(a, b, _, d, e).")
    assert [column.name for column in made.tables["p:t"].columns] == ["x", "c2", "c3", "c4", "c5"]


def test_violations():
    """Each violation rule has a table of its own, united under the name that users know; only readers get a union."""
    made = program(
        "error(x) :- inv:vm(x). error(a, b) :- inv:link(a, b). warning(x) :- inv:vnf(x). error(y) :- inv:pop(y)."
    )
    assert made.answers == {"p:error": ("p:error#1", "p:error#2", "p:error#3"), "p:warning": ("p:warning#1",)}
    assert [each.table for each in made.rules] == ["p:error#1", "p:error#2", "p:warning#1", "p:error#3"]
    assert [each.kind for each in made.rules] == [RuleKind.ERROR, RuleKind.ERROR, RuleKind.WARNING, RuleKind.ERROR]
    assert [column.name for column in made.tables["p:error#2"].columns] == ["a", "b"]


def test_unions():
    """Whoever reads violations reads a union of the rules with as many columns."""
    made = program(
        "error(x) :- inv:vm(x). error(a, b) :- inv:link(a, b). error(y) :- inv:pop(y). t(x) :- error(x).",
        "u(x) :- p:error(x, _).",
    )
    assert made.rules[3].body == (Match("p:error/1", (X,)),)
    assert made.rules[4].body == (Match("p:error/2", (X, ANY1)),)
    unions = [(each.table, each.head, each.body) for each in made.rules[5:]]
    assert unions == [
        ("p:error/1", (X,), (Match("p:error#1", (X,)),)),
        ("p:error/1", (Y,), (Match("p:error#3", (Y,)),)),
        ("p:error/2", (Var("a"), Var("b")), (Match("p:error#2", (Var("a"), Var("b"))),)),
    ]
    order = [table for stratum in made.strata for table in stratum.tables]
    assert order.index("p:error#3") < order.index("p:error/1") < order.index("p:t")


def test_modals():
    """All rules of one modal and action derive one table of their policy."""
    made = program(
        "execute[vnfm:heal(f)] :- inv:vnf(f). execute[vnfm:heal(g)] :- inv:pop(g). require[t(x)] :- t(x). t(1)."
    )
    assert [each.table for each in made.rules] == ["p:execute[vnfm:heal]"] * 2 + ["p:require[p:t]"]
    assert [each.modal for each in made.rules] == ["execute", "execute", "require"]
    assert {each.kind for each in made.rules} == {RuleKind.MODAL}


def test_effects():
    """Effects are kept apart: they are never evaluated, but name the action, complete and positional."""
    made = program(
        "inv:link+(b=y, a=x) :- connect(x, y), inv:vm(x). inv:link-(x, _) :- vnfm:cut(x). t(x) :- inv:vm(x)."
    )
    assert [each.table for each in made.rules] == ["p:t"]
    assert [(each.table, each.head) for each in made.effects] == [("inv:link+", (X, Y)), ("inv:link-", (X, ANY1))]
    assert made.effects[0].body[0] == Match("execute[connect]", (X, Y))
    assert made.effects[1].body == (Match("execute[vnfm:cut]", (X,)),)
    assert list(made.base) == ["inv:vm"]
    assert [stratum.tables for stratum in made.strata] == [("p:t",)]


def test_facts():
    """Facts are rows, each once; true is not 1, and a fact beside rules is still a fact."""
    made = program("table d(a: str, b: int). d(b=1, a='x'). t(1). t(true). t(x) :- inv:vm(x). f().")
    assert made.facts == {"p:d": (("x", 1),), "p:t": ((1,), (True,)), "p:f": ((),)}
    assert [each.table for each in made.rules] == ["p:t"]
    repeated = checked("t(1). t(1.0).").program
    assert repeated is not None
    assert repeated.facts == {"p:t": ((1,),)}


def test_violations_without_a_body():
    """A violation that is stated is a rule without a body, not a fact."""
    made = program('error("all").')
    assert made.facts == {}
    assert made.rules[0].head == (Const("all"),)
    assert made.rules[0].body == ()


def test_strata():
    """Strata come in topological order, those of a cycle together, and hold every derived table."""
    text = "d(x) :- c(x), not b(x). b(x) :- c(x). c(x) :- a(x). a(x) :- c(x). a(x) :- inv:vm(x). f(1). table e(x: int)."
    made = program(text)
    assert made.strata == (
        Stratum(("p:e",), False),
        Stratum(("p:c", "p:a"), True),
        Stratum(("p:b",), False),
        Stratum(("p:d",), False),
        Stratum(("p:f",), False),
    )
    assert program(text) == made


def test_annotations():
    """A rule carries what its annotations say; without them its text is its identity."""
    made = program(
        '@id("R1") @severity("high") @message("{x} is on {h}") @weight(2) @object(h) '
        "warning(x, h) :- inv:vm(x, host=h). warning(x) :- inv:vm( x ),inv:vnf(x)."
    )
    first, second = made.rules
    assert (first.identity, first.severity, first.message) == ("R1", "high", "{x} is on {h}")
    assert (first.weight, first.object) == (2, 1)
    assert (second.identity, second.severity, second.message) == ("warning(x) :- inv:vm(x), inv:vnf(x)", "medium", None)
    assert (second.weight, second.object) == (None, 0)


OBJECTS = {
    "a key": ("error(n, x) :- inv:vm(id=x, vcpus=n).", 1),
    "a reference": ("error(n, h) :- inv:vm(host=h, vcpus=n).", 1),
    "through views": ("v(n, y) :- w(n, y). w(n, x) :- inv:vm(id=x, vcpus=n). error(n, y) :- v(n, y).", 1),
    "through recursion": ("r(n, x) :- inv:vm(id=x, vcpus=n). r(n, x) :- r(n, x). error(n, x) :- r(n, x).", 1),
    "views that disagree": ("v(n, x) :- inv:vm(id=x, vcpus=n). v(1, x) :- inv:tag(x). error(n, x) :- v(n, x).", 0),
    "no key in sight": ("error(a, b) :- inv:link(a, b).", 0),
    "no column": ("error() :- inv:alarm().", None),
    "a declared table": ("table t(n: int, x: str key). error(n, x) :- t(n, x).", 1),
    "a command": ("execute[scale(n, x)] :- inv:vm(id=x, vcpus=n).", 1),
    "a view has none": ("v(x) :- inv:vm(x).", None),
}


@pytest.mark.parametrize(("text", "place"), OBJECTS.values(), ids=OBJECTS)
def test_objects(text: str, place: int | None):
    """The object of a violation is its first term that a key stands behind, however many views lie between."""
    assert program(text).rules[-1].object == place


def test_references_of_derived_columns():
    """A derived column refers to what all its rules took it from."""
    made = program("v(x, h, n) :- inv:vm(id=x, host=h, vcpus=n).")
    assert [column.references for column in made.tables["p:v"].columns] == [
        Reference("inv:vm", "id"),
        Reference("inv:host", "id"),
        None,
    ]


def test_base():
    """The program names the schemas of the source tables that rules read, and no others."""
    made = program("t(x) :- inv:vm(x), (not inv:link(x, _)) or (inv:pop(x)).")
    assert list(made.base) == ["inv:link", "inv:pop", "inv:vm"]


def test_settings():
    """A policy's settings are kept, with defaults for what it does not say; its name is declared, or its file's."""
    made = program(
        'policy nfv(description = "d", tier = "pop", priority = 3, mode = "enforce", overridable = true).', "t(1)."
    )
    assert made.policies == (
        PolicySettings("nfv", "d", "pop", "", 3, "enforce", True, "p.dl"),
        PolicySettings("p2", path="p2.dl"),
    )


def test_a_rule_written_twice_counts_once():
    """A rule that stands there already adds no violations of its own, also to those who read them."""
    made = checked("error(x) :- inv:vm(x). error(x) :- inv:vm(x). t(x) :- error(x).").program
    assert made is not None
    assert made.answers == {"p:error": ("p:error#1",)}
    assert [each.table for each in made.rules] == ["p:error#1", "p:t", "p:error/1"]
    assert all("p:error#2" not in stratum.tables for stratum in made.strata)


def test_across_policies():
    """Tables of all policies are one program; each keeps its policy's name."""
    made = program("t(x) :- p2:t(x), inv:vm(x).", "t(x) :- inv:pop(x).")
    assert [each.policy for each in made.rules] == ["p", "p2"]
    assert [stratum.tables for stratum in made.strata] == [("p2:t",), ("p:t",)]


def test_quick_enough():
    """1,000 rules are checked in well under half a second (here with room for a busy machine)."""
    rules = [
        f"v{number}(x, h) :- inv:vm(id=x, host=h, state='ACTIVE'), inv:host(id=h, cores=n), n > {number},"
        f" not w{number}(x)."
        f" w{number}(x) :- inv:vm(id=x, vnf=f), inv:vnf(id=f, state='ERROR')."
        for number in range(500)
    ]
    text = "\n".join(rules)
    start = time.process_time()
    assert checked(text).diagnostics == ()
    assert time.process_time() - start < 3.0
