"""
Checks of configuration values: the result is what is wrong, or an empty string.

An empty string also stands for a bound, pattern or flag that is not given, and
an empty value is always right, as in Congress.
"""

from __future__ import annotations

from collections.abc import Callable

from congresslite.language.builtins.builtin import value
from congresslite.language.builtins.text import search
from congresslite.language.semantics import Skip, is_number
from congresslite.schema import Scalar

_FLAGS = {"": False, "False": False, "True": True}


@value("validate_int(least: any, greatest: any, value: any -> problem: str)")
def _validate_int(least: Scalar, greatest: Scalar, value: Scalar) -> str:
    """What is wrong with an integer (or its text) that must lie within bounds."""
    return _within(int, "an integer", least, greatest, value)


@value("validate_float(least: any, greatest: any, value: any -> problem: str)")
def _validate_float(least: Scalar, greatest: Scalar, value: Scalar) -> str:
    """What is wrong with a number (or its text) that must lie within bounds."""
    return _within(float, "a number", least, greatest, value)


def _within(convert: Callable[[str], int | float], kind: str, least: Scalar, greatest: Scalar, value: Scalar) -> str:
    if value is None:
        raise Skip
    low, high = _bound(least), _bound(greatest)
    text = str(value).strip()
    if not text:
        return ""
    try:
        # The text, as Congress took it, so that 2.5 and true are no integers.
        number = convert(text) if not (is_number(value) and isinstance(value, int)) else value
    except ValueError:
        return f"`{value}` is not {kind}"
    if low is not None and number < low:
        return f"`{value}` is less than {low}"
    if high is not None and number > high:
        return f"`{value}` is greater than {high}"
    return ""


def _bound(bound: Scalar) -> int | float | None:
    if bound == "":
        return None
    if is_number(bound):
        return bound
    raise Skip


@value("validate_string(pattern: str, longest: any, quotes: any, ignore_case: any, value: any -> problem: str)")
def _validate_string(pattern: str, longest: Scalar, quotes: Scalar, ignore_case: Scalar, value: Scalar) -> str:
    """What is wrong with a text that must match a pattern and not exceed a length (0: any); with `quotes`, a text
    that starts with a quote must end with it, and is taken without them.
    """
    if value is None:
        raise Skip
    text, limit = str(value), _bound(longest) or 0
    if _flag(quotes) and text[:1] in ('"', "'"):
        if len(text) == 1 or text[-1] != text[0]:
            return f"`{text}` has a quote that is not closed"
        text = text[1:-1]
    if limit > 0 and len(text) > limit:
        return f"`{text}` is longer than {limit}"
    if pattern and not search(pattern, text, ignore_case=_flag(ignore_case)):
        return f"`{text}` does not match `{pattern}`"
    return ""


def _flag(flag: Scalar) -> bool:
    """A flag as a boolean, a number, or the text that Congress made of a boolean."""
    if isinstance(flag, str):
        if flag not in _FLAGS:
            raise Skip
        return _FLAGS[flag]
    if flag is None:
        raise Skip
    return bool(flag)


VALIDATION = (_validate_int, _validate_float, _validate_string)
