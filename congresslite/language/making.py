"""Nodes of rules that nobody wrote as rules, each with the place of what it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from congresslite.diagnostics import Span
from congresslite.language.printing import value_text
from congresslite.language.syntax import (
    Annotation,
    Argument,
    Atom,
    Body,
    Comparison,
    Constant,
    Head,
    Membership,
    Modal,
    Negation,
    Rule,
    TableName,
    Term,
    Variable,
)
from congresslite.schema import Scalar


def constant(value: Scalar, span: Span) -> Constant:
    """A value."""
    return Constant(value, value_text(value), span)


def by_name(table: str, terms: Mapping[str, Term], span: Span) -> Atom:
    """An atom with its terms by column."""
    return Atom(_table(table, span), tuple(Argument(name, each, each.span) for name, each in terms.items()), span)


def in_order(table: str, terms: Sequence[Term], span: Span) -> Atom:
    """An atom with its terms by place."""
    return Atom(_table(table, span), tuple(Argument(None, each, each.span) for each in terms), span)


def lacking(atom: Atom) -> Negation:
    """That there is no such row."""
    return Negation(atom, atom.span)


def lacking_value(variable: str, span: Span) -> Comparison:
    """That a variable is not null."""
    return Comparison("!=", Variable(variable, span), constant(None, span), span)


def one_of(variable: str, values: Sequence[str], span: Span) -> Membership:
    """That a variable has one of some values."""
    return Membership(Variable(variable, span), tuple(constant(each, span) for each in values), span)


def rule(
    head: Atom, body: Body, span: Span, *, modal: Modal | None = None, annotations: Sequence[Annotation] = ()
) -> Rule:
    """A rule, or a fact without a body."""
    return Rule(Head(head, modal, head.span), body, tuple(annotations), span)


def fact(table: str, values: Sequence[Scalar], span: Span) -> Rule:
    """A fact of the policy's own."""
    return rule(in_order(table, [constant(each, span) for each in values], span), (), span)


def _table(name: str, span: Span) -> TableName:
    qualifier, colon, short = name.rpartition(":")
    return TableName(qualifier if colon else None, short, "", span)
