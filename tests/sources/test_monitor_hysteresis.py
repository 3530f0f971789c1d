"""When states turn: the same as a person says who looks at the measurements with a finger on the list."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.sources.probes.hysteresis import Standing, State, after, verdict
from congresslite.sources.probes.measurement import Measurement, not_run
from congresslite.sources.probes.settings import Threshold

WORDS: dict[str, State] = {"t": "true", "f": "false", "u": "unknown"}


def standings(said: str, threshold: Threshold) -> list[Standing]:
    """Where a condition stands after each of these verdicts, one a second from second 1 on."""
    steps = enumerate(said, start=1)
    every = accumulate(
        steps,
        lambda standing, step: after(standing, WORDS[step[1]], step[0], threshold),
        initial=Standing("unknown", 0),
    )
    return list(every)[1:]


def states(said: str, **threshold: int) -> str:
    """The first letters of the states after each verdict."""
    return "".join(each.state[0] for each in standings(said, Threshold.model_validate(threshold)))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("ttt", "uut"),
        ("fff", "uuf"),
        ("ttfttt", "uuuuut"),
        ("tttfft", "uutttt"),
        ("tttfff", "uutttf"),
        ("ffftft", "uuffff"),
        ("fffttt", "uuffft"),
        ("tttu", "uutu"),
        ("tttuttt", "uutuuut"),
        ("ttuttt", "uuuuut"),
        ("fffufff", "uufuuuf"),
        ("uuu", "uuu"),
    ],
    ids=[
        "true after three",
        "false after three",
        "counts anew after the contrary",
        "two contrary ones end nothing",
        "three contrary ones end it",
        "single alarms raise nothing",
        "from false to true",
        "unknown at once",
        "counts anew after unknown",
        "unknown breaks the row",
        "back to false",
        "never known",
    ],
)
def test_states(said: str, expected: str) -> None:
    """A state turns after three measurements in a row that say so, and is unknown as soon as one cannot say."""
    assert states(said, true_after=3, false_after=3) == expected


@pytest.mark.parametrize(
    ("true_after", "false_after", "expected"),
    [(1, 1, "tftftf"), (1, 2, "tttttt"), (2, 1, "ufffff")],
    ids=["each one turns", "slow to end", "slow to begin"],
)
def test_occurrences(true_after: int, false_after: int, expected: str) -> None:
    """Each direction has its own number of occurrences."""
    assert states("tftftf", true_after=true_after, false_after=false_after) == expected


@given(st.text("tfu", max_size=40), st.integers(1, 5), st.integers(1, 5))
def test_model(said: str, true_after: int, false_after: int) -> None:
    """The state is what the latest row of equal verdicts says that is long enough."""
    needed = {"t": true_after, "f": false_after, "u": 1}
    expected, state = "", "u"
    for end in range(1, len(said) + 1):
        for word, least in needed.items():
            if said[:end].endswith(word * least):
                state = word
        expected += state
    assert states(said, true_after=true_after, false_after=false_after) == expected


def test_since() -> None:
    """A state has the time of the measurement that turned it, however long it lasts."""
    found = standings("tttttfff", Threshold())
    assert [each.since for each in found] == [0, 0, 3, 3, 3, 3, 3, 8]


@pytest.mark.parametrize(
    ("continuous", "expected"),
    [(False, [None, None, 3, 3, 3, 3, None]), (True, [None, None, 3, 4, 4, 6, None])],
    ids=["once", "continuous"],
)
def test_alarm(continuous: bool, expected: list[int | None]) -> None:
    """An alarm is raised once or, if it is continuous, with each measurement that holds while the state is true."""
    found = standings("ttttftu", Threshold(continuous=continuous))
    assert [each.alarm_at for each in found] == expected


@pytest.mark.parametrize(
    ("threshold", "measurement", "expected"),
    [
        ({}, Measurement(0.1), "false"),
        ({}, Measurement(None, "no answer"), "true"),
        ({}, Measurement(500, "the status is 500"), "true"),
        ({}, not_run("no permission"), "unknown"),
        ({"above": 1}, Measurement(1.5), "true"),
        ({"above": 1}, Measurement(1), "false"),
        ({"above": 1}, Measurement(None, "no answer"), "unknown"),
        ({"above": 499}, Measurement(500, "the status is 500"), "true"),
        ({"below": 1}, Measurement(0.5), "true"),
        ({"below": 1}, Measurement(1), "false"),
        ({"below": 0}, Measurement(0), "false"),
        ({"below": 1}, not_run("no permission"), "unknown"),
    ],
    ids=[
        "well",
        "a fault",
        "a fault with a value",
        "not run",
        "above",
        "just not above",
        "no value to compare",
        "a value despite a fault",
        "below",
        "just not below",
        "a limit of zero",
        "not run, with a threshold",
    ],
)
def test_verdict(threshold: dict[str, float], measurement: Measurement, expected: State) -> None:
    """A measurement without a value tells nothing of a threshold, and one that was not run nothing at all."""
    assert verdict(measurement, Threshold.model_validate(threshold)) == expected
