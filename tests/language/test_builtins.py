"""Builtins: what each of them gives, and that the page about them says so."""

from pathlib import Path

import pytest

from congresslite.language.builtins import BUILTINS, THEMES, pattern_error
from congresslite.language.semantics import Skip

CLOCK = "2026-03-01 08:30:00"
SKIP = object()
HOLDS, FAILS = ((),), ()
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "builtins.md"

# Each line: name, inputs, and what they give: SKIP, HOLDS, FAILS, or the one row of outputs.
CASES = [
    # numbers
    ("lt", (1, 2), HOLDS),
    ("lt", ("b", "a"), FAILS),
    ("lt", (None, 1), SKIP),
    ("lteq", (2, 2), HOLDS),
    ("gt", (2, 1.5), HOLDS),
    ("gt", (None, 2), SKIP),
    ("gteq", (True, 1), SKIP),
    ("equal", (None, None), HOLDS),
    ("equal", (True, 1), FAILS),
    ("precedes", (1, 2), HOLDS),
    ("precedes", (2.5, 1), FAILS),
    ("precedes", (True, 0), HOLDS),
    ("precedes", (False, True), HOLDS),
    ("precedes", ("1", 2), FAILS),
    ("precedes", ("a", "B"), FAILS),
    ("precedes", (None, 1), SKIP),
    ("max", (1, 2), (2,)),
    ("max", ("a", "b"), ("b",)),
    ("max", (1, "b"), SKIP),
    ("plus", (1, 2), (3,)),
    ("plus", ("a", "b"), ("ab",)),
    ("plus", (2**63 - 1, 1), SKIP),
    ("minus", (1, 2), (-1,)),
    ("minus", ("a", "b"), SKIP),
    ("mul", (2, 0.5), (1,)),
    ("div", (7, 2), (3,)),
    ("div", (-7, 2), (-4,)),
    ("div", (7.5, 2), (3.75,)),
    ("div", (1, 0), SKIP),
    ("div", (0.5, 0), SKIP),
    ("div", (-(2**63), -1), SKIP),
    ("float", (3,), (3,)),
    ("float", ("2.5",), (2.5,)),
    ("float", ("x",), SKIP),
    ("float", ("nan",), SKIP),
    ("float", (True,), SKIP),
    ("int", (2.9,), (2,)),
    ("int", (-2.9,), (-2,)),
    ("int", ("12",), (12,)),
    ("int", ("1e3",), SKIP),
    ("int", (1e300,), SKIP),
    ("int", ("9" * 5000,), SKIP),
    ("int", (None,), SKIP),
    # text
    ("concat", ("a", "b"), ("ab",)),
    ("concat", ("a", 1), SKIP),
    ("len", ("é\U0001f600",), (2,)),
    ("len", (12,), SKIP),
    ("lower", ("ÄB",), ("äb",)),
    ("upper", ("äb",), ("ÄB",)),
    ("startswith", ("abc", "ab"), HOLDS),
    ("startswith", ("abc", "b"), FAILS),
    ("endswith", ("abc", "bc"), HOLDS),
    ("contains", ("abc", "b"), HOLDS),
    ("contains", ("abc", None), SKIP),
    ("matches", ("vm-12", "^vm-[0-9]+$"), HOLDS),
    ("matches", ("my vm-12", "vm"), HOLDS),
    ("matches", ("VM", "vm"), FAILS),
    ("matches", ("VM", "(?i)vm"), HOLDS),
    ("matches", ("vm", "("), SKIP),
    ("matches", ("vm", "(?=v)"), SKIP),
    ("matches", ("a" * 100_000 + "b", "^(a+)+$"), FAILS),
    ("matches", ("\ud800", "a"), SKIP),
    # time
    ("now", (), (CLOCK,)),
    ("unpack_date", ("2026-03-01 08:30:00",), (2026, 3, 1)),
    ("unpack_date", ("08:30:00",), SKIP),
    ("unpack_time", ("2026-03-01 08:30:05",), (8, 30, 5)),
    ("unpack_time", ("8:30",), (8, 30, 0)),
    ("unpack_datetime", ("2026-03-01T08:30:05Z",), (2026, 3, 1, 8, 30, 5)),
    ("unpack_datetime", ("20260301T083005",), (2026, 3, 1, 8, 30, 5)),
    ("unpack_datetime", ("2026-3-1 8:5:0",), (2026, 3, 1, 8, 5, 0)),
    ("unpack_datetime", ("2026-03-01 08:30:05.250+02:00",), (2026, 3, 1, 8, 30, 5)),
    ("unpack_datetime", ("2026-02-30",), SKIP),
    ("unpack_datetime", ("soon",), SKIP),
    ("unpack_datetime", (20260301,), SKIP),
    ("pack_time", (8, 5, 0), ("8:5:0",)),
    ("pack_date", (2026, 3, 1), ("2026-3-1",)),
    ("pack_datetime", (2026, 3, 1, 8, 5, 0), ("2026-3-1 8:5:0",)),
    ("pack_date", (2026, 3, None), SKIP),
    ("pack_date", (2026, 3, 1.5), SKIP),
    ("extract_date", ("2026-3-1 8:5:0",), ("2026-03-01",)),
    ("extract_time", ("2026-3-1 8:5:0",), ("08:05:00",)),
    ("datetime_to_seconds", ("1900-01-02 00:00:01",), (86401,)),
    ("datetime_to_seconds", ("1899-12-31 23:59:59",), (-1,)),
    ("datetime_plus", ("2026-03-01 08:30:00", 90), ("2026-03-01 08:31:30",)),
    ("datetime_plus", ("2026-03-01 08:30:00", "1:00:00"), ("2026-03-01 09:30:00",)),
    ("datetime_plus", ("2026-03-01", "1:1:0:0:0"), ("2026-03-09 00:00:00",)),
    ("datetime_plus", ("2026-03-01", "1:1:1:0:0:0"), SKIP),
    ("datetime_plus", ("9999-12-31", "1:0:0:0"), SKIP),
    ("datetime_plus", ("2026-03-01", None), SKIP),
    ("datetime_plus", ("2026-03-01", 2**62), SKIP),
    ("datetime_minus", ("2026-03-01 08:30:00", 0.5), ("2026-03-01 08:29:59.500000",)),
    ("datetime_lt", ("2026-3-1", "2026-03-01 00:00:01"), HOLDS),
    ("datetime_lteq", ("2026-03-01", "2026-03-01 00:00:00"), HOLDS),
    ("datetime_gt", ("9:00:00", "10:00:00"), FAILS),
    ("datetime_gt", ("9:00:00", "2026-03-01"), SKIP),
    ("datetime_gteq", ("2026-03-01", "2026-03-02"), FAILS),
    ("datetime_equal", ("2026-03-01T00:00", "2026-3-1"), HOLDS),
    # addresses and networks
    ("ips_equal", ("::1", "0:0:0:0:0:0:0:1"), HOLDS),
    ("ips_equal", ("10.0.0.1", "::ffff:10.0.0.1"), FAILS),
    ("ips_equal", ("10.0.0.1", "10.0.0.256"), SKIP),
    ("ips_lt", ("10.0.0.9", "10.0.0.10"), HOLDS),
    ("ips_lteq", ("10.0.0.9", "10.0.0.9"), HOLDS),
    ("ips_gt", ("::", "255.255.255.255"), HOLDS),
    ("ips_gteq", ("10.0.0.1", "10.0.0.2"), FAILS),
    ("ips_lt", (167772161, "10.0.0.2"), SKIP),
    ("networks_equal", ("10.0.0.5/24", "10.0.0.0/255.255.255.0"), HOLDS),
    ("networks_equal", ("10.0.0.0/24", "10.0.0.0/25"), FAILS),
    ("networks_equal", ("10.0.0.0/33", "10.0.0.0/24"), SKIP),
    ("networks_overlap", ("10.0.0.0/8", "10.1.0.0/16"), HOLDS),
    ("networks_overlap", ("10.1.0.0/16", "10.0.0.0/8"), HOLDS),
    ("networks_overlap", ("10.0.0.0/16", "10.1.0.0/16"), FAILS),
    ("networks_overlap", ("0.0.0.0/0", "::/0"), FAILS),
    ("ip_in_network", ("10.0.0.255", "10.0.0.0/24"), HOLDS),
    ("ip_in_network", ("10.0.1.0", "10.0.0.0/24"), FAILS),
    ("ip_in_network", ("10.0.0.0", "::/0"), FAILS),
    # validation
    ("validate_int", (0, 10, 5), ("",)),
    ("validate_int", ("", "", "12"), ("",)),
    ("validate_int", (0, 10, 11), ("`11` is greater than 10",)),
    ("validate_int", (0, 10, "-1"), ("`-1` is less than 0",)),
    ("validate_int", (0, 10, 2.5), ("`2.5` is not an integer",)),
    ("validate_int", (0, 10, True), ("`True` is not an integer",)),
    ("validate_int", (0, 10, ""), ("",)),
    ("validate_int", (0, 10, None), SKIP),
    ("validate_int", ("low", 10, 1), SKIP),
    ("validate_float", (0, 1, 0.5), ("",)),
    ("validate_float", (0, 1, "1.5"), ("`1.5` is greater than 1",)),
    ("validate_float", (0, 1, "x"), ("`x` is not a number",)),
    ("validate_string", ("", 0, False, False, "anything"), ("",)),
    ("validate_string", ("^[a-z]+$", 0, False, False, "ABC"), ("`ABC` does not match `^[a-z]+$`",)),
    ("validate_string", ("^[a-z]+$", 0, False, True, "ABC"), ("",)),
    ("validate_string", ("", 2, False, False, "abc"), ("`abc` is longer than 2",)),
    ("validate_string", ("", 3, True, False, "'abc'"), ("",)),
    ("validate_string", ("", 3, "True", "", "'abc"), ("`'abc` has a quote that is not closed",)),
    ("validate_string", ("", "", "", "", "abc"), ("",)),
    ("validate_string", ("(", 0, False, False, "abc"), SKIP),
]


@pytest.mark.parametrize(("name", "inputs", "expected"), CASES, ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)])
def test_builtin(name, inputs, expected):
    """Each builtin gives what Congress's gave, and holds neither way for null and wrong types."""
    found: object
    try:
        found = BUILTINS[name].rows(inputs, CLOCK)
    except Skip:
        found = SKIP
    assert repr(found) == repr(expected if expected in (SKIP, HOLDS, FAILS) else (expected,))


def test_split_gives_a_row_for_each_piece():
    """`split` numbers the pieces from 1, empty ones too, and needs a separator."""
    assert BUILTINS["split"].rows(("a,,b", ","), CLOCK) == ((1, "a"), (2, ""), (3, "b"))
    assert BUILTINS["split"].rows(("", ","), CLOCK) == ((1, ""),)
    with pytest.raises(Skip):
        BUILTINS["split"].rows(("a", ""), CLOCK)


def test_every_builtin_has_a_case():
    """No builtin is without a test."""
    assert {case[0] for case in CASES} | {"split"} == set(BUILTINS)


def test_null_is_skipped_where_a_type_is_named():
    """A builtin never sees null in place of a value whose type its signature names."""
    for builtin in BUILTINS.values():
        if "any" not in builtin.inputs and builtin.inputs:
            with pytest.raises(Skip):
                builtin.rows((None,) * len(builtin.inputs), CLOCK)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        pytest.param("^vm-[0-9]+$", None, id="good"),
        pytest.param("(", "missing ): (", id="open group"),
        pytest.param(r"(a)\1", r"invalid escape sequence: \1", id="back-reference"),
        pytest.param("a" * 1001, "longer than 1,000 characters", id="too long"),
        pytest.param("\ud800", "not valid Unicode", id="half a surrogate pair"),
    ],
)
def test_pattern_error(pattern, problem):
    """A pattern that cannot be used is told before anything runs, in a few words."""
    assert pattern_error(pattern) == problem


def page() -> str:
    """The page about the builtins, made from what they say of themselves."""
    parts = []
    for theme, builtins in THEMES.items():
        lines = [f"| `{builtin.signature}` | {builtin.doc} |" for builtin in builtins]
        parts.append("\n".join([f"## {theme}", "", "| Builtin | What it says |", "| --- | --- |", *lines]))
    return "\n\n".join(parts) + "\n"


def test_the_page_lists_every_builtin():
    """docs/reference/builtins.md holds every builtin with its signature and its own words, and no other."""
    text = PAGE.read_text(encoding="utf-8")
    assert text[text.index("## Numbers") :] == page()
