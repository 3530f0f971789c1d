"""
Join domains: which columns share a dictionary.

Columns that a variable joins, that a rule copies into each other or that a
foreign key links get the same dictionary, so that joins compare ids as they
are. Columns that are never joined get one each: one dictionary for all would make
every index as long as the whole estate. A join across dictionaries is still
possible (a query may ask for it): its ids are translated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from congresslite.engine.dictionary import Dictionary
from congresslite.language.program import Fold, Var
from congresslite.plan.nodes import Conjunction, RulePlan
from congresslite.plan.variables import read_columns, used_variables
from congresslite.schema import TableSchema

Place = tuple[str, int]  # table, column


class Domains:
    """Dictionaries of columns, and the columns of base tables that must be read."""

    def __init__(
        self,
        conjunctions: Iterable[tuple[RulePlan, Conjunction]],
        schemas: Mapping[str, TableSchema],
        held: Mapping[Place, Dictionary] | None = None,
    ) -> None:
        """`held` are columns that exist: they keep their dictionaries, and new columns of their domain take one."""
        self._held = {} if held is None else held
        self._parents: dict[Place, Place] = {}
        self._dictionaries: dict[Place, Dictionary] = {}
        self.required: defaultdict[str, set[int]] = defaultdict(set)
        self.counted: set[str] = set()  # tables whose rows an aggregate counts
        for rule, conjunction in conjunctions:
            self._join(rule, conjunction)
        for schema in schemas.values():
            self._link(schema, schemas)
        for place, dictionary in self._held.items():
            root = self._find(place)
            largest = self._dictionaries.get(root)
            if largest is None or largest.size < dictionary.size:
                self._dictionaries[root] = dictionary

    def dictionary(self, table: str, position: int) -> Dictionary:
        """The dictionary of a column, made when it is first asked for."""
        known = self._held.get((table, position))
        if known is not None:
            return known
        place = self._find((table, position))
        found = self._dictionaries.get(place)
        if found is None:
            found = self._dictionaries[place] = Dictionary()
        return found

    def dictionaries(self, table: str, arity: int) -> list[Dictionary]:
        """The dictionaries of a table's columns."""
        return [self.dictionary(table, position) for position in range(arity)]

    def _join(self, rule: RulePlan, conjunction: Conjunction) -> None:
        used = used_variables(conjunction, everything=False)
        places: defaultdict[str, list[Place]] = defaultdict(list)
        for table, position in read_columns(conjunction, used):
            self.required[table].add(position)
        for literal in conjunction.literals:
            for position, term in enumerate(literal.terms):
                if isinstance(term, Var):
                    places[term.name].append((literal.table, position))
        for position, head_term in enumerate(conjunction.head):
            match head_term:
                case Var(name) | Fold("min" | "max", Var(name)):
                    places[name].append((rule.rule.table, position))
        if rule.rule.aggregates:
            self.counted.update(literal.table for literal in conjunction.scans)
        for joined in places.values():
            self._unite(joined)

    def _link(self, schema: TableSchema, schemas: Mapping[str, TableSchema]) -> None:
        for position, column in enumerate(schema.columns):
            if column.references is not None and column.references.table in schemas:
                other = schemas[column.references.table].position(column.references.column)
                if other is not None:
                    self._unite([(schema.name, position), (column.references.table, other)])

    def _find(self, place: Place) -> Place:
        path = []
        while (parent := self._parents.get(place, place)) != place:
            path.append(place)
            place = parent
        for each in path:
            self._parents[each] = place
        return place

    def _unite(self, places: Iterable[Place]) -> None:
        roots = [self._find(place) for place in places]
        for root in roots[1:]:
            self._parents[self._find(root)] = self._find(roots[0])
