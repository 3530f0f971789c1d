"""
Literals and bodies: the second part of what the parser calls while it reads.

Expressions and literals share their beginnings, so the grammar reads them as
one `chain`; here it is decided, once its place is known, whether a chain is a
term or a literal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass, replace
from typing import Any, cast

from congresslite.language.parsing.pieces import Branches, Chain, Group, Mistake, Qualified
from congresslite.language.parsing.terms import ARITHMETIC, TermBuilder, table_name
from congresslite.language.syntax import (
    Aggregate,
    Anonymous,
    Arithmetic,
    Atom,
    Body,
    Comparison,
    ComparisonOperator,
    Constant,
    Disjunction,
    Literal,
    Membership,
    Negation,
    Variable,
)


class BodyBuilder(TermBuilder):
    """Makes literals and bodies."""

    def group(self, c: list[Any]) -> Any:
        """Parentheses: around one thing they vanish, around several they make a group."""
        span = self.between(c[0], c[-1])
        if len(c[1]) > 1:
            return Group(list(self.body_of(c[1])), span)
        item = self.whole(c[1][0])
        return replace(item, span=span) if is_dataclass(item) and not isinstance(item, type) else item

    def negation(self, c: list[Any]) -> Any:
        """`not literal`."""
        literal = self.literal(c[1])
        span = self.span(c[0]).to(c[1].span)
        if isinstance(literal, Atom | Comparison | Membership):
            return Negation(literal, span)
        if isinstance(literal, Negation):
            self.problem("CL015", "a negation of a negation", span, "leave out both")
        elif literal is not None:
            hint = "give it a rule of its own, and negate the head of that rule"
            self.problem("CL015", "`not` before several literals", span, hint)
        return Mistake(span)

    def either(self, c: list[Any]) -> Branches:
        """One more alternative."""
        left, right = c[0], c[2]
        self.operators += 1
        if isinstance(left, Branches):
            left.items.append(right)
            left.span = left.span.to(right.span)
            return left
        return Branches([left, right], left.span.to(right.span))

    def body_of(self, items: Sequence[Any]) -> Body:
        """The literals of a body; groups within it are joined to it."""
        literals: list[Literal] = []
        for item in items:
            literal = self.literal(item)
            if isinstance(literal, Group):
                literals.extend(literal.items)
            elif literal is not None:
                literals.append(literal)
        return tuple(literals)

    def whole(self, item: Any) -> Any:
        """An item that nothing will be added to: a term, a literal or a group."""
        if isinstance(item, Chain):
            return self._ordered(item)
        if isinstance(item, Branches):
            return Disjunction(tuple(self.body_of([branch]) for branch in item.items), item.span)
        return item

    def literal(self, item: Any) -> Literal | Group | None:
        """An item where a literal (or a group of some) stands; None after a mistake."""
        item = self.whole(item)
        match item:
            case Atom():
                self._no_aggregates(item)
                return item
            case Variable() | Qualified():
                return Atom(table_name(item.name, item.span), (), item.span)
            case Constant() | Arithmetic() | Anonymous():
                hint = "compare it with something, or name a table"
                if isinstance(item, Arithmetic) and item.operator in "+-" and isinstance(item.left, Variable):
                    effect = f"{item.left.name}{item.operator}"
                    hint = f"compare it with something; an effect like `{effect}(…)` stands in a head only"
                self.problem("CL012", "a value where a literal is expected", item.span, hint)
                return None
            case Mistake():
                return None
            case _:
                return cast("Literal | Group", item)

    def _no_aggregates(self, atom: Atom) -> None:
        """Aggregates fold the body, so they stand in a head."""
        if self.aggregates and any(isinstance(each.term, Aggregate) for each in atom.arguments):
            self.misplaced_aggregates(atom.arguments)

    def _ordered(self, chain: Chain) -> Any:
        """A chain with its operators in order: `*` before `+` before a comparison."""
        places = [place for place in range(1, len(chain), 2) if chain[place].value not in ARITHMETIC]
        if not places:
            return self.sum(chain) or Mistake(chain.span)
        if len(places) > 1:
            token = chain[places[1]]
            hint = "join two comparisons by `,`"
            self.problem("CL013", f"a second comparison `{token.value}` in one literal", self.span(token), hint)
            return Mistake(chain.span)
        place = places[0]
        left = self.sum(chain[:place])
        if chain[place].type == "IN":
            if len(chain) > place + 2:
                hint = "end the literal after the list"
                self.problem("CL013", "an operator after a list", self.span(chain[place + 2]), hint)
            values = self.choices(chain[place + 1])
            return Mistake(chain.span) if left is None else Membership(left, values, chain.span)
        right = self.sum(chain[place + 1 :])
        if left is None or right is None:
            return Mistake(chain.span)
        return Comparison(cast(ComparisonOperator, chain[place].value), left, right, chain.span)
