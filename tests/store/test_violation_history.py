"""The history of violations: what comes, what goes, and what is told of both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from congresslite.store.records import Batch, Scalar, ViolationFilter, WaiverRecord
from congresslite.store.store import Store
from tests.store.made import GRAVE, OTHER, RULE, id_of, opened

EVER = ViolationFilter(states=("open", "waived", "resolved"))


def test_a_violation_comes_and_goes(store: Store) -> None:
    """An episode is one record from its start to its end, and the next one is another."""
    violations = store.violations
    assert violations.record(10.0, [opened(1), opened(2)]) == Batch(1, 10.0, 2, 0)
    (record,) = violations.episodes(id_of(1))
    assert (record.rule, record.row, record.message) == (RULE, ("vm1", 1), "vm1 runs on the wrong host")
    assert (record.object, record.tenant, record.site) == ("vm1", "acme", "pop-1")
    assert (record.first_seen, record.resolved_at, record.resolved_by, record.waiver) == (10.0, None, None, None)

    assert violations.record(20.0, [], [id_of(1)], "policy") == Batch(2, 20.0, 0, 1)
    (closed,) = violations.episodes(id_of(1))
    assert closed == replace(record, resolved_at=20.0, resolved_by="policy")

    assert violations.record(30.0, [opened(1)]) == Batch(3, 30.0, 1, 0)
    assert [each.first_seen for each in violations.episodes(id_of(1))] == [30.0, 10.0]
    assert violations.episodes(id_of(9)) == violations.episodes("no id") == ()


def test_what_changes_nothing_is_not_written(store: Store) -> None:
    """What is open is not opened again, what is not open is not closed, and a batch of neither is none."""
    violations = store.violations
    violations.record(10.0, [opened(1), opened(1)])
    assert violations.record(20.0, []) is None
    assert violations.record(20.0, [opened(1)]) is None
    assert violations.record(20.0, [], [id_of(7)]) is None
    assert violations.record(20.0, [opened(1), opened(2)], [id_of(7)]) == Batch(2, 20.0, 1, 0)
    assert violations.last_batch() == 2
    assert violations.open_ids() == {bytes.fromhex(id_of(1)), bytes.fromhex(id_of(2))}


def test_an_id_that_goes_and_comes_at_once_is_two_episodes(store: Store) -> None:
    """Of an id in both lists of a batch, the open episode ends and another one begins."""
    store.violations.record(10.0, [opened(1)])
    assert store.violations.record(20.0, [opened(1, message="other words")], [id_of(1)]) == Batch(2, 20.0, 1, 1)
    told = [(each.first_seen, each.resolved_at) for each in store.violations.episodes(id_of(1))]
    assert told == [(20.0, None), (10.0, 20.0)]


def test_time_does_not_run_backwards(store: Store) -> None:
    """A clock that was set back leaves the order of episodes as it was."""
    store.violations.record(100.0, [opened(1)])
    assert store.violations.record(50.0, [opened(2)]) == Batch(2, 100.0, 1, 0)


ROWS: dict[str, tuple[Scalar, ...]] = {
    "nothing": (),
    "null and booleans": (None, True, False),
    "numbers of one value and two types": (1, 1.0, -0.0, 0),
    "big and small numbers": (2**63 - 1, -(2**63), 10**30, 5e-324, 1.7976931348623157e308, 0.1),
    "texts": ("", "ü", "\U0001f600", 'a"b\\c', "line\nline"),
    "what no database holds": ("nul \0", "half \ud800", "\uffff"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_rows_are_kept_exactly(store: Store, row: tuple[Scalar, ...]) -> None:
    """A row is read as it was written, with the types of its values."""
    store.violations.record(1.0, [opened(1, row=row)])
    (record,) = store.violations.episodes(id_of(1))
    assert list(map(repr, record.row)) == list(map(repr, row))


HOSTILE = {
    "nul": "a\0b",
    "half a surrogate pair": "\udc80",
    "no character": "\uffff0000",
    "very long": "x" * 100_000,
    "SQL": "'; DROP TABLE violations; --",
    "patterns": "100%_\\ ?%s",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_no_name_makes_a_write_fail(store: Store, name: str) -> None:
    """Names that a database cannot hold, or not in an index, are kept, found again and told as they were."""
    rule = replace(RULE, rule=name)
    written = opened(1, rule, row=(name,), object=name, tenant=name, site=name, message=name)
    store.violations.record(1.0, [written, opened(2)])
    wanted = ViolationFilter(objects=(name,), tenant=name, sites=(name,), text=name[-50:])
    (record,) = store.violations.page(wanted).items
    assert (record.id, record.rule, record.row, record.message) == (written.id, rule, (name,), name)
    for told in (record.object, record.tenant, record.site):
        assert told == name or (len(name) > 200 and told is not None and told.startswith(name[:100]))
    assert store.violations.counts(tenant=name) == [(rule, record.site, 1, 0)]


def test_an_empty_name_is_none(store: Store) -> None:
    """An object without a name is no object."""
    store.violations.record(1.0, [opened(1, object="", tenant=None, site="")])
    (record,) = store.violations.episodes(id_of(1))
    assert (record.object, record.tenant, record.site) == (None, None, None)


def test_a_changed_rule_changes_its_history(store: Store) -> None:
    """A rule of another severity or mode is the same rule: its violations show it, those of the past too."""
    store.violations.record(1.0, [opened(1), opened(2)])
    store.violations.record(2.0, [], [id_of(1)])
    graver = replace(RULE, severity="critical", mode="enforce", line=40)
    store.violations.set_rules([graver])
    assert {record.rule for record in store.violations.page(EVER).items} == {graver}
    back = replace(graver, severity="low")
    assert store.violations.record(3.0, [opened(2, back)]) is None
    assert {record.rule for record in store.violations.page(EVER).items} == {back}


def test_counts(store: Store, url: str) -> None:
    """What is open is counted by rule and site, now and after a restart, and by tenant too."""
    violations = store.violations
    violations.record(1.0, [opened(1), opened(2, site="pop-2"), opened(3, GRAVE, tenant="other", waiver="w")])
    violations.record(2.0, [opened(4)], [id_of(2)])
    expected = [(RULE, "pop-1", 2, 0), (GRAVE, "pop-1", 0, 1)]
    assert violations.counts() == expected
    assert violations.counts(tenant="acme") == [(RULE, "pop-1", 2, 0)]
    assert violations.counts(tenant="nobody") == []
    store.close()
    with Store.open(url) as again:
        assert again.violations.counts() == expected
        assert again.violations.last_batch() == 2
        again.violations.record(3.0, [], [id_of(3)])
        assert again.violations.counts() == expected[:1]


def test_batches_are_told_again(store: Store) -> None:
    """Whoever saw everything up to one batch is told the rest; of a very big batch only how big it was."""
    violations = store.violations
    violations.record(1.0, [opened(1), opened(2)])
    violations.record(2.0, [opened(3)], [id_of(1)])
    violations.record(3.0, [opened(number) for number in range(10, 20)])
    told = [
        (batch, [each.id for each in came], [each.id for each in went])
        for batch, came, went in violations.since(0, limit=5)
    ]
    assert told == [
        (Batch(1, 1.0, 2, 0), [id_of(1), id_of(2)], []),
        (Batch(2, 2.0, 1, 1), [id_of(3)], [id_of(1)]),
        (Batch(3, 3.0, 10, 0), [], []),
    ]
    assert [batch.number for batch, _, _ in violations.since(2, limit=5)] == [3]
    assert list(violations.since(3, limit=5)) == []


def test_pruning_removes_what_ended_long_ago(store: Store, url: str) -> None:
    """Old episodes go, open ones never do, and the numbers of batches go on from where they were."""
    violations = store.violations
    violations.record(1.0, [opened(number) for number in range(10)])
    violations.record(2.0, [], [id_of(number) for number in range(5)])
    violations.record(3.0, [], [id_of(5)])
    assert violations.prune(2.0) == 0
    assert violations.prune(2.5) == 5
    assert [batch.number for batch, _, _ in violations.since(0, 100)] == [3]
    assert violations.prune(99.0) == 1
    assert {each.id for each in violations.page(EVER).items} == {id_of(number) for number in range(6, 10)}
    store.close()
    with Store.open(url) as again:
        assert again.violations.record(50.0, [opened(0)]) == Batch(4, 50.0, 1, 0)
        assert [each.first_seen for each in again.violations.episodes(id_of(0))] == [50.0]


WAIVERS = {
    "one violation": (WaiverRecord("w", "o", "r", "", "", violation=id_of(1)), {1}),
    "a policy": (WaiverRecord("w", "o", "r", "", "", policy="nfv"), {1, 2, 3}),
    "a rule": (WaiverRecord("w", "o", "r", "", "", policy="nfv", rule="R1"), {1, 2}),
    "a rule of another policy": (WaiverRecord("w", "o", "r", "", "", policy="dry", rule="R1"), set()),
    "an object of a policy": (WaiverRecord("w", "o", "r", "", "", policy="nfv", object="vm2"), {2}),
    "an object of a rule": (WaiverRecord("w", "o", "r", "", "", policy="nfv", rule="R2", object="vm2"), set()),
    "no id": (WaiverRecord("w", "o", "r", "", "", violation="x"), set()),
}


@pytest.mark.parametrize(("waiver", "covered"), WAIVERS.values(), ids=WAIVERS)
def test_waivers_mark_what_they_cover(store: Store, waiver: WaiverRecord, covered: set[int]) -> None:
    """A waiver marks the open violations that it covers, and lets them go when it has ended."""
    violations = store.violations
    violations.record(1.0, [opened(1), opened(2), opened(3, GRAVE), opened(4, OTHER), opened(5)])
    violations.record(2.0, [], [id_of(5)])
    assert violations.set_waivers([waiver]) == len(covered)
    waived = violations.page(ViolationFilter(states=("waived",))).items
    assert {each.id for each in waived} == {id_of(number) for number in covered}
    assert {each.waiver for each in waived} <= {"w"}
    assert sum(each[3] for each in violations.counts()) == len(covered)
    assert violations.set_waivers([waiver]) == 0
    assert violations.set_waivers([]) == len(covered)
    assert violations.page(ViolationFilter(states=("waived",))).items == ()


def test_a_second_waiver_takes_over(store: Store) -> None:
    """What two waivers cover stays waived when one of them ends."""
    first = WaiverRecord("a", "o", "r", "", "", policy="nfv")
    second = WaiverRecord("b", "o", "r", "", "", policy="nfv", rule="R1")
    store.violations.record(1.0, [opened(1)])
    store.violations.set_waivers([first, second])
    assert store.violations.episodes(id_of(1))[0].waiver == "a"
    store.violations.set_waivers([second])
    assert store.violations.episodes(id_of(1))[0].waiver == "b"
    store.violations.record(2.0, [], [id_of(1)])
    assert store.violations.episodes(id_of(1))[0].waiver == "b"


def test_a_first_load_of_many(store: Store) -> None:
    """Very many violations at once are written, found and counted like few."""
    many = [opened(number, (RULE, GRAVE)[number % 2]) for number in range(12_000)]
    assert store.violations.record(1.0, many) == Batch(1, 1.0, 12_000, 0)
    assert len(store.violations.open_ids()) == 12_000
    assert [(each[0].rule, each[2]) for each in store.violations.counts()] == [("R1", 6000), ("R2", 6000)]
    assert store.violations.record(2.0, many, [each.id for each in many]) == Batch(2, 2.0, 12_000, 12_000)
    assert store.violations.record(3.0, [], [each.id for each in many]) == Batch(3, 3.0, 0, 12_000)
    assert store.violations.counts() == []
