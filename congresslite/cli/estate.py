"""
Which policies and tables a command works on: the arguments that `check` and `query` share.

Without `--data`, the folder `inventory`; `--example` takes the estate and the
policies that ship, so that a first result needs no files.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.progress import progress
from congresslite.cli.settings import Settings
from congresslite.share import share

if TYPE_CHECKING:
    from congresslite.api import Engine

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?", re.IGNORECASE)


def _size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """The bytes of an amount of memory: `2GB`, `512 MiB`, `1500000000`."""
    if value is None:
        return None
    match = _SIZE.fullmatch(value.strip())
    if match is None or match[2].upper() not in _UNITS:
        raise click.BadParameter(f"`{value}` is no amount of memory; write it as `2GB` or `512MiB`", context, parameter)
    return int(float(match[1]) * _UNITS[match[2].upper()])


# The parameters that name the tables of this machine and bound what is evaluated here.
LOCAL = ("data", "example", "engine", "memory_limit", "max_rounds")

NO_TABLES = "no tables: there is no folder `inventory` here; name yours with --data DIR, or try --example"


@dataclass(frozen=True, slots=True)
class Estate:
    """The policies and the folder of tables that a command was given, and how to evaluate them.

    Without a folder there are no tables but those of the policies themselves.
    """

    policies: tuple[Path, ...]
    data: Path | None
    engine: str
    memory_limit: int | None
    max_rounds: int | None
    again: str  # the arguments that name the same again

    def load(self, settings: Settings) -> Engine:
        """Read, check and evaluate, with progress. Raises CongressliteError."""
        from congresslite.api import Engine

        with progress(settings) as told:
            return Engine.load(
                self.policies,
                self.data,
                engine=self.engine,
                memory_limit=self.memory_limit,
                max_rounds=self.max_rounds,
                progress=told,
            )


def estate_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name the tables and bound the evaluation."""
    folder = click.Path(exists=True, file_okay=False, path_type=Path)
    options = (
        click.option(
            "--data", type=folder, metavar="DIR", help="Folder of SOURCE/TABLE.csv (.json, .ndjson, .parquet)."
        ),
        click.option("--example", is_flag=True, help="Use the example estate that ships."),
        click.option(
            "--engine",
            type=click.Choice(["columnar", "duckdb", "reference"]),
            default="columnar",
            help="`duckdb` evaluates with DuckDB, on disk if need be; `reference` with pyDatalog, for small estates.",
        ),
        click.option("--memory-limit", callback=_size, metavar="SIZE", help="Stop beyond this, like 2GB."),
        click.option(
            "--max-rounds",
            type=click.IntRange(min=1),
            metavar="N",
            help="Stop a recursion that still makes new values after N rounds.  [default: 100000]",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def shipped_rules() -> Path:
    """The policies that ship, by the path that is shorter to read."""
    folder = share("rules")
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def folder_of(data: Path | None, *, example: bool) -> Path | None:
    """The folder of tables that the options name; None if there is none. Raises UsageError."""
    if example and data is not None:
        raise click.UsageError("give either --data or --example")
    if example:
        return share("examples") / "estate"
    return data or (Path("inventory") if Path("inventory").is_dir() else None)


def tables_of(data: Path | None, *, example: bool) -> Path:
    """The folder of tables that the options name. Raises UsageError, also if there is none."""
    folder = folder_of(data, example=example)
    if folder is None:
        raise click.UsageError(NO_TABLES)
    return folder


def choose(
    policies: tuple[Path, ...],
    default: tuple[Path, ...],
    *,
    data: Path | None,
    example: bool,
    engine: str,
    memory_limit: int | None,
    max_rounds: int | None,
) -> Estate:
    """The estate that the options name; policies are the default ones if none are named. Raises UsageError."""
    folder = folder_of(data, example=example)
    if folder is None and not policies:
        raise click.UsageError(NO_TABLES)
    named = [str(path) for path in policies]
    named += ["--example"] if example else [] if data is None else ["--data", str(data)]
    return Estate(policies or default, folder, engine, memory_limit, max_rounds, shlex.join(named))
