"""
The estate as whoever serves it sees it: everything that can be asked of it, and everything that can be told to it.

This is the interface of the server and of the console. Questions may come from
any thread; what changes something returns when it is durable and applied, or
raises with nothing changed. A KeyError means that there is nothing of that
name; what is wrong with what a caller gave is a CongressliteError.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from congresslite.analysis.declared import with_declared
from congresslite.analysis.limits import MaxAffected
from congresslite.analysis.outcome import Simulation
from congresslite.analysis.precommit import Context
from congresslite.analysis.simulation import simulate
from congresslite.api import Snapshot
from congresslite.config.models import Config
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.enforcement.enforcer import Enforcer
from congresslite.language.reads import effect_tables
from congresslite.live.actions import Acting
from congresslite.live.checks import Checks, Proposal
from congresslite.live.core import Core
from congresslite.live.documents import undetermined_document
from congresslite.live.events import Hub, Watcher
from congresslite.live.health import Esc, Life, esc
from congresslite.live.lifecycle.lifecycle import Lifecycle, refused_whole
from congresslite.live.lifecycle.tables import SOURCE as LIFECYCLE
from congresslite.live.logs import LogLines
from congresslite.live.looking import Looking
from congresslite.live.policies import Policies
from congresslite.live.pushed import PushedTables, RowChange
from congresslite.live.questions import Questions
from congresslite.live.registry import Registry
from congresslite.live.sources import Sources
from congresslite.live.tiers import Asked, Tiers
from congresslite.live.values import (
    NOTHING_NAMED,
    Caller,
    Counted,
    Looked,
    NotYoursError,
    Pushed,
    Rows,
    SourceStatus,
    TableInfo,
    Undetermined,
)
from congresslite.live.waivers import Waivers
from congresslite.policy.conflicts import POLICY as CONFLICTS
from congresslite.policy.conflicts.told import Conflict
from congresslite.schema import RowsTable
from congresslite.sources.drivers.push import PushDriver
from congresslite.store.lease import SharedLease
from congresslite.store.records import (
    VIOLATIONS,
    AuditRecord,
    CheckRecord,
    LogFilter,
    LogRecord,
    Page,
    PolicyVersion,
    ViolationFilter,
    ViolationRecord,
    WaiverRecord,
)
from congresslite.store.store import Store

log = structlog.get_logger("congresslite.estate")


@dataclass(frozen=True, slots=True)
class Parts:
    """What an estate is made of; `opening.open_estate` makes them."""

    config: Config
    store: Store
    core: Core
    hub: Hub
    sources: Sources
    pushed: PushedTables
    policies: Policies
    waivers: Waivers
    acting: Acting
    lifecycle: Lifecycle
    tiers: Tiers | None = None
    lease: SharedLease | None = None  # none where no other process could lead


class LiveEstate:
    """The running estate."""

    def __init__(self, parts: Parts) -> None:
        self._config, self._store, self._core = parts.config, parts.store, parts.core
        self._hub, self._sources, self._pushed = parts.hub, parts.sources, parts.pushed
        self._policies, self._waivers = parts.policies, parts.waivers
        self._registry = Registry(parts.store, parts.sources, parts.core, parts.pushed)
        self._looking = Looking(parts.sources)
        self._questions = Questions(parts.core, parts.store, parts.sources, self._looking, parts.waivers)
        self._checks = Checks(parts.core, parts.store, parts.policies, self._context)
        self._acting, self._lifecycle = parts.acting, parts.lifecycle
        self._tiers = parts.tiers
        self._lease = parts.lease
        self._lines: LogLines | None = None
        if self._tiers is not None:
            self._checks.below = self._tiers.running.questions.check
        self._ending = threading.Event()
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def _context(self, texts: Collection[str]) -> Context:
        """What a check of policies with these texts needs to know of the estate; what they name is pulled first.

        Whoever calls does not hold the core's lock.
        """
        limit = self._config.max_affected
        opposing: frozenset[str] = frozenset() if self._tiers is None else self._tiers.opposing
        return Context(
            owners=self._sources.owners,
            undetermined=self._not_current(self._look_for(texts, opposing)),
            opposing=opposing,
            max_affected=MaxAffected(limit.amount, limit.percent),
            targets=self._sources.targets,
        )

    def _look_for(self, texts: Collection[str], more: frozenset[str] = frozenset(), *, bare: bool = False) -> Looked:
        """Pull what texts name and no rule reads, what the effects of actions in them speak of, and more tables."""
        program = with_declared(self._core.snapshot(), self._sources.targets, texts)
        return self._looking.look(self._looking.named(texts, bare=bare) | effect_tables(program) | more)

    def _not_current(self, looked: Looked) -> tuple[Mapping[str, Any], ...]:
        return tuple(map(undetermined_document, self._questions.undetermined(looked)))

    # -- questions -------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The engine's latest state."""
        return self._core.snapshot()

    def violations(
        self,
        caller: Caller,
        wanted: ViolationFilter,
        *,
        sort: str = "-first_seen",
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """A page of violations. `sort`: first_seen, severity, policy, object, each with `-` for the other way round."""
        return self._questions.violations(caller, wanted, sort, limit, cursor)

    def violation(self, caller: Caller, id: str) -> tuple[ViolationRecord, ...]:
        """The episodes of a violation, the latest first. Raises KeyError."""
        return self._questions.violation(caller, id)

    def explain(self, caller: Caller, id: str) -> Mapping[str, Any] | None:
        """The proof of an open violation as a document (`as_json`), what a tenant may not see left out.

        None if it is not open any more. Each step of a source row has `as_of`. Raises KeyError.
        """
        return self._questions.explain(caller, id)

    def counts(self, caller: Caller, kinds: Collection[str] = VIOLATIONS) -> tuple[Counted, ...]:
        """The open violations by rule and point of presence; they may be a second old. `conflict` is a kind too."""
        return self._questions.counts(caller, kinds)

    def conflicts(
        self,
        caller: Caller,
        wanted: ViolationFilter,
        *,
        sort: str = "-first_seen",
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """A page of conflicts, as `violations` gives them; those that are violations too are among them."""
        wanted = replace(wanted, policies=(CONFLICTS,), kinds=())
        return self._questions.violations(caller, wanted, sort, limit, cursor)

    def conflict(self, record: ViolationRecord) -> Conflict | None:
        """Both sides of a conflict, and which of them wins; None if the rules do not contradict each other any more."""
        return self._questions.conflict(record)

    def explain_sides(self, caller: Caller, id: str) -> tuple[Mapping[str, Any] | None, ...] | None:
        """The proofs of both sides of a conflict (None for one of another engine); None if it is not open any more.

        Not for a tenant, whose view leaves out the rows of others. Raises KeyError, NotYoursError.
        """
        if caller.tenant is not None:
            raise NotYoursError("the proofs of a conflict range over the objects of all tenants")
        return self._questions.explain_sides(caller, id)

    def sources(self) -> tuple[SourceStatus, ...]:
        """The sources and how current their tables are, by name."""
        return self._sources.statuses()

    def current(self, tables: Sequence[str]) -> float | None:
        """Of when what rests on these tables of sources is; None while one of them was never pulled."""
        return self._questions.current(tables)

    def undetermined(self, looked: Looked = NOTHING_NAMED) -> tuple[Undetermined, ...]:
        """What cannot be told at the moment of what policies read and of what was looked at, each feed once, and why.

        Empty if every answer is current.
        """
        return self._questions.undetermined(looked)

    def tables(self, caller: Caller) -> tuple[TableInfo, ...]:
        """The tables that the caller may see, by name."""
        return self._questions.tables(caller)

    def table(self, caller: Caller, name: str) -> TableInfo:
        """One table. Raises KeyError, also for one that the caller may not see."""
        return self._questions.table(caller, name)

    def rows(
        self, caller: Caller, table: str, *, where: Mapping[str, str] | None = None, offset: int = 0, limit: int = 100
    ) -> Rows:
        """Rows of a table whose columns in `where` read as these texts; a table that no rule reads is pulled first."""
        return self._questions.rows(caller, table, where or {}, offset, limit)

    def look(self, text: str) -> Looked:
        """Pull what a text of the language names and no rule reads, and say what of it is not current."""
        return self._looking.look(self._looking.named([text]))

    def query(self, caller: Caller, text: str, *, limit: int = 1000) -> Rows:
        """The rows of a query, of tables as they are; `look` first. Raises PolicyError, NotYoursError for a tenant."""
        return self._questions.query(caller, text, limit)

    def simulate(self, caller: Caller, steps: Sequence[str], *, limit: int = 100) -> Simulation:
        """What these steps would do, one after the other. Nothing changes, and nobody waits.

        Raises PolicyError for steps that are not right, NotYoursError for a tenant.
        """
        if caller.tenant is not None:
            raise NotYoursError("a simulation ranges over the objects of all tenants")
        stale = self._not_current(self._look_for(steps, bare=True))
        found = simulate(
            self._core.engine, steps, owners=self._sources.owners, targets=self._sources.targets, limit=limit
        )
        return replace(found, undetermined=stale)

    @property
    def actions(self) -> Enforcer:
        """What is done about what the policies command, and what people decide of it."""
        return self._acting.enforcer

    @property
    def tiers(self) -> Tiers | None:
        """The engine's place among others; None if it stands alone."""
        return self._tiers

    def watch(self, caller: Caller, after: int | None = None) -> Watcher:
        """Events as they come, those after batch `after` first; None now and then, so that a dead peer is noticed.

        Ends when the estate stops; is to be closed. Raises RuntimeError if too many watch already.
        """
        return self._hub.watch(caller.tenant, after)

    # -- policies --------------------------------------------------------------------------------

    def policies(self) -> tuple[PolicyVersion, ...]:
        """The current version of each policy, by name."""
        return self._policies.current()

    def policy_versions(self, name: str) -> tuple[PolicyVersion, ...]:
        """All versions of a policy, the latest first. Raises KeyError."""
        return self._policies.versions(name)

    def put_policy(self, caller: Caller, name: str, text: str, etag: str | None) -> PolicyVersion:
        """Add a policy (`etag` None) or replace the version with this etag. Raises PolicyError, ConflictError."""
        version = self._policies.put(self._core, caller, name, text, etag)
        self._sources.want()
        return version

    def remove_policy(self, caller: Caller, name: str, etag: str) -> None:
        """Remove a policy; its violations are resolved. Raises KeyError, PolicyError, ConflictError."""
        self._policies.remove(self._core, caller, name, etag)
        self._sources.want()

    def check_policies(self, caller: Caller, proposal: Proposal) -> CheckRecord:
        """What would follow if policies went in and others went out. Nothing changes; the check is kept by its id."""
        return self._checks.make(caller, proposal)

    def checks(self) -> tuple[CheckRecord, ...]:
        """The checks that are kept, the latest first."""
        return self._store.checks.all()

    def check(self, id: str) -> CheckRecord:
        """A check that is kept. Raises KeyError."""
        return self._store.checks.get(id)

    def apply_check(self, caller: Caller, id: str) -> tuple[PolicyVersion, ...]:
        """Commit exactly what was checked, in one change; gives the versions that it made.

        Raises KeyError, RefusedCheckError if it would not be the same any more or is rejected, ConflictError.
        """
        versions = self._checks.apply(caller, id)
        self._sources.want()
        return versions

    # -- sources ---------------------------------------------------------------------------------

    def put_source(self, caller: Caller, name: str, settings: Mapping[str, Any], etag: str | None) -> SourceStatus:
        """Add (`etag` None) or replace a source. Raises SourceError for settings that are not right, ConflictError."""
        return self._registry.put(caller, name, settings, etag)

    def source_settings(self, name: str) -> tuple[Mapping[str, Any], str]:
        """The settings of a source, secrets masked, and its etag. Raises KeyError."""
        return self._registry.settings(name)

    def remove_source(self, caller: Caller, name: str, etag: str) -> None:
        """Remove a source; policies that read its tables must go first (PolicyError otherwise). Raises KeyError."""
        self._registry.remove(caller, name, etag)

    def refresh(self, caller: Caller, name: str, *, feed: str | None = None, accept_empty: bool = False) -> None:
        """Pull now, and wait for it; with `accept_empty`, also what empties a table or a column is taken.

        Raises KeyError, SourceError.
        """
        runner = self._sources[name].runner
        if runner is None:
            raise SourceError(_not_pulled(name))
        runner.refresh(feed, accept_empty=accept_empty)

    def put_rows(self, caller: Caller, source: str, table: str, rows: Iterable[Mapping[str, Any]]) -> Pushed:
        """Replace a pushed table by these rows (objects by column). Raises KeyError, SourceError."""
        if source == LIFECYCLE:
            raise refused_whole()
        driver = self._push_driver(source)
        schema = driver.schemas[table]
        return self._pushed.replace(source, schema, RowsTable(schema, driver.rows(table, rows)))

    def push_rows(
        self,
        caller: Caller,
        source: str,
        table: str,
        upsert: Sequence[Mapping[str, Any]] = (),
        delete: Sequence[Mapping[str, Any]] = (),
    ) -> Pushed:
        """Rows that come, in place of those with the same keys, and rows that go (objects with at least their keys)."""
        if source == LIFECYCLE:
            return self._lifecycle.report(table, upsert, delete)
        driver = self._push_driver(source)
        schema = driver.schemas[table]
        change = RowChange(schema, driver.rows(table, upsert), driver.keys(table, delete))
        return self._pushed.change(source, [change])

    def webhook(self, caller: Caller, source: str, hook: str, body: Any) -> Pushed:
        """Take what another system posted, as the source's definition maps it. Raises KeyError, SourceError."""
        self.find_hook(source, hook)
        driver = self._sources[source].driver
        if not isinstance(driver, PushDriver):
            driver.notified(body)  # type: ignore[attr-defined]  # who is called back takes it
            return Pushed(0, 0, 0)
        found = driver.hook(hook, body).items()
        changes = [RowChange(driver.schemas[table], each.upserts, each.deletes) for table, each in found]
        return self._pushed.change(source, changes)

    def find_hook(self, source: str, hook: str) -> None:
        """Nothing, if what is posted to a hook of a source is taken. Raises KeyError."""
        driver = self._sources[source].driver
        # Who subscribed gave an address of their own choice.
        found = hook in driver.hooks if isinstance(driver, PushDriver) else getattr(driver, "called_back", False)
        if not found:
            raise KeyError(hook)

    def _push_driver(self, source: str) -> PushDriver:
        driver = self._sources[source].driver
        if not isinstance(driver, PushDriver):
            raise SourceError(_not_pushed(source))
        return driver

    # -- waivers and the audit -------------------------------------------------------------------

    def waivers(self) -> tuple[WaiverRecord, ...]:
        """All waivers, those that lapsed too."""
        return self._waivers.all()

    def add_waiver(self, caller: Caller, waiver: WaiverRecord) -> WaiverRecord:
        """Grant a waiver; returns it with its id. Raises SourceError for one that could never hold."""
        return self._waivers.add(caller, waiver)

    def remove_waiver(self, caller: Caller, id: str) -> None:
        """Revoke a waiver. Raises KeyError."""
        self._waivers.remove(id)

    def audit(
        self, caller: Caller, action: str, target: str, outcome: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Record who changed what, and how it went; `detail` holds no secret."""
        self._store.audit.append(
            at=time.time(),
            actor=caller.name,
            role=caller.role,
            action=action,
            target=target,
            outcome=outcome,
            detail=detail,
            address=caller.address,
            request=caller.request,
        )

    def audits(self, *, limit: int = 100, before: int | None = None) -> tuple[AuditRecord, ...]:
        """Records of the audit, the latest first; those before a number."""
        return self._store.audit.page(limit, before)[0]

    def keep_log(self, lines: LogLines) -> None:
        """Write lines of the log to the store from now on, until the estate stops."""
        self._lines = lines
        lines.attach(self._store.logs)

    def logs(
        self, wanted: LogFilter, *, limit: int = 100, before: int | None = None
    ) -> tuple[tuple[LogRecord, ...], int | None]:
        """Lines of the log, the latest first, those before a number; and the number for the next page, or None."""
        return self._store.logs.page(wanted, limit=limit, before=before)

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to pull and to listen."""
        self._sources.start(self._core)
        self._keeper.start()
        if self._tiers is not None:
            asked = Asked(self._questions.explain, self._questions.explain_sides, self._checks.report)
            self._tiers.start(asked)
        self._acting.start()
        self._lifecycle.start()

    def stop(self) -> None:
        """End every thread, write what is pending, and close the store; returns within seconds."""
        self._ending.set()
        self._hub.close()
        self._lifecycle.stop()
        self._acting.stop()
        if self._tiers is not None:
            self._tiers.stop()
        self._sources.stop()
        if self._keeper.is_alive():
            self._keeper.join(5.0)
        if self._lines is not None:
            self._lines.flush()
        self._store.close()

    def close_streams(self) -> None:
        """End every watch, and let nobody watch any more."""
        self._closing.set()
        self._hub.close()

    def ready(self) -> tuple[bool, str]:
        """Whether answers can be given, and if not why."""
        if self._ending.is_set():
            return False, "it is stopping"
        away = self._away()
        return not away, away

    def esc(self) -> Esc:
        """The health of the manager itself, as tools of the field read it."""
        if self._ending.is_set():
            engine = "it is stopping"
        else:
            engine = self._away() if self._keeper.is_alive() else "it does not run"
        life = Life(engine, self._closing.is_set(), self._config.standby.enabled)
        return esc(life, self._sources, self._lease)

    def _away(self) -> str:
        """Why nothing can be kept or looked up at the moment; empty if it can."""
        if self._lease is not None and not self._lease.held():
            return "the lease is not renewed, so nothing is done"
        return "" if self._store.answers() else "its database does not answer"

    @property
    def last_change(self) -> tuple[float, float]:
        """When something last changed, and how many seconds that took."""
        return self._core.last_change, self._core.seconds

    @property
    def watchers(self) -> int:
        """How many watch."""
        return self._hub.watchers

    def _keep(self) -> None:
        """Now and then: write the cache, take off waivers that lapsed, drop history that is too old."""
        while not self._ending.wait(self._config.history.snapshot_every):
            try:
                self._sources.flush()
                self._waivers.sweep()
                self._core.advance()
                self._core.renew()
                self._store.violations.prune(time.time() - self._config.history.keep)
                self._store.actions.prune(time.time() - self._config.enforcement.keep)
            except Exception:
                log.exception("keeping failed; it is tried again")


def _not_pulled(name: str) -> Diagnostic:
    return Diagnostic("CL581", f"source `{name}` is not pulled: others push its rows", None, "push them", place=name)


def _not_pushed(name: str) -> Diagnostic:
    hint = "push rows to a source of the driver `push`"
    return Diagnostic(
        "CL581", f"source `{name}` pulls its rows itself, and takes none from others", None, hint, place=name
    )
