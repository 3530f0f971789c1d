"""
What is known of types: the small lattice that inference climbs.

Known is nothing (no row seen), a type that is sure (declared, or read off the
data), a type that was only seen in constants, or `any`. Only sure types can
contradict each other: whoever mixes constants in a table of his own gets `any`.
"""

from __future__ import annotations

from congresslite.language.resolution.draft import Known
from congresslite.schema import Column, Scalar, Type, comparable

ANY: Known = (Type.ANY, False)
# A value that would have to be of two kinds. It stays so, whatever else is learnt, so that it is told once.
TORN: Known = (Type.ANY, True)
_SURE: dict[Type, Known] = {each: (each, each is not Type.ANY) for each in Type}
_SEEN: dict[type, Known] = {
    bool: (Type.BOOL, False),
    int: (Type.INT, False),
    float: (Type.FLOAT, False),
    str: (Type.STR, False),
}


def sure(type_: Type) -> Known:
    """A type that is declared or read off the data."""
    return _SURE[type_]


def of_column(column: Column) -> Known:
    """What a source's or declared column says of its values."""
    return _SURE[column.type]


def of_value(value: Scalar) -> Known:
    """What a constant says of the place it stands in; null says nothing."""
    return _SEEN.get(type(value))


def is_sure(known: Known) -> bool:
    """Whether a finding may rest on this."""
    return known is not None and known[1] and known[0] is not Type.ANY


def as_type(known: Known) -> Type:
    """The type of a column or variable; `any` if nothing is known."""
    return known[0] if known is not None else Type.ANY


def both(left: Known, right: Known) -> Known:
    """What is known of a value that is in both."""
    if left is None or right is None:
        return left or right
    if TORN in (left, right):
        return TORN
    if left[0] is right[0]:
        return left if left[1] else right
    if left[0] is Type.ANY:
        return right
    if right[0] is Type.ANY:
        return left
    if left[0].is_number and right[0].is_number:
        return (Type.INT, left[1] or right[1])
    return TORN


def either(left: Known, right: Known) -> Known:
    """What is known of a value that is in one of the two."""
    if left is None or right is None:
        return left or right
    if left[0] is right[0]:
        return left if not left[1] else right
    return ANY


def within(declared: Known, given: Known) -> Known:
    """What is known of a declared column into which a rule puts such values: `any` if they may break its type."""
    if declared is None or given is None or declared[0] in (given[0], Type.ANY):
        return declared
    return declared if declared[0] is Type.FLOAT and given[0] is Type.INT else ANY


def contradict(left: Known, right: Known) -> bool:
    """Whether two sure types have no value in common, null aside."""
    return is_sure(left) and is_sure(right) and not comparable(as_type(left), as_type(right))


def refuses(known: Known, value: Scalar) -> bool:
    """Whether a sure type can never hold this constant."""
    kind = of_value(value)
    return kind is not None and is_sure(known) and not comparable(as_type(known), kind[0])
