"""`congresslite simulate`: say what actions and changes of rows would do, before anybody does them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from congresslite.cli.client.asking import asking, asks_server
from congresslite.cli.estate import shipped_rules, tables_of
from congresslite.cli.exits import Exit
from congresslite.cli.formats import entries
from congresslite.cli.progress import progress
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import tell
from congresslite.diagnostics import Diagnostic, Source, SourceError
from congresslite.share import share

Document = Mapping[str, Any]

_STDIN = "standard input"


@click.command(cls=Teaching)
@click.argument("steps", nargs=-1, metavar="[STEP]...")
@click.option("--policies", multiple=True, type=click.Path(exists=True, path_type=Path), metavar="DIR",
              help="The policies, which declare what actions do; may be repeated.")  # fmt: skip
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Folder of SOURCE/TABLE.csv (.json, .ndjson, .parquet).")  # fmt: skip
@click.option("--example", is_flag=True, help="Use the example estate that ships.")
@click.option("--from", "script", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE",
              help="Read steps from this file, one a line; `-` is standard input.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1, max=10_000), default=100, show_default=True, metavar="N",
              help="How many violations of each step are told one by one.")  # fmt: skip
@shared("table", "json", server=True)
def simulate(
    settings: Settings,
    *,
    steps: tuple[str, ...],
    policies: tuple[Path, ...],
    data: Path | None,
    example: bool,
    script: Path | None,
    limit: int,
) -> int:
    """Say what actions and changes of rows would do: which violations go and come. Nothing changes.

    STEP is an action, rows that come or go, or several of them at once, joined by `&`. What an action does is declared
    by policies. With --server, it is the running estate that has the tables and the policies.

    For example:
      congresslite simulate 'nova:migrate("vm1", "h2")' --policies rules --data inventory
      congresslite simulate 'inv:host+("h9", disk="ssd")' 'inv:vm-(id="vm3")' --policies rules
      congresslite simulate 'stop("vm1") & stop("vm2")' --policies rules -o json
      congresslite simulate --from maintenance.txt --server http://127.0.0.1:8181

    Exits with 1 if `error` violations come by it, or if a step does nothing or cannot be done as it is asked for; with
    3 if an action has no effect model, or something is not current.
    """
    sources = _sources(steps, script)
    if asks_server(settings, ("policies", "data", "example")):
        with asking(settings) as client:
            from congresslite.cli.client.simulating import simulate_there

            return written(*simulate_there(client, sources, limit), settings)
    return written(*_simulated(sources, policies, tables_of(data, example=example), limit, settings), settings)


def written(document: Document, findings: tuple[Diagnostic, ...], settings: Settings) -> Exit:
    """Write a simulation, and give the exit code."""
    from congresslite.cli.formats.simulated import TOLD, write_text

    if settings.output == "json":
        sys.stdout.write(entries.dumps(document) + "\n")
    else:
        write_text(document, sys.stdout, settings)
        tell((each for each in findings if each.code not in TOLD), settings)
    return exit_of(document)


def exit_of(document: Document) -> Exit:
    """The exit code that a simulation gives."""
    parts = [part for step in document["steps"] for part in step["parts"]]
    undone = any(part["result"] == "nothing" or part["broken"] for part in parts)
    if document["blocking"] or undone or any(step["incompatible"] for step in document["steps"]):
        return Exit.BLOCKING
    unknown = any(part["result"] == "no_effect_model" for part in parts)
    return Exit.UNDETERMINED if unknown or document["undetermined"] else Exit.CLEAN


def _sources(steps: tuple[str, ...], script: Path | None) -> list[Source]:
    """The texts of the steps. Raises UsageError, SourceError."""
    if not steps and script is None:
        raise click.UsageError("give steps, or a file of them with --from")
    sources = [Source(f"step {number}", text) for number, text in enumerate(steps, start=1)]
    if script is not None:
        sources.append(_read(script))
    return sources


def _read(script: Path) -> Source:
    if str(script) == "-":
        return Source(_STDIN, sys.stdin.read())
    try:
        return Source(str(script), script.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"the steps cannot be read: {(error.strerror or str(error)).lower()}"
    except UnicodeDecodeError:
        message = "the steps cannot be read: the file is not UTF-8"
    raise SourceError(Diagnostic("CL310", message, place=str(script)))


def _simulated(
    sources: list[Source], policies: tuple[Path, ...], data: Path, limit: int, settings: Settings
) -> tuple[Document, tuple[Diagnostic, ...]]:
    """Simulate on this machine. Raises CongressliteError."""
    from congresslite.analysis import simulation
    from congresslite.analysis.documents import simulation_document
    from congresslite.api import Engine
    from congresslite.sources.files import open_inventory

    chosen = policies or ((shipped_rules(),) if data == share("examples") / "estate" else ())
    with progress(settings) as told:
        engine = Engine.load(chosen, data, progress=told)
        owners = open_inventory(data).owners
        found = simulation.simulate(engine, sources, owners=owners, limit=limit, progress=told)
    return simulation_document(found), tuple(found.findings)
