"""
Times and sizes as people write them: `30s`, `5m`, `90d`; `64MB`, `1GiB`.

A plain number is seconds, or bytes. In a JSON Schema both forms are allowed.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_TIMES = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def seconds(value: object) -> float:
    """The seconds of a time. Raises ValueError."""
    found = _amount(value, _TIMES)
    if found is None:
        raise ValueError("should be a time, written as `30s`, `5m`, `2h` or `90d`")
    return found


def size(value: object) -> int:
    """The bytes of a size. Raises ValueError."""
    found = _amount(value, _SIZES)
    if found is None:
        raise ValueError("should be a size, written as `512KB`, `64MB` or `1GiB`")
    return int(found)


def _amount(value: object, units: dict[str, float]) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) and value >= 0 else None
    match = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    factor = units.get(match[2].lower())
    return None if factor is None else float(match[1]) * factor


def _either(kind: str, pattern: str) -> dict[str, Any]:
    return {"anyOf": [{"type": kind, "minimum": 0}, {"type": "string", "pattern": pattern}]}


Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema(_either("number", r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$")),
]
Size = Annotated[
    int,
    BeforeValidator(size),
    WithJsonSchema(_either("integer", r"^\d+(\.\d+)?\s*([KMG]i?)?B?$")),
]
