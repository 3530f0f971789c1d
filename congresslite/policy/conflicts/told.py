"""Conflicts and commands as they are told: values for whoever lists them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from congresslite.language.program import (
    CheckedRule,
    ConflictKind,
    Contradiction,
    DecidedBy,
    PolicySettings,
    Program,
    RuleKind,
    Side,
)
from congresslite.language.syntax import Modal
from congresslite.policy.violations import Answers, shown, told, violation_id, violation_ids
from congresslite.schema import Row, TableSchema, order_key, row_identity

Decision = Literal["run", "overruled", "tied"]


@dataclass(frozen=True, slots=True)
class ToldSide:
    """One side of a conflict: its rule, and its row, which stands in `table`. `engine`: of another one."""

    policy: str
    rule: str
    tier: str
    modal: Modal | None
    atom: str
    row: Row
    table: str
    engine: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two rows that contradict each other. `id` is that of a violation of `policy` (`conflict`) and `rule`."""

    id: str
    kind: ConflictKind
    policy: str
    rule: str  # identity of the pair
    table: str  # "conflict:modality"
    columns: tuple[str, ...]
    row: Row
    object: str | None
    message: str
    sides: tuple[ToldSide, ToldSide]
    winner: Literal[0, 1] | None
    by: DecidedBy | None

    @property
    def violates(self) -> bool:
        """Whether it is a violation too: nothing decides between two actions, so neither is run."""
        return self.table == f"{self.policy}:error"


@dataclass(frozen=True, slots=True)
class Command:
    """An action that a rule commands, and whether it would be run: it may be overruled, or tied with another one."""

    policy: str
    rule: str
    mode: str  # of the policy
    action: str
    arguments: Row
    columns: tuple[str, ...]
    object: str | None
    decision: Decision
    conflicts: tuple[str, ...] = ()  # ids of those that stop it


def conflicts(program: Program, answers: Answers) -> Iterator[Conflict]:
    """Every conflict, by kind and pair of rules in the order of the program, rows in the order of their values."""
    for rule in contradicting(program):
        yield from conflicts_of(rule, _sorted(answers.rows(rule.table)), program, answers)


def contradicting(program: Program) -> Iterator[CheckedRule]:
    """The rules whose rows are conflicts."""
    return (rule for rule in program.rules if rule.table in program.contradictions)


def conflicts_of(rule: CheckedRule, rows: Sequence[Row], program: Program, answers: Answers) -> Iterator[Conflict]:
    """The conflicts that some rows of a rule are, in the order of the rows."""
    policy = next(each for each in program.policies if each.name == rule.policy)
    for each in told(rule, rows, program, policy, answers):
        yield conflict_of(rule, each.row, program, each.message)


def conflict_of(rule: CheckedRule, row: Row, program: Program, message: str) -> Conflict:
    """The conflict that a row of a rule is, told in these words."""
    contradiction = program.contradictions[rule.table]
    first, second = contradiction.sides
    return Conflict(
        id=violation_id(rule.policy, rule.identity, row),
        kind=contradiction.kind,
        policy=rule.policy,
        rule=rule.identity,
        table=rule.table.partition("#")[0],
        columns=tuple(column.name for column in program.tables[rule.table].columns),
        row=row,
        object=None if rule.object is None or not row else shown(row[rule.object]),
        message=message,
        sides=(_told(first, row), _told(second, row)),
        winner=contradiction.winner,
        by=contradiction.by,
    )


def side_tables(conflict: Conflict, program: Program) -> tuple[str | None, str | None]:
    """The tables with the rows of each side's rule alone; None for a rule of another engine."""
    same = (rule for rule in contradicting(program) if rule.identity == conflict.rule)
    contradiction = next((program.contradictions[rule.table] for rule in same), None)
    if contradiction is None:
        return None, None
    first, second = (None if side.engine else side.table for side in contradiction.sides)
    return first, second


def _told(side: Side, row: Row) -> ToldSide:
    """A side under the names that its users know; one of another engine under those that it has there."""
    return ToldSide(
        policy=side.policy,
        rule=side.rule,
        tier=side.tier,
        modal=side.modal,
        atom=side.atom,
        row=_part(side, row),
        table=f"{side.policy}:{side.modal}[{side.atom}]" if side.engine else side.table.partition("#")[0],
        engine=side.engine,
        file=side.file,
        line=side.line,
    )


def _part(side: Side, row: Row) -> Row:
    """What a side says, of the row of a conflict."""
    return tuple(row[place] for place in side.places)


# -- commands ------------------------------------------------------------------------------------

# A rule and a row of it; the decision about that and the ids of the conflicts that it rests on.
_Of = tuple[str, str, tuple[object, ...]]
_Stopped = Mapping[_Of, tuple[Decision, tuple[str, ...]]]


def commands(program: Program, answers: Answers, actions: Collection[str] | None = None) -> Iterator[Command]:
    """Every command, or those of these actions, and whether it would be run; rows in the order of their values."""
    policies = {policy.name: policy for policy in program.policies}
    stopped = _stopped(program, answers, actions)
    rules = [rule for rule in commanding(program) if actions is None or action_of(rule.table) in actions]
    deriving = Counter(rule.table for rule in rules)
    for rule in rules:
        rows = answers.rows(rule.table) if deriving[rule.table] == 1 else _alone(rule, program, answers)
        yield from _commands(rule, rows, policies[rule.policy], program.tables[rule.table], stopped)


def commanding(program: Program) -> Iterator[CheckedRule]:
    """The rules that command an action."""
    return (rule for rule in program.rules if rule.kind is RuleKind.MODAL and rule.modal == "execute")


def action_of(table: str) -> str:
    """The name of the action that a table of commands is about."""
    return table.partition("[")[2].partition("]")[0]


def _commands(
    rule: CheckedRule, rows: Sequence[Row], policy: PolicySettings, schema: TableSchema, stopped: _Stopped
) -> Iterator[Command]:
    columns = tuple(column.name for column in schema.columns)
    action = action_of(rule.table)
    for row in _sorted(rows):
        decision, conflicts = stopped.get(_of(rule.policy, rule.table, rule.identity, row), ("run", ()))
        yield Command(
            policy=rule.policy,
            rule=rule.identity,
            mode=policy.mode,
            action=action,
            arguments=row,
            columns=columns,
            object=None if rule.object is None or not row else shown(row[rule.object]),
            decision=decision,
            conflicts=conflicts,
        )


def _alone(rule: CheckedRule, program: Program, answers: Answers) -> list[Row]:
    """The rows that one of several rules of a table derives."""
    table = f"{rule.table}?"
    asked = replace(rule, table=table, kind=RuleKind.DERIVE, modal=None)
    return answers.query((asked,), {table: replace(program.tables[rule.table], name=table)})


def losing(contradiction: Contradiction, actions: Collection[str] | None = None) -> list[Side]:
    """The sides that command an action, or one of these, and that a contradiction stops."""
    first, second = contradiction.sides
    return [
        side
        for number, (side, other) in enumerate(((first, second), (second, first)))
        if side.modal == "execute" and not side.engine and contradiction.winner != number
        if other.mode != "dryrun" or side.mode == "dryrun"
        if actions is None or side.atom in actions
    ]


def _stopped(program: Program, answers: Answers, actions: Collection[str] | None) -> _Stopped:
    """The commands that something stops: they are overruled, or tied with another that nothing decides against.

    A policy that is tried out (`dryrun`) stops none but those of such policies.
    """
    found: defaultdict[_Of, dict[str, Decision]] = defaultdict(dict)
    for rule in contradicting(program):
        contradiction = program.contradictions[rule.table]
        stopped = losing(contradiction, actions)
        rows = answers.rows(rule.table) if stopped else []
        for known, row in zip(violation_ids(rule.policy, rule.identity, rows), rows, strict=True):
            for side in stopped:
                found[_of(side.policy, side.table, side.rule, _part(side, row))][known] = (
                    "tied" if contradiction.winner is None else "overruled"
                )
    return {
        command: ("overruled" if "overruled" in each.values() else "tied", tuple(sorted(each)))
        for command, each in found.items()
    }


def _of(policy: str, table: str, rule: str, row: Row) -> _Of:
    return policy, f"{table.partition('#')[0]} {rule}", row_identity(row)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [order_key(value) for value in row])
