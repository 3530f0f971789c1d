"""Tiers: where an engine stands among the others."""

from __future__ import annotations

from typing import Literal

from congresslite.federation.refusals import Refusal as KnownRefusal
from congresslite.federation.standing import Became as KnownBecame
from congresslite.federation.standing import Below as KnownBelow
from congresslite.federation.standing import Child as KnownChild
from congresslite.federation.standing import Neighbour as KnownNeighbour
from congresslite.federation.standing import Standing
from congresslite.schema.times import stamp
from congresslite.server.schemas.common import Finding, Strict, Time, findings_of


class Neighbour(Strict):
    """The parent or a child. `behind` is how many changes it still lacks, null if that is not known."""

    name: str
    connected: bool
    silent_s: float | None
    behind: int | None
    fault: str | None

    @classmethod
    def of(cls, known: KnownNeighbour) -> Neighbour:
        """A neighbour as it is sent."""
        silent = None if known.silent is None else round(known.silent, 3)
        return cls(
            name=known.name, connected=known.connected, silent_s=silent, behind=known.behind, fault=known.fault
        )  # fmt: skip


class Handed(Strict):
    """What became of a policy that was handed down, at one engine."""

    engine: str
    policy: str
    etag: str
    became: Literal["applied", "refused"]
    why: str | None

    @classmethod
    def of(cls, known: KnownBecame) -> Handed:
        """What became of a policy, as it is sent."""
        became: Literal["applied", "refused"] = "applied" if known.became == "applied" else "refused"
        return cls(engine=known.engine, policy=known.policy, etag=known.etag, became=became, why=known.why)


class EngineBelow(Strict):
    """An engine below, with how many violations and conflicts it publishes."""

    engine: str
    level: str
    parent: str | None
    violations: int

    @classmethod
    def of(cls, known: KnownBelow) -> EngineBelow:
        """An engine as it is sent."""
        return cls(engine=known.engine, level=known.level, parent=known.parent, violations=known.violations)


class Child(Strict):
    """A child, the engines below it, its tables that are not current and why, and what became of what it was handed."""

    link: Neighbour
    engines: list[EngineBelow]
    not_current: dict[str, str]
    handed: list[Handed]

    @classmethod
    def of(cls, known: KnownChild) -> Child:
        """A child as it is sent."""
        return cls(
            link=Neighbour.of(known.neighbour),
            engines=[EngineBelow.of(each) for each in known.engines],
            not_current=known.lapses,
            handed=[Handed.of(each) for each in known.handed],
        )


class Refusal(Strict):
    """Something that was not taken, from whom, and how often."""

    code: str
    peer: str
    what: str
    count: int
    first: Time
    last: Time

    @classmethod
    def of(cls, known: KnownRefusal) -> Refusal:
        """A refusal as it is sent."""
        return cls(
            code=known.code,
            peer=known.peer,
            what=known.what,
            count=known.count,
            first=stamp(known.first),
            last=stamp(known.last),
        )


class Tiers(Strict):
    """Where this engine stands. `handed` is what it was handed itself; `findings` are about its translation."""

    engine: str
    level: str
    levels: list[str]
    lease_s: float
    parent: Neighbour | None
    children: list[Child]
    handed: list[Handed]
    refusals: list[Refusal]
    findings: list[Finding]
    messages_lost: int

    @classmethod
    def of(cls, known: Standing) -> Tiers:
        """Where an engine stands, as it is sent."""
        return cls(
            engine=known.engine,
            level=known.level,
            levels=list(known.levels),
            lease_s=known.lease,
            parent=None if known.parent is None else Neighbour.of(known.parent),
            children=[Child.of(each) for each in known.children],
            handed=[Handed.of(each) for each in known.handed],
            refusals=[Refusal.of(each) for each in known.refusals],
            findings=findings_of(known.findings),
            messages_lost=known.lost,
        )
