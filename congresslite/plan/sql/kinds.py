"""
Representation: how the language's values stand in a column of SQL, and what a piece of SQL gives.

A column of strings, integers or booleans is a native column; null is NULL
there. Every other column (`any`, and `float` too, since what is calculated of
floats may be an integer that no float equals) holds each value as a text with
a letter before it: `n`, `b0`, `b1`, `i42`, `f0.5`, `sabc`. One value has one
text, so joins, groups and DISTINCT of any database are those of the language:
1 is 1.0, `true` is not 1, 2^53 + 1 is not 2^53, and null is null.

The rule to keep: what is calculated is NULL exactly where it holds neither
way. A WHERE drops NULL and NOT NULL alike, which is what the language asks
for. So NULL means either null or "no value", never both: see `Term`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from congresslite.schema import Scalar, Type


class Kind(StrEnum):
    """How values are represented; NULL is the kind of the constant null alone."""

    INT = "int"
    TEXT = "text"
    BOOL = "bool"
    VALUE = "value"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of SQL that gives a value.

    `nullable`: its NULL is the language's null. `partial`: its NULL says that there is no value. A `VALUE` is never
    nullable, since its null is the text `n`.
    """

    sql: str
    kind: Kind
    nullable: bool = False
    partial: bool = False

    @property
    def literal(self) -> bool:
        """Whether this is a constant, as it is written: it has no type until it is told one."""
        return self.sql[:1] in "'-0123456789" or self.sql in ("TRUE", "FALSE", "NULL")

    def named(self, sql: str) -> Term:
        """The same value under another name, once it is known to be there."""
        return replace(self, sql=sql, partial=False)


_KINDS = {Type.INT: Kind.INT, Type.STR: Kind.TEXT, Type.BOOL: Kind.BOOL}

NULL_TEXT = "n"


def kind_of(type_: Type) -> Kind:
    """How a column of this type is kept."""
    return _KINDS.get(type_, Kind.VALUE)


def common_kind(left: Kind, right: Kind) -> Kind:
    """A kind that takes the values of both."""
    if left is right or right is Kind.NULL:
        return left
    return right if left is Kind.NULL else Kind.VALUE


def encode(value: Scalar) -> str:
    """The `VALUE` text of a canonical value; a float as Python writes it."""
    match value:
        case None:
            return NULL_TEXT
        case bool():
            return "b1" if value else "b0"
        case int():
            return f"i{value}"
        case float():
            return f"f{value!r}"
        case str():
            return f"s{value}"


def decode(text: str) -> Scalar:
    """The value that a `VALUE` text stands for."""
    rest = text[1:]
    match text[0]:
        case "s":
            return rest
        case "i":
            return int(rest)
        case "f":
            return float(rest)
        case "b":
            return rest == "1"
        case _:
            return None
