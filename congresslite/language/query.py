"""
Checking questions: a body asked of a checked program becomes one more rule.

A question may read any table of the sources and of all policies; its answer
has a column for each named variable, in order of appearance. An atom alone,
without named variables, asks for its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from congresslite.diagnostics import Diagnostic, Severity, Source, Span
from congresslite.language.checks import QUERY_CHECKS, findings
from congresslite.language.program import CheckedRule, Const, Literal, Match, Program, RuleKind, Var
from congresslite.language.resolution.assemble import base_schemas, checked_rule
from congresslite.language.resolution.build import finish
from congresslite.language.resolution.draft import QUERY_TABLE, Draft, DraftRule, Known, Outline
from congresslite.language.resolution.kinds import as_type
from congresslite.language.resolution.resolve import Resolver
from congresslite.language.resolution.scope import Scope, Violations
from congresslite.language.resolution.where import named_variables
from congresslite.language.syntax import Argument, Atom, Body, Head, Rule, TableName, Variable
from congresslite.schema import Catalog, Column, TableSchema, Type


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A question as rules: the last one derives `query:answer`, those before it unite violations that it reads.

    `tables` are the schemas of what the rules derive, `base` those of source tables
    that the program did not read. Without rules the question is wrong, and `diagnostics` say why.
    """

    rules: tuple[CheckedRule, ...]
    tables: Mapping[str, TableSchema] = field(default_factory=dict)
    base: Mapping[str, TableSchema] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the answer's columns."""
        return tuple(column.name for column in self.tables[QUERY_TABLE].columns)


def check_query(body: Body, source: Source, program: Program, catalog: Catalog) -> CheckedQuery:
    """Check a question against a program and the tables of the sources."""
    scope = _scope(program, catalog)
    resolver = Resolver(scope, None)
    literals = tuple(resolver.body(body))
    syntax = _as_rule(body, source)
    head, columns, literals = _head(syntax, literals, scope)
    schema = TableSchema(QUERY_TABLE, tuple(Column(name, Type.ANY, declared=False) for name in columns))
    asking = DraftRule(Outline("query", syntax, RuleKind.DERIVE, QUERY_TABLE), "query", head, literals)
    unions = {name: union for name, union in resolver.unions.items() if name not in program.tables}
    united = {name: violations.union(arity) for name, (violations, arity) in unions.items()}
    tables = {**program.tables, **united}
    asked = Scope(catalog, scope.policies, {**tables, QUERY_TABLE: schema}, scope.violations)
    known = {name: _unsure(each) for name, each in tables.items()}
    draft = finish({}, (), asked, (asking,), facts={}, unions={}, found=resolver.found, known=known)
    found = findings(QUERY_CHECKS, draft)
    if any(finding.severity is Severity.ERROR for finding in found):
        return CheckedQuery((), diagnostics=found)
    answer = checked_rule(draft, asking, draft.typing.variables[0], {})
    rules = (*_union_rules(program, unions), answer)
    base = base_schemas(draft, (answer,))
    return CheckedQuery(
        rules,
        {**united, QUERY_TABLE: _answer_schema(schema, draft)},
        {name: each for name, each in base.items() if name not in program.base},
        found,
    )


def _scope(program: Program, catalog: Catalog) -> Scope:
    violations = {
        name: Violations(name, tuple(program.tables[table] for table in tables))
        for name, tables in program.answers.items()
    }
    policies = frozenset(policy.name for policy in program.policies)
    return Scope(catalog, policies, program.tables, violations)


def _unsure(schema: TableSchema) -> list[Known]:
    """The types of a derived table, which may rest on constants only: nothing is told because of them."""
    return [(column.type, False) for column in schema.columns]


def _as_rule(body: Body, source: Source) -> Rule:
    """The question as a rule, with a head at its start: what findings are placed in."""
    start = Span(source, 0, 0)
    span = Span(source, 0, len(source.text))
    bare = Rule(Head(Atom(TableName(None, "answer", "", start), (), start), None, start), body, (), span)
    first = {variable.name: variable for variable in reversed(list(named_variables(bare)))}
    named = [first[name] for name in dict.fromkeys(variable.name for variable in named_variables(bare))]
    arguments = tuple(Argument(None, variable, variable.span) for variable in named)
    return Rule(Head(Atom(bare.head.atom.table, arguments, start), None, start), body, (), span)


def _head(
    syntax: Rule, body: tuple[Literal, ...], scope: Scope
) -> tuple[tuple[Var | Const, ...], list[str], tuple[Literal, ...]]:
    """The answer's terms and their names; of a lone atom without named variables all columns of its table."""
    names = [argument.term.name for argument in syntax.head.atom.arguments if isinstance(argument.term, Variable)]
    match body:
        case (Match(table, terms, span),) if not names and (schema := _readable(scope, table)) is not None:
            columns = [column.name for column in schema.columns]
            named = tuple(
                Var(column) if isinstance(term, Var) else term for column, term in zip(columns, terms, strict=True)
            )
            return named, columns, (Match(table, named, span),)
        case _:
            return tuple(Var(name) for name in names), names, body


def _readable(scope: Scope, table: str) -> TableSchema | None:
    schema = scope.schema(table)
    if schema is None and "/" in table:
        name, _, arity = table.rpartition("/")
        return scope.violations[name].union(int(arity))
    return schema


def _union_rules(program: Program, unions: Mapping[str, tuple[Violations, int]]) -> list[CheckedRule]:
    """Rules that unite the violations of some arity, which no policy read so far."""
    deriving = {rule.table: rule for rule in program.rules}
    rules = []
    for name, (violations, arity) in unions.items():
        for part in violations.of(arity):
            source = deriving[part.name]
            terms = tuple(Var(column.name) for column in part.columns)
            types = {column.name: column.type for column in part.columns}
            body = (Match(part.name, terms, source.span),)
            rule = CheckedRule(source.policy, RuleKind.DERIVE, name, terms, body, source.identity, source.span)
            rules.append(replace(rule, types=types))
    return rules


def _answer_schema(schema: TableSchema, draft: Draft) -> TableSchema:
    columns = zip(schema.columns, draft.typing.columns[QUERY_TABLE], strict=True)
    return TableSchema(
        QUERY_TABLE, tuple(Column(column.name, as_type(known), declared=False) for column, known in columns)
    )
