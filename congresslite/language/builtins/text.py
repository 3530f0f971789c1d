"""
Strings: joining, taking apart, searching.

Regular expressions are those of RE2, through PyArrow: its time grows with the
length of the text and never explodes, so a pattern or a text from outside
cannot stop an evaluation. In return it has no look-around and no
back-references.
"""

from __future__ import annotations

from functools import lru_cache

from congresslite.language.builtins.builtin import rows, test, value
from congresslite.language.semantics import Skip
from congresslite.schema import Row

MAX_PATTERN = 1_000  # characters; RE2's time is the text's length times the pattern's


@value("concat(x: str, y: str -> z: str)")
def _concat(x: str, y: str) -> str:
    """Two strings joined."""
    return x + y


@value("len(text: str -> length: int)")
def _len(text: str) -> int:
    """The number of characters."""
    return len(text)


@value("lower(text: str -> result: str)")
def _lower(text: str) -> str:
    """The text in lower case."""
    return text.lower()


@value("upper(text: str -> result: str)")
def _upper(text: str) -> str:
    """The text in upper case."""
    return text.upper()


@test("startswith(text: str, start: str)")
def _startswith(text: str, start: str) -> bool:
    """The text starts with the other one."""
    return text.startswith(start)


@test("endswith(text: str, end: str)")
def _endswith(text: str, end: str) -> bool:
    """The text ends with the other one."""
    return text.endswith(end)


@test("contains(text: str, part: str)")
def _contains(text: str, part: str) -> bool:
    """The other text stands somewhere in the text."""
    return part in text


@test("matches(text: str, pattern: str)")
def _matches(text: str, pattern: str) -> bool:
    """The regular expression (RE2's syntax) matches somewhere in the text; `^` and `$` tie it to the ends."""
    return search(pattern, text)


@rows("split(text: str, separator: str -> index: int, piece: str)")
def _split(text: str, separator: str) -> list[Row]:
    """One row for each piece of the text between separators, numbered from 1."""
    if not separator:
        raise Skip
    return list(enumerate(text.split(separator), start=1))


def search(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the regular expression matches somewhere in the text. Raises Skip for a bad pattern."""
    if pattern_error(pattern) is not None:
        raise Skip
    import pyarrow as pa  # noqa: PLC0415 - only rules with patterns pay for it
    import pyarrow.compute as pc  # noqa: PLC0415

    try:
        # pyarrow makes this function when it is imported, so its types are not known.
        found: bool = pc.match_substring_regex(pa.scalar(text), pattern, ignore_case=ignore_case).as_py()
    except UnicodeEncodeError as error:  # half a surrogate pair, from a JSON file
        raise Skip from error
    return found


@lru_cache(maxsize=1_000)
def pattern_error(pattern: str) -> str | None:
    """What is wrong with a regular expression, in RE2's words, or None if it can be used."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    if len(pattern) > MAX_PATTERN:
        return f"longer than {MAX_PATTERN:,} characters"
    try:
        pc.match_substring_regex(pa.scalar(""), pattern)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    except UnicodeEncodeError:
        return "not valid Unicode"
    return None


TEXT = (_concat, _len, _lower, _upper, _startswith, _endswith, _contains, _matches, _split)
