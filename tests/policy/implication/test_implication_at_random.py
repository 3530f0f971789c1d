"""Random pairs of rules: whatever is proven of them holds on every legal database that is tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from congresslite.diagnostics import Source
from congresslite.engine import evaluate
from congresslite.language.check import check_sources
from congresslite.language.program import Program
from congresslite.policy.implication import empty, implies
from congresslite.schema import Row, RowsTable, identity
from tests.examples import PROGRAMS, few, many
from tests.policy.implication.pairs_of_rules import CATALOG, Pair, database, pairs

SHORT = few(125, suppress_health_check=PROGRAMS)
LONG = many(1_500, suppress_health_check=PROGRAMS)

Database = Mapping[str, Sequence[Row]]
SEEDS = st.integers(0, 2**32)


def checked(pair: Pair) -> Program:
    """The program with both rules; a pair that does not pass the checks is left out."""
    program = check_sources([Source("p.dl", pair.text)], CATALOG).program
    assume(program is not None)
    assert program is not None
    return program


def rows(program: Program, given: Database) -> tuple[set[Hashable], set[Hashable]]:
    """The rows of both rules, as the language compares them."""
    tables = {name: RowsTable(schema, given.get(name, ())) for name, schema in program.base.items()}
    answers = evaluate(program, tables)

    def told(table: str) -> set[Hashable]:
        return {tuple(map(identity, row)) for row in answers.rows(table)}

    return told("p:r"), told("p:s")


def confirm(pair: Pair, seeds: Iterable[int], seen: Counter[str]) -> None:
    """What is proven of a pair holds on the database that each of the seeds gives."""
    program = checked(pair)
    (premise,) = (rule for rule in program.rules if rule.table == "p:r")
    (conclusion,) = (rule for rule in program.rules if rule.table == "p:s")
    never, implied = empty(premise, program), implies(premise, conclusion, program)
    seen.update(pairs=1, empty=never, implied=implied and not never)
    fired = 0
    for seed in seeds if never or implied else ():
        first, second = rows(program, database(seed))
        fired += bool(first)
        assert not never or not first, f"{pair.text} on {database(seed)}"
        assert not implied or first <= second, f"{pair.text} on {database(seed)}"
    seen.update(fired=bool(fired))


def was_put_to_the_test(seen: Counter[str]) -> None:
    """Enough pairs had something to prove, and enough of what was proven had rows that could have shown it wrong."""
    assert seen["implied"] >= seen["pairs"] / 5, seen
    assert seen["empty"] >= seen["pairs"] * 2 / 25, seen
    assert seen["fired"] >= seen["pairs"] * 2 / 15, seen


def test_what_is_proven_holds():
    """Whenever an implication or emptiness is proven it holds, and often enough there is something to prove."""
    seen: Counter[str] = Counter()

    @SHORT
    @given(pair=pairs(), seed=SEEDS)
    def prove(pair: Pair, seed: int) -> None:
        confirm(pair, range(seed, seed + 6), seen)

    prove()
    was_put_to_the_test(seen)


@pytest.mark.long
def test_what_is_proven_holds_at_length():
    """As the test above, on more than a thousand pairs that differ from run to run."""
    seen: Counter[str] = Counter()

    @LONG
    @given(pair=pairs(), seed=SEEDS)
    def prove(pair: Pair, seed: int) -> None:
        confirm(pair, range(seed, seed + 12), seen)

    prove()
    was_put_to_the_test(seen)
