"""Opposed: what `incompatible` and `functional` statements may say, so that each of them can ever tell a conflict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import get_args

from congresslite.diagnostics import Diagnostic, Severity
from congresslite.diagnostics.suggest import did_you_mean, listing
from congresslite.language.program import Match, RuleKind
from congresslite.language.resolution.draft import Draft
from congresslite.language.resolution.opposed import functional_places, named_functional, shared_places
from congresslite.language.syntax import (
    Anonymous,
    Atom,
    Constant,
    Functional,
    Incompatible,
    Modal,
    TableName,
    Variable,
)
from congresslite.schema import TableSchema

# With how many terms some rule says something of what is named, or describes what it does.
_Commanded = Mapping[str, set[int]]


def check(draft: Draft) -> Iterator[Diagnostic]:
    """Findings about what every policy declares of actions and of values."""
    # What is only required, or allowed, is no action that somebody takes.
    executed, commanded = _commanded(draft, ("execute",)), _commanded(draft, get_args(Modal))
    for policy, file in draft.policies.items():
        for statement in file.statements:
            if isinstance(statement, Incompatible):
                for atom in (statement.first, statement.second):
                    yield from _given(atom.table, len(atom.arguments), "incompatible", executed)
                yield from _incompatible(statement)
            elif isinstance(statement, Functional):
                yield from _functional(statement, named_functional(draft, policy, statement), commanded, draft)


def _commanded(draft: Draft, modals: Collection[str]) -> _Commanded:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for rule in draft.rules:
        if rule.outline.kind is RuleKind.MODAL and rule.outline.rule.head.modal in modals:
            schema = draft.scope.tables[rule.table]
            found[str(rule.outline.rule.head.atom.table)].add(schema.arity)
        elif rule.outline.kind is RuleKind.EFFECT:
            for literal in rule.body:
                if isinstance(literal, Match) and literal.table.startswith("execute["):
                    found[literal.table.removeprefix("execute[").removesuffix("]")].add(len(literal.terms))
    return found


def _given(name: TableName, arity: int, word: str, commanded: _Commanded) -> Iterator[Diagnostic]:
    """Whether some rule gives the command that is named, with so many terms."""
    if str(name) not in commanded:
        does = "commands" if word == "incompatible" else "commands or requires"
        message = f"`{word}` names `{name}`, but no rule {does} it"
        hint = did_you_mean(str(name), sorted(commanded))
        if hint is None and commanded:
            hint = f"rules command {listing(sorted(commanded))}"
        yield Diagnostic("CL132", message, name.span, hint, Severity.WARNING)
    elif arity not in commanded[str(name)]:
        known = " or ".join(map(str, sorted(commanded[str(name)])))
        message = f"`{word}` names `{name}` with {arity} terms, but rules give it {known}"
        hint = "name as many terms as the rules do; `_` stands for any value"
        yield Diagnostic("CL307", message, name.span, hint, Severity.WARNING)


# -- incompatible --------------------------------------------------------------------------------


def _incompatible(statement: Incompatible) -> Iterator[Diagnostic]:
    unusable = [*_unusable(statement.first), *_unusable(statement.second)]
    yield from unusable
    shared = shared_places(statement)
    if unusable:
        return
    if not shared:
        message = f"`{statement.first.table}` and `{statement.second.table}` have no variable in common"
        hint = "the same variable in both says on what the two contradict each other"
        yield Diagnostic("CL302", message, statement.span, hint)
        return
    yield from _one_sided(statement)
    if _always_the_same(statement, shared):
        message = f"`{statement.first.table}` with the same terms is one command, which contradicts nothing"
        hint = "write `_` for the terms in which the two commands differ"
        yield Diagnostic("CL306", message, statement.span, hint)


def _unusable(atom: Atom) -> Iterator[Diagnostic]:
    for argument in atom.arguments:
        if argument.column is not None:
            message = f"the terms of action `{atom.table}` have no names here"
            yield Diagnostic("CL304", message, argument.span, "each policy names them as it likes: give them in order")
        elif not isinstance(argument.term, Variable | Anonymous | Constant):
            hint = "write a variable, a constant or `_`"
            yield Diagnostic("CL304", "a term that is to be computed", argument.span, hint)


def _one_sided(statement: Incompatible) -> Iterator[Diagnostic]:
    sides = [[each.term for each in atom.arguments] for atom in (statement.first, statement.second)]
    named = [{term.name: term for term in reversed(side) if isinstance(term, Variable)} for side in sides]
    for own, other in (named, named[::-1]):
        for name, term in reversed(own.items()):
            if name not in other:
                message = f"variable `{name}` stands on one side only"
                yield Diagnostic("CL303", message, term.span, "write `_` for what may be anything", Severity.WARNING)


def _always_the_same(statement: Incompatible, shared: tuple[tuple[int, int], ...]) -> bool:
    """Whether the two are one action, with the same term in each place."""
    first, second = statement.first, statement.second
    if str(first.table) != str(second.table) or len(first.arguments) != len(second.arguments):
        return False
    places = range(len(first.arguments))
    return all(
        (place, place) in shared
        or (
            isinstance(first.arguments[place].term, Constant)
            and first.arguments[place].term == second.arguments[place].term
        )
        for place in places
    )


# -- functional ----------------------------------------------------------------------------------


def _functional(
    statement: Functional, schema: TableSchema | None, commanded: _Commanded, draft: Draft
) -> Iterator[Diagnostic]:
    names = (*statement.keys, *statement.values)
    repeated = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if repeated is not None:
        message = f"`functional` names `{repeated}` twice"
        yield Diagnostic("CL305", message, statement.span, "name each column once, keys before the arrow")
        return
    if schema is None or schema.name in draft.scope.catalog.tables:
        yield from _given(statement.table, len(names), "functional", commanded)
    if schema is None:
        return
    columns = [column.name for column in schema.columns]
    if len(names) != len(columns):
        message = f"`{statement.table}` has {len(columns)} columns, but `functional` names {len(names)}"
        yield Diagnostic("CL105", message, statement.span, f"its columns are {listing(columns)}")
        return
    taken = zip(names, functional_places(statement, schema), strict=True)
    elsewhere = next((name for name, place in taken if name in columns and columns[place] != name), None)
    if elsewhere is not None:
        message = f"`functional` names column `{elsewhere}` in the place of another one"
        yield Diagnostic("CL305", message, statement.span, f"name all columns, which are {listing(columns)}")
