"""
The row that `why` and `why-not` are asked about: an atom, checked as any query is.

The engine answers the atom with its variables left open, so that unknown
tables, columns and wrong types are told as `query` tells them, at their places.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.estate import choose, estate_options, shipped_rules
from congresslite.cli.exits import Exit
from congresslite.cli.settings import Settings
from congresslite.cli.terminal import tell
from congresslite.diagnostics import CongressliteError, PolicyError

if TYPE_CHECKING:
    from congresslite.api import Engine
    from congresslite.engine.explanation import Pattern
    from congresslite.language.syntax import Atom
    from congresslite.schema import Row

_TABLE = re.compile(r"\s*[\w.]+:[\w.]+\s*")
_WANTED = 'ask about one row, like `nfv:error("vm1", "h7")`; `_` stands for any value'


@dataclass(frozen=True, slots=True)
class Asked:
    """A row of a table, some columns of which may be open, and the rows that match it, in the order of their values."""

    engine: Engine
    table: str
    columns: tuple[str, ...]
    pattern: Pattern
    matches: list[Row]


def asked_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments ATOM and POLICY and the options of an estate."""

    @click.argument("atom")
    @click.argument("policies", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[POLICY]...")
    @estate_options
    @wraps(function)
    def decorated(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return decorated


def ask(settings: Settings, text: str, policies: tuple[Path, ...], **estate: Any) -> Asked | Exit:
    """Evaluate the policies and look for the row; how to end, if that fails. Raises UsageError, CongressliteError."""
    if estate["engine"] != "columnar":
        raise click.UsageError(f"the {estate['engine']} engine explains nothing; leave out --engine")
    chosen = choose(policies, (shipped_rules(),) if estate["example"] else (), **estate)
    atom, masked = _read(f"{text}()" if _TABLE.fullmatch(text) else text, settings)
    if atom is None:
        return Exit.FAILED
    try:
        engine = chosen.load(settings)
    except PolicyError as error:
        tell(error.diagnostics, settings)
        return Exit.BLOCKING
    try:
        answer = engine.query(masked)
    except CongressliteError as error:
        tell(error.diagnostics, settings)
        return Exit.FAILED
    tell(engine.diagnostics, settings)
    from congresslite.schema import order_key

    rows = sorted(answer.rows, key=lambda row: [order_key(value) for value in row])
    return Asked(engine, _full_name(atom, engine), answer.columns, _pattern(atom, answer.columns), rows)


def _read(text: str, settings: Settings) -> tuple[Atom | None, str]:
    """The atom, and its text with `_` for each variable; None once it is told what is wrong with it."""
    from congresslite.diagnostics import Source
    from congresslite.language.parser import parse_query
    from congresslite.language.syntax import Anonymous, Atom, Constant, Variable

    body, found = parse_query(Source("query", text))
    if body is None:
        tell(found, settings)
        return None, text
    atom = body[0] if len(body) == 1 else None
    if not isinstance(atom, Atom):
        raise click.UsageError(_WANTED)
    terms = [argument.term for argument in atom.arguments]
    names = [term.name for term in terms if isinstance(term, Variable)]
    if not all(isinstance(term, Constant | Variable | Anonymous) for term in terms) or len(set(names)) < len(names):
        raise click.UsageError(_WANTED)
    masked = text
    for term in terms:
        if isinstance(term, Variable):
            # As long as the name was, so that every place in the text stays where it is.
            width = term.span.end - term.span.start
            masked = masked[: term.span.start] + "_".ljust(width) + masked[term.span.end :]
    return atom, masked


def _full_name(atom: Atom, engine: Engine) -> str:
    """The table's full name. Raises UsageError for a builtin."""
    name = str(atom.table)
    if atom.table.qualifier is None:
        own = [table for table in engine.tables() if table.endswith(f":{name}")]
        name = own[0] if len(own) == 1 else name
    if ":" not in name or atom.table.qualifier == "builtin":
        raise click.UsageError(f"`{name}` is a builtin, and has no rows to explain")
    return name


def _pattern(atom: Atom, columns: tuple[str, ...]) -> Pattern:
    from congresslite.engine.explanation import ANY, Anything
    from congresslite.language.syntax import Constant
    from congresslite.schema import Scalar, canonical

    pattern: list[Scalar | Anything] = [ANY] * len(columns)
    for place, argument in enumerate(atom.arguments):
        column = argument.column
        if isinstance(argument.term, Constant):
            at = place if column is None else column if isinstance(column, int) else columns.index(column)
            pattern[at] = canonical(argument.term.value)
    return tuple(pattern)
