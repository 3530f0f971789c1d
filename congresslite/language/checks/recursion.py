"""
Recursion: a table may depend on itself, but not through `not` or an aggregate.

Such rules say nothing definite: each row would stand because it does not. The
finding shows the way around, table by table, each with the rule that takes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.diagnostics import Diagnostic
from congresslite.language.resolution.draft import Draft
from congresslite.language.resolution.strata import Edge, cycle, edges

_TOLD = 8


def check(draft: Draft) -> Iterator[Diagnostic]:
    """One finding for each cycle of tables that negation or aggregation is part of."""
    recursive = [stratum for stratum in draft.strata if stratum.recursive]
    if not recursive:
        return
    graph = edges(draft.rules, (table for stratum in draft.strata for table in stratum.tables))
    for stratum in recursive:
        told: set[frozenset[str]] = set()
        within = frozenset(stratum.tables)
        critical = [edge for table in stratum.tables for edge in graph[table] if edge.through and edge.table in within]
        for edge in sorted(critical, key=lambda each: each.rule.outline.span.start):
            path = cycle(graph, edge, within)
            assert path is not None, "the edge lies within a stratum"
            around = frozenset(step.table for step in path)
            if around not in told:
                told.add(around)
                yield _finding(edge, path)


def _finding(edge: Edge, path: list[Edge]) -> Diagnostic:
    start = _shown(edge.rule.table)
    way = _way([edge.rule.table, *(step.table for step in path)])
    what = "negation" if edge.through == "not" else f"the aggregate `{edge.through}`"
    message = f"`{start}` depends on itself through {what}: {way}"
    notes = tuple(
        f"{step.rule.outline.span}: `{_shown(step.rule.table)}` reads "
        f"{'not ' if step.through == 'not' else ''}`{_shown(step.table)}`"
        for step in path[:_TOLD]
        if not step.rule.outline.made
    )
    code = "CL210" if edge.through == "not" else "CL211"
    hint = "split the table, so that what is negated or aggregated is complete before it is read"
    span = edge.literal.span or edge.rule.outline.span
    return Diagnostic(code, message, span, hint, notes=notes)


def _way(tables: list[str]) -> str:
    """The tables of a cycle, in order; of a very long one only its ends."""
    shown = [f"`{_shown(table)}`" for table in tables]
    if len(shown) > 2 * _TOLD:
        shown[_TOLD:-2] = [f"({len(shown) - _TOLD - 2} more)"]
    return " → ".join(shown)


def _shown(table: str) -> str:
    """A table's name as users know it, without the number that tells its rules or arities apart."""
    return table.partition("#")[0].partition("/")[0]
