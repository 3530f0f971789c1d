"""Sums, filters and words of the console."""

from __future__ import annotations

import pytest

from congresslite.live import Counted
from congresslite.schema import Choice, Domain, Range
from congresslite.server.console.filters import Filters, filters_of
from congresslite.server.console.overview import MOST, summary
from congresslite.server.console.templating import ago, as_parameters, clipped, domain_text, environment, number


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "just now"),
        (0.9, "just now"),
        (1, "1 s ago"),
        (89, "89 s ago"),
        (90, "2 min ago"),
        (5399, "90 min ago"),
        (5400, "2 h ago"),
        (129_599, "36 h ago"),
        (129_600, "2 d ago"),
        (86400 * 400, "400 d ago"),
        (-30, "in 30 s"),
        (-300, "in 5 min"),
    ],
)
def test_ago(seconds: float, told: str) -> None:
    """Ages are told in one unit that suits them, times to come as such."""
    assert ago(1_000_000_000 - seconds, 1_000_000_000) == told


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        (Range(0, 100), "0 to 100"),
        (Range(None, 1_000_000), "at most 1,000,000"),
        (Range(0.5, None), "at least 0.5"),
        (Choice(("a", 1, None)), 'one of "a", 1, null'),
    ],
)
def test_domain(domain: Domain, told: str) -> None:
    """The values that a column may have are told in words."""
    assert domain_text(domain) == told


def test_words() -> None:
    """Counts have their nouns in the right number; long texts are cut; values read as filters compare them."""
    assert [number(1, "row"), number(2000, "row"), number(2, "policy", "policies"), number(5)] == [
        "1 row",
        "2,000 rows",
        "2 policies",
        "5",
    ]
    assert clipped("x" * 300) == "x" * 200 + "…"
    assert as_parameters({"a": True, "b": 1, "c": "x"}, "c.") == {"c.a": "true", "c.b": "1", "c.c": "x"}


def test_templates_escape_by_themselves() -> None:
    """No template has to remember to make a text harmless; what a macro makes is left as it is."""
    template = environment().from_string("{% macro bold(it) %}<b>{{ it }}</b>{% endmacro %}{{ bold(text) }}{{ text }}")
    assert template.render(text="<\u202e&\x07") == "<b>&lt;\ufffd&amp;\u2407</b>&lt;\ufffd&amp;\u2407"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, Filters()),
        ({"severity": "high", "text": " a b "}, Filters(severity="high", text="a b")),
        ({"severity": "awful", "state": "?", "sort": "", "since": "1y"}, Filters()),
        ({"state": "any", "sort": "policy", "since": "7d"}, Filters(state="any", sort="policy", since="7d")),
        ({"policy": "no such policy"}, Filters(policy="no such policy")),
    ],
    ids=["none", "some", "nonsense", "listed", "unknown name"],
)
def test_filters_of(parameters: dict[str, str], expected: Filters) -> None:
    """A form's parameters become filters, and these give the parameters again."""
    found = filters_of(parameters)
    assert found == expected
    assert filters_of(found.parameters()) == expected


def test_filters_ask_for_what_they_say() -> None:
    """Each filter narrows one thing; what is left empty narrows nothing."""
    wanted = Filters(policy="p", state="waived", since="1h", text="x").wanted(now=10_000)
    assert (wanted.policies, wanted.states, wanted.since, wanted.text) == (("p",), ("waived",), 6400, "x")
    assert (wanted.severities, wanted.sites, wanted.sources, wanted.objects, wanted.rules) == ((),) * 5


def counted(policy: str, severity: str, site: str | None, open: int, waived: int = 0) -> Counted:
    """The violations of one rule at one site."""
    return Counted(policy, f"{policy}-{severity}", "error", severity, "warn", site, open, waived)


def test_summary() -> None:
    """Violations are added up by severity, policy and site, the most first; bars are parts of the longest."""
    found = summary(
        [
            counted("a", "low", "par", 1, waived=2),
            counted("a", "critical", None, 3),
            counted("b", "high", "par", 2),
            counted("c", "high", "lyo", 0, waived=1),
        ]
    )
    assert (found.open, found.waived) == (6, 3)
    assert found.severities == (("critical", 3), ("high", 2), ("medium", 0), ("low", 1))
    assert [(group.name, group.open) for group in found.policies.shown] == [("a", 4), ("b", 2)]
    assert [(group.name, group.open) for group in found.sites.shown] == [("par", 3), (None, 3)]
    bar = [(each.severity, each.start, each.width) for each in found.policies.shown[0].segments]
    assert bar == [("critical", 0, 75), ("low", 75, 25)]


def test_summary_of_many() -> None:
    """Of very many policies the worst are listed, the others told as a number."""
    groups = summary([counted(f"p{number:03}", "low", "par", number) for number in range(100)]).policies
    assert len(groups.shown) == MOST
    assert groups.shown[0].open == 99
    assert (groups.others, groups.others_open) == (99 - MOST, sum(range(100 - MOST)))


def test_summary_of_nothing() -> None:
    """Where there is no violation, there is no group."""
    found = summary([])
    assert (found.open, found.policies.shown, found.sites.shown) == (0, (), ())
