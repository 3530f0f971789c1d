"""Rewrites: each makes a conjunction simpler, and keeps its answers and the number of its bindings."""

from __future__ import annotations

import pytest

from congresslite.language.program import Calc, Call, Compare, Const, Fold, Match, Member, NoMatch, Var
from congresslite.plan.nodes import Conjunction, condition_variables, variables_of
from congresslite.plan.rewrites import drop_repeated_literals, substitute, substitute_equalities

X, Y, Z, ANY = Var("x"), Var("y"), Var("z"), Var("$1")
ONE, TWO, TRUE, NULL = Const(1), Const(2), Const(True), Const(None)


def equal(left: Var | Const | Calc, right: Var | Const | Calc) -> Compare:
    return Compare("=", left, right)


SUBSTITUTIONS: dict[str, tuple[Conjunction, Conjunction | None]] = {
    "a constant": (
        Conjunction((X,), (Match("t", (X, Y)),), (), (equal(Y, ONE),)),
        Conjunction((X,), (Match("t", (X, ONE)),)),
    ),
    "a constant on the left": (
        Conjunction((X,), (Match("t", (X, Y)),), (), (equal(NULL, Y),)),
        Conjunction((X,), (Match("t", (X, NULL)),)),
    ),
    "a constant in the head": (
        Conjunction((X, Y), (Match("t", (X, Y)),), (), (equal(Y, ONE),)),
        Conjunction((X, ONE), (Match("t", (X, ONE)),)),
    ),
    "a variable": (
        Conjunction((X,), (Match("t", (X,)), Match("u", (Y,))), (), (equal(X, Y),)),
        Conjunction((Y,), (Match("t", (Y,)), Match("u", (Y,)))),
    ),
    "under not, in calls, lists and expressions": (
        Conjunction(
            (X,),
            (Match("t", (X, Y)),),
            (NoMatch("u", (Y, ANY)),),
            (
                equal(Y, ONE),
                Compare("<", X, Calc("+", Y, Calc("*", Y, X)), negated=True),
                Member(Y, (1, 2)),
                Call("len", (Y,), (Calc("-", Y, X),), negated=True),
            ),
        ),
        Conjunction(
            (X,),
            (Match("t", (X, ONE)),),
            (NoMatch("u", (ONE, ANY)),),
            (
                Compare("<", X, Calc("+", ONE, Calc("*", ONE, X)), negated=True),
                Member(ONE, (1, 2)),
                Call("len", (ONE,), (Calc("-", ONE, X),), negated=True),
            ),
        ),
    ),
    "a chain": (
        Conjunction((X,), (Match("t", (X,)),), (), (equal(X, Y), equal(Y, Z), equal(Z, TWO))),
        Conjunction((TWO,), (Match("t", (TWO,)),)),
    ),
    "a chain that ends in itself": (
        Conjunction((X,), (Match("t", (X,)),), (), (equal(X, Y), equal(Y, X))),
        Conjunction((Y,), (Match("t", (Y,)),)),
    ),
    "itself": (
        Conjunction((X,), (Match("t", (X,)),), (), (equal(X, X),)),
        Conjunction((X,), (Match("t", (X,)),)),
    ),
    "a contradiction": (Conjunction((X,), (Match("t", (X,)),), (), (equal(X, ONE), equal(X, TWO))), None),
    "true is not one": (Conjunction((X,), (Match("t", (X,)),), (), (equal(X, ONE), equal(TRUE, X))), None),
    "constants that are equal": (
        Conjunction((X,), (Match("t", (X,)),), (), (equal(ONE, ONE), equal(NULL, NULL))),
        Conjunction((X,), (Match("t", (X,)),)),
    ),
    "what was kept becomes an equality": (
        Conjunction((X,), (Match("t", (X, Y)),), (), (equal(X, Calc("+", Y, ONE)), equal(Y, ONE))),
        Conjunction((X,), (Match("t", (X, ONE)),), (), (equal(X, Calc("+", ONE, ONE)),)),
    ),
    "a negated equality stays": (
        Conjunction((X,), (Match("t", (X,)),), (), (Compare("=", X, ONE, negated=True),)),
        Conjunction((X,), (Match("t", (X,)),), (), (Compare("=", X, ONE, negated=True),)),
    ),
    "other comparisons stay": (
        Conjunction((X,), (Match("t", (X,)),), (), (Compare("!=", X, ONE), Compare("<=", X, ONE))),
        Conjunction((X,), (Match("t", (X,)),), (), (Compare("!=", X, ONE), Compare("<=", X, ONE))),
    ),
    "an expression stays": (
        Conjunction((X,), (Match("t", (X, Y)),), (), (equal(X, Calc("+", Y, ONE)),)),
        Conjunction((X,), (Match("t", (X, Y)),), (), (equal(X, Calc("+", Y, ONE)),)),
    ),
    "a folded variable stays one": (
        Conjunction((Fold("sum", X),), (Match("t", (X,)),), (), (equal(X, ONE),)),
        Conjunction((Fold("sum", X),), (Match("t", (X,)),), (), (equal(X, ONE),)),
    ),
    "the other variable goes for a folded one": (
        Conjunction((Y, Fold("sum", X)), (Match("t", (X, Y)),), (), (equal(X, Y),)),
        Conjunction((X, Fold("sum", X)), (Match("t", (X, X)),)),
    ),
    "two folded variables stay": (
        Conjunction((Fold("sum", X), Fold("max", Y)), (Match("t", (X, Y)),), (), (equal(X, Y),)),
        Conjunction((Fold("sum", X), Fold("max", Y)), (Match("t", (X, Y)),), (), (equal(X, Y),)),
    ),
    "an anonymous variable never stands for a named one": (
        Conjunction((ONE,), (Match("t", (Y,)),), (NoMatch("u", (Y,)),), (equal(Y, ANY),)),
        Conjunction((ONE,), (Match("t", (Y,)),), (NoMatch("u", (Y,)),)),
    ),
    "nor on the left": (
        Conjunction((ONE,), (Match("t", (Y,)),), (NoMatch("u", (Y,)),), (equal(ANY, Y),)),
        Conjunction((ONE,), (Match("t", (Y,)),), (NoMatch("u", (Y,)),)),
    ),
    "nothing to do": (Conjunction((X,), (Match("t", (X,)),)), Conjunction((X,), (Match("t", (X,)),))),
}


@pytest.mark.parametrize(("before", "after"), SUBSTITUTIONS.values(), ids=SUBSTITUTIONS)
def test_substitute_equalities(before: Conjunction, after: Conjunction | None) -> None:
    """Constants and variables stand where the body says that they are equal; contradictions match nothing."""
    assert repr(substitute_equalities(before)) == repr(after)  # `repr` tells `True` from `1`


REPETITIONS: dict[str, tuple[Conjunction, Conjunction]] = {
    "scans": (
        Conjunction((X,), (Match("t", (X,)), Match("u", (X,)), Match("t", (X,)))),
        Conjunction((X,), (Match("t", (X,)), Match("u", (X,)))),
    ),
    "scans with anonymous variables stay": (
        Conjunction((X,), (Match("t", (X, ANY)), Match("t", (X, Var("$2"))))),
        Conjunction((X,), (Match("t", (X, ANY)), Match("t", (X, Var("$2"))))),
    ),
    "absences and conditions": (
        Conjunction((X,), (Match("t", (X,)),), (NoMatch("u", (X,)),) * 2, (Compare("<", X, ONE),) * 3),
        Conjunction((X,), (Match("t", (X,)),), (NoMatch("u", (X,)),), (Compare("<", X, ONE),)),
    ),
    "one and true are not the same": (
        Conjunction((X,), (Match("t", (X, ONE)), Match("t", (X, TRUE)))),
        Conjunction((X,), (Match("t", (X, ONE)), Match("t", (X, TRUE)))),
    ),
    "a condition and its negation stay": (
        Conjunction((X,), (Match("t", (X,)),), (), (Compare("<", X, ONE), Compare("<", X, ONE, negated=True))),
        Conjunction((X,), (Match("t", (X,)),), (), (Compare("<", X, ONE), Compare("<", X, ONE, negated=True))),
    ),
}


@pytest.mark.parametrize(("before", "after"), REPETITIONS.values(), ids=REPETITIONS)
def test_drop_repeated_literals(before: Conjunction, after: Conjunction) -> None:
    """Of literals that are the same one is kept, in order."""
    assert repr(drop_repeated_literals(before)) == repr(after)


def test_a_rewrite_edits_nothing() -> None:
    """The conjunction that was given is what it was."""
    before = Conjunction((X,), (Match("t", (X, Y)),), (NoMatch("u", (Y,)),), (equal(X, Y), equal(Y, ONE)))
    text = repr(before)
    substitute_equalities(before)
    substitute(before, {"x": TWO})
    assert repr(before) == text


def test_variables() -> None:
    """The variables of terms and conditions are found in every part of them."""
    expression = Calc("+", X, Calc("*", Const(2), Calc("-", Y, X)))
    assert list(variables_of(expression)) == ["x", "y", "x"]
    assert list(variables_of(Fold("sum", Z))) == ["z"]
    assert list(variables_of(NULL)) == []
    assert condition_variables(Call("max", (X, expression), (Z,))) == {"x", "y", "z"}
    assert condition_variables(Compare("<", X, ONE)) == condition_variables(Member(X, (1,))) == {"x"}
