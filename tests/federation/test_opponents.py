"""Rules of engines below as opponents: which tier they are of, whatever they say."""

from __future__ import annotations

import pytest

from congresslite.federation.opponents import opponents
from congresslite.schema import Row
from tests.federation.world import settings


def told(engine: str, tier: str) -> Row:
    """A row of RULES."""
    return (engine, "local", "go", "execute", "vnfm:heal", 1, True, tier, 50, False, "enforce", "local.dl", 1)


@pytest.mark.parametrize(
    ("level", "said", "tier"),
    [
        ("pop", "pop", "pop"),
        ("pop", "region", "pop"),
        ("pop", "global", "pop"),
        ("pop", "of nobody", "pop"),
        ("region", "pop", "pop"),
        ("region", "global", "region"),
        ("global", "global", "region"),
        ("of nobody", "global", "region"),
        (None, "global", "region"),
    ],
)
def test_no_engine_below_claims_an_upper_tier(level: str | None, said: str, tier: str) -> None:
    """What an engine below tells is of no tier above its own, and its own is below this one, whatever it says."""
    engines = [] if level is None else [("p1", level, "r1")]
    (found,) = opponents([told("p1", said)], engines, settings("top"))
    assert found.policy.tier == tier
