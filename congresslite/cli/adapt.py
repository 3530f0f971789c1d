"""`congresslite adapt`: say where what has failed should go, by the policies' own rules."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from congresslite.cli.estate import tables_of
from congresslite.cli.exits import Exit
from congresslite.cli.extras import needing
from congresslite.cli.formats import entries
from congresslite.cli.progress import progress
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.share import share

EXITS = {"impossible": Exit.BLOCKING, "unknown": Exit.UNDETERMINED}


@click.command(cls=Teaching)
@click.option("--policies", multiple=True, type=click.Path(exists=True, path_type=Path), metavar="DIR",
              help="The policies, one of which says what may be chosen; may be repeated.")  # fmt: skip
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Folder of SOURCE/TABLE.csv (.json, .ndjson, .parquet).")  # fmt: skip
@click.option("--example", is_flag=True, help="Use the example of a forwarding graph that ships.")
@click.option("--failed", multiple=True, metavar="VNF", help="This has failed, too; may be repeated.")
@click.option("--policy", metavar="NAME", help="The policy that says what may be chosen, if several do.")
@click.option("--choice", metavar="SOURCE:TABLE",
              help="The table whose rows are chosen.  [default: the one named `placed`]")  # fmt: skip
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True,
              metavar="SECONDS", help="Show the best that was found by then.")  # fmt: skip
@click.option("--alternatives", type=click.IntRange(min=0), default=100, show_default=True, metavar="N",
              help="How many options that were not chosen are looked into.")  # fmt: skip
@shared("table", "json")
def adapt(
    settings: Settings,
    *,
    policies: tuple[Path, ...],
    data: Path | None,
    example: bool,
    failed: tuple[str, ...],
    policy: str | None,
    choice: str | None,
    time_limit: float,
    alternatives: int,
) -> int:
    """Say where failed network functions should go: another point of presence, or an instance that stands by.

    A policy says what may be chosen, in its tables `candidate` and `redundant`, and what has `failed`. Hard rules
    (`error`) of all policies are kept, soft ones (`warning`) cost their `@weight`. The plan is evaluated before it is
    shown, with the actions that the rules would command then. Nothing changes.

    For example:
      congresslite adapt --example
      congresslite adapt --policies rules --data inventory --failed vnf-b
      congresslite adapt --policies rules --time-limit 60 -o json

    Exits with 1 if hard rules forbid every choice, with 3 if nothing was found in time.
    """
    if example:
        if data is not None:
            raise click.UsageError("give either --data or --example")
        data = share("examples") / "adaptation"
        policies = policies or (data / "policies",)
    if not policies:
        raise click.UsageError("give the policies with --policies, or try --example")
    with needing("adaptation"):
        from congresslite.analysis.adaptation import adapt as choose
        from congresslite.analysis.adaptation import plan_document
        from congresslite.api import Engine

        with progress(settings) as told:
            engine = Engine.load(policies, tables_of(data, example=False), progress=told)
            plan = choose(engine, failed, policy=policy, choice=choice, time_limit=time_limit,
                          alternatives=alternatives, progress=told)  # fmt: skip
    document = plan_document(plan)
    if settings.output == "json":
        sys.stdout.write(entries.dumps(document) + "\n")
    else:
        from congresslite.cli.formats.adapted import write_text

        write_text(document, sys.stdout, settings)
    return EXITS.get(plan.status, Exit.CLEAN)
