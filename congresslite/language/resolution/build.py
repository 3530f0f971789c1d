"""
Building a draft: collect names, resolve rules, order tables, infer types.

Everything that checks look at is computed here once; none of it depends on
whether the rules turn out right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from congresslite.diagnostics import Diagnostic
from congresslite.language.printing import normal_text
from congresslite.language.program import Literal, Match, RuleKind, Var
from congresslite.language.resolution.arguments import place_arguments
from congresslite.language.resolution.collect import OVER_FACTS, collect
from congresslite.language.resolution.draft import Draft, DraftRule, Fact, Known, Outline
from congresslite.language.resolution.infer import infer
from congresslite.language.resolution.resolve import Resolver
from congresslite.language.resolution.scope import Scope, Violations
from congresslite.language.resolution.strata import edges, strata
from congresslite.language.syntax import Constant, PolicyFile
from congresslite.schema import Catalog, TableSchema, canonical

Unions = dict[str, tuple[Violations, int]]


def build(
    files: Sequence[PolicyFile], catalog: Catalog, tiers: Sequence[str], incomplete: Collection[str] = ()
) -> Draft:
    """The draft of all policies together."""
    collected = collect(files, catalog, incomplete)
    found = list(collected.found)
    unions: Unions = {}
    rules: list[DraftRule] = []
    facts: dict[str, list[Fact]] = {}
    for outline in collected.outlines:
        fact = _fact(outline, collected.scope)
        if fact is not None:
            facts.setdefault(outline.table, []).append(fact)
        else:
            rules.append(_resolved(outline, collected.scope, found, unions))
    return finish(
        collected.policies, tuple(tiers), collected.scope, rules, facts=facts, unions=unions, found=found, known={}
    )


def finish(
    policies: Mapping[str, PolicyFile],
    tiers: tuple[str, ...],
    scope: Scope,
    rules: Sequence[DraftRule],
    *,
    facts: Mapping[str, Sequence[Fact]],
    unions: Unions,
    found: Sequence[Diagnostic],
    known: Mapping[str, Sequence[Known]],
) -> Draft:
    """Add the unions that rules read, and what follows from all rules together; `known` are types known before."""
    united = {name: violations.union(arity) for name, (violations, arity) in unions.items()}
    everything = Scope(
        scope.catalog, scope.policies, {**scope.tables, **_parts(scope), **united}, scope.violations, scope.incomplete
    )
    every = (*rules, *_union_rules(rules, unions))
    order = strata(edges(every, everything.tables))
    typing = infer(everything, every, facts, order, known)
    stated = {table: tuple(each) for table, each in facts.items()}
    return Draft(policies, tiers, everything, every, stated, order, typing, tuple(found))


def _parts(scope: Scope) -> dict[str, TableSchema]:
    """The tables of single violation rules; no user can write their names."""
    return {schema.name: schema for each in scope.violations.values() for schema in each.rules}


def _fact(outline: Outline, scope: Scope) -> Fact | None:
    """The row that a rule without a body states; None if it is no plain fact that fits its table."""
    rule = outline.rule
    if rule.body or outline.kind is not RuleKind.DERIVE or not outline.table:
        return None
    schema = scope.tables[outline.table]
    if rule.annotations or len(rule.head.atom.arguments) != schema.arity:
        return None
    terms = place_arguments(rule.head.atom, schema, scope.places(schema), [])
    row = tuple(canonical(term.value) for term in terms or () if isinstance(term, Constant))
    if len(row) != schema.arity:
        return None
    return Fact(outline, row)


def _resolved(outline: Outline, scope: Scope, found: list[Diagnostic], unions: Unions) -> DraftRule:
    rule = outline.rule
    effect = outline.kind is RuleKind.EFFECT
    resolver = Resolver(scope, outline.policy, action_wanted=effect)
    body = resolver.body(rule.body)
    schema = _effect_schema(outline, resolver) if effect else _head_schema(outline, scope)
    head = None
    if schema is not None and (effect or _same_arity(outline, schema, resolver.found)):
        head = resolver.head(rule.head.atom, schema, body)
    found += resolver.found
    unions.update(resolver.unions)
    return DraftRule(outline, normal_text(rule), head, tuple(body))


def _head_schema(outline: Outline, scope: Scope) -> TableSchema | None:
    if outline.kind in (RuleKind.ERROR, RuleKind.WARNING):
        name, _, number = outline.table.rpartition("#")
        return scope.violations[name].rules[int(number) - 1]
    return scope.tables.get(outline.table)


def _effect_schema(outline: Outline, resolver: Resolver) -> TableSchema | None:
    """The table whose rows an action adds or removes."""
    name = outline.rule.head.atom.table
    meaning = resolver.scope.meaning(outline.policy, name)
    if isinstance(meaning, TableSchema):
        return meaning
    finding = resolver.scope.unknown(outline.policy, name)
    if finding is not None:
        resolver.found.append(finding)
    return None


def _same_arity(outline: Outline, schema: TableSchema, found: list[Diagnostic]) -> bool:
    """Whether a head gives as many terms as its table has columns; named ones are told one by one later."""
    atom = outline.rule.head.atom
    given = len(atom.arguments)
    if given == schema.arity or any(argument.column is not None for argument in atom.arguments):
        return True
    terms = "1 term" if given == 1 else f"{given} terms"
    columns = "1 column" if schema.arity == 1 else f"{schema.arity} columns"
    message = f"this head of `{atom.table}` has {terms}, but the table has {columns}"
    hint = "a table has one arity, that of its first head or of its declaration; give the other table another name"
    if outline.kind is RuleKind.MODAL and outline.rule.head.modal not in OVER_FACTS:
        hint = "all heads of one action in a policy have as many terms as the first; put this rule into another policy"
    found.append(Diagnostic("CL106", message, atom.span, hint))
    return False


def _union_rules(rules: Sequence[DraftRule], unions: Unions) -> Iterable[DraftRule]:
    """Rules that unite the violations of some arity, for those bodies that read them."""
    by_table = {rule.table: rule for rule in rules}
    for name, (violations, arity) in unions.items():
        for part in violations.of(arity):
            source = by_table.get(part.name)
            if source is None:
                continue
            outline = Outline(source.outline.policy, source.outline.rule, RuleKind.DERIVE, name, made=True)
            terms = tuple(Var(column.name) for column in part.columns)
            body: tuple[Literal, ...] = (Match(part.name, terms, source.outline.span),)
            yield DraftRule(outline, source.text, terms, body)
