"""
Annotations: what `@…` before a rule says of it.

A message is a template by plain substitution: `{name}` stands for a variable,
and nothing else in it means anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from congresslite.language.syntax import Constant, Rule, Variable
from congresslite.schema import Scalar

SEVERITIES = ("low", "medium", "high", "critical")

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)\}")


def message_variables(template: str) -> tuple[str, ...]:
    """The names of the variables that a message template names, in order, each once."""
    return tuple(dict.fromkeys(_PLACE.findall(template)))


def fill_message(template: str, values: Mapping[str, str]) -> str:
    """The template with each variable's value for its name; what it has no value for stays as it is."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), template)


def annotation(rule: Rule, name: str) -> Scalar:
    """The value of an annotation (of `@object` the variable's name), or None if the rule has none."""
    for each in rule.annotations:
        if each.name == name:
            match each.value:
                case Constant(value):
                    return value
                case Variable(variable):
                    return variable
    return None
