"""
Syntax: what a policy file says, node by node, before anything is known about tables.

Nodes are values: frozen, compared without their spans. The parser builds them,
the formatter prints them, the checks turn them into a `program`; nothing edits
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal as OneOf

from congresslite.diagnostics import Source, Span
from congresslite.schema import Domain, Scalar, Type

ArithmeticOperator = OneOf["+", "-", "*", "/", "%"]
ComparisonOperator = OneOf["=", "!=", "<", "<=", ">", ">="]
AggregateFunction = OneOf["count", "count_distinct", "sum", "min", "max", "avg"]
Modal = OneOf["execute", "permit", "deny", "require", "forbid"]


@dataclass(frozen=True, slots=True)
class Variable:
    """A named variable."""

    name: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Anonymous:
    """`_`: each one is a variable of its own."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the text; `text` is how it was written. True != 1, so both take part in equality."""

    value: Scalar
    text: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left operator right`."""

    operator: ArithmeticOperator
    left: Term
    right: Term
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function(argument)`, in heads only."""

    function: AggregateFunction
    argument: Term
    span: Span = field(compare=False, repr=False)


Term = Variable | Anonymous | Constant | Arithmetic
HeadTerm = Term | Aggregate


@dataclass(frozen=True, slots=True)
class TableName:
    """`qualifier:name`, or a name alone, a table or a builtin of this policy; `effect` is `+`, `-` or empty."""

    qualifier: str | None
    name: str
    effect: OneOf["", "+", "-"]
    span: Span = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.qualifier}:{self.name}{self.effect}" if self.qualifier else f"{self.name}{self.effect}"


@dataclass(frozen=True, slots=True)
class Argument:
    """A term of an atom: by place (`column` is None), by column name, or by column number from 0."""

    column: str | int | None
    term: HeadTerm
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Atom:
    """`table(arguments)`."""

    table: TableName
    arguments: tuple[Argument, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`."""

    operator: ComparisonOperator
    left: Term
    right: Term
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """`term in [values]`."""

    term: Term
    values: tuple[Constant, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negation:
    """`not literal`."""

    literal: Atom | Comparison | Membership
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Disjunction:
    """`(branch) or (branch)`: bodies of which one must hold."""

    branches: tuple[Body, ...]
    span: Span = field(compare=False, repr=False)


Literal = Atom | Comparison | Membership | Negation | Disjunction
Body = tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What a rule derives: an atom, within a modal if it has one (`execute[vnfm:heal(f)]`)."""

    atom: Atom
    modal: Modal | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Annotation:
    """`@name(value)`; the value is a constant, or a variable in `@object(v)`."""

    name: str
    value: Constant | Variable
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """`head :- body.`, or a fact if the body is empty."""

    head: Head
    body: Body
    annotations: tuple[Annotation, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """`key = value` in a `policy` declaration."""

    key: str
    value: Constant
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PolicyDeclaration:
    """`policy name(settings).`"""

    name: str
    settings: tuple[Setting, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ColumnDeclaration:
    """`name: type key -> source:table.column in domain`; `references` is (table, column)."""

    name: str
    type: Type
    key: bool
    references: tuple[TableName, str] | None
    domain: Domain | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TableDeclaration:
    """`table name(columns).`: a table of facts of this policy."""

    name: str
    columns: tuple[ColumnDeclaration, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Incompatible:
    """`incompatible a(v), b(v).`: commands that contradict each other on equal variables."""

    first: Atom
    second: Atom
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Functional:
    """`functional table(keys -> values).`: one value for each key; both are tuples of names."""

    table: TableName
    keys: tuple[str, ...]
    values: tuple[str, ...]
    span: Span = field(compare=False, repr=False)


Statement = PolicyDeclaration | TableDeclaration | Incompatible | Functional | Rule


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment with its delimiters, as written."""

    text: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One parsed policy. `name` is declared, or else the file's stem; `settings` come from a YAML form.

    `from_above`: an engine of an upper tier handed it down.
    """

    name: str
    source: Source
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = ()
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    from_above: bool = False
