"""
Inference: the types of derived columns and of variables, from the tables that rules read.

Types only ever become less certain, so going over the rules again until
nothing changes comes to an end; within a stratum only the rules that read
what changed are gone over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from congresslite.language.builtins import BUILTINS
from congresslite.language.program import (
    Calc,
    Call,
    Compare,
    Const,
    Either,
    Expression,
    Fold,
    Literal,
    Match,
    RuleKind,
    Stratum,
    Var,
)
from congresslite.language.resolution.draft import DraftRule, Fact, Known, Typing
from congresslite.language.resolution.kinds import ANY, both, either, of_column, of_value, sure, within
from congresslite.language.resolution.scope import Scope
from congresslite.language.resolution.strata import reads
from congresslite.schema import Type

Columns = Callable[[str], Sequence[Known]]
Env = dict[str, Known]


def infer(
    scope: Scope,
    rules: Sequence[DraftRule],
    facts: Mapping[str, Sequence[Fact]],
    strata: Iterable[Stratum],
    known: Mapping[str, Sequence[Known]],
) -> Typing:
    """The types of all derived columns, and of the variables of each rule; `known` are those known beforehand."""
    inference = _Inference(scope, rules, facts)
    inference.columns.update({table: list(columns) for table, columns in known.items()})
    for stratum in strata:
        inference.settle(stratum)
    for place, rule in enumerate(rules):
        if inference.variables[place] is None:
            inference.variables[place] = variable_types(rule.body, inference.columns_of)
    return Typing(
        {table: tuple(known) for table, known in inference.columns.items()},
        tuple(each or {} for each in inference.variables),
    )


class _Inference:
    def __init__(self, scope: Scope, rules: Sequence[DraftRule], facts: Mapping[str, Sequence[Fact]]) -> None:
        self.scope = scope
        self.rules = rules
        self.columns: dict[str, list[Known]] = {}
        self.variables: list[Env | None] = [None] * len(rules)
        self._base: dict[str, list[Known]] = {}
        self._deriving: dict[str, list[int]] = {}
        self._reading: dict[str, list[int]] = {}
        for place, rule in enumerate(rules):
            if rule.outline.kind is not RuleKind.EFFECT:
                self._deriving.setdefault(rule.table, []).append(place)
                for table in {literal.table for literal in reads(rule.body)}:
                    self._reading.setdefault(table, []).append(place)
        for table, stated in facts.items():
            self.columns[table] = _fact_types(stated)

    def columns_of(self, table: str) -> Sequence[Known]:
        """What is known of a table's columns by now; nothing for a table that is unknown."""
        known = self.columns.get(table) or self._base.get(table)
        if known is None:
            schema = self.scope.schema(table)
            known = [of_column(column) for column in schema.columns] if schema is not None else []
            self._base[table] = known
        return known

    def settle(self, stratum: Stratum) -> None:
        """Go over the rules of a stratum until the types of its tables stay."""
        for table in stratum.tables:
            self._start(table)
        todo = deque(place for table in stratum.tables for place in self._deriving.get(table, ()))
        waiting = set(todo)
        while todo:
            place = todo.popleft()
            waiting.discard(place)
            rule = self.rules[place]
            env = self.variables[place] = variable_types(rule.body, self.columns_of)
            if rule.head is None or not self._widen(rule.table, [term_type(term, env) for term in rule.head]):
                continue
            for reader in self._reading.get(rule.table, ()) if stratum.recursive else ():
                if reader not in waiting and self.rules[reader].table in stratum.tables:
                    waiting.add(reader)
                    todo.append(reader)

    def _start(self, table: str) -> None:
        """Declared columns start with their types, others with what facts say of them."""
        schema = self.scope.schema(table)
        stated = self.columns.get(table)
        if schema is not None and any(column.declared for column in schema.columns):
            self.columns[table] = [of_column(column) for column in schema.columns]
        elif stated is None and schema is not None:
            self.columns[table] = [None] * schema.arity

    def _widen(self, table: str, types: Sequence[Known]) -> bool:
        schema = self.scope.schema(table)
        known = self.columns.setdefault(table, [None] * len(types))
        changed = False
        for place, type_ in enumerate(types[: len(known)]):
            declared = schema is not None and schema.columns[place].declared
            wider = within(known[place], type_) if declared else either(known[place], type_)
            changed |= wider != known[place]
            known[place] = wider
        return changed


def _fact_types(facts: Sequence[Fact]) -> list[Known]:
    width = max(len(fact.row) for fact in facts)
    columns: list[Known] = [None] * width
    for fact in facts:
        for place, value in enumerate(fact.row):
            columns[place] = either(columns[place], of_value(value))
    return columns


def variable_types(body: Iterable[Literal], columns: Columns, outer: Mapping[str, Known] | None = None) -> Env:
    """The types of all variables of a body; in a disjunction a variable has any of its branches' types."""
    env: Env = dict(outer or {})
    computed: list[Compare] = []
    for literal in body:
        match literal:
            case Match(table, terms):
                _take_row(terms, columns(table), env)
            case Call(name, _, outputs):
                _take_row(outputs, [sure(type_) for type_ in BUILTINS[name].outputs], env)
            case Compare("=", negated=False):
                computed.append(literal)
            case _:
                pass
    for literal in body:
        if isinstance(literal, Either):
            _take_branches(literal, columns, env)
    _take_equalities(computed, env)
    return env


def term_type(term: Expression | Fold, env: Mapping[str, Known]) -> Known:
    """What is known of a term's values."""
    match term:
        case Var(name):
            return env.get(name)
        case Const(value):
            return of_value(value)
        case Fold(function, argument):
            return _fold_type(function, env.get(argument.name))
        case Calc(operator, left, right):
            return _calc_type(operator, term_type(left, env), term_type(right, env))


def _fold_type(function: str, argument: Known) -> Known:
    match function:
        case "count" | "count_distinct":
            return sure(Type.INT)
        case "avg":
            return sure(Type.FLOAT)
        case _:
            return argument


def _calc_type(operator: str, left: Known, right: Known) -> Known:
    """The type of a result; a constant operand leaves it as sure as the other one is."""
    if operator == "/":
        return sure(Type.FLOAT)
    if left is None or right is None:
        return None
    types = (left[0], right[0])
    certain = left[1] or right[1]
    if operator == "+" and types == (Type.STR, Type.STR):
        return (Type.STR, certain)
    if not all(type_.is_number for type_ in types):
        return ANY
    return (Type.FLOAT if Type.FLOAT in types else Type.INT, certain)


def _take_row(terms: Sequence[Expression], row: Sequence[Known], env: Env) -> None:
    for term, known in zip(terms, row, strict=False):
        if isinstance(term, Var) and known is not None:
            name = term.name
            env[name] = both(env[name], known) if name in env else known
    if len(row) < len(terms):  # an unknown table: its variables may be anything
        for term in terms:
            if isinstance(term, Var):
                env[term.name] = ANY


def _take_branches(literal: Either, columns: Columns, env: Env) -> None:
    taken: Env = {}
    for branch in literal.branches:
        for name, known in variable_types(branch, columns, env).items():
            taken[name] = either(taken[name], known) if name in taken else known
    env.update(taken)


def _take_equalities(equalities: list[Compare], env: Env) -> None:
    """Variables that a comparison gives a value; in any order, so until nothing more is learnt."""
    changed = bool(equalities)
    while changed:
        changed = False
        for literal in equalities:
            for one, other in ((literal.left, literal.right), (literal.right, literal.left)):
                if isinstance(one, Var):
                    known = term_type(other, env)
                    if one.name not in env and known is not None:
                        env[one.name] = known
                        changed = True
