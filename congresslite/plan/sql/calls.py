"""
Builtins as SQL: a test, a value, or rows.

Comparison and arithmetic are printed as those of the language are; any other
builtin is a function `builtin_NAME` of the database, whose arguments have the
types that its signature names. An argument of a wrong type is NULL, and so is
then the answer: it holds neither way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from congresslite.diagnostics import Diagnostic, EvaluationError
from congresslite.language.builtins import BUILTINS
from congresslite.language.program import Call
from congresslite.language.syntax import ArithmeticOperator, ComparisonOperator
from congresslite.plan.sql.dialects import PRINTED
from congresslite.plan.sql.kinds import Term, kind_of
from congresslite.plan.sql.terms import Env, Terms

_ORDERINGS: Mapping[str, ComparisonOperator] = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_ARITHMETIC: Mapping[str, ArithmeticOperator] = {"plus": "+", "minus": "-", "mul": "*"}


@dataclass(frozen=True, slots=True)
class Test:
    """A builtin without outputs: a condition, and its negation."""

    sql: str
    negation: str


@dataclass(frozen=True, slots=True)
class Value:
    """A builtin with one output: its value, partial."""

    term: Term


@dataclass(frozen=True, slots=True)
class Rows:
    """A builtin that gives rows: a source with columns, and that the builtin is made for its inputs."""

    source: str
    columns: tuple[Term, ...]
    known: str


Answer = Test | Value | Rows


def gives_rows(builtin: str) -> bool:
    """Whether a builtin may have several rows, or several outputs, for the same inputs."""
    return len(BUILTINS[builtin].outputs) > 1


def answer(call: Call, env: Env, terms: Terms, alias: str) -> Answer:
    """A builtin for bound inputs. Raises EvaluationError for one that the dialect cannot say exactly."""
    inputs = [terms.expression(each, env) for each in call.inputs]
    if call.builtin in PRINTED:
        return _printed(call.builtin, inputs, terms)
    builtin = BUILTINS[call.builtin]
    if not terms.dialect.says(call.builtin, [each.kind for each in inputs]):
        raise _refused(call, terms)
    kinds = [kind_of(type_) for type_ in builtin.inputs]
    arguments = [terms.stored(term, kind).sql for term, kind in zip(inputs, kinds, strict=True)]
    sql = f"builtin_{call.builtin}({', '.join(arguments)})"
    outputs = [kind_of(type_) for type_ in builtin.outputs]
    if not outputs:
        return Test(sql, f"NOT {sql}")
    if not gives_rows(call.builtin):
        return Value(Term(sql, outputs[0], partial=True))
    source, columns = terms.dialect.rows(sql, alias, outputs)
    made = tuple(Term(column, kind) for column, kind in zip(columns, outputs, strict=True))
    return Rows(source, made, terms.dialect.known(sql))


def _printed(builtin: str, inputs: list[Term], terms: Terms) -> Answer:
    left, right = inputs
    if builtin == "equal":
        return Test(terms.equal(left, right), terms.equal(left, right, negated=True))
    if builtin in _ARITHMETIC:
        return Value(terms.calculated(_ARITHMETIC[builtin], left, right))
    operator = _ORDERINGS[builtin]
    return Test(terms.compared(operator, left, right), terms.compared(operator, left, right, negated=True))


def _refused(call: Call, terms: Terms) -> EvaluationError:
    return EvaluationError(
        Diagnostic(
            "CL520",
            f"the builtin `{call.builtin}` cannot be said exactly in the SQL of {terms.dialect.title}",
            call.span,
            "evaluate this policy with the default engine, or with `--engine duckdb`",
        )
    )
