"""
Statements: what a plan becomes, for whoever runs it and whoever reads it.

A step makes one table by one statement, or is a loop: statements that are
repeated until no table grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from congresslite.language.program import CheckedRule


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and the rules that it is made of."""

    sql: str
    rules: tuple[CheckedRule, ...] = ()

    @property
    def text(self) -> str:
        """The statement with the places of its rules above it."""
        places = dict.fromkeys(f"-- {_printable(str(rule.span))}" for rule in self.rules)
        return "\n".join([*places, f"{self.sql};"])


@dataclass(frozen=True, slots=True)
class Create:
    """Makes one table with all its rows: by one statement, or by several if one would be too large."""

    table: str
    statements: tuple[Statement, ...]

    @property
    def text(self) -> str:
        """As it is shown."""
        return "\n".join(each.text for each in self.statements)


@dataclass(frozen=True, slots=True)
class Turn:
    """The end of a round for one table: what is new becomes its delta. The rows that `delta` takes tell if it grew."""

    clear: str
    delta: str
    grow: str
    empty: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One conjunction that reads the delta of `table` in one of its literals; `computes` says that it makes values."""

    table: str
    statement: Statement
    computes: bool


@dataclass(frozen=True, slots=True)
class Loop:
    """A recursion: `start` once, then rounds of all variants and all turns until no delta has rows, then `end`."""

    tables: tuple[str, ...]
    start: tuple[Statement, ...]
    variants: tuple[Variant, ...]
    turns: Mapping[str, Turn]
    end: tuple[str, ...]

    @property
    def text(self) -> str:
        """As it is shown: the repeated part stands between two comments."""
        turns = [f"{sql};" for turn in self.turns.values() for sql in (turn.clear, turn.delta, turn.grow, turn.empty)]
        parts = [
            *(each.text for each in self.start),
            "-- repeat until no delta has rows",
            *(each.statement.text for each in self.variants),
            *turns,
            "-- end of repeat",
            *(f"{sql};" for sql in self.end),
        ]
        return "\n".join(parts)


Step = Create | Loop


@dataclass(frozen=True, slots=True)
class Script:
    """The steps that derive all tables of a program, in order."""

    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """All of it, to be read."""
        return "\n\n".join(step.text for step in self.steps) + "\n"


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
