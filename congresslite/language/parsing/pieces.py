"""
What the parser holds while a statement is read, and no node yet.

A chain of operands, parentheses around several literals, the alternatives of a
disjunction: pieces whose meaning depends on what comes after them. None of
them outlives the reading of its statement.
"""

from __future__ import annotations

from typing import Any, cast

from congresslite.diagnostics import Span
from congresslite.language.syntax import Literal


class Chain(list[Any]):
    """Operands and operator tokens by turns, not yet ordered by precedence."""

    @property
    def span(self) -> Span:
        """From the first operand to the last."""
        return cast(Span, self[0].span.to(self[-1].span))


class Qualified:
    """`a:b` where an operand stands: a table without arguments, or a mistake."""

    __slots__ = ("name", "span")

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.span = span


class Mistake:
    """What stands where something was that has been told of already."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = span


class Group:
    """Several literals, or none, in parentheses."""

    __slots__ = ("items", "span")

    def __init__(self, items: list[Literal], span: Span) -> None:
        self.items = items
        self.span = span


class Values:
    """The list after `in`."""

    __slots__ = ("items", "span")

    def __init__(self, items: list[Any], span: Span) -> None:
        self.items = items
        self.span = span


class Branches:
    """The alternatives of a disjunction that is being read."""

    __slots__ = ("items", "span")

    def __init__(self, items: list[Any], span: Span) -> None:
        self.items = items
        self.span = span
