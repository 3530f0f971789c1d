"""
Resolving: from what a rule says to which tables and columns it means.

Atoms become positional and complete, each `_` a variable of its own, and
arithmetic within an atom a variable with a comparison beside it. Whatever
means nothing is told and replaced by a literal that binds its variables, so
that the rule can be checked further without telling consequences.
"""

from __future__ import annotations

from congresslite.diagnostics import Diagnostic, Span
from congresslite.diagnostics.suggest import listing
from congresslite.language.builtins import Builtin
from congresslite.language.program import (
    Calc,
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
from congresslite.language.resolution.arguments import place_arguments
from congresslite.language.resolution.collect import head_schema
from congresslite.language.resolution.draft import UNKNOWN_TABLE
from congresslite.language.resolution.scope import Scope, Violations
from congresslite.language.syntax import (
    Aggregate,
    Anonymous,
    Arithmetic,
    Atom,
    Body,
    Comparison,
    Constant,
    Disjunction,
    HeadTerm,
    Membership,
    Negation,
    Variable,
)
from congresslite.language.syntax import Literal as SyntaxLiteral
from congresslite.schema import TableSchema, canonical


class Resolver:
    """Resolves one rule. What it finds wrong is in `found`, the unions of violations that it reads in `unions`."""

    def __init__(self, scope: Scope, policy: str | None, *, action_wanted: bool = False) -> None:
        self.scope = scope
        self.policy = policy
        self.found: list[Diagnostic] = []
        self.unions: dict[str, tuple[Violations, int]] = {}
        # In an effect the first atom that is no table is the action; None once it is found.
        self.action_wanted = action_wanted
        self._fresh = 0

    # Heads

    def head(self, atom: Atom, schema: TableSchema, out: list[Literal]) -> tuple[Var | Const | Fold, ...] | None:
        """The head's terms in column order, and in `out` what computes them; None if they do not fit the table."""
        terms = place_arguments(atom, schema, self.scope.places(schema), self.found)
        if terms is None:
            return None
        missing = [column.name for column, term in zip(schema.columns, terms, strict=True) if term is None]
        if missing and atom.table.effect != "-":
            message = f"the head leaves out column {listing(missing)} of `{atom.table}`"
            self.found.append(Diagnostic("CL108", message, atom.span, "a head gives every column a term"))
            return None
        return tuple(self._head_term(term, out) for term in terms)

    def _head_term(self, term: HeadTerm | None, out: list[Literal]) -> Var | Const | Fold:
        if not isinstance(term, Aggregate):
            return self._simple(term, out)
        argument = self._simple(term.argument, out)
        if isinstance(argument, Const):
            argument = self._lifted(argument, term.argument.span, out)
        return Fold(term.function, argument)

    # Bodies

    def body(self, body: Body) -> list[Literal]:
        """The literals of a body, with what computes their terms."""
        out: list[Literal] = []
        for literal in body:
            self._literal(literal, out)
        return out

    def _literal(self, literal: SyntaxLiteral, out: list[Literal]) -> None:
        negated = isinstance(literal, Negation)
        inner = literal.literal if isinstance(literal, Negation) else literal
        match inner:
            case Atom():
                self._atom(inner, negated, literal.span, out)
            case Comparison():
                left, right = self._expression(inner.left), self._expression(inner.right)
                out.append(Compare(inner.operator, left, right, negated, literal.span))
            case Membership():
                values = tuple(canonical(constant.value) for constant in inner.values)
                out.append(Member(self._expression(inner.term), values, negated, literal.span))
            case Disjunction():
                branches = tuple(tuple(self.body(branch)) for branch in inner.branches)
                out.append(Either(branches, inner.span))

    def _atom(self, atom: Atom, negated: bool, span: Span, out: list[Literal]) -> None:
        meaning = self.scope.meaning(self.policy, atom.table)
        if isinstance(meaning, Builtin):
            out.append(self._call(atom, meaning, negated, span, out))
            return
        if isinstance(meaning, Violations):
            schema = self._union(atom, meaning)
        else:
            schema = meaning or self._action(atom, negated)
            if schema is None:
                self._report(atom)
        terms = self._terms(atom, schema, out) if schema is not None else None
        if schema is None or terms is None:
            out.append(self._unknown(atom, span))
        elif negated:
            out.append(NoMatch(schema.name, terms, span))
        else:
            out.append(Match(schema.name, terms, span))

    def _report(self, atom: Atom) -> None:
        finding = self.scope.unknown(self.policy, atom.table)
        if finding is not None:
            self.found.append(finding)

    def _terms(self, atom: Atom, schema: TableSchema, out: list[Literal]) -> tuple[Var | Const, ...] | None:
        terms = place_arguments(atom, schema, self.scope.places(schema), self.found)
        if terms is None:
            return None
        return tuple(self._simple(term, out) for term in terms)

    def _union(self, atom: Atom, violations: Violations) -> TableSchema | None:
        """The union of the violations that have as many columns as the atom gives terms."""
        arities = violations.arities
        given = len(atom.arguments)
        named = any(argument.column is not None for argument in atom.arguments)
        if len(arities) == 1:
            arity = arities[0]
        elif given in arities and not named:
            arity = given
        else:
            message = f"`{atom.table}` has rules with {' and '.join(map(str, arities))} columns, but none with {given}"
            if given in arities:
                message = f"`{atom.table}` has rules of several arities, so its columns have no names"
            self.found.append(Diagnostic("CL105", message, atom.span, "give every column a term, in order"))
            return None
        schema = violations.union(arity)
        self.unions[schema.name] = (violations, arity)
        return schema

    def _action(self, atom: Atom, negated: bool) -> TableSchema | None:
        """The pseudo-table of the action whose effect the rule describes."""
        if not self.action_wanted or negated:
            return None
        self.action_wanted = False
        return head_schema(f"execute[{atom.table}]", atom)

    def _call(self, atom: Atom, builtin: Builtin, negated: bool, span: Span, out: list[Literal]) -> Literal:
        width = builtin.arity
        named = next((argument for argument in atom.arguments if argument.column is not None), None)
        if named is not None:
            message = f"the terms of builtin `{builtin.name}` have no names"
            self.found.append(Diagnostic("CL103", message, named.span, "give them in order"))
            return self._unknown(atom, span)
        if len(atom.arguments) != width:
            message = f"builtin `{builtin.name}` takes {width} terms, but {len(atom.arguments)} are given"
            self.found.append(Diagnostic("CL105", message, atom.span, f"it is `{builtin.signature}`"))
            return self._unknown(atom, span)
        terms = [self._expression(argument.term) for argument in atom.arguments]
        inputs, outputs = terms[: len(builtin.inputs)], terms[len(builtin.inputs) :]
        return Call(builtin.name, tuple(inputs), tuple(outputs), negated, span)

    def _unknown(self, atom: Atom, span: Span) -> Match:
        """A literal that binds every variable of an atom that cannot be resolved."""
        names = {node.name: None for argument in atom.arguments for node in _variables(argument.term)}
        return Match(UNKNOWN_TABLE, tuple(Var(name) for name in names), span)

    # Terms

    def _simple(self, term: HeadTerm | None, out: list[Literal]) -> Var | Const:
        if isinstance(term, Variable):
            return Var(term.name)
        if term is None or isinstance(term, Anonymous):
            self._fresh += 1
            return Var(f"${self._fresh}")
        if isinstance(term, Constant):
            return Const(canonical(term.value))
        assert isinstance(term, Arithmetic)
        return self._lifted(self._expression(term), term.span, out)

    def _lifted(self, expression: Expression, span: Span, out: list[Literal]) -> Var:
        self._fresh += 1
        variable = Var(f"#{self._fresh}")
        out.append(Compare("=", variable, expression, span=span))
        return variable

    def _expression(self, term: HeadTerm) -> Expression:
        if isinstance(term, Arithmetic):
            return Calc(term.operator, self._expression(term.left), self._expression(term.right))
        return self._simple(term, [])


def _variables(term: HeadTerm) -> list[Variable]:
    found, todo = [], [term]
    while todo:
        node = todo.pop()
        if isinstance(node, Variable):
            found.append(node)
        elif isinstance(node, Arithmetic):
            todo += [node.right, node.left]
        elif isinstance(node, Aggregate):
            todo.append(node.argument)
    return found
