"""What a waiver means: until when it holds, what it covers, and what is said of one that never could."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.diagnostics import CongressliteError
from congresslite.policy.waivers import Holding, covers, expiry, fault, holds, read_waivers
from congresslite.store.records import WaiverRecord

DAY = 86400.0
END_OF_2026 = 1798761600.0  # 2027-01-01T00:00:00Z
WAIVER = WaiverRecord("w1", "anna", "moves in May", "T-1", "2026-12-31", policy="nfv", rule="R1", object="vm1")
FOUND = {"id": "0" * 32, "policy": "nfv", "rule": "R1", "object": "vm1"}

EXPIRIES: dict[str, tuple[str, float | None]] = {
    "a day lasts until its end": ("2026-12-31", END_OF_2026),
    "a moment in UTC": ("2026-12-31T23:00Z", END_OF_2026 - 3600),
    "a moment in a zone": ("2027-01-01T01:00:30+01:00", END_OF_2026 + 30),
    "a zone without a colon": ("2027-01-01 01:00:00+0100", END_OF_2026),
    "small letters, parts of a second": ("2027-01-01t00:00:00.5z", END_OF_2026 + 0.5),
    "the last day there is": ("9999-12-31", 253402300800.0),
    "nothing": ("", None),
    "a moment without a zone": ("2026-12-31T23:00:00", None),
    "a day that is not": ("2026-02-30", None),
    "a month that is not": ("2026-13-01", None),
    "an hour that is not": ("2026-12-31T25:00Z", None),
    "a day the other way round": ("31.12.2026", None),
    "a week": ("2026-W01-1", None),
    "a day without strokes": ("20261231", None),
    "a number": ("1798761600", None),
    "a word": ("never", None),
    "blanks around": (" 2026-12-31 ", None),
    "a line more": ("2026-12-31\n", None),
    "other digits": ("２０２６-12-31", None),
}


@pytest.mark.parametrize(("text", "end"), EXPIRIES.values(), ids=EXPIRIES)
def test_expiry(text: str, end: float | None) -> None:
    """A day lasts until its end in UTC, a moment needs its zone, and anything else is no expiry."""
    assert expiry(text) == end


@given(st.text())
def test_expiry_of_any_text(text: str) -> None:
    """No text is too strange to be told that it is no expiry."""
    assert expiry(text) is None or text[:4].isdigit()


HOLDS = {
    "in its time": ({}, END_OF_2026 - 1, True),
    "at its end": ({}, END_OF_2026, False),
    "past": ({"expires": "2020-01-01"}, END_OF_2026 - 1, False),
    "malformed expiry": ({"expires": "never"}, 0.0, False),
    "no expiry": ({"expires": ""}, 0.0, False),
    "no owner": ({"owner": ""}, 0.0, False),
    "an owner of blanks": ({"owner": " \t"}, 0.0, False),
    "no reason": ({"reason": "\n"}, 0.0, False),
    "about nothing": ({"policy": None}, 0.0, False),
    "no ticket": ({"ticket": ""}, 0.0, True),
}


@pytest.mark.parametrize(("change", "now", "expected"), HOLDS.values(), ids=HOLDS)
def test_holds(change: dict[str, str | None], now: float, expected: bool) -> None:
    """A waiver holds while it has not expired, if somebody owns it and says why."""
    waiver = replace(WAIVER, **change)  # type: ignore[arg-type]
    assert holds(waiver, now) == expected
    assert not expected or fault(waiver) is None


COVERS = {
    "all that it says": ({}, {}, True),
    "another object": ({}, {"object": "vm2"}, False),
    "no object": ({}, {"object": None}, False),
    "another rule": ({}, {"rule": "R2"}, False),
    "another policy": ({}, {"policy": "dry"}, False),
    "any object": ({"object": None}, {"object": "vm2"}, True),
    "any rule": ({"rule": None}, {"rule": "R2"}, True),
    "a whole policy": ({"rule": None, "object": None}, {"rule": "R2", "object": None}, True),
    "one violation": ({"violation": "0" * 32, "policy": None, "rule": None, "object": None}, {}, True),
    "another violation": ({"violation": "1" * 32, "policy": None, "rule": None, "object": None}, {}, False),
    "one violation of another policy": ({"violation": "0" * 32, "policy": "dry"}, {}, False),
    "nothing at all": ({"policy": None, "rule": None, "object": None}, {}, False),
    "one that lapsed": ({"expires": "2020-01-01"}, {}, False),
}


@pytest.mark.parametrize(("waiver", "found", "expected"), COVERS.values(), ids=COVERS)
def test_covers(waiver: dict[str, str | None], found: dict[str, str | None], expected: bool) -> None:
    """A violation is covered if everything that the waiver says is so; asked about many, the answer is the same."""
    record = replace(WAIVER, **waiver)  # type: ignore[arg-type]
    about = {**FOUND, **found}
    assert covers(record, now=0.0 if record.expires > "2025" else END_OF_2026, **about) == expected  # type: ignore[arg-type]
    identity = str(about.pop("id"))
    holding = Holding.of([record], END_OF_2026 - DAY)
    covering = holding.covering(**about, id=lambda: identity)  # type: ignore[arg-type]
    assert (covering is record) == expected


GOOD = """\
# a list of waivers
- owner: anna
  reason: moves in May
  expires: 2026-12-31
  policy: nfv
- {id: w2, owner: bert, reason: on order, ticket: "T-7", expires: "2020-01-01",
   violation: 0123456789abcdef0123456789abcdef}
"""


def test_read_waivers(tmp_path: Path) -> None:
    """A file of waivers is read whole, those that lapsed too; one without an id has its place as one."""
    path = tmp_path / "waivers.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert read_waivers(path) == (
        WaiverRecord(f"{path}:2", "anna", "moves in May", "", "2026-12-31", policy="nfv"),
        WaiverRecord("w2", "bert", "on order", "T-7", "2020-01-01", violation="0123456789abcdef0123456789abcdef"),
    )
    path.write_text("[]\n", encoding="utf-8")
    assert read_waivers(path) == ()


BAD = {
    "no list": ("owner: anna\n", ["CL422 1"]),
    "no mapping": ("- anna\n", ["CL422 1"]),
    "nothing said": ("- {}\n", ["CL430 1", "CL430 1", "CL430 1"]),
    "an unknown key": ("- {owner: a, reason: b, expires: 2030-01-01, policy: p, expire: x}\n", ["CL421 1"]),
    "a number": ("- {owner: 7, reason: b, expires: 2030-01-01, policy: p}\n", ["CL422 1"]),
    "expiries that are none": (
        "- owner: a\n  reason: b\n  expires: soon\n  policy: p\n- {owner: a, reason: b, expires: '', policy: p}\n",
        ["CL498 3", "CL498 5"],
    ),
    "an empty owner": ("- {owner: '', reason: b, expires: 2030-01-01, policy: p}\n", ["CL498 1"]),
    "about nothing": ("- {owner: a, reason: b, expires: 2030-01-01, rule: R1}\n", ["CL498 1"]),
    "no YAML": ("- {\n", ["CL420 0"]),
}


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
def test_wrong_waivers(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Everything that is wrong with a file of waivers is told, each at its line."""
    path = tmp_path / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CongressliteError) as caught:
        read_waivers(path)
    told = [f"{each.code} {each.span.line if each.span else 0}" for each in caught.value.diagnostics]
    assert told == expected
    assert str(path) in str(caught.value)
