"""
Two engines on one database, one killed, one frozen in the middle of actions: nothing is done twice at a target that can
be asked, and where nobody can tell, a person is asked.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.databases import emptied, postgresql
from tests.enforcement.test_action_crashes import vnfm
from tests.enforcement.vnfm_book import done
from tests.live.nodes import Node, leading, waiting
from tests.waiting import until

__all__ = ["postgresql"]
pytestmark = pytest.mark.long
POLICY = 'policy p(mode = "enforce").\nexecute[vnfm:{action}(v{more})] :- inv:vm(id=v, host="h2").\n'
LIMITS = {
    "backoff": "100ms", "call_timeout": "500ms", "cooldown": 0, "attempts": 10,
    "rate": {"amount": 100_000}, "object_rate": {"amount": 100_000},
}  # fmt: skip
VNFS = [f"vnf-{number}" for number in range(60)]


def configuration(folder: Path, url: str, *, asked: bool) -> dict[str, Any]:
    """What both engines are told: scale each VNF, at a target that can be asked what it did, or that cannot."""
    policy = folder / "scale.dl"
    action, more = ("scale_out", ', "work"') if asked else ("scale", "")
    policy.write_text(POLICY.format(action=action, more=more), "utf-8")
    path = "/vnflcm/v2/vnf_instances/{object}/scale"
    body = {"type": "SCALE_OUT", "aspectId": "work", "additionalParams": {"congresslite_key": "{key}"}}
    post = {"method": "POST", "path": path, "body": body}
    blind = {"executor": "http", "url": url, "headers": {"Version": "2.0.0"}, "actions": {"scale": post}}
    target = {"executor": "vnfm", "url": url, "timeout": "500ms"} if asked else {**blind, "timeout": "500ms"}
    return {
        "policies": [str(policy)],
        "enforcement": {"targets": {"vnfm": target}, "defaults": LIMITS, "workers": 4},
        "max_affected": {"amount": None, "percent": None},
    }


def actions(node: Node) -> list[dict[str, Any]]:
    """All actions, as a node tells them."""
    status, _, told = node.ask("GET", "/v1/actions?limit=1000")
    assert status == 200, told
    return list(told["items"])


def over(node: Node) -> list[dict[str, Any]] | None:
    """All actions, once nothing is under way any more."""
    found = actions(node)
    ended = len(found) == len(VNFS) and all(each["state"] in ("succeeded", "failed", "held") for each in found)
    return found if ended else None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@pytest.mark.parametrize("asked", [True, False], ids=["a target that can be asked", "a target that cannot"])
def test_an_engine_that_takes_over_does_nothing_twice(
    postgresql: str, tmp_path: Path, how: signal.Signals, asked: bool
) -> None:
    """One engine acts on sixty VNFs and is killed, or frozen and continued later; the other takes over."""
    database, draw = emptied(postgresql), random.Random(f"{how} {asked}")
    with vnfm(tmp_path, VNFS) as url:
        requests.post(f"{url}/control", json={"seconds": 0.2}, timeout=10)
        more = configuration(tmp_path, url, asked=asked)
        with leading(tmp_path, "one", database, **more) as one, waiting(tmp_path, "two", database, **more) as two:
            slow = {"on": "POST .*/scale$", "do": "slow", "when": "after", "seconds": 0.2, "times": 60}
            requests.post(f"{url}/control", json={"faults": [slow]}, timeout=10)
            one.push(*VNFS)
            until(lambda: len(done(tmp_path / "book")) > 5)
            # Not a wait for something: the moment is to be any.
            time.sleep(draw.uniform(0, 0.5))
            one.send(how)
            until(two.leads, 60)
            if how is signal.SIGSTOP:
                until(lambda: len(done(tmp_path / "book")) > 20, 60)
                one.send(signal.SIGCONT)
            found = until(lambda: over(two), 120)
        often = done(tmp_path / "book")
    assert max(often.values()) == 1, often
    for each in found:
        assert each["state"] != "succeeded" or often[each["id"]] == 1, each
        assert each["state"] != "failed" or often[each["id"]] == 0, each
    states = Counter(each["state"] for each in found)
    assert states["held"] <= 4, states  # those that were being called
    if asked and how is signal.SIGKILL:
        assert states == {"succeeded": len(VNFS)}
    for each in found:
        if each["state"] == "held":
            assert "it is not known whether it was done" in each["reason"] or "may still be running" in each["reason"]


def test_a_script_that_outlives_its_engine_is_not_run_again(postgresql: str, tmp_path: Path) -> None:
    """An engine is killed while its script runs on; the one that takes over cannot see that, and asks a person."""
    database, scripts, log = emptied(postgresql), tmp_path / "scripts", tmp_path / "log"
    scripts.mkdir(mode=0o755)
    waits = f"until [ -e {tmp_path}/gate ]; do sleep 0.1; done"
    (scripts / "hook.sh").write_text(f"echo start >> {log}; {waits}; echo end >> {log}", "utf-8")
    policy = tmp_path / "run.dl"
    policy.write_text('policy p(mode = "enforce").\nexecute[hooks:run(v, "hook.sh")] :- inv:vm(id=v, host="h2").\n')
    more = {
        "policies": [str(policy)],
        "enforcement": {"targets": {"hooks": {"executor": "script", "directory": str(scripts)}}, "defaults": LIMITS},
        "max_affected": {"amount": None, "percent": None},
    }
    with leading(tmp_path, "one", database, **more) as one, waiting(tmp_path, "two", database, **more) as two:
        one.push("vnf-0")
        until(log.exists)
        one.send(signal.SIGKILL)
        until(two.leads, 60)
        (held,) = until(lambda: [each for each in actions(two) if each["state"] == "held"], 60)
        assert "another folder `state`" in held["reason"]
        (tmp_path / "gate").touch()
        until(lambda: "end" in log.read_text())
        assert log.read_text() == "start\nend\n"
        assert [each["state"] for each in actions(two)] == ["held"]
