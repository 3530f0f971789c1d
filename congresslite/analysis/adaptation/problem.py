"""
The problem: what has failed, which rows may be chosen for it, and the state in which it stands nowhere.

A policy says so by the names of its tables: `candidate` has the rows of the choice table that would re-instantiate
something, `redundant` those that take an instance that is there, `failed` what has to be chosen for. The choice table
is the source table `placed` (or another one, by name); its first column is what the others are chosen for. The rule
to keep: what has not failed is never moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from congresslite.analysis.adaptation.plans import AdaptationError, Kind, Option
from congresslite.api import Delta, Snapshot
from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.suggest import listing, near_or_listed
from congresslite.language.program import CheckedRule, Program, RuleKind
from congresslite.language.reads import base_tables
from congresslite.policy.violations import is_violation, shown
from congresslite.schema import Row, Scalar, TableSchema, identity, order_key, row_identity

CHOICE = "placed"
KINDS: Mapping[str, Kind] = {"candidate": "re-instantiate", "redundant": "redundant"}
FAILED = "failed"
LINKS = "virtual_link"


@dataclass(frozen=True, slots=True)
class Failed:
    """One network function to choose for: its rows as they stand, and the options, both by value."""

    vnf: Scalar
    stands: tuple[Row, ...]
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """`start` is the state now, `bare` that in which what has failed stands nowhere; `kept` are the other rows."""

    policy: str
    choice: TableSchema
    start: Snapshot
    bare: Snapshot
    kept: tuple[Row, ...]
    failed: tuple[Failed, ...]

    def rules(self) -> Sequence[CheckedRule]:
        """The rules whose violations count: all but those of policies that are only tried out."""
        tried_out = {policy.name for policy in self.start.program.policies if policy.mode == "dryrun"}
        return [rule for rule in self.start.program.rules if is_violation(rule) and rule.policy not in tried_out]

    def removed(self) -> Delta:
        """The rows that go."""
        return Delta(delete=[row for each in self.failed for row in each.stands])


def is_hard(rule: CheckedRule) -> bool:
    """Whether a rule must hold, whatever it costs."""
    return rule.kind is RuleKind.ERROR


def read_problem(snapshot: Snapshot, policy: str | None, choice: str | None, failed: Sequence[Scalar]) -> Problem:
    """What there is to choose. `failed` is added to what the policy says. Raises AdaptationError."""
    program = snapshot.program
    named = _policy(program, policy)
    table = _choice(snapshot, choice)
    schema = snapshot.schema(table)
    offers = {f"{named}:{name}": kind for name, kind in KINDS.items() if f"{named}:{name}" in program.tables}
    wrong = [name for name in offers if program.tables[name].arity != schema.arity]
    if wrong:
        raise AdaptationError([_misfit(program.tables[name], schema) for name in wrong])
    _known(snapshot, named, table, failed)
    start = _told(snapshot, f"{named}:{FAILED}", failed)
    placed = start.rows(table)
    down = _down(start, named, failed)
    kept = tuple(row for row in placed if identity(row[0]) not in down)
    gone = [row for row in placed if identity(row[0]) in down]
    bare = start.trial({table: Delta(delete=gone)}).after if gone else start
    options = [Option(row, kind) for name, kind in offers.items() for row in bare.rows(name)]
    return Problem(named, schema, start, bare, kept, tuple(_failed(vnf, gone, options) for vnf in down.values()))


def _failed(vnf: Scalar, gone: Iterable[Row], options: Iterable[Option]) -> Failed:
    mine = {}
    for each in options:
        if identity(each.row[0]) == identity(vnf):
            # What is there already need not be made: a row that is both is taken, not instantiated.
            mine[row_identity(each.row)] = each
    stands = [row for row in gone if identity(row[0]) == identity(vnf)]
    return Failed(vnf, tuple(sorted(stands, key=by_value)),
                  tuple(sorted(mine.values(), key=lambda each: by_value(each.row))))  # fmt: skip


def by_value(row: Row) -> list[tuple[int, str, float | int]]:
    """Sorts rows by their values."""
    return [order_key(value) for value in row]


def _policy(program: Program, wanted: str | None) -> str:
    """The policy that says what may be chosen. Raises AdaptationError."""
    known = {policy.name for policy in program.policies}
    offering = [name for name in sorted(known) if any(f"{name}:{table}" in program.tables for table in KINDS)]
    if wanted is not None and wanted in offering:
        return wanted
    if wanted is not None:
        hint = near_or_listed(wanted, offering, "policies that do are") or "derive `candidate` or `redundant` in it"
        problem = "has no table `candidate` or `redundant`" if wanted in known else "is not there"
        raise AdaptationError(Diagnostic("CL640", f"policy `{wanted}` {problem}", None, hint))
    if len(offering) == 1:
        return offering[0]
    if offering:
        message = f"several policies say what may be chosen: {listing(offering)}"
        raise AdaptationError(Diagnostic("CL640", message, None, "name one of them"))
    hint = "derive `candidate` or `redundant`, with the columns of the choice table"
    raise AdaptationError(Diagnostic("CL640", "no policy says what may be chosen", None, hint))


def _choice(snapshot: Snapshot, wanted: str | None) -> str:
    """The table whose rows are chosen, by its full name. Raises AdaptationError."""
    program = snapshot.program
    if wanted is not None:
        if wanted in program.base:
            return wanted
        if wanted in snapshot.catalog:
            message = f"no rule reads `{wanted}`, so any choice would be as good as another"
            raise AdaptationError(Diagnostic("CL641", message, None, "name the table that the rules read"))
        derived = f"`{wanted}` is derived by rules; only rows of a source can be chosen"
        message = derived if wanted in program.tables else f"there is no table `{wanted}`"
        raise AdaptationError(Diagnostic("CL641", message, None, near_or_listed(wanted, program.base, "tables are")))
    found = [name for name in program.base if name.partition(":")[2] == CHOICE]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"several tables may be the choice table: {listing(found)}"
        raise AdaptationError(Diagnostic("CL641", message, None, "name one of them"))
    hint = "name the choice table, or call it `placed`"
    raise AdaptationError(Diagnostic("CL641", f"no rule reads a source's table `{CHOICE}`", None, hint))


def _misfit(offers: TableSchema, choice: TableSchema) -> Diagnostic:
    columns = ", ".join(column.name for column in choice.columns)
    message = f"`{offers.name}` has {offers.arity} columns, but the choice table `{choice.name}` has {choice.arity}"
    return Diagnostic("CL641", message, None, f"give it these columns: {columns}")


def _told(snapshot: Snapshot, table: str, failed: Sequence[Scalar]) -> Snapshot:
    """The state in which the policy knows what has failed, also what it did not say itself."""
    schema = snapshot.program.tables.get(table)
    if not failed or schema is None:
        return snapshot
    program = snapshot.program
    stated = (*program.facts.get(table, ()), *((vnf,) for vnf in failed))
    rows = tuple({row_identity(row): row for row in stated}.values())
    return snapshot.trial({}, replace(program, facts={**program.facts, table: rows})).after


def _known(snapshot: Snapshot, policy: str, choice: str, failed: Sequence[Scalar]) -> None:
    """Raises AdaptationError for what is said to have failed, but stands in no table that the choice rests on."""
    program = snapshot.program
    rests = base_tables(program)
    names = [f"{policy}:{name}" for name in (FAILED, *KINDS)]
    tables = sorted({choice}.union(*(rests.get(name, ()) for name in names)))
    lost = [each for each in failed if not any(_has(snapshot, table, each) for table in tables)]
    if lost:
        first = sorted({choice, *rests.get(names[0], ())})
        near = {shown(row[0]) for table in first for row in snapshot.rows(table) if row}
        raise AdaptationError([_unknown(each, sorted(near)) for each in lost])


def _has(snapshot: Snapshot, table: str, value: Scalar) -> bool:
    """Whether a value stands anywhere in a table."""
    return any(snapshot.select(table, {column.name: value}, limit=0)[1] for column in snapshot.schema(table).columns)


def _unknown(vnf: Scalar, names: Sequence[str]) -> Diagnostic:
    message = f"no table that the choice rests on has `{shown(vnf)}`"
    return Diagnostic("CL642", message, None, near_or_listed(shown(vnf), names, "there are"))


def _down(start: Snapshot, policy: str, failed: Sequence[Scalar]) -> dict[object, Scalar]:
    """What has failed, by value. Raises AdaptationError where nobody says what has."""
    table = f"{policy}:{FAILED}"
    said = start.program.tables.get(table)
    if said is None and not failed:
        hint = f"derive `{FAILED}` in `{policy}`, or name what has failed"
        raise AdaptationError(Diagnostic("CL640", f"policy `{policy}` does not say what has failed", None, hint))
    if said is not None and said.arity != 1:
        hint = "let it have one column, the first one of the choice table"
        raise AdaptationError(Diagnostic("CL640", f"`{table}` has {said.arity} columns", None, hint))
    down = [row[0] for row in start.rows(table)] if said is not None else []
    return {identity(each): each for each in sorted([*down, *failed], key=order_key)}
