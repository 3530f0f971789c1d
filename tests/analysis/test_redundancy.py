"""Rules that say nothing, or nothing of their own: what is told of them, and what is not."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

import pytest

from congresslite.analysis.redundancy import diagnostics, redundancies
from congresslite.analysis.report import RuleFound
from congresslite.diagnostics import Source
from congresslite.language.check import check_sources
from congresslite.language.program import Program
from congresslite.policy.conflicts import with_conflicts
from tests.policy.implication.pairs_of_rules import CATALOG


def program_of(**policies: str) -> Program:
    """The checked program of some policies by name, with its conflicts."""
    checked = check_sources([Source(f"{name}.dl", text) for name, text in policies.items()], CATALOG)
    assert checked.program is not None, checked.diagnostics
    return with_conflicts(checked.program)


def told(program: Program, changed: Collection[str]) -> list[tuple[str, str, list[str]]]:
    """The findings, each as what it is, the rule, and those that it is told by."""
    found, _ = redundancies(program, changed)
    return [(each.finding, f"{each.policy}/{each.rule}", ["/".join(by) for by in each.by]) for each in found]


SLOW = '@id("slow") error(h) :- s:host(h, "hdd", n), n > 1.\n'

CASES: dict[str, tuple[dict[str, str], list[str], list[tuple[str, str, list[str]]]]] = {
    "nothing": (
        {"a": SLOW, "b": '@id("fast") error(h) :- s:host(h, "ssd", n), n > 1.'}, ["b"], []
    ),
    "a key": (
        {"a": '@id("k") error(h) :- s:host(h, d, _), s:host(h, e, _), d < e.'}, ["a"], [("never_fires", "a/k", [])]
    ),
    "a key, told of what changed alone": (
        {"a": '@id("k") error(h) :- s:host(h, d, _), s:host(h, e, _), d < e.', "b": SLOW}, ["b"], []
    ),
    "redundant": (
        {"a": SLOW, "b": '@id("r") error(h) :- s:host(h, "hdd", n), n > 2.'}, ["b"], [("redundant", "b/r", ["a/slow"])]
    ),
    "made redundant": (
        {"a": '@id("r") error(h) :- s:host(h, "hdd", n), n > 2.', "b": SLOW}, ["b"], [("redundant", "a/r", ["b/slow"])]
    ),
    "redundant for long": (
        {"a": '@id("r") error(h) :- s:host(h, "hdd", n), n > 2.', "b": SLOW, "c": "t(x) :- s:pair(x, _)."}, ["c"], []
    ),
    "equivalent, the later one": (
        {"a": SLOW + '@id("again") error(x) :- s:host(x, d, n), d = "hdd", n >= 2.'}, ["a"],
        [("equivalent", "a/again", ["a/slow"])],
    ),
    "equivalent, the one that changed": (
        {"a": SLOW, "b": '@id("again") error(x) :- s:host(x, d, n), d = "hdd", n >= 2.'}, ["a"],
        [("equivalent", "a/slow", ["b/again"])],
    ),
    "a warning where there is an error": (
        {"a": SLOW, "b": '@id("w") warning(h) :- s:host(h, "hdd", n), n > 1.'}, ["b"],
        [("redundant", "b/w", ["a/slow"])],
    ),
    "an error where there is a warning": (
        {"a": '@id("w") warning(h) :- s:host(h, "hdd", _).', "b": SLOW}, ["b"], []
    ),
    "a graver one": (
        {"a": SLOW, "b": '@id("r") @severity("high") error(h) :- s:host(h, "hdd", n), n > 2.'}, ["b"], []
    ),
    "enforced where the other is tried out": (
        {"a": f'policy a(mode = "dryrun").\n{SLOW}', "b": '@id("r") error(h) :- s:host(h, "hdd", n), n > 2.'}, ["b"], []
    ),
    "by cases": (
        {"a": '@id("1") error(h) :- s:host(h, "hdd", _).\n@id("2") error(h) :- s:host(h, "ssd", _).',
         "b": '@id("r") error(h) :- s:host(h, d, _), d != null.'}, ["b"],
        [("redundant", "b/r", ["a/1", "a/2"])],
    ),
    "a derived table": (
        {"a": 't(x) :- s:pair(x, _).\n@id("r") t(x) :- s:pair(x, 1).\nerror(x) :- t(x), s:mark(x, _, _).'}, ["a"],
        [("redundant", "a/r", ["a/t(x) :- s:pair(x, $)"])],
    ),
    "another arity": (
        {"a": SLOW, "b": '@id("r") error(h, n) :- s:host(h, "hdd", n), n > 2.'}, ["b"], []
    ),
    "modal": (
        {"a": '@id("1") deny[v:go(x)] :- s:pair(x, _).', "b": '@id("2") deny[v:go(x)] :- s:pair(x, 1).'}, ["b"],
        [("redundant", "b/2", ["a/1"])],
    ),
    "modal, of another atom": (
        {"a": '@id("1") deny[v:go(x)] :- s:pair(x, _).', "b": '@id("2") deny[v:stop(x)] :- s:pair(x, 1).'}, ["b"], []
    ),
    "modal, with a higher priority": (
        {"a": '@id("1") deny[v:go(x)] :- s:pair(x, _).',
         "b": 'policy b(priority = 5).\n@id("2") deny[v:go(x)] :- s:pair(x, 1).'}, ["b"], []
    ),
    "shadowed": (
        {"a": 'policy a(priority = 5).\n@id("no") deny[v:go(x)] :- s:pair(x, _).',
         "b": '@id("yes") permit[v:go(x)] :- s:pair(x, 1).'}, ["b"],
        [("shadowed", "b/yes", ["a/no"])],
    ),
    "shadowed by what changed": (
        {"a": 'policy a(priority = 5).\n@id("no") deny[v:go(x)] :- s:pair(x, _).',
         "b": '@id("yes") permit[v:go(x)] :- s:pair(x, 1).'}, ["a"],
        [("shadowed", "b/yes", ["a/no"])],
    ),
    "overruled here and there": (
        {"a": 'policy a(priority = 5).\n@id("no") deny[v:go(x)] :- s:pair(x, 1).',
         "b": '@id("yes") permit[v:go(x)] :- s:pair(x, _).'}, ["b"], []
    ),
    "an exception": (
        {"a": '@id("no") deny[v:go(x)] :- s:pair(x, _).', "b": '@id("yes") permit[v:go(x)] :- s:pair(x, 1).'}, ["b"], []
    ),
}  # fmt: skip


@pytest.mark.parametrize(("policies", "changed", "expected"), CASES.values(), ids=CASES)
def test_told(policies: dict[str, str], changed: list[str], expected: list[tuple[str, str, list[str]]]):
    """What is proven is told once, of the rule that could be left out, and nothing else is."""
    found = told(program_of(**policies), changed)
    assert [(each[0], each[1]) for each in found] == [(each[0], each[1]) for each in expected]
    for (*_, by), (*_, wanted) in zip(found, expected, strict=True):
        assert len(by) == len(wanted)
        assert by == wanted or "$" in wanted[0]


def test_messages_and_places():
    """A finding becomes a warning that names both rules and points at the one that could be left out."""
    program = program_of(
        a=f'policy a(priority = 5).\n{SLOW}@id("no") deny[v:go(x)] :- s:pair(x, _).\n',
        b='error(h) :- s:host(h, "hdd", n), n > 2.\n'
        '@id("yes") permit[v:go(x)] :- s:pair(x, 1).\n'
        '@id("k") error(h) :- s:vm(h, d, _), s:vm(h, e, _), d < e.\n',
    )
    found, left = redundancies(program, ["b"])
    assert [f"{each.span}: {each.code} {each.message}" for each in diagnostics(found, program)] == [
        "b.dl:1:1: CL342 `b` (line 1) is redundant: each of its rows is one of `a/slow`",
        "b.dl:2:1: CL343 `b/yes` is shadowed: each of its rows is overruled by `a/no`",
        "b.dl:3:1: CL341 `b/k` can never fire: keys, references and domains leave its body no row",
    ]
    assert left == ()


def test_what_was_too_costly_is_said():
    """What was not looked into for want of steps is told as not analysed, never as nothing."""
    program = program_of(a=SLOW, b='error(h) :- s:host(h, "hdd", n), n > 2.')
    found, left = redundancies(program, ["b"], total=5)
    assert found == []
    assert len(left) == 1
    assert "too costly" in left[0]


def estate(policies: int, rules: int) -> Program:
    """Many policies whose rules read the same tables, with constants and bounds of their own."""

    def text(number: int) -> str:
        lines: Sequence[str] = [
            f'error(v, h) :- s:vm(v, h, n), s:host(h, "hdd", _), n > {number % 7 + place}, '
            f's:pair(v, "{number}-{place}").'
            if place % 2
            else f"warning(v) :- s:vm(v, h, n), s:host(h, d, m), n > m, s:mark(v, _, w), w < {number + place}."
            for place in range(rules)
        ]
        return "\n".join(lines)

    return program_of(**{f"p{number:03}": text(number) for number in range(policies)})


def test_many_rules_are_compared_quickly():
    """Of a thousand rules only those are compared that can say the same, and one policy takes a moment."""
    program = estate(100, 10)
    started = time.process_time()
    found, _ = redundancies(program, ["p050"])
    assert time.process_time() - started < 1.0
    # Bounds alone tell the warnings apart, so each of them is redundant but for the widest.
    assert {each.finding for each in found} <= {"redundant", "equivalent"}
    assert any(each.policy == "p050" for each in found)


def as_text(found: Sequence[RuleFound]) -> list[str]:
    """The messages."""
    return [each.message for each in found]
