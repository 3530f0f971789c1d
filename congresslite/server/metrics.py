"""
Metrics for Prometheus: what the estate tells at the moment it is asked, and what was counted of requests.

The rule to keep: labels are names that people gave (policies, sources), never
ids of resources, so that their number stays small.
"""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from congresslite import __version__
from congresslite.enforcement.enforcer import Enforcer
from congresslite.live import Caller, Counted, Health, LiveEstate
from congresslite.policy.conflicts import POLICY
from congresslite.policy.waivers import holds
from congresslite.store.errors import AwayError
from congresslite.store.records import VIOLATIONS, ActionRecord

# Conflicts are told of rules that say what is wrong, and of rules that only contradict each other.
KINDS = (*VIOLATIONS, "conflict")


class Requests:
    """What is counted of requests, for one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._total = Counter(
            "congresslite_http_requests", "Requests.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "congresslite_http_request_duration_seconds",
            "How long requests took.",
            ("method", "route"),
            registry=self.registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self._total.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class EstateCollector(Collector):
    """The estate as a caller may see it."""

    def __init__(self, estate: LiveEstate, caller: Caller, now: float) -> None:
        self._estate, self._caller, self._now = estate, caller, now

    def collect(self) -> Iterator[Metric]:
        """Everything that can be told now."""
        kept = self._kept()
        yield InfoMetricFamily("congresslite_build", "The version that runs.", {"version": __version__})
        changed, seconds = self._estate.last_change
        for name, told, value in (
            ("ready", "Whether answers can be given.", float(self._estate.ready()[0])),
            ("event_streams", "Event streams that are open.", self._estate.watchers),
            ("evaluation_last_success_timestamp_seconds", "When answers last changed.", changed),
            ("evaluation_duration_seconds", "How long the last change took.", seconds),
        ):
            family = GaugeMetricFamily(f"congresslite_{name}", told)
            family.add_metric((), value)
            yield family
        yield from kept
        yield from self._sources()
        yield self._undetermined()
        yield from self._tiers()
        yield from self._actions()

    def _kept(self) -> Sequence[Metric]:
        """What only the store knows: nothing while it is away, which `congresslite_ready` tells then."""
        try:
            counted = self._estate.counts(self._caller, KINDS)
            return self._violations(counted), self._conflicts(counted), self._waivers()
        except AwayError:
            return ()

    def _violations(self, counted: Sequence[Counted]) -> Metric:
        names = ("policy", "severity", "mode", "state")
        family = GaugeMetricFamily("congresslite_violations", "Violations that are open or waived.", labels=names)
        tally: Tally[tuple[str, ...]] = Tally()
        for each in counted:
            if each.kind not in VIOLATIONS:
                continue
            tally[each.policy, each.severity, each.mode, "open"] += each.open
            tally[each.policy, each.severity, each.mode, "waived"] += each.waived
        for labels, count in sorted(tally.items()):
            family.add_metric(labels, count)
        return family

    def _conflicts(self, counted: Sequence[Counted]) -> Metric:
        family = GaugeMetricFamily("congresslite_conflicts", "Conflicts that are there.", labels=("state",))
        found = [each for each in counted if each.policy == POLICY]
        family.add_metric(("open",), sum(each.open for each in found))
        family.add_metric(("waived",), sum(each.waived for each in found))
        return family

    def _sources(self) -> Iterator[Metric]:
        sync = GaugeMetricFamily(
            "congresslite_source_last_sync_timestamp_seconds",
            "When the feed of the source that is longest out of date was last pulled well.",
            labels=("source",),
        )
        health = GaugeMetricFamily("congresslite_source_feeds", "Feeds by health.", labels=("source", "health"))
        for source in self._estate.sources():
            pulled = [feed.last_success for feed in source.feeds if feed.last_success is not None]
            if pulled:
                sync.add_metric((source.name,), min(pulled))
            tally = Tally(feed.health for feed in source.feeds)
            for each in get_args(Health):
                health.add_metric((source.name, each), tally[each])
        yield sync
        yield health

    def _undetermined(self) -> Metric:
        family = GaugeMetricFamily(
            "congresslite_policies_undetermined", "Policies whose answers rest on tables that are not current."
        )
        policies = {policy for each in self._estate.undetermined() for policy in each.policies}
        family.add_metric((), len(policies))
        return family

    def _waivers(self) -> Metric:
        family = GaugeMetricFamily("congresslite_waivers", "Waivers.", labels=("state",))
        waivers = self._estate.waivers()
        holding = sum(holds(waiver, self._now) for waiver in waivers)
        family.add_metric(("active",), holding)
        family.add_metric(("lapsed",), len(waivers) - holding)
        return family

    def _tiers(self) -> Iterator[Metric]:
        if self._estate.tiers is None:
            return
        told = self._estate.tiers.standing()
        links = [*(child.neighbour for child in told.children), *(() if told.parent is None else (told.parent,))]
        connected = GaugeMetricFamily(
            "congresslite_tier_connected", "Whether an engine above or below is heard.", labels=("engine",)
        )
        for each in links:
            connected.add_metric((each.name,), float(each.connected))
        refused = CounterMetricFamily("congresslite_tier_refusals", "What was not taken of others.", labels=("code",))
        tally = Tally(dict.fromkeys(("CL361", "CL362", "CL363", "CL365", "CL366"), 0))
        for refusal in told.refusals:
            tally[refusal.code] += refusal.count
        for code, count in sorted(tally.items()):
            refused.add_metric((code,), count)
        yield connected
        yield refused

    def _actions(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "congresslite_actions_open", "Actions that are not over, by state.", labels=("action", "state")
        )
        # The journal has them at hand; the store would count years of those that ended.
        tally = Tally((each.action, each.state) for each in self._estate.actions.journal.live() if not each.ended)
        for labels, count in sorted(tally.items()):
            waiting.add_metric(labels, count)
        paused = GaugeMetricFamily("congresslite_actions_paused", "How much is paused: everything, targets, policies.")
        paused.add_metric((), len(self._estate.actions.pauses))
        yield waiting
        yield paused


class Outcomes:
    """How actions ended, counted from the first time that somebody asked for metrics."""

    def __init__(self, requests: Requests) -> None:
        self._total = Counter(
            "congresslite_actions", "Actions that ended.", ("policy", "action", "outcome"), registry=requests.registry
        )
        self._lock = threading.Lock()
        self._following = False

    def follow(self, enforcer: Enforcer) -> None:
        """Count what ends from now on; once is enough."""
        with self._lock:
            if not self._following:
                self._following = True
                enforcer.listen(self.take)

    def take(self, records: Sequence[ActionRecord]) -> None:
        """Actions that changed: one that is over may change once more, when nothing commands it any longer."""
        for each in records:
            if each.ended and each.changed_at == each.ended_at:
                self._total.labels(each.policy, each.action, each.state).inc()


def exposition(requests: Requests, collector: Collector) -> bytes:
    """Everything in the text format of Prometheus."""
    now = CollectorRegistry()
    now.register(collector)
    return generate_latest(requests.registry) + generate_latest(now)
