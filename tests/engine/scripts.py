"""
Policies that change, at random: rules to start with, and rules that may come later.

Policies drawn at large, as in `strategies`, are mostly of the kind whose answer is
empty whatever comes. So most levels are made from shapes here, which join, negate, fold and
recur over whatever tables there are without asking for much. Each level also has
rules and facts that may come later, also such as make a table recursive. The
tables are then dealt out to up to three policies, which read each other's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from congresslite import Policy
from congresslite.schema import Scalar, Type
from tests.engine.strategies import POOLS, Draw, Maker, Pools, literal

NAMES = ("p", "q", "r")
READ = re.compile(r"(?<![\w:.])(t\d|u\d|error|warning)\(")

# Rules for a table T, by its arity: {xy}, {yz} … stand for atoms over these variables, {x} for one over x alone,
# {_x} for an atom over variables that are bound, and {cmp}, {fold} for an ordering and an aggregate.
PLAIN: Mapping[int, Sequence[str]] = {
    0: ("T() :- {xy}, {_yx}.", "T() :- {x}, not {_xx}.", "T() :- {x}."),
    1: (
        "T(x) :- {xy}, {yz}.",
        "T(x) :- {x}, not {_x}.",
        "T(x) :- {xy}, not {_yx}.",
        "T(y) :- ({xy}) or ({yz}).",
        "T(x) :- {xx}.",
        "T(x) :- {x}, ({_x}) or (not {_xx}).",
        "T(x) :- {xy}, x {cmp} y, not {_y}.",
        "T(z) :- {xy}, z = x + y.",
    ),
    2: (
        "T(x, y) :- {xy}.",
        "T(x, z) :- {xy}, {yz}.",
        "T(x, w) :- {xy}, {yz}, {zw}.",
        "T(x, y) :- {xy}, not {_yx}.",
        "T(x, y) :- {x}, {y}, not {_xy}.",
        "T(x, y) :- {xy}, x {cmp} y.",
        "T(y, x) :- {xy}, not {_x}.",
        "T(x, z) :- {xy}, ({yz}) or ({zy}, not {_z}).",
        "T(x, z) :- {xy}, z = y * 2.",
        "T(x, y) :- {xy}, {_yx}, {_xx}.",
    ),
}
FOLDED = (
    "T(x, {fold}(y)) :- {xy}.",
    "T(x, {fold}(z)) :- {xy}, {yz}.",
    "T(y, {fold}(x)) :- {xy}, not {_yx}.",
    "T(x, {fold}(y)) :- ({xy}) or ({yx}).",
    "T(x, {fold}(y)) :- {xy}, x {cmp} y.",
)
# How a recursive table, or two of them through each other, come from others and from themselves.
RECURSIVE: Sequence[Sequence[str]] = (
    ("T(x, y) :- {xy}.", "T(x, z) :- T(x, y), {yz}."),
    ("T(x, y) :- {xy}.", "T(x, z) :- {xy}, T(y, z)."),
    ("T(x, y) :- {xy}.", "T(x, z) :- T(x, y), T(y, z)."),
    ("T(x, y) :- {xy}.", "T(x, z) :- T(x, y), T(y, z), not {_xz}."),
    ("T(x, y) :- {xy}, not {_yx}.", "T(x, z) :- T(x, y), {yz}, not {_zx}."),
    ("T(x, y) :- {xy}.", "T(x, w) :- {xy}, T(y, z), {zw}."),
    ("T(x, y) :- {xy}.", "T(x, z) :- U(x, y), {yz}.", "U(x, y) :- T(x, y), not {_x}."),
    ("T(x, y) :- {xy}.", "U(x, y) :- {yx}.", "T(x, z) :- T(x, y), U(y, z).", "U(x, z) :- U(x, y), T(y, z)."),
    ("T(x) :- {x}.", "T(y) :- T(x), {xy}."),
    ("T(x) :- {x}, not {_xx}.", "T(y) :- T(x), {xy}, not {_yx}."),
    ("T(x) :- {x}.", "T(z) :- T(x), T(y), {_xy}, {yz}."),
    ("T(x) :- {x}.", "U(y) :- T(x), {xy}.", "T(y) :- U(x), {xy}."),
    ("T() :- {xx}.", "T() :- T(), {x}."),
)
HOLE = re.compile(r"\{(_?)([a-z]+)\}")


class Author(Maker):
    """Writes rules, and beside them those that may come later."""

    def __init__(self, draw: Draw, pools: Pools) -> None:
        super().__init__(draw, pools)
        self.later: list[str] = []

    def add_level(self, level: int) -> None:
        """One table, or two that are recursive through each other, and what may come to them later."""
        below = self.tables.copy()
        if self.chance(25):
            super().add_level(level)
            if self.rules[-1].endswith((" + 1.", " + 2.")):
                return  # a table that counts: from what may come it would count for ever
        else:
            self.add_shaped(f"t{level}", f"u{level}")
        above = self.tables
        now, self.rules, self.tables = self.rules, [], below
        for name, kinds in above.items():
            for _ in range(self.pick([0, 0, 1, 2]) if name not in below else 0):
                self.add_another(name, kinds)
        self.later += self.rules
        self.rules, self.tables = now, above

    def add_shaped(self, name: str, second: str) -> None:
        """A level of a shape: plain, folded or recursive."""
        kind = self.pick(["plain", "plain", "folded", "recursive", "recursive"])
        if kind == "recursive":
            shapes = self.pick(RECURSIVE)
            names = (name, second) if any("U(" in shape for shape in shapes) else (name,)
            self.rules += [self.filled(shape, name, second) for shape in shapes]
        else:
            names = (name,)
            shapes = FOLDED if kind == "folded" else PLAIN[self.pick([0, 1, 1, 2, 2, 2])]
            shapes = [self.pick(shapes) for _ in range(self.pick([1, 1, 2]))]
            self.rules += [self.filled(shape, name, second) for shape in shapes]
        head = shapes[0].partition(" :- ")[0]
        # Known only now: what a level reads without being told to is always of lower levels, which it may negate.
        self.tables.update(dict.fromkeys(names, (Type.ANY,) * (0 if head == "T()" else head.count(",") + 1)))

    def add_another(self, name: str, kinds: Sequence[Type]) -> None:
        """A rule or a fact more of a table that has some."""
        if self.chance(25):
            self.rules.append(f"{name}({', '.join(literal(self.pick(self.pools[Type.ANY])) for _ in kinds)}).")
        elif kinds and len(kinds) < 3 and self.chance(35):
            shape = "T(x, z) :- T(x, y), {yz}." if len(kinds) == 2 else "T(y) :- T(x), {xy}."
            self.rules.append(self.filled(shape, name, name))
        elif len(kinds) < 3:
            self.rules.append(self.filled(self.pick(PLAIN[len(kinds)]), name, name))
        else:
            self.add_rule(name, len(kinds), {})

    def add_later_violation(self) -> None:
        """A rule of `error` or `warning` that may come later."""
        now, self.rules = self.rules, []
        self.add_violation()
        self.later += self.rules
        self.rules = now

    def add_violation(self) -> None:
        """A rule whose head is `error` or `warning`, mostly of a shape."""
        if self.chance(40):
            super().add_violation()
            return
        shape = self.pick(PLAIN[self.pick([0, 1, 2, 2])])
        self.rules.append(self.filled(shape, self.pick(["error", "warning"]), ""))

    # Shapes

    def filled(self, shape: str, name: str, second: str) -> str:
        """A rule of a shape, its holes filled."""
        rule = re.sub(r"\b([TU])\(", lambda found: f"{name if found[1] == 'T' else second}(", shape)
        return HOLE.sub(lambda found: self._fill(found[2], bound=bool(found[1])), rule)

    def _fill(self, hole: str, *, bound: bool) -> str:
        match hole:
            case "cmp":
                return str(self.pick(["<", "<=", ">", "!=", "="]))
            case "fold":
                return str(self.pick(["count", "count_distinct", "sum", "min", "max", "avg"]))
            case _:
                return self._over(list(hole), bound=bound)

    def _over(self, variables: list[str], *, bound: bool) -> str:
        """An atom over one or two variables, the rest of it `_`, or rarely a constant."""
        usable = {
            name: places
            for name, kinds in self.tables.items()
            if len(places := [at for at, kind in enumerate(kinds) if kind in (Type.ANY, Type.INT)]) >= len(variables)
        }
        # What everything can be made of comes up more often than anything else.
        name = self.pick([*usable, *(["s:e", "s:q"] if len(variables) == 2 else ["s:p"])])
        places = self.draw(st.permutations(usable[name])) if self.chance(25) else usable[name]
        terms = dict(zip(places, variables, strict=False))
        return f"{name}({', '.join(terms.get(at) or self._rest(at, name) for at in range(len(self.tables[name])))})"

    def _rest(self, at: int, name: str) -> str:
        return literal(self.pick(self.pools[self.tables[name][at]])) if self.chance(8) else "_"


@dataclass(frozen=True)
class Script:
    """The rules of each policy: those that it starts with, and those that may come later."""

    first: Mapping[str, tuple[str, ...]]
    later: Mapping[str, tuple[str, ...]]

    def opening(self, name: str) -> Policy:
        """A policy as it is in the beginning."""
        return Policy(name, "\n".join(self.first[name]))

    def variant(self, draw: Draw, name: str) -> Policy:
        """A policy with other rules. It mostly keeps a rule for each of its tables, or else its readers would break."""
        lines: list[str] = []
        heads = {"error", "warning"}
        for line in self.first[name]:
            keep = 65 if head_of(line) in heads else 97
            if draw(st.integers(0, 99)) < keep:
                lines.append(line)
            heads.add(head_of(line))
        lines += [line for line in self.later[name] if draw(st.booleans())]
        return Policy(name, "\n".join(lines))


def head_of(line: str) -> str:
    """The table that a rule or fact derives."""
    return line.partition("(")[0]


def draw_pools(draw: Draw) -> Pools:
    """Few values of each kind, in rows and rules alike, or else hardly any join would hit; integers are everywhere."""
    pools: dict[Type, list[Scalar]] = {
        kind: draw(st.lists(st.sampled_from(pool), min_size=2, max_size=4)) for kind, pool in POOLS.items()
    }
    pools[Type.INT] = [1, 2, 3, *pools[Type.INT][:1]]
    pools[Type.ANY] = [1, 2, *pools[Type.ANY][:2]]
    return pools


@st.composite
def scripts(draw: Draw, pools: Pools) -> Script:
    """One to three levels of tables, perhaps violations, dealt out to one to three policies."""
    author = Author(draw, pools)
    for level in range(draw(st.integers(1, 3))):
        author.add_level(level)
    for _ in range(draw(st.integers(0, 2))):
        author.add_violation()
    if author.chance(30):
        author.add_later_violation()
    names = NAMES[: draw(st.integers(1, 3))]
    heads = dict.fromkeys(map(head_of, [*author.rules, *author.later]))
    owners = {head: draw(st.sampled_from(names)) for head in heads}
    return Script(_dealt(author.rules, owners, names), _dealt(author.later, owners, names))


def _dealt(lines: Sequence[str], owners: Mapping[str, str], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Rules by the policy that owns their table; tables of other policies are read under their full names."""
    dealt: dict[str, list[str]] = {name: [] for name in names}
    for line in dict.fromkeys(lines):
        policy = owners[head_of(line)]
        head, arrow, body = line.partition(" :- ")
        dealt[policy].append(f"{head}{arrow}{_full(body, policy, owners)}")
    return {name: tuple(each) for name, each in dealt.items()}


def _full(body: str, policy: str, owners: Mapping[str, str]) -> str:
    """A body in which tables of other policies have their full names."""
    return READ.sub(
        lambda found: found[0] if owners.get(found[1], policy) == policy else f"{owners[found[1]]}:{found[0]}", body
    )
