"""Lint: slips and bothers that are allowed, each with what would be better."""

from __future__ import annotations

import pytest

from congresslite.diagnostics import Severity, Source
from congresslite.language.check import check
from congresslite.language.lint import LINTS, lint
from congresslite.language.parser import parse_policy
from congresslite.language.syntax import PolicyFile
from tests.language.estate import CATALOG, told

HEAD = 'policy p(description = "d"). '


def linted(text: str) -> list[tuple[str, str]]:
    """What lint tells of a policy, which must be right otherwise."""
    file: PolicyFile
    file, found = parse_policy(Source("p.dl", text))
    assert found == ()
    checked = check([file], CATALOG)
    assert checked.diagnostics == ()
    warnings = lint([file], checked.program, CATALOG)
    assert all(each.severity is Severity.WARNING and each.hint for each in warnings)
    return [told(each) for each in warnings]


CASES = {
    "a variable that occurs once": (HEAD + "t(x) :- inv:vm(x, host=h).", ["CL250 h"]),
    "a variable that occurs once in a branch": (
        HEAD + "t(x) :- inv:vm(x), (inv:link(x, y)) or (inv:pop(x)).",
        ["CL250 y"],
    ),
    "no description": ('policy p(owner = "o"). t(x) :- inv:vm(x).', ['CL251 policy p(owner = "o")']),
    "no declaration": ("t(x) :- inv:vm(x). u(1).", ["CL251 t(x) :- inv:vm(x)"]),
    "no id": (HEAD + '@message("m") error(x) :- inv:vm(x).', ["CL252 error(x)"]),
    "no message": (HEAD + '@id("i") warning(x) :- inv:vm(x).', ["CL253 warning(x)"]),
    "or beside a comma": (HEAD + "t(x) :- inv:vm(x), x = 'a' or x = 'b'.", ["CL254 x = 'a' or x = 'b'"]),
    "a helper that nobody reads": (HEAD + "_t(x) :- inv:vm(x). _t(x) :- inv:pop(x).", ["CL255 _t"]),
    "a table named like a builtin": (HEAD + "len(x) :- inv:vm(x). len(x) :- inv:pop(x).", ["CL256 len"]),
    "a declaration named like a builtin": (HEAD + "table len(x: str).", ["CL256 table len(x: str)"]),
    "several": (
        HEAD + "error(x) :- inv:vm(x, host=h).",
        ["CL252 error(x)", "CL253 error(x)", "CL250 h"],
    ),
    "nothing": (HEAD + '@id("i") @message("{x}") error(x) :- inv:vm(x).', []),
    "a variable that a message names": (HEAD + '@id("i") @message("{x} on {h}") error(x) :- inv:vm(x, host=h).', []),
    "a variable that is meant to occur once": (HEAD + "t(x) :- inv:vm(x, host=_host).", []),
    "or in parentheses": (HEAD + "t(x) :- inv:vm(x), (x = 'a') or (x = 'b').", []),
    "or alone": (HEAD + "t(x) :- inv:vm(x) or inv:pop(x).", []),
    "a helper that somebody reads": (HEAD + "_t(x) :- inv:vm(x). u(x) :- _t(x).", []),
    "an action named like a builtin": (HEAD + "execute[len(x)] :- inv:vm(x).", []),
    "an empty policy": ("", []),
}


@pytest.mark.parametrize(("text", "warnings"), CASES.values(), ids=CASES)
def test_lint(text: str, warnings: list[str]):
    """Each warning stands where it can be mended."""
    assert linted(text) == [tuple(each.split(" ", 1)) for each in warnings]


def test_lint_of_policies_with_errors():
    """Policies with errors are linted as far as they can be read."""
    file, _ = parse_policy(Source("p.dl", "_t(x) :- inv:vmm(x, y)."))
    assert [each.code for each in lint([file], None, CATALOG)] == ["CL251", "CL250"]


def test_lints_are_documented():
    """Each lint says in one sentence what it is for."""
    assert all(each.__doc__ for each in LINTS)
