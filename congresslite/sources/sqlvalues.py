"""
Values of databases as values of the language, which knows texts, numbers and booleans.

One spelling for each, whatever the database: a moment is ISO 8601 in UTC with
`Z` (one without a zone is taken for UTC), a decimal number an integer if it is
whole and else a float, bytes are hexadecimal digits. What has no such spelling,
such as an array, is refused where the column is typed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any
from uuid import UUID

_PLAIN = frozenset({type(None), bool, int, float, str})


def plain(values: Sequence[Any]) -> list[Any]:
    """The values of a column in the language's types; what has no place in them stays as it is, or is named."""
    if set(map(type, values)) <= _PLAIN:
        return list(values)
    return [_SPELLED.get(type(value), _other)(value) for value in values]


def _moment(value: datetime) -> str:
    utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return utc.isoformat().removesuffix("+00:00") + "Z"


def _decimal(value: Decimal) -> int | float:
    if value.is_finite() and value == value.to_integral_value():
        return int(value)
    return math.nan if value.is_nan() else float(value)


def _length(value: timedelta) -> int | float:
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _same(value: Any) -> Any:
    return value


def _other(value: Any) -> Any:
    # A tuple is a row within a row; as a list it is told as one.
    return list(value) if isinstance(value, tuple) else value


_SPELLED: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys(_PLAIN, _same),
    datetime: _moment,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: _length,
    Decimal: _decimal,
    UUID: str,
    bytes: bytes.hex,
    bytearray: bytearray.hex,
    memoryview: memoryview.hex,
    **dict.fromkeys((IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network), str),
}
