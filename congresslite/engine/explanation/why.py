"""
Why: a proof of a row, of minimal height.

Nothing is recorded while tables are derived. The rules of the row's table are
evaluated with the head bound, which costs about one question for each row of
the proof; only where the heights of several bindings may differ are their
premises looked into (see `search`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from congresslite.engine.explanation.expansion import Expander
from congresslite.engine.explanation.goals import Goal, Group, Member, Option
from congresslite.engine.explanation.lookup import Lookup
from congresslite.engine.explanation.outline import Outline, outline_of, unify
from congresslite.engine.explanation.proofs import Branch, Entry, Grouped, Origin, Proof
from congresslite.engine.explanation.search import PATIENCE, WIDTH, Search
from congresslite.engine.explanation.sight import Sight
from congresslite.engine.explanation.telling import absent, held, named, shown
from congresslite.language.program import Either, Literal, Match, NoMatch
from congresslite.schema import Row, Scalar, canonical


def explain(
    lookup: Lookup,
    table: str,
    row: Row,
    *,
    limit: int | None = 20,
    whole: bool = False,
    width: int = WIDTH,
    patience: int = PATIENCE,
) -> Proof | None:
    """The proof of minimal height of a row; None if the row is not there.

    Of several, the one by the first rule, and by the binding with the least values, of its variables in the order
    of the body. `table` is a full name; `nfv:error` stands for all rules with as many columns as the row.
    `limit` is how many bindings of an aggregate's group are shown (None: all of them). Rows of sources have the
    columns that the state holds; with `whole` all, though reading them may take long. At most `width` bindings
    of a rule are looked at, and `patience` questions asked, before a proof is taken that may not be minimal;
    it then says that it is not `complete`. Raises KeyError if there is no such table.
    """
    outline = outline_of(lookup.program)
    given = tuple(canonical(value) for value in row)
    if not holds(lookup, outline, table, given):
        return None
    expander = Expander(Sight(lookup, outline, whole), whole_groups=limit is None)
    goal = expander.goal(table, dict(enumerate(given)))
    return _Writer(expander, Search(expander, width, patience), limit).prove(goal)


def holds(lookup: Lookup, outline: Outline, table: str, row: Row) -> bool:
    """Whether a row is there, in a table as users know it. Raises KeyError if there is no such table."""
    schemas = {part: outline.program.tables[part] for part in outline.program.answers.get(table, ())}
    schemas = schemas or {table: outline.schema(table)}
    return any(lookup.has(name, row) for name, schema in schemas.items() if schema.arity == len(row))


class _Writer:
    """Writes down the proofs of goals that a search settles; each goal once."""

    def __init__(self, expander: Expander, search: Search, limit: int | None) -> None:
        self._expander = expander
        self._outline = expander.outline
        self._search = search
        self._limit = limit
        self._done: dict[Goal, Proof] = {}

    def prove(self, root: Goal) -> Proof:
        """The proof of a goal, those of its premises first."""
        todo = [root]
        while todo:
            goal = todo[-1]
            if goal not in self._done:
                self._search.settle(goal)
                waiting = [each for each in self._premises(goal) if each not in self._done]
                if waiting:
                    todo += reversed(waiting)
                    continue
                self._done[goal] = self._proof(goal)
            todo.pop()
        return self._done[root]

    def _premises(self, goal: Goal) -> list[Goal]:
        """The goals whose proofs a proof shows."""
        return [premise for option in self._shown(goal.chosen) for premise in self._expander.premises(option)]

    def _shown(self, chosen: Option | Group | None) -> list[Option]:
        match chosen:
            case None:
                return []
            case Group():
                return [member.chosen() for member in self._members(chosen)]
            case _:
                return [chosen]

    def _members(self, group: Group) -> Sequence[Member]:
        return group.members if self._limit is None else group.members[: self._limit]

    # -- writing ---------------------------------------------------------------------------------

    def _proof(self, goal: Goal) -> Proof:
        """The proof of a settled goal whose premises are proved."""
        chosen = goal.chosen
        # Of violations, the columns are those of the rule.
        table = goal.table if chosen is None else chosen.deriving.rule.table
        name = self._outline.user_name(table)
        columns, row = shown(self._outline.schema(table), dict(zip(goal.places, goal.row, strict=True)))
        if chosen is None:
            origin: Origin = "fact" if table in self._outline.program.tables else "source"
            return Proof(name, row, columns, 0, origin)
        rule = chosen.deriving.rule
        assert goal.best is not None
        proof = Proof(name, row, columns, goal.best, "rule" if rule.body else "fact", rule, complete=goal.complete)
        if isinstance(chosen, Option):
            return replace(proof, bindings=named(rule, chosen.bindings), body=self._body(chosen))
        shared = named(rule, unify(rule.head, goal.row) or {})
        members = ((member.bindings, self._body(member.chosen())) for member in self._members(chosen))
        group = tuple(Grouped(named(rule, bindings), body) for bindings, body in members)
        return replace(proof, bindings=shared, group=group, total=chosen.total)

    def _body(self, option: Option) -> tuple[Entry, ...]:
        proofs = iter([self._done[premise] for premise in self._expander.premises(option)])
        return tuple(self._entries(option.deriving.rule.body, iter(option.way.choices), option.bindings, proofs))

    def _entries(
        self,
        body: Sequence[Literal],
        choices: Iterator[int],
        bindings: Mapping[str, Scalar],
        proofs: Iterator[Proof],
    ) -> Iterator[Entry]:
        """One entry for each literal, in written order."""
        for literal in body:
            match literal:
                case Match():
                    yield next(proofs)
                case Either(branches):
                    taken = next(choices)
                    inner = tuple(self._entries(branches[taken], choices, bindings, proofs))
                    yield Branch(taken, len(branches), inner)
                case NoMatch():
                    yield absent(self._outline, literal, bindings)
                case _:
                    yield held(self._outline, literal, bindings)
