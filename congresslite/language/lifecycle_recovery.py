"""
Recovery in YAML: what is to be done for an object that is not well, step by step, a bounded number of times.

A recovery becomes the table `lifecycle_recover` of the objects that need it, the facts `lifecycle_recovery` of its
steps, and a commanding rule for each step. How far it has come with an object stands in `lifecycle:recovery`, which the
engine fills: it lets a step be taken, waits for the object to be well, and goes on to the next try or the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from congresslite.diagnostics import Span
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.language import making
from congresslite.language.lifecycle_actions import IN_PROPERTIES, OBJECT, Called, read_called
from congresslite.language.lifecycle_names import RECOVERY_ERR, REDEPLOY_ERR
from congresslite.language.syntax import Annotation, Body, Constant, Literal, Statement, Term, Variable
from congresslite.language.yaml_nodes import YamlNodes, scalar

# The objects that need it; and, by place, the steps with tries, seconds to wait, and the event if all were in vain.
RECOVER, STEPS = "lifecycle_recover", "lifecycle_recovery"

_KEYS = ("when", "action", "retries", "wait", "within", "reboot", "redeploy")
_STEP_KEYS = ("type", "properties", "when")
_ACTIONS = {
    "reboot_then_redeploy": ("reboot", "redeploy"),
    "reboot": ("reboot",),
    "redeploy": ("redeploy",),
}
_RETRIES, _WAIT = 3, 60
_MOST_RETRIES = 100

BodyReader = Callable[[yaml.Node, str], Body]


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    called: Called
    when: Body
    span: Span


def read_recovery(nodes: YamlNodes, node: yaml.Node, policy: str, body: BodyReader) -> list[Statement]:
    """The statements of a recovery; none, and findings, if it is not sound."""
    if not isinstance(node, yaml.MappingNode):
        nodes.problem("CL042", "`recovery` is no mapping", node, "write `recovery: {when: …}`")
        return []
    before = len(nodes.problems)
    items = dict(nodes.items(node, _KEYS, "a recovery"))
    reader = _Recovery(nodes, items, body)
    if "when" not in items:
        hint = 'write which objects need it: `when: nova:servers(id=object, status="ERROR")`'
        nodes.problem("CL685", "a recovery without `when`", node, hint)
        return []
    when, names = body(items["when"], "when"), reader.names()
    retries, wait = reader.number("retries", _RETRIES, _MOST_RETRIES), reader.number("wait", _WAIT, None)
    steps = [step for name in names if (step := reader.step(name, node)) is not None]
    if len(nodes.problems) > before:
        return []
    span = nodes.span(items["when"])
    found: list[Statement] = [_needing(when, reader.within(), span)]
    for place, step in enumerate(steps):
        event = REDEPLOY_ERR if step.name == "redeploy" else RECOVERY_ERR
        found.append(making.fact(STEPS, (place, step.name, retries, wait, event), step.span))
        found.append(_commanding(policy, step))
    return found


class _Recovery:
    """The parts of one."""

    def __init__(self, nodes: YamlNodes, items: dict[str, yaml.Node], body: BodyReader) -> None:
        self._nodes, self._items, self._body = nodes, items, body

    def names(self) -> tuple[str, ...]:
        """The names of its steps."""
        node = self._items.get("action")
        name = "reboot_then_redeploy" if node is None else self._nodes.text(node, "action")
        if name is not None and name not in _ACTIONS:
            hint = near_or_listed(name, _ACTIONS, "it can be") or ""
            self._nodes.problem("CL685", f"there is no recovery `{name}`", node, hint)
        names = _ACTIONS.get(name or "", ())
        for each in ("reboot", "redeploy"):
            if each in self._items and names and each not in names:
                self._nodes.problem("CL685", f"`{each}` is no step of this recovery", self._items[each], "remove it")
        return names

    def number(self, key: str, default: int, most: int | None) -> int:
        """A positive number."""
        node = self._items.get(key)
        if node is None:
            return default
        value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if type(value) is not int or value < 1 or (most is not None and value > most):
            to = "1 or more" if most is None else f"from 1 to {most}"
            self._nodes.problem("CL685", f"`{key}` is no number that it can be", node, f"write a whole number, {to}")
            return default
        return value

    def within(self) -> str | None:
        """The variable of what the object is a part of, if its stage counts too."""
        node = self._items.get("within")
        return None if node is None else self._nodes.text(node, "within")

    def step(self, name: str, at: yaml.Node) -> _Step | None:
        """What a step does, as it is written or by default."""
        node = self._items.get(name)
        if node is None:
            return _usual(name, self._nodes.span(at))
        if not isinstance(node, yaml.MappingNode):
            self._nodes.problem("CL042", f"`{name}` is no mapping", node, "write `type: …` and `properties: …`")
            return None
        items = dict(self._nodes.items(node, _STEP_KEYS, f"the step `{name}`", IN_PROPERTIES))
        if "type" not in items:
            self._nodes.problem("CL042", f"`{name}` without a `type`", node, "write `type: VIM`, for one")
            return None
        called = read_called(self._nodes, items)
        when = self._body(items["when"], "when") if "when" in items else ()
        if called is not None and called.object != OBJECT:
            message = f"`{name}` acts upon `{called.object}`, and not upon the object that is recovered"
            self._nodes.problem("CL685", message, node, "leave `object` as it is")
        return None if called is None else _Step(name, called, when, self._nodes.span(node))


def _usual(name: str, span: Span) -> _Step:
    """The step for a server: a hard reboot, or to build it anew from its image."""
    server = Variable(OBJECT, span)
    if name == "reboot":
        return _Step(name, Called("nova", "reboot", (server, making.constant("HARD", span)), open=False), (), span)
    image = Variable("image", span)
    terms: dict[str, Term] = {"id": server, "image_id": image}
    known = (making.by_name("nova:servers", terms, span), making.lacking_value("image", span))
    return _Step(name, Called("nova", "rebuild", (server, image), open=False), known, span)


def _needing(when: Body, within: str | None, span: Span) -> Statement:
    """The rule of the objects that need it: while something is updated, nobody looks whether it is well."""
    guards: Iterator[Literal] = (_not_updated(each, span) for each in (OBJECT, within) if each is not None)
    return making.rule(making.in_order(RECOVER, [Variable(OBJECT, span)], span), (*when, *guards), span)


def _not_updated(variable: str, span: Span) -> Literal:
    terms: dict[str, Term] = {"object": Variable(variable, span), "stage": making.constant("update", span)}
    return making.lacking(making.by_name("lifecycle:stage", terms, span))


def _commanding(policy: str, step: _Step) -> Statement:
    span = step.span
    values: dict[str, Constant] = {
        name: making.constant(value, span)
        for name, value in (("policy", policy), ("step", step.name), ("state", "acting"))
    }
    state = making.by_name("lifecycle:recovery", {"object": Variable(OBJECT, span), **values}, span)
    needed = making.in_order(RECOVER, [Variable(OBJECT, span)], span)
    head = making.in_order(f"{step.called.target}:{step.called.name}", step.called.terms, span)
    annotations = [
        Annotation("id", making.constant(step.name, span), span),
        Annotation("object", Variable(OBJECT, span), span),
    ]
    return making.rule(head, (state, needed, *step.when), span, modal="execute", annotations=annotations)
