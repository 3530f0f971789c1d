"""
The executor `vnfm` against a VNF manager of our own over real HTTP: what it sends, and what it says became of it.

The VNF manager keeps a book of what it did (`vnfm_book`); what the executor claims is held against that, never against
what the executor sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from congresslite.enforcement.executors import open_executor as open_target
from congresslite.enforcement.executors.vnfm import Settings, VnfmExecutor
from congresslite.schema import Scalar
from tests.enforcement.vnfm_calls import VNF, ended, executor, failed, followed, managing, order, soon
from tests.enforcement.vnfm_server import VnfmServer
from tests.waiting import until

LINKS = [{"id": "ext", "resourceId": "net", "extCps": []}]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Where the VNF manager writes down what it does."""
    return tmp_path / "book.ndjson"


@pytest.fixture
def vnfm(book: Path) -> Iterator[VnfmServer]:
    """A VNF manager with two instances, one of them instantiated."""
    with managing(book) as server:
        yield server


@pytest.fixture
def opened(vnfm: VnfmServer, tmp_path: Path) -> Iterator[VnfmExecutor]:
    """An executor that calls it."""
    made = executor(vnfm, tmp_path)
    yield made
    made.close()


# -- what is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "operation", "body"),
    [
        (("instantiate", "idle", "simple"), "INSTANTIATE", {"flavourId": "simple"}),
        (("instantiate", "idle", "simple", "big"), "INSTANTIATE",
         {"flavourId": "simple", "instantiationLevelId": "big"}),
        (("scale_out", VNF, "web"), "SCALE", {"type": "SCALE_OUT", "aspectId": "web", "numberOfSteps": 1}),
        (("scale_in", VNF, "web", 2), "SCALE", {"type": "SCALE_IN", "aspectId": "web", "numberOfSteps": 2}),
        (("scale_to_level", VNF, "big"), "SCALE_TO_LEVEL", {"instantiationLevelId": "big"}),
        (("change_flavour", VNF, "other"), "CHANGE_FLAVOUR", {"newFlavourId": "other"}),
        (("heal", VNF), "HEAL", {}),
        (("heal", VNF, "no answer", "part-1"), "HEAL", {"cause": "no answer", "vnfcInstanceId": ["part-1"]}),
        (("terminate", VNF), "TERMINATE", {"terminationType": "GRACEFUL"}),
        (("terminate", VNF, "GRACEFUL", 30), "TERMINATE",
         {"terminationType": "GRACEFUL", "gracefulTerminationTimeout": 30}),
        (("start", VNF), "OPERATE", {"changeStateTo": "STARTED"}),
        (("stop", VNF, "GRACEFUL", 5), "OPERATE",
         {"changeStateTo": "STOPPED", "stopType": "GRACEFUL", "gracefulStopTimeout": 5}),
        (("change_ext_conn", VNF, json.dumps(LINKS)), "CHANGE_EXT_CONN", {"extVirtualLinks": LINKS}),
    ],
)  # fmt: skip
def test_an_action_is_the_request_of_sol003(
    opened: VnfmExecutor, vnfm: VnfmServer, given: tuple[Any, ...], operation: str, body: dict[str, Any]
) -> None:
    """Each action is one operation of the VNF manager with these parameters and our key."""
    sent = order(*given)
    outcome = ended(opened, sent)
    assert (outcome.state, outcome.output["operation"]) == ("succeeded", operation)
    (entry,) = [each for each in vnfm.state()["operations"] if each["id"] == outcome.reference]
    marks = {"congresslite_key": sent.key, "congresslite_attempt": 1}
    assert (entry["operation"], entry["operationParams"]) == (operation, {**body, "additionalParams": marks})


@pytest.mark.parametrize(("version", "echo"), [("v1", "text"), ("v1", "all"), ("v2", "all")])
def test_both_versions_are_spoken(vnfm: VnfmServer, tmp_path: Path, version: str, echo: str) -> None:
    """The version that settings name is the one that is spoken, from the look to the end of the operation."""
    vnfm.behave(echo=echo)
    made = executor(vnfm, tmp_path, version=version)
    given = order("heal", VNF)
    assert ended(made, given).state == "succeeded"
    assert made.inspect(given, soon()).state == "succeeded"
    assert made.reachable(soon()) is None
    assert {each.split("/")[2] for each in vnfm.asked} == {version}


def test_an_instance_is_as_the_outcome_says(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """What succeeded is what the VNF manager then tells of the instance."""
    assert ended(opened, order("scale_out", VNF, "web", 3)).state == "succeeded"
    assert ended(opened, order("scale_in", VNF, "web")).state == "succeeded"
    assert ended(opened, order("stop", VNF)).state == "succeeded"
    info = vnfm.state()["instances"][VNF]["instantiatedVnfInfo"]
    assert info["scaleStatus"] == [{"aspectId": "web", "scaleLevel": 2}]
    assert info["vnfState"] == "STOPPED"
    assert ended(opened, order("terminate", VNF, "FORCEFUL")).state == "succeeded"
    assert vnfm.state()["instances"][VNF]["instantiationState"] == "NOT_INSTANTIATED"


@pytest.mark.parametrize(
    ("action", "terms"),
    [
        ("scale_out", (VNF, "web", 0)), ("scale_out", (VNF, "web", True)), ("scale_out", (VNF, "")),
        ("scale_out", (VNF, "web", "two")), ("terminate", (VNF, "SOFT")), ("terminate", (VNF, "FORCEFUL", 5)),
        ("change_ext_conn", (VNF, "{}")), ("change_ext_conn", (VNF, "[1]")), ("change_ext_conn", (VNF, "[" * 100_000)),
        ("heal", ("..",)), ("heal", (None,)), ("heal", (7,)), ("retry", (".",)),
    ],
)  # fmt: skip
def test_an_order_that_is_no_request_is_refused(
    vnfm: VnfmServer, opened: VnfmExecutor, action: str, terms: tuple[Scalar, ...]
) -> None:
    """What SOL003 has no request for is refused for good, and nothing is sent."""
    outcome = opened.perform(order(action, *terms), soon())
    assert (outcome.state, outcome.retry) == ("failed", False)
    assert outcome.why.startswith("CL611: ")
    assert vnfm.asked == []


@pytest.mark.parametrize("id_", ["a/../b", "a?b", "a%2fb", "ü", "a,b)", "it's"])
def test_an_id_stays_an_id(vnfm: VnfmServer, opened: VnfmExecutor, id_: str) -> None:
    """Whatever an id is made of, it leads to no other path, and to no other list."""
    assert opened.perform(order("heal", id_), soon()).why == f"there is no VNF instance `{id_}`"
    found = opened.inspect(order("heal", id_), soon())
    assert (found.state, found.why) == ("absent", f"none of the 0 operations of `{id_}` is it")
    assert not [each for each in vnfm.asked if each.startswith("POST")]


def test_a_profile_completes_a_request(vnfm: VnfmServer, tmp_path: Path) -> None:
    """What rules need not know stands in a file; what they say counts, and the file may change at any time."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "default.yaml").write_text("flavourId: none\nadditionalParams: {zone: a}\n", encoding="utf-8")
    (profiles / "lyon.json").write_text(json.dumps({"extVirtualLinks": LINKS}), encoding="utf-8")
    parameters = {"instantiate": {"script": "x.py"}, "heal": {"all": True}}
    made = executor(vnfm, tmp_path, profiles=str(profiles), parameters=parameters)
    for terms in (("idle", "simple"), ("idle", "simple", "", "lyon")):
        assert ended(made, order("instantiate", *terms)).state == "succeeded"
        assert ended(made, order("heal", "idle")).state == "succeeded"
        assert ended(made, order("terminate", "idle", "FORCEFUL")).state == "succeeded"
    sent = [each["operationParams"] for each in vnfm.state()["operations"] if each["vnfInstanceId"] == "idle"]
    for each in sent:
        for mark in ("congresslite_key", "congresslite_attempt"):
            del each["additionalParams"][mark]
    assert sent[0] == {"flavourId": "simple", "additionalParams": {"zone": "a", "script": "x.py"}}
    assert sent[1] == {"additionalParams": {"all": True}}
    assert sent[3] == {"flavourId": "simple", "extVirtualLinks": LINKS, "additionalParams": {"script": "x.py"}}


@pytest.mark.parametrize(
    ("name", "text"),
    [("../other", None), ("missing", None), ("torn", "a: [1"), ("list", "- 1"), ("odd", "additionalParams: 3"),
     ("huge", "a: " + "x" * 2_000_000)],
)  # fmt: skip
def test_a_profile_that_cannot_be_used_is_refused(
    vnfm: VnfmServer, tmp_path: Path, name: str, text: str | None
) -> None:
    """A profile that is missing or no mapping stops the order before anything is sent."""
    (tmp_path / "other.yaml").write_text("{}", encoding="utf-8")
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    if text is not None:
        (profiles / f"{name}.yaml").write_text(text, encoding="utf-8")
    made = executor(vnfm, tmp_path, profiles=str(profiles))
    outcome = made.perform(order("instantiate", "idle", "simple", "", name), soon())
    assert (outcome.state, outcome.retry, outcome.why[:6]) == ("failed", False, "CL610:")
    assert vnfm.asked == []


# -- what is said of it --------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["elsewhere", "path", "none"])
def test_an_operation_is_found_wherever_it_is_said_to_be(vnfm: VnfmServer, opened: VnfmExecutor, location: str) -> None:
    """The operation is followed at our own address, by its id, or by its key if nobody says where it is."""
    vnfm.behave(location=location)
    given = order("heal", VNF)
    outcome = ended(opened, given)
    assert (outcome.state, outcome.output["state"]) == ("succeeded", "COMPLETED")


@pytest.mark.parametrize(
    ("end", "state", "retry"),
    [("COMPLETED", "succeeded", True), ("FAILED_TEMP", "failed", False), ("FAILED", "failed", False),
     ("ROLLED_BACK", "failed", True), ("PAUSED", "unknown", True)],
)  # fmt: skip
def test_an_operation_ends_as_the_vnf_manager_says(
    vnfm: VnfmServer, opened: VnfmExecutor, end: str, state: str, retry: bool
) -> None:
    """Each end of an operation has its outcome; only what left nothing behind is tried again."""
    vnfm.behave(ends=[end])
    outcome = ended(opened, order("scale_out", VNF, "web"))
    assert (outcome.state, outcome.retry, outcome.output["state"]) == (state, retry, end)
    assert outcome.output["occurrence"] == outcome.reference
    if end == "FAILED_TEMP":
        assert outcome.output["mend"] == ["retry", "rollback", "fail"]
        assert "no valid host was found" in outcome.why


def test_another_operation_under_way_is_waited_for(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """A VNF whose operation is under way, or failed, takes no other: the order may be tried again, and why is said."""
    vnfm.behave(seconds=60.0)
    first = opened.perform(order("heal", VNF), soon())
    outcome = opened.perform(order("scale_out", VNF, "web"), soon())
    assert (outcome.state, outcome.retry) == ("failed", True)
    assert outcome.output["blocking"]["occurrence"] == first.reference
    assert "is in PROCESSING" in outcome.why
    assert opened.inspect(order("scale_out", VNF, "web"), soon()).state == "absent"


def test_a_failed_operation_in_the_way_is_named(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """An operation in FAILED_TEMP that blocks its VNF is named, with what ends it."""
    blocking = failed(vnfm, opened)
    outcome = opened.perform(order("scale_out", VNF, "web"), soon())
    assert (outcome.state, outcome.output["blocking"]["occurrence"]) == ("failed", blocking)
    assert "`retry`, `rollback` or `fail` ends it" in outcome.why


@pytest.mark.parametrize(
    ("given", "state", "retry"),
    [
        (("terminate", "idle"), "succeeded", True), (("instantiate", VNF, "simple"), "succeeded", True),
        (("instantiate", VNF, "other"), "failed", False),
        (("instantiate", VNF, "simple", "big"), "failed", False),
        (("scale_out", "idle", "web"), "failed", False), (("stop", "idle"), "failed", False),
        (("heal", "nobody"), "failed", False), (("rollback", "nothing"), "failed", False),
    ],
)  # fmt: skip
def test_what_is_so_already_or_cannot_be(
    vnfm: VnfmServer, opened: VnfmExecutor, given: tuple[Any, ...], state: str, retry: bool
) -> None:
    """What is so already is done; what cannot be done in this state is not tried again."""
    before = len(vnfm.state()["operations"])
    outcome = opened.perform(order(*given), soon())
    assert (outcome.state, outcome.retry) == (state, retry)
    assert len(vnfm.state()["operations"]) == before


def test_a_vnf_that_is_being_instantiated_is_not_called_terminated(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """An instance is NOT_INSTANTIATED as long as it is being instantiated: that is not what `terminate` wants."""
    vnfm.behave(seconds=60.0)
    opened.perform(order("instantiate", "idle", "simple"), soon())
    outcome = opened.perform(order("terminate", "idle"), soon())
    assert (outcome.state, outcome.retry) == ("failed", True)


def test_an_operation_that_is_not_offered(vnfm: VnfmServer, opened: VnfmExecutor, tmp_path: Path) -> None:
    """A VNF manager without `operate` says so by 404, and that is told; settings can say it beforehand."""
    vnfm.behave(without=["operate"])
    outcome = opened.perform(order("stop", VNF), soon())
    assert (outcome.state, outcome.retry) == ("failed", False)
    assert outcome.why == "the VNF manager has no `operate`: it answered 404"
    assert "stop" not in executor(vnfm, tmp_path, without=["start", "stop"]).kinds


# -- operations that failed ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "end", "state"),
    [("retry", "COMPLETED", "COMPLETED"), ("rollback", "ROLLED_BACK", "ROLLED_BACK"), ("fail", None, "FAILED")],
)
def test_a_failed_operation_is_ended(
    vnfm: VnfmServer, opened: VnfmExecutor, action: str, end: str | None, state: str
) -> None:
    """A failed operation is retried, rolled back or given up; doing so again finds it so already."""
    broken = failed(vnfm, opened)
    vnfm.behave(delay=0.2)
    given = order(action, broken)
    outcome = ended(opened, given)
    assert (outcome.state, outcome.output["state"]) == ("succeeded", state)
    asked = len(vnfm.asked)
    again = opened.perform(order(action, broken), soon())
    assert (again.state, again.why) == ("succeeded", "it was so already")
    assert vnfm.asked[asked:] == [f"GET /vnflcm/v2/vnf_lcm_op_occs/{broken}"]


def test_a_retry_that_fails_again_is_not_taken_for_one_that_has_not_begun(
    vnfm: VnfmServer, opened: VnfmExecutor
) -> None:
    """As long as a retry has not begun, the operation is in FAILED_TEMP as before; once it has failed again, anew."""
    broken = failed(vnfm, opened)
    vnfm.behave(delay=0.3, ends=["FAILED_TEMP"])
    given = order("retry", broken)
    begun = opened.perform(given, soon())
    assert begun.state == "underway"
    assert opened.follow(replace(given, reference=begun.reference), soon()).why == "it is not begun yet"
    outcome = followed(opened, given, begun)
    assert (outcome.state, outcome.retry, outcome.output["state"]) == ("failed", False, "FAILED_TEMP")


def test_only_a_failed_operation_is_ended(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """An operation that has completed is not rolled back; one that is under way may yet fail."""
    completed = ended(opened, order("heal", VNF)).reference
    outcome = opened.perform(order("rollback", completed), soon())
    assert (outcome.state, outcome.retry) == ("failed", False)
    vnfm.behave(seconds=60.0)
    running = opened.perform(order("heal", VNF), soon()).reference
    outcome = opened.perform(order("rollback", running), soon())
    assert (outcome.state, outcome.retry) == ("failed", True)


@pytest.mark.parametrize("ahead", [0.0, 5000.0, -5000.0])
@pytest.mark.parametrize("sent", [True, False])
def test_after_a_crash_a_retry_is_told_by_the_clock_over_there(
    vnfm: VnfmServer, opened: VnfmExecutor, ahead: float, sent: bool
) -> None:
    """Whether it failed before the order or by it is told by time, however wrong the VNF manager's clock is."""
    vnfm.behave(ahead=ahead)
    vnfm.make("late")
    broken = failed(vnfm, opened, "late")
    # Half a minute later, an order is sent that was journaled ten seconds before.
    vnfm.behave(ahead=ahead + 30)
    given = order("retry", broken, started_at=time.time() - 10)
    if sent:
        vnfm.behave(ends=["FAILED_TEMP"])
        opened.perform(given, soon())
        until(lambda: vnfm.book.operations[broken].state(vnfm.book.now())[0] == "FAILED_TEMP")
    outcome = opened.inspect(given, soon())
    assert outcome.state == ("failed" if sent else "absent")


def test_what_time_cannot_tell_is_unknown(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """An operation that failed in the very second of the order may have failed by it or before."""
    broken = failed(vnfm, opened)
    assert opened.inspect(order("retry", broken), soon()).state == "unknown"


# -- secrets and settings ------------------------------------------------------------------------


def test_no_secret_is_told(vnfm: VnfmServer, tmp_path: Path) -> None:
    """Passwords of a profile and our own token stand in no outcome, even if the VNF manager repeats them."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    hidden, ours = "s3cret-of-the-vim", "t0ken-of-ours"
    # The second one comes back under a name by which nobody would know it for a secret.
    connection = {"vim1": {"accessInfo": {"username": "alice", "password": hidden, "remark": ours}}}
    (profiles / "default.yaml").write_text(json.dumps({"vimConnectionInfo": connection}), encoding="utf-8")
    made = executor(vnfm, tmp_path, profiles=str(profiles), auth={"type": "bearer", "token": ours})
    vnfm.behave(token=ours, ends=["FAILED_TEMP"])
    given = order("instantiate", "idle", "simple")
    outcome = ended(made, given)
    assert "alice" in outcome.output["error"]
    told = repr([outcome, made.inspect(given, soon()), made, made._settings])
    assert hidden not in told
    assert ours not in told


def test_whoever_is_not_known_is_told(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """A log-in that is refused is told before anything is sent, and as why nobody can be called."""
    vnfm.behave(**{"token": "another"})
    assert "401" in opened.perform(order("heal", VNF), soon()).why
    assert "401" in str(opened.reachable(soon()))
    vnfm.behave(**{"token": ""})
    assert opened.reachable(soon()) is None


def test_a_target_is_opened_as_the_configuration_says(vnfm: VnfmServer, tmp_path: Path) -> None:
    """A target's settings are the executor's own, and its paths are relative to the configuration."""
    (tmp_path / "vnf").mkdir()
    (tmp_path / "vnf" / "lyon.yaml").write_text("extensions: {a: 1}\n", encoding="utf-8")
    made = open_target("vnfm", "edge", {"url": vnfm.url, "profiles": "vnf"}, tmp_path, tmp_path / "state")
    given = order("instantiate", "idle", "simple", None, "lyon")
    begun = made.perform(given, soon())
    (entry,) = [each for each in vnfm.state()["operations"] if each["id"] == begun.reference]
    assert entry["operationParams"]["extensions"] == {"a": 1}
    made.close()


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"url": None}, "`url` is missing"), ({"url": "ftp://x"}, "an address is expected"),
     ({"without": ["stopp"]}, "there is no action `stopp`"), ({"parameters": {"hea": {}}}, "there is no action `hea`"),
     ({"version": "v3"}, "v1"), ({"tokens": 1}, "Extra inputs")],
)  # fmt: skip
def test_settings_that_do_not_fit_are_told(settings: dict[str, Any], told: str) -> None:
    """What the executor does not know, or cannot use, is told when it is opened."""
    with pytest.raises(ValidationError, match=told):
        Settings.model_validate({"url": "http://127.0.0.1:1", **settings})
