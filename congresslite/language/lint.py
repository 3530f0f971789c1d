"""
Lint: what is allowed, but often a slip or a bother for whoever meets it later.

Every finding is a warning. Whoever disagrees with one leaves a function out of
the tuple; none of them is part of what a program means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from congresslite.diagnostics import Diagnostic, Severity, Span
from congresslite.language.annotations import annotation, message_variables
from congresslite.language.builtins import BUILTINS
from congresslite.language.program import Program
from congresslite.language.resolution.scope import VIOLATIONS
from congresslite.language.resolution.settings import given_settings
from congresslite.language.resolution.strata import reads
from congresslite.language.resolution.where import named_variables, nodes
from congresslite.language.syntax import (
    Body,
    Disjunction,
    PolicyDeclaration,
    PolicyFile,
    Rule,
    TableDeclaration,
    Variable,
)
from congresslite.schema import Catalog

Lint = Callable[[PolicyFile], Iterable[Diagnostic]]


def lint(files: Sequence[PolicyFile], program: Program | None, catalog: Catalog) -> tuple[Diagnostic, ...]:
    """Warnings of style and suspicion beyond what `check` tells; `program` is None for policies with errors.

    `catalog` is there for warnings about sources; none needs it yet.
    """
    found = [finding for file in files for one in LINTS for finding in one(file)]
    if program is not None:
        found += unused_private_tables(files, program)
    return tuple(sorted(found, key=Diagnostic.sort_key))


def single_variables(file: PolicyFile) -> Iterator[Diagnostic]:
    """A variable that occurs once joins nothing: a misspelt name, or meant as `_`."""
    for rule in _rules(file):
        counts = Counter(variable.name for variable in named_variables(rule))
        for each in rule.annotations:
            if isinstance(each.value, Variable):
                counts[each.value.name] += 1
        template = annotation(rule, "message")
        counts.update(message_variables(template) if isinstance(template, str) else ())
        heads = {node.name for argument in rule.head.atom.arguments if isinstance(node := argument.term, Variable)}
        for variable in named_variables(rule):
            if counts[variable.name] == 1 and variable.name not in heads and not variable.name.startswith("_"):
                message = f"variable `{variable.name}` occurs once"
                yield _warning("CL250", message, variable.span, "write `_` if any value will do")


def missing_description(file: PolicyFile) -> Iterator[Diagnostic]:
    """A policy should say what it is for: whoever sees its violations did not write it."""
    if file.statements and not any(given.key == "description" for given in given_settings(file)):
        declared = next((each for each in file.statements if isinstance(each, PolicyDeclaration)), None)
        span = (declared or file.statements[0]).span
        hint = f'write `policy {file.name}(description = "…").`'
        yield _warning("CL251", f"policy `{file.name}` has no description", span, hint)


def violations_without_id(file: PolicyFile) -> Iterator[Diagnostic]:
    """Without an id a violation is known by its rule's text, and is another one as soon as that is edited."""
    for rule in _violation_rules(file):
        if annotation(rule, "id") is None:
            message = f"this `{rule.head.atom.table}` rule has no id"
            hint = 'add `@id("…")`, so that waivers and history outlast an edit of the rule'
            yield _warning("CL252", message, rule.head.span, hint)


def violations_without_message(file: PolicyFile) -> Iterator[Diagnostic]:
    """Without a message an operator sees a bare tuple."""
    for rule in _violation_rules(file):
        if annotation(rule, "message") is None:
            message = f"this `{rule.head.atom.table}` rule has no message"
            yield _warning("CL253", message, rule.head.span, 'add `@message("…")` that says what is wrong')


def or_beside_comma(file: PolicyFile) -> Iterator[Diagnostic]:
    """`a, b or c` means `a, (b or c)`; whoever comes from another language reads it the other way round."""
    for rule in _rules(file):
        for body in _bodies(rule):
            for literal in body if len(body) > 1 else ():
                if isinstance(literal, Disjunction) and not literal.span.text.startswith("("):
                    message = "`or` binds tighter than the comma beside it"
                    hint = "put the operands of `or` into parentheses: `a, (b) or (c)`"
                    yield _warning("CL254", message, literal.span, hint)


def hidden_builtins(file: PolicyFile) -> Iterator[Diagnostic]:
    """A table named like a builtin hides it in this policy, which readers will not expect."""
    told: set[str] = set()
    for statement in file.statements:
        match statement:
            case TableDeclaration(name):
                span = statement.span
            case Rule() if statement.head.modal is None and not statement.head.atom.table.effect:
                name, span = statement.head.atom.table.name, statement.head.atom.table.span
            case _:
                continue
        if name in BUILTINS and name not in told:
            told.add(name)
            message = f"table `{name}` hides the builtin of that name"
            yield _warning("CL256", message, span, f"rename it, or write `builtin:{name}` for the builtin")


def unused_private_tables(files: Sequence[PolicyFile], program: Program) -> Iterator[Diagnostic]:
    """A table whose name starts with `_` is a helper; one that no rule reads is left over."""
    read = {literal.table for rule in program.rules for literal in reads(rule.body)}
    for file in files:
        told: set[str] = set()
        for rule in _rules(file):
            table = rule.head.atom.table
            private = table.name.startswith("_") and rule.head.modal is None and not table.effect
            if private and table.name not in told and f"{file.name}:{table.name}" not in read:
                told.add(table.name)
                yield _warning(
                    "CL255", f"no rule reads the helper table `{table.name}`", table.span, "remove its rules"
                )


LINTS: tuple[Lint, ...] = (
    single_variables,
    missing_description,
    violations_without_id,
    violations_without_message,
    or_beside_comma,
    hidden_builtins,
)


def _warning(code: str, message: str, span: Span, hint: str) -> Diagnostic:
    return Diagnostic(code, message, span, hint, Severity.WARNING)


def _rules(file: PolicyFile) -> Iterator[Rule]:
    return (statement for statement in file.statements if isinstance(statement, Rule))


def _violation_rules(file: PolicyFile) -> Iterator[Rule]:
    for rule in _rules(file):
        if rule.head.modal is None and rule.head.atom.table.name in VIOLATIONS:
            yield rule


def _bodies(rule: Rule) -> Iterator[Body]:
    yield rule.body
    for node in nodes(rule):
        if isinstance(node, Disjunction):
            yield from node.branches
