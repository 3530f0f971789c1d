"""Assembling: from a draft without errors to the checked program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from congresslite.language.annotations import annotation
from congresslite.language.program import CheckedRule, Program, RuleKind, Stratum, Var
from congresslite.language.resolution.draft import Draft, DraftRule, Fact, Known
from congresslite.language.resolution.kinds import as_type
from congresslite.language.resolution.objects import References, default_object, references
from congresslite.language.resolution.opposed import functional_tables, incompatibilities
from congresslite.language.resolution.settings import settings_of
from congresslite.language.resolution.strata import reads
from congresslite.schema import Column, Reference, Row, TableSchema, Type, row_identity


def assemble(draft: Draft, level: str | None = None) -> Program:
    """The program that a draft without errors says, at an engine of this level, or at one that stands alone.

    Rules that stand in their policy already are left out.
    """
    refer = references(draft)
    dropped = _repeated(draft)
    gone = {rule.table for rule in dropped if rule.outline.kind in (RuleKind.ERROR, RuleKind.WARNING)}
    left_out = {id(rule) for rule in dropped}
    left_out |= {id(rule) for rule in draft.rules if rule.outline.made and _reads_any(rule, gone)}
    kept = [
        checked_rule(draft, rule, types, refer)
        for rule, types in zip(draft.rules, draft.typing.variables, strict=True)
        if id(rule) not in left_out
    ]
    rules = tuple(rule for rule in kept if rule.kind is not RuleKind.EFFECT)
    return Program(
        policies=tuple(settings_of(name, file, draft.tiers, level) for name, file in draft.policies.items()),
        tables=table_schemas(draft, refer, gone),
        base=base_schemas(draft, rules),
        rules=rules,
        facts={table: _rows(facts) for table, facts in draft.facts.items()},
        strata=tuple(_without(draft.strata, gone)),
        answers=_answers(draft, gone),
        effects=tuple(rule for rule in kept if rule.kind is RuleKind.EFFECT),
        incompatible=incompatibilities(draft),
        functional=functional_tables(draft),
    )


def _reads_any(rule: DraftRule, tables: set[str]) -> bool:
    return any(literal.table in tables for literal in reads(rule.body))


def _repeated(draft: Draft) -> list[DraftRule]:
    """Rules of one identity and text after the first: one rule is one rule, however often it is written."""
    seen: dict[tuple[str, str, str], DraftRule] = {}
    repeated = []
    for rule in draft.rules:
        key = (rule.outline.policy, rule.text, rule_identity(rule))
        if not rule.outline.made and seen.setdefault(key, rule) is not rule:
            repeated.append(rule)
    return repeated


def rule_identity(rule: DraftRule) -> str:
    """A rule's `@id`, or else its normalised text."""
    given = annotation(rule.outline.rule, "id")
    return given if isinstance(given, str) else rule.text


def checked_rule(draft: Draft, rule: DraftRule, types: Mapping[str, Known], refer: References) -> CheckedRule:
    """One rule, with what its annotations say."""
    outline = rule.outline
    assert rule.head is not None, "a draft without errors has all its heads"
    annotated = {} if outline.made else {each: annotation(outline.rule, each) for each in _ANNOTATIONS}
    severity, message = annotated.get("severity"), annotated.get("message")
    return CheckedRule(
        policy=outline.policy,
        kind=outline.kind,
        table=outline.table,
        head=rule.head,
        body=rule.body,
        identity=rule_identity(rule),
        span=outline.span,
        severity=severity if isinstance(severity, str) else "medium",
        message=message if isinstance(message, str) else None,
        weight=annotated.get("weight"),
        object=_object(rule, refer),
        modal=outline.rule.head.modal if outline.kind is RuleKind.MODAL else None,
        types={name: as_type(known) for name, known in types.items()},
    )


_ANNOTATIONS = ("severity", "message", "weight")


def _object(rule: DraftRule, refer: References) -> int | None:
    named = annotation(rule.outline.rule, "object")
    if isinstance(named, str) and not rule.outline.made:
        return (rule.head or ()).index(Var(named))
    if rule.outline.kind in (RuleKind.ERROR, RuleKind.WARNING, RuleKind.MODAL):
        return default_object(rule, refer[rule.table])
    return None


def table_schemas(draft: Draft, refer: References, gone: Iterable[str] = ()) -> dict[str, TableSchema]:
    """The schemas of derived tables, with the types and references that were inferred."""
    schemas = {}
    for stratum in draft.strata:
        for table in stratum.tables:
            if table not in gone:
                schemas[table] = _schema(draft.scope.tables[table], draft.typing.columns.get(table, ()), refer[table])
    return schemas


def _schema(schema: TableSchema, known: Iterable[Known], refer: Iterable[Reference | None]) -> TableSchema:
    types: list[Type] = [as_type(each) for each in known]
    columns = tuple(
        replace(column, type=type_) if column.declared else Column(column.name, type_, reference, declared=False)
        for column, type_, reference in zip(schema.columns, types, refer, strict=True)
    )
    return TableSchema(schema.name, columns, schema.key, schema.description)


def base_schemas(draft: Draft, rules: Iterable[CheckedRule]) -> dict[str, TableSchema]:
    """The source tables that rules read, in order of their names."""
    read = {literal.table for rule in rules for literal in reads(rule.body)}
    known = draft.scope.catalog.tables
    return {table: known[table] for table in sorted(read) if table in known}


def _rows(facts: Iterable[Fact]) -> tuple[Row, ...]:
    return tuple({row_identity(fact.row): fact.row for fact in facts}.values())


def _without(strata: Iterable[Stratum], gone: set[str]) -> Iterable[Stratum]:
    for stratum in strata:
        if not gone.issuperset(stratum.tables):
            yield stratum


def _answers(draft: Draft, gone: set[str]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(schema.name for schema in violations.rules if schema.name not in gone)
        for name, violations in draft.scope.violations.items()
    }
