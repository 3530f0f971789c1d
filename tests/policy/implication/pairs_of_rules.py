"""
Pairs of rules and legal databases at random, small enough that much is implied and that joins hit.

One rule is made first; the other is made of it by what mostly keeps an implication one way or the other (literals
that come or go, a constant for a variable, one variable for two, a tighter or wider comparison), and by what mostly
does not. Rules are text, so that they go the whole way through parser and checks; those that do not pass are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from congresslite.schema import Catalog, Choice, Column, Range, Reference, Row, Scalar, TableSchema, Type, identity

Draw = Any  # hypothesis' draw function

SCHEMAS = (
    TableSchema(
        "s:host",
        (
            Column("id", Type.STR),
            Column("disk", Type.STR, domain=Choice(("ssd", "hdd"))),
            Column("n", Type.INT, domain=Range(0, 3)),
        ),
        key=("id",),
    ),
    TableSchema(
        "s:vm",
        (
            Column("id", Type.STR),
            Column("host", Type.STR, references=Reference("s:host", "id")),
            Column("n", Type.INT),
        ),
        key=("id",),
    ),
    TableSchema(
        "s:link",
        (
            Column("a", Type.STR, references=Reference("s:vm", "id")),
            Column("b", Type.STR, references=Reference("s:vm", "id")),
        ),
    ),
    TableSchema("s:pair", (Column("x"), Column("y"))),
    TableSchema("s:mark", (Column("x"), Column("on", Type.BOOL), Column("w", Type.FLOAT)), key=("x",)),
)
CATALOG = Catalog.of(SCHEMAS)
DERIVED = """
table level(name: str key, n: int in 0..3).
level("a", 1). level("b", 2).
slow(h) :- s:host(h, "hdd", _).
busy(h) :- s:vm(_, h, n), n > 1.
busy("a").
busy(h) :- s:host(h, _, 3).
near(x, y) :- s:link(x, y).
near(x, y) :- s:link(y, x).
quiet(h) :- s:host(h, _, _), not s:vm(_, h, _).
load(h, sum(n)) :- s:vm(_, h, n).
"""
KINDS = {
    "s:host": ("s", "s", "n"),
    "s:vm": ("s", "s", "n"),
    "s:link": ("s", "s"),
    "s:pair": ("x", "x"),
    "s:mark": ("x", "x", "x"),
    "slow": ("s",),
    "busy": ("s",),
    "near": ("s", "s"),
    "quiet": ("s",),
    "level": ("s", "n"),
    "load": ("s", "n"),
}
CONSTANTS = {
    "s": ('"a"', '"b"', '"ssd"', '"hdd"', "null"),
    "n": ("0", "1", "2", "3", "null"),
    "x": ("1", "1.5", "true", "false", '"a"', "null", "2"),
}
VARIABLES = {kind: tuple(f"{kind}{number}" for number in (1, 2, 3)) for kind in CONSTANTS}
ORDERINGS = ("<", "<=", ">", ">=")
WORD = re.compile(r"\b[snx][123]\b")


@dataclass(frozen=True)
class Pair:
    """Two rules, of tables `r` and `s` (or of one table each with a head of the same terms)."""

    premise: str
    conclusion: str

    @property
    def text(self) -> str:
        """The policy that has both."""
        return f"{DERIVED}{self.premise}\n{self.conclusion}\n"


@dataclass
class Written:
    """A rule that is being written."""

    head: list[str]
    body: list[str]

    def text(self, table: str) -> str:
        """The rule, for a table of this name."""
        return f"{table}({', '.join(self.head)}) :- {', '.join(self.body)}."

    def used(self) -> list[str]:
        """The variables that occur in it, sorted."""
        return sorted(set(WORD.findall(" ".join((*self.head, *self.body)))))

    def replaced(self, variable: str, term: str) -> Written:
        """The rule with a term for a variable."""

        def put(text: str) -> str:
            return re.sub(rf"\b{variable}\b", term, text)

        return Written([put(each) for each in self.head], [put(each) for each in self.body])


class Maker:
    """Writes rules."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return self.draw(st.sampled_from(list(options)))

    def chance(self, percent: int) -> bool:
        """True that often."""
        return bool(self.draw(st.integers(0, 99)) < percent)

    def rule(self) -> Written:
        """A rule with one to three atoms and some tests."""
        body = [self.atom() for _ in range(self.draw(st.integers(1, 3)))]
        written = Written([], body)
        bound = written.used()
        if bound:
            written.head = [self.pick(bound) for _ in range(self.draw(st.integers(1, 2)))]
            written.body += [self.test(bound) for _ in range(self.draw(st.integers(0, 3)))]
        else:
            written.head = ["1"]
        return written

    def term(self, kind: str, percent: int = 15) -> str:
        """A variable, a blank, or (so often) a constant."""
        if self.chance(percent):
            return str(self.pick(CONSTANTS[kind]))
        return "_" if self.chance(25) else str(self.pick(VARIABLES[kind]))

    def atom(self) -> str:
        """An atom of any table."""
        table = self.pick(list(KINDS))
        return f"{table}({', '.join(self.term(kind) for kind in KINDS[table])})"

    def test(self, bound: Sequence[str]) -> str:
        """A literal that binds nothing that is used elsewhere."""
        makers = [self.comparison, self.comparison, self.membership, self.absence, self.absence, self.builtin, self.sum]
        if self.chance(12):
            return f"({self.pick(makers)(bound)}) or ({self.pick(makers)(bound)})"
        return str(self.pick(makers)(bound))

    def comparison(self, bound: Sequence[str]) -> str:
        """A comparison with another variable or a constant."""
        one = self.pick(bound)
        alike = [each for each in bound if each[0] == one[0]]
        other = self.pick(alike if self.chance(40) else CONSTANTS[one[0]])
        if self.chance(10) and other != "null":
            return f"not {one} {self.pick(ORDERINGS)} {other}"
        operators = ("=", "!=", "!=") if other in ("null", "true", "false") else ("=", "!=", *ORDERINGS, *ORDERINGS)
        return f"{one} {self.pick(operators)} {other}"

    def membership(self, bound: Sequence[str]) -> str:
        """A list of values."""
        one = self.pick(bound)
        values = self.draw(st.lists(st.sampled_from(CONSTANTS[one[0]]), min_size=1, max_size=3, unique=True))
        return f"{'not ' if self.chance(30) else ''}{one} in [{', '.join(values)}]"

    def absence(self, bound: Sequence[str]) -> str:
        """A row that is not there."""
        table = self.pick(list(KINDS))
        terms = []
        for kind in KINDS[table]:
            known = [each for each in bound if each[0] == kind]
            terms.append(
                self.pick(known)
                if known and self.chance(60)
                else "_"
                if self.chance(60)
                else self.pick(CONSTANTS[kind])
            )
        return f"not {table}({', '.join(terms)})"

    def builtin(self, bound: Sequence[str]) -> str:
        """A test of texts."""
        texts = [each for each in bound if each[0] in "sx"]
        if not texts:
            return self.comparison(bound)
        one, negated = self.pick(texts), "not " if self.chance(30) else ""
        name, text = self.pick(["startswith", "contains", "endswith"]), self.pick(CONSTANTS["s"][:3])
        return f"{negated}{name}({one}, {text})"

    def sum(self, bound: Sequence[str]) -> str:
        """A comparison of something calculated."""
        numbers = [each for each in bound if each[0] in "nx"]
        if not numbers:
            return self.comparison(bound)
        return f"{self.pick(numbers)} {self.pick('+-*')} {self.pick([*numbers, '1'])} {self.pick(ORDERINGS)} 2"

    # The other rule

    def changed(self, rule: Written) -> Written:
        """A rule that mostly says more than another."""
        for _ in range(self.draw(st.integers(0, 3))):
            rule = self.pick([self.added, self.added, self.special, self.merged, self.tightened, self.fewer])(rule)
        if self.chance(30):
            rule = Written(rule.head, self.draw(st.permutations(rule.body)))
        return rule

    def added(self, rule: Written) -> Written:
        """One more literal."""
        used = rule.used()
        more = self.test(used) if used and self.chance(70) else self.atom()
        return Written(rule.head, [*rule.body, more])

    def special(self, rule: Written) -> Written:
        """A constant for a variable."""
        used = rule.used()
        if not used:
            return rule
        one = self.pick(used)
        return rule.replaced(one, self.pick(CONSTANTS[one[0]]))

    def merged(self, rule: Written) -> Written:
        """One variable for two."""
        used = rule.used()
        if not used:
            return rule
        one = self.pick(used)
        return rule.replaced(one, self.pick([each for each in used if each[0] == one[0]]))

    def tightened(self, rule: Written) -> Written:
        """Another number in one literal, or another comparison."""
        place = self.draw(st.integers(0, len(rule.body) - 1))
        changed = re.sub(r" ([<>]=?|!?=) ", f" {self.pick(ORDERINGS)} ", rule.body[place], count=1)
        if self.chance(50):
            changed = re.sub(r"\b[0-3]\b", str(self.pick("0123")), rule.body[place], count=1)
        return Written(rule.head, [*rule.body[:place], changed, *rule.body[place + 1 :]])

    def fewer(self, rule: Written) -> Written:
        """One literal less."""
        if len(rule.body) < 2:
            return rule
        place = self.draw(st.integers(0, len(rule.body) - 1))
        return Written(rule.head, [*rule.body[:place], *rule.body[place + 1 :]])


@st.composite
def pairs(draw: Draw) -> Pair:
    """A rule and one that is made of it, in either order; sometimes two that have nothing to do with each other."""
    made = Maker(draw)
    rule = made.rule()
    other = made.rule() if made.chance(5) else made.changed(rule)
    if made.chance(25):
        rule, other = other, rule
    return Pair(other.text("r"), rule.text("s"))


def database(seed: int) -> dict[str, list[Row]]:
    """Rows that keep every key, reference and domain; a number stands for each of them, since drawing them is slow."""
    random = Random(seed)
    names: Sequence[Scalar] = ("a", "b", None)
    anything: Sequence[Scalar] = (None, True, False, 1, 1.5, 2, "a", "s", 3)
    most = random.choice((2, 4, 8))

    def some(*columns: Sequence[Scalar]) -> list[Row]:
        return [tuple(map(random.choice, columns)) for _ in range(random.randint(0, most))]

    def keyed(*columns: Sequence[Scalar]) -> list[Row]:
        return list({identity(row[0]): row for row in some(*columns)}.values())

    hosts = keyed(names, ("ssd", "hdd", "hdd", None), (0, 1, 2, 3, None))
    vms = keyed(names, (*(row[0] for row in hosts), None), (0, 1, 2, 3, 5, None))
    referred = (*(row[0] for row in vms), None)
    return {
        "s:host": hosts,
        "s:vm": vms,
        "s:link": some(referred, referred),
        "s:pair": some(anything, anything),
        "s:mark": keyed(anything, (True, False, None), (0.5, 1, 1.5, 2, None)),
    }
