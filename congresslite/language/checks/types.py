"""
Types: joins, comparisons, arithmetic and aggregates over values that can never be of the right kind.

Only types that are declared or read off the data can mismatch. A variable is
told once, at the first place that contradicts what came before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from congresslite.diagnostics import Diagnostic, Span
from congresslite.language.builtins import BUILTINS
from congresslite.language.checks.operands import Operands, said
from congresslite.language.program import (
    Call,
    Compare,
    Const,
    Either,
    Expression,
    Fold,
    Literal,
    Match,
    Member,
    NoMatch,
    Var,
)
from congresslite.language.resolution.draft import Draft, DraftRule, Known
from congresslite.language.resolution.infer import term_type, variable_types
from congresslite.language.resolution.kinds import as_type, both, contradict, of_column, refuses, sure
from congresslite.language.resolution.where import head_span, place_span, term_span
from congresslite.schema import Scalar, TableSchema, Type, order_key


def check(draft: Draft) -> Iterator[Diagnostic]:
    """A finding for each mismatch of types."""
    for rule, env in zip(draft.rules, draft.typing.variables, strict=True):
        yield from mismatches(draft, rule, env)


def mismatches(draft: Draft, rule: DraftRule, env: Mapping[str, Known]) -> Iterator[Diagnostic]:
    """The mismatches of one rule, whose variables have these types."""
    return _Rule(draft, rule).findings(env)


class _Rule:
    def __init__(self, draft: Draft, rule: DraftRule) -> None:
        self.draft = draft
        self.rule = rule
        self.syntax = rule.outline.rule
        self.operands = Operands(self.syntax)
        # What is known of each variable so far, and the column that said so.
        self.seen: dict[str, tuple[Known, str]] = {}
        self.told: set[str] = set()

    def findings(self, env: Mapping[str, Known]) -> Iterator[Diagnostic]:
        yield from self.body(self.rule.body, env)
        yield from self.head(env)

    def columns(self, table: str) -> Sequence[Known]:
        """The types of a table's columns, derived or of a source."""
        known = self.draft.typing.columns.get(table)
        if known is None:
            schema = self.draft.scope.schema(table)
            known = tuple(of_column(column) for column in schema.columns) if schema is not None else ()
        return known

    def body(self, body: Iterable[Literal], env: Mapping[str, Known]) -> Iterator[Diagnostic]:
        # Atoms first: what they say of a variable is what a comparison contradicts.
        literals = tuple(body)
        for literal in literals:
            if isinstance(literal, Match):
                yield from self.atom(literal)
        for literal in literals:
            match literal:
                case NoMatch():
                    yield from self.atom(literal)
                case Compare():
                    yield from self.comparison(literal, env)
                case Member():
                    yield from self.membership(literal, env)
                case Call():
                    yield from self.call(literal, env)
                case Either(branches):
                    before = dict(self.seen)
                    for branch in branches:
                        yield from self.body(branch, variable_types(branch, self.columns, env))
                        self.seen = dict(before)
                case Match():
                    pass

    def atom(self, literal: Match | NoMatch) -> Iterator[Diagnostic]:
        schema = self.draft.scope.schema(literal.table)
        if schema is None or literal.span is None:
            return
        known = self.columns(literal.table)
        for place, term in enumerate(literal.terms):
            if isinstance(term, Const):
                if refuses(known[place], term.value):
                    column = f"`{_shown(schema)}.{schema.columns[place].name}`"
                    span = place_span(self.syntax, literal.span, schema, place)
                    yield _wrong_constant(term.value, column, known[place], span)
            elif not term.anonymous:
                yield from self.meets(term.name, known[place], literal, schema, place)

    def meets(
        self, name: str, known: Known, literal: Match | NoMatch, schema: TableSchema, place: int
    ) -> Iterator[Diagnostic]:
        """A variable meets a column: nothing may be known of it that contradicts the column."""
        column = f"`{_shown(schema)}.{schema.columns[place].name}`"
        before, where = self.seen.get(name, (None, ""))
        if contradict(before, known) and name not in self.told:
            self.told.add(name)
            assert literal.span is not None
            span = place_span(self.syntax, literal.span, schema, place)
            message = f"`{name}` is {said(before)} in {where}, but {column} is {said(known)}"
            yield Diagnostic("CL110", message, span, "values of these types are never equal: join other columns")
        elif isinstance(literal, Match):
            joined = both(before, known)
            self.seen[name] = (joined, where if joined == before and where else column)

    def comparison(self, literal: Compare, env: Mapping[str, Known]) -> Iterator[Diagnostic]:
        assert literal.span is not None
        wrong = list(self.operands.wrong((literal.left, literal.right), env, literal.span))
        yield from wrong
        if wrong:
            return
        if literal.operator not in ("=", "!="):
            wrong = list(self.operands.unordered((literal.left, literal.right), env, literal.span))
            yield from wrong
            if wrong:
                return
        left, right = term_type(literal.left, env), term_type(literal.right, env)
        for constant, term, known in ((literal.left, literal.right, right), (literal.right, literal.left, left)):
            if isinstance(constant, Const) and refuses(known, constant.value):
                span = term_span(self.syntax, constant, literal.span)
                yield _wrong_constant(constant.value, _named(term), known, span)
                return
        if contradict(left, right):
            message = f"{_named(literal.left)} is {said(left)}, but {_named(literal.right)} is {said(right)}"
            yield Diagnostic("CL110", message, literal.span, "values of these types cannot be compared")

    def membership(self, literal: Member, env: Mapping[str, Known]) -> Iterator[Diagnostic]:
        assert literal.span is not None
        yield from self.operands.wrong((literal.term,), env, literal.span)
        known = term_type(literal.term, env)
        for value in literal.values:
            if refuses(known, value):
                span = term_span(self.syntax, Const(value), literal.span)
                yield _wrong_constant(value, _named(literal.term), known, span)
                return

    def call(self, literal: Call, env: Mapping[str, Known]) -> Iterator[Diagnostic]:
        assert literal.span is not None
        yield from self.operands.wrong((*literal.inputs, *literal.outputs), env, literal.span)
        builtin = BUILTINS[literal.builtin]
        types = (*builtin.inputs, *builtin.outputs)
        for place, (term, type_) in enumerate(zip((*literal.inputs, *literal.outputs), types, strict=True)):
            parameter = f"`{builtin.parameters[place]}` of `{builtin.name}`"
            if isinstance(term, Const):
                if refuses(sure(type_), term.value):
                    span = term_span(self.syntax, term, literal.span)
                    yield _wrong_constant(term.value, parameter, sure(type_), span)
            elif isinstance(term, Var) and term.name not in self.told:
                known = self.seen.get(term.name, (env.get(term.name), ""))[0]
                if contradict(known, sure(type_)):
                    self.told.add(term.name)
                    message = f"`{term.name}` is {said(known)}, but `{builtin.name}` takes {type_} here"
                    yield Diagnostic("CL111", message, term_span(self.syntax, term, literal.span), builtin.signature)

    def head(self, env: Mapping[str, Known]) -> Iterator[Diagnostic]:
        """Aggregates of what cannot be summed, and columns whose declaration the head contradicts."""
        schema = self.draft.scope.schema(self.rule.table)
        for place, term in enumerate(self.rule.head or ()):
            span = head_span(self.syntax, schema, place)
            if isinstance(term, Fold):
                yield from self.operands.fold(term, env, span)
            if schema is None or not schema.columns[place].declared:
                continue
            column = f"`{_shown(schema)}.{schema.columns[place].name}`"
            known, given = of_column(schema.columns[place]), term_type(term, env)
            if isinstance(term, Const):
                if refuses(known, term.value):
                    yield _wrong_constant(term.value, column, known, span)
            elif contradict(known, given):
                message = f"{column} is declared {said(known)}, but this is {said(given)}"
                yield Diagnostic("CL111", message, span)


def _shown(schema: TableSchema) -> str:
    """A table's name as users know it, without the number that tells its rules apart."""
    return schema.name.partition("#")[0].partition("/")[0]


def _named(term: Expression) -> str:
    """How a message speaks of a term."""
    if isinstance(term, Var):
        return "this place" if term.name.startswith("#") else f"`{term.name}`"
    return "this value" if isinstance(term, Const) else "the expression"


def _wrong_constant(value: Scalar, where: str, known: Known, span: Span) -> Diagnostic:
    kind = {bool: "bool", int: "int", float: "float", str: "str"}[type(value)]
    message = f"{where} is {said(known)}, but `{span.text}` is {kind}"
    return Diagnostic("CL111", message, span, _rewritten(value, as_type(known)))


def _rewritten(value: Scalar, type_: Type) -> str | None:
    """The constant in the type that is wanted, if it reads as one."""
    if type_ is Type.STR and order_key(value)[0] == 2:
        return f'write `"{value}"` for the string'
    if type_.is_number and isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return f"write `{value.strip()}` for the number"
    if type_ is Type.BOOL and isinstance(value, str) and value.lower() in ("true", "false"):
        return f"write `{value.lower()}` without quotes"
    return None
