"""Standing: where an engine stands among the others just now, as it is told to whoever asks."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from congresslite.diagnostics import Diagnostic
from congresslite.federation.links import Link
from congresslite.federation.refusals import Refusal
from congresslite.federation.relations import ENGINES, HANDED, VIOLATIONS
from congresslite.federation.running import Running
from congresslite.schema import Row


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a policy that was handed down, at one engine."""

    engine: str
    policy: str
    etag: str
    became: str  # "applied" or "refused"
    why: str | None


@dataclass(frozen=True, slots=True)
class Below:
    """An engine below: its tier, its parent, and how many violations and conflicts it publishes."""

    engine: str
    level: str
    parent: str | None
    violations: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The parent or a child. `silent` is for how many seconds nothing was heard of it (None: nothing yet); `behind`
    how many changes it still lacks (None: not known); `fault` why the bus to it does not work.
    """

    name: str
    connected: bool
    silent: float | None
    behind: int | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Child:
    """A child, the engines below it, what of it is not current, and what became of what it was handed."""

    neighbour: Neighbour
    engines: tuple[Below, ...]
    lapses: dict[str, str]
    handed: tuple[Became, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The place of an engine. `handed` is what it was handed itself, `findings` are about its translation."""

    engine: str
    level: str
    levels: tuple[str, ...]
    lease: float
    parent: Neighbour | None
    children: tuple[Child, ...]
    handed: tuple[Became, ...]
    refusals: tuple[Refusal, ...]
    findings: tuple[Diagnostic, ...]
    lost: int  # messages that were thrown away, since too many waited


def standing(running: Running) -> Standing:
    """Where an engine stands. Any thread may ask."""
    node, tier, faults = running.node, running.tier, running.faults()
    now = time.monotonic()
    return Standing(
        tier.name,
        tier.level,
        tier.levels,
        tier.lease,
        None if node.parent is None else _neighbour(node.parent, faults, now),
        tuple(_child(running, child, faults, now) for child in tier.children),
        () if node.handed is None else _became(tuple(node.handed.became)),
        node.refusals.all(),
        node.findings,
        running.lost,
    )


def _neighbour(link: Link, faults: dict[str, str], now: float) -> Neighbour:
    name, heard = link.peer.name, link.heard
    silent = None if heard is None else max(0.0, now - heard)
    connected = silent is not None and silent <= link.peer.lease
    return Neighbour(name, connected, silent, link.behind, faults.get(name))


def _child(running: Running, child: str, faults: dict[str, str], now: float) -> Child:
    node = running.node
    small = node.received[child].small
    counted = Counter(str(row[0]) for row in tuple(small[VIOLATIONS]))
    engines = [
        Below(str(name), str(level), None if parent is None else str(parent), counted[str(name)])
        for name, level, parent in sorted(small[ENGINES], key=repr)
    ]
    lapses = {name: why for name in node.agreed if (why := node.lapse(child, name, now)) is not None}
    return Child(_neighbour(node.links[child], faults, now), tuple(engines), lapses, _became(tuple(small[HANDED])))


def _became(rows: tuple[Row, ...]) -> tuple[Became, ...]:
    return tuple(Became(*row) for row in sorted(rows, key=repr))  # type: ignore[arg-type]  # rows have been looked at
