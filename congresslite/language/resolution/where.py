"""
Where in its text a finding about a resolved rule stands.

Resolved terms carry no places, since hardly any of them is ever told about;
the place is looked up in the rule's syntax once there is something to tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.diagnostics import Span
from congresslite.language.program import Const, Expression, Var
from congresslite.language.resolution.arguments import argument_spans
from congresslite.language.syntax import (
    Aggregate,
    Anonymous,
    Argument,
    Arithmetic,
    Atom,
    Comparison,
    Constant,
    Disjunction,
    Literal,
    Membership,
    Negation,
    Rule,
    Term,
    Variable,
)
from congresslite.schema import TableSchema, identity

Node = Literal | Term | Aggregate | Argument


def nodes(rule: Rule) -> Iterator[Node]:
    """Every node of a rule's head and body, in the order of the text."""
    todo: list[Node] = [*reversed(rule.body), *reversed(rule.head.atom.arguments)]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(_children(node)))


def _children(node: Node) -> list[Node]:
    match node:
        case Atom():
            return list(node.arguments)
        case Argument():
            return [node.term]
        case Aggregate():
            return [node.argument]
        case Arithmetic() | Comparison():
            return [node.left, node.right]
        case Membership():
            return [node.term, *node.values]
        case Negation():
            return [node.literal]
        case Disjunction():
            return [literal for branch in node.branches for literal in branch]
        case _:
            return []


def named_variables(rule: Rule) -> Iterator[Variable]:
    """Every occurrence of a named variable, in the order of the text."""
    return (node for node in nodes(rule) if isinstance(node, Variable))


def term_span(rule: Rule, term: Expression, within: Span) -> Span:
    """The first occurrence of a variable or constant within a span; the span itself if there is none."""
    for node in nodes(rule):
        inside = within.start <= node.span.start and node.span.end <= within.end
        if inside and _is(node, term):
            return node.span
    return within


def _is(node: Node, term: Expression) -> bool:
    match node, term:
        case Variable(), Var(name):
            return node.name == name
        case Anonymous(), Var():
            return term.anonymous
        case Constant(), Const(value):
            return identity(node.value) == identity(value)
        case _:
            return False


def place_span(rule: Rule, literal: Span, schema: TableSchema, place: int) -> Span:
    """Where the atom of a literal gives a column its term; the whole literal if it does not."""
    for node in nodes(rule):
        if node.span.start == literal.start and node.span.end == literal.end:
            atom = node.literal if isinstance(node, Negation) else node
            if isinstance(atom, Atom):
                return argument_spans(atom, schema).get(place, literal)
    return literal


def head_span(rule: Rule, schema: TableSchema | None, place: int) -> Span:
    """Where the head gives a column its term."""
    atom = rule.head.atom
    return argument_spans(atom, schema).get(place, atom.span) if schema is not None else atom.span
