"""
Terms, and the atoms that hold them: the first part of what the parser calls while it reads.

Callbacks take the list of the rule's children, tokens included. A mistake is
noted and something is returned all the same, so that one reading tells all
mistakes of a statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast, get_args

from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.language.parsing import constants
from congresslite.language.parsing.lexer import Token
from congresslite.language.parsing.pieces import Chain, Mistake, Qualified, Values
from congresslite.language.syntax import (
    Aggregate,
    AggregateFunction,
    Anonymous,
    Argument,
    Arithmetic,
    ArithmeticOperator,
    Atom,
    Constant,
    HeadTerm,
    TableName,
    Term,
    Variable,
)

AGGREGATES = frozenset(get_args(AggregateFunction))
ARITHMETIC = frozenset("+-*/%")


class TermBuilder:
    """Makes terms and atoms; `begin` it for each text."""

    source: Source
    problems: list[Diagnostic]

    def begin(self, source: Source) -> None:
        """Build nodes of this text from now on."""
        self.source = source
        self.problems = []
        self.aggregates: list[Aggregate] = []
        self.operators = 0

    # Lists

    def first(self, c: list[Any]) -> list[Any]:
        """The first element of a list."""
        return c

    def next(self, c: list[Any]) -> list[Any]:
        """One more element of a list that has no commas."""
        c[0].append(c[1])
        return cast(list[Any], c[0])

    def more(self, c: list[Any]) -> list[Any]:
        """One more element, after a comma."""
        c[0].append(c[2])
        return cast(list[Any], c[0])

    # Operands

    def name(self, c: list[Token]) -> Variable | Anonymous | Qualified:
        """A name where an operand stands."""
        token = c[0]
        value, span = token.value, self.span(token)
        if value == "_":
            return Anonymous(span)
        return Qualified(value, span) if ":" in value else Variable(value, span)

    def number(self, c: list[Token]) -> Constant:
        """A number without a sign; that it fits is checked once its sign is known."""
        token = c[0]
        return self._number(token.value, "", self.span(token))

    def string(self, c: list[Token]) -> Constant:
        """A string."""
        token = c[0]
        try:
            return Constant(constants.string_value(token.value), token.value, self.span(token))
        except constants.EscapeError as error:
            span = Span(self.source, token.start_pos + error.start, token.start_pos + error.end)
            hint = "write `\\\\` for a backslash"
            self.problem("CL008", f"`{error}` stands for no character", span, hint)
            return Constant("", token.value, self.span(token))

    def constant(self, c: list[Token]) -> Constant:
        """`true`, `false` or `null`."""
        token = c[0]
        return Constant(constants.word_value(token.value), token.value, self.span(token))

    def signed(self, c: list[Any]) -> Any:
        """A sign before an operand: part of a number, and nothing else."""
        sign, operand = c
        span = self.span(sign).to(operand.span)
        if isinstance(operand, Constant) and operand.text[0] in ".0123456789" and sign.value == "-":
            # The reading without the sign may have found the number too big, wrongly for the least integer.
            self.problems = [each for each in self.problems if not (each.code == "CL010" and each.span == operand.span)]
            return self._number(operand.text, "-", span)
        if sign.value == "+":
            self.problem("CL001", "a sign `+` before an operand", self.span(sign), "leave it out")
        else:
            self.problem("CL001", "a sign `-` before what is no number", self.span(sign), "subtract from 0: `0 - x`")
        return operand

    def _number(self, text: str, sign: str, span: Span) -> Constant:
        try:
            return Constant(constants.number_value(text, sign), sign + text, span)
        except ValueError:
            hint = "integers lie between -9223372036854775808 and 9223372036854775807, floats within ±1.8e308"
            self.problem("CL010", f"the number `{_short(sign + text)}` is too big", span, hint)
            return Constant(0, sign + text, span)

    def call(self, c: list[Any]) -> Atom:
        """`name(arguments)`: an atom, or an aggregate if it turns out to be an argument."""
        arguments = self.arguments(c[2]) if len(c) == 4 else ()
        name, closing = c[0], c[-1]
        return Atom(self.table_name(name), arguments, Span(self.source, name.start_pos, closing.end_pos))

    def bare(self, c: list[Token]) -> Atom:
        """A table without arguments, where only an atom can stand."""
        return Atom(self.table_name(c[0]), (), self.span(c[0]))

    def values(self, c: list[Any]) -> Values:
        """`[…]` after `in`."""
        return Values(c[1], self.between(c[0], c[-1]))

    def infix(self, c: list[Any]) -> Chain:
        """One more operator and operand."""
        left = c[0]
        self.operators += 1
        if isinstance(left, Chain):
            left.append(c[1])
            left.append(c[2])
            return left
        return Chain(c)

    # Terms

    def sum(self, items: Sequence[Any]) -> Term | None:
        """Operands and arithmetic operators by turns, as one term."""
        if len(items) == 1:
            return self.term(items[0])
        operands: list[Term] = []
        signs: list[Token] = []
        operator: Token | None = None
        failed = False
        for item in items:
            if isinstance(item, Token):
                operator = item
                continue
            operand = self.term(item)
            if operand is None:
                failed = True
            elif operator is not None and operator.type == "OP" and operands:
                operands[-1] = _arithmetic(operator, operands[-1], operand)
            else:
                if operator is not None:
                    signs.append(operator)
                operands.append(operand)
        if failed:
            return None
        result = operands[0]
        for sign, operand in zip(signs, operands[1:], strict=True):
            result = _arithmetic(sign, result, operand)
        return result

    def term(self, item: Any) -> Term | None:
        """An item where a term stands; None after a mistake."""
        if isinstance(item, Variable | Constant | Anonymous | Arithmetic):
            return item
        match item:
            case Mistake():
                return None
            case Qualified():
                hint = "a name with `:` is a table; give it arguments"
                self.problem("CL011", f"table `{item.name}` where a value is expected", item.span, hint)
            case Atom(table, _, span) if str(table) in AGGREGATES:
                hint = "derive a table with the aggregate in its head, and use that table"
                self.problem("CL014", f"aggregate `{table}` where none may stand", span, hint)
            case Atom(table, _, span):
                hint = f"bind its value by a literal of its own: `{table}(…, x)`"
                self.problem("CL011", f"`{table}(…)` where a value is expected: there are no functions", span, hint)
            case Values():
                self.problem("CL001", "a list where a value is expected", item.span, "a list stands after `in` only")
            case _:
                hint = "only values are compared or calculated with"
                self.problem("CL011", "a literal where a value is expected", item.span, hint)
        return None

    def choices(self, values: Values) -> tuple[Constant, ...]:
        """The constants of a list."""
        found: list[Constant] = []
        for item in values.items:
            if isinstance(item, Constant):
                found.append(item)
            elif not isinstance(item, Mistake):
                hint = "put strings in quotes; for values of variables use `or` or a table"
                self.problem("CL016", "what is no constant in a list", item.span, hint)
        return tuple(found)

    # Arguments

    def arguments(self, items: Sequence[Any]) -> tuple[Argument, ...]:
        """The arguments of an atom: first those by place, then those by column."""
        found: list[Argument] = []
        named = False
        for item in items:
            argument = self._argument(item)
            if argument is None:
                continue
            if argument.column is not None:
                named = True
            elif named:
                hint = "put arguments without a column first"
                self.problem("CL017", "an argument by place after one by column", argument.span, hint)
            found.append(argument)
        return tuple(found)

    def _argument(self, item: Any) -> Argument | None:
        if isinstance(item, Variable | Constant | Anonymous):
            return Argument(None, item, item.span)
        if isinstance(item, Chain):
            if item[1].value == "=":
                return self._named(item)
            if any(token.value not in ARITHMETIC for token in item[1::2]):
                hint = "make it a literal of its own in the body"
                self.problem("CL011", "a comparison where an argument is expected", item.span, hint)
                return None
            term: HeadTerm | None = self.sum(item)
        else:
            term = self._folded(item)
        return None if term is None else Argument(None, term, item.span)

    def _named(self, chain: Chain) -> Argument | None:
        """`column = term`."""
        column = chain[0]
        if isinstance(column, Variable):
            key: str | int = column.name
        elif isinstance(column, Constant) and column.text.isdecimal() and isinstance(column.value, int):
            key = column.value
        else:
            hint = "a column is given by its name, or by its number from 0"
            self.problem("CL018", "no column before `=`", column.span, hint)
            return None
        rest = chain[2:]
        if any(token.value not in ARITHMETIC for token in rest[1::2]):
            hint = "make it a literal of its own in the body"
            self.problem("CL011", "a comparison where an argument is expected", chain.span, hint)
            return None
        term = self._folded(rest[0]) if len(rest) == 1 else self.sum(rest)
        return None if term is None else Argument(key, term, chain.span)

    def _folded(self, item: Any) -> HeadTerm | None:
        """A term of a head, where an aggregate can stand."""
        if not (isinstance(item, Atom) and str(item.table) in AGGREGATES):
            return self.term(item)
        if (
            len(item.arguments) != 1
            or item.arguments[0].column is not None
            or isinstance(item.arguments[0].term, Aggregate)
        ):
            hint = f"write `{item.table}(x)` with one variable of the body"
            self.problem("CL014", f"aggregate `{item.table}` takes one value", item.span, hint)
            return None
        argument = item.arguments[0].term
        aggregate = Aggregate(cast(AggregateFunction, item.table.name), argument, item.span)
        self.aggregates.append(aggregate)
        return aggregate

    def misplaced_aggregates(self, arguments: Sequence[Argument]) -> None:
        """Tell of the aggregates among these arguments."""
        for argument in arguments:
            if isinstance(argument.term, Aggregate):
                hint = "derive a table with the aggregate in its head, and use that table"
                self.problem("CL014", f"aggregate `{argument.term.function}` outside a head", argument.term.span, hint)

    # Places and problems

    def table_name(self, token: Token) -> TableName:
        """The name of a table; what stands before the first `:` is its source or policy."""
        return table_name(token.value, self.span(token))

    def span(self, token: Token) -> Span:
        """The place of a token."""
        return Span(self.source, token.start_pos, token.end_pos)

    def between(self, first: Token, last: Token) -> Span:
        """From one token to another."""
        return Span(self.source, first.start_pos, last.end_pos)

    def problem(self, code: str, message: str, span: Span, hint: str) -> None:
        """Note a mistake."""
        self.problems.append(Diagnostic(code, message, span, hint))


def table_name(name: str, span: Span) -> TableName:
    """A name as a table; what stands before the first `:` is its source or policy."""
    qualifier, colon, rest = name.partition(":")
    return TableName(qualifier, rest, "", span) if colon else TableName(None, name, "", span)


def _arithmetic(operator: Token, left: Term, right: Term) -> Arithmetic:
    return Arithmetic(cast(ArithmeticOperator, operator.value), left, right, left.span.to(right.span))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}…"
