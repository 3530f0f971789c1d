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

from congresslite.diagnostics import Span
from congresslite.language.syntax import AggregateFunction, ArithmeticOperator, ComparisonOperator, Modal
from congresslite.schema import Row, Scalar, TableSchema, Type


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
class Stratum:
    """Tables that depend on each other (one table, mostly); `recursive` if one of them depends on itself."""

    tables: tuple[str, ...]
    recursive: bool


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What a policy says of itself."""

    name: str
    description: str = ""
    tier: str = "global"
    owner: str = ""
    priority: int = 0
    mode: str = "warn"
    overridable: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """Checked policies. `strata` are in topological order and hold every derived table, but no effects.

    `tables` has the schemas of derived tables, `base` those of the source tables that rules read,
    `answers` the names that users see of tables that are united for them (`nfv:error`).
    An effect's head is `inv:vm+` or `inv:vm-`; in its body the action is read as a table `execute[vnfm:heal]`,
    which has no rows of its own.
    """

    policies: tuple[PolicySettings, ...]
    tables: Mapping[str, TableSchema]
    base: Mapping[str, TableSchema]
    rules: tuple[CheckedRule, ...]
    facts: Mapping[str, tuple[Row, ...]]
    strata: tuple[Stratum, ...]
    answers: Mapping[str, tuple[str, ...]]
    effects: tuple[CheckedRule, ...] = ()


def visible_tables(program: Program) -> dict[str, tuple[str, ...]]:
    """The derived tables under the names that users know (`nfv:error`, not its parts), sorted, each with its parts."""
    parts = {part for each in program.answers.values() for part in each}
    # A name with `#` or `/` is made for a part, and for a rule that reads violations: no user can write it.
    others = {name: (name,) for name in program.tables if name not in parts and not set(name) & {"#", "/"}}
    return dict(sorted({**others, **program.answers}.items()))
