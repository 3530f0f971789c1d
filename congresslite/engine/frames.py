"""
Frames: a batch of bindings, a vector for each variable that is still needed.

Steps take a frame and give frames. What a condition cannot decide (null, a
wrong type) is dropped and counted, whether or not the condition is negated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from congresslite.engine.vectors import Mask, Same, Vector, calculate, take
from congresslite.language.program import Calc, Const, Expression, Var

# The vector of a delta's weights, among the variables; no variable has this name. It goes wherever its bindings go.
WEIGHT = "±"


@dataclass(eq=False, slots=True)  # never changed, but made so often that `frozen` would cost
class Frame:
    """`length` bindings of the variables in `vectors`."""

    length: int
    vectors: Mapping[str, Vector]

    def take(self, rows: NDArray[Any], length: int) -> Frame:
        """The bindings at these places, or where the mask is true."""
        return Frame(length, {name: take(vector, rows) for name, vector in self.vectors.items()})

    def filter(self, mask: Mask) -> Frame:
        """The bindings where the mask is true."""
        kept = int(mask.sum())
        return self if kept == self.length else self.take(mask, kept)

    def keep(self, names: frozenset[str]) -> Frame:
        """The same bindings, of these variables only."""
        if self.vectors.keys() <= names:
            return self
        return Frame(self.length, {name: each for name, each in self.vectors.items() if name in names})


def evaluate(expression: Expression, frame: Frame) -> tuple[Vector, Mask | None]:
    """The values of an expression, and where they exist (None: everywhere)."""
    match expression:
        case Var(name):
            return frame.vectors[name], None
        case Const(value):
            return Same(value, frame.length), None
        case Calc(operator, left, right):
            a, known_a = evaluate(left, frame)
            b, known_b = evaluate(right, frame)
            known = both(known_a, known_b)
            if known is None:
                return calculate(operator, a, b)
            # Only where both operands exist; elsewhere the result is never looked at.
            values, known_result = calculate(operator, take(a, known), take(b, known))
            full = np.empty(frame.length, values.dtype)
            full[known] = values
            if known_result is not None:
                known = known.copy()
                known[known] = known_result
            return full, known


def both(left: Mask | None, right: Mask | None) -> Mask | None:
    """Where both masks are true; None stands for everywhere."""
    if left is None:
        return right
    return left if right is None else left & right
