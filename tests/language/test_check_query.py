"""Questions: a body asked of a program becomes one more rule, or says why not."""

from __future__ import annotations

import pytest

from congresslite.diagnostics import Source
from congresslite.language.check import CheckedQuery, check_query
from congresslite.language.parser import parse_query
from congresslite.language.program import Const, Match, Var
from congresslite.schema import Type
from tests.language.estate import CATALOG, checked, told

POLICIES = (
    "error(x) :- inv:vm(x). error(a, b) :- inv:link(a, b). warning(x) :- inv:vnf(x). warning(y) :- inv:pop(y)."
    " t(x, sum(n)) :- inv:vm(x, vcpus=n). k('low', 1). used(x) :- error(x).",
    "t(x) :- inv:vnf(x). own(x) :- inv:vm(x).",
)


def asked(text: str) -> CheckedQuery:
    """The question, checked against the policies."""
    program = checked(*POLICIES).program
    assert program is not None
    source = Source("query", text)
    body, found = parse_query(source)
    assert body is not None, found
    return check_query(body, source, program, CATALOG)


ANSWERS = {
    "variables in order of appearance": ("inv:link(b=y, a=x), x != z, z = 'a'", "y x z"),
    "a variable once": ("inv:link(x, y), inv:link(y, x)", "x y"),
    "an atom": ("inv:vm(id=v, host=h)", "v h"),
    "an atom with a constant": ("inv:vm(v, state='ERROR')", "v"),
    "an atom without terms": ("inv:link()", "a b"),
    "a table's name": ("inv:link", "a b"),
    "an atom without variables": ("inv:link('a', _)", "a b"),
    "yes or no": ("inv:vm('a'), not inv:vnf('a')", ""),
    "yes or no, computed": ("1 < 2", ""),
    "a table without columns": ("inv:alarm()", ""),
    "a derived table": ("p:t(x, n), n > 3", "x n"),
    "a derived table's rows": ("p:t", "x c2"),
    "a table of one policy": ("own(x)", "x"),
    "violations of one arity": ("p:warning(x)", "x"),
    "violations of one arity, all columns": ("p:warning", "x"),
    "violations by the number of terms": ("p:error(x, y)", "x y"),
    "violations that a policy reads": ("p:error(v)", "v"),
    "a builtin": ("inv:vm(x), len(x, n)", "x n"),
    "a disjunction": ("(inv:vm(x)) or (inv:pop(x))", "x"),
    "negation": ("inv:vm(x), not p2:own(x)", "x"),
}


@pytest.mark.parametrize(("text", "columns"), ANSWERS.values(), ids=ANSWERS)
def test_answers(text: str, columns: str):
    """An answer has a column for each named variable, in order; a lone atom without any gives the table's rows."""
    query = asked(text)
    assert query.diagnostics == ()
    assert query.columns == tuple(columns.split())
    assert query.rules[-1].table == "query:answer"
    assert len(query.rules[-1].head) == len(query.columns)


WRONG = {
    "an unknown table": ("inv:vmm(x)", "CL101", "inv:vmm", "`vm`"),
    "an unknown table of a policy": ("p:tt(x)", "CL101", "p:tt", "`t`"),
    "an unknown policy": ("q:t(x)", "CL102", "q:t", "`p:t`"),
    "a table of two policies": ("t(x)", "CL101", "t", "`p2:t`"),
    "a table without its source": ("host(x)", "CL101", "host", "`inv:host`"),
    "an unknown column": ("inv:vm(hots=x)", "CL103", "hots", "`host`"),
    "violations of an arity that none has": ("p:error(x, y, z)", "CL105", "p:error(x, y, z)", "in order"),
    "an unsafe variable": ("x < 3", "CL203", "x", "`x = …`"),
    "an unsafe variable under not": ("not inv:vm(x)", "CL202", "x", "`inv:vm(id=x)`"),
    "a variable of one branch": ("inv:vm(x), (inv:vm(x, host=h)) or (x = 'a')", "CL205", "h", "every branch"),
    "a wrong type": ("inv:vm(vcpus='a')", "CL111", "'a'", ""),
    "an answer that is never": ("inv:vm(state='ERORR')", "CL242", "'ERORR'", "`ERROR`"),
}


@pytest.mark.parametrize(("text", "code", "underlined", "hint"), WRONG.values(), ids=WRONG)
def test_wrong_questions(text: str, code: str, underlined: str, hint: str):
    """A question that is wrong is told as a rule would be, once."""
    query = asked(text)
    assert [told(each) for each in query.diagnostics] == [(code, underlined)]
    assert hint in (query.diagnostics[0].hint or "")
    assert bool(query.rules) == (code == "CL242")


def test_tables_that_the_program_did_not_read():
    """A question brings the schemas of source tables that no policy reads, and only those."""
    assert list(asked("inv:tag(x), inv:vm(x)").base) == ["inv:tag"]


def test_unions():
    """Violations that no policy reads are united for the question; those that are united already are not."""
    query = asked("p:warning(x)")
    assert [(rule.table, rule.body) for rule in query.rules] == [
        ("p:warning/1", (Match("p:warning#1", (Var("x"),)),)),
        ("p:warning/1", (Match("p:warning#2", (Var("y"),)),)),
        ("query:answer", (Match("p:warning/1", (Var("x"),)),)),
    ]
    assert sorted(query.tables) == ["p:warning/1", "query:answer"]
    assert [rule.table for rule in asked("p:error(x)").rules] == ["query:answer"]


def test_types_of_answers():
    """An answer's columns have the types of what is asked; constants of a policy stop no comparison."""
    query = asked("p:t(x, n), p:k(x, m), m != 'a'")
    assert [column.type for column in query.tables["query:answer"].columns] == [Type.STR, Type.INT, Type.INT]


def test_rows_of_an_atom():
    """A lone atom with constants gives whole rows, constants included."""
    rule = asked("inv:link('a', _)").rules[-1]
    assert rule.head == (Const("a"), Var("b"))
    assert rule.body == (Match("inv:link", (Const("a"), Var("b"))),)
