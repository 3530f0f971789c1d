"""Recovery: reboot, then redeploy, each a bounded number of times, and an event once all was in vain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from congresslite.live import LiveEstate
from tests.enforcement.lifecycles import ADMIN, actions, comes_to, config, done, happen, opened, quiet, see
from tests.waiting import until

RECOVERY = """\
policy: heal
mode: enforce
recovery:
  when: lab:vm(id=object, vnf=vnf, status="ERROR")
  within: vnf
  action: reboot_then_redeploy
  retries: 2
  wait: 1
  redeploy:
    type: VIM
    properties: {operation: rebuild, image: "{image}"}
    when: lab:vm(id=object, image=image)
"""
ALARM = """\
policy: alarm
mode: enforce
conditions: ["LCS::POST_DEPLOY::VM_RECOVERY_ERR", "LCS::POST_DEPLOY::VM_RECOVERY_REDEPLOY_ERR"]
actions:
  - {name: tell, type: HTTP, properties: {request: notify}}
"""


@pytest.fixture
def estates() -> Iterator[list[LiveEstate]]:
    made: list[LiveEstate] = []
    yield made
    for estate in made:
        estate.stop()


@pytest.fixture
def estate(estates: list[LiveEstate], tmp_path: Path) -> LiveEstate:
    estates.append(opened(config(tmp_path), heal=RECOVERY, alarm=ALARM))
    return estates[-1]


def put(estate: LiveEstate, name: str, text: str) -> None:
    """Let a policy come in place of the one that there is."""
    estate.put_policy(ADMIN, name, text, {each.name: each.etag for each in estate.policies()}[name])


def vm(estate: LiveEstate, status: str, name: str = "vm1") -> None:
    row = {"id": name, "vnf": "v1", "address": "10.0.0.1", "status": status, "image": "img"}
    estate.push_rows(ADMIN, "lab", "vm", [row])


def recovery(estate: LiveEstate) -> list[tuple[object, ...]]:
    """Where recoveries are: step, tries and state."""
    return [row[2:5] for row in estate.snapshot().rows("lifecycle:recovery")]


def test_all_steps_in_vain(estate: LiveEstate) -> None:
    """A server that is never well is rebooted twice and rebuilt twice; both errors are told, and then it is let be."""
    vm(estate, "ERROR")
    until(lambda: recovery(estate) == [("redeploy", 2, "exhausted")])
    found = done(estate, 4, policies=["heal"])
    assert [(each.action, each.arguments) for each in found] == [
        ("nova:reboot", ("vm1", "HARD")),
        ("nova:reboot", ("vm1", "HARD")),
        ("nova:rebuild", ("vm1", "img")),
        ("nova:rebuild", ("vm1", "img")),
    ]
    told = done(estate, 2, policies=["alarm"])
    assert [each.rule for each in told] == [
        "tell on LCS::POST_DEPLOY::VM_RECOVERY_ERR",
        "tell on LCS::POST_DEPLOY::VM_RECOVERY_REDEPLOY_ERR",
    ]
    vm(estate, "ACTIVE")
    until(lambda: recovery(estate) == [])


def test_what_is_well_again_is_let_be(estate: LiveEstate) -> None:
    """A server that a reboot mends is not rebooted again, and forgotten once it has stayed well."""
    vm(estate, "ERROR")
    done(estate, 1)
    vm(estate, "ACTIVE")
    until(lambda: [each[2] for each in recovery(estate)] == ["well"])
    until(lambda: recovery(estate) == [])
    assert [each.action for each in actions(estate)] == ["nova:reboot"]


def test_what_fails_again_at_once_goes_on_where_it_was(estate: LiveEstate) -> None:
    """Tries are counted on for a server that was well for a moment only: no reboot for ever."""
    vm(estate, "ERROR")
    done(estate, 1)
    vm(estate, "ACTIVE")
    until(lambda: [each[2] for each in recovery(estate)] == ["well"])
    vm(estate, "ERROR")
    until(lambda: recovery(estate)[0][:2] == ("reboot", 2))


def test_nothing_is_recovered_during_an_update(estate: LiveEstate) -> None:
    """While its VNF is updated, a server that does not answer is left alone, and looked at again afterwards."""
    see(estate, "v1", "update")
    comes_to(estate, "v1", "update")
    vm(estate, "ERROR")
    see(estate, "v2", "deploy")
    comes_to(estate, "v2", "deploy")
    assert recovery(estate) == []
    see(estate, "v1", "monitoring")
    assert done(estate, 1)[0].action == "nova:reboot"


def test_it_goes_on_after_a_restart(estates: list[LiveEstate], tmp_path: Path) -> None:
    """The count of tries outlives a restart."""
    made = config(tmp_path)
    first = opened(made, heal=RECOVERY.replace("wait: 1", "wait: 2"))
    vm(first, "ERROR")
    until(lambda: recovery(first) == [("reboot", 1, "waiting")])
    first.stop()
    estates.append(opened(made))
    until(lambda: recovery(estates[-1]) == [("redeploy", 2, "exhausted")], 60)
    assert len(done(estates[-1], 4)) == 4


def test_a_dry_run_recovers_nothing(estates: list[LiveEstate], tmp_path: Path) -> None:
    """A policy that is tried out shows its first step, and stays there."""
    estates.append(opened(config(tmp_path), heal=RECOVERY.replace("enforce", "dryrun")))
    vm(estates[-1], "ERROR")
    (record,) = until(lambda: actions(estates[-1], "shown"))
    assert record.action == "nova:reboot"
    assert recovery(estates[-1]) == [("reboot", 1, "acting")]


def test_a_policy_that_goes_takes_its_recoveries_along(estate: LiveEstate) -> None:
    """What was recovered by a policy that is removed is forgotten."""
    vm(estate, "ERROR")
    done(estate, 1)
    etag = {each.name: each.etag for each in estate.policies()}["heal"]
    estate.remove_policy(ADMIN, "heal", etag)
    until(lambda: recovery(estate) == [])


ONE_TRY = RECOVERY.replace("retries: 2", "retries: 1")
SOFT = '  reboot:\n    type: VIM\n    properties: {operation: reboot, type: "SOFT"}\n'


def test_what_is_let_go_before_it_began_is_no_try(estates: list[LiveEstate], tmp_path: Path) -> None:
    """A step whose action is replaced as the policy changes is still to be taken: no next step, and no event."""
    careful = ONE_TRY.replace("mode: enforce", "mode: enforce\napproval: true")
    estate = opened(config(tmp_path), heal=careful, alarm=ALARM)
    estates.append(estate)
    vm(estate, "ERROR")
    (first,) = until(lambda: actions(estate, "approval"))
    put(estate, "heal", careful.replace("  redeploy:\n", f"{SOFT}  redeploy:\n"))
    until(lambda: [each.id for each in actions(estate, "cancelled")] == [first.id])
    (second,) = until(lambda: actions(estate, "approval"))
    happen(estate, "vm2", "MY::UNHEARD")
    quiet(estate)  # so that what became of the first has been looked at
    assert recovery(estate) == [("reboot", 1, "acting")]
    estate.actions.approve(second.id, "ops")
    assert [each.arguments for each in done(estate, 1)] == [("vm1", "SOFT")]
    (third,) = until(lambda: actions(estate, "approval", policies=["heal"]))
    assert third.action == "nova:rebuild"
    done(estate, 2)  # with the alarm that the reboot was in vain


def test_a_dry_run_that_is_changed_raises_nothing(estates: list[LiveEstate], tmp_path: Path) -> None:
    """What a dry run showed before its policy was changed is no try in vain."""
    dry = ONE_TRY.replace("enforce", "dryrun")
    estate = opened(config(tmp_path), heal=dry, alarm=ALARM)
    estates.append(estate)
    vm(estate, "ERROR")
    until(lambda: actions(estate, "shown"))
    put(estate, "heal", dry.replace("  redeploy:\n", f"{SOFT}  redeploy:\n"))
    until(lambda: actions(estate, "cancelled") and actions(estate, "shown"))
    happen(estate, "vm2", "MY::UNHEARD")
    quiet(estate)
    assert recovery(estate) == [("reboot", 1, "acting")]
