"""
What a builtin is: a relation that is computed instead of stored.

Whatever a builtin is, an evaluator sees one thing: input values go in, rows of
output values come out. A test (`startswith`) has no outputs and gives one empty
row where it holds, and none where it does not; a function gives one row;
`split` gives as many as there are pieces.

The rule to keep: the same inputs give the same rows, always. A function gets
values of the types that its signature names, never null unless the type is
`any`; it raises `Skip` for values that it is not made for, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from congresslite.language.semantics import Skip, is_number, result
from congresslite.schema import Row, Scalar, Type

HOLDS: tuple[Row, ...] = ((),)
FAILS: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Builtin:
    """A builtin predicate: `name(inputs, outputs)`, the inputs first.

    `parameters` are the names of all its arguments; `function` takes the inputs
    and gives the rows of the outputs. With `clock` set, the function takes the
    time of the evaluation (`YYYY-MM-DD HH:MM:SS`) before the inputs.
    """

    name: str
    parameters: tuple[str, ...]
    inputs: tuple[Type, ...]
    outputs: tuple[Type, ...]
    function: Callable[..., Sequence[Row]]
    doc: str
    clock: bool = False

    @property
    def arity(self) -> int:
        """How many arguments the predicate takes in a rule."""
        return len(self.parameters)

    @property
    def signature(self) -> str:
        """How the builtin is written, with types: `len(text: str -> length: int)`."""
        types = (*self.inputs, *self.outputs)
        each = [f"{name}: {type_}" for name, type_ in zip(self.parameters, types, strict=True)]
        inputs, outputs = ", ".join(each[: len(self.inputs)]), ", ".join(each[len(self.inputs) :])
        arrow = "" if not outputs else "-> " if not inputs else " -> "
        return f"{self.name}({inputs}{arrow}{outputs})"

    def rows(self, inputs: Sequence[Scalar], clock: str) -> tuple[Row, ...]:
        """The rows of outputs for these inputs, canonical. Raises Skip where the builtin holds neither way."""
        for type_, value in zip(self.inputs, inputs, strict=True):
            if not admits(type_, value):
                raise Skip
        found = self.function(clock, *inputs) if self.clock else self.function(*inputs)
        return tuple(tuple(result(value) for value in row) for row in found)


def admits(type_: Type, value: Scalar) -> bool:
    """Whether a builtin takes this value as an input of this type: `float` takes any number, `any` null too."""
    match type_:
        case Type.ANY:
            return True
        case Type.STR:
            return isinstance(value, str)
        case Type.BOOL:
            return isinstance(value, bool)
        case Type.FLOAT:
            return is_number(value)
        case Type.INT:
            return isinstance(value, int) and not isinstance(value, bool)


def test(signature: str) -> Callable[[Callable[..., bool]], Builtin]:
    """Make a builtin without outputs of a function that gives true or false."""

    def make(function: Callable[..., bool]) -> Builtin:
        return _make(signature, lambda *inputs: HOLDS if function(*inputs) else FAILS, function.__doc__)

    return make


def value(signature: str, *, clock: bool = False) -> Callable[[Callable[..., Scalar]], Builtin]:
    """Make a builtin with one output of a function that gives its value."""

    def make(function: Callable[..., Scalar]) -> Builtin:
        return _make(signature, lambda *inputs: ((function(*inputs),),), function.__doc__, clock=clock)

    return make


def rows(signature: str) -> Callable[[Callable[..., Sequence[Row]]], Builtin]:
    """Make a builtin of a function that gives the rows of its outputs."""

    def make(function: Callable[..., Sequence[Row]]) -> Builtin:
        return _make(signature, function, function.__doc__)

    return make


def _make(signature: str, function: Callable[..., Sequence[Row]], doc: str | None, *, clock: bool = False) -> Builtin:
    """Read `name(input: type, … -> output: type, …)`; the arrow is left out where there is no output."""
    name, _, arguments = signature.removesuffix(")").partition("(")
    before, _, after = arguments.partition("->")
    inputs, outputs = _parameters(before), _parameters(after)
    names = tuple(each for each, _ in (*inputs, *outputs))
    types = tuple(each for _, each in inputs), tuple(each for _, each in outputs)
    return Builtin(name, names, *types, function, " ".join((doc or "").split()), clock)


def _parameters(text: str) -> list[tuple[str, Type]]:
    pairs = (each.partition(":") for each in text.split(",") if each.strip())
    return [(name.strip(), Type(type_.strip())) for name, _, type_ in pairs]
