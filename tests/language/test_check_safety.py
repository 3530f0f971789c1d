"""Safety and recursion: every variable is bound, and nothing depends on its own absence."""

from __future__ import annotations

import pytest

from tests.language.estate import assert_told, checked, told

# name: (text, code, underlined, part of the hint)
CASES = {
    # CL201
    "a head variable": ("p(x, y) :- inv:vm(x).", "CL201", "y", "=y)`"),
    "a head variable that a table of the body has": (
        "p(vm, host) :- inv:vm(vm).",
        "CL201",
        "host",
        "`inv:vm(host=host)`",
    ),
    "a head variable that another table has": (
        "p(x, cores) :- inv:vm(x). q(x) :- inv:host(x).",
        "CL201",
        "cores",
        "`inv:host(cores=cores)`",
    ),
    "a head variable under not only": ("p(x) :- not inv:vm(x).", "CL201", "x", "`inv:vm(id=x)`"),
    "a head variable compared only": ("p(x) :- inv:vm(_), x > 3.", "CL201", "x", "binds it"),
    "no value in a head": ("p(_) :- inv:vm(_).", "CL201", "_", "name the variable"),
    "a variable in a fact": ("p(ssd).", "CL201", "ssd", '"ssd"'),
    "a variable in a violation without a body": ("error(ssd).", "CL201", "ssd", '"ssd"'),
    "an aggregate of nothing": ("p(h, sum(n)) :- inv:vm(host=h).", "CL201", "n", "=n)`"),
    "an aggregate of any value": ("p(h, count(_)) :- inv:vm(host=h).", "CL201", "_", "name the variable"),
    "arithmetic in a head": ("p(x + y) :- inv:vm(vcpus=x).", "CL203", "y", "=y)`"),
    "a variable in a modal head": ("execute[heal(f, r)] :- inv:vnf(f).", "CL201", "r", "=r)`"),
    "a variable in an effect": ("inv:link+(a, b) :- connect(a).", "CL201", "b", "`b = …`"),
    "an any in what is added": ("inv:link+(a, _) :- connect(a).", "CL201", "_", "name the variable"),
    # CL202
    "under not": ("p(x) :- inv:vm(x), not inv:link(x, y).", "CL202", "y", "`inv:link(b=y)`"),
    "under not, with a reference": ("p(x) :- inv:vm(x), not inv:vm(x, host=h).", "CL202", "h", "`inv:host(id=h)`"),
    "under not in a branch": ("p(x) :- inv:vm(x), (not inv:link(x, y)) or (inv:vnf(x)).", "CL202", "y", "=y)`"),
    "an output under not": ("p(x) :- inv:vm(x), not len(x, n).", "CL202", "n", "=n)`"),
    # CL203
    "in a comparison": ("p(x) :- inv:vm(x), n > 3.", "CL203", "n", "=n)`"),
    "in a comparison of two": ("p(x) :- inv:vm(id=x, vcpus=n), n > m.", "CL203", "m", "=m)`"),
    "in a negated comparison": ("p(x) :- inv:vm(x), not y = 3.", "CL203", "y", "=y)`"),
    "not equal does not bind": ("p(x) :- inv:vm(x), y != 3.", "CL203", "y", "=y)`"),
    "in a list": ("p(x) :- inv:vm(x), y in [1, 2].", "CL203", "y", "=y)`"),
    "a list does not bind": ("p(y) :- y in [1, 2].", "CL201", "y", "`y = …`"),
    "in arithmetic": ("p(x) :- inv:vm(id=x, vcpus=n), n > m + 1.", "CL203", "m", "=m)`"),
    "in arithmetic within an atom": ("p(x) :- inv:vm(id=x, vcpus=n + 1).", "CL203", "n", "=n)`"),
    "in arithmetic within a negated atom": ("p(x) :- inv:vm(x), not inv:vm(id=x, vcpus=n + 1).", "CL203", "n", "=n)`"),
    "computed from itself": ("p(x) :- inv:vm(x), y = y + 1.", "CL203", "y", "=y)`"),
    "computed in a circle": ("p(x) :- inv:vm(x), y = z, z = y.", "CL203", "y", "=y)`"),
    "an equation solved for nobody": ("p(x) :- inv:vm(vcpus=n), n = x + 1.", "CL201", "x", "=x)`"),
    "what is computed from it is not told": ("p(z) :- inv:vm(_), y = x + 1, z = y * 2.", "CL203", "x", "=x)`"),
    "any value in a comparison": ("p(x) :- inv:vm(x), x < _.", "CL203", "_", "name the variable"),
    "an output that is computed": ("p(x) :- inv:vm(x), len(x, n + 1).", "CL203", "n", "=n)`"),
    # CL204
    "an input of a builtin": ("p(x) :- inv:vm(x), len(y, 3).", "CL204", "y", "=y)`"),
    "an input that an output hangs on": ("p(n) :- inv:vm(_), len(y, n).", "CL204", "y", "=y)`"),
    "any value as an input": ("p(x) :- inv:vm(x), startswith(x, _).", "CL204", "_", "name the variable"),
    "an input under not": ("p(x) :- inv:vm(x), not startswith(x, y).", "CL204", "y", "=y)`"),
    # CL205
    "bound in one branch": ("p(x, h) :- (inv:vm(id=x, host=h)) or (inv:vnf(x)).", "CL205", "h", "every branch"),
    "bound in one branch, compared outside": (
        "p(x) :- (inv:vm(id=x, vcpus=n)) or (inv:vnf(x)), n > 3.",
        "CL205",
        "n",
        "every branch",
    ),
    "bound in branches of two disjunctions": (
        "p(x) :- inv:vm(x), (inv:vm(x, host=h)) or (inv:vnf(x)), (inv:host(h)) or (inv:pop(x)).",
        "CL205",
        "h",
        "every branch",
    ),
    "computed in one branch": ("p(x, y) :- inv:vm(x), (y = x) or (inv:vnf(x)).", "CL205", "y", "every branch"),
    # CL210, CL211
    "negation of itself": (
        "win(x) :- inv:link(x, y), not win(y).",
        "CL210",
        "not win(y)",
        "complete",
    ),
    "negation in a circle": (
        "a(x) :- inv:vm(x), not b(x).\nb(x) :- c(x).\nc(x) :- inv:vm(x), a(x).",
        "CL210",
        "not b(x)",
        "complete",
    ),
    "two negations in one circle": (
        "a() :- inv:alarm(), not b(). b() :- inv:alarm(), not a().",
        "CL210",
        "not b()",
        "",
    ),
    "negation in a branch": ("a(x) :- inv:vm(x), (inv:vnf(x)) or (not a(x)).", "CL210", "(not a(x))", ""),
    "negation through violations": (
        "error(x) :- inv:vm(x), not warning(x). warning(x) :- error(x).",
        "CL210",
        "not warning(x)",
        "",
    ),
    "an aggregate of itself": ("t(x, sum(n)) :- inv:link(x, y), t(y, n).", "CL211", "t(y, n)", "complete"),
    "an aggregate in a circle": ("t(count(x)) :- u(x). u(n) :- t(n).", "CL211", "u(x)", "complete"),
}


@pytest.mark.parametrize(("text", "code", "underlined", "hint"), CASES.values(), ids=CASES)
def test_safety(text: str, code: str, underlined: str, hint: str):
    """A variable that nothing binds is told at its first use, with a literal that would bind it."""
    assert_told(text, code, underlined, hint)


FINE = {
    "equality binds": "p(x) :- x = 3.",
    "equality binds the other way round": "p(x) :- 3 = x.",
    "equalities in any order": "p(z) :- z = y + 1, y = x * 2, inv:vm(vcpus=x).",
    "an expression on the left": "p(y) :- inv:vm(vcpus=x), x + 1 = y.",
    "an output binds": "p(x, n) :- len(x, n), inv:vm(x).",
    "an output of an output": "p(m) :- plus(n, 1, m), len(x, n), inv:vm(x).",
    "an output compared": "p(x) :- inv:vm(x), len(x, 3).",
    "any output under not": "p(x) :- inv:vm(id=x, host=h), not len(h, _).",
    "a bound output under not": "p(x) :- inv:vm(id=x, vcpus=n), not len(x, n).",
    "no such row": "p(x) :- inv:vm(x), not inv:link(x, _).",
    "arithmetic under not": "p(x) :- inv:vm(id=x, vcpus=n), not inv:vm(id=x, vcpus=n + 1).",
    "bound in every branch": "p(x) :- (inv:vm(x)) or (inv:vnf(x)) or (x = 'all').",
    "a branch uses what is bound outside": "p(x) :- inv:vm(id=x, vcpus=n), (n > 3) or (not inv:vnf(x)).",
    "a variable of one branch": "p(x) :- inv:vm(x), (inv:link(x, y), inv:vnf(y)) or (inv:vnf(x)).",
    "the same name in two branches": "p(x) :- inv:vm(x), (inv:link(x, y), inv:vnf(y)) or (inv:link(y, x), inv:vnf(y)).",
    "equality with what a disjunction binds": "p(y) :- y = x, (inv:vm(x)) or (inv:vnf(x)).",
    "recursion through arithmetic": "c(0). c(y) :- c(x), x < 5, y = x + 1.",
    "mutual recursion": "a(x) :- inv:vm(x). a(x) :- b(x). b(x) :- a(x).",
    "negation of what is complete": "a(x) :- inv:vm(x). b(x) :- inv:vnf(x), not a(x). c(x) :- b(x), not a(x).",
    "an aggregate of a recursive table": (
        "r(x, y) :- inv:link(x, y). r(x, z) :- r(x, y), inv:link(y, z). n(x, count(y)) :- r(x, y)."
    ),
    "what is removed may be anything": "inv:link-(a, _) :- disconnect(a).",
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_safe(text: str):
    """What is bound, however indirectly, is not told."""
    assert checked(text).diagnostics == ()


def test_each_variable_is_told():
    """Every unsafe variable of every rule is told, in the order of the text."""
    found = checked("p(x, y) :- inv:vm(_), z > 3.\nq(v) :- not inv:vm(v, host=w).").diagnostics
    assert [told(each) for each in found] == [
        ("CL201", "x"),
        ("CL201", "y"),
        ("CL203", "z"),
        ("CL201", "v"),
        ("CL202", "w"),
    ]


def test_a_cycle_is_shown():
    """A cycle is shown table by table, each step with the place of its rule, across policies too."""
    first = "a(x) :- inv:vm(x), not p2:b(x)."
    second = "b(x) :- c(x).\nc(x) :- p:a(x)."
    (found,) = checked(first, second).diagnostics
    assert found.message == "`p:a` depends on itself through negation: `p:a` → `p2:b` → `p2:c` → `p:a`"
    assert found.notes == (
        "p.dl:1:1: `p:a` reads not `p2:b`",
        "p2.dl:1:1: `p2:b` reads `p2:c`",
        "p2.dl:2:1: `p2:c` reads `p:a`",
    )


def test_cycles_are_told_apart():
    """Two cycles are two findings, also where they share a table."""
    found = checked(
        "a(x) :- inv:vm(x), not b(x). b(x) :- a(x). a(x) :- inv:vm(x), not c(x). c(x) :- a(x). d(count(x)) :- d(x)."
    ).diagnostics
    assert [told(each) for each in found] == [("CL210", "not b(x)"), ("CL210", "not c(x)"), ("CL211", "d(x)")]


@pytest.mark.parametrize("closed", [False, True], ids=["chain", "ring"])
def test_long_chains(closed: bool):
    """A chain of 10,000 rules, the last one first, is checked without running out of stack, also closed to a ring."""
    count = 10_000
    rules = [f"p{number}(x) :- p{number - 1}(x)." for number in reversed(range(1, count))]
    rules += ["p0(x) :- inv:vm(x).", *([f"p0(x) :- p{count - 1}(x)."] if closed else [])]
    result = checked("\n".join(rules))
    assert result.diagnostics == ()
    assert result.program is not None
    assert sum(len(stratum.tables) for stratum in result.program.strata) == count
    assert [stratum.recursive for stratum in result.program.strata] == ([True] if closed else [False] * count)


def test_nested_disjunctions():
    """The time does not double with each level of a disjunction within a disjunction."""
    body = "inv:vm(x)"
    for level in range(30):
        body = f"({body}, z{level} = x) or (inv:vnf(x), z{level} = x)"
    assert checked(f"p(x) :- {body}.").diagnostics == ()
