"""How what a server keeps is written: as it sent it for programs, as tables and lines of text for people."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings
from congresslite.cli.terminal import console
from congresslite.diagnostics.visible import visible

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")


def show_list(
    settings: Settings,
    document: Mapping[str, Any],
    header: tuple[str, ...] | None,
    rows: Sequence[tuple[str, ...]],
    none: str = "",
) -> None:
    """Write a list: the document, a line for each of its items, or a table of rows; `none` if there are no rows."""
    if settings.output == "json":
        sys.stdout.write(entries.dumps(document) + "\n")
    elif settings.output == "ndjson":
        for item in document["items"]:
            sys.stdout.write(entries.dumps(item) + "\n")
    else:
        show_table(settings, header, rows, none)


def show_table(
    settings: Settings, header: tuple[str, ...] | None, rows: Sequence[tuple[str, ...]], none: str = ""
) -> None:
    """Write rows under a header, or that there are none."""
    from congresslite.cli.formats.table import aligned

    screen = console(settings, sys.stdout)
    for line in aligned(header, [tuple(map(visible, row)) for row in rows]) if rows else ():
        screen.print(line)
    if not rows and none:
        screen.print(none)


def show_facts(settings: Settings, facts: Mapping[str, str | None]) -> None:
    """Write what is known of one thing, a line for each fact; those that are not known are left out."""
    show_table(settings, None, [(f"  {name}", value) for name, value in facts.items() if value])


def show_proof(settings: Settings, document: Mapping[str, Any], depth: int) -> None:
    """Write a proof, `depth` levels of it."""
    from congresslite.cli.client.explanations import proof_of
    from congresslite.cli.trees import proof_lines

    screen = console(settings, sys.stdout)
    proof, notes = proof_of(document)
    for line in proof_lines(proof, depth, notes):
        screen.print(line)


def show_sides(settings: Settings, documents: Sequence[Mapping[str, Any] | None], depth: int) -> None:
    """Write the proofs of the sides of a conflict, `depth` levels of each."""
    screen = console(settings, sys.stdout)
    for number, document in enumerate(documents, start=1):
        screen.print()
        screen.print(f"side {number}:" if document else f"side {number}: explained by its own engine")
        if document is not None:
            show_proof(settings, document, depth)


def moment(text: str | None) -> str:
    """A time as people read it, to the second; empty if there is none."""
    match = _TIME.fullmatch(text or "")
    return text or "" if match is None else f"{match[1]} {match[2]}Z"
