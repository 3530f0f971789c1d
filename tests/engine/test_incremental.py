"""
Random histories: after each batch the engine that was kept current answers as one that starts anew.

The naive evaluator says what is right. The engine's report of what came and went,
what a what-if foretold, snapshots taken on the way and the rows of base tables are
held against it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import assume, event, given

from congresslite import Engine
from congresslite.api import Changes
from congresslite.diagnostics import EvaluationError, PolicyError
from congresslite.engine import steps
from congresslite.engine.reference import ReferenceProcess
from tests.engine.histories import History, histories
from tests.engine.world import CLOCK, Answers, Step, World, base_rows, key, observed, same, told, united
from tests.examples import HISTORIES, few, many

SHORT = few(100, suppress_health_check=HISTORIES)
PARTS = 4  # of the long test, to be run side by side: a thousand histories in all
LONG = many(1_000 // PARTS, suppress_health_check=HISTORIES)
ORACLES = many(150, suppress_health_check=HISTORIES)


@pytest.fixture(scope="module")
def reference() -> Iterator[ReferenceProcess]:
    """One process for all policies; it starts anew after one that had no verdict."""
    with ReferenceProcess() as process:
        yield process


def opened(world: World, times: int = 1) -> Engine:
    """An engine that starts with a world; nothing can be said of policies that do not pass the checks."""
    assume(world.program is not None)
    return Engine.load(list(world.policies.values()), world.data(times))


def answer(engine: Engine, step: Step) -> Changes:
    """Apply a batch."""
    return engine.apply(step.changes, policies=step.policies, remove=step.remove)


def foretell(engine: Engine, step: Step) -> Changes:
    """Ask what a batch would change."""
    return engine.what_if(step.changes, policies=step.policies, remove=step.remove)


def agree(engine: Engine, world: World) -> Answers:
    """Every derived table is what the naive evaluator and an engine that starts anew give; gives the answers."""
    expected = united(world.answers)
    assert observed(opened(world)) == expected
    assert observed(engine) == expected
    return world.answers


def refuse(engine: Engine, world: World, step: Step) -> None:
    """A batch with policies that do not pass the checks is refused, and changes nothing."""
    event("refused")
    for ask in (foretell, answer):
        with pytest.raises(PolicyError):
            ask(engine, step)
    assert observed(engine) == united(world.answers)


def follow(history: History) -> World:
    """Apply a history batch by batch and compare all there is to compare; gives the world that it ends in."""
    world = history.start
    engine = opened(world, 1 + history.twice)
    kept = [(engine.snapshot(), agree(engine, world))]
    for step in history.steps:
        after = world.after(step)
        if after.program is None:
            refuse(engine, world, step)
            continue
        foretold = foretell(engine, step)
        assert observed(engine) == united(world.answers), "a what-if changed something"
        changes = answer(engine, step)
        told(changes, world.answers, agree(engine, after))
        assert same(foretold, changes)
        world = after
        kept.append((engine.snapshot(), world.answers))
    for snapshot, answers in kept:
        assert observed(snapshot) == united(answers), "a snapshot changed"
    assert base_rows(engine, world.schemas) == world.rows
    return world


@SHORT
@given(history=histories())
def test_what_is_kept_current_is_right(history: History) -> None:
    """After each batch all tables are as if evaluated anew, and the report tells exactly what came and went."""
    follow(history)


@pytest.mark.parametrize("chunk", [1, 3])
@few(25, suppress_health_check=HISTORIES)
@given(history=histories())
def test_chunks_do_not_matter(history: History, chunk: int) -> None:
    """However few bindings are made at a time, batches have the same effects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "CHUNK", chunk)
        follow(history)


@few(20, suppress_health_check=HISTORIES)
@given(history=histories(steps=6))
def test_what_ifs_side_by_side(history: History) -> None:
    """Several what-ifs at a time, each from its own thread, foretell what each batch would change on a copy."""
    start = history.start
    engine = opened(start)
    asked = [step for step in history.steps if start.after(step).program is not None]
    with ThreadPoolExecutor(max_workers=4) as pool:
        foretold = list(pool.map(lambda step: foretell(engine, step), asked * 2))
    for step, changes in zip(asked * 2, foretold, strict=True):
        told(changes, start.answers, start.after(step).answers)
    for step, changes in zip(asked, foretold, strict=False):
        assert same(changes, answer(opened(start), step))
    assert observed(engine) == united(start.answers)
    assert base_rows(engine, start.schemas) == start.rows


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@LONG
@given(history=histories(steps=6))
def test_what_is_kept_current_is_right_at_length(history: History, part: int) -> None:
    """As the first test, on a thousand histories that differ from run to run."""
    follow(history)


@pytest.mark.long
@ORACLES
@given(history=histories())
def test_other_engines_end_where_batches_do(reference: ReferenceProcess, history: History) -> None:
    """DuckDB and the reference engine, evaluating the last state anew, agree; the latter or it has no verdict."""
    world = follow(history)
    assert world.program is not None
    duckdb = Engine.load(list(world.policies.values()), world.data(), engine="duckdb")
    assert observed(duckdb) == united(world.answers)
    try:
        tables = reference.evaluate(world.program, world.plain_rows(), timeout_s=3, clock=CLOCK)
    except EvaluationError as error:
        assert [each.code for each in error.diagnostics] == ["CL510"]
        event("no verdict")
        return
    for name, parts in world.answers.items():
        found = [row for part in world.program.answers.get(name, (name,)) for row in map(key, tables[part])]
        assert sorted(found, key=repr) == sorted((row for rows in parts.values() for row in rows), key=repr)
