"""
From reductions to statements: rules with their heads and annotations, and declarations.

The second half of what the parser calls; `builder` has the expressions.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, cast, get_args

from congresslite.diagnostics import Span
from congresslite.language.parsing.bodies import BodyBuilder
from congresslite.language.parsing.lexer import Token
from congresslite.language.parsing.pieces import Values
from congresslite.language.parsing.terms import table_name
from congresslite.language.syntax import (
    Annotation,
    Atom,
    ColumnDeclaration,
    Constant,
    Functional,
    Head,
    Incompatible,
    Modal,
    PolicyDeclaration,
    Rule,
    Setting,
    TableDeclaration,
    TableName,
    Variable,
)
from congresslite.schema import Choice, Domain, Range, Type

MODALS = get_args(Modal)
_TYPES = {each.value: each for each in Type}
# What other languages call our types.
_OTHER_TYPES = {
    "string": "str",
    "text": "str",
    "integer": "int",
    "boolean": "bool",
    "number": "float",
    "double": "float",
}


class ColumnDraft:
    """A column that is being read: its parts come in any order, each once."""

    __slots__ = ("domain", "key", "name", "references", "span", "type")

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.type: Type | None = None
        self.key = False
        self.references: tuple[TableName, str] | None = None
        self.domain: Domain | None = None
        self.span = span


class StatementBuilder(BodyBuilder):
    """Makes the nodes of statements."""

    # Rules

    def plain_head(self, c: list[Any]) -> Head:
        """A head that is an atom."""
        return Head(c[0], None, c[0].span)

    def modal_head(self, c: list[Any]) -> Head:
        """`modal[atom]`."""
        name, atom = c[0], c[2]
        if name.value not in MODALS:
            known = ", ".join(f"`{modal}[…]`" for modal in MODALS)
            near = get_close_matches(name.value, MODALS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {known}"
            self.problem("CL019", f"unknown modal `{name.value}`", self.span(name), hint)
        self.misplaced_aggregates(atom.arguments)
        return Head(atom, cast(Modal, name.value), self.between(c[0], c[-1]))

    def effect_head(self, c: list[Any]) -> Head:
        """`table+(…)` or `table-(…)`."""
        name, sign = c[0], c[1]
        arguments = self.arguments(c[3]) if len(c) == 5 else ()
        self.misplaced_aggregates(arguments)
        plain = self.table_name(name)
        table = TableName(plain.qualifier, plain.name, sign.value, self.between(name, sign))
        span = self.between(name, c[-1])
        return Head(Atom(table, arguments, span), None, span)

    def fact(self, c: list[Any]) -> Rule:
        """A head alone."""
        head: Head = c[0]
        if self.aggregates:
            self.misplaced_aggregates(head.atom.arguments)
        return Rule(head, (), (), head.span)

    def rule(self, c: list[Any]) -> Rule:
        """`head :- body`."""
        head: Head = c[0]
        return Rule(head, self.body_of(c[2]), (), Span(self.source, head.span.start, c[2][-1].span.end))

    def annotated(self, c: list[Any]) -> Rule:
        """A rule with its annotations."""
        rule: Rule = c[1]
        annotations = tuple(each for each in c[0] if each is not None)
        start = annotations[0].span.start if annotations else rule.span.start
        return Rule(rule.head, rule.body, annotations, Span(self.source, start, rule.span.end))

    def annotation(self, c: list[Any]) -> Annotation | None:
        """`@name(value)`."""
        name, items = c[1], c[3]
        span = self.between(c[0], c[-1])
        if len(items) == 1 and isinstance(items[0], Constant | Variable):
            return Annotation(name.value, items[0], span)
        hint = f'write `@{name.value}("…")`; `@object` takes a variable'
        self.problem("CL021", f"annotation `@{name.value}` takes one constant", span, hint)
        return None

    def query(self, c: list[Any]) -> tuple[Any, ...]:
        """A body alone."""
        return self.body_of(c[0])

    # Declarations

    def policy(self, c: list[Any]) -> PolicyDeclaration:
        """`policy name(key = value, …)`."""
        name = c[1]
        arguments = self.arguments(c[3]) if len(c) == 5 else ()
        settings: list[Setting] = []
        for argument in arguments:
            if isinstance(argument.column, str) and isinstance(argument.term, Constant):
                settings.append(Setting(argument.column, argument.term, argument.span))
            elif isinstance(argument.column, str) and isinstance(argument.term, Variable):
                hint = f'put it in quotes: `{argument.column} = "{argument.term.name}"`'
                self.problem("CL020", "a setting whose value is no constant", argument.term.span, hint)
            else:
                self.problem(
                    "CL020", "what is no setting", argument.span, 'write `key = value`, as in `tier = "global"`'
                )
        self._plain(name)
        return PolicyDeclaration(name.value, tuple(settings), self.between(c[0], c[-1]))

    def incompatible(self, c: list[Any]) -> Incompatible:
        """`incompatible a(v), b(v)`."""
        for atom in (c[1], c[3]):
            self.misplaced_aggregates(atom.arguments)
        return Incompatible(c[1], c[3], self.span(c[0]).to(c[3].span))

    def functional(self, c: list[Any]) -> Functional:
        """`functional table(keys -> values)`."""
        return Functional(self.table_name(c[1]), self._names(c[3]), self._names(c[5]), self.between(c[0], c[-1]))

    def _names(self, items: Sequence[Any]) -> tuple[str, ...]:
        """Names of columns, and nothing else."""
        names: list[str] = []
        for item in items:
            if isinstance(item, Variable):
                names.append(item.name)
            else:
                hint = "write `functional table(key -> value)` with names only"
                self.problem("CL020", "what is no name", item.span, hint)
        return tuple(names)

    def table(self, c: list[Any]) -> TableDeclaration:
        """`table name(columns)`."""
        drafts: list[ColumnDraft] = c[3] if len(c) == 5 else []
        self._plain(c[1])
        columns = tuple(
            ColumnDeclaration(each.name, each.type or Type.ANY, each.key, each.references, each.domain, each.span)
            for each in drafts
        )
        return TableDeclaration(c[1].value, columns, self.between(c[0], c[-1]))

    def _plain(self, name: Token) -> None:
        """A policy declares what is its own, so the name has no qualifier."""
        if ":" in name.value:
            hint = f"write `{name.value.rpartition(':')[2]}`"
            self.problem("CL020", f"the declared name `{name.value}` has a qualifier", self.span(name), hint)

    def column(self, c: list[Token]) -> ColumnDraft:
        """`name: type`; to the lexer that is one name with a qualifier."""
        token = c[0]
        name, _, kind = token.value.partition(":")
        draft = ColumnDraft(name, self.span(token))
        if not kind:
            self.problem(
                "CL022", f"column `{name}` has no type", draft.span, f"write `{name}: any`, or a narrower type"
            )
        elif kind in _TYPES:
            draft.type = _TYPES[kind]
        else:
            near = _OTHER_TYPES.get(kind.lower()) or next(iter(get_close_matches(kind, _TYPES, n=1)), None)
            hint = f"did you mean `{near}`?" if near else f"types are {', '.join(f'`{each}`' for each in _TYPES)}"
            place = Span(self.source, token.end_pos - len(kind), token.end_pos)
            self.problem("CL022", f"unknown type `{kind}`", place, hint)
        return draft

    def column_word(self, c: list[Any]) -> ColumnDraft:
        """`key` after a column."""
        draft, word = c
        if word.value == "key" and not draft.key:
            draft.key = True
        else:
            message = "`key` given twice" if word.value == "key" else f"unexpected `{word.value}` after a column"
            hint = "after its type a column has `key`, `-> table.column` or `in domain`; columns are separated by `,`"
            self.problem("CL020", message, self.span(word), hint)
        return self._extended(draft, self.span(word))

    def column_reference(self, c: list[Any]) -> ColumnDraft:
        """`-> table.column`."""
        draft, _, target = c
        table, dot, column = target.value.rpartition(".")
        if not dot or ":" in column:
            hint = "write `-> source:table.column`"
            self.problem("CL020", f"reference `{target.value}` names no column", self.span(target), hint)
        elif draft.references is not None:
            self.problem("CL020", "a second reference of one column", self.span(target), "keep one of them")
        else:
            span = Span(self.source, target.start_pos, target.end_pos - len(column) - 1)
            draft.references = (table_name(table, span), column)
        return self._extended(draft, self.span(target))

    def column_choice(self, c: list[Any]) -> ColumnDraft:
        """`in [values]`."""
        values: Values = c[2]
        return self._domain(c[0], Choice(tuple(each.value for each in self.choices(values))), values.span)

    def column_range(self, c: list[Any]) -> ColumnDraft:
        """`in low..high`."""
        domain, span = c[2]
        return self._domain(c[0], domain, span)

    def _domain(self, draft: ColumnDraft, domain: Domain, span: Span) -> ColumnDraft:
        if draft.domain is not None:
            self.problem("CL023", "a second domain of one column", span, "keep one of them")
        draft.domain = domain
        return self._extended(draft, span)

    def _extended(self, draft: ColumnDraft, span: Span) -> ColumnDraft:
        draft.span = draft.span.to(span)
        return draft

    def signed_bound(self, c: list[Token]) -> Any:
        """A number with a sign in a range."""
        return self.signed([c[0], self.number([c[1]])])

    def range_from(self, c: list[Any]) -> tuple[Range, Span]:
        """`low..`."""
        return Range(self._bound(c[0]), None), c[0].span.to(self.span(c[1]))

    def range_to(self, c: list[Any]) -> tuple[Range, Span]:
        """`..high`."""
        return Range(None, self._bound(c[1])), self.span(c[0]).to(c[1].span)

    def range_both(self, c: list[Any]) -> tuple[Range, Span]:
        """`low..high`."""
        low = self._bound(c[0])
        high = None if low is None else self._bound(c[2])
        span = c[0].span.to(c[2].span)
        if low is not None and high is not None and low > high:
            self.problem("CL023", "a range without any value", span, f"write `{c[2].text}..{c[0].text}`")
        return Range(low, high), span

    def _bound(self, constant: Constant) -> int | float | None:
        value = constant.value
        if isinstance(value, int | float):
            return value
        hint = 'a range is of numbers; list other values: `in ["low", "high"]`'
        self.problem("CL023", "a bound that is no number", constant.span, hint)
        return None
