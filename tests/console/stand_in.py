"""
An estate in memory that the console can be looked at with: real tables, rules and proofs, invented times and faults.

Its tables are those of the example estate, and beside them a source `wild`, whose
names are as hostile as names can be, and `net`, a long chain. `python -m
tests.console.stand_in` serves it on a port of its own.
"""

# ruff: noqa: D102 - its methods are those of LiveEstate

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from contextlib import ExitStack, closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from flask import Flask, g

from congresslite import Engine
from congresslite.analysis.belonging import Belonging
from congresslite.api import Snapshot
from congresslite.config.enforcement import EnforcementSettings
from congresslite.config.models import MaxAffectedSettings
from congresslite.diagnostics import Diagnostic
from congresslite.enforcement.enforcer import Enforcer
from congresslite.enforcement.host import Alone
from congresslite.enforcement.targets import Targets
from congresslite.engine.explanation import as_json
from congresslite.language.reads import base_tables
from congresslite.live import (
    NOTHING_NAMED,
    Caller,
    Counted,
    FeedStatus,
    Health,
    LiveEstate,
    Looked,
    Rows,
    SourceStatus,
    TableInfo,
    Undetermined,
)
from congresslite.live.events import Happened, Hub, Watcher
from congresslite.policy import Policy
from congresslite.policy.conflicts.told import Conflict
from congresslite.schema.times import stamp
from congresslite.server.console import console_blueprint
from congresslite.server.console.filters import WORST_FIRST, state_of
from congresslite.server.console.sessions import Authenticate
from congresslite.share import share
from congresslite.store.records import (
    ENDED,
    VIOLATIONS,
    ActionRecord,
    ActionState,
    Batch,
    Page,
    PolicyVersion,
    RuleRecord,
    ViolationFilter,
    ViolationRecord,
    WaiverRecord,
)
from congresslite.store.store import Store

HOSTILE = {
    "script": "<script>document.title='owned'</script>",
    "attribute": '" autofocus onfocus="document.title=\'owned\'" x="',
    "single quote": "' onmouseover='document.title=1' x='",
    "image": "<img src=http://192.0.2.1/x.png onerror=\"document.title='owned'\">",
    "svg": "<svg onload=document.title='owned'>",
    "closing": "</title></code></table></main><h1>owned",
    "template": "{{ 7 * 7 }}{% raw %}",
    "htmx": "<b hx-get='/console/sources' hx-trigger='load'>",
    "turned": "invoice\u202egnp.exe",
    "bells": "a\x07\x1b[31mred\x1b[0m\r\nb\tc",
    "unseen": "a\u200bb\u2066c\ufeffd",
    "path": "../../etc/passwd?x=1&y=2#z",
    "scheme": "javascript:document.title='owned'",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "long": "long-" + "x" * 5000,
}

POLICY = """
policy strange(mode = "enforce").

@id("wild-name") @severity("critical") @message("{name} is a strange name")
error(name) :- wild:things(id=_, name=name).

@id("too-far") @severity("low") @message("{b} is reached from {a}")
warning(a, b) :- reach(a, b), a = "n0", b = "n60".
reach(a, b) :- net:links(a, b).
reach(a, c) :- reach(a, b), net:links(b, c).

@id("use") execute[wild:use(name)] :- wild:things(id=_, name=name).
@id("leave") deny[wild:use(name)] :- wild:things(id=_, name=name).

@id("many") @severity("low") @message("{n} links")
warning(n) :- total(n), not net:links("n60", "n61"), n > 5.
total(count(a)) :- net:links(a, _).
"""
SITES = ("par", "lyo", "nce", None)


def load(folder: Path) -> Engine:
    """The engine over the example estate and the hostile tables, which are written to a folder."""
    data = folder / "data"
    shutil.copytree(share("examples") / "estate", data)
    tables = {
        "wild/things": [{"id": number, "name": name} for number, name in enumerate(HOSTILE.values())],
        "net/links": [{"a": f"n{number}", "b": f"n{number + 1}"} for number in range(60)],
    }
    for name, rows in tables.items():
        file = data / f"{name}.json"
        file.parent.mkdir()
        file.write_text(json.dumps(rows), encoding="utf-8")
    return Engine.load([share("rules") / "global", Policy("strange", POLICY)], data)


class StandIn(LiveEstate):
    """Answers as an estate would, of one state that never changes but by `resolve`."""

    def __init__(self, engine: Engine, now: float | None = None) -> None:
        self._engine, self._now = engine, time.time() if now is None else now
        self._hub = Hub(lambda _: (), last=0)
        self._resolved = 0
        self.stale = {"vnfm"}
        self.records = _records(engine, self._now)
        self.contradictions = _contradictions(engine, self._now)
        self._acted = ExitStack()
        self._enforcer: Enforcer | None = None

    # -- changes, which tests make ---------------------------------------------------------------

    def resolve(self, id: str) -> None:
        """A violation goes, and those who watch are told."""
        now = time.time()
        self.records = [
            replace(each, resolved_at=now, resolved_by="change") if each.id == id else each for each in self.records
        ]
        self._resolved += 1
        self._hub.publish(Happened(Batch(self._resolved, now, 0, 1), None, None))

    def stop(self) -> None:
        self._hub.close()
        self._acted.close()

    # -- questions -------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return self._engine.snapshot()

    def violations(
        self,
        caller: Caller,
        wanted: ViolationFilter,
        *,
        sort: str = "-first_seen",
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        del caller
        key = {"severity": _rank, "policy": lambda each: each.rule.policy, "object": lambda each: each.object or ""}
        name = sort.removeprefix("-")
        found = [each for each in self.records if _wanted(each, wanted)]
        found.sort(key=key.get(name, lambda each: each.first_seen), reverse=sort.startswith("-"))
        start = int(cursor or 0)
        rest = len(found) > start + limit
        return Page(tuple(found[start : start + limit]), str(start + limit) if rest else None)

    def conflicts(
        self,
        caller: Caller,
        wanted: ViolationFilter,
        *,
        sort: str = "-first_seen",
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        del caller, wanted, sort, limit, cursor
        return Page(tuple(self.contradictions), None)

    def conflict(self, record: ViolationRecord) -> Conflict | None:
        return self.contradictions.get(record)

    def violation(self, caller: Caller, id: str) -> tuple[ViolationRecord, ...]:
        del caller
        found = [each for each in (*self.records, *self.contradictions) if each.id == id]
        if not found:
            raise KeyError(id)
        past = replace(
            found[0],
            seq=found[0].seq + 100_000,
            first_seen=found[0].first_seen - 90_000,
            resolved_at=found[0].first_seen - 80_000,
            resolved_by="change",
        )
        return (*found, past)

    def explain(self, caller: Caller, id: str) -> Mapping[str, Any] | None:
        record = self.violation(caller, id)[0]
        if record.resolved_at is not None:
            return None
        proof = self._engine.explain(record.rule.table, record.row)
        assert proof is not None
        document = as_json(proof)
        for step in document["steps"]:
            if step["from"] == "source":
                step["as_of"] = stamp(self._read(step["table"].partition(":")[0]))
        return document

    def counts(self, caller: Caller, kinds: Collection[str] = VIOLATIONS) -> tuple[Counted, ...]:
        del caller, kinds
        sums: Counter[tuple[RuleRecord, str | None, str]] = Counter()
        for each in self.records:
            sums[each.rule, each.site, state_of(each)] += 1
        groups = dict.fromkeys((rule, site) for rule, site, _ in sums)
        return tuple(
            Counted(
                rule.policy,
                rule.rule,
                rule.kind,
                rule.severity,
                rule.mode,
                site,
                sums[rule, site, "open"],
                sums[rule, site, "waived"],
            )
            for rule, site in groups
        )

    @property
    def actions(self) -> Enforcer:
        if self._enforcer is None:  # made for whoever asks: it needs a database
            folder = Path(self._acted.enter_context(TemporaryDirectory()))
            store = self._acted.enter_context(closing(Store.open(f"sqlite:///{folder}/store.db")))
            self._enforcer = _enforcer(self, store, folder, self._now)
            self._acted.callback(self._enforcer.stop)
        return self._enforcer

    def sources(self) -> tuple[SourceStatus, ...]:
        names = sorted({name.partition(":")[0] for name in self._base()})
        return tuple(self._source(name) for name in names)

    def _source(self, name: str) -> SourceStatus:
        tables = tuple(each for each in self._base() if each.startswith(f"{name}:"))
        stale = name in self.stale
        health: Health = "stale" if stale else "fresh"
        findings = (
            (
                Diagnostic(
                    "CL471",
                    f"`https://{name}.example:8774/` does not answer: connection refused",
                    hint="see whether the service runs",
                    place=f"source `{name}`",
                ),
            )
            if stale
            else ()
        )
        feed = FeedStatus(
            "inventory",
            tables,
            health,
            self._read(name),
            self._now - 4,
            self._now - 1500 if stale else None,
            findings,
            self._now + 26,
        )
        return SourceStatus(name, "openstack", "file", health, (feed,), name in ("nova", "neutronv2"), None)

    def _read(self, source: str) -> float:
        return self._now - (1560 if source in self.stale else 12)

    def _base(self) -> list[str]:
        return sorted(self.snapshot().program.base)

    def undetermined(self, looked: Looked = NOTHING_NAMED) -> tuple[Undetermined, ...]:
        found = []
        for source in self.sources():
            for feed in source.feeds if source.name in self.stale else ():
                rests = {each.rule.policy for each in self.records if set(each.rule.tables) & set(feed.tables)}
                found.append(
                    Undetermined(
                        source.name,
                        feed.name,
                        feed.health,
                        feed.since,
                        feed.last_success,
                        feed.findings[0].message,
                        feed.tables,
                        tuple(sorted(rests)),
                    )
                )
        return tuple(found)

    def tables(self, caller: Caller) -> tuple[TableInfo, ...]:
        names = {*self._base(), *self.snapshot().tables()}
        return tuple(self.table(caller, name) for name in sorted(names))

    def table(self, caller: Caller, name: str) -> TableInfo:
        del caller
        snapshot = self.snapshot()
        schema = snapshot.schema(name)
        source = name.partition(":")[0]
        health: Health = "stale" if source in self.stale else "fresh"
        return TableInfo(schema, name in snapshot.tables(), snapshot.count(name), self._read(source), health)

    def rows(
        self, caller: Caller, table: str, *, where: Mapping[str, str] | None = None, offset: int = 0, limit: int = 100
    ) -> Rows:
        del caller
        schema = self.snapshot().schema(table)
        columns = tuple(column.name for column in schema.columns)
        at = {columns.index(name): value for name, value in (where or {}).items()}
        rows = [row for row in self.snapshot().rows(table) if all(str(row[place]) == at[place] for place in at)]
        rows.sort(key=str)
        rest = offset + limit if len(rows) > offset + limit else None
        return Rows(columns, rows[offset : offset + limit], rest, len(rows))

    def watch(self, caller: Caller, after: int | None = None) -> Watcher:
        return self._hub.watch(caller.tenant, after)

    def policies(self) -> tuple[PolicyVersion, ...]:
        return tuple(self.policy_versions(each.name)[0] for each in self._engine.policies)

    def policy_versions(self, name: str) -> tuple[PolicyVersion, ...]:
        texts = {
            "strange": POLICY,
            **{each.stem: each.read_text() for each in (share("rules") / "global").glob("*.dl")},
        }
        old = PolicyVersion(name, 1, None, self._now - 400_000, "ada", "api")
        return (PolicyVersion(name, 2, texts[name], self._now - 86_000, "", "file", f"rules/global/{name}.dl"), old)

    def waivers(self) -> tuple[WaiverRecord, ...]:
        return (WaiverRecord("w1", "ada", "replaced next week <b>", "OPS-1", "2027-01-31", policy="images"),)


def _rank(violation: ViolationRecord) -> int:
    return WORST_FIRST.index(violation.rule.severity)


def _wanted(violation: ViolationRecord, wanted: ViolationFilter) -> bool:
    def one(value: str | None, values: Sequence[str]) -> bool:
        return not values or value in values

    return (
        one(violation.rule.policy, wanted.policies)
        and one(violation.rule.severity, wanted.severities)
        and one(violation.object, wanted.objects)
        and one(violation.site, wanted.sites)
        and one(state_of(violation), wanted.states)
        and (not wanted.sources or bool({each.partition(":")[0] for each in violation.rule.tables} & {*wanted.sources}))
        and (wanted.since is None or violation.first_seen >= wanted.since)
        and (not wanted.text or wanted.text.lower() in violation.message.lower())
    )


def _records(engine: Engine, now: float) -> list[ViolationRecord]:
    snapshot = engine.snapshot()
    rests = base_tables(snapshot.program)
    ranked = sorted(snapshot.violations(), key=lambda each: str((each.policy, each.row)))
    found = []
    for number, each in enumerate(ranked):
        rule = RuleRecord(
            each.policy,
            each.rule,
            each.kind,
            each.severity,
            each.mode,
            each.table,
            each.columns,
            tuple(sorted({table for name, tables in rests.items() if name.startswith(each.table) for table in tables})),
            each.span.source.name,
            each.span.line,
        )
        id = sha256(repr((each.policy, each.rule, each.row)).encode()).hexdigest()[:32]
        waiver = "w1" if each.policy == "images" else None
        site = SITES[number % 4]
        seen = now - 37 * 1.2 ** (number % 60)
        record = ViolationRecord(
            number, id, rule, each.row, each.object, None, site, each.message, seen, None, None, waiver
        )
        found.append(record)
    return found


def _contradictions(engine: Engine, now: float) -> dict[ViolationRecord, Conflict]:
    found = {}
    for number, each in enumerate(engine.snapshot().conflicts()):
        rule = RuleRecord(
            each.policy, each.rule, "conflict", "high", "warn", each.table, each.columns, ("wild:things",)
        )
        record = ViolationRecord(
            200_000 + number, each.id, rule, each.row, each.object, None, None, each.message, now - 60, None, None, None
        )
        found[record] = each
    return found


class _Quiet(Alone):
    """What enforcement needs to know, where nothing is planned or run."""

    def __init__(self, estate: StandIn) -> None:
        self._estate = estate

    def snapshot(self) -> Snapshot:
        return self._estate.snapshot()

    @property
    def belonging(self) -> Belonging:
        return Belonging({})

    def stale(self, tables: Set[str]) -> str | None:
        del tables
        return None


def _enforcer(estate: StandIn, store: Store, folder: Path, now: float) -> Enforcer:
    """An enforcer that does not run, whose journal has actions in every state, the hostile objects among them."""
    settings = EnforcementSettings.model_validate({"targets": {"wild": {"executor": "log"}}})
    targets = Targets.open(settings, folder, folder)
    enforcer = Enforcer(settings, MaxAffectedSettings(), host=_Quiet(estate), store=store.actions, targets=targets)
    records = [_action(number, name, now) for number, name in enumerate([*HOSTILE.values(), *HOSTILE.values()])]
    for begin in range(0, len(records), len(HOSTILE)):
        enforcer.journal.write(records[begin : begin + len(HOSTILE)])
    return enforcer


def _action(number: int, name: str, now: float) -> ActionRecord:
    state = get_args(ActionState)[number % len(get_args(ActionState))]
    ended = now - number if state in ENDED else None
    plan = f"{0 if state == 'approval' else number:012x}"
    return ActionRecord(
        sha256(f"action {number}".encode()).hexdigest()[:32], f"{number:032x}", plan, "strange", "use", "enforce",
        "wild:use", (name, number), name, "wild:things", None, "par", state, now - 60 * number,
        reason=f"because of {name}", guard={"approval": "approval", "stopped": "loop"}.get(state, ""), attempt=1,
        not_before=now + 90 if state == "planned" else None, ended_at=ended, changed_at=now - number,
        reference=name, output={"told": name}, approved_by=name if state == "running" else "",
    )  # fmt: skip


def create_stand_in(estate: LiveEstate, authenticate: Authenticate | None = None) -> Flask:
    """An application that serves the console of an estate, and lets everybody in if nobody authenticates."""
    app = Flask(__name__)
    app.register_blueprint(console_blueprint(estate, authenticate))
    if authenticate is None:
        app.before_request(lambda: setattr(g, "caller", Caller("local", "admin")))
    return app


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        estate = StandIn(load(Path(scratch)))
        create_stand_in(estate).run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8899, threaded=True)
