"""
Checked programs: rules whose names, types, safety and strata are known to be right.

This is what every back end starts from: the planner, and the reference engine,
which must see it before any rewrite. Table names are full (`source:table`,
`policy:table`), atoms are positional and complete, each `_` is a variable of
its own, and expressions stand in comparisons only.

Rules to keep: violations are kept per rule, so each `error` or `warning` rule
derives a table of its own (`nfv:error#3`), and `answers` unites them under the
name that users know. A body that reads such a table reads a rule-made union of
the right arity (`nfv:error/2`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal as OneOf

from congresslite.diagnostics import Span
from congresslite.language.syntax import AggregateFunction, ArithmeticOperator, ComparisonOperator, Modal
from congresslite.schema import Row, Scalar, TableSchema, Type

# The policy under whose name conflicts are known; no user's policy or source may have it.
CONFLICT_POLICY = "conflict"


@dataclass(frozen=True, slots=True)
class Var:
    """A variable of a rule. The names of anonymous ones start with `$`, which no user can write.

    Those whose names start with `#` stand for an expression that was written within an atom or a head.
    """

    name: str

    @property
    def anonymous(self) -> bool:
        """Whether it was written `_` (or left out of an atom): it occurs in one place only."""
        return self.name.startswith("$")


@dataclass(frozen=True, slots=True)
class Const:
    """A canonical value."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Calc:
    """`left operator right`; holds nothing where an operand is null or of a wrong type, or the result overflows."""

    operator: ArithmeticOperator
    left: Expression
    right: Expression


Expression = Var | Const | Calc


@dataclass(frozen=True, slots=True)
class Fold:
    """An aggregate of a head: over the distinct bindings of all variables of the body, null ignored."""

    function: AggregateFunction
    argument: Var


@dataclass(frozen=True, slots=True)
class Match:
    """There is a row `terms` in `table`; as many terms as the table has columns."""

    table: str
    terms: tuple[Var | Const, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NoMatch:
    """There is no row `terms` in `table`; anonymous variables stand for any value, all others are bound elsewhere."""

    table: str
    terms: tuple[Var | Const, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison. A positive `=` with a lone variable on one side that nothing else binds gives it its value."""

    operator: ComparisonOperator
    left: Expression
    right: Expression
    negated: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`term in values`, by value."""

    term: Expression
    values: tuple[Scalar, ...]
    negated: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A builtin: `inputs` are bound elsewhere, `outputs` are bound or compared; a negated call binds nothing."""

    builtin: str
    inputs: tuple[Expression, ...]
    outputs: tuple[Expression, ...]
    negated: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Either:
    """One of the branches holds. Variables that not every branch binds are not used outside their branch."""

    branches: tuple[tuple[Literal, ...], ...]
    span: Span | None = field(default=None, compare=False, repr=False)


Literal = Match | NoMatch | Compare | Member | Call | Either


class RuleKind(StrEnum):
    """What a rule's head says."""

    DERIVE = "derive"
    ERROR = "error"
    WARNING = "warning"
    MODAL = "modal"
    EFFECT = "effect"
    CONFLICT = "conflict"  # made, not written: see `policy.conflicts`


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """One rule. `identity` is its `@id`, or else its normalised text; `types` are those of its variables."""

    policy: str
    kind: RuleKind
    table: str
    head: tuple[Var | Const | Fold, ...]
    body: tuple[Literal, ...]
    identity: str
    span: Span = field(compare=False, repr=False)
    severity: str = "medium"
    message: str | None = None
    weight: Scalar = None
    object: int | None = None  # place of the head term that names the object, counted from 0
    modal: Modal | None = None
    types: Mapping[str, Type] = field(default_factory=dict, compare=False, repr=False)

    @property
    def aggregates(self) -> bool:
        """Whether the head folds groups of bindings."""
        return any(isinstance(term, Fold) for term in self.head)


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """Two actions that contradict each other where they agree: `positions` are pairs of places that must be equal.

    `arities` are how many terms the two have; `given` are places of the first and the second action that must hold a
    certain value.
    """

    policy: str
    first: str  # the actions by the names that rules command, `nova:stop`
    second: str
    positions: tuple[tuple[int, int], ...]
    arities: tuple[int, int]
    given: tuple[tuple[tuple[int, Const], ...], tuple[tuple[int, Const], ...]] = ((), ())
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FunctionalTable:
    """A table, or a fact that is required, with one value (`values`) for each key (`keys`), both places of columns."""

    policy: str
    table: str  # full name of a derived table, or the atom that rules require or command
    keys: tuple[int, ...]
    values: tuple[int, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


ConflictKind = OneOf["modality", "action", "value"]
DecidedBy = OneOf["hardness", "tier", "priority", "specificity", "deny"]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two rules of a contradiction. `engine` is set where it is a rule of another engine.

    `table` holds the rows of this rule alone; `places` says where its columns stand in a row of the conflict.
    """

    policy: str
    rule: str  # identity
    modal: Modal | None  # None: a rule of a functional table
    atom: str  # what it speaks of: `nova:stop`, or the full name of a table
    table: str
    places: tuple[int, ...]
    tier: str
    priority: int
    overridable: bool
    hard: bool
    engine: str = ""
    mode: str = "warn"
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two rules that may contradict each other, and which of them would win: 0, 1, or None where nothing decides."""

    kind: ConflictKind
    sides: tuple[Side, Side]
    winner: OneOf[0, 1] | None
    by: DecidedBy | None


@dataclass(frozen=True, slots=True)
class Stratum:
    """Tables that depend on each other (one table, mostly); `recursive` if one of them depends on itself."""

    tables: tuple[str, ...]
    recursive: bool


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What a policy says of itself.

    `undo`: an action that it commanded is undone when its condition goes by itself; `approval`: a person must approve
    each one.
    """

    name: str
    description: str = ""
    tier: str = "global"
    owner: str = ""
    priority: int = 0
    mode: str = "warn"
    overridable: bool = False
    path: str = ""
    undo: bool = False
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Checked policies. `strata` are in topological order and hold every derived table, but no effects.

    `tables` has the schemas of derived tables, `base` those of the source tables that rules read,
    `answers` the names that users see of tables that are united for them (`nfv:error`).
    An effect's head is `inv:vm+` or `inv:vm-`; in its body the action is read as a table `execute[vnfm:heal]`,
    which has no rows of its own. `contradictions` has, for the table of each rule of kind CONFLICT (and of the `error`
    rules of policy `conflict`), the two rules whose rows it joins.
    """

    policies: tuple[PolicySettings, ...]
    tables: Mapping[str, TableSchema]
    base: Mapping[str, TableSchema]
    rules: tuple[CheckedRule, ...]
    facts: Mapping[str, tuple[Row, ...]]
    strata: tuple[Stratum, ...]
    answers: Mapping[str, tuple[str, ...]]
    effects: tuple[CheckedRule, ...] = ()
    incompatible: tuple[Incompatibility, ...] = ()
    functional: tuple[FunctionalTable, ...] = ()
    contradictions: Mapping[str, Contradiction] = field(default_factory=dict)


def visible_tables(program: Program) -> dict[str, tuple[str, ...]]:
    """The derived tables under the names that users know (`nfv:error`, not its parts), sorted, each with its parts."""
    parts = {part for each in program.answers.values() for part in each}
    # A name with `#` or `/` is made for a part, and for a rule that reads violations: no user can write it.
    others = {name: (name,) for name in program.tables if name not in parts and not set(name) & {"#", "/"}}
    return dict(sorted({**others, **program.answers}.items()))


def written_rules(program: Program) -> tuple[CheckedRule, ...]:
    """The rules that somebody wrote: without the unions, copies and conflicts that are made of them."""
    violations = (RuleKind.ERROR, RuleKind.WARNING)
    return tuple(
        rule
        for rule in program.rules
        if rule.policy != CONFLICT_POLICY and (rule.kind in violations or not set(rule.table) & {"#", "/"})
    )
