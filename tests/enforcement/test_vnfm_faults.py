"""
The executor `vnfm` against a VNF manager that misbehaves, forgets, or is killed: the honest outcome, then the truth.

Whether something was done is told by the VNF manager's own book, which outlives it.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from congresslite.enforcement.executors.vnfm import Settings, VnfmExecutor, open_executor
from tests.enforcement.vnfm_book import done
from tests.enforcement.vnfm_calls import VNF, ended, executor, followed, managing, order, soon
from tests.enforcement.vnfm_server import VnfmServer, serving
from tests.waiting import until


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


POST = "POST .*/scale$"
GET = "GET .*/vnf_instances/"
FAULTS: Mapping[str, tuple[Mapping[str, Any], str, int]] = {
    "slow, in time": ({"on": POST, "do": "slow", "seconds": 0.3}, "underway", 1),
    "500 before": ({"on": POST, "do": "error"}, "unknown", 0),
    "500 after": ({"on": POST, "do": "error", "when": "after"}, "unknown", 1),
    "503 before": ({"on": POST, "do": "error", "status": 503}, "unknown", 0),
    "502 after": ({"on": POST, "do": "error", "status": 502, "when": "after"}, "unknown", 1),
    "429": ({"on": POST, "do": "error", "status": 429}, "failed", 0),
    "403": ({"on": POST, "do": "error", "status": 403}, "failed", 0),
    "307": ({"on": POST, "do": "error", "status": 307}, "failed", 0),
    "501": ({"on": POST, "do": "error", "status": 501}, "failed", 0),
    "cut before": ({"on": POST, "do": "cut"}, "unknown", 0),
    "cut after": ({"on": POST, "do": "cut", "when": "after"}, "unknown", 1),
    "silent before": ({"on": POST, "do": "silent"}, "unknown", 0),
    "silent after": ({"on": POST, "do": "silent", "when": "after"}, "unknown", 1),
    "cut within the answer": ({"on": POST, "do": "truncate", "when": "after"}, "underway", 1),
    "look: 500": ({"on": GET, "do": "error"}, "failed", 0),
    "look: cut": ({"on": GET, "do": "cut"}, "failed", 0),
    "look: silent": ({"on": GET, "do": "silent"}, "failed", 0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_gives_the_honest_outcome_and_inspection_the_truth(
    vnfm: VnfmServer, book: Path, tmp_path: Path, name: str
) -> None:
    """What nobody can know is unknown, never failed; inspection tells whether it was done, as the book confirms."""
    fault, state, count = FAULTS[name]
    made = executor(vnfm, tmp_path, timeout=0.6)
    vnfm.behave(faults=[dict(fault)], seconds=60.0)
    given = order("scale_out", VNF, "web")
    outcome = made.perform(given, soon(5.0))
    assert (outcome.state, done(book)[given.key]) == (state, count)
    found = executor(vnfm, tmp_path).inspect(given, soon())
    assert found.state == ("underway" if count else "absent")
    assert bool(found.reference) == bool(count)
    assert made.perform(order("heal", "nobody"), soon()).why == "there is no VNF instance `nobody`"  # it works on


def test_a_deadline_that_passes_leaves_it_unknown(vnfm: VnfmServer, book: Path, tmp_path: Path) -> None:
    """An order whose deadline passes while its answer is awaited is unknown, and ends in time."""
    made = executor(vnfm, tmp_path)
    vnfm.behave(faults=[{"on": POST, "do": "silent", "when": "after"}])
    given = order("scale_out", VNF, "web")
    begun = time.monotonic()
    outcome = made.perform(given, soon(0.5))
    assert time.monotonic() - begun < 5
    assert (outcome.state, done(book)[given.key]) == ("unknown", 1)


def test_nobody_there_is_a_failure_that_may_pass(vnfm: VnfmServer, tmp_path: Path) -> None:
    """A VNF manager that is not running was sent nothing; what is under way there stays under way."""
    with serving(tmp_path / "other.ndjson") as other:
        made = executor(other, tmp_path)
    given = order("heal", VNF)
    outcome = made.perform(given, soon())
    assert (outcome.state, outcome.retry) == ("failed", True)
    assert outcome.why.startswith("nothing was sent: ")
    assert made.follow(replace(given, reference="x"), soon()).state == "underway"
    assert made.inspect(given, soon()).state == "unknown"
    assert "refused" in str(made.reachable(soon()))


def test_a_connection_that_never_came_about_after_the_look(tmp_path: Path) -> None:
    """If the VNF manager goes away between look and order, the order certainly was not received."""
    second = tmp_path / "second.ndjson"
    with serving(second) as other:
        other.make(VNF)
        made = executor(other, tmp_path, timeout=2)
        answer = other.answer

        def last(*asked: Any) -> Any:
            other.socket.shutdown(socket.SHUT_RDWR)  # nobody is let in any more
            return replace(answer(*asked), headers={"Connection": "close"})

        other.answer = last  # type: ignore[assignment,method-assign]
        outcome = made.perform(order("heal", VNF), soon())
    assert (outcome.state, outcome.why.partition(": ")[0]) == ("failed", "nothing was sent")
    assert done(second) == {}


# -- finding it again ----------------------------------------------------------------------------


def test_exactly_our_operation_is_found_among_many(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """Among pages of like operations, of others and of our earlier attempts, the one with key and attempt is ours."""
    vnfm.behave(page=3, ends=["ROLLED_BACK"])
    first = order("scale_out", VNF, "web")
    assert ended(opened, first).state == "failed"
    second = replace(first, attempt=2, started_at=time.time())
    reference = ended(opened, second).reference
    for _ in range(6):
        ended(opened, order("scale_out", VNF, "web"))
    vnfm.book.begin(VNF, "SCALE", {"type": "SCALE_OUT", "aspectId": "web", "numberOfSteps": 1}, 0.0, "COMPLETED")
    found = opened.inspect(second, soon())
    assert (found.state, found.reference) == ("succeeded", reference)
    found = opened.inspect(first, soon())
    assert (found.state, found.output["state"]) == ("failed", "ROLLED_BACK")
    assert opened.inspect(replace(first, attempt=3, started_at=time.time()), soon()).state == "absent"


def test_a_list_that_is_not_whole_denies_nothing(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """If the last page cannot be had, it is unknown whether the operation is there."""
    for _ in range(4):
        ended(opened, order("heal", VNF))
    vnfm.behave(page=2, faults=[{"on": "GET .*/vnf_lcm_op_occs$", "do": "slow", "seconds": 0},
                                {"on": "GET .*/vnf_lcm_op_occs$", "do": "cut"}])  # fmt: skip
    assert opened.inspect(order("heal", VNF), soon()).state == "unknown"


@pytest.mark.parametrize("echo", ["plain", "none"])
@pytest.mark.parametrize("sent", [True, False])
def test_without_keys_operation_time_and_parameters_decide(
    vnfm: VnfmServer, tmp_path: Path, echo: str, sent: bool
) -> None:
    """Where keys do not come back, what agrees in everything is ours, said so; what agrees in part is unknown."""
    vnfm.behave(echo=echo)
    made = executor(vnfm, tmp_path)
    old = {"type": "SCALE_OUT", "aspectId": "web", "numberOfSteps": 1}
    vnfm.book.begin(VNF, "SCALE", old, 0.0, "COMPLETED")
    vnfm.book.begin(VNF, "HEAL", {}, 0.0, "COMPLETED")
    vnfm.behave(ahead=60.0)
    vnfm.book.begin(VNF, "SCALE", {**old, "type": "SCALE_IN"}, 0.0, "COMPLETED")
    given = order("scale_out", VNF, "web")
    if sent:
        made.perform(given, soon())
        until(lambda: vnfm.book.blocking(VNF) is None)
    found = made.inspect(given, soon())
    if echo == "none":
        # Of the two that came since, nobody can tell which it is.
        assert found.state == "unknown"
        assert len(found.output["candidates"]) == 1 + sent
    elif sent:
        assert (found.state, found.why.partition(" by")[0]) == ("succeeded", "taken for it")
    else:
        assert found.state == "absent"


def test_a_vnf_manager_that_refuses_our_key(vnfm: VnfmServer, tmp_path: Path) -> None:
    """A VNF manager that takes no parameter but declared ones is served without a key, and still inspected."""
    vnfm.behave(strict=True)
    outcome = executor(vnfm, tmp_path).perform(order("heal", VNF), soon())
    assert (outcome.state, outcome.retry) == ("failed", False)
    made = executor(vnfm, tmp_path, mark=False)
    given = order("scale_out", VNF, "web")
    assert made.inspect(given, soon()).state == "absent"
    assert ended(made, given).state == "succeeded"
    assert made.inspect(given, soon()).state == "succeeded"


def test_what_the_vnf_manager_forgot_is_unknown(vnfm: VnfmServer, opened: VnfmExecutor) -> None:
    """An operation that was accepted and is not known any more is neither done nor undone for us."""
    given = order("heal", VNF, reference="gone")
    assert opened.follow(given, soon()).state == "unknown"
    assert opened.inspect(given, soon()).state == "unknown"


def test_any_number_of_threads_call_at_once(vnfm: VnfmServer, book: Path, tmp_path: Path) -> None:
    """Fifty orders on fifty instances at once are each done once."""
    for number in range(50):
        vnfm.make(f"many-{number}")
    made = executor(vnfm, tmp_path)
    given = [order("heal", f"many-{number}") for number in range(50)]
    with ThreadPoolExecutor(25) as pool:
        outcomes = list(pool.map(lambda each: ended(made, each), given))
    assert {each.state for each in outcomes} == {"succeeded"}
    assert done(book) == {each.key: 1 for each in given}


def test_a_vnf_manager_that_was_killed_knows_what_it_had_begun(tmp_path: Path) -> None:
    """The VNF manager as a process of its own: killed after it began an operation, and begun again, it tells of it."""
    book = tmp_path / "book.ndjson"
    given = order("heal", VNF)
    with process(book) as url:
        faults = [{"on": "POST .*/heal$", "do": "silent", "when": "after"}]
        requests.post(f"{url}/control", json={"faults": faults}, timeout=10).raise_for_status()
        made = open_executor("vnfm", Settings(url=url, timeout=0.5), tmp_path)
        assert made.perform(given, soon()).state == "unknown"
    with process(book) as url:
        made = open_executor("vnfm", Settings(url=url), tmp_path)
        assert followed(made, given, made.inspect(given, soon())).state == "succeeded"
    assert done(book) == {given.key: 1}


@contextmanager
def process(book: Path) -> Iterator[str]:
    """The address of a VNF manager that runs as a process; it is killed at the end."""
    command = [sys.executable, "-m", "tests.enforcement.vnfm_server", "--state", str(book), "--instances", VNF]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield f"http://127.0.0.1:{int(running.stdout.readline())}"
        finally:
            running.kill()
