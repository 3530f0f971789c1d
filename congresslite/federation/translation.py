"""
Translation: what the bus above asks for by the names of classes, as rules for the engines below.

An engine that stands on two buses knows which class each customer was promised (`intent(customer, class)`) and what a
class means here (`profile(class, attribute, op, value)`). Each attribute belongs to one engine: a subsystem below, such
as compute, storage or network, or this engine itself. Each of them is given one policy, with rules for every row of a
profile that speaks of its attributes (`compiled`); it answers by two tables: how each customer is treated, and which
classes it could serve. Of the answers this engine's own policy makes what goes up, in the words of the bus above.

The rules to keep: what is missing, of another type, unknown or not yet answered is never success. Everything here is a
function of tables and settings, and equal tables give equal text, so that nothing is handed down that did not change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from congresslite.config.models import TranslateSettings
from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.federation.compiled import COMPARISONS, OWN, Intent, Need, own_policy, subsystem_policy
from congresslite.language.printing import value_text
from congresslite.schema import Row, Scalar, canonical, order_key

_ORDERED = frozenset({"ge", "le"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where the translating engine stands: its name, its tier and the tier below (its own, if there is none)."""

    name: str
    level: str
    below: str


@dataclass(frozen=True, slots=True)
class Translation:
    """For each engine, the texts of the policies that it is given, by name; and what cannot be told below, and why."""

    policies: Mapping[str, Mapping[str, str]]
    findings: tuple[Diagnostic, ...] = ()


def translate(intents: Iterable[Row], profile: Iterable[Row], settings: TranslateSettings, place: Place) -> Translation:
    """The policies for every engine that an attribute belongs to, and for this engine itself.

    `intents` are rows (customer, class) in words of the bus above, `profile` rows (class, attribute, op, value) in
    words of the bus below, both in any order.
    """
    promised = [Intent(*row) for row in _ordered(intents)]
    rows = _ordered(profile)
    below = [Intent(each.customer, word) for each in promised if (word := _word(each.service_class, settings))]
    policies = {place.name: {OWN: own_policy(promised, settings, place.name, place.level)}}
    for engine in sorted(set(settings.attributes.values())):
        level = place.level if engine == place.name else place.below
        needs = [
            need for row in rows if (need := _need(row, settings)) and settings.attributes[need.attribute] == engine
        ]
        policies.setdefault(engine, {})[settings.policy] = subsystem_policy(below, needs, settings, engine, level)
    return Translation(policies, tuple(_findings(promised, rows, settings)))


def _findings(promised: Sequence[Intent], profile: Sequence[Row], settings: TranslateSettings) -> Iterator[Diagnostic]:
    """What of the intents and the profile cannot be told to the engines below."""
    profiled = {row[0] for row in profile if isinstance(row[0], str)}
    for each in promised:
        word = _word(each.service_class, settings)
        place = _place(settings.intent, (each.customer, each.service_class))
        spelt = value_text(each.service_class)
        if word is None:
            hint = _near(each.service_class, settings.classes, "classes are")
            yield Diagnostic("CL381", f"the class {spelt} has no word on the bus below", None, hint, place=place)
        elif word not in profiled:
            hint = f"give `{settings.profile}` rows of {value_text(word)}"
            yield Diagnostic("CL380", f"nothing says what the class {spelt} asks for", None, hint, place=place)
    yield from (found for row in profile if (found := why_not(row, settings)) is not None)


def why_not(row: Row, settings: TranslateSettings) -> Diagnostic | None:
    """Why a row of a profile cannot become a rule, or None if it can."""
    service_class, attribute, op, value = row
    hint = None
    if not isinstance(service_class, str):
        message = f"{value_text(service_class)} is no name of a class"
    elif attribute not in settings.attributes:
        message = f"no subsystem is known that has the attribute {value_text(attribute)}"
        hint = _near(attribute, settings.attributes, "attributes are")
    elif op not in COMPARISONS:
        message, hint = f"{value_text(op)} is no comparison of a profile", _near(op, COMPARISONS, "comparisons are")
    elif value is None or (isinstance(value, float) and not math.isfinite(value)):
        message, hint = "a profile compares with a value, and this is none", "write a number or a text"
    elif op in _ORDERED and not _is_number(value):
        message, hint = f"`{op}` compares with a number, which {value_text(value)} is not", "write it without quotes"
    else:
        return None
    return Diagnostic("CL382", message, None, hint, place=_place(settings.profile, row))


def _need(row: Row, settings: TranslateSettings) -> Need | None:
    """A row of a profile as what is asked of a subsystem; None for one that cannot be told."""
    if why_not(row, settings) is not None:
        return None
    service_class, attribute, op, value = row
    assert isinstance(service_class, str)
    assert isinstance(attribute, str)
    assert isinstance(op, str)
    return Need(service_class, attribute, op, canonical(value))


def _word(service_class: Scalar, settings: TranslateSettings) -> str | None:
    """The word of the bus below for a class of the bus above."""
    return settings.classes.get(service_class) if isinstance(service_class, str) else None


def _ordered(rows: Iterable[Row]) -> list[Row]:
    """Rows in one order, whatever order they come in; rows of equal values once."""
    spelt = {tuple(map(order_key, row)): row for row in rows}
    return [spelt[key] for key in sorted(spelt)]


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _near(word: Scalar, known: Iterable[str], what: str) -> str | None:
    return near_or_listed(word if isinstance(word, str) else value_text(word), sorted(known), what)


def _place(table: str, row: Row) -> str:
    return f"{table}({', '.join(map(value_text, row))})"
