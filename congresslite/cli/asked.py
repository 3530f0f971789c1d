"""
The row that `why` and `why-not` are asked about, at the command line.
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
    from congresslite.api.asked import AskedAtom
    from congresslite.engine.explanation import Pattern
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
    atom = read_atom(spelled(text), settings)
    if atom is None:
        return Exit.FAILED
    try:
        engine = chosen.load(settings)
    except PolicyError as error:
        tell(error.diagnostics, settings)
        return Exit.BLOCKING
    from congresslite.api.asked import NotARowError, asked_row

    try:
        found = asked_row(engine.snapshot(), atom)
    except CongressliteError as error:
        tell(error.diagnostics, settings)
        return Exit.FAILED
    except NotARowError as error:
        raise click.UsageError(str(error)) from None
    tell(engine.diagnostics, settings)
    return Asked(engine, found.table, found.columns, found.pattern, list(found.rows))


def spelled(text: str) -> str:
    """What was asked for as an atom: a table's name alone stands for any of its rows."""
    return f"{text}()" if _TABLE.fullmatch(text) else text


def read_atom(text: str, settings: Settings) -> AskedAtom | None:
    """The atom; None once it is told what is wrong with it. Raises UsageError for what is no single row."""
    from congresslite.api import asked

    try:
        return asked.read_atom(text)
    except PolicyError as error:
        tell(error.diagnostics, settings)
        return None
    except asked.NotARowError:
        raise click.UsageError(_WANTED) from None
