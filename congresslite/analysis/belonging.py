"""
Belonging: the service, the tenant and the point of presence of an object.

The tenant is found by following owner columns from table to table (a port
belongs to a server, the server to a project); the service is the last object on
that way before the tenant. The point of presence is what a derived table says
that rules fill, (object, site), so that an operator decides what a site is.
What cannot be told is None, and nobody but those who may see everything is told
of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from congresslite.api import Snapshot
from congresslite.api.snapshot import Way
from congresslite.diagnostics import Source, Span
from congresslite.language.program import CheckedRule, Const, Match, RuleKind, Var
from congresslite.schema import Reference, Scalar, TableSchema
from congresslite.sources import owner_path
from congresslite.sources.owners import OwnerStep


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways from an object to its service (None: it has none) and to its tenant."""

    service: Way | None
    tenant: Way


class Belonging:
    """Answers for one set of sources. `owners` gives the owner column of each table that has one; `sites` a table."""

    def __init__(self, owners: Mapping[str, str], sites: str = "") -> None:
        self.owners, self.sites = dict(owners), sites

    def tenants(self, snapshot: Snapshot, rule: CheckedRule, objects: Sequence[Scalar]) -> list[str | None]:
        """The tenant of each object that a rule names; None where it is not known."""
        reference = object_reference(snapshot, rule)
        if reference is None:
            return [None] * len(objects)
        return self.tenants_of(snapshot, reference, objects)

    def tenants_of(self, snapshot: Snapshot, reference: Reference, values: Sequence[Scalar]) -> list[str | None]:
        """The tenant that each value of a referenced column leads to."""
        ways = self.ways(snapshot, reference)
        return led(snapshot, values, None if ways is None else ways.tenant)

    def ways(self, snapshot: Snapshot, reference: Reference) -> Ways | None:
        """The ways from values of a referenced column to what they belong to; None if they belong to nobody."""
        path = self.path(snapshot, reference.table)
        if not path:
            return Ways(None, ()) if (reference.table, reference.column) in self._ends(snapshot) else None
        keys = (reference.column, *(step.to.column for step in path))
        way = tuple((step.table, key, step.column) for step, key in zip(path, keys, strict=False))
        return Ways(way[:-1], way)

    def path(self, snapshot: Snapshot, table: str) -> tuple[OwnerStep, ...]:
        """The steps from a table to its tenant; none if its rows belong to nobody."""
        return owner_path(table, _Schemas(snapshot), self.owners)

    def _ends(self, snapshot: Snapshot) -> set[tuple[str, str]]:
        """The columns in which tenants stand: where owner paths end."""
        paths = [self.path(snapshot, table) for table in self.owners]
        return {(path[-1].to.table, path[-1].to.column) for path in paths if path}

    def places(self, snapshot: Snapshot, objects: Sequence[Scalar]) -> list[str | None]:
        """The point of presence of each object; None where no rule says one."""
        return led(snapshot, objects, self.place_way(snapshot))

    def place_way(self, snapshot: Snapshot) -> Way | None:
        """The way from an object to its point of presence; None if no rule says one."""
        known = self.sites in snapshot.tables()
        columns = [column.name for column in snapshot.schema(self.sites).columns] if known else []
        return ((self.sites, columns[0], columns[1]),) if len(columns) == 2 else None

    def tenant_way(self, snapshot: Snapshot, rule: CheckedRule) -> Way | None:
        """The way from the objects that a rule names to their tenants; None if they belong to nobody."""
        reference = object_reference(snapshot, rule)
        ways = None if reference is None else self.ways(snapshot, reference)
        return None if ways is None else ways.tenant


def object_reference(snapshot: Snapshot, rule: CheckedRule) -> Reference | None:
    """What the column that names a rule's object refers to, if anything."""
    return None if rule.object is None else snapshot.program.tables[rule.table].columns[rule.object].references


def led(snapshot: Snapshot, values: Sequence[Scalar], way: Way | None) -> list[str | None]:
    """What each value leads to, as text; None for what leads nowhere, or without a way."""
    if way is None:
        return [None] * len(values)
    return [None if value is None else str(value) for value in snapshot.follow(values, way)]


def leading(snapshot: Snapshot, way: Way) -> tuple[CheckedRule, ...]:
    """Rules, no part of the program, whose rows begin with a value and say how far along a way it leads.

    There is one for each step: what leads on to nothing may still be what a value is led to.
    """
    values = [Var("v0")]
    body: list[Match] = []
    rules = []
    for table, key, column in way:
        schema = snapshot.schema(table)
        terms: list[Var | Const] = [Var(f"_{len(body)}_{place}") for place in range(schema.arity)]
        terms[schema.position(key) or 0] = values[-1]
        values.append(values[-1] if key == column else Var(f"v{len(values)}"))
        terms[schema.position(column) or 0] = values[-1]
        body.append(Match(table, tuple(terms)))
        rules.append(CheckedRule("", RuleKind.DERIVE, f"{table}?", tuple(values), tuple(body), "", _NO_PLACE))
    return tuple(rules)


_NO_PLACE = Span(Source("where objects belong", ""), 0, 0)


class _Schemas(Mapping[str, TableSchema]):
    """The schemas of a snapshot, derived tables and those of sources."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __getitem__(self, name: str) -> TableSchema:
        return self._snapshot.schema(name)

    def __contains__(self, name: object) -> bool:
        try:
            self._snapshot.schema(str(name))
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._snapshot.tables())

    def __len__(self) -> int:
        return len(self._snapshot.tables())
