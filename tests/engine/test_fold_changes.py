"""Groups that change: after each batch of bindings, a group's row is what folding its remaining values gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.engine.counting import Bag
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.folds import Groups
from congresslite.engine.limits import Limits
from congresslite.language.aggregates import fold
from congresslite.language.program import CheckedRule, Const, Fold, Var
from congresslite.language.syntax import AggregateFunction
from congresslite.schema import INT_MAX, INT_MIN, Row, Scalar, Type, canonical, identity
from tests.engine.columnar import CLOCK, checked, identities, table
from tests.examples import few

QUICK = few(40)

FUNCTIONS: Sequence[AggregateFunction] = get_args(AggregateFunction)
READINGS = table("s:r", g=Type.ANY, h=Type.ANY, v=Type.ANY, w=Type.ANY)
Binding = tuple[Scalar, ...]
Bindings = Mapping[tuple[object, ...], tuple[Binding, int]]  # by identity: the binding, and how often it came


def rule(head: str) -> CheckedRule:
    """The rule of a head over readings."""
    (found,) = checked(f"t({head}) :- s:r(g, h, v, w).", [READINGS]).rules
    return found


def terms(rule: CheckedRule) -> list[Var | Const]:
    """What a binding consists of: the terms of groups, then the folded variables."""
    groups = [term for term in rule.head if not isinstance(term, Fold)]
    return groups + [term.argument for term in rule.head if isinstance(term, Fold)]


def folded(rule: CheckedRule, bindings: Bindings) -> tuple[list[Row], int]:
    """The rows of the groups that have one, and how much is skipped, by folding all values anew."""
    folds = [term for term in rule.head if isinstance(term, Fold)]
    width = len(rule.head) - len(folds)
    groups: dict[tuple[object, ...], list[Binding]] = {}
    for binding, count in bindings.values():
        groups.setdefault(identities(binding[:width]), []).extend([binding] * count)
    rows, skipped = [], 0
    for members in groups.values():
        results = [fold(each.function, [one[width + at] for one in members]) for at, each in enumerate(folds)]
        skipped += sum(each.skipped for each in results)
        if all(each.value is not None for each in results):
            keys, values = iter(members[0][:width]), (each.value for each in results)
            rows.append(tuple(next(values) if isinstance(term, Fold) else next(keys) for term in rule.head))
    return rows, skipped


@dataclass
class Kept:
    """The groups of a rule as the engine keeps them, with the bindings that they are of and the rows they gave."""

    rule: CheckedRule
    groups: Groups
    head: list[Dictionary]
    bindings: dict[tuple[object, ...], tuple[Binding, int]]
    rows: Counter[tuple[object, ...]]
    skipped: int = 0

    @staticmethod
    def of(rule: CheckedRule, *, shared: bool) -> Kept:
        """No groups yet; with `shared` results have the dictionary of the values."""
        folds = sum(isinstance(term, Fold) for term in rule.head)
        values = [Dictionary() for _ in range(folds)]
        mine = iter(values)
        head = [next(mine) if shared and isinstance(term, Fold) else Dictionary() for term in rule.head]
        return Kept(rule, Groups.empty(rule, values, head, OWNERS[0]), head, {}, Counter())

    def changed(self, batch: Sequence[tuple[Binding, int]], owner: object) -> Kept:
        """The groups with a batch; asserts that no row is told to come that is there, or to go that is not."""
        columns = [each.encode(row[at] for row, _ in batch) for at, each in enumerate(self.groups.read)]
        limits = Limits.of(clock=CLOCK)
        bag = Bag(columns, np.array([weight for _, weight in batch], np.int64))
        groups, told = self.groups.changed(bag, limits, owner)
        rows = self.rows.copy()
        for row, weight in decoded(told, self.head):
            rows[identities(row)] += weight
        assert set(rows.values()) <= {0, 1}
        bindings = dict(self.bindings)
        for binding, weight in batch:
            count = bindings.get(identities(binding), (binding, 0))[1] + weight
            bindings[identities(binding)] = binding, count
        left = {key: each for key, each in bindings.items() if each[1]}
        return Kept(self.rule, groups, self.head, left, +rows, self.skipped + limits.skipped.total())

    def check(self) -> None:
        """Assert that the rows are those of folding anew, and that all of them are lost with the rule."""
        rows, skipped = folded(self.rule, self.bindings)
        assert self.rows == Counter(map(identities, rows))
        assert self.skipped == skipped
        lost = Counter[tuple[object, ...]]()
        for row, weight in decoded(self.groups.lost(), self.head):
            lost[identities(row)] -= weight
        assert lost == self.rows


def decoded(bag: Bag, dictionaries: Sequence[Dictionary]) -> Iterator[tuple[Row, int]]:
    """The rows of a bag as values."""
    columns = [each.decode(column) for each, column in zip(dictionaries, bag.columns, strict=True)]
    yield from zip(zip(*columns, strict=True), bag.weights.tolist(), strict=True)


OWNERS = (object(), object())

wholes = st.one_of(st.integers(-2, 2), st.sampled_from([INT_MAX, INT_MIN, 2**53 + 1, 2**62]))
floats = st.sampled_from([0.1, 0.5, 1e300, -1e300, 1.7e308, 5e-324, 1.5, 2.0**63]).map(canonical)
VALUES: Sequence[st.SearchStrategy[Scalar]] = (
    st.integers(-2, 2),
    wholes,
    st.one_of(st.integers(-2, 2), wholes, floats, st.none()),
    st.sampled_from(["", "a", "b", "\uffff", "\U0001f600", None]),
    st.one_of(wholes, floats, st.none(), st.booleans(), st.sampled_from(["", "a", "1"])),
)
HEADS: dict[str, str] = {
    **{name: f"g, {name}(v)" for name in FUNCTIONS},
    "without groups": "sum(v)",
    "two groups": "h, avg(v), g",
    "the group itself": "g, max(g), count(g)",
    "without groups, of two variables": "min(v), count_distinct(w)",
    "every function of one variable": "g, " + ", ".join(f"{name}(v)" for name in FUNCTIONS),
    "several of several variables": "max(w), g, sum(v), 7, count_distinct(v), sum(w)",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@QUICK
@given(data=st.data())
def test_batches_of_bindings(head: str, data: st.DataObject) -> None:
    """Whatever comes and goes, rows and skips are those of folding anew; what groups were before, they stay."""
    kept = Kept.of(rule(head), shared=data.draw(st.booleans()))
    value, group = data.draw(st.sampled_from(VALUES)), st.sampled_from([None, True, 1])
    variables = {"g": group, "h": group, "v": value, "w": value}
    made = [kept]
    for _ in range(data.draw(st.integers(1, 5))):
        row = st.fixed_dictionaries(variables)
        batch: list[tuple[Binding, int]] = []
        for each in data.draw(st.lists(row, max_size=5)):
            binding = tuple(each[term.name] if isinstance(term, Var) else term.value for term in terms(kept.rule))
            batch.append((binding, data.draw(st.integers(1, 2))))
        for binding, count in kept.bindings.values():
            gone = data.draw(st.sampled_from([0, 0, 1, count]))
            if gone:
                batch.append((binding, -gone))
        kept = kept.changed(batch, data.draw(st.sampled_from(OWNERS)))
        made.append(kept)
    for earlier in made:
        earlier.check()


@dataclass(frozen=True)
class Step:
    """Values that come and go, and the result then; None where there is no row."""

    plus: Sequence[Scalar]
    minus: Sequence[Scalar]
    result: Scalar


def steps(*each: tuple[Sequence[Scalar], Sequence[Scalar], Scalar]) -> list[Step]:
    return [Step(*one) for one in each]


SEQUENCES: dict[str, tuple[AggregateFunction, list[Step]]] = {
    "what a large float hid comes back": (
        "sum",
        steps(([0.1], [], 0.1), ([1e300], [], 1e300), ([-1e300], [], 0.1), ([], [1e300, -1e300], 0.1)),
    ),
    "a sum passes 64 bits and comes back": (
        "sum",
        steps(([INT_MAX], [], INT_MAX), ([1], [], None), ([], [1], INT_MAX), ([-1], [], INT_MAX - 1)),
    ),
    "a sum of floats passes all numbers and comes back": (
        "sum",
        steps(([1.7e308], [], 1.7e308), ([1.7e308], [], None), ([], [1.7e308], 1.7e308)),
    ),
    "an average of sums beyond 64 bits": ("avg", steps(([INT_MAX, INT_MAX], [], 2.0**63), ([], [INT_MAX], 2.0**63))),
    "a sum of floats is an integer again": ("sum", steps(([1, 0.5], [], 1.5), ([], [0.5], 1))),
    "a sum of 0 is a row": ("sum", steps(([1, -1], [], 0), ([], [1, -1], None))),
    "nulls are no row, and a value is": ("count", steps(([None], [], None), ([5], [], 1), ([], [5], None))),
    "the least goes": ("min", steps(([3, 1, 2], [], 1), ([], [1], 2), ([], [2], 3), ([], [3], None))),
    "the greatest comes twice and goes once": ("max", steps(([3, 3, 1], [], 3), ([], [3], 3), ([], [3], 1))),
    "a text among numbers, for a while": ("max", steps(([3, 1], [], 3), (["a"], [], None), ([], ["a"], 3))),
    "one of two equal values": ("count_distinct", steps(([3, 3, 4], [], 2), ([], [3], 2), ([], [3], 1))),
    "one, true and a text": ("count_distinct", steps(([1, True, "1"], [], 3), ([], [True], 2))),
    "a batch that changes no result": ("min", steps(([1], [], 1), ([5], [], 1), ([4], [5], 1))),
    "all in place of all": ("avg", steps(([1, 2], [], 1.5), ([0, 3], [1, 2], 1.5), ([9], [0, 3], 9))),
}


@pytest.mark.parametrize("shared", [False, True], ids=["a dictionary of its own", "the values' dictionary"])
@pytest.mark.parametrize(("function", "sequence"), SEQUENCES.values(), ids=SEQUENCES)
def test_results_over_time(function: AggregateFunction, sequence: list[Step], shared: bool) -> None:
    """A result is that of the values that are left, to the last digit, however it went up and down before."""
    kept = Kept.of(rule(f"g, {function}(v)"), shared=shared)
    for step in sequence:
        batch = [(("g", value), 1) for value in step.plus] + [(("g", value), -1) for value in step.minus]
        before, kept = kept, kept.changed(batch, OWNERS[0])
        assert list(kept.rows) == ([] if step.result is None else [("g", identity(canonical(step.result)))])
        kept.check()
        before.check()


def test_only_what_differs_is_told() -> None:
    """A batch tells the rows of groups whose results differ, and nothing of the others, whatever it touched."""
    kept = Kept.of(rule("g, max(v)"), shared=False)
    kept = kept.changed([((group, value), 1) for group in ("a", "b", "c") for value in (1, 2)], OWNERS[0])
    columns = [each.encode(values) for each, values in zip(kept.groups.read, ("abc", (1, 2, 3)), strict=True)]
    _, told = kept.groups.changed(Bag(columns, np.array([-1, -1, 1])), Limits.of(clock=CLOCK), OWNERS[0])
    rows = sorted(decoded(told, kept.head), key=repr)
    assert rows == [(("b", 1), 1), (("b", 2), -1), (("c", 2), -1), (("c", 3), 1)]


def test_no_bindings_tell_nothing() -> None:
    """An empty batch, and one that cancels out, leave the very same groups."""
    kept = Kept.of(rule("g, sum(v)"), shared=False).changed([(("g", 1), 1)], OWNERS[0])
    for batch in ([], [(("g", 2), 1), (("g", 2), -1)]):
        after = kept.changed(batch, OWNERS[0])
        assert after.groups is kept.groups
        assert after.rows == kept.rows
