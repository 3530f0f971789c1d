"""
Terms of orders, handed over as text, and the templates that they are put into.

The rule to keep: a term stays a term. Whatever it holds, it becomes one argument, one segment of a path, one JSON
value or one text of an XML document, or the order is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.enforcement.executor import Order, OrderError, Outcome
from congresslite.schema import Scalar

_PASSING = ("CL474", "CL624")
_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z_0-9]*|[1-9][0-9]*)\}|[{}]")


def as_text(name: str, value: Scalar) -> str:
    """A term as a text. Raises OrderError (CL622) for null, and for what no program and no document could take."""
    if value is None:
        raise refused_term(name, "is null", "bind it in the body of the rule")
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if "\0" in text:
        raise refused_term(name, "holds a zero character", "take it out")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise refused_term(name, "is no Unicode text", "see where it comes from") from None
    return text


def refused_term(name: str, why: str, hint: str) -> OrderError:
    """The error for a term that cannot be handed over."""
    shown = f"the term {name}" if name.isdigit() else f"the term `{name}`"
    return OrderError(Diagnostic("CL622", f"{shown} {why}", hint=hint))


def further(order: Order) -> Iterator[tuple[str, Scalar]]:
    """The terms of an order that have no name, by number, in their order."""
    numbers = sorted(int(name) for name in order.arguments if name.isdigit())
    return ((str(number), order.arguments[str(number)]) for number in numbers)


def refused(error: CongressliteError) -> Outcome:
    """The outcome of an order that was refused before anything was done, or had no time left for it."""
    told = error.diagnostics[0]
    hint = f"; {told.hint}" if told.hint else ""
    return Outcome("failed", f"{told.message}{hint} ({told.code})", retry=told.code in _PASSING)


def places(template: str) -> Iterator[str]:
    """The names of the terms that a template has places for. Raises ValueError for a bracket without its partner."""
    for match in _PLACE.finditer(template):
        if match[0] in "{}":
            raise ValueError(f"`{template}` has a single `{match[0]}`; write it twice, or `{{NAME}}` around a name")
        if match[1] is not None:
            yield match[1]


def fill(template: str, values: Mapping[str, Scalar], write: Callable[[str, Scalar], str]) -> str:
    """A template with terms in their places, each as `write` writes it. Raises OrderError (CL622)."""

    def place(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        return write(match[1], term(match[1], values))

    return _PLACE.sub(place, template)


def whole(template: str) -> str | None:
    """The name of the term that a template consists of, if it consists of one."""
    match = _PLACE.fullmatch(template)
    return match and match[1]


def term(name: str, values: Mapping[str, Scalar]) -> Scalar:
    """A term by name. Raises OrderError (CL622) if the command has none of that name."""
    if name not in values:
        raise refused_term(name, "is missing", "give it in the head of the rule")
    return values[name]
