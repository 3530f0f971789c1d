"""
Templates, and how values are worded in them.

The rule to keep: whatever text a template writes is escaped and made `visible`
by the environment itself, so that no template can forget it. Only the names of
templates and of their variables are trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import PurePath

from flask import url_for
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from congresslite.diagnostics.visible import visible
from congresslite.language.printing import value_text
from congresslite.live import FeedStatus
from congresslite.schema import Domain, Range, Scalar
from congresslite.share import share

# Characters of a text that are shown; a text may be as long as whoever sends it likes.
SHOWN = 200

_LINE = 40  # characters
_TELLING = 4  # values that are enough to find a row by
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def environment() -> Environment:
    """The templates that ship, with the filters that they use."""
    made = Environment(
        loader=FileSystemLoader(share("web") / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["url_for"] = url_for
    for filter_ in (
        ago,
        as_parameters,
        clipped,
        domain_text,
        filename,
        iso,
        literal,
        moment,
        number,
        oldest,
        some_parameters,
    ):
        made.filters[filter_.__name__] = filter_
    made.tests["short"] = is_short
    made.tests["name"] = is_name
    return made


def _harmless(value: object) -> object:
    """What an expression gives, as it is written: markup that templates made as it is, all else visible."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def ago(at: float, now: float) -> str:
    """How long ago something was, in one unit: `3 min ago`. What is to come is `in 3 min`."""
    seconds = abs(now - at)
    if seconds < 1:
        return "just now"
    for least, unit, name in ((1.5 * _DAY, _DAY, "d"), (1.5 * _HOUR, _HOUR, "h"), (1.5 * _MINUTE, _MINUTE, "min")):
        if seconds >= least:
            span = f"{seconds / unit:.0f} {name}"
            break
    else:
        span = f"{seconds:.0f} s"
    return f"{span} ago" if at <= now else f"in {span}"


def moment(at: float) -> str:
    """A time as people read it, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(at: float) -> str:
    """A time as programs read it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def number(count: int, noun: str = "", plural: str | None = None) -> str:
    """A count, and what is counted: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}" if noun else f"{count:,}"


def clipped(text: str, most: int = SHOWN) -> str:
    """The beginning of a text that is too long to be shown."""
    return text if len(text) <= most else f"{text[:most]}…"


def literal(value: Scalar) -> str:
    """A value as rules write it, at most so much of it as is shown."""
    return clipped(value_text(value))


def is_short(text: str) -> bool:
    """Whether a text may stand on one line of a table."""
    return len(text) <= _LINE


def is_name(identity: str) -> bool:
    """Whether a rule's identity is one that somebody gave it, and not its text."""
    return is_short(identity) and not any(character.isspace() for character in identity)


def filename(path: str) -> str:
    """The name of a file, without the folders that it lies in."""
    return PurePath(path).name


def domain_text(domain: Domain) -> str:
    """Which values a column may have."""
    if isinstance(domain, Range):
        low, high = (None if end is None else f"{end:,}" for end in (domain.low, domain.high))
        return f"at most {high}" if low is None else f"at least {low}" if high is None else f"{low} to {high}"
    return clipped(f"one of {', '.join(value_text(value) for value in domain.values)}")


def as_parameters(where: Mapping[str, Scalar], prefix: str) -> dict[str, str]:
    """The parameters by which the page of a table shows the rows that have these values."""
    return {f"{prefix}{column}": _read(value) for column, value in where.items()}


def some_parameters(row: Mapping[str, Scalar], prefix: str) -> dict[str, str]:
    """The parameters by which the page of a table shows a row, and perhaps a few that are like it."""
    telling = {column: value for column, value in row.items() if value is not None and is_short(str(value))}
    return as_parameters(dict(list(telling.items())[:_TELLING]), prefix)


def _read(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def oldest(feeds: Iterable[FeedStatus]) -> float | None:
    """When the feed was read that was read the longest time ago, of those that are read at all."""
    return min((each.last_success for each in feeds if each.last_success is not None), default=None)
