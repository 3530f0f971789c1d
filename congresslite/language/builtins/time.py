"""
Dates and times, written as Congress wrote them: strings such as `2026-03-01 08:30:00`.

Read is what ISO 8601 writes most often (`2026-03-01`, `2026-03-01T08:30:00Z`,
`20260301T083000`) and what `pack_datetime` makes (`2026-3-1 8:30:0`); a time
alone (`8:30:00`) can be unpacked and compared with another one. As in Congress
an offset from UTC is read over.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from congresslite.language.builtins.builtin import rows, test, value
from congresslite.language.semantics import Skip
from congresslite.schema import Row, Scalar

_ZONE = r"(?:\s?(?:Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?))?"
_CLOCK = rf"(\d\d?):(\d\d?)(?::(\d\d?)(?:[.,](\d{{1,9}}))?)?{_ZONE}"
_EXTENDED = re.compile(rf"(\d{{4}})-(\d\d?)-(\d\d?)(?:(?:T|\s+){_CLOCK})?", re.ASCII | re.IGNORECASE)
_COMPACT = re.compile(
    rf"(\d{{4}})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(?:(\d\d)(?:[.,](\d{{1,9}}))?)?{_ZONE})?", re.ASCII | re.IGNORECASE
)
_TIME = re.compile(_CLOCK, re.ASCII | re.IGNORECASE)
_UNITS = ("seconds", "minutes", "hours", "days", "weeks")
_EPOCH = datetime(1900, 1, 1)


@lru_cache(maxsize=10_000)
def _read(text: str) -> tuple[date | None, time]:
    """A date and a time, or a time alone. Raises Skip for any other text."""
    stripped = text.strip()
    match = _EXTENDED.fullmatch(stripped) or _COMPACT.fullmatch(stripped)
    try:
        if match is not None:
            year, month, day, *clock = match.groups()
            return date(int(year), int(month), int(day)), _clock(clock)
        match = _TIME.fullmatch(stripped)
        if match is None:
            raise Skip
        return None, _clock(match.groups())
    except ValueError as error:
        raise Skip from error


def _clock(fields: tuple[str | None, ...] | list[str | None]) -> time:
    hour, minute, second, fraction = (field or "0" for field in fields)
    return time(int(hour), int(minute), int(second), int(fraction[:6].ljust(6, "0")))


def _moment(text: str) -> datetime:
    """A date, with a time or at midnight. Raises Skip for a time alone: it depends on the day."""
    day, clock = _read(text)
    if day is None:
        raise Skip
    return datetime.combine(day, clock)


def _order(x: str, y: str) -> int:
    """-1, 0 or 1, as x is before, at or after y. Raises Skip for a time alone against a date."""
    (first_day, first), (second_day, second) = _read(x), _read(y)
    if (first_day is None) != (second_day is None):
        raise Skip
    left, right = (first_day or date.min, first), (second_day or date.min, second)
    return (left > right) - (left < right)


def _duration(length: Scalar) -> timedelta:
    """Seconds, or a text of up to five integers `weeks:days:hours:minutes:seconds`, of which the last is seconds."""
    try:
        if isinstance(length, str):
            fields = [int(field) for field in length.split(":")]
            if len(fields) > len(_UNITS):
                raise Skip
            return timedelta(**dict(zip(_UNITS, reversed(fields), strict=False)))
        if isinstance(length, bool) or length is None:
            raise Skip
        return timedelta(seconds=length)
    except (ValueError, OverflowError) as error:
        raise Skip from error


@value("now(-> moment: str)", clock=True)
def _now(clock: str) -> str:
    """The time of the evaluation, one for all rules, as `YYYY-MM-DD HH:MM:SS`."""
    return clock


@rows("unpack_date(moment: str -> year: int, month: int, day: int)")
def _unpack_date(moment: str) -> tuple[Row, ...]:
    """The parts of a date."""
    read = _moment(moment)
    return ((read.year, read.month, read.day),)


@rows("unpack_time(moment: str -> hours: int, minutes: int, seconds: int)")
def _unpack_time(moment: str) -> tuple[Row, ...]:
    """The parts of a time of day."""
    _, read = _read(moment)
    return ((read.hour, read.minute, read.second),)


@rows("unpack_datetime(moment: str -> year: int, month: int, day: int, hours: int, minutes: int, seconds: int)")
def _unpack_datetime(moment: str) -> tuple[Row, ...]:
    """The parts of a date and time."""
    read = _moment(moment)
    return ((read.year, read.month, read.day, read.hour, read.minute, read.second),)


@value("pack_time(hours: int, minutes: int, seconds: int -> result: str)")
def _pack_time(hours: int, minutes: int, seconds: int) -> str:
    """A time of its parts, without leading zeros: `8:5:0`."""
    return f"{hours}:{minutes}:{seconds}"


@value("pack_date(year: int, month: int, day: int -> result: str)")
def _pack_date(year: int, month: int, day: int) -> str:
    """A date of its parts, without leading zeros: `2026-3-1`."""
    return f"{year}-{month}-{day}"


@value("pack_datetime(year: int, month: int, day: int, hours: int, minutes: int, seconds: int -> result: str)")
def _pack_datetime(year: int, month: int, day: int, hours: int, minutes: int, seconds: int) -> str:  # noqa: PLR0917
    """A date and time of its parts, without leading zeros: `2026-3-1 8:5:0`."""
    return f"{year}-{month}-{day} {hours}:{minutes}:{seconds}"


@value("extract_date(moment: str -> result: str)")
def _extract_date(moment: str) -> str:
    """The date, as `YYYY-MM-DD`."""
    return _moment(moment).date().isoformat()


@value("extract_time(moment: str -> result: str)")
def _extract_time(moment: str) -> str:
    """The time of day, as `HH:MM:SS`."""
    return _read(moment)[1].isoformat()


@value("datetime_to_seconds(moment: str -> seconds: int)")
def _datetime_to_seconds(moment: str) -> int:
    """Whole seconds since 1900-01-01 00:00:00."""
    return int((_moment(moment) - _EPOCH).total_seconds())


@value("datetime_plus(moment: str, length: any -> result: str)")
def _datetime_plus(moment: str, length: Scalar) -> str:
    """The time that much later; the length is a number of seconds, or text such as `1:00:00` (hours, minutes, seconds;
    before them days and weeks).
    """
    try:
        return str(_moment(moment) + _duration(length))
    except OverflowError as error:
        raise Skip from error


@value("datetime_minus(moment: str, length: any -> result: str)")
def _datetime_minus(moment: str, length: Scalar) -> str:
    """The time that much earlier; the length is as in `datetime_plus`."""
    try:
        return str(_moment(moment) - _duration(length))
    except OverflowError as error:
        raise Skip from error


@test("datetime_lt(x: str, y: str)")
def _datetime_lt(x: str, y: str) -> bool:
    """The time x is before y."""
    return _order(x, y) < 0


@test("datetime_lteq(x: str, y: str)")
def _datetime_lteq(x: str, y: str) -> bool:
    """The time x is before y, or the same time."""
    return _order(x, y) <= 0


@test("datetime_gt(x: str, y: str)")
def _datetime_gt(x: str, y: str) -> bool:
    """The time x is after y."""
    return _order(x, y) > 0


@test("datetime_gteq(x: str, y: str)")
def _datetime_gteq(x: str, y: str) -> bool:
    """The time x is after y, or the same time."""
    return _order(x, y) >= 0


@test("datetime_equal(x: str, y: str)")
def _datetime_equal(x: str, y: str) -> bool:
    """The same time, however they are written."""
    return _order(x, y) == 0


TIME = (
    _now,
    _unpack_date,
    _unpack_time,
    _unpack_datetime,
    _pack_date,
    _pack_time,
    _pack_datetime,
    _extract_date,
    _extract_time,
    _datetime_to_seconds,
    _datetime_plus,
    _datetime_minus,
    _datetime_lt,
    _datetime_lteq,
    _datetime_gt,
    _datetime_gteq,
    _datetime_equal,
)
