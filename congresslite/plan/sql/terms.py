"""
Terms: expressions and comparisons of the language as SQL that is NULL where they hold neither way.

Native columns are compared and calculated natively; where a `VALUE` takes
part, a function does it, and natives are turned into `VALUE`s before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from congresslite.diagnostics import Diagnostic, EvaluationError
from congresslite.language.program import Calc, Const, Expression, Var
from congresslite.language.syntax import ArithmeticOperator, ComparisonOperator
from congresslite.plan.sql.dialects import Dialect
from congresslite.plan.sql.kinds import NULL_TEXT, Kind, Term, encode
from congresslite.schema import Scalar, canonical

_WORDS: Mapping[ArithmeticOperator, str] = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "%": "modulo",
}
_TRUTHS = {"TRUE": "'b1'", "FALSE": "'b0'"}
_NEVER = "CAST(NULL AS BOOLEAN)"  # a test that holds neither way

Env = Mapping[str, Term]


class Terms:
    """Prints terms in one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    # Constants and conversions

    def text(self, value: str) -> str:
        """A text as a literal. Raises EvaluationError for one that the database cannot hold."""
        if not self.dialect.holds(value):
            message = f"{self.dialect.title} cannot hold the text {value!a}"
            raise EvaluationError(
                Diagnostic("CL520", message, hint="evaluate with the default engine, or leave that text out")
            )
        return "'" + value.replace("'", "''") + "'"

    def value_text(self, value: Scalar) -> str:
        """The `VALUE` text of a canonical value. Raises EvaluationError for a text that the database cannot hold."""
        if isinstance(value, str):
            self.text(value)
        return encode(value)

    def constant(self, value: Scalar) -> Term:
        """A constant."""
        match canonical(value):
            case None:
                return Term("NULL", Kind.NULL, nullable=True)
            case bool() as truth:
                return Term("TRUE" if truth else "FALSE", Kind.BOOL)
            case int() as number if abs(number) < 2**31:
                return Term(str(number), Kind.INT)
            case int() as number:
                return Term(f"CAST({number} AS {self.dialect.type(Kind.INT)})", Kind.INT)
            case float() as number:
                return Term(self.dialect.float_literal(number), Kind.VALUE)
            case str() as text:
                return Term(self.text(text), Kind.TEXT)

    def value(self, term: Term) -> str:
        """A term as a `VALUE`; of a partial term NULL stays NULL."""
        match term.kind:
            case Kind.VALUE:
                return term.sql
            case Kind.NULL:
                return f"'{NULL_TEXT}'"
            case Kind.TEXT if term.sql.startswith("'"):
                return f"'s{term.sql[1:]}"
            case Kind.INT if term.sql.lstrip("-").isdigit():
                return f"'i{term.sql}'"
            case Kind.BOOL if term.sql in _TRUTHS:
                return _TRUTHS[term.sql]
            case Kind.BOOL:
                otherwise = f" ELSE '{NULL_TEXT}'" if term.nullable else ""
                return f"CASE {term.sql} WHEN TRUE THEN 'b1' WHEN FALSE THEN 'b0'{otherwise} END"
            case kind:
                tagged = f"'{'i' if kind is Kind.INT else 's'}' || {term.sql}"
                return f"coalesce({tagged}, '{NULL_TEXT}')" if term.nullable else f"({tagged})"

    def stored(self, term: Term, kind: Kind) -> Term:
        """A term as a column of this kind keeps it; NULL for what such a column cannot hold."""
        type_ = self.dialect.type(kind)
        if term.kind is kind:
            # A literal has a type only where it is told one.
            return Term(f"CAST({term.sql} AS {type_})", kind) if term.literal else term
        if kind is Kind.VALUE:
            sql = self.value(term)
            return Term(f"CAST({sql} AS {type_})" if sql.startswith("'") else sql, kind, partial=term.partial)
        if term.kind is Kind.VALUE:
            return Term(f"value_{kind}({term.sql})", kind, nullable=True, partial=term.partial)
        return Term(f"CAST(NULL AS {type_})", kind, nullable=True, partial=term.partial)

    # Expressions

    def expression(self, expression: Expression, env: Env) -> Term:
        """The value of an expression; partial if it calculates."""
        match expression:
            case Var(name):
                return env[name]
            case Const(value):
                return self.constant(value)
            case Calc(operator, left, right):
                return self.calculated(operator, self.expression(left, env), self.expression(right, env))

    def calculated(self, operator: ArithmeticOperator, left: Term, right: Term) -> Term:
        """`left operator right`."""
        kinds = {left.kind, right.kind}
        if kinds == {Kind.INT} and operator != "/":
            return Term(f"int_{_WORDS[operator]}({left.sql}, {right.sql})", Kind.INT, partial=True)
        if kinds == {Kind.TEXT} and operator == "+":
            return Term(f"text_add({left.sql}, {right.sql})", Kind.TEXT, partial=True)
        if kinds == {Kind.INT} or (Kind.VALUE in kinds and not kinds & {Kind.BOOL, Kind.NULL}):
            sql = f"value_{_WORDS[operator]}({self.value(left)}, {self.value(right)})"
            return Term(sql, Kind.VALUE, partial=True)
        return Term(f"CAST(NULL AS {self.dialect.type(Kind.VALUE)})", Kind.VALUE, partial=True)

    # Comparisons: NULL where they hold neither way

    def compared(self, operator: ComparisonOperator, left: Term, right: Term, *, negated: bool = False) -> str:
        """`left operator right`, or its negation."""
        if operator in ("=", "!="):
            return self.equal(left, right, negated=(operator == "!=") != negated)
        kinds = {left.kind, right.kind}
        if kinds == {Kind.INT}:
            return _negated(f"{left.sql} {operator} {right.sql}", negated)
        if kinds == {Kind.TEXT}:
            return _negated(f"{left.sql}{self.dialect.collation} {operator} {right.sql}", negated)
        if Kind.VALUE not in kinds or kinds & {Kind.BOOL, Kind.NULL}:
            return _NEVER
        first, second = (left, right) if operator in ("<", ">=") else (right, left)
        less = f"value_less({self.value(first)}, {self.value(second)})"
        return _negated(less, (operator in ("<=", ">=")) != negated)

    def equal(self, left: Term, right: Term, *, negated: bool = False) -> str:
        """Whether two values are one; NULL only where one of them is missing, or where false is meant."""
        if left.kind is not right.kind and Kind.VALUE not in (left.kind, right.kind):
            return self._unlike(left, right, negated)
        if left.kind is right.kind is Kind.NULL:
            return "FALSE" if negated else "TRUE"
        if left.kind is not right.kind:
            return f"{self.value(left)} {'<>' if negated else '='} {self.value(right)}"
        if not negated:
            if left.nullable and right.nullable:
                return self.dialect.same(left.sql, right.sql, self.value(left), self.value(right))
            return f"{left.sql} = {right.sql}"
        if not (left.nullable or right.nullable):
            return f"{left.sql} <> {right.sql}"
        return _all([*_present(left, right), f"{left.sql} IS DISTINCT FROM {right.sql}"])

    def _unlike(self, left: Term, right: Term, negated: bool) -> str:
        """Equality of terms of different native kinds: both must be null."""
        nulls = [f"{each.sql} IS NULL" for each in (left, right) if each.kind is not Kind.NULL]
        never = not (left.nullable and right.nullable)
        if not negated:
            return "FALSE" if never else _all(nulls)
        if never:
            return _all(_present(left, right))
        return f"NOT ({_all(nulls)})"

    def member(self, term: Term, values: Sequence[Scalar], *, negated: bool = False) -> str:
        """`term in values`, or its negation."""
        constants = [self.constant(value) for value in values]
        if not term.nullable and all(each.kind is term.kind for each in constants):
            sql, items = term.sql, [each.sql for each in constants]
        else:
            sql, items = self.value(term), [self.value(each) for each in constants]
        return f"{sql} {'NOT IN' if negated else 'IN'} ({', '.join(dict.fromkeys(items))})"


def _present(*terms: Term) -> list[str]:
    """That partial terms have values."""
    return [f"{each.sql} IS NOT NULL" for each in terms if each.partial]


def _all(tests: Sequence[str]) -> str:
    return f"({' AND '.join(tests)})" if len(tests) > 1 else (tests[0] if tests else "TRUE")


def _negated(test: str, negated: bool) -> str:
    return f"NOT ({test})" if negated else test
