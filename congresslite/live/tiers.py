"""
The estate as one engine among others: what a node of the tiers needs of it, and what can be asked of the tiers.

The node has a thread of its own: it is told of each change of the core while nothing else changes, and works on it
later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from congresslite.api import Snapshot
from congresslite.config.models import TierSettings
from congresslite.federation.agreed import ALL_COMMANDS
from congresslite.federation.host import Document, Given, Happened, HeldPolicy, Lapse
from congresslite.federation.questions import Unsure
from congresslite.federation.running import Running
from congresslite.federation.standing import Standing, standing
from congresslite.language.reads import base_tables
from congresslite.live.core import Core
from congresslite.live.events import Hub
from congresslite.live.history import News
from congresslite.live.policies import Policies
from congresslite.live.tier_policies import TierPolicies
from congresslite.live.tier_sources import TierSources
from congresslite.live.values import NOT_PULLED, Caller
from congresslite.policy.conflicts import POLICY as CONFLICTS
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import Changes, Delta, Replacement, Row
from congresslite.schema.times import stamp
from congresslite.store.records import Opened, ViolationRecord
from congresslite.store.store import Store

# What another engine asks as: it sees what this engine tells of all.
NEIGHBOUR = Caller("tier", "viewer")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the tiers ask of the rest of the estate."""

    explain: Callable[[Caller, str], Document | None]
    explain_sides: Callable[[Caller, str], Sequence[Document | None] | None]
    check: Callable[[Mapping[str, str], Sequence[str]], Document]


class Tiers:
    """A Host, over the parts of a running estate."""

    def __init__(
        self, tier: TierSettings, core: Core, *, store: Store, hub: Hub, sources: TierSources, policies: Policies
    ) -> None:
        self.tier = tier
        self._core, self._store, self._hub = core, store, hub
        self._tables, self._sources = sources, sources.all
        self._sources.published = frozenset(tier.publish.values())
        self._policies = TierPolicies(core, store, policies)
        self._asked: Asked | None = None
        self._policies.restore()
        self.running = Running(tier, self)
        policies.told = self.running.node.policies_changed

    def start(self, asked: Asked) -> None:
        """Begin to speak with the others."""
        self._asked = asked
        self.running.start()

    def stop(self) -> None:
        """Speak no more."""
        self.running.stop()

    @property
    def opposing(self) -> frozenset[str]:
        """The tables with what the modal rules of engines below say."""
        return frozenset({ALL_COMMANDS} if self.tier.children else ())

    # -- questions ---------------------------------------------------------------------------------

    def standing(self) -> Standing:
        """Where this engine stands among the others."""
        return standing(self.running)

    def violations(self, level: str | None, engine: str | None) -> Iterator[Document]:
        """The violations and conflicts of one tier or of one engine, this one among them."""
        if level in (None, self.tier.level) and engine in (None, self.tier.name):
            place = {"engine": self.tier.name, "level": self.tier.level}
            yield from ({**json.loads(text), **place} for _, text in self._open())
        yield from self.running.questions.violations(level, engine)

    def engines(self) -> Collection[str]:
        """The names of this engine and of those below that are known."""
        return self.running.questions.engines()

    def unsure(self, level: str | None, engine: str | None) -> Sequence[Unsure]:
        """What is not current of the engines below, of one tier or of one engine."""
        return self.running.questions.unsure(level, engine)

    def explain_below(self, engine: str, id: str) -> Document:
        """Why a violation of an engine below is there. Raises KeyError, NoAnswerError."""
        return self.running.questions.explain(engine, id)

    # -- the host of a node ------------------------------------------------------------------------

    def listen(self, listener: Callable[[Happened], None]) -> Happened:
        """See `Host`."""

        def told(snapshot: Snapshot, changes: Changes | None, news: Sequence[News]) -> None:
            opened: dict[str, tuple[float, Opened | ViolationRecord]] = {}
            resolved: list[str] = []
            for each in news:
                # What is told otherwise goes as it was, and comes as it is.
                for id_ in (*each.resolved, *(one.id for one in each.revised)):
                    opened.pop(id_, None)
                    resolved.append(id_)
                opened |= {one.id: (each.at, one) for one in each.opened}
                opened |= {one.id: (one.first_seen, one) for one in each.revised}
            listener(Happened(snapshot, changes, _Documents(opened), resolved))

        with self._core.lock:
            self._core.listen(told)
            return Happened(self._core.snapshot(), None, dict(self._open()))

    def snapshot(self) -> Snapshot:
        """See `Host`."""
        return self._core.snapshot()

    def apply(self, changes: Mapping[str, Delta | Replacement], seen: Iterable[str]) -> None:
        """See `Host`."""
        unseen = self._core.history.unseen & frozenset(seen)
        if changes or unseen:
            with self._core.lock:
                self._core.apply(changes, seen=unseen)
                self._tables.changed(changes, unseen)

    def oppose(self, foreign: Sequence[ForeignRule]) -> None:
        """See `Host`."""
        self._core.oppose(foreign)

    def policies(self) -> Sequence[HeldPolicy]:
        """See `Host`."""
        return self._policies.held()

    def hand(self, wanted: Mapping[str, Given], *, own: bool) -> Mapping[str, str]:
        """See `Host`."""
        refused = self._policies.hand(wanted, own=own)
        self._sources.want()
        return refused

    def lapses(self) -> Sequence[Lapse]:
        """See `Host`."""
        return [
            Lapse(source.name, feed.name, feed.health, feed.since, _why(feed.findings), feed.tables)
            for source in self._sources.statuses()
            for feed in source.feeds
            if feed.health in ("stale", "pending", "held_back")
        ]

    def known(self, tables: Iterable[str]) -> bool:
        """See `Host`."""
        rests = base_tables(self._core.snapshot().program)
        unseen = self._core.history.unseen
        return not any(rests.get(each, frozenset({each})) & unseen for each in tables)

    def note(self, child: str, table: str, why: str | None) -> None:
        """See `Host`."""
        if self._tables.note(child, table, why):
            self._hub.publish_sources()

    def remembered(self, child: str) -> Mapping[str, Iterable[Row]]:
        """See `Host`."""
        return self._tables.memory.load(child)

    def remember(self, child: str, relations: Mapping[str, Iterable[Row]]) -> None:
        """See `Host`."""
        self._tables.memory.save(child, relations)

    def explain(self, id: str) -> Document | None:
        """See `Host`."""
        assert self._asked is not None, "it has not started"
        records = self._store.violations.open_of([id])
        if not records:
            return None
        if records[0].rule.policy == CONFLICTS:
            sides = self._asked.explain_sides(NEIGHBOUR, id)
            return None if sides is None else {"sides": list(sides)}
        proof = self._asked.explain(NEIGHBOUR, id)
        return None if proof is None else {"proof": dict(proof)}

    def check(self, policies: Mapping[str, str], remove: Sequence[str]) -> Document:
        """See `Host`."""
        assert self._asked is not None, "it has not started"
        return self._asked.check(policies, remove)

    def _open(self) -> Iterator[tuple[str, str]]:
        violations = self._store.violations
        for policy, rule in violations.open_numbers():
            for record in violations.open_of(sorted(violations.ids_of(policy, rule))):
                yield record.id, _text(record, record.first_seen)


class _Documents(Mapping[str, str]):
    """Violations that came, as JSON; made by whoever first looks, not by whoever changes something."""

    def __init__(self, opened: Mapping[str, tuple[float, Opened | ViolationRecord]]) -> None:
        self._opened = opened

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {id_: _text(each, at) for id_, (at, each) in self._opened.items()}

    def __getitem__(self, id: str) -> str:
        return self._texts[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _text(told: Opened | ViolationRecord, at: float) -> str:
    rule = told.rule
    return json.dumps(
        {
            "id": told.id,
            "policy": rule.policy,
            "rule": rule.rule,
            "kind": rule.kind,
            "severity": rule.severity,
            "mode": rule.mode,
            "table": rule.table,
            "columns": list(rule.columns),
            "row": list(told.row),
            "object": told.object,
            "tenant": told.tenant,
            "site": told.site,
            "message": told.message,
            "first_seen": stamp(at),
            "file": rule.file,
            "line": rule.line,
            # For whoever is above, who learns which sources are not current.
            "sources": sorted({table.partition(":")[0] for table in rule.tables}),
        }
    )


def _why(findings: Sequence[object]) -> str:
    return "; ".join(str(getattr(each, "message", each)) for each in findings) or NOT_PULLED
