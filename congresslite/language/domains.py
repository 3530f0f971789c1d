"""
Domains: whether a value lies in one, and how domains and rows are written in messages.
"""

from __future__ import annotations

from congresslite.schema import Choice, Domain, Range, Row, Scalar, identity, order_key


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


def domain_text(domain: Domain) -> str:
    """A domain as a `table` statement writes it."""
    match domain:
        case Choice(values):
            return f"[{', '.join(map(_text, values))}]"
        case Range(low, high):
            return f"{'' if low is None else low}..{'' if high is None else high}"


def shown(row: Row) -> str:
    """A row as a message shows it."""
    return f"`({', '.join(map(_text, row))})`"


def _text(value: Scalar) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
