"""
The language's operations as functions of DuckDB: over texts that stand for values, a batch at a time.

Each of them calls the one definition in `congresslite.language`; None comes out
where an operation holds neither way, or where None went in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from inspect import Parameter, Signature
from typing import Any

import pyarrow as pa

from congresslite.language.aggregates import fold
from congresslite.language.builtins import BUILTINS, Builtin
from congresslite.language.semantics import Skip, calculate, compare, result
from congresslite.language.syntax import AggregateFunction, ArithmeticOperator
from congresslite.plan.sql import DUCKDB
from congresslite.plan.sql.dialects import PRINTED
from congresslite.plan.sql.kinds import Kind, decode, encode, kind_of
from congresslite.schema import Scalar

_LIST = "VARCHAR[]"
_ROWS = "VARCHAR[][]"
_ARROW = {
    "BIGINT": pa.int64(),
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    _ROWS: pa.list_(pa.list_(pa.string())),
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function of DuckDB: its types, and what it does with one row of arguments, none of which is None."""

    name: str
    parameters: tuple[str, ...]
    returns: str
    compute: Callable[..., Any]

    def batch(self) -> Callable[..., Any]:
        """What DuckDB calls: Arrow columns in, one out."""
        type_ = _ARROW[self.returns]

        def batch(*columns: Any) -> Any:
            rows = zip(*(column.to_pylist() for column in columns), strict=True)
            return pa.array([self._row(row) for row in rows], type_)

        # DuckDB counts the parameters of what it is given.
        named = [Parameter(f"x{place}", Parameter.POSITIONAL_ONLY) for place in range(len(self.parameters))]
        batch.__signature__ = Signature(named)  # type: ignore[attr-defined]  # read by `inspect.signature`
        return batch

    def _row(self, row: Sequence[Any]) -> Any:
        if None in row:
            return None
        try:
            return self.compute(*row)
        except Skip:
            return None


def functions(clock: str) -> Iterator[Function]:
    """All functions that printed SQL may call."""
    operators: dict[str, ArithmeticOperator] = {
        "add": "+",
        "subtract": "-",
        "multiply": "*",
        "divide": "/",
        "modulo": "%",
    }
    for word, operator in operators.items():
        yield Function(f"value_{word}", ("VARCHAR", "VARCHAR"), "VARCHAR", _calculation(operator))
    yield Function("int_modulo", ("BIGINT", "BIGINT"), "BIGINT", lambda x, y: calculate("%", x, y))
    yield Function("text_add", ("VARCHAR", "VARCHAR"), "VARCHAR", lambda x, y: calculate("+", x, y))
    yield Function("value_less", ("VARCHAR", "VARCHAR"), "BOOLEAN", lambda x, y: compare("<", decode(x), decode(y)))
    yield Function("value_mean", ("VARCHAR", "BIGINT"), "VARCHAR", _mean)
    folds: tuple[AggregateFunction, ...] = ("sum", "avg", "min", "max")
    for function in folds:
        yield Function(f"value_fold_{function}", (_LIST,), "VARCHAR", _folding(function))
    for builtin in BUILTINS.values():
        # A function without arguments would have no batch to follow.
        if builtin.inputs and builtin.name not in PRINTED:
            yield _builtin(builtin, clock)


def _calculation(operator: ArithmeticOperator) -> Callable[[str, str], str]:
    return lambda x, y: encode(calculate(operator, decode(x), decode(y)))


def _mean(total: str, n: int) -> str:
    return encode(result(float(Fraction(int(total), n))))


def _folding(function: AggregateFunction) -> Callable[[list[str | None]], str | None]:
    def folded(texts: list[str | None]) -> str | None:
        value = fold(function, [decode(text) for text in texts if text is not None]).value
        return None if value is None else encode(value)

    return folded


def _builtin(builtin: Builtin, clock: str) -> Function:
    kinds = [kind_of(type_) for type_ in builtin.inputs]
    decoders = [decode if kind is Kind.VALUE else _same for kind in kinds]

    def found(*inputs: Any) -> Sequence[Sequence[Scalar]]:
        return builtin.rows([read(each) for read, each in zip(decoders, inputs, strict=True)], clock)

    def holds(*inputs: Any) -> bool:
        return bool(found(*inputs))

    def value(*inputs: Any) -> Any:
        ((output,),) = found(*inputs)
        return encode(output) if kind_of(builtin.outputs[0]) is Kind.VALUE else output

    def rows(*inputs: Any) -> list[list[str]]:
        return [[encode(each) for each in row] for row in found(*inputs)]

    name, parameters = f"builtin_{builtin.name}", tuple(DUCKDB.type(kind) for kind in kinds)
    match builtin.outputs:
        case ():
            return Function(name, parameters, "BOOLEAN", holds)
        case (output,):
            return Function(name, parameters, DUCKDB.type(kind_of(output)), value)
        case _:
            return Function(name, parameters, _ROWS, rows)


def _same(value: Any) -> Any:
    return value
