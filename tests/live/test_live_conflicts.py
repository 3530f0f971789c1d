"""Conflicts of a running estate, which have an id and a history, and can be waived; and checks that are applied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from congresslite.live import ConflictError, LiveEstate, Proposal, RefusedCheckError
from congresslite.store.records import ViolationFilter, WaiverRecord
from tests.live.estates import ADMIN, opened, pushed, vm

STOP = 'policy saving(mode = "enforce").\n@id("stop") execute[nova:stop(v)] :- inv:vm(id=v, vcpus=n), n > 1.\n'
KEEP = 'policy keeping.\n@id("keep") deny[nova:stop(v)] :- inv:vm(id=v, host="h2").\n'
MORE = '@id("S") @message("{vm} has {n}") error(vm) :- inv:vm(id=vm, vcpus=n), n > 1.'
ANY = ViolationFilter(states=("open", "waived", "resolved"))


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[LiveEstate]:
    """An estate with three VMs, two of which are stopped; a policy denies that of one of them."""
    made = opened(pushed(tmp_path))
    made.put_rows(ADMIN, "inv", "host", [{"id": "h1", "state": "up"}, {"id": "h2", "state": "up"}])
    made.put_rows(ADMIN, "inv", "tenant", [{"id": "t1"}, {"id": "t2"}])
    made.put_rows(ADMIN, "inv", "vm", [vm("a", "h1", 2), vm("b", "h2", 3), vm("c", "h2", 1, "t2")])
    for name, text in (("saving", STOP), ("keeping", KEEP)):
        made.put_policy(ADMIN, name, text, None)
    yield made
    made.stop()


def test_a_conflict_has_an_id_and_a_history(estate: LiveEstate) -> None:
    """It opens, is resolved when its rows go, and comes back under the same id."""
    (found,) = estate.conflicts(ADMIN, ViolationFilter()).items
    told = estate.conflict(found)
    assert told is not None
    assert (told.kind, told.object, told.by) == ("modality", "b", "deny")
    assert told.winner is not None
    assert told.sides[told.winner].policy == "keeping"
    estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h1", 3)])
    assert estate.conflicts(ADMIN, ViolationFilter()).items == ()
    estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h2", 3)])
    (again,) = estate.conflicts(ADMIN, ViolationFilter()).items
    assert again.id == found.id
    assert [each.resolved_at is None for each in estate.violation(ADMIN, found.id)] == [True, False]


def test_a_conflict_does_not_contradict_itself(estate: LiveEstate) -> None:
    """Once another side wins, what is told of a conflict that lasts says nothing else."""
    (found,) = estate.conflicts(ADMIN, ViolationFilter()).items
    estate.put_policy(ADMIN, "saving", STOP.replace("(mode", "(priority = 1, mode"), "saving-1")
    (again,) = estate.conflicts(ADMIN, ViolationFilter()).items
    told = estate.conflict(again)
    assert told is not None
    assert (again.id, told.by, told.winner) == (found.id, "priority", 0)
    assert again.message == "`execute[nova:stop(b)]` of saving/stop is against `deny[nova:stop(b)]` of keeping/keep"


def test_both_sides_are_explained(estate: LiveEstate) -> None:
    """Each side has a proof down to the source's row, with its age."""
    (found,) = estate.conflicts(ADMIN, ViolationFilter()).items
    proofs = estate.explain_sides(ADMIN, found.id)
    assert proofs is not None
    for proof in proofs:
        assert proof is not None
        sources = [each for each in proof["steps"] if each["from"] == "source"]
        assert {each["row"]["id"] for each in sources} == {"b"}
        assert all(each["as_of"] is not None for each in sources)


def test_conflicts_are_no_violations(estate: LiveEstate) -> None:
    """Lists and counts of violations leave decided conflicts out; those that tie are violations too."""
    assert {each.rule.policy for each in estate.violations(ADMIN, ANY).items} == {"placement"}
    assert {each.policy for each in estate.counts(ADMIN)} == {"placement"}
    start = 'incompatible nova:stop(v), nova:start(v).\n@id("go") execute[nova:start(v)] :- inv:vm(id=v, host="h1").'
    estate.put_policy(ADMIN, "starting", start, None)
    tied = [each for each in estate.violations(ADMIN, ViolationFilter()).items if each.rule.policy == "conflict"]
    assert [(each.object, each.rule.kind) for each in tied] == [("a", "error")]
    assert len(estate.conflicts(ADMIN, ViolationFilter()).items) == 2


def test_a_conflict_can_be_waived(estate: LiveEstate) -> None:
    """A waiver of its id covers it while it holds."""
    (found,) = estate.conflicts(ADMIN, ViolationFilter()).items
    waiver = estate.add_waiver(ADMIN, WaiverRecord("", "ops", "known", "T-1", "2999-01-01", violation=found.id))
    assert estate.conflicts(ADMIN, ViolationFilter()).items == ()
    assert [each.waiver for each in estate.conflicts(ADMIN, ViolationFilter(states=("waived",))).items] == [waiver.id]


def test_conflicts_of_policies_that_go_are_resolved(estate: LiveEstate) -> None:
    """A policy that is removed takes its conflicts with it, and their history stays."""
    (found,) = estate.conflicts(ADMIN, ViolationFilter()).items
    estate.remove_policy(ADMIN, "keeping", "keeping-1")
    assert estate.conflicts(ADMIN, ViolationFilter()).items == ()
    (past,) = estate.conflicts(ADMIN, ANY).items
    assert (past.id, past.resolved_by, estate.conflict(past)) == (found.id, "policy", None)


def test_what_was_checked_is_applied_in_one_change(estate: LiveEstate) -> None:
    """Policies come and go together, each with a version, and the check says by whom."""
    check = estate.check_policies(ADMIN, Proposal({"small": MORE, "saving": STOP + "// less\n"}, ["keeping"]))
    assert check.document["verdict"] == "warn"
    versions = estate.apply_check(ADMIN, check.id)
    assert {(each.name, each.version, each.text is None) for each in versions} == {
        ("small", 1, False), ("saving", 2, False), ("keeping", 2, True),
    }  # fmt: skip
    assert {each.name for each in estate.policies()} == {"placement", "saving", "small"}
    assert estate.check(check.id).applied_by == ADMIN.name
    found = estate.violations(ADMIN, ViolationFilter(policies=["small"])).items
    assert {each.id for each in found} == {each["id"] for each in check.document["violations"]["new"]}


@pytest.mark.parametrize("change", ["rows", "policies"])
def test_a_check_that_is_not_so_any_more_is_refused(estate: LiveEstate, change: str) -> None:
    """Rows that make a difference, and any other policy, make a check stale; nothing is changed then."""
    check = estate.check_policies(ADMIN, Proposal({"small": MORE}))
    if change == "rows":
        estate.push_rows(ADMIN, "inv", "vm", [vm("d", "h1", 9)])
    else:
        estate.put_policy(ADMIN, "other", "seen(v) :- inv:vm(id=v).", None)
    with pytest.raises(RefusedCheckError) as raised:
        estate.apply_check(ADMIN, check.id)
    (told,) = raised.value.diagnostics
    assert (told.code, len(told.notes)) == ("CL333", 1)
    assert "small" not in {each.name for each in estate.policies()}


def test_rows_that_make_no_difference_do_not_matter(estate: LiveEstate) -> None:
    """A check is applied though the estate has changed, if it would find the same."""
    check = estate.check_policies(ADMIN, Proposal({"small": MORE}))
    estate.push_rows(ADMIN, "inv", "vm", [vm("e", "h1", 1)])
    assert [each.name for each in estate.apply_check(ADMIN, check.id)] == ["small"]


def test_what_is_rejected_or_managed_elsewhere_is_not_applied(estate: LiveEstate) -> None:
    """Neither what the check rejects, nor a policy of a file, nor a check that nobody made."""
    wrong = estate.check_policies(ADMIN, Proposal({"wrong": "error(x) :- y(x)."}))
    with pytest.raises(RefusedCheckError) as raised:
        estate.apply_check(ADMIN, wrong.id)
    assert raised.value.diagnostics[0].code == "CL332"
    file = estate.check_policies(ADMIN, Proposal(remove=["placement"]))
    with pytest.raises(ConflictError):
        estate.apply_check(ADMIN, file.id)
    with pytest.raises(KeyError):
        estate.apply_check(ADMIN, "chk_0000000000000000")
