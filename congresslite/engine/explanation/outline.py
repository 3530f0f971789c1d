"""
The outline of a program: which rules derive a table, in how many ways, and how high their proofs can be.

How high the proof of a row is depends on the data; between which heights it
must lie depends on the program alone. A table whose proofs all have one height
needs no search: any binding of any rule proves its rows, and proves them best.

Violations are kept by rule, and united under other names for whoever reads
them. These unions are no step of a proof: whoever reads `nfv:error/2` reads
rows of the rules themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from congresslite.engine.explanation.idle import idle_variables
from congresslite.language.program import CheckedRule, Const, Either, Fold, Literal, Match, Program, Var
from congresslite.language.resolution.binding import bound, literal_variables, variables
from congresslite.schema import Row, Scalar, TableSchema, identity

UNBOUNDED = 1 << 60  # no proof is that high


@dataclass(frozen=True, slots=True)
class Heights:
    """Between which heights, both included, the proofs of some rows lie."""

    low: int
    high: int

    @property
    def certain(self) -> bool:
        """Whether all of them have the same height."""
        return self.low == self.high


SOURCE = Heights(0, 0)


@dataclass(frozen=True, eq=False)
class Way:
    """One way through the disjunctions of a rule's body: literals without `or`, in written order.

    `choices` are the branches taken, in the order in which they are met; `idle` the variables that nothing looks at.
    """

    number: int
    literals: tuple[Literal, ...]
    choices: tuple[int, ...]
    idle: frozenset[str]

    @cached_property
    def atoms(self) -> tuple[Match, ...]:
        """The positive atoms, in written order."""
        return tuple(each for each in self.literals if isinstance(each, Match))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The variables that have a value, as `in_order` has them."""
        known = bound(self.literals, frozenset())
        return tuple(name for name in in_order(self.literals, self.idle) if name in known)


@dataclass(frozen=True, eq=False)
class Deriving:
    """A rule with its ways; `number` is its place in the program, `sources` are the program's base tables."""

    number: int
    rule: CheckedRule
    sources: Collection[str]

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """Every way through its disjunctions, in written order."""
        return tuple(
            Way(number, literals, choices, idle_variables(self.rule.head, literals, self.sources))
            for number, (literals, choices) in enumerate(_ways(self.rule.body))
        )

    @cached_property
    def idle(self) -> frozenset[str]:
        """The variables that nothing looks at, whichever way is taken."""
        return idle_variables(self.rule.head, self.rule.body, self.sources)


def in_order(literals: Iterable[Literal], idle: Collection[str]) -> list[str]:
    """All variables of some literals in the order of appearance, those first that people gave a name.

    Idle ones come last of all: they may not decide on what a rule looks at.
    """
    names: dict[str, None] = {}
    for literal in literals:
        terms = literal.terms if isinstance(literal, Match) else ()
        names |= dict.fromkeys((*variables(terms), *sorted(literal_variables(literal))))
    return sorted(names, key=lambda name: (name in idle, "#$".find(name[0])))


def _ways(body: Sequence[Literal]) -> list[tuple[tuple[Literal, ...], tuple[int, ...]]]:
    found: list[tuple[tuple[Literal, ...], tuple[int, ...]]] = [((), ())]
    for literal in body:
        options: list[tuple[tuple[Literal, ...], tuple[int, ...]]] = [((literal,), ())]
        if isinstance(literal, Either):
            branches = enumerate(literal.branches)
            options = [(way, (number, *choices)) for number, branch in branches for way, choices in _ways(branch)]
        found = [(way + more, choices + chosen) for way, choices in found for more, chosen in options]
    return found


def unify(head: Sequence[Var | Const | Fold], row: Row) -> dict[str, Scalar] | None:
    """The values of the head's variables that make it this row, aggregates aside; None if there are none."""
    if len(head) != len(row):
        return None
    values: dict[str, Scalar] = {}
    for term, value in zip(head, row, strict=True):
        if isinstance(term, Fold):
            continue
        expected = term.value if isinstance(term, Const) else values.setdefault(term.name, value)
        if identity(expected) != identity(value):
            return None
    return values


def key_of(row: Iterable[Scalar]) -> tuple[Hashable, ...]:
    """A row as a key in which `true` is not 1."""
    return tuple(identity(value) for value in row)


class Outline:
    """What explanations need to know of a program. Worked out as far as it is asked for; serves any number of threads.

    Each answer is a value that is the same whoever works it out, so two threads at most do the same work twice.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        # Parts of what users know as one table: the rows of single rules.
        self._user_names = {name: name.partition("#")[0] for name in program.tables if "#" in name}
        self._rules: defaultdict[str, list[Deriving]] = defaultdict(list)
        for number, rule in enumerate(program.rules):
            self._rules[rule.table].append(Deriving(number, rule, program.base.keys()))
        self._unions: dict[str, list[Deriving]] = {}
        for name, parts in program.answers.items():
            every = [deriving for part in parts for deriving in self._rules.get(part, ())]
            self._unions[name] = every
            for arity in {len(each.rule.head) for each in every}:
                union = f"{name}/{arity}"
                self._unions[union] = [each for each in every if len(each.rule.head) == arity]
                self._user_names[union] = name
        self._strata = {table: number for number, each in enumerate(program.strata) for table in each.tables}
        self._facts: dict[str, frozenset[tuple[Hashable, ...]]] = {}
        self._heights: dict[str, Heights] = {}

    def deriving(self, table: str) -> Sequence[Deriving]:
        """The rules that derive a table, in written order; none for a table of a source or of facts alone."""
        return self._unions.get(table) or self._rules.get(table) or ()

    def user_name(self, table: str) -> str:
        """A table's name as people know it."""
        return self._user_names.get(table, table)

    def schema(self, table: str) -> TableSchema:
        """The schema of a table, of violations that of the first rule. Raises KeyError if there is no such table."""
        parts = self.program.answers.get(table)
        if parts:
            return self.program.tables[parts[0]]
        return self.program.tables.get(table) or self.program.base[table]

    def naming(self, table: str) -> tuple[str, tuple[str, ...]]:
        """A table's name for users, and its columns."""
        return self.user_name(table), tuple(column.name for column in self.schema(table).columns)

    def is_fact(self, table: str, row: Row) -> bool:
        """Whether a policy itself says so."""
        given = self.program.facts.get(table)
        if not given:
            return False
        if table not in self._facts:
            self._facts[table] = frozenset(map(key_of, given))
        return key_of(row) in self._facts[table]

    # -- heights ---------------------------------------------------------------------------------

    def heights(self, table: str) -> Heights:
        """The heights of the rows that the rules of a table derive; those of sources and facts have height 0."""
        if not self.deriving(table):
            return SOURCE
        if table not in self._heights:
            self._measure(table)
        return self._heights[table]

    def way_heights(self, way: Way) -> Heights:
        """The heights of the rows that one way of a rule derives."""
        for atom in way.atoms:
            self.heights(atom.table)
        return self._above(way, self._heights)

    def _measure(self, table: str) -> None:
        """Work out the heights of a table and of all tables below it, stratum by stratum."""
        # Nobody sees the heights of a recursive stratum before they are final.
        known = dict(self._heights)
        for number in sorted({self._strata[name] for name in self._below(table)}):
            stratum = self.program.strata[number]
            if not stratum.recursive:
                known.update((name, self._of_rules(self.deriving(name), known)) for name in stratum.tables)
                continue
            lows = dict.fromkeys(stratum.tables, Heights(UNBOUNDED, UNBOUNDED))
            before: Mapping[str, Heights] = {}
            while before != lows:
                before = dict(lows)
                known.update(lows)
                for name in stratum.tables:
                    low = self._of_rules(self.deriving(name), known).low
                    known[name] = lows[name] = Heights(low, UNBOUNDED)
        if table not in known:  # violations under their common name, which no stratum has
            known[table] = self._of_rules(self.deriving(table), known)
        self._heights.update(known)

    def _below(self, table: str) -> set[str]:
        """The derived tables that a table depends on through positive atoms, itself included, not yet measured."""
        found: set[str] = set()
        todo = [table]
        while todo:
            name = todo.pop()
            if name in found or name in self._heights:
                continue
            if name in self._strata:
                found.add(name)
            todo += self._read_by(name)
        return found

    def _read_by(self, table: str) -> Iterator[str]:
        for deriving in self.deriving(table):
            for way in deriving.ways:
                yield from (atom.table for atom in way.atoms if self.deriving(atom.table))

    def _of_rules(self, rules: Sequence[Deriving], known: Mapping[str, Heights]) -> Heights:
        ways = [self._above(way, known) for deriving in rules for way in deriving.ways]
        return Heights(min(each.low for each in ways), max(each.high for each in ways)) if ways else SOURCE

    def _above(self, way: Way, known: Mapping[str, Heights]) -> Heights:
        if not way.literals:  # `error("x").` is a fact, though violations are kept by rule
            return SOURCE
        below = [self._of_atom(atom.table, known) for atom in way.atoms]
        low = 1 + max((each.low for each in below), default=0)
        high = 1 + max((each.high for each in below), default=0)
        return Heights(min(low, UNBOUNDED), min(high, UNBOUNDED))

    def _of_atom(self, table: str, known: Mapping[str, Heights]) -> Heights:
        if not self.deriving(table):
            return SOURCE
        heights = known[table]
        return Heights(0, heights.high) if self.program.facts.get(table) else heights


_KEPT = 4
_outlines: tuple[Outline, ...] = ()


def outline_of(program: Program) -> Outline:
    """The outline of a program: kept for the programs that were asked about last, since one is asked about often."""
    global _outlines  # noqa: PLW0603 - replaced as a whole, so that threads need no lock
    for outline in _outlines:
        if outline.program is program:
            return outline
    made = Outline(program)
    _outlines = (made, *_outlines[: _KEPT - 1])
    return made
