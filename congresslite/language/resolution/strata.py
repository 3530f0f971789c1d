"""
Strata: in which order tables can be computed.

Tables that depend on each other form one stratum, and a stratum comes after
all that its rules read. Nothing here recurses in Python: a chain of rules may
be as long as memory allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from congresslite.language.program import Either, Fold, Literal, Match, NoMatch, RuleKind, Stratum
from congresslite.language.resolution.draft import DraftRule


@dataclass(frozen=True, slots=True)
class Edge:
    """A rule's table depends on `table`. `through` is what may not be recursive: `not`, an aggregate, or nothing."""

    table: str
    through: str
    rule: DraftRule
    literal: Literal


def reads(body: Iterable[Literal]) -> Iterator[Match | NoMatch]:
    """Every literal of a body that reads a table, within disjunctions too."""
    for literal in body:
        match literal:
            case Match() | NoMatch():
                yield literal
            case Either(branches):
                for branch in branches:
                    yield from reads(branch)
            case _:
                pass


def edges(rules: Sequence[DraftRule], tables: Iterable[str]) -> dict[str, list[Edge]]:
    """For each derived table what its rules read of derived tables, in the order of the rules."""
    graph: dict[str, list[Edge]] = {table: [] for table in tables}
    for rule in rules:
        if rule.outline.kind is RuleKind.EFFECT or rule.table not in graph:
            continue
        fold = next((term for term in rule.head or () if isinstance(term, Fold)), None)
        for literal in reads(rule.body):
            if literal.table in graph:
                through = "not" if isinstance(literal, NoMatch) else fold.function if fold else ""
                graph[rule.table].append(Edge(literal.table, through, rule, literal))
    return graph


def strata(graph: Mapping[str, Sequence[Edge]]) -> tuple[Stratum, ...]:
    """The tables in topological order, those that depend on each other together; the same for the same rules."""
    place = {table: index for index, table in enumerate(graph)}
    result = []
    for tables in components({table: [edge.table for edge in found] for table, found in graph.items()}):
        recursive = len(tables) > 1 or any(edge.table == tables[0] for edge in graph[tables[0]])
        result.append(Stratum(tuple(sorted(tables, key=place.__getitem__)), recursive))
    return tuple(result)


def components(graph: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """The strongly connected components of a graph, each after those that it leads to.

    Tarjan, "Depth-first search and linear graph algorithms" (1972), with the stack of calls kept as a list.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    for root in graph:
        calls = [] if root in index else [(root, iter(graph[root]))]
        while calls:
            node, successors = calls[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
                waiting.add(node)
            for successor in successors:
                if successor not in index:
                    calls.append((successor, iter(graph[successor])))
                    break
                if successor in waiting:
                    low[node] = min(low[node], index[successor])
            else:
                calls.pop()
                if calls:
                    parent = calls[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    component = [stack.pop()]
                    while component[-1] != node:
                        component.append(stack.pop())
                    waiting.difference_update(component)
                    yield component


def cycle(graph: Mapping[str, Sequence[Edge]], edge: Edge, within: Iterable[str]) -> list[Edge] | None:
    """The shortest way around that starts with `edge` and stays within a stratum; None if there is none."""
    inside = set(within)
    came: dict[str, Edge | None] = {edge.table: None}
    todo = [edge.table]
    for table in todo:
        if table == edge.rule.table:
            path = []
            while (step := came[table]) is not None:
                path.append(step)
                table = step.rule.table  # noqa: PLW2901 - walking back along the path that was found
            return [edge, *reversed(path)]
        for step in graph[table]:
            if step.table in inside and step.table not in came:
                came[step.table] = step
                todo.append(step.table)
    return None
