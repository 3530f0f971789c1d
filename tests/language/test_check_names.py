"""Names: each mistake is told once, where it stands, with what may have been meant."""

from __future__ import annotations

import pytest

from tests.language.estate import assert_told, checked, told

# name: (text, code, underlined, part of the hint)
CASES = {
    # CL101
    "a table spelt wrong": ("p(x) :- inv:hots(id=x).", "CL101", "inv:hots", "`host`"),
    "a table of a source not there": ("p(x) :- inv:zzzzzz(x).", "CL101", "inv:zzzzzz", "`inv` has"),
    "a table of a source without tables": ("p(x) :- nova:servers(x).", "CL101", "nova:servers", "no tables yet"),
    "an own table spelt wrong": ("load(x) :- inv:vm(x). p(x) :- laod(x).", "CL101", "laod", "`load`"),
    "a source table without its source": ("p(x) :- host(x).", "CL101", "host", "`inv:host`"),
    "an own table under its own policy": ("p(x) :- p:q(x).", "CL101", "p:q", "`p`"),
    "a builtin spelt wrong": ("p(x) :- inv:vm(x), startwith(x, 'a').", "CL101", "startwith", "`startswith`"),
    "errors where there are none": ("p(x) :- error(x).", "CL101", "error", ""),
    "an unknown table under not": ("p(x) :- inv:vm(x), not hots(x).", "CL101", "hots", ""),
    "an unknown table in a branch": ("p(x) :- (inv:vm(x)) or (inv:vms(x)).", "CL101", "inv:vms", "`vm`"),
    "an unknown table binds its variables": ("p(x, y) :- inv:vmm(x, y), y > 3.", "CL101", "inv:vmm", "`vm`"),
    "an unknown table says nothing of types": (
        "p(x) :- inv:vmm(x), inv:vm(vcpus=x).",
        "CL101",
        "inv:vmm",
        "`vm`",
    ),
    "a modal is no table": ("execute[heal(f)] :- inv:vnf(f). p(x) :- heal(x).", "CL101", "heal", ""),
    "a reference to an unknown table": ("table t(h: str -> inv:hosts.id).", "CL101", "inv:hosts", "`host`"),
    "the effect on an unknown table": ("q+(x) :- heal(x).", "CL101", "q+", ""),
    "a second unknown name in an effect": ("inv:link+(x, y) :- heal(x), tag(y).", "CL101", "tag", "`inv:tag`"),
    # CL102
    "a source spelt wrong": ("p(x) :- inw:vm(x).", "CL102", "inw:vm", "`inv`"),
    "no such source": ("p(x) :- kubernetes:vm(x).", "CL102", "kubernetes:vm", "`inv:vm`"),
    "no such source or table": (
        "p(x) :- kubernetes:pods(x).",
        "CL102",
        "kubernetes:pods",
        "there are `builtin`, `inv`",
    ),
    # CL103
    "a column spelt wrong": ("p(x) :- inv:vm(hots=x).", "CL103", "hots", "`host`"),
    "no such column": ("p(x) :- inv:link(weight=x).", "CL103", "weight", "`a`, `b`"),
    "a column's number too high": ("p(x) :- inv:link(3=x).", "CL103", "3", "0 to 1"),
    "a column of a table without columns": ("p() :- inv:alarm(id=3).", "CL103", "id", "no columns"),
    "a column of a derived table": (
        "t(vm, h) :- inv:vm(id=vm, host=h). p(x) :- t(host=x).",
        "CL103",
        "host",
        "`vm`, `h`",
    ),
    "an aggregate has no name": ("t(h, sum(n)) :- inv:vm(host=h, vcpus=n). p(x) :- t(n=x).", "CL103", "n", "`c2`"),
    "a builtin's terms have no names": ("p(x) :- inv:vm(id=x), len(text=x, n=3).", "CL103", "text=x", "in order"),
    "a reference to an unknown column": (
        "table t(h: str -> inv:host.name).",
        "CL103",
        "h: str -> inv:host.name",
        "`id`",
    ),
    # CL104
    "an unknown builtin": ("p(x) :- inv:vm(x), builtin:lenn(x, 3).", "CL104", "builtin:lenn", "`len`"),
    # CL105
    "too many terms": ("p(x) :- inv:link(x, _, _).", "CL105", "_", "`a`, `b`"),
    "too many terms of an own table": ("q(x) :- inv:vm(x). p(x) :- q(x, 1).", "CL105", "1", "`x`"),
    "a term too many for a flag": ("p(x) :- inv:vm(x), inv:alarm(x).", "CL105", "x", ""),
    "too few terms of a builtin": ("p(x) :- inv:vm(x), len(x).", "CL105", "len(x)", "len("),
    "too many terms of a builtin": ("p(x) :- inv:vm(id=x), lt(x, 1, 2).", "CL105", "lt(x, 1, 2)", "lt("),
    "errors of another arity": (
        "error(x) :- inv:vm(x). error(x, y) :- inv:link(x, y). p(x) :- error(x, _, _).",
        "CL105",
        "error(x, _, _)",
        "in order",
    ),
    "errors of several arities have no column names": (
        "error(x) :- inv:vm(x). error(x, y) :- inv:link(x, y). p(x) :- error(x=x).",
        "CL105",
        "error(x=x)",
        "in order",
    ),
    "functional names too many columns": (
        "q(v, k) :- inv:link(v, k). functional q(v, k -> z).",
        "CL105",
        "functional q(v, k -> z)",
        "`v`, `k`",
    ),
    # CL106
    "two arities": ("q(x) :- inv:vm(x).\nq(x, y) :- inv:link(x, y).", "CL106", "q(x, y)", "one arity"),
    "a fact of another arity": ("q(1). q(2, 3).", "CL106", "q(2, 3)", "one arity"),
    "a head that contradicts its declaration": ("table q(a: str). q(x, y) :- inv:link(x, y).", "CL106", "q(x, y)", ""),
    "an action of two arities": (
        "execute[heal(f)] :- inv:vnf(f). execute[heal(f, 1)] :- inv:vnf(f).",
        "CL106",
        "heal(f, 1)",
        "another policy",
    ),
    # CL107
    "a column given twice": ("p(x) :- inv:vm(x, id=x).", "CL107", "id=x", "one term"),
    "a column given by name and number": ("p(x) :- inv:vm(id=x, 0='a').", "CL107", "0='a'", "one term"),
    # CL108
    "a head leaves a column out": ("table q(a: str, b: str). q(a=x) :- inv:vm(x).", "CL108", "q(a=x)", "every column"),
    "a fact leaves a column out": ('table q(a: str, b: str). q(b="x").', "CL108", 'q(b="x")', "every column"),
    "what is added has every column": ("inv:link+(a=x) :- connect(x).", "CL108", "inv:link+(a=x)", "every column"),
    "what must hold has every column": (
        'require[inv:host(id=h, disk="ssd")] :- inv:host(id=h).',
        "CL108",
        'inv:host(id=h, disk="ssd")',
        "every column",
    ),
    # CL109
    "a source's table in a head": ("inv:vm(x) :- inv:link(x, _).", "CL109", "inv:vm", "`vm`"),
    "a builtin in a head": ("builtin:len(x, 1) :- inv:vm(x).", "CL109", "builtin:len", "`len`"),
    "the other policy's table in a head": ("p2:q(x) :- inv:vm(x).", "CL109", "p2:q", "`q`"),
}


@pytest.mark.parametrize(("text", "code", "underlined", "hint"), CASES.values(), ids=CASES)
def test_names(text: str, code: str, underlined: str, hint: str):
    """A name that means nothing is told once, without what would follow from it."""
    assert_told(text, code, underlined, hint)


FINE = {
    "columns by place, name and number": "p(x, y) :- inv:vm(x, 1=y, host='h1').",
    "missing columns are anonymous": "p(x) :- inv:vm(x).",
    "a table before its rules": "p(x) :- q(x). q(x) :- inv:vm(x).",
    "a table without columns": "alarm() :- inv:alarm(). p(x) :- inv:vm(x), alarm().",
    "an own table hides a builtin": "len(x) :- inv:vm(x). p(x) :- len(x).",
    "a hidden builtin by its prefix": "len(x) :- inv:vm(x). p(n) :- len(x), builtin:len(x, n).",
    "an own table under its own policy": "q(x) :- inv:vm(x). p(x) :- p:q(x).",
    "a head under its own policy": "p:q(x) :- inv:vm(x).",
    "errors of one arity": "error(x, y) :- inv:link(x, y). p(x) :- error(x).",
    "errors by the names of their columns": "error(x, y) :- inv:link(x, y). p(z) :- error(y=z).",
    "errors by the number of terms": "error(x) :- inv:vm(x). error(x, y) :- inv:link(x, y). p(x) :- error(x, _).",
    "a declared table without facts": "table q(a: str). p(x) :- q(x).",
    "a declared head by name": "table q(a: str, b: str). q(b=x, a=y) :- inv:link(x, y).",
    "facts and rules of one table": 'q("a"). q(x) :- inv:vm(x). p(x) :- q(x).',
    "an action is no table": (
        "execute[vnfm:heal(f)] :- inv:vnf(f). inv:vnf+(f, n, 's') :- vnfm:heal(f), inv:vnf(f, n, _)."
    ),
    "what is removed may leave columns out": "inv:vm-(id=v) :- vnfm:terminate(v).",
    "a modal over a fact by column name": "require[inv:link(b=x, a=y)] :- inv:link(x, y).",
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_names_that_are_right(text: str):
    """What the language allows is not told."""
    assert checked(text).diagnostics == ()


def test_each_rule_is_told():
    """Errors in one rule hide no errors in another, nor a second one in the same rule."""
    found = checked("a(x) :- inv:vmm(x), inv:hots(x).\nb(x) :- inv:vm(idd=x).\nc(x) :- b(x), y > 3.").diagnostics
    assert [told(each) for each in found] == [
        ("CL101", "inv:vmm"),
        ("CL101", "inv:hots"),
        ("CL103", "idd"),
        ("CL203", "y"),
    ]


def test_tables_with_wrong_rules_are_known():
    """A table whose rules are wrong is not unknown to those who read it."""
    found = checked("a(x, y) :- inv:vm(x).\nb(x) :- a(x, 3), not inv:link(x, _).").diagnostics
    assert [told(each) for each in found] == [("CL201", "y")]


def test_policies_read_each_other():
    """A rule may read another policy's tables, whatever the order of the files, and is told what that policy lacks."""
    assert checked("p(x) :- p2:q(x).", "q(x) :- inv:vm(x). r(x) :- p:p(x).").diagnostics == ()
    found = checked("p(x) :- p2:qq(x).", "q(x) :- inv:vm(x).").diagnostics
    assert [told(each) for each in found] == [("CL101", "p2:qq")]
    assert found[0].message == "policy `p2` has no table `qq`"


def test_what_could_not_be_parsed_is_not_unknown():
    """A table whose only rule has a mistake of syntax is not told to be unknown."""
    found = checked("q(x) :- inv:vm(x)) .\np(x) :- q(x).", "r(x) :- p:q(x), inv:vmm(x).").diagnostics
    assert [each.code for each in found] == ["CL006", "CL101"]
    assert found[1].span is not None
    assert found[1].span.text == "inv:vmm"


def test_an_action_with_other_terms_in_another_policy():
    """What the hint about an action of two arities says helps: policies have heads of their own."""
    other = checked("execute[heal(f)] :- inv:vnf(f).", "policy other. execute[heal(f, 1)] :- inv:vnf(f).")
    assert other.diagnostics == ()


def test_two_files_of_one_policy_are_both_checked():
    """A second policy of a name is told, and its rules are checked on their own."""
    found = checked("policy a. q(x) :- inv:vm(x).", "policy a. q(x, y) :- inv:link(x, y). r(x) :- z(x).").diagnostics
    assert [told(each) for each in found] == [("CL130", "policy a"), ("CL101", "z")]
