"""Orders to the executor `openstack`, for its tests: given, and followed to their end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from congresslite.enforcement.executor import Order, Outcome
from congresslite.enforcement.executors.openstack import OpenStackExecutor, Settings, open_executor
from congresslite.sources.driver import Deadline
from tests.waiting import until

CALL = 40.0  # seconds that a call may take: a control plane shares its machine with much else
SILENCE = 10.0  # seconds after which a service that says nothing is given up


def opened(clouds: Path, folder: Path, cloud: str = "lab-admin", **settings: Any) -> OpenStackExecutor:
    """An executor for a cloud."""
    given = {"cloud": cloud, "clouds": clouds, "timeout": CALL, **settings}
    return open_executor("nova", Settings.model_validate(given), folder)


def order(action: str, /, **arguments: Any) -> Order:
    """An order that was journaled just now."""
    return Order(uuid4().hex, action, arguments, started_at=time.time())


def by(clouds: Path, folder: Path, **overrides: str) -> Path:
    """A clouds.yaml in which services of each cloud have other addresses (`compute_endpoint_override`)."""
    read = yaml.safe_load(clouds.read_text(encoding="utf-8"))
    for each in read["clouds"].values():
        each.update(overrides)
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump(read), encoding="utf-8")
    return path


def given(executor: OpenStackExecutor, wanted: Order) -> Outcome:
    """What `perform` says."""
    return executor.perform(wanted, Deadline.after(CALL))


def followed(executor: OpenStackExecutor, wanted: Order, begun: Outcome, seconds: float = 90.0) -> Outcome:
    """How an order ends that is under way."""
    latest = begun

    def ended() -> Outcome | None:
        nonlocal latest
        if latest.state == "underway":
            asked = Order(
                wanted.key, wanted.action, wanted.arguments, wanted.attempt, wanted.started_at, latest.reference
            )
            latest = executor.follow(asked, Deadline.after(CALL))
            time.sleep(0.02 if seconds < 30 else 0.2)
        return None if latest.state == "underway" else latest

    return until(ended, seconds)


def done(executor: OpenStackExecutor, wanted: Order, seconds: float = 90.0) -> Outcome:
    """How an order ends."""
    return followed(executor, wanted, given(executor, wanted), seconds)


def looked_for(executor: OpenStackExecutor, wanted: Order) -> Outcome:
    """What `inspect` says, as after a crash: nothing is known but what the journal has."""
    return executor.inspect(wanted, Deadline.after(CALL))
