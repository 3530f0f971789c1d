"""Policies, declarations, facts, annotations and whole rules: what is told of them."""

from __future__ import annotations

import pytest

from congresslite.diagnostics import Severity
from tests.language.estate import assert_told, checked, told

LOAD = (
    'table load(host: str key -> h.id, cpu: int in 0..100, level: str in ["low", "high"]). table h(id: str). h("h1").'
)

# name: (text, code, underlined, part of the hint)
CASES = {
    # CL120 to CL123
    "a fact of a wrong type": (f'{LOAD} load("h1", "90", "low").', "CL120", '"90"', "int"),
    "a fraction is no integer": ("table t(n: int). t(2.5).", "CL120", "2.5", "int"),
    "a boolean is no integer": ("table t(n: int). t(true).", "CL120", "true", "int"),
    "a key given twice": (
        f'{LOAD} load("h1", 90, "low"). load("h1", 91, "low").',
        "CL121",
        'load("h1", 91, "low")',
        "90",
    ),
    "a key of two columns": (
        "table t(a: int key, b: int key, c: int). t(1, 1, 1). t(1, 2, 1). t(1, 1, 2).",
        "CL121",
        "t(1, 1, 2)",
        "(1, 1, 1)",
    ),
    "a reference to no row": (f'{LOAD} load("h2", 90, "low").', "CL122", '"h2"', "`h`"),
    "a number outside its domain": (f'{LOAD} load("h1", 101, "low").', "CL123", "101", ""),
    "a string outside its domain": (f'{LOAD} load("h1", 90, "hihg").', "CL123", '"hihg"', "`high`"),
    "a fact by column name": ("table t(a: int in 0..9, b: int). t(b=1, a=10).", "CL123", "10", ""),
    # CL124 to CL127
    "a table declared twice": ("table t(a: int). table t(a: int).", "CL124", "table t(a: int)", "line 1"),
    "a table declared differently": ("table t(a: int).\ntable t(a: str).", "CL124", "table t(a: str)", "line 1"),
    "violations declared": ("table error(a: int).", "CL125", "table error(a: int)", "another name"),
    "two columns of a name": ("table t(a: int, a: str).", "CL126", "a: str", "rename"),
    "a domain of another type": ('table t(a: int in ["x"]).', "CL127", 'a: int in ["x"]', "type"),
    "a range of strings": ("table t(a: str in 0..9).", "CL127", "a: str in 0..9", "type"),
    "a fraction among integers": ("table t(a: int in [1, 2.5]).", "CL127", "a: int in [1, 2.5]", "type"),
    # CL130 to CL132
    "a policy named like a source": ("policy inv. p(x) :- inv:vm(x).", "CL131", "policy inv", "rename"),
    "a policy named like the builtins": ("policy builtin. p(1).", "CL131", "policy builtin", "rename"),
    "incompatible with what nobody does": (
        "execute[heal(v)] :- inv:vnf(v). incompatible heal(v), haal(v).",
        "CL132",
        "haal",
        "`heal`",
    ),
    "incompatible with what is only required": (
        "execute[heal(v)] :- inv:vnf(v). require[up(v)] :- inv:vnf(v). incompatible heal(v), up(v).",
        "CL132",
        "up",
        "`heal`",
    ),
    "functional for what nobody says": ("functional qos(v -> k).", "CL132", "qos", ""),
    # CL220 to CL225
    "an unknown annotation": ('@sevrity("high") error(x) :- inv:vm(x).', "CL220", '@sevrity("high")', "`severity`"),
    "an unknown severity": ('@severity("hihg") error(x) :- inv:vm(x).', "CL221", '"hihg"', "`high`"),
    "a severity that is no string": ("@severity(3) error(x) :- inv:vm(x).", "CL221", "3", ""),
    "an empty id": ('@id("") error(x) :- inv:vm(x).', "CL221", '""', ""),
    "a message that is no string": ("@message(3) error(x) :- inv:vm(x).", "CL221", "3", ""),
    "a weight that is no number": ('@weight("3") warning(x) :- inv:vm(x).', "CL221", '"3"', ""),
    "an object that is no variable": ('@object("x") error(x) :- inv:vm(x).', "CL221", '"x"', ""),
    "an annotation given twice": ('@id("a") @id("b") error(x) :- inv:vm(x).', "CL222", '@id("b")', "one of the two"),
    "a message of an unknown variable": ('@message("{vn}") error(vm) :- inv:vm(vm).', "CL223", '"{vn}"', "`vm`"),
    "an object not in the head": ("@object(h) error(x) :- inv:vm(x, host=h).", "CL224", "h", "`x`"),
    "two rules of one id": (
        '@id("a") error(x) :- inv:vm(x).\n@id("a") error(x) :- inv:vnf(x).',
        "CL225",
        '@id("a")',
        "line 1",
    ),
    # CL230 to CL232
    "an unknown setting": ('policy p(descripton = "x").', "CL230", 'descripton = "x"', "`description`"),
    "a setting of a wrong type": ('policy p(priority = "10").', "CL231", 'priority = "10"', ""),
    "a boolean is no priority": ("policy p(priority = true).", "CL231", "priority = true", ""),
    "an unknown tier": ('policy p(tier = "regoin").', "CL231", 'tier = "regoin"', "`region`"),
    "an unknown mode": ('policy p(mode = "enforced").', "CL231", 'mode = "enforced"', "`enforce`"),
    "a setting given twice": ('policy p(owner = "a", owner = "b").', "CL232", 'owner = "b"', "one of the two"),
    # CL240
    "a rule written twice": ("p(x) :- inv:vm(x).\np(x):-inv:vm( x ).", "CL240", "p(x):-inv:vm( x )", "out"),
    "a violation written twice": (
        "error(x) :- inv:vm(x). error(x) :- inv:vm(x).",
        "CL240",
        "error(x) :- inv:vm(x)",
        "out",
    ),
    "a fact written twice": ("t(1). t(1.0).", "CL240", "t(1.0)", "out"),
    # CL241
    "a modal around a violation": ("deny[warning(x)] :- inv:vm(x).", "CL241", "deny[warning(x)]", "`warning(…)`"),
    "a modal around a builtin": ("execute[builtin:len(x, 3)] :- inv:vm(x).", "CL241", "execute[builtin:len(x, 3)]", ""),
    # CL242
    "two values": ("p(x) :- inv:vm(x), y = 1, y = 2, inv:tag(y).", "CL242", "y = 2", ""),
    "an empty interval": ("p(x) :- inv:host(x, cores=n), n < 3, n > 5.", "CL242", "n > 5", ""),
    "an interval open on one side": ("p(x) :- inv:host(x, cores=n), n < 3, n >= 3.", "CL242", "n >= 3", ""),
    "a value outside a list": ('p(x) :- x in ["a"], x = "b".', "CL242", 'x = "b"', ""),
    "two lists": ("p(x) :- x = y, inv:tag(y), x in [1, 2], y in [3].", "CL242", "y in [3]", ""),
    "a value that is excluded": ("p(x) :- inv:tag(x), x = 1, x != 1.", "CL242", "x != 1", ""),
    "values that are excluded": ("p(x) :- inv:tag(x), x in [1, 2], not x in [2, 1].", "CL242", "not x in [2, 1]", ""),
    "a negated comparison": ("p(x) :- inv:host(x, cores=n), n > 3, not n > 2.", "CL242", "not n > 2", ""),
    "a row and no row": ("p(x) :- inv:vm(x), not inv:vm(x).", "CL242", "not inv:vm(x)", ""),
    "a row and no row of its kind": (
        "p(x) :- inv:link(x, y), inv:vm(y), not inv:link(x, _).",
        "CL242",
        "not inv:link(x, _)",
        "",
    ),
    "less than itself": ("p(x) :- inv:vm(x), x < x.", "CL242", "x < x", ""),
    "two orders": ("p(x, y) :- inv:link(x, y), x < y, y < x.", "CL242", "y < x", ""),
    "an order of equals": ("p(x, y) :- inv:link(x, y), x = y, x != y.", "CL242", "x != y", ""),
    "a false comparison": ("p(x) :- inv:vm(x), 1 > 2.", "CL242", "1 > 2", ""),
    "a constant outside a domain": ('p(x) :- inv:vm(x, state="ERORR").', "CL242", '"ERORR"', "`ERROR`"),
    "a number outside a domain": ("p(x) :- inv:vm(x, vcpus=0).", "CL242", "0", ""),
    "a comparison outside a domain": ("p(x) :- inv:vm(x, vcpus=n), n > 128.", "CL242", "n > 128", ""),
    "a value outside a domain": ('p(x) :- inv:vm(x, state=s), s = "UP".', "CL242", 's = "UP"', ""),
    "two values of one row": (
        'p(x) :- inv:vm(id=x, state="ACTIVE"), inv:vm(id=x, state="ERROR").',
        "CL242",
        'inv:vm(id=x, state="ERROR")',
        "",
    ),
    "a branch that cannot hold": (
        "p(x) :- inv:host(x, cores=n), n < 3, (n > 5) or (inv:vm(x)).",
        "CL242",
        "(n > 5)",
        "",
    ),
    # CL244
    "an effect without an action": ("inv:link+(x, y) :- inv:link(y, x).", "CL244", "inv:link+", "action"),
}


@pytest.mark.parametrize(("text", "code", "underlined", "hint"), CASES.values(), ids=CASES)
def test_rules(text: str, code: str, underlined: str, hint: str):
    """What is wrong with a policy, a declaration, a fact or a rule as a whole is told once, where it stands."""
    assert_told(text, code, underlined, hint)


FINE = {
    "all settings": (
        'policy p(description = "d", tier = "pop", owner = "o", priority = -3, mode = "dryrun", overridable = true).'
    ),
    "all annotations": (
        '@id("R1") @severity("critical") @message("{vm} on {h}, not {}") @weight(2.5) @object(vm) '
        "warning(vm) :- inv:vm(id=vm, host=h)."
    ),
    "one id in two policies is no matter of one": '@id("a") error(x) :- inv:vm(x).',
    "two ids": '@id("a") error(x) :- inv:vm(x). @id("b") error(x) :- inv:vnf(x).',
    "facts that keep what is declared": f'{LOAD} load("h1", 0, "low"). load("h2", 100, null). h("h2").',
    "null refers to nothing": "table t(h: str -> u.id). table u(id: str). t(null).",
    "a reference to derived rows": 'table t(h: str -> u.id). t("a"). u(id) :- inv:vm(id).',
    "a reference to a source's rows": 'table t(h: str -> inv:host.id). t("a").',
    "ends that meet": "p(x) :- inv:host(x, cores=n), n >= 3, n <= 3.",
    "null in a domain": "p(x) :- inv:vm(x, state=null).",
    "a row and no other": "p(x) :- inv:link(x, y), not inv:link(y, x).",
    "two rows of a table without a key": "p(x) :- inv:tag(x, 1), inv:tag(x, 2).",
    "an action that an effect describes": "inv:link+(x, y) :- connect(x, y). execute[cut(x)] :- inv:vm(x). "
    "incompatible connect(x, _), cut(x).",
    "functional for what is required": "require[qos(v, 1)] :- inv:vnf(v). functional qos(v -> k).",
    "functional for a table": "q(v, k) :- inv:link(v, k). functional q(v -> k).",
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_rules_that_are_right(text: str):
    """What the language allows is not told."""
    assert checked(text).diagnostics == ()


def test_warnings_stop_nothing():
    """A rule written twice or that can never fire is a warning: the program stands."""
    result = checked("p(x) :- inv:vm(x). p(x) :- inv:vm(x). q(x) :- inv:vm(x), x != x.")
    assert [each.severity for each in result.diagnostics] == [Severity.WARNING, Severity.WARNING]
    assert result.program is not None


def test_errors_stop_the_program():
    """With an error anywhere there is no program."""
    assert checked("p(x) :- inv:vm(x).", "q(x) :- r(x).").program is None


def test_policies_of_one_name():
    """A name belongs to one policy; the hint says where the other one is."""
    found = checked("policy a.", "p(1). policy a.").diagnostics
    assert [told(each) for each in found] == [("CL130", "policy a")]
    assert found[0].hint is not None
    assert "p.dl" in found[0].hint


def test_tiers_are_configured():
    """A tier is one of the configured hierarchy."""
    text = 'policy p(tier = "edge").'
    assert checked(text, tiers=("core", "edge")).diagnostics == ()
    assert [each.code for each in checked(text, tiers=("core", "rim")).diagnostics] == ["CL231"]


def test_constraints_are_said_with_the_row():
    """A refused row is told with the row and the constraint that it breaks."""
    found = checked(f'{LOAD} load("h9", 101, "mid").').diagnostics
    assert [each.message for each in found] == [
        'row `("h9", 101, "mid")` of `load` breaks `host -> h.id`',
        'row `("h9", 101, "mid")` of `load` breaks `cpu in 0..100`',
        'row `("h9", 101, "mid")` of `load` breaks `level in ["low", "high"]`',
    ]


def test_contradictions_name_both_sides():
    """A rule that can never fire is told with what its literal contradicts."""
    (found,) = checked("p(x) :- inv:host(x, cores=n), n < 3, n > 5.").diagnostics
    assert found.message == "this rule can never fire: no value is left for `n`"
    assert found.notes == ("p.dl:1:31: `n < 3`",)
    (found,) = checked("p(x) :- inv:vm(x, vcpus=n), n > 200.").diagnostics
    assert found.notes == ("p.dl:1:9: `inv:vm(x, vcpus=n)`",)


def test_a_stable_order():
    """Findings come by file and place, whatever check found them."""
    texts = ("p(x, y) :- inv:vmm(x). @foo(1) q(x) :- inv:vm(z).", "policy p2(tire = 1). r(x) :- p:q(x, 1).")
    found = checked(*texts).diagnostics
    assert [told(each) for each in found] == [
        ("CL201", "y"),
        ("CL101", "inv:vmm"),
        ("CL220", "@foo(1)"),
        ("CL201", "x"),
        ("CL230", "tire = 1"),
        ("CL105", "1"),
    ]
