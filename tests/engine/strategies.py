"""
Policies and rows at random: small enough that joins hit, and of every kind that the language has.

A policy is made as text, so that it goes the whole way through parser and
checks. Terms are drawn by what they may hold (`kind`), so that most policies
pass the checks; those that do not are left out by whoever draws them. Rules
are written in levels: a rule reads base tables, the tables of lower levels and,
without negation, those of its own, so that every policy is stratified.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from congresslite.schema import Catalog, Column, Row, Scalar, TableSchema, Type

Draw = Any  # hypothesis' draw function
Pools = Mapping[Type, Sequence[Scalar]]

POOLS: Pools = {
    Type.ANY: (None, True, False, 0, 1, 2, 3, -1, 0.5, 1.5, "", "a", "b", "1", 2**53 + 1, 2**63 - 1, -(2**63)),
    Type.INT: (None, 0, 1, 2, 3, 4, -1),
    Type.FLOAT: (None, 0.5, 1, 1.5, 2, -2.25, 0.1, 1e300),
    Type.STR: (None, "", "a", "b", "ab", "a b", "é"),
    Type.BOOL: (None, True, False),
}
COLUMNS: dict[str, tuple[Type, ...]] = {
    "s:p": (Type.ANY,),
    "s:e": (Type.INT, Type.INT),
    "s:q": (Type.ANY, Type.ANY),
    "s:r": (Type.INT, Type.STR, Type.FLOAT),
    "s:f": (Type.STR, Type.BOOL),
    "s:w": (Type.ANY, Type.INT, Type.ANY),
}
BASE = {
    name: TableSchema(name, tuple(Column(f"c{i}", type_) for i, type_ in enumerate(types, start=1)))
    for name, types in COLUMNS.items()
}
CATALOG = Catalog.of(BASE.values())
NUMERIC = (Type.ANY, Type.INT, Type.FLOAT)
TEXTUAL = (Type.ANY, Type.STR)
ORDERINGS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Case:
    """A policy and the rows it is evaluated over."""

    text: str
    tables: dict[str, list[Row]]

    def __str__(self) -> str:
        rows = "\n".join(f"# {name}: {rows}" for name, rows in self.tables.items() if rows)
        return f"{self.text}\n{rows}"


@dataclass
class Scope:
    """The variables of a rule that are bound so far, with their kinds."""

    kinds: dict[str, Type] = field(default_factory=dict)
    used: int = 0

    def fresh(self) -> str:
        """A variable that is not yet used."""
        self.used += 1
        return f"v{self.used}"

    def of(self, kinds: Sequence[Type]) -> list[str]:
        """The bound variables of these kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]


def literal(value: Scalar) -> str:
    """A value as it is written in a policy."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


@st.composite
def cases(draw: Draw) -> Case:
    """A policy with one to four levels of derived tables, perhaps violations, and rows for the base tables."""
    # Few values a case, in rows and rules alike, or else hardly any join would hit.
    pools = {kind: draw(st.lists(st.sampled_from(pool), min_size=2, max_size=4)) for kind, pool in POOLS.items()}
    made = Maker(draw, pools)
    for level in range(draw(st.integers(1, 4))):
        made.add_level(level)
    for _ in range(draw(st.integers(0, 2))):
        made.add_violation()
    return Case("\n".join(made.rules), {name: draw(rows(types, pools)) for name, types in COLUMNS.items()})


def rows(types: Sequence[Type], pools: Pools) -> st.SearchStrategy[list[Row]]:
    """The rows of a base table, some of them repeated; mostly a handful, rarely none."""
    row = st.tuples(*(st.sampled_from(pools[type_]) for type_ in types))
    return st.one_of(
        st.lists(row, min_size=3, max_size=9), st.lists(row, min_size=2, max_size=9), st.lists(row, max_size=1)
    )


class Maker:
    """Writes the rules of one policy."""

    def __init__(self, draw: Draw, pools: Pools) -> None:
        self.draw = draw
        self.pools = pools
        self.rules: list[str] = []
        self.tables: dict[str, tuple[Type, ...]] = dict(COLUMNS)  # what the next level may read

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return self.draw(st.sampled_from(list(options)))

    def chance(self, percent: int) -> bool:
        """True that often."""
        return bool(self.draw(st.integers(0, 99)) < percent)

    # Levels and rules

    def add_level(self, level: int) -> None:
        """One derived table, or two that are recursive through each other."""
        shape = self.pick(["plain", "plain", "plain", "aggregate", "aggregate", "recursive", "mutual", "counting"])
        names = [f"t{level}", f"u{level}"] if shape == "mutual" else [f"t{level}"]
        if shape == "aggregate":
            self.tables[names[0]] = self.add_aggregate(names[0])
        elif shape == "counting":
            self.rules += [
                f"{names[0]}(x) :- s:e(x, _).",
                f"{names[0]}(y) :- {names[0]}(x), x < 6, y = x + {self.pick([1, 2])}.",
            ]
            self.tables[names[0]] = (Type.INT,)
        elif shape == "plain":
            arity = self.draw(st.integers(0, 3))
            kinds = [self.add_rule(names[0], arity, {}) for _ in range(self.draw(st.integers(1, 2)))]
            self.tables[names[0]] = self.united([*kinds, *self.add_facts(names[0], arity)])
        else:
            self.add_recursive(names)

    def add_recursive(self, names: list[str]) -> None:
        """Base rules, and rules that read the level itself: linear, non-linear or mutual."""
        arity = self.draw(st.integers(1, 2))
        own = {name: self.add_rule(name, arity, {}, simple=True) for name in names}
        for index, name in enumerate(names):
            other = names[1 - index] if len(names) == 2 else name
            if arity == 2 and self.chance(60):
                step = self.pick([other, name, "s:e", "s:q"])
                first, second = self.pick([(other, step), (step, other)])
                self.rules.append(f"{name}(x, z) :- {first}(x, y), {second}(y, z).")
            else:
                self.add_rule(name, arity, own, must=other, simple=True)
        # What the recursive rules add to the kinds is not followed: `any` goes with all of them.
        self.tables.update(dict.fromkeys(names, (Type.ANY,) * arity))

    def add_rule(
        self, name: str, arity: int, own: dict[str, tuple[Type, ...]], must: str | None = None, *, simple: bool = False
    ) -> tuple[Type, ...]:
        """A rule without aggregates; gives the kinds of its head. `own` are tables of its level, never negated."""
        scope = Scope()
        body = self.body(scope, own, must, simple=simple)
        head = [self.head_term(scope) for _ in range(arity)]
        self.rules.append(f"{name}({', '.join(head)}) :- {', '.join(body)}.")
        return tuple(scope.kinds.get(term, Type.ANY) for term in head)

    def add_facts(self, name: str, arity: int) -> list[tuple[Type, ...]]:
        """Sometimes, facts beside the rules; and the kinds of their values."""
        if not arity or not self.chance(20):
            return []
        for _ in range(self.draw(st.integers(1, 2))):
            values = ", ".join(literal(self.pick(self.pools[Type.ANY])) for _ in range(arity))
            self.rules.append(f"{name}({values}).")
        return [(Type.ANY,) * arity]

    def united(self, kinds: list[tuple[Type, ...]]) -> tuple[Type, ...]:
        """The kinds of a table's columns, of those of its rules."""
        return tuple(column[0] if len(set(column)) == 1 else Type.ANY for column in zip(*kinds, strict=True))

    def add_aggregate(self, name: str) -> tuple[Type, ...]:
        """One or two rules with the same aggregates in their heads."""
        functions = self.draw(
            st.lists(st.sampled_from(["count", "count_distinct", "sum", "min", "max", "avg"]), min_size=1, max_size=2)
        )
        groups = self.draw(st.integers(0, 2))
        for _ in range(self.draw(st.integers(1, 2))):
            scope = Scope()
            body = self.body(scope, {})
            scope.kinds = scope.kinds or {"1": Type.INT}
            head: list[str] = [self.pick(list(scope.kinds)) for _ in range(groups)]
            for function in functions:
                numeric = scope.of(NUMERIC) if function in ("sum", "avg") else []
                head.append(f"{function}({self.pick(numeric or list(scope.kinds))})")
            self.rules.append(f"{name}({', '.join(head)}) :- {', '.join(body)}.")
        return tuple([Type.ANY] * (groups + len(functions)))

    def add_violation(self) -> None:
        """A rule whose head is `error` or `warning`, of any arity."""
        name, arity = self.pick(["error", "warning"]), self.draw(st.integers(0, 3))
        self.add_rule(name, arity, {})
        if self.chance(30):
            columns = ", ".join(f"x{i}" for i in range(arity))
            self.rules.append(f"seen.{name}.{arity}({columns}) :- {name}({columns}).")

    def head_term(self, scope: Scope) -> str:
        """A bound variable, rarely a constant."""
        if not scope.kinds or self.chance(5):
            return literal(self.pick(self.pools[Type.ANY]))
        return str(self.pick(list(scope.kinds)))

    # Bodies

    def body(
        self, scope: Scope, own: dict[str, tuple[Type, ...]], must: str | None = None, *, simple: bool = False
    ) -> list[str]:
        """The literals of a body, in an order that means nothing."""
        readable = {**self.tables, **own}
        more = self.pick([0, 1] if simple else [0, 1, 1, 2])
        tables = [must or self.pick(list(readable)), *(self.pick(list(readable)) for _ in range(more))]
        atoms = [self.atom(scope, name, readable) for name in tables]
        makers = [self.comparison, self.membership, self.negation, self.binding, self.call, self.disjunction]
        if simple:
            makers = [self.comparison, self.negation]
        rest = [self.pick(makers)(scope) for _ in range(self.pick([0, 0, 1, 1, 2, 3]))]
        return [str(each) for each in self.draw(st.permutations(atoms + rest))]

    def atom(self, scope: Scope, name: str, readable: dict[str, tuple[Type, ...]], *, binds: bool = True) -> str:
        """An atom; with `binds` unset, it has bound variables, constants and `_` only."""
        kinds = readable[name]
        terms = [self.term(scope, kind, binds=binds) for kind in kinds]
        if name in BASE and self.chance(20):
            named = [f"{BASE[name].columns[i].name}={term}" for i, term in enumerate(terms) if term != "_"]
            return f"{name}({', '.join(named)})"
        return f"{name}({', '.join(terms)})"

    def term(self, scope: Scope, kind: Type, *, binds: bool) -> str:
        """A term for a column: a known variable, a constant, `_`, or a new variable."""
        known = scope.of([other for other in Type if other is kind or Type.ANY in (other, kind)])
        if kind.is_number:
            known = scope.of(NUMERIC)
        choice = self.draw(st.integers(0, 99))
        if known and choice < (45 if binds else 70):
            name = self.pick(known)
            if scope.kinds[name] is Type.ANY:
                scope.kinds[name] = kind
            return str(name)
        if choice > 85:
            return "_"
        if choice > 77 or not binds:
            return literal(self.pick(self.pools[kind]))
        name = scope.fresh()
        scope.kinds[name] = kind
        return name

    def negation(self, scope: Scope) -> str:
        """`not` before an atom of a lower level."""
        return f"{self.pick(['not ', '!'])}{self.atom(scope, self.pick(list(self.tables)), self.tables, binds=False)}"

    def comparison(self, scope: Scope) -> str:
        """Two terms of kinds that compare, perhaps negated."""
        numbers, texts = scope.of(NUMERIC), scope.of(TEXTUAL)
        no = self.pick(["", "", "not "])
        if numbers and self.chance(70):
            return f"{no}{self.number(scope)} {self.pick((*ORDERINGS, '=', '!='))} {self.number(scope)}"
        if texts:
            right = self.pick(texts) if self.chance(50) else literal(self.pick(self.pools[Type.STR]))
            return f"{no}{self.pick(texts)} {self.pick((*ORDERINGS, '=', '!='))} {right}"
        if scope.kinds:
            name = self.pick(list(scope.kinds))
            return f"{no}{name} {self.pick(['=', '!='])} {literal(self.pick(self.pools[scope.kinds[name]]))}"
        return "1 < 2"

    def number(self, scope: Scope, depth: int = 0) -> str:
        """A variable or constant that can be calculated with, or arithmetic on those."""
        numbers = scope.of(NUMERIC)
        choice = self.draw(st.integers(0, 99))
        if choice < 25 and depth < 2:
            operator = self.pick(["+", "-", "*", "/", "%"])
            return f"({self.number(scope, depth + 1)} {operator} {self.number(scope, depth + 1)})"
        if numbers and choice < 80:
            return str(self.pick(numbers))
        return literal(self.pick([0, 1, 2, 3, -1, 0.5, 1.5, 4]))

    def membership(self, scope: Scope) -> str:
        """A variable in a list of values, perhaps negated."""
        if not scope.kinds:
            return "1 in [1, 2]"
        name = self.pick(list(scope.kinds))
        values = self.draw(st.lists(st.sampled_from(self.pools[scope.kinds[name]]), min_size=1, max_size=3))
        return f"{self.pick(['', '', 'not '])}{name} in [{', '.join(map(literal, values))}]"

    def binding(self, scope: Scope) -> str:
        """`v = expression`, which gives v its value."""
        expression = self.number(scope)
        name = scope.fresh()
        scope.kinds[name] = Type.ANY
        return f"{name} = {expression}" if self.chance(80) else f"{expression} = {name}"

    def call(self, scope: Scope) -> str:
        """A builtin whose inputs are bound."""
        numbers, texts = scope.of(NUMERIC), scope.of(TEXTUAL)
        no = self.pick(["", "", "not "])
        if texts and self.chance(60):
            text = self.pick(texts)
            name = self.pick(["len", "upper", "concat", "startswith", "contains", "split", "matches", "int"])
            match name:
                case "startswith" | "contains" | "matches":
                    return f'{no}{name}({text}, "{self.pick(["a", "b", "ab"])}")'
                case "split":
                    first, second = scope.fresh(), scope.fresh()
                    scope.kinds |= {first: Type.INT, second: Type.STR}
                    return f'split({text}, " ", {first}, {second})'
                case "concat":
                    inputs = f"{text}, {self.pick(texts)}"
                case _:
                    inputs = text
            return self.function(scope, name, inputs)
        if numbers:
            name = self.pick(["lt", "gteq", "equal", "max", "plus", "div", "minus"])
            inputs = f"{self.pick(numbers)}, {self.number(scope)}"
            return f"{no}{name}({inputs})" if name in ("lt", "gteq", "equal") else self.function(scope, name, inputs)
        return "builtin:equal(1, 1)"

    def function(self, scope: Scope, name: str, inputs: str) -> str:
        """A builtin with one result: bound by it, compared with it, or negated."""
        choice = self.pick(["bound", "bound", "compared", "negated"])
        if choice == "bound":
            output = scope.fresh()
            scope.kinds[output] = Type.ANY
            return f"{name}({inputs}, {output})"
        known = scope.of([Type.ANY])
        output = str(self.pick(known)) if known else "_"
        if name in ("max", "plus", "div", "minus", "len", "int") and self.chance(30):
            output = self.number(scope)
        return f"{'not ' if choice == 'negated' else ''}{name}({inputs}, {output})"

    def disjunction(self, scope: Scope) -> str:
        """Two or three branches, each with variables of its own, and perhaps one that all of them bind."""
        shared = scope.fresh() if self.chance(50) else None
        branches, used = [], scope.used
        for _ in range(self.draw(st.integers(2, 3))):
            inner = Scope(dict(scope.kinds), used)
            parts = []
            if shared is not None:
                parts.append(self.shared_atom(inner, shared))
            if shared is None or self.chance(40):
                maker = self.pick([self.comparison, self.membership, self.negation, self.reading])
                parts.append(maker(inner))
            branches.append(f"({', '.join(parts)})")
            used = inner.used
        scope.used = used
        if shared is not None:
            scope.kinds[shared] = Type.ANY
        return " or ".join(branches)

    def reading(self, scope: Scope) -> str:
        """An atom that binds."""
        return self.atom(scope, self.pick(list(self.tables)), self.tables)

    def shared_atom(self, scope: Scope, shared: str) -> str:
        """An atom, or a binding, that gives the shared variable its value."""
        tables = [name for name, kinds in self.tables.items() if Type.ANY in kinds]
        if self.chance(20):
            return f"{shared} = {self.number(scope)}"
        name = self.pick(tables)
        place = self.tables[name].index(Type.ANY)
        terms = [
            shared if i == place else self.term(scope, kind, binds=True) for i, kind in enumerate(self.tables[name])
        ]
        return f"{name}({', '.join(terms)})"
