"""
Objects: which derived columns name an object of the estate.

A column does if it is the key of a table or refers to one; what rules hand on
from it does too, as long as all rules of a table agree. So `error(vm, host)`
names a VM, however many views lie between it and the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from congresslite.language.program import Fold, Match, RuleKind, Var
from congresslite.language.resolution.draft import Draft, DraftRule
from congresslite.schema import Reference, TableSchema

References = dict[str, tuple[Reference | None, ...]]


def references(draft: Draft) -> References:
    """For each derived table, what its columns refer to."""
    deriving: dict[str, list[DraftRule]] = {}
    for rule in draft.rules:
        if rule.outline.kind is not RuleKind.EFFECT:
            deriving.setdefault(rule.table, []).append(rule)
    known: References = {}
    for stratum in draft.strata:
        for table in stratum.tables:
            schema = draft.scope.tables[table]
            if table in draft.facts or any(column.declared for column in schema.columns):
                known[table] = tuple(_own(schema))
            else:
                known[table] = _of_rules(draft, schema, deriving.get(table, ()), known)
    return known


def _own(schema: TableSchema) -> Iterator[Reference | None]:
    """What the columns of a table that is not only derived refer to."""
    for column in schema.columns:
        yield Reference(schema.name, column.name) if schema.key == (column.name,) else column.references


def _of_rules(
    draft: Draft, schema: TableSchema, rules: Sequence[DraftRule], known: References
) -> tuple[Reference | None, ...]:
    if not rules or all(rule.head is None for rule in rules):
        return (None,) * schema.arity
    columns: list[set[Reference | None]] = [set() for _ in schema.columns]
    for rule in rules:
        found = _of_variables(draft, rule, known)
        for place, term in enumerate(rule.head or ()):
            if not isinstance(term, Var):
                columns[place].add(None)
            elif term.name not in found or found[term.name]:
                # What comes from this stratum alone says nothing yet, so it cannot disagree.
                columns[place].add(_first(found.get(term.name)))
    return tuple(next(iter(each)) if len(each) == 1 else None for each in columns)


def _first(found: list[Reference | None] | None) -> Reference | None:
    return next((each for each in found or () if each is not None), None)


def _of_variables(draft: Draft, rule: DraftRule, known: References) -> dict[str, list[Reference | None]]:
    """What the atoms of a body say of its variables; an empty list where only tables still unknown do."""
    found: dict[str, list[Reference | None]] = {}
    for literal in rule.body:
        if not isinstance(literal, Match):
            continue
        columns = known.get(literal.table)
        base = draft.scope.catalog.tables.get(literal.table)
        if columns is None and base is not None:
            columns = tuple(_own(base))
        for place, term in enumerate(literal.terms):
            if isinstance(term, Var) and not term.anonymous:
                says = found.setdefault(term.name, [])
                if columns is not None and place < len(columns):
                    says.append(columns[place])
    return found


def default_object(rule: DraftRule, columns: Sequence[Reference | None]) -> int | None:
    """The place of the first head term that names an object, or else of the first term; None without terms."""
    terms = rule.head or ()
    for place, (term, reference) in enumerate(zip(terms, columns, strict=True)):
        if reference is not None and not isinstance(term, Fold):
            return place
    return 0 if terms else None
