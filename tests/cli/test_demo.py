"""The demonstration of engines in tiers."""

from __future__ import annotations

import os
import re

import pytest

from tests.cli.conftest import Run
from tests.federation.broker import listens
from tests.waiting import missing

BROKER = "amqp://guest:guest@127.0.0.1:5672/"


@pytest.mark.parametrize("bus", ["memory://test_demo", BROKER], ids=["memory", "rabbitmq"])
@pytest.mark.xdist_group("demo")  # its engines have the same names on the broker each time
def test_the_demonstration_shows_what_it_says(run: Run, bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies go down and violations up; a contradiction is found before it is committed, a mended host noticed."""
    if bus == BROKER:
        bus = os.environ.get("TEST_AMQP", bus)
        if not listens(5672):
            missing("no RabbitMQ listens")
    told = run("demo", "--bus", bus)
    assert told.exit_code == 0, told.output
    assert re.search(r"^oslo_storage +view +translated$", told.stdout, re.MULTILINE)
    assert "milan-firewall of acme is platinum and stands at milan, which cannot offer platinum" in told.stdout
    assert "at lyon, Gold asks for more ghz than Platinum" in told.stdout
    assert "needs a decision: platinum_by_hand" in told.stdout
    assert 'execute[vnfm:heal("lyon-firewall")]  lyon/healing/heal-degraded' in told.stdout
    assert "the carrier's violation is resolved" in told.stdout
    assert "guest" not in told.output


def test_a_bus_that_does_not_let_us_in_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why the bus cannot be reached is said before anything starts, and not its password."""
    monkeypatch.setattr("congresslite.cli.demo.WELCOME", 0.5)
    told = run("demo", "--bus", "amqp://guest:wrong@127.0.0.1:1/")
    assert told.exit_code == 2
    assert "no engine can reach RabbitMQ at 127.0.0.1:1: " in told.stderr
    assert "wrong" not in told.output
