"""
Drafts: a program between syntax and `program.Program`, while it is still being checked.

A draft holds whatever can be said of rules that may be wrong: a literal whose
table is unknown stands in it as a match of no table, which binds all its
variables and says nothing of their types, so that one cause gives one finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from congresslite.diagnostics import Diagnostic, Span
from congresslite.language.program import Const, Fold, Literal, RuleKind, Stratum, Var
from congresslite.language.resolution.scope import Scope
from congresslite.language.syntax import PolicyFile, Rule
from congresslite.schema import Row, Type

UNKNOWN_TABLE = ""
QUERY_TABLE = "query:answer"

# A type, and whether it is sure: declared or read off the data, not only seen in a constant of a rule.
# None: nothing is known, because no row has been seen.
Known = tuple[Type, bool] | None


@dataclass(frozen=True, slots=True)
class Outline:
    """A rule before its names are known. `table` is empty if its head may define none."""

    policy: str
    rule: Rule
    kind: RuleKind
    table: str
    # Written by us, not by the user: what unites violations, or asks a query.
    made: bool = False

    @property
    def span(self) -> Span:
        """The place of the whole rule."""
        return self.rule.span


@dataclass(frozen=True, slots=True)
class DraftRule:
    """A rule whose names are resolved. `head` is None if it does not fit its table; `text` is normalised."""

    outline: Outline
    text: str
    head: tuple[Var | Const | Fold, ...] | None
    body: tuple[Literal, ...]

    @property
    def table(self) -> str:
        """The full name of the table that the rule derives."""
        return self.outline.table


@dataclass(frozen=True, slots=True)
class Fact:
    """A row that a policy states."""

    outline: Outline
    row: Row


@dataclass(frozen=True, slots=True)
class Typing:
    """What is known of types: `columns` of derived tables, and of each rule's variables (by the rule's place)."""

    columns: Mapping[str, tuple[Known, ...]]
    variables: tuple[Mapping[str, Known], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that checks look at. `policies` are the files by the names that tables of theirs carry."""

    policies: Mapping[str, PolicyFile]
    tiers: tuple[str, ...]
    scope: Scope
    rules: tuple[DraftRule, ...]
    facts: Mapping[str, tuple[Fact, ...]]
    strata: tuple[Stratum, ...]
    typing: Typing
    unresolved: tuple[Diagnostic, ...]
