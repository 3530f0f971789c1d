"""
Transitions: a state, a batch of rows and perhaps another program give the next state.

Whoever asks decides what becomes of it: the writer publishes it, a what-if
tells what came and went and forgets it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.engine.base import BaseTables, without_repeats
from congresslite.engine.batch import Batch
from congresslite.engine.counting import TableDelta
from congresslite.engine.dictionary import Dictionary
from congresslite.engine.domains import Place
from congresslite.engine.limits import Limits
from congresslite.engine.netting import changed_rows, replaced_rows
from congresslite.engine.prepared import Prepared
from congresslite.engine.relation import Relation
from congresslite.engine.state import State
from congresslite.language.program import Program
from congresslite.language.reads import asks_time
from congresslite.plan import RulePlan
from congresslite.schema import Delta, Replacement, TableSchema

# Told how many strata are done, of how many.
Progress = Callable[[int, int], None]


def first_state(
    prepared: Prepared, relations: dict[str, Relation], limits: Limits, owner: object, progress: Progress | None
) -> State:
    """Every table of a program, over base tables that have been read. Raises EvaluationError at a limit."""
    batch = Batch(State(prepared, relations, {}, Counter(), 0), prepared, limits, owner)
    batch.revise()
    return batch.propagate(progress)


def next_state(
    state: State,
    base: BaseTables,
    changes: Mapping[str, Delta | Replacement],
    program: Program | None,
    limits: Limits,
    *,
    owner: object,
) -> tuple[State, Mapping[str, TableDelta]]:
    """The state after a batch, and what came and went in each table that changed.

    `program` takes the place of the state's, if one is given; `owner` may append to the relations that it owns. Raises
    SourceError for rows that do not fit, EvaluationError at a limit.
    """
    prepared = state.prepared if program is None else Prepared(program, _held(state), state.prepared)
    batch = Batch(state, prepared, limits.beginning(state.held), owner)
    for name, delta in changes.items():
        relation = _opened(name, state, base, prepared)
        change = replaced_rows if isinstance(delta, Replacement) else changed_rows
        batch.note(name, *change(relation, base.schema(name), delta, owner))  # type: ignore[arg-type]
    if program is not None:
        read_base(prepared, base, batch.relations, owner)
        batch.revise()
    return batch.propagate(), batch.deltas.tables


def later_state(state: State, limits: Limits, *, owner: object) -> tuple[State, Mapping[str, TableDelta]]:
    """The state at another time, that of `limits`, and what came and went. Raises EvaluationError at a limit."""
    batch = Batch(state, state.prepared, limits.beginning(state.held), owner)
    batch.again(at for at, stratum in enumerate(state.prepared.strata) if any(map(_asks_time, stratum.rules)))
    return batch.propagate(), batch.deltas.tables


def _asks_time(plan: RulePlan) -> bool:
    return asks_time(plan.rule.body)


def _opened(name: str, state: State, base: BaseTables, prepared: Prepared) -> Relation:
    """A base table, whole. Raises SourceError if it is none."""
    if name not in base:
        known = list(base)
        if name in prepared.arities:
            message = f"`{name}` is derived by rules: it changes when the tables that they read do"
        else:
            message = f"there is no table `{name}` to change"
        raise SourceError(Diagnostic("CL440", message, None, near_or_listed(name, known, "tables are"), place=name))
    base.whole(name, state.relations, prepared.domains.dictionaries, None)
    return state.relations[name]


def read_base(prepared: Prepared, base: BaseTables, relations: MutableMapping[str, Relation], owner: object) -> None:
    """Read the columns that a program needs, and make the tables distinct whose rows it counts.

    Raises SourceError for what cannot be read.
    """
    domains, schemas = prepared.domains, prepared.program.base
    wanted: dict[str, set[int]] = {}
    for name, schema in schemas.items():
        wanted[name] = set(domains.required[name])
        if name in domains.counted:
            keys = [schema.position(key) for key in schema.key]
            wanted[name].update(each for each in keys if each is not None)
    new = schemas.keys() - relations.keys()
    base.read(wanted, relations, domains.dictionaries, owner)
    for name, schema in schemas.items():
        if name in new:
            _check_key(schema, relations[name])
        if name in domains.counted and not relations[name].distinct:
            base.whole(name, relations, domains.dictionaries, owner)
            relations[name] = without_repeats(relations[name], owner)


def _check_key(schema: TableSchema, relation: Relation) -> None:
    """Rely on a declared key of one column, if no value repeats in it."""
    position = schema.position(schema.key[0]) if len(schema.key) == 1 else None
    if position is not None and relation.has(position) and relation.all_differ(position):
        relation.declare_unique(position)
        relation.distinct = True


def _held(state: State) -> dict[Place, Dictionary]:
    """The columns that have ids, with their dictionaries."""
    return {
        (name, at): dictionary
        for name, relation in state.relations.copy().items()  # whoever asks may read further tables meanwhile
        for at, dictionary in enumerate(relation.dictionaries)
        if relation.has(at)
    }
