"""Calls of the executor `vnfm`, and a VNF manager of our own to call: what its tests have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from congresslite.actions import kinds_of
from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.executors.vnfm import Settings, VnfmExecutor, open_executor
from congresslite.schema import Scalar
from congresslite.sources.driver import Deadline
from tests.enforcement.vnfm_server import VnfmServer, serving
from tests.waiting import until

VNF = "vnf-1"


@contextmanager
def managing(book: Path) -> Iterator[VnfmServer]:
    """A VNF manager with two instances, of which `VNF` is instantiated."""
    with serving(book) as server:
        server.make(VNF)
        server.make("idle", instantiated=False)
        yield server


def executor(vnfm: VnfmServer, state: Path, **settings: Any) -> VnfmExecutor:
    """An executor with these settings."""
    return open_executor("vnfm", Settings.model_validate({"url": vnfm.url, "retries": 0, **settings}), state)


def order(action: str, *terms: Scalar, **changes: Any) -> Order:
    """A command as it is journaled."""
    names = [each.name for each in kinds_of("vnfm")[action].parameters]
    given = dict(zip(names, terms, strict=False))
    return replace(Order(uuid4().hex, action, given, started_at=time.time()), **changes)


def soon(seconds: float = 10.0) -> Deadline:
    """A deadline."""
    return Deadline.after(seconds)


def ended(made: VnfmExecutor, given: Order) -> Outcome:
    """What a command came to, followed to its end."""
    begun = made.perform(given, soon())
    return followed(made, given, begun)


def followed(made: VnfmExecutor, given: Order, begun: Outcome) -> Outcome:
    """What became of what is under way."""
    if begun.state != "underway":
        return begun

    def look() -> Outcome | None:
        found = made.follow(replace(given, reference=begun.reference), soon())
        return None if found.state == "underway" else found

    return until(look)


def failed(vnfm: VnfmServer, made: VnfmExecutor, vnf: str = VNF) -> str:
    """An operation that is in FAILED_TEMP."""
    vnfm.behave(ends=["FAILED_TEMP"])
    outcome = ended(made, order("heal", vnf))
    assert outcome.output["state"] == "FAILED_TEMP"
    return outcome.reference
