"""Types: what is declared or read off the data cannot be mixed; everything else can."""

from __future__ import annotations

import pytest

from congresslite.schema import Type
from tests.language.estate import assert_told, checked, told

# name: (text, code, underlined, part of the hint)
CASES = {
    # CL110
    "a join of string and integer": ("p(x) :- inv:vm(id=x), inv:host(cores=x).", "CL110", "x", "never equal"),
    "a join within one atom": ("p(x) :- inv:vm(id=x, vcpus=x).", "CL110", "x", "never equal"),
    "a join with a boolean": ("p(x) :- inv:vm(vcpus=x), inv:vm(locked=x).", "CL110", "x", "never equal"),
    "a join through a view": ("v(a, b) :- inv:vm(id=a, vcpus=b). p(x) :- v(_, x), inv:pop(x).", "CL110", "x", "never"),
    "a join through recursion": (
        "r(a, b) :- inv:link(a, b). r(a, c) :- r(a, b), inv:link(b, c). p(x) :- r(x, _), inv:vm(vcpus=x).",
        "CL110",
        "x",
        "never equal",
    ),
    "a join with a sum": (
        "t(h, sum(n)) :- inv:vm(host=h, vcpus=n). p(x) :- t(_, x), inv:vm(x).",
        "CL110",
        "x",
        "never",
    ),
    "a join with a count": ("t(count(v)) :- inv:vm(v). p(x) :- t(x), inv:vm(x).", "CL110", "x", "never equal"),
    "a join under not": ("p(x) :- inv:vm(id=x), not inv:host(cores=x).", "CL110", "x", "never equal"),
    "a join in a branch": ("p(x) :- inv:vm(id=x), (inv:host(x)) or (inv:host(cores=x)).", "CL110", "x", "never equal"),
    "a join with an output": ("p(n) :- inv:vm(x), len(x, n), inv:vm(id=n).", "CL111", "n", "len("),
    "a comparison of two columns": (
        "p(x) :- inv:vm(id=x, vcpus=n), n = x.",
        "CL110",
        "n = x",
        "cannot be compared",
    ),
    "an ordering of two columns": ("p(x) :- inv:vm(id=x, vcpus=n), x < n.", "CL110", "x < n", "cannot be compared"),
    "a comparison with arithmetic": (
        "p(x) :- inv:vm(id=x, vcpus=n), x = n + 1.",
        "CL110",
        "x = n + 1",
        "cannot be compared",
    ),
    "arithmetic in a string's place": ("p(n) :- inv:vm(vcpus=n), inv:vm(id=n + 1).", "CL110", "n + 1", "compared"),
    "a reference of another type": ("table t(h: int -> inv:host.id).", "CL110", "h: int -> inv:host.id", "one type"),
    # CL111
    "a number in a string's place": ("p(x) :- inv:vm(x, host=17).", "CL111", "17", '`"17"`'),
    "a string in a number's place": ('p(x) :- inv:vm(x, vcpus="4").', "CL111", '"4"', "`4`"),
    "a string that is no number": ('p(x) :- inv:vm(x, vcpus="four").', "CL111", '"four"', ""),
    "a string in a boolean's place": ('p(x) :- inv:vm(x, locked="true").', "CL111", '"true"', "`true`"),
    "a number in a boolean's place": ("p(x) :- inv:vm(x, locked=1).", "CL111", "1", ""),
    "a wrong constant under not": ("p(x) :- inv:vm(x), not inv:vm(x, host=17).", "CL111", "17", '`"17"`'),
    "a wrong constant in a view's column": ('v(n) :- inv:vm(vcpus=n). p() :- v("a").', "CL111", '"a"', ""),
    "a comparison with a wrong constant": ('p(x) :- inv:vm(x, vcpus=n), n = "4".', "CL111", '"4"', "`4`"),
    "a wrong constant on the left": ('p(x) :- inv:vm(x, vcpus=n), "4" != n.', "CL111", '"4"', "`4`"),
    "an ordering with a wrong constant": ('p(x) :- inv:vm(x, vcpus=n), n > "4".', "CL111", '"4"', "`4`"),
    "a wrong constant in a list": ('p(x) :- inv:vm(x, vcpus=n), n in [1, "2"].', "CL111", '"2"', "`2`"),
    "an input of a wrong type": ("p(x) :- inv:vm(x, vcpus=n), startswith(n, 'a').", "CL111", "n", "startswith("),
    "a wrong constant as an input": ("p(x) :- inv:vm(x), startswith(x, 3).", "CL111", "3", '`"3"`'),
    "a wrong constant as an output": ("p(x) :- inv:vm(x), len(x, 'a').", "CL111", "'a'", ""),
    "a head of a type not declared": ("table t(n: int). t(x) :- inv:vm(id=x).", "CL111", "x", ""),
    "a constant of a type not declared": ('table t(n: int, x: str). t("a", x) :- inv:vm(id=x).', "CL111", '"a"', ""),
    # CL112
    "booleans have no order": ("p(x) :- inv:vm(x, locked=l), l > 0.", "CL112", "l", "two numbers or two strings"),
    "true has no order": ("p(x) :- inv:vm(x, vcpus=n), n > true.", "CL112", "true", "two numbers or two strings"),
    "null has no order": ("p(x) :- inv:vm(x, vcpus=n), n > null.", "CL112", "null", "two numbers or two strings"),
    "the least of booleans": ("t(min(l)) :- inv:vm(locked=l).", "CL112", "min(l)", "two numbers or two strings"),
    # CL113
    "a string less one": ("p(x) :- inv:vm(x), y = x - 1, inv:tag(y).", "CL113", "x", ""),
    "a string plus one": ("p(x) :- inv:vm(x), inv:tag(x + 1).", "CL113", "x", "joins strings"),
    "a number plus a string": ('p(x) :- inv:vm(x, vcpus=n), inv:tag(n + "a").', "CL113", '"a"', "joins strings"),
    "a boolean times two": ("p(x) :- inv:vm(x, locked=l), inv:tag(l * 2).", "CL113", "l", ""),
    "arithmetic within arithmetic": ("p(x) :- inv:vm(x, vcpus=n), n > 2 * (x % 3).", "CL113", "x", ""),
    "a sum of strings": ("t(sum(x)) :- inv:vm(id=x).", "CL113", "sum(x)", "`count`"),
    # CL114
    "no regular expression": ("p(x) :- inv:vm(x), matches(x, '[a').", "CL114", "'[a'", "backslash"),
    "no regular expression in a branch": ("p(x) :- inv:vm(x), (matches(x, '(')) or (x = 'a').", "CL114", "'('", ""),
    "an average of booleans": ("t(avg(l)) :- inv:vm(locked=l).", "CL113", "avg(l)", "`count`"),
}


@pytest.mark.parametrize(("text", "code", "underlined", "hint"), CASES.values(), ids=CASES)
def test_types(text: str, code: str, underlined: str, hint: str):
    """Values of types that exclude each other are told where they meet, once."""
    assert_told(text, code, underlined, hint)


FINE = {
    "integers and floats are numbers": "p(x) :- inv:host(id=x, cores=n, load=n).",
    "an integer's place for a fraction": "p(x) :- inv:host(id=x, cores=n), n > 2.5.",
    "a fraction's place for an integer": "p(x) :- inv:host(id=x, load=2).",
    "any admits every scalar": "p(x) :- inv:tag(x, y), inv:vm(id=x, vcpus=y), inv:tag(y, x).",
    "null is of every type": "p(x) :- inv:vm(x, vcpus=null, locked=null), inv:vm(x, host=h), h != null.",
    "constants of a policy": 'a(1). b("x"). p(x) :- a(x), b(x).',
    "constants in rules": 'k(x, "high") :- inv:vm(x). p(x) :- k(x, 3).',
    "a column of several types": "m(x) :- inv:vm(id=x). m(x) :- inv:vm(vcpus=x). p(x) :- m(x), inv:vm(id=x).",
    "two views of several types": "m(x) :- inv:vm(id=x). m(x) :- inv:vm(vcpus=x). p(x) :- m(x), inv:vm(vcpus=x).",
    "branches of several types": "p(x) :- (inv:vm(id=x)) or (inv:vm(vcpus=x)).",
    "strings are joined": 'p(y) :- inv:vm(id=x, host=h), y = x + "@" + h.',
    "strings have an order": "p(x, y) :- inv:link(x, y), x < y.",
    "booleans are equal or not": "p(x) :- inv:vm(x, locked=l), l = true.",
    "the least of strings": "t(min(x)) :- inv:vm(id=x).",
    "a declared number of either kind": "table t(n: float). t(x) :- inv:vm(vcpus=x).",
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_types_that_fit(text: str):
    """Types that may be equal, or that only constants of a policy show, are not told."""
    assert checked(text).diagnostics == ()


def test_a_variable_is_told_once():
    """What contradicts is told at the first place, not wherever the variable stands."""
    found = checked(
        "p(x) :- inv:vm(id=x), inv:host(cores=x), inv:vm(vcpus=x), x > 3, x = 'a', inv:vm(vcpus='b')."
    ).diagnostics
    assert [told(each) for each in found] == [("CL110", "x"), ("CL111", "'b'")]


INFERRED = {
    "a source's column": ("t(x, n, l, f) :- inv:vm(id=x, vcpus=n, locked=l), inv:host(load=f).", "str int bool float"),
    "constants": ('t("a", 1, 1.5, true) :- inv:alarm().', "str int float bool"),
    "facts": ('t("a", 1, 1.5, true). t("b", 2, 2.5, false).', "str int float bool"),
    "null says nothing": ("t(null, 1). t(2, null).", "int int"),
    "only null": ("t(null).", "any"),
    "a whole float is an integer": ("t(1.0).", "int"),
    "several types": ("t(1). t('a').", "any"),
    "integer and float": ("t(1). t(1.5).", "any"),
    "facts and rules": ("t('a'). t(n) :- inv:vm(vcpus=n).", "any"),
    "any and integer together": ("t(x) :- inv:tag(x), inv:vm(vcpus=x).", "int"),
    "arithmetic": (
        "t(a, b, c, d) :- inv:host(cores=n, load=f), a = n + 1, b = n / 2, c = n * f, d = n % 2.",
        "int float float int",
    ),
    "arithmetic with any": ("t(y) :- inv:tag(x), y = x + 1.", "any"),
    "strings joined": ("t(y) :- inv:vm(x), y = x + 'a'.", "str"),
    "equalities in any order": ("t(z) :- z = y * 2, y = x + 1, inv:vm(vcpus=x).", "int"),
    "aggregates": (
        "t(count(h), sum(n), sum(f), avg(n), min(h), max(n)) :- inv:host(id=h, cores=n, load=f).",
        "int int float float str int",
    ),
    "a builtin's output": ("t(n) :- inv:vm(x), len(x, n).", "int"),
    "recursion": ("t(a, b) :- inv:link(a, b). t(a, c) :- t(a, b), inv:link(b, c).", "str str"),
    "mutual recursion": ("t(x) :- u(x). u(x) :- t(x). u(n) :- inv:vm(vcpus=n).", "int"),
    "recursion over several types": ("t(x) :- inv:vm(id=x). t(y) :- t(_), inv:vm(vcpus=y). t(x) :- t(x).", "any"),
    "recursion without a start": ("t(x) :- t(x).", "any"),
    "branches": ("t(x, y) :- (inv:vm(id=x), y = 1) or (inv:vm(id=x), y = 'a').", "str any"),
    "a declaration": ("table t(n: float, x: any). t(x, x) :- inv:vm(vcpus=x).", "float any"),
}


@pytest.mark.parametrize(("text", "types"), INFERRED.values(), ids=INFERRED)
def test_inference(text: str, types: str):
    """The columns of a derived table have the types that its rules and facts give them."""
    program = checked(text).program
    assert program is not None
    assert [column.type for column in program.tables["p:t"].columns] == [Type(name) for name in types.split()]


def test_types_of_variables():
    """A checked rule knows the types of all its variables, anonymous ones and those of one branch included."""
    program = checked("t(x) :- inv:vm(id=x, vcpus=n), (m = n + 1, m > 3) or (inv:vm(x, locked=l), l = true).").program
    assert program is not None
    types = program.rules[0].types
    assert {name: str(types[name]) for name in "xnml"} == {"x": "str", "n": "int", "m": "int", "l": "bool"}
    assert types["$1"] is Type.STR
