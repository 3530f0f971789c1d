"""Pages of violations: complete, in order, each violation once, whatever is asked for."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from congresslite.diagnostics import CongressliteError
from congresslite.store import pages
from congresslite.store.records import State, ViolationFilter, ViolationRecord, WaiverRecord
from congresslite.store.rules import Rules
from congresslite.store.store import Store
from tests.store.made import RULES, id_of, opened

SORTS = [f"{way}{sort}" for sort in pages.SORTS for way in ("", "-")]
EVER: tuple[State, ...] = ("open", "waived", "resolved")
FILTERS = {
    "nothing": ViolationFilter(),
    "all states": ViolationFilter(states=EVER),
    "no state": ViolationFilter(states=()),
    "waived": ViolationFilter(states=("waived",)),
    "resolved": ViolationFilter(states=("resolved",)),
    "a policy": ViolationFilter(policies=("nfv",), states=EVER),
    "rules": ViolationFilter(rules=("R1", "any")),
    "severities": ViolationFilter(severities=("high", "low"), states=("open", "waived")),
    "a kind": ViolationFilter(kinds=("warning",), states=EVER),
    "a table": ViolationFilter(tables=("nfv:error",)),
    "a source": ViolationFilter(sources=("neutron",), states=EVER),
    "an unknown source": ViolationFilter(sources=("nova:servers",)),
    "objects": ViolationFilter(objects=("vm3", "vm4", "none"), states=EVER),
    "sites": ViolationFilter(sites=("pop-0", "pop-2")),
    "a tenant": ViolationFilter(tenant="t1", states=EVER),
    "an object of a tenant": ViolationFilter(objects=("vm3",), tenant="t0", states=EVER),
    "a tenant at a site": ViolationFilter(tenant="t1", sites=("pop-1", "pop-2"), states=EVER),
    "an object at a site": ViolationFilter(objects=("vm3", "vm5"), sites=("pop-1",), states=EVER),
    "a time": ViolationFilter(since=5.0, until=15.0, states=EVER),
    "since the future": ViolationFilter(since=1e9),
    "until the past": ViolationFilter(until=0.0),
    "a text in any case": ViolationFilter(text="VM1", states=EVER),
    "a text with a pattern's characters": ViolationFilter(text="100%_"),
    "everything at once": ViolationFilter(
        policies=("nfv",), severities=("critical", "high"), kinds=("error",), sources=("nova", "neutron"),
        tenant="t1", sites=("pop-1", "pop-0"), since=1.0, until=18.0, text="wrong", states=EVER,
    ),
}  # fmt: skip


@pytest.fixture
def filled(store: Store) -> tuple[Store, list[ViolationRecord]]:
    """A store with a history, and all its episodes."""
    draw = random.Random(7)
    violations = store.violations
    for batch in range(20):
        came = [
            opened(
                100 * batch + number,
                draw.choice(RULES),
                object=draw.choice([*(f"vm{each}" for each in range(9)), None]),
                tenant=draw.choice(["t0", "t1", None]),
                site=draw.choice(["pop-0", "pop-1", "pop-2", None]),
                message=draw.choice(["vm1 is wrong", "100%_ wrong", "1000 wrong"]),
            )
            for number in range(8)
        ]
        went = [id_of(100 * draw.randrange(batch + 1) + number) for number in range(3)]
        violations.record(float(batch), came, went)
    violations.set_waivers([WaiverRecord("w", "o", "r", "", "", policy="nfv", object="vm3")])
    every = violations.page(ViolationFilter(states=EVER), "first_seen", 10_000).items
    assert len(every) == 160
    return store, list(every)


def state_of(record: ViolationRecord) -> State:
    """The state of an episode."""
    return "resolved" if record.resolved_at is not None else "open" if record.waiver is None else "waived"


def lets_through(wanted: ViolationFilter, record: ViolationRecord) -> bool:
    """What a filter means, said once more."""
    rule = record.rule
    tests: list[tuple[Sequence[str], list[str | None]]] = [
        (wanted.policies, [rule.policy]), (wanted.rules, [rule.rule]), (wanted.severities, [rule.severity]),
        (wanted.kinds, [rule.kind]), (wanted.tables, [rule.table]), (wanted.objects, [record.object]),
        (wanted.sources, [table.split(":")[0] for table in rule.tables]), (wanted.sites, [record.site]),
    ]  # fmt: skip
    return (
        all(not some or set(some) & set(each) for some, each in tests)
        and state_of(record) in wanted.states
        and wanted.tenant in (None, record.tenant)
        and (wanted.since is None or record.first_seen >= wanted.since)
        and (wanted.until is None or record.first_seen < wanted.until)
        and (wanted.text is None or wanted.text.lower() in record.message.lower())
    )


def ordered(records: Sequence[ViolationRecord], sort: str) -> list[ViolationRecord]:
    """What an order means, said once more."""

    def key(record: ViolationRecord) -> tuple[object, ...]:
        first = {
            "first_seen": record.first_seen,
            "severity": ("low", "medium", "high", "critical").index(record.rule.severity),
            "policy": record.rule.policy,
            "object": record.object or "",
        }
        return first[sort.removeprefix("-")], record.seq

    return sorted(records, key=key, reverse=sort.startswith("-"))


def paged(store: Store, wanted: ViolationFilter, sort: str, limit: int) -> Iterator[tuple[ViolationRecord, ...]]:
    """All pages."""
    page = store.violations.page(wanted, sort, limit)
    yield page.items
    while page.next is not None:
        page = store.violations.page(wanted, sort, limit, page.next)
        yield page.items


def test_pages_are_complete_and_in_order(
    filled: tuple[Store, list[ViolationRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each filter and order, the pages together are just what is wanted, whichever way they are read."""
    store, every = filled
    for merged, few in ((400, 5_000), (2, 0)):
        monkeypatch.setattr(pages, "_MERGED", merged)
        monkeypatch.setattr(pages, "_FEW", few)
        for name, wanted in FILTERS.items():
            expected = [record for record in every if lets_through(wanted, record)]
            for sort in SORTS:
                found = list(paged(store, wanted, sort, 20))
                told = [record.seq for page in found for record in page]
                assert told == [record.seq for record in ordered(expected, sort)], (name, sort, merged)
                assert all(len(page) == 20 for page in found[:-1])


def test_a_page_goes_on_while_violations_come(filled: tuple[Store, list[ViolationRecord]]) -> None:
    """What comes and goes while somebody turns pages makes no page repeat or skip what stays."""
    store, every = filled
    stays = {record.seq for record in every if state_of(record) == "open"}
    seen: list[int] = []
    for number, page in enumerate(paged(store, ViolationFilter(), "-object", 10)):
        seen += [record.seq for record in page]
        gone = page[0]
        store.violations.record(100.0 + number, [opened(9000 + number, object=f"vm{number}")], [gone.id])
    assert len(seen) == len(set(seen))
    assert stays <= set(seen)


def test_a_cursor_belongs_to_its_list(filled: tuple[Store, list[ViolationRecord]]) -> None:
    """A cursor of another filter or order, or one that somebody made up, is a finding."""
    store, _ = filled
    wanted = ViolationFilter(policies=("nfv",))
    cursor = store.violations.page(wanted, "-object", 5).next
    assert cursor is not None
    assert store.violations.page(replace(wanted, policies=["nfv"]), "-object", 9, cursor).items
    bound, *body = json.loads(base64.urlsafe_b64decode(cursor))
    bodies: list[object] = [
        [bound, body[0], body[1], body[2] - 1], [None, *body], [bound, [], {}, "1"], {}, 7, "x",
    ]  # fmt: skip
    made_up = [
        "", "x", "ü", "AAAA", cursor[:-2], cursor + "AA", "A" * 10_000,
        *(base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in bodies),
    ]  # fmt: skip
    for text in made_up:
        with pytest.raises(CongressliteError, match="CL489"):
            store.violations.page(wanted, "-object", 5, text)
    for other, sort in ((wanted, "object"), (ViolationFilter(), "-object"), (replace(wanted, tenant="t"), "-object")):
        with pytest.raises(CongressliteError, match="CL489"):
            store.violations.page(other, sort, 5, cursor)


def test_pages_are_read_from_an_index(tmp_path: Path) -> None:
    """No page is made by going through all violations: SQLite says of each statement what it reads."""
    with Store.open(f"sqlite:///{tmp_path}/store.sqlite") as store, store._database.read() as connection:
        rules = Rules({}, dict(enumerate(RULES)))
        raw = connection.connection.driver_connection
        assert raw is not None
        for name, wanted in FILTERS.items():
            for sort in SORTS:
                statements: list[str] = []
                raw.set_trace_callback(statements.append)
                pages.read_page(connection, rules, wanted, pages.Order(sort), limit=7, after=None)
                raw.set_trace_callback(None)
                for statement in statements:
                    plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]
                    assert not [step for step in plan if step.startswith("SCAN violations")], (name, sort, plan)
