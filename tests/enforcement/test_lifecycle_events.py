"""Events: each is there until what it commands is over, and only for those who were there when it happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from congresslite.diagnostics import PolicyError
from congresslite.live import LiveEstate
from congresslite.store.records import ActionRecord
from tests.enforcement.lifecycles import (
    ADMIN,
    AT_ONCE,
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

FIRST = """\
policy: first
description: Call the plant.
mode: enforce
conditions: ["MY::EVENT"]
actions:
  - {name: first, type: HTTP, properties: {target: plant, request: first}}
"""
SECOND = FIRST.replace("first", "second")


class Plant:
    """A target that counts its calls, and answers as it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = 200
        plant = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                plant.calls.append(self.path)
                self.send_response(plant.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def targets(self) -> dict[str, Any]:
        """As the configuration has it."""
        kinds = {name: {"method": "POST", "path": f"/{name}/{{object}}"} for name in ("first", "second")}
        return {
            "plant": {"executor": "http", "url": f"http://127.0.0.1:{self.server.server_port}", "actions": kinds},
        }


def replace(path: Path, text: str) -> None:
    """Let a file that somebody reads have another text, never half of one."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.rename(path)


@pytest.fixture
def plant() -> Iterator[Plant]:
    made = Plant()
    thread = Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def open_() -> Iterator[Open]:
    yield from stopped_afterwards(opened)


def test_what_is_held_can_be_done_again(open_: Open, tmp_path: Path, plant: Plant) -> None:
    """An event waits for a held action too, so that a person who finds that it was not done lets it be done again."""
    soon = {"defaults": {**AT_ONCE, "call_timeout": 0.5}}
    estate = open_(config(tmp_path, targets=plant.targets, enforcement=soon), first=FIRST)
    plant.status = 500
    happen(estate, "v1", "MY::EVENT")
    (record,) = until(lambda: actions(estate, "held"))
    happen(estate, "other", "MY::UNHEARD")
    until(lambda: [row[0] for row in estate.snapshot().rows("lifecycle:event")] == ["v1"])
    plant.status = 200
    estate.actions.approve(record.id, "ops", "it was not done")
    assert [each.id for each in done(estate, 1)] == [record.id]
    quiet(estate)
    assert plant.calls == ["/first/v1"] * 2


def test_what_was_only_shown_has_no_outcomes(open_: Open, tmp_path: Path) -> None:
    """A policy that is tried out moves no object and raises no event, whatever becomes of what it showed."""
    dry = """\
policy dry(description = "Try.", mode = "dryrun").
@id("d") @object(v) execute[vnfm:heal(v)] :- lab:vnf(id=v, state="HOT").
lifecycle_after("d", "cancelled", "fail", "MY::EVENT").
"""
    told = FIRST.replace("{target: plant, request: first}", "{request: notify}")
    estate = open_(config(tmp_path), dry=dry, first=told)
    see(estate, "v1", "monitoring")
    comes_to(estate, "v1", "monitoring")
    estate.push_rows(ADMIN, "lab", "vnf", [{"id": "v1", "state": "HOT"}])
    until(lambda: actions(estate, "shown"))
    estate.push_rows(ADMIN, "lab", "vnf", [{"id": "v1", "state": "COLD"}])
    until(lambda: actions(estate, "cancelled"))
    happen(estate, "v2", "MY::EVENT")  # outcomes are looked at before events are
    assert [each.object for each in done(estate, 1)] == ["v2"]
    quiet(estate)
    assert stage_of(estate, "v1") == "monitoring"
    assert actions(estate, policies=["first"], objects=["v1"]) == []


def test_a_source_that_is_away_keeps_only_its_own_events(open_: Open, tmp_path: Path) -> None:
    """An event that happens again commands again, though a policy of other events rests on what cannot be read."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    replace(folder / "spare.csv", "id,site\nv1,here\n")
    source = {"driver": "files", "folder": str(folder), "settle": 0, "every": 0.2, "deadline": 5}
    told = FIRST.replace("{target: plant, request: first}", "{request: notify}")
    other = told.replace("first", "other").replace("MY::EVENT", "MY::OTHER")
    other = other.replace("actions:", "when: files:spare(id=object)\nactions:")
    lab = {"driver": "push", "definition": str(tmp_path / "lab.yaml")}
    estate = open_(config(tmp_path, sources={"files": source, "lab": lab}), first=told, other=other)
    happen(estate, "v1", "MY::OTHER")
    done(estate, 1, policies=["other"])
    quiet(estate)
    replace(folder / "spare.csv", "id,site\nv1\0broken")
    until(lambda: {each.name: each.health for each in estate.sources()}["files"] == "stale")
    happen(estate, "v1", "MY::OTHER")
    for count in range(1, 4):
        happen(estate, "v1", "MY::EVENT")
        done(estate, count, policies=["first"])
    until(lambda: [row[1] for row in estate.snapshot().rows("lifecycle:event")] == ["MY::OTHER"])
    replace(folder / "spare.csv", "id,site\nv1,here\n")
    done(estate, 2, policies=["other"])
    quiet(estate)


CAREFUL = FIRST.replace("mode: enforce", "mode: enforce\napproval: true")


def waiting(estate: LiveEstate) -> ActionRecord:
    """The action of the second policy, once it waits for the next event."""
    (record,) = until(
        lambda: [each for each in actions(estate, "planned", policies=["second"]) if each.guard == "freshness"]
    )
    return record


def put(estate: LiveEstate, name: str, text: str) -> None:
    """Let a policy come in place of the one that there is."""
    estate.put_policy(ADMIN, name, text, {each.name: each.etag for each in estate.policies()}[name])


def test_a_policy_that_comes_while_an_event_waits_acts_upon_the_next_one(
    open_: Open, tmp_path: Path, plant: Plant
) -> None:
    """An event that waits for an approval commands nothing of a policy that comes, or changes again, meanwhile."""
    estate = open_(config(tmp_path, targets=plant.targets), first=CAREFUL)
    happen(estate, "v1", "MY::EVENT")
    (record,) = until(lambda: actions(estate, "approval"))
    estate.put_policy(ADMIN, "second", SECOND, None)
    late = waiting(estate)
    put(estate, "second", SECOND.replace("Call", "Ring"))
    put(estate, "first", CAREFUL.replace("Call", "Ring"))  # what it commanded before that is still to be done
    happen(estate, "other", "MY::UNHEARD")
    until(lambda: [row[0] for row in estate.snapshot().rows("lifecycle:event")] == ["v1"])
    estate.actions.approve(record.id, "ops")
    assert [each.id for each in done(estate, 1)] == [record.id]
    quiet(estate)
    until(lambda: [each.id for each in actions(estate, "cancelled")] == [late.id])
    assert plant.calls == ["/first/v1"]
    happen(estate, "v1", "MY::EVENT")
    done(estate, 1, policies=["second"])
    assert plant.calls == ["/first/v1", "/second/v1"]


def test_an_event_that_happens_again_is_there_for_who_came_meanwhile(open_: Open, tmp_path: Path, plant: Plant) -> None:
    """What waits for the next event begins with it, once, also where the one before still waits for an approval."""
    estate = open_(config(tmp_path, targets=plant.targets), first=CAREFUL)
    happen(estate, "v1", "MY::EVENT")
    (record,) = until(lambda: actions(estate, "approval"))
    estate.put_policy(ADMIN, "second", SECOND, None)
    late = waiting(estate)
    happen(estate, "v1", "MY::EVENT")
    assert [each.id for each in done(estate, 1)] == [late.id]
    estate.actions.approve(record.id, "ops")
    done(estate, 2)
    quiet(estate)
    assert plant.calls == ["/second/v1", "/first/v1"]


def test_a_policy_that_comes_with_a_restart_acts_upon_the_next_event(open_: Open, tmp_path: Path, plant: Plant) -> None:
    """After a restart an event commands what it commanded before, and nothing of a policy that came since."""
    first = opened(config(tmp_path, targets=plant.targets), first=CAREFUL)
    happen(first, "v1", "MY::EVENT")
    (record,) = until(lambda: actions(first, "approval"))
    first.put_policy(ADMIN, "second", SECOND, None)
    late = waiting(first)
    first.stop()
    third = tmp_path / "third.yaml"
    third.write_text(FIRST.replace("policy: first", "policy: third"), encoding="utf-8")
    estate = open_(config(tmp_path, targets=plant.targets, policies=[str(third)]))
    until(lambda: [each for each in actions(estate, policies=["third"]) if each.guard == "freshness"])
    assert waiting(estate).id == late.id
    estate.actions.approve(record.id, "ops")
    assert [each.id for each in done(estate, 1)] == [record.id]
    quiet(estate)
    until(lambda: len(actions(estate, "cancelled")) == 2)
    assert plant.calls == ["/first/v1"]


def test_a_policy_that_is_refused_changes_nothing_for_events(open_: Open, tmp_path: Path, plant: Plant) -> None:
    """An event that waits still commands what the policy says, though a change of it was tried, and refused."""
    estate = open_(config(tmp_path, targets=plant.targets), first=FIRST)
    estate.actions.pause("", "ops")
    with pytest.raises(PolicyError):
        put(estate, "first", FIRST.replace("actions:", "when: nowhere:vm(id=object)\nactions:"))
    happen(estate, "v1", "MY::EVENT")
    with pytest.raises(PolicyError):
        put(estate, "first", FIRST.replace("actions:", "when: nowhere:vm(id=object)\nactions:"))
    estate.actions.resume("", "ops")
    done(estate, 1)
    quiet(estate)
    assert plant.calls == ["/first/v1"]
