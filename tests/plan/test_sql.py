"""
The plan as SQL: what is printed for each dialect, in `golden/`.

Each `NAME.dl` has a `NAME.duckdb.sql` and a `NAME.postgresql.sql` beside it. What the
statements answer is a question for the databases: see `tests/engine/test_duckdb.py`
and `tests/engine/test_postgresql.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from congresslite.diagnostics import EvaluationError, Source
from congresslite.language.check import check_sources
from congresslite.language.program import Program
from congresslite.plan.sql import DUCKDB, POSTGRESQL, Create, Dialect, Layout, Loop, print_program
from congresslite.plan.sql.kinds import Kind, Term, decode, encode
from congresslite.plan.sql.names import Names, unique
from congresslite.plan.sql.terms import Terms
from congresslite.schema import Catalog, Scalar, Type
from tests.engine.columnar import table

GOLDEN = Path(__file__).with_name("golden")
NAMES = sorted(path.stem for path in GOLDEN.glob("*.dl"))
DIALECTS: dict[str, Dialect] = {"duckdb": DUCKDB, "postgresql": POSTGRESQL}

VM = table("inv:vm", id=Type.STR, ns=Type.STR, host=Type.STR, vcpus=Type.INT, weight=Type.FLOAT)
CATALOG = Catalog.of(
    [
        VM,
        table("inv:ns", id=Type.STR, tenant=Type.STR),
        table("inv:host", id=Type.STR, tags=Type.ANY),
        table("inv:link", a=Type.STR, b=Type.STR),
    ]
)


def program(text: str, name: str = "p") -> Program:
    found = check_sources([Source(f"{name}.dl", text)], CATALOG)
    assert found.program is not None, found.diagnostics
    return found.program


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, dialect: str) -> None:
    """A policy is printed as what stands beside it."""
    text = (GOLDEN / f"{name}.dl").read_text(encoding="utf-8")
    printed = print_program(program(text, name), DIALECTS[dialect]).text
    assert printed == (GOLDEN / f"{name}.{dialect}.sql").read_text(encoding="utf-8")


def test_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The page about SQL shows what its program prints."""
    page = (Path(__file__).parents[2] / "docs/explanation/sql.md").read_text(encoding="utf-8")
    code, shown = (page.partition(f"```{language}\n")[2].partition("```")[0] for language in ("python", "sql"))
    exec(code, {})  # noqa: S102 - ours
    assert capsys.readouterr().out.strip() == shown.strip()


def test_columns_that_are_never_null() -> None:
    """Where rows are known to hold no null, columns are joined by `=`, and so are those derived from them."""
    layout = Layout()
    layout.add(VM, [False] * VM.arity)
    text = "a(v, h) :- inv:vm(id=v, host=h). b(v) :- a(v, h), a(h, v)."
    (_, second) = print_program(program(text), POSTGRESQL, layout).steps
    assert 'WHERE t1."v" = t2."h"\n  AND t1."h" = t2."v"' in second.text


def test_a_null_comes_by_any_way() -> None:
    """A column may hold null as soon as one fact or one rule gives it one, also through a recursion."""
    layout = Layout()
    layout.add(VM, [False] * VM.arity)
    text = "a(v) :- inv:vm(id=v). a(null) :- b(_). b(v) :- a(v). c(x) :- b(x), b(x), inv:vm(host=x)."
    steps = print_program(program(text), DUCKDB, layout).steps
    assert isinstance(steps[0], Loop)
    assert 't2."host" = t1."v"' in steps[-1].text
    text = text.replace("inv:vm(host=x)", "a(x)")
    assert "IS NOT DISTINCT FROM" in print_program(program(text), DUCKDB, layout).steps[-1].text


def test_many_rules_are_many_statements() -> None:
    """A table that many rules derive is made by several statements, of which none has too much to plan."""
    text = "\n".join(f'a(v) :- inv:vm(id=v, host="h{number}").' for number in range(100))
    (step,) = print_program(program(text), DUCKDB).steps
    assert isinstance(step, Create)
    assert len(step.statements) == 4
    assert max(each.sql.count("inv:vm") for each in step.statements) <= 32


def test_refusal_names_rule_and_builtin() -> None:
    """What PostgreSQL cannot say exactly is refused, all of it in one run; DuckDB says it."""
    refused = program('a(v) :- inv:vm(id=v), matches(v, "a").\nb(x) :- inv:vm(id=v), upper(v, x).')
    with pytest.raises(EvaluationError) as caught:
        print_program(refused, POSTGRESQL)
    told = [(each.code, str(each.span), each.message) for each in caught.value.diagnostics]
    assert told == [
        ("CL520", "p.dl:1:23", "the builtin `matches` cannot be said exactly in the SQL of PostgreSQL"),
        ("CL520", "p.dl:2:23", "the builtin `upper` cannot be said exactly in the SQL of PostgreSQL"),
    ]
    assert len(print_program(refused, DUCKDB).steps) == 2


def test_names_differ_though_databases_think_otherwise() -> None:
    """Names that differ in case only, or beyond what a database keeps of them, get identifiers of their own."""
    names = Names()
    given = ["p:vm", "p:VM", 'p:"x"', "p:" + "long" * 30 + "1", "p:" + "long" * 30 + "2"]
    made = [names.of(name) for name in given]
    assert made[:3] == ['"p:vm"', '"p:VM~2"', '"p:""x"""']
    assert len({each.casefold() for each in made}) == len(given)
    assert max(len(each.encode()) for each in made) < 63
    assert [names.of(name) for name in given] == made
    assert unique(["x", "X", "x"]) == ['"x"', '"X~2"', '"x~2~2"']


@pytest.mark.parametrize("value", [None, True, False, 0, -5, 2**63 - 1, 0.1, 1e300, "", "n", "i1", "é"])
def test_values_as_texts(value: Scalar) -> None:
    """A value is read back from the text that stands for it, whatever it looks like."""
    assert repr(decode(encode(value))) == repr(value)


INT, TEXT, VALUE = Term("i", Kind.INT), Term("t", Kind.TEXT), Term("v", Kind.VALUE)
MAY_INT, NO_INT = Term("m", Kind.INT, nullable=True), Term("c", Kind.INT, partial=True)
MAY_TEXT = Term("s", Kind.TEXT, nullable=True)
EQUALITIES: dict[str, tuple[Term, Term, str, str]] = {
    "never null": (INT, INT, "i = i", "i <> i"),
    "one may be null": (INT, MAY_INT, "i = m", "i IS DISTINCT FROM m"),
    "both may be null": (MAY_INT, MAY_INT, "m IS NOT DISTINCT FROM m", "m IS DISTINCT FROM m"),
    "one may have no value": (NO_INT, MAY_INT, "c = m", "(c IS NOT NULL AND c IS DISTINCT FROM m)"),
    "a value of any kind": (VALUE, MAY_INT, "v = coalesce('i' || m, 'n')", "v <> coalesce('i' || m, 'n')"),
    "other kinds": (INT, TEXT, "FALSE", "TRUE"),
    "other kinds, both null": (MAY_INT, MAY_TEXT, "(m IS NULL AND s IS NULL)", "NOT ((m IS NULL AND s IS NULL))"),
    "other kinds, no value": (NO_INT, MAY_TEXT, "FALSE", "c IS NOT NULL"),
}


@pytest.mark.parametrize(("left", "right", "same", "other"), EQUALITIES.values(), ids=EQUALITIES)
def test_equality(left: Term, right: Term, same: str, other: str) -> None:
    """Equality has two outcomes, null included, and a third only where there is no value to compare."""
    terms = Terms(DUCKDB)
    assert terms.equal(left, right) == same
    assert terms.equal(left, right, negated=True) == other
