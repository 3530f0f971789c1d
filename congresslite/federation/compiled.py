"""
The policies that translation makes, as text: one for each subsystem, and the translating engine's own.

The rule to keep: no value of a table stands in a text unless it is spelt as a constant of the language. Names of
policies, tables and engines come from the configuration, which knows them to be names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from congresslite.config.models import TranslateSettings
from congresslite.language.printing import value_text
from congresslite.schema import Scalar

OWN = "translation"  # the name of the policy that the translating engine makes for itself

# The tables by which a subsystem answers, as engines have agreed on them, and at the engine above all those of a name.
TREATED, OFFERS = "treated", "offers"
ABOVE = "tiers"

COMPARISONS: Mapping[str, str] = {"ge": ">=", "le": "<=", "eq": "=", "ne": "!="}

_WORD = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Intent:
    """A customer who was promised a class."""

    customer: Scalar
    service_class: Scalar


@dataclass(frozen=True, slots=True)
class Need:
    """A row of a profile: what a class asks of an attribute."""

    service_class: str
    attribute: str
    op: str
    value: Scalar

    @property
    def name(self) -> str:
        """The identity of its rule; no two have the same."""
        words = (self.service_class, self.attribute, self.op, self.value)
        # A text that is no plain word keeps its quotes, so that nothing in it can be taken for the next word.
        return " ".join(each if isinstance(each, str) and _is_plain(each) else value_text(each) for each in words)


def _is_plain(word: str) -> bool:
    # `true` and `null` are values too, and would be spelt alike.
    return _WORD.fullmatch(word) is not None and word not in {"true", "false", "null"}


def subsystem_policy(
    promised: Sequence[Intent], needs: Sequence[Need], settings: TranslateSettings, engine: str, level: str
) -> str:
    """The policy of one subsystem; `promised` and `needs` are in the words of the bus below.

    It reads `owns(customer, vm)`, `on(vm, host)` and `attr(host, attribute, value)` of the policy `settings.view`
    there. What it answers are `treated(customer, class, state)`, the state being `met` or `unmet`, and `offers(class)`.
    """
    asked = sorted({need.service_class for need in needs})
    facts = [_fact("intent", each.customer, each.service_class) for each in promised if each.service_class in asked]
    parts = [
        _SUBSYSTEM_HEAD.format(policy=settings.policy, level=value_text(level), engine=engine),
        *dict.fromkeys(facts),
        *(_fact("asked", each) for each in asked),
        _SUBSYSTEM.format(view=settings.view),
        *(_need_rules(need, settings.view) for need in needs),
    ]
    return "\n".join(parts)


_SUBSYSTEM_HEAD = """\
// Made of intents and profiles by the engine above, and made anew when these change.
policy {policy}(description = "What {engine} owes to the customers", tier = {level}).

table intent(customer: any, class: str).
table asked(class: str).
table attr(host: any, attribute: any, value: any).
table fits(row: str, value: any).
table short(class: str, row: str, host: any, value: any).
"""

_SUBSYSTEM = """
attr(host, attribute, value) :- {view}:attr(host, attribute, value).
host(host) :- attr(host, _, _).
host(host) :- {view}:on(_, host).
promised(vm, customer, class) :- intent(customer, class), {view}:owns(customer, vm).

// Of what runs nobody knows where, nobody can say that it is served as promised.
@id("placed") @severity("high") @object(vm) @message("{{vm}} of {{customer}}: nobody knows where it runs")
error(vm, customer) :- promised(vm, customer, _), not {view}:on(vm, _).

unmet(customer, class) :- promised(vm, customer, class), {view}:on(vm, host), short(class, _, host, _).
unmet(customer, class) :- promised(vm, customer, class), not {view}:on(vm, _).
treated(customer, class, "unmet") :- unmet(customer, class).
treated(customer, class, "met") :- intent(customer, class), not unmet(customer, class).
offers(class) :- asked(class), host(host), not short(class, _, host, _)."""

_NEED = """
fits({row}, value) :- attr(_, {attribute}, value), {test}.
short({service_class}, {row}, host, value) :- attr(host, {attribute}, value), not fits({row}, value).
short({service_class}, {row}, host, "missing") :- host(host), not attr(host, {attribute}, _).
@id({row}) @severity("high") @object(vm)
@message("{{vm}} of {{customer}} is on {{host}}: {{value}}, where {{row}} was promised")
error(vm, customer, host, value) :-
    row = {row}, promised(vm, customer, {service_class}), {view}:on(vm, host),
    short({service_class}, row, host, value)."""


def _need_rules(need: Need, view: str) -> str:
    """The rules of one row of a profile: which values do, which hosts fall short, and whose machines suffer."""
    # What does is said, and everything else falls short: to a value of another type no comparison applies.
    test = f"value {COMPARISONS[need.op]} {value_text(need.value)}"
    if need.op == "ne":
        test += ", value != null"
    return _NEED.format(
        row=value_text(need.name),
        service_class=value_text(need.service_class),
        attribute=value_text(need.attribute),
        view=view,
        test=test,
    )


def own_policy(promised: Sequence[Intent], settings: TranslateSettings, name: str, level: str) -> str:
    """The policy of the translating engine: what became of each intent, and what it offers, in words of the bus above.

    Its violations are the intents that are unknown, unanswered or unmet. Its tables `treated`, `offers(class)` and
    `profile(class, attribute, op, value)` are there to be published.
    """
    engines = sorted(set(settings.attributes.values()))
    parts = [
        _OWN_HEAD.format(policy=OWN, level=value_text(level)),
        *dict.fromkeys(_fact("intent", each.customer, each.service_class) for each in promised),
        *(_fact("word", upper, lower) for upper, lower in sorted(settings.classes.items())),
        *(_fact("subsystem", attribute, engine) for attribute, engine in sorted(settings.attributes.items())),
        _OWN.format(profile=settings.profile, treated=TREATED, offers=OFFERS),
        *([_BELOW.format(above=ABOVE, treated=TREATED, offers=OFFERS)] if set(engines) - {name} else []),
        *([_HERE.format(name=value_text(name), policy=settings.policy)] if name in engines else []),
    ]
    return "\n".join(parts)


_OWN_HEAD = """\
// Made of the intents, the profiles and the configuration, and made anew when these change.
policy {policy}(description = "What became of what customers were promised", tier = {level}).

table intent(customer: any, class: any).
table word(class: str, below: str).
table subsystem(attribute: str, engine: str).
table row(below: any, attribute: any, op: any, value: any).
table answer(engine: str, customer: any, below: any, state: any).
table offer(engine: str, below: any).
"""

_OWN = """
row(below, attribute, op, value) :- {profile}(below, attribute, op, value).
usable(below, attribute, op, value) :-
    row(below, attribute, op, value), subsystem(attribute, _), op in ["eq", "ne"], value != null.
usable(below, attribute, op, value) :-
    row(below, attribute, op, value), subsystem(attribute, _), op in ["ge", "le"], (value <= 0) or (value > 0).
unclear(below) :- row(below, attribute, op, value), not usable(below, attribute, op, value).

profile(class, attribute, op, value) :- word(class, below), row(below, attribute, op, value).
known(class) :- word(class, below), row(below, _, _, _), not unclear(below).
asks(class, below, engine) :- word(class, below), usable(below, attribute, _, _), subsystem(attribute, engine).

unknown(customer, class) :- intent(customer, class), not known(class).
unknown(customer, class) :- intent(customer, class), asks(class, below, engine), not answer(engine, customer, below, _).
unmet(customer, class) :- intent(customer, class), asks(class, below, engine), answer(engine, customer, below, "unmet").
treated(customer, class, "unknown") :- unknown(customer, class).
treated(customer, class, "unmet") :- unmet(customer, class).
treated(customer, class, "met") :- intent(customer, class), not unknown(customer, class), not unmet(customer, class).

@id("unknown") @severity("high") @object(customer)
@message("{{customer}} was promised {{class}}, and nothing says what that asks for here")
error(customer, class) :- intent(customer, class), not known(class).

@id("unanswered") @severity("high") @object(customer)
@message("{{customer}} was promised {{class}}, and {{engine}} has not said how they are treated")
error(customer, class, engine) :-
    intent(customer, class), asks(class, below, engine), not answer(engine, customer, below, _).

@id("unmet") @severity("critical") @object(customer)
@message("{{customer}} was promised {{class}}, and is not treated so")
error(customer, class) :- unmet(customer, class).

lacking(class) :- asks(class, below, engine), not offer(engine, below).
offers(class) :- known(class), not lacking(class)."""

_BELOW = """
answer(engine, customer, below, state) :- {above}:{treated}(engine, customer, below, state).
offer(engine, below) :- {above}:{offers}(engine, below)."""

_HERE = """
answer({name}, customer, below, state) :- {policy}:treated(customer, below, state).
offer({name}, below) :- {policy}:offers(below)."""


def _fact(table: str, *values: Scalar) -> str:
    return f"{table}({', '.join(map(value_text, values))})."
