"""Domains: whether a value may stand in a declared column, and how a row that may not is shown."""

from __future__ import annotations

from congresslite.language.printing import value_text
from congresslite.schema import Choice, Domain, Range, Row, Scalar, Type, identity, order_key


def fits(type_: Type, value: Scalar) -> bool:
    """Whether a column that is declared of a type may hold a value; null is a value of each type."""
    match type_:
        case Type.ANY:
            return True
        case Type.FLOAT:
            return value is None or order_key(value)[0] == 2
        case _:
            kind = {Type.INT: int, Type.STR: str, Type.BOOL: bool}[type_]
            return value is None or type(value) is kind


def admits(domain: Domain, value: Scalar) -> bool:
    """Whether a value that is not null lies in a domain."""
    match domain:
        case Choice(values):
            return identity(value) in {identity(each) for each in values}
        case Range(low, high):
            if order_key(value)[0] != 2:
                return False
            number = order_key(value)[2]
            return (low is None or low <= number) and (high is None or number <= high)


def shown(row: Row) -> str:
    """A row as a message shows it."""
    return f"`({', '.join(map(value_text, row))})`"
