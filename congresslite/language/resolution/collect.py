"""
Collecting: which tables the policies define, before any body is looked at.

The first head (or the `table` statement) of a table decides how many columns
it has and what they are called; a rule may stand before it. A table whose
rules turn out wrong is known all the same, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from congresslite.diagnostics import Diagnostic
from congresslite.language.program import RuleKind
from congresslite.language.resolution.draft import Outline
from congresslite.language.resolution.scope import VIOLATIONS, Scope, Violations
from congresslite.language.syntax import (
    Argument,
    Atom,
    ColumnDeclaration,
    PolicyFile,
    Rule,
    TableDeclaration,
    TableName,
    Variable,
)
from congresslite.schema import Catalog, Column, Reference, TableSchema, Type

# Modals over facts name a table; those over actions name an action, which is no table.
OVER_FACTS = ("require", "forbid")


@dataclass(frozen=True, slots=True)
class Collected:
    """Policies by the names that their tables carry, the outlines of all rules, and what names mean."""

    policies: dict[str, PolicyFile]
    outlines: tuple[Outline, ...]
    scope: Scope
    found: tuple[Diagnostic, ...]


def collect(files: Sequence[PolicyFile], catalog: Catalog, incomplete: Collection[str] = ()) -> Collected:
    """The names that all policies define, and an outline of each rule in the order of the files."""
    policies = _by_name(files)
    tables: dict[str, TableSchema] = {}
    for policy, file in policies.items():
        for statement in file.statements:
            if isinstance(statement, TableDeclaration):
                schema = declared_schema(policy, statement)
                tables.setdefault(schema.name, schema)
    outlines: list[Outline] = []
    found: list[Diagnostic] = []
    violations: dict[str, list[TableSchema]] = {}
    for policy, file in policies.items():
        for outline in _outlines(policy, file, found):
            outlines.append(outline)
            if outline.kind is RuleKind.DERIVE and outline.table and outline.table not in tables:
                tables[outline.table] = head_schema(outline.table, outline.rule.head.atom)
            elif outline.kind in (RuleKind.ERROR, RuleKind.WARNING):
                name = outline.table.partition("#")[0]
                violations.setdefault(name, []).append(head_schema(outline.table, outline.rule.head.atom))
    united = {name: Violations(name, tuple(rules)) for name, rules in violations.items()}
    scope = Scope(catalog, frozenset(policies), tables, united, frozenset(incomplete))
    return Collected(policies, _with_modals(outlines, scope, tables), scope, tuple(found))


def declared_schema(policy: str, declaration: TableDeclaration) -> TableSchema:
    """The schema that a `table` statement declares."""
    columns = tuple(_declared_column(policy, column) for column in declaration.columns)
    key = tuple(column.name for column in declaration.columns if column.key)
    return TableSchema(f"{policy}:{declaration.name}", columns, key)


def full_name(policy: str, name: TableName) -> str:
    """The full name of a table that a policy names; its own if there is no qualifier."""
    return f"{name.qualifier or policy}:{name.name}"


def head_schema(table: str, atom: Atom) -> TableSchema:
    """The columns that a head gives to its table: named by its variables, or else by their place."""
    width = max([len(atom.arguments), *(each.column + 1 for each in atom.arguments if isinstance(each.column, int))])
    names = [_column_name(argument) for argument in atom.arguments]
    names += [None] * (width - len(names))
    taken: set[str] = set()
    columns = []
    for place, given in enumerate(names, start=1):
        name = given if given is not None and given not in taken else f"c{place}"
        while name in taken:
            name += "_"
        taken.add(name)
        columns.append(Column(name, Type.ANY, declared=False))
    return TableSchema(table, tuple(columns))


def _by_name(files: Sequence[PolicyFile]) -> dict[str, PolicyFile]:
    """Files by name. A second one of a name gets a name that nobody can write, so that it is still checked."""
    policies: dict[str, PolicyFile] = {}
    for file in files:
        name, count = file.name, 1
        while name in policies:
            count += 1
            name = f"{file.name} ({count})"
        policies[name] = file
    return policies


def _declared_column(policy: str, column: ColumnDeclaration) -> Column:
    references = None
    if column.references is not None:
        table, name = column.references
        references = Reference(full_name(policy, table), name)
    return Column(column.name, column.type, references, column.domain)


def _column_name(argument: Argument) -> str | None:
    return argument.term.name if isinstance(argument.term, Variable) else None


def _outlines(policy: str, file: PolicyFile, found: list[Diagnostic]) -> Iterator[Outline]:
    numbers = dict.fromkeys(VIOLATIONS, 0)
    for rule in file.statements:
        if not isinstance(rule, Rule):
            continue
        name = rule.head.atom.table
        if rule.head.modal is not None:
            yield Outline(policy, rule, RuleKind.MODAL, "")
        elif name.effect:
            yield Outline(policy, rule, RuleKind.EFFECT, "")
        elif name.qualifier not in (None, file.name):
            found.append(_foreign_head(file.name, name))
            yield Outline(policy, rule, RuleKind.DERIVE, "")
        elif name.name in VIOLATIONS:
            numbers[name.name] += 1
            yield Outline(policy, rule, RuleKind(name.name), f"{policy}:{name.name}#{numbers[name.name]}")
        else:
            yield Outline(policy, rule, RuleKind.DERIVE, f"{policy}:{name.name}")


def _foreign_head(policy: str, name: TableName) -> Diagnostic:
    message = f"a rule of policy `{policy}` cannot define `{name}`"
    return Diagnostic("CL109", message, name.span, f"write `{name.name}` for a table of this policy")


def _with_modals(outlines: list[Outline], scope: Scope, tables: dict[str, TableSchema]) -> tuple[Outline, ...]:
    """Give modal heads and effects their tables, now that it is known what is a table."""
    result = []
    for outline in outlines:
        policy, rule = outline.policy, outline.rule
        name = rule.head.atom.table
        if outline.kind is RuleKind.MODAL:
            inner = scope.meaning(policy, name) if rule.head.modal in OVER_FACTS else None
            known = inner if isinstance(inner, TableSchema) else None
            table = f"{policy}:{rule.head.modal}[{known.name if known else name}]"
            if table not in tables:
                head = head_schema(table, rule.head.atom)
                tables[table] = TableSchema(table, _undeclared(known)) if known else head
            result.append(Outline(policy, rule, outline.kind, table))
        elif outline.kind is RuleKind.EFFECT:
            table = f"{full_name(policy, name)}{name.effect}"
            result.append(Outline(policy, rule, outline.kind, table))
        else:
            result.append(outline)
    return tuple(result)


def _undeclared(schema: TableSchema) -> tuple[Column, ...]:
    """The columns of a table by name alone: what must hold of its rows is not said of commands about it."""
    return tuple(Column(column.name, declared=False) for column in schema.columns)
