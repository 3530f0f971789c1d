"""
Actions of lifecycle policies: from a type and its properties to the command that a rule has in its head.

The rule to keep: what executors declare of their actions (`congresslite.actions`) says which properties there are; here
are only those of types that run what users wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from congresslite.actions import ActionKind, Parameter, kinds_of
from congresslite.diagnostics.suggest import near_or_listed
from congresslite.language.making import constant
from congresslite.language.syntax import Constant, Term, Variable
from congresslite.language.yaml_nodes import YamlNodes, scalar

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
_TARGET = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
OBJECT, AT = "object", "at"


@dataclass(frozen=True, slots=True)
class ActionType:
    """A type of action: the target that it is called at unless another is named, and what the properties are."""

    target: str
    names: tuple[str, ...] = ()  # the properties that may name the file or the request
    executor: str = ""  # whose kinds of actions say which properties there are
    calls: str = "run"  # what is called, if the file is a term


TYPES: Mapping[str, ActionType] = {
    "SCRIPT": ActionType("scripts", ("script_filename", "file")),
    "EXECUTABLE": ActionType("executables", ("executable_filename", "file")),
    "HTTP": ActionType("http", ("request",), calls=""),
    "VNFM": ActionType("vnfm", executor="vnfm"),
    "VIM": ActionType("nova", executor="openstack"),
}


# For those who write beside `properties` what belongs into it, by its name.
IN_PROPERTIES: Mapping[str, str] = {
    name: f"it is one of its properties: `properties: {{{name}: …}}`"
    for name in ("target", OBJECT, "operation", "arguments", *(name for each in TYPES.values() for name in each.names))
}


@dataclass(frozen=True, slots=True)
class Called:
    """A command: an action of a target, and its terms; `open` if it takes any more of them."""

    target: str
    name: str
    terms: tuple[Term, ...]
    open: bool

    @property
    def places(self) -> frozenset[str]:
        """The variables that its terms are."""
        return frozenset(each.name for each in self.terms if isinstance(each, Variable))

    @property
    def object(self) -> str | None:
        """The variable that is acted upon."""
        first = self.terms[0]
        return first.name if isinstance(first, Variable) else None


class ActionReader:
    """Reads the properties of one action."""

    def __init__(self, nodes: YamlNodes, type_: str, at: yaml.Node) -> None:
        self._nodes, self._type, self._kind, self._at = nodes, type_, TYPES[type_], at

    def read(self, properties: yaml.Node | None) -> Called | None:
        """The command; None, and findings, if the properties do not fit."""
        before = len(self._nodes.problems)
        given: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        if isinstance(properties, yaml.MappingNode):
            given = {name: (key, value) for name, key, value in self._nodes.entries(properties)}
        elif properties is not None:
            self._nodes.problem("CL042", "`properties` is no mapping", properties, "write `properties: {name: value}`")
        target = self._target(given.pop("target", None))
        called = self._built_in(target, given) if self._kind.executor else self._custom(target, given)
        return called if len(self._nodes.problems) == before else None

    def _target(self, given: tuple[yaml.Node, yaml.Node] | None) -> str:
        if given is None:
            return self._kind.target
        name = self._nodes.text(given[1], "target") or self._kind.target
        if not _TARGET.fullmatch(name):
            self._tell(f"`{name}` is no name of a target", given[1], "targets are named in `enforcement.targets`")
            return self._kind.target
        return name

    # -- scripts, executables, requests -------------------------------------------------------------

    def _custom(self, target: str, given: dict[str, tuple[yaml.Node, yaml.Node]]) -> Called | None:
        named = [name for name in self._kind.names if name in given]
        first = self._kind.names[0]
        if len(named) != 1:
            self._tell(f"an action of type {self._type} has one `{first}`", self._at, f"write `{first}: …`")
            return None
        what = self._term(*given.pop(named[0]))
        if not isinstance(what, Constant) or not isinstance(what.value, str) or not what.value:
            self._tell(f"`{named[0]}` is no name", self._at, f"write `{first}: …`, without a variable")
            return None
        terms = [self._object(given)]
        if self._kind.calls:
            terms.append(what)
        for name, (key, value) in given.items():
            terms.extend(self._arguments(name, key, value))
        return Called(target, self._kind.calls or what.value, tuple(terms), open=True)

    def _arguments(self, name: str, key: yaml.Node, value: yaml.Node) -> Iterator[Term]:
        """The terms of one property: an option with its value or values, or arguments without a name."""
        option = name.startswith("-") and self._kind.calls
        if not option and name != "arguments":
            hint = "options begin with `-`; arguments without a name are a list, `arguments: [...]`"
            self._tell(f"an action of type {self._type} has no property `{name}`", key, hint)
            return
        for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if option:
                yield constant(name, self._nodes.span(key))
            if option and isinstance(each, yaml.ScalarNode) and scalar(each) is None:
                continue  # an option that has no value
            yield self._term(key, each)

    # -- what executors declare ---------------------------------------------------------------------

    def _built_in(self, target: str, given: dict[str, tuple[yaml.Node, yaml.Node]]) -> Called | None:
        kinds = kinds_of(self._kind.executor)
        operation = given.pop("operation", None)
        if operation is None:
            listed = near_or_listed("", kinds, "there are") or ""
            self._tell(f"an action of type {self._type} has an `operation`", self._at, listed)
            return None
        name = self._nodes.text(operation[1], "operation")
        if name is None:
            return None
        if name not in kinds:
            hint = near_or_listed(name, kinds, "operations are") or ""
            self._tell(f"there is no operation `{name}` of type {self._type}", operation[1], hint)
            return None
        return Called(target, name, tuple(self._by_name(kinds[name], given)), open=False)

    def _by_name(self, kind: ActionKind, given: dict[str, tuple[yaml.Node, yaml.Node]]) -> Iterator[Term]:
        """The terms of a command, as its action's parameters are in order."""
        parameters = {each.name: each for each in kind.parameters}
        for name, (key, _) in given.items():
            if name not in parameters and name != OBJECT:
                hint = near_or_listed(name, parameters, "it takes") or ""
                self._tell(f"`{kind.name}` has no property `{name}`", key, hint)
        first = kind.parameters[0].name
        last = max((place for place, name in enumerate(parameters) if name in given), default=0)
        last = max(last, kind.least - 1)
        for place, parameter in enumerate(kind.parameters[: last + 1]):
            if place == 0 and first not in given:
                yield self._object(given)
            elif parameter.name in given:
                yield self._fitting(parameter, *given[parameter.name])
            else:
                self._tell(f"`{kind.name}` needs `{parameter.name}`", self._at, parameter.help)

    def _fitting(self, parameter: Parameter, key: yaml.Node, value: yaml.Node) -> Term:
        term = self._term(key, value)
        if isinstance(term, Constant) and parameter.type not in ("any", _type(term)):
            message = f"`{parameter.name}` should be of type {parameter.type}, and is {term.text}"
            self._tell(message, value, "quote a text; leave a number without quotes")
        return term

    # -- terms --------------------------------------------------------------------------------------

    def _object(self, given: dict[str, tuple[yaml.Node, yaml.Node]]) -> Term:
        """What is acted upon: the policy's object, unless another variable is named."""
        if OBJECT not in given:
            return Variable(OBJECT, self._nodes.span(self._at))
        key, value = given.pop(OBJECT)
        term = self._term(key, value)
        if not isinstance(term, Variable):
            self._tell("`object` is no variable", value, 'name one that `when` binds: `object: "{server}"`')
        return term

    def _term(self, key: yaml.Node, value: yaml.Node) -> Term:
        """A value; a text that is a name in braces stands for the variable of that name."""
        span = self._nodes.span(value)
        if not isinstance(value, yaml.ScalarNode):
            self._tell("a property that is no scalar", value, "give it a text, a number, or a variable in braces")
            return constant(None, span)
        found = scalar(value)
        place = _PLACE.fullmatch(found) if isinstance(found, str) else None
        if place is not None:
            return Variable(place[1], span)
        if found is None:
            self._tell("a property without a value", key, "give it a text, a number, or a variable in braces")
        return constant(found, span)

    def _tell(self, message: str, node: yaml.Node, hint: str) -> None:
        self._nodes.problem("CL682", message, node, hint)


def read_called(nodes: YamlNodes, items: dict[str, yaml.Node]) -> Called | None:
    """The command of an action that has a `type`; None, and findings, if there is none."""
    type_ = nodes.text(items["type"], "type")
    if type_ is None:
        return None
    if type_ not in TYPES:
        hint = near_or_listed(type_, TYPES, "types are") or ""
        nodes.problem("CL681", f"there is no type of action `{type_}`", items["type"], hint)
        return None
    return ActionReader(nodes, type_, items["type"]).read(items.get("properties"))


def _type(term: Constant) -> str:
    return type(term.value).__name__
