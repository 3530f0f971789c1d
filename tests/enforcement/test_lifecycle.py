"""Stages and events: what is observed, reported and done moves objects, and policies act upon it, once each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from structlog.testing import capture_logs

from congresslite.diagnostics import SourceError
from congresslite.live import LiveEstate, open_estate
from tests.enforcement.lifecycles import (
    ADMIN,
    SEEN,
    actions,
    comes_to,
    config,
    done,
    happen,
    opened,
    quiet,
    see,
    stage_of,
)
from tests.opening import stopped_afterwards
from tests.waiting import until

Open = Callable[..., LiveEstate]

ALIVE = """\
policy: greet
description: Say that all is up.
mode: enforce
conditions: ["LCS::POST_DEPLOY_ALIVE"]
actions:
  - {name: greet, type: SCRIPT, properties: {script_filename: greet.py, "--to": "{object}"}}
"""


@pytest.fixture
def open_() -> Iterator[Open]:
    yield from stopped_afterwards(opened)


@pytest.fixture
def balancer() -> Iterator[dict[str, Any]]:
    """A target that drains objects, and undoes that."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield {
        "executor": "http",
        "url": f"http://127.0.0.1:{server.server_port}",
        "actions": {
            "drain": {"method": "PUT", "path": "/drained/{object}", "inverse": "undrain"},
            "undrain": {"method": "PUT", "path": "/undrained/{object}"},
        },
    }
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_seen_moves_an_object_and_is_acted_upon_once(open_: Open, tmp_path: Path) -> None:
    """A stage that is seen is entered, its event commands what the policy says, once, with the arguments as written."""
    estate = open_(config(tmp_path), greet=ALIVE)
    see(estate, "pcrf", "deploy")
    comes_to(estate, "pcrf", "deploy")
    assert actions(estate) == []
    see(estate, "pcrf", "post_deploy")
    (record,) = done(estate, 1)
    assert (record.action, record.arguments) == ("scripts:run", ("pcrf", "greet.py", "--to", "pcrf"))
    assert (record.policy, record.rule, record.object) == ("greet", "greet", "pcrf")
    quiet(estate)
    estate.push_rows(ADMIN, "lab", "vnf", [{"id": "other", "state": "ok"}])
    assert len(actions(estate)) == 1


def test_an_event_that_happens_again_commands_again(open_: Open, tmp_path: Path) -> None:
    """Each time that an event is told, its command is done once, also when it is told at once and without an `at`."""
    estate = open_(config(tmp_path), greet=ALIVE)
    for count in range(1, 6):
        happen(estate, "pcrf", "LCS::POST_DEPLOY_ALIVE")
        done(estate, count)
    happen(estate, "other", "LCS::POST_DEPLOY_ALIVE")
    assert [each.object for each in done(estate, 6)] == ["pcrf"] * 5 + ["other"]
    quiet(estate)


def test_a_policy_that_comes_later_does_not_act_upon_what_is_past(open_: Open, tmp_path: Path) -> None:
    """Added, changed and removed while the VNF runs, a policy acts upon the next event, and never upon one before."""
    estate = open_(config(tmp_path))
    see(estate, "pcrf", "post_deploy")
    comes_to(estate, "pcrf", "post_deploy")
    quiet(estate)
    added = estate.put_policy(ADMIN, "greet", ALIVE, None)
    changed = estate.put_policy(ADMIN, "greet", ALIVE.replace("greet.py", "hello.py"), added.etag)
    assert actions(estate) == []
    happen(estate, "pcrf", "LCS::POST_DEPLOY_ALIVE")
    (record,) = done(estate, 1)
    assert record.arguments[1] == "hello.py"
    quiet(estate)
    changed = estate.put_policy(ADMIN, "greet", ALIVE.replace("greet.py", "third.py"), changed.etag)
    happen(estate, "pcrf", "LCS::POST_DEPLOY_ALIVE")
    assert [each.arguments[1] for each in done(estate, 2)] == ["hello.py", "third.py"]
    quiet(estate)
    estate.remove_policy(ADMIN, "greet", changed.etag)
    happen(estate, "pcrf", "LCS::POST_DEPLOY_ALIVE")
    quiet(estate)
    assert len(actions(estate)) == 2
    assert stage_of(estate, "pcrf") == "post_deploy"


def test_an_event_waits_for_its_action(open_: Open, tmp_path: Path) -> None:
    """What an event commands stays commanded while it waits for a person, and runs once it may."""
    estate = open_(config(tmp_path), greet=ALIVE.replace("mode: enforce", "mode: enforce\napproval: true"))
    happen(estate, "pcrf", "LCS::POST_DEPLOY_ALIVE")
    (record,) = until(lambda: actions(estate, "approval"))
    # Longer than it takes to look whether the event is over.
    until(lambda: estate.snapshot().rows("lifecycle:event"))
    happen(estate, "other", "LCS::UNHEARD::OF")
    until(lambda: len(estate.snapshot().rows("lifecycle:event")) == 1)
    estate.actions.approve(record.id, "ops")
    (record,) = done(estate, 1)
    assert record.approved_by == "ops"
    quiet(estate)


def test_an_event_is_acted_upon_once_though_the_tables_change_meanwhile(open_: Open, tmp_path: Path) -> None:
    """What an event commands in other words, once its action has begun, is let go: it is one event all the same."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "stitch.sh").write_text(
        f'echo "$1" >> {tmp_path}/stitched\nwhile [ ! -e {tmp_path}/enough ]; do sleep 0.1; done\n', encoding="utf-8"
    )
    text = """\
policy: stitch
mode: enforce
conditions: ["LCS::POST_DEPLOY_ALIVE"]
when: lab:vm(vnf=object, address=address)
actions:
  - {name: stitch, type: SCRIPT, properties: {script_filename: stitch.sh, arguments: ["{address}"]}}
"""
    targets = {"scripts": {"executor": "script", "directory": str(scripts)}}
    estate = open_(config(tmp_path, targets=targets), stitch=text)
    vm = {"id": "vm1", "vnf": "pcrf", "address": "10.0.0.1", "status": "ACTIVE", "image": "i"}
    estate.push_rows(ADMIN, "lab", "vm", [vm])
    happen(estate, "pcrf", "LCS::POST_DEPLOY_ALIVE")
    until((tmp_path / "stitched").exists)
    estate.push_rows(ADMIN, "lab", "vm", [{**vm, "address": "10.0.0.2"}])
    (late,) = until(lambda: actions(estate, "cancelled"))
    assert late.arguments[-1] == "10.0.0.2"
    quiet(estate)
    for address in ("10.0.0.1", "10.0.0.2"):
        estate.push_rows(ADMIN, "lab", "vm", [{**vm, "address": address}])
    (tmp_path / "enough").touch()
    done(estate, 1)
    quiet(estate)
    assert (tmp_path / "stitched").read_text(encoding="utf-8").split() == ["10.0.0.1"]
    happen(estate, "pcrf", "LCS::POST_DEPLOY_ALIVE")
    assert [each.arguments[-1] for each in done(estate, 2)] == ["10.0.0.1", "10.0.0.2"]


def test_a_policy_that_is_tried_out_does_nothing_later(open_: Open, tmp_path: Path) -> None:
    """What a dry run showed is not done when the policy is enforced afterwards."""
    estate = open_(config(tmp_path))
    tried = estate.put_policy(ADMIN, "greet", ALIVE.replace("enforce", "dryrun"), None)
    happen(estate, "pcrf", "LCS::POST_DEPLOY_ALIVE")
    (record,) = until(lambda: actions(estate))
    assert record.mode == "dryrun"
    quiet(estate)
    estate.put_policy(ADMIN, "greet", ALIVE, tried.etag)
    happen(estate, "other", "LCS::POST_DEPLOY_ALIVE")
    assert [each.object for each in done(estate, 1)] == ["other"]


def test_success_moves_on_and_failure_keeps_the_stage(open_: Open, tmp_path: Path) -> None:
    """`moves_to` moves an object once its action has succeeded; one that fails stays, and is tried again."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "finish.sh").write_text('test -e "$2" || exit 75\n', encoding="utf-8")
    (scripts / "broken.sh").write_text("exit 1\n", encoding="utf-8")
    targets = {"scripts": {"executor": "script", "directory": str(scripts)}}
    fast = {
        "defaults": {
            "cooldown": 0,
            "backoff": 0.1,
            "attempts": 100,
            "rate": {"amount": 1000},
            "object_rate": {"amount": 1000},
        }
    }
    flag = tmp_path / "ready"
    text = f"""\
policy: finish
mode: enforce
conditions: [post_deploy]
actions:
  - {{name: finish, type: SCRIPT, properties: {{script_filename: finish.sh, "--ready": {flag}}}, moves_to: monitoring}}
"""
    broken = text.replace("finish", "broken").replace("post_deploy", "deploy")
    estate = open_(config(tmp_path, targets=targets, enforcement=fast), finish=text, broken=broken)
    see(estate, "bad", "deploy")
    until(lambda: actions(estate, "failed", policies=["broken"]))
    see(estate, "pcrf", "post_deploy")
    until(lambda: any(each.attempt > 1 for each in actions(estate, policies=["finish"])))
    assert stage_of(estate, "pcrf") == "post_deploy"
    flag.touch()
    comes_to(estate, "pcrf", "monitoring")
    assert len(done(estate, 1, policies=["finish"])) == 1
    assert stage_of(estate, "bad") == "deploy"


def test_a_move_after_which_the_object_has_moved_is_not_made(open_: Open, tmp_path: Path) -> None:
    """An action that succeeds when its object is elsewhere by now does not take it back."""
    text = ALIVE.replace('"{object}"}}', '"{object}"}, moves_to: monitoring}')
    estate = open_(config(tmp_path), greet=text.replace("mode: enforce", "mode: enforce\napproval: true"))
    see(estate, "pcrf", "post_deploy")
    (record,) = until(lambda: actions(estate, "approval"))
    see(estate, "pcrf", "fail")
    comes_to(estate, "pcrf", "fail")
    estate.actions.approve(record.id, "ops")
    done(estate, 1)
    quiet(estate)
    assert stage_of(estate, "pcrf") == "fail"


DRAIN = """\
policy drain(description = "Drain what is hot.", mode = "enforce", undo = true).
@id("drain") @object(v) execute[balancer:drain(v)] :- lab:vnf(id=v, state="HOT").
lifecycle_after("drain", "succeeded", "update", "MY::DRAINED").
"""
DRAINED = ALIVE.replace("LCS::POST_DEPLOY_ALIVE", "MY::DRAINED")


def test_what_undoes_an_action_is_none_of_its_outcomes(open_: Open, tmp_path: Path, balancer: dict[str, Any]) -> None:
    """Once an action is undone, nothing comes of that which comes of the action's own success: no move, no event."""
    estate = open_(config(tmp_path, targets={"balancer": balancer}), drain=DRAIN, greet=DRAINED)
    see(estate, "v1", "monitoring")
    comes_to(estate, "v1", "monitoring")
    estate.push_rows(ADMIN, "lab", "vnf", [{"id": "v1", "state": "HOT"}])
    comes_to(estate, "v1", "update")
    done(estate, 1, policies=["greet"])
    estate.push_rows(ADMIN, "lifecycle", "stage", [{"object": "v1", "stage": "monitoring"}])
    comes_to(estate, "v1", "monitoring")
    estate.push_rows(ADMIN, "lab", "vnf", [{"id": "v1", "state": "COLD"}])
    assert done(estate, 2, policies=["drain"])[1].action == "balancer:undrain"
    # Outcomes are looked at in the order in which actions end.
    estate.push_rows(ADMIN, "lab", "vnf", [{"id": "v2", "state": "HOT"}])
    comes_to(estate, "v2", "update")
    assert stage_of(estate, "v1") == "monitoring"
    assert [each.object for each in done(estate, 2, policies=["greet"])] == ["v1", "v2"]


def test_nobody_comes_into_a_stage_that_there_is_not(open_: Open, tmp_path: Path) -> None:
    """An outcome that names an unknown stage is told in the log and moves nobody; its event happens all the same."""
    text = """\
policy act(description = "Act.", mode = "enforce").
@id("act") @object(v) execute[vnfm:heal(v)] :- lifecycle:stage(object=v, stage="heal").
lifecycle_after("act", "succeeded", "nowhere", "MY::DRAINED").
"""
    estate = open_(config(tmp_path), act=text, greet=DRAINED)
    with capture_logs() as logs:
        see(estate, "v1", "heal")
        done(estate, 1, policies=["greet"])
    assert stage_of(estate, "v1") == "heal"
    told = [(each["log_level"], each["object"], each["policy"], each["rule"]) for each in logs if "stage" in each]
    assert told == [("warning", "v1", "act", "act")]


ENTERED = {
    "pre_deploy": (["pre_deploy"], "LCS::PRE_DEPLOY"),
    "alive": (["deploy", "post_deploy"], "LCS::POST_DEPLOY_ALIVE"),
    "failed to deploy": (["deploy", "fail"], "LCS::DEPLOY_ERR"),
    "any stage": (["heal"], "LCS::STAGE::HEAL"),
    "a stage of one's own": (["warm_up"], "LCS::STAGE::WARM_UP"),
}


@pytest.mark.parametrize(("stages", "event"), ENTERED.values(), ids=ENTERED.keys())
def test_to_enter_a_stage_is_an_event(stages: list[str], event: str, open_: Open, tmp_path: Path) -> None:
    """Each stage that is entered raises its events, custom ones too."""
    made = config(tmp_path, lifecycle={"observe": "sight:stage", "stages": ["warm_up"]})
    estate = open_(made, greet=ALIVE.replace("LCS::POST_DEPLOY_ALIVE", event))
    for stage in stages:
        see(estate, "pcrf", stage)
        comes_to(estate, "pcrf", stage)
    assert [each.object for each in done(estate, 1)] == ["pcrf"]


def test_a_failure_while_it_serves_is_no_failure_to_deploy(open_: Open, tmp_path: Path) -> None:
    """LCS::DEPLOY_ERR is told of what failed before it ever served, and of nothing else."""
    events = {"early": "LCS::DEPLOY_ERR", "any": "LCS::STAGE::FAIL"}
    policies = {
        name: ALIVE.replace("LCS::POST_DEPLOY_ALIVE", event).replace("policy: greet", f"policy: {name}")
        for name, event in events.items()
    }
    estate = open_(config(tmp_path), **policies)
    for stage in ("monitoring", "fail"):
        see(estate, "pcrf", stage)
        comes_to(estate, "pcrf", stage)
    done(estate, 1, policies=["any"])
    quiet(estate)
    assert actions(estate, policies=["early"]) == []


def test_what_is_seen_twice_at_once_moves_nobody(open_: Open, tmp_path: Path) -> None:
    """An object that is seen in two stages stays where it is until it is seen in one."""
    both = (
        'policy sight.\nstage(o, s) :- lab:seen(object=o, stage=s).\nstage(o, "fail") :- lab:vnf(id=o, state="bad").\n'
    )
    estate = open_(config(tmp_path), sight=both)
    see(estate, "pcrf", "monitoring")
    comes_to(estate, "pcrf", "monitoring")
    estate.push_rows(ADMIN, "lab", "vnf", [{"id": "pcrf", "state": "bad"}])
    see(estate, "other", "deploy")
    comes_to(estate, "other", "deploy")
    assert stage_of(estate, "pcrf") == "monitoring"
    see(estate, "pcrf", None)
    comes_to(estate, "pcrf", "fail")


def test_what_is_gone_is_forgotten(open_: Open, tmp_path: Path) -> None:
    """An object that is seen to be gone leaves nothing behind; one that is no longer seen stays where it was."""
    estate = open_(config(tmp_path))
    for name in ("a", "b"):
        see(estate, name, "monitoring")
        comes_to(estate, name, "monitoring")
    see(estate, "a", "gone")
    see(estate, "b", None)
    comes_to(estate, "a", None)
    assert stage_of(estate, "b") == "monitoring"


def test_stages_outlive_a_restart(open_: Open, tmp_path: Path) -> None:
    """After a restart objects are where they were, since when they were, and what was acted upon is not done again."""
    made = config(tmp_path)
    first = opened(made, greet=ALIVE)
    see(first, "pcrf", "post_deploy")
    done(first, 1)
    quiet(first)
    before = first.snapshot().rows("lifecycle:stage")
    first.stop()
    second = open_(made)
    see(second, "other", "post_deploy")
    assert [each.object for each in done(second, 2)] == ["pcrf", "other"]
    assert [row for row in second.snapshot().rows("lifecycle:stage") if row[0] == "pcrf"] == before


def test_an_event_that_came_before_a_restart_is_acted_upon_after_it(open_: Open, tmp_path: Path) -> None:
    """An event that was acknowledged, but not acted upon yet, is acted upon once by the engine that comes next."""
    paused = config(tmp_path, enforcement={"enabled": False})
    first = opened(paused, greet=ALIVE)
    happen(first, "pcrf", "LCS::POST_DEPLOY_ALIVE")
    until(lambda: actions(first, "planned"))
    first.stop()
    second = open_(config(tmp_path))
    done(second, 1)
    quiet(second)


REPORTS = {
    "an unknown stage": ("stage", {"object": "a", "stage": "monitorin"}, "CL689"),
    "no event": ("event", {"object": "a", "event": "alive"}, "CL689"),
    "a table of ours": ("observed", {"object": "a", "stage": "fail", "level": "vnf"}, "CL688"),
    "no object": ("stage", {"stage": "fail"}, "CL544"),
    "an object without a name": ("stage", {"object": "", "stage": "fail"}, "CL689"),
    "an event of an object without a name": ("event", {"object": "", "event": "MY::EVENT"}, "CL689"),
    "an unknown level": ("stage", {"object": "a", "stage": "fail", "level": "moon"}, "CL689"),
    "an event of an unknown level": ("event", {"object": "a", "event": "MY::EVENT", "level": "moon"}, "CL689"),
    "an unknown column": ("stage", {"object": "a", "state": "fail"}, "CL543"),
}


@pytest.mark.parametrize(("table", "row", "code"), REPORTS.values(), ids=REPORTS.keys())
def test_reports_that_are_not_right(table: str, row: dict[str, str], code: str, open_: Open, tmp_path: Path) -> None:
    """A report that does not fit is refused, with its reason, and changes nothing."""
    estate = open_(config(tmp_path))
    with pytest.raises(SourceError) as caught:
        estate.push_rows(ADMIN, "lifecycle", table, [row])
    assert [each.code for each in caught.value.diagnostics] == [code]
    assert estate.snapshot().rows("lifecycle:stage") == []
    assert estate.snapshot().rows("lifecycle:event") == []


def test_reports_move_objects_too(open_: Open, tmp_path: Path) -> None:
    """A stage that is reported is entered, with its events; to report it again changes nothing."""
    estate = open_(config(tmp_path), greet=ALIVE)
    row = {"object": "group-1", "stage": "post_deploy", "level": "group"}
    estate.push_rows(ADMIN, "lifecycle", "stage", [row])
    done(estate, 1)
    quiet(estate)
    assert estate.push_rows(ADMIN, "lifecycle", "stage", [row]).inserted == 0
    quiet(estate)
    assert len(actions(estate)) == 1
    estate.push_rows(ADMIN, "lifecycle", "stage", [], [{"object": "group-1"}])
    assert stage_of(estate, "group-1") is None
    with pytest.raises(SourceError):
        estate.put_rows(ADMIN, "lifecycle", "stage", [])


def test_policies_of_a_level(open_: Open, tmp_path: Path) -> None:
    """A policy of a level acts upon objects of that level only."""
    estate = open_(config(tmp_path), greet=ALIVE.replace("mode: enforce", "mode: enforce\nlevel: group"))
    for name, level in (("one", "vnf"), ("some", "group"), ("all", "deployment")):
        row = {"object": name, "stage": "post_deploy", "level": level}
        estate.push_rows(ADMIN, "lifecycle", "stage", [row])
    assert [each.object for each in done(estate, 1)] == ["some"]
    quiet(estate)


def test_the_name_is_taken(tmp_path: Path) -> None:
    """No source of the configuration can be called as the engine's own."""
    made = config(tmp_path, sources={"lifecycle": {"driver": "push", "definition": "alertmanager"}})
    with pytest.raises(SourceError) as caught:
        open_estate(made)
    assert [each.code for each in caught.value.diagnostics] == ["CL687"]


def test_what_is_not_current_moves_nobody(open_: Open, tmp_path: Path) -> None:
    """A stage that rests on a source which cannot be read is not believed until it is read."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "seen.csv").write_text("object,stage\npcrf,post_deploy\n", encoding="utf-8")
    source = {"driver": "files", "folder": str(folder), "settle": 0, "every": 0.2, "deadline": 5}
    sight = SEEN.replace("lab:seen", "files:seen")
    made = config(tmp_path, sources={"files": source}, policies=[])
    estate = open_(made, sight=sight, greet=ALIVE)
    comes_to(estate, "pcrf", "post_deploy")
    done(estate, 1)
    (folder / "seen.csv").write_text("object,stage\npcrf\0broken", encoding="utf-8")
    until(lambda: {each.name: each.health for each in estate.sources()}["files"] == "stale")
    happen(estate, "x", "LCS::UNHEARD::OF")
    assert stage_of(estate, "pcrf") == "post_deploy"
    (folder / "seen.csv").write_text("object,stage\npcrf,fail\n", encoding="utf-8")
    comes_to(estate, "pcrf", "fail")
