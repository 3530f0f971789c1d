"""
Lifecycle policies in YAML: conditions and actions, or a recovery, that become ordinary rules.

    policy: pcrf_post_deployment
    conditions: ["LCS::POST_DEPLOY_ALIVE"]
    actions: [{name: finish, type: SCRIPT, properties: {script_filename: finish.py}}]

is the rule

    execute[scripts:run(object, "finish.py")] :- lifecycle:event(object=object, event="LCS::POST_DEPLOY_ALIVE").

Any one of the conditions is enough. The rule to keep: nothing here has a meaning that the rules have not, so that
checks, explanations, simulation and the engine know nothing of this form; each node points to the YAML that it is of.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import yaml

from congresslite.diagnostics import Span
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.language import making
from congresslite.language.lifecycle_actions import AT, IN_PROPERTIES, OBJECT, Called, read_called
from congresslite.language.lifecycle_names import (
    AFTER,
    EVERYTHING,
    LEVELS,
    SERVING,
    STAGES,
    is_cyclic,
    is_event,
    is_stage,
    misspelt,
    period,
)
from congresslite.language.lifecycle_recovery import read_recovery
from congresslite.language.parsing.embedded import offsets_of
from congresslite.language.parsing.reader import parse_body
from congresslite.language.resolution.where import named_variables
from congresslite.language.syntax import (
    Annotation,
    Body,
    Comment,
    Literal,
    PolicyFile,
    Rule,
    Statement,
    Term,
    Variable,
)
from congresslite.language.yaml_nodes import YamlNodes
from congresslite.schema import Scalar

_OWN = ("conditions", "actions", "recovery")
_KEYS = ("policy", *_OWN, "when", "stages", "level")
_ACTION_KEYS = ("name", "type", "properties", "moves_to")
_STAGE = "stage"


def is_lifecycle(root: yaml.MappingNode) -> bool:
    """Whether a YAML policy is of this form, and not of Congress's library."""
    keys = {key.value for key, _ in root.value if isinstance(key, yaml.ScalarNode)}
    return "rules" not in keys and ("policy" in keys or not keys.isdisjoint(_OWN))


@dataclass(frozen=True, slots=True)
class _Condition:
    name: str
    node: yaml.Node
    span: Span


@dataclass(frozen=True, slots=True)
class _Action:
    name: str
    span: Span
    called: Called
    moves_to: tuple[str, Span] | None


class LifecycleReader:
    """Reads one file."""

    def __init__(self, nodes: YamlNodes, name: str, settings: tuple[str, ...]) -> None:
        self._nodes, self._name, self._known = nodes, name, settings
        self._settings: dict[str, Scalar] = {}
        self._statements: list[Statement] = []
        self._level: _Condition | None = None
        self._stages: list[_Condition] | None = None
        self._when: Body = ()

    def file(self) -> PolicyFile:
        """The policy, as far as it is sound."""
        comments: tuple[Comment, ...] = ()
        return PolicyFile(self._name, self._nodes.source, tuple(self._statements), comments, self._settings)

    def read(self, root: yaml.MappingNode) -> None:
        """Read the whole file."""
        items = dict(self._nodes.items(root, (*_KEYS, *self._known), "a lifecycle policy"))
        for key, value in items.items():
            if key == "policy":
                self._name = self._nodes.text(value, "policy") or self._name
            elif key in self._known:
                found = self._nodes.setting(key, value)
                if isinstance(value, yaml.ScalarNode):
                    self._settings[key] = found
        if "when" in items:
            self._when = self.body(items["when"], "when")
        self._stages = self._named_stages(items["stages"]) if "stages" in items else None
        self._level = self._named_level(items["level"]) if "level" in items else None
        conditions = self._conditions(items["conditions"]) if "conditions" in items else []
        actions = self._actions(items["actions"]) if "actions" in items else []
        if "recovery" in items:
            self._statements += read_recovery(self._nodes, items["recovery"], self._name, self.body)
        elif "actions" not in items or "conditions" not in items:
            missing = "conditions" if "actions" in items else "actions"
            hint = "write `conditions: [...]` and `actions: [...]`, or a `recovery`"
            self._nodes.problem("CL042", f"a lifecycle policy without `{missing}`", root, hint)
        if self._settings.get("undo") is True:
            self._refuse_undo(items["undo"], conditions, actions)
        for action, condition in product(actions, conditions):
            several = len(conditions) > 1
            self._statements.append(self._rule(action, condition, several=several))
            if action.moves_to is not None:
                stage, span = action.moves_to
                values = (_identity(action, condition, several), "succeeded", stage, None)
                self._statements.append(making.fact(AFTER, values, span))

    # -- conditions --------------------------------------------------------------------------------

    def _conditions(self, node: yaml.Node) -> list[_Condition]:
        return [each for each in self._texts(node, "conditions") if self._sound(each)]

    def _sound(self, condition: _Condition) -> bool:
        name = condition.name
        if is_cyclic(name):
            if period(name) is None:
                self._tell(condition, f"`{name}` is no cyclic event", "write `LCS::CYCLE_60_SECONDS`, for one")
            return period(name) is not None
        if not (is_event(name) or is_stage(name)):
            hint = "stages are `monitoring` and the like, in lower case; events have `::` in them"
            self._tell(condition, f"`{name}` is neither a stage nor an event", hint)
            return False
        self._warn_misspelt(condition)
        return True

    def _warn_misspelt(self, condition: _Condition) -> None:
        found = misspelt(condition.name, condition.span)
        if found is not None:
            self._nodes.problems.append(found)

    def _named_stages(self, node: yaml.Node) -> list[_Condition]:
        found = self._texts(node, "stages")
        for each in found:
            if not is_stage(each.name):
                self._tell(each, f"`{each.name}` is no stage", f"built in are {', '.join(STAGES)}")
            else:
                self._warn_misspelt(each)
        return found

    def _named_level(self, node: yaml.Node) -> _Condition | None:
        name = self._nodes.text(node, "level")
        if name is None or name in LEVELS:
            return None if name is None else _Condition(name, node, self._nodes.span(node))
        self._nodes.problem(
            "CL680", f"there is no level `{name}`", node, near_or_listed(name, LEVELS, "levels are") or ""
        )
        return None

    def _refuse_undo(self, node: yaml.Node, conditions: list[_Condition], actions: list[_Action]) -> None:
        events = [each.name for each in conditions if is_event(each.name)]
        if events:
            message = f"`undo` with the event `{events[0]}`, which is over at once"
            hint = "undo belongs to conditions that last: name a stage, or leave `undo` out"
            self._nodes.problem("CL683", message, node, hint)
            return
        moving = (
            each for each in actions
            if each.moves_to is not None and any(stage.name != each.moves_to[0] for stage in conditions)
        )  # fmt: skip
        if (action := next(moving, None)) is not None:
            message = f"`undo` with `{action.name}`, whose `moves_to` ends the condition that it is for"
            hint = "what is done would be undone at once: leave out `moves_to`, or `undo`"
            self._nodes.problem("CL683", message, node, hint)

    def _texts(self, node: yaml.Node, key: str) -> list[_Condition]:
        """A list of texts, or one."""
        found = []
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            text = self._nodes.text(each, key)
            if text is not None:
                found.append(_Condition(text, each, self._nodes.span(each)))
        return found

    def _tell(self, condition: _Condition, message: str, hint: str) -> None:
        self._nodes.problem("CL680", message, condition.node, hint)

    # -- actions -----------------------------------------------------------------------------------

    def _actions(self, node: yaml.Node) -> list[_Action]:
        if not isinstance(node, yaml.SequenceNode):
            self._nodes.problem("CL042", "`actions` is no list", node, "write `- name: …` for each action")
            return []
        found: list[_Action] = []
        for each in node.value:
            if not isinstance(each, yaml.MappingNode):
                self._nodes.problem("CL042", "an action that is no mapping", each, "write `- name: …` and `type: …`")
            elif (action := self._action(each)) is None:
                continue
            elif action.name in {known.name for known in found}:
                self._nodes.problem("CL042", f"two actions are called `{action.name}`", each, "give each its own name")
            else:
                found.append(action)
        return found

    def _action(self, node: yaml.MappingNode) -> _Action | None:
        items = dict(self._nodes.items(node, _ACTION_KEYS, "an action", IN_PROPERTIES))
        if "name" not in items or "type" not in items:
            missing = "type" if "name" in items else "name"
            self._nodes.problem("CL042", f"an action without a `{missing}`", node, f"write `{missing}: …`")
            return None
        name, called = self._nodes.text(items["name"], "name"), read_called(self._nodes, items)
        if name is None or called is None:
            return None
        moves = self._moves(items["moves_to"], called) if "moves_to" in items else None
        return _Action(name, self._nodes.span(node), called, moves)

    def _moves(self, node: yaml.Node, called: Called) -> tuple[str, Span] | None:
        stage = self._nodes.text(node, "moves_to")
        if stage is None:
            return None
        if not is_stage(stage):
            self._nodes.problem("CL680", f"`{stage}` is no stage", node, f"built in are {', '.join(STAGES)}")
            return None
        if called.object != OBJECT:
            message = f"`moves_to` with an action upon `{called.object}`"
            self._nodes.problem("CL686", message, node, "only the policy's own object moves; leave `object` as it is")
            return None
        return stage, self._nodes.span(node)

    # -- rules -------------------------------------------------------------------------------------

    def _rule(self, action: _Action, condition: _Condition, *, several: bool) -> Rule:
        called, span = action.called, action.span
        terms = list(called.terms)
        if period(condition.name) is not None and called.open and AT not in called.places:
            terms.append(Variable(AT, condition.span))  # so that each time is a command of its own
        used = {each.name for each in terms if isinstance(each, Variable)} | _variables(self._when, span)
        body = (*self._condition(condition, used), *self._when)
        head = making.in_order(f"{called.target}:{called.name}", terms, span)
        annotations = [Annotation("id", making.constant(_identity(action, condition, several), span), span)]
        if called.object is not None:
            annotations.append(Annotation("object", Variable(called.object, span), span))
        return making.rule(head, body, span, modal="execute", annotations=annotations)

    def _condition(self, condition: _Condition, used: set[str]) -> list[Literal]:
        """The literals of a condition; variables that nobody uses are not bound."""
        name, span = condition.name, condition.span
        found: dict[str, Term] = {OBJECT: Variable(OBJECT, span)}
        stages = self._stages
        if not is_event(name):
            found |= {_STAGE: making.constant(name, span), **self._of_level()}
            if AT in used:
                found["since"] = Variable(AT, span)
            return [making.by_name("lifecycle:stage", found, span)]
        cyclic = period(name) is not None
        if cyclic:
            found = {OBJECT: making.constant(EVERYTHING, span)}
            stages = [_Condition(each, condition.node, span) for each in SERVING] if stages is None else stages
        found["event"] = making.constant(name, span)
        found |= {} if cyclic else self._of_level()
        if AT in used:
            found[AT] = Variable(AT, span)
        literals: list[Literal] = [making.by_name("lifecycle:event", found, span)]
        if stages:
            named: dict[str, Term] = {OBJECT: Variable(OBJECT, span), _STAGE: Variable(_STAGE, span)}
            literals.append(making.by_name("lifecycle:stage", {**named, **self._of_level()}, span))
            literals.append(making.one_of(_STAGE, [each.name for each in stages], stages[0].span))
        return literals

    def _of_level(self) -> dict[str, Term]:
        return {} if self._level is None else {"level": making.constant(self._level.name, self._level.span)}

    def body(self, node: yaml.Node, key: str) -> Body:
        """The literals of a text; none, and findings, if it has mistakes."""
        text = self._nodes.text(node, key)
        if text is None:
            return ()
        assert isinstance(node, yaml.ScalarNode)
        body, problems = parse_body(self._nodes.source, text, offsets_of(self._nodes.source.text, node))
        self._nodes.problems.extend(problems)
        return body or ()


def _identity(action: _Action, condition: _Condition, several: bool) -> str:
    """What the rule of an action is known by; the same when its condition, or what it does, is edited."""
    return f"{action.name} on {condition.name}" if several else action.name


def _variables(body: Body, span: Span) -> set[str]:
    made = making.rule(making.in_order("body", (), span), body, span)
    return {each.name for each in named_variables(made)}
