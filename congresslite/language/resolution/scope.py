"""
What names mean: the tables of sources and policies, and the builtins.

A name without a qualifier is a table of the policy that reads it, or else a
builtin, so that a policy's own table hides a builtin of the same name. Every
finding about an unknown name is made here, in one wording.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.suggest import did_you_mean, near_or_listed
from congresslite.language.builtins import BUILTINS, Builtin
from congresslite.language.syntax import TableName
from congresslite.schema import Catalog, TableSchema

VIOLATIONS = ("error", "warning")

# Characters in the names of tables that no user can write: of modals, of single rules, of unions.
_OURS = frozenset("[#/")


@dataclass(frozen=True, slots=True)
class Violations:
    """A policy's `error` or `warning`: each of its rules has a table of its own, with its own columns."""

    name: str
    rules: tuple[TableSchema, ...]

    @property
    def arities(self) -> tuple[int, ...]:
        """The numbers of columns that its rules have, ascending."""
        return tuple(sorted({schema.arity for schema in self.rules}))

    def of(self, arity: int) -> tuple[TableSchema, ...]:
        """The tables of the rules with this many columns."""
        return tuple(schema for schema in self.rules if schema.arity == arity)

    def union(self, arity: int) -> TableSchema:
        """The table that unites those rules, with the columns of the first of them."""
        return TableSchema(f"{self.name}/{arity}", self.of(arity)[0].columns)


Meaning = TableSchema | Violations | Builtin


@dataclass(frozen=True)
class Scope:
    """Every name that a rule may read. `tables` and `violations` are keyed by full names.

    `incomplete` names policies whose text could not be read to its end: what they lack is not reported.
    """

    catalog: Catalog
    policies: frozenset[str]
    tables: Mapping[str, TableSchema]
    violations: Mapping[str, Violations]
    incomplete: frozenset[str] = frozenset()
    _places: dict[str, dict[str, int]] = field(default_factory=dict, compare=False, repr=False)

    def schema(self, name: str) -> TableSchema | None:
        """The schema of a table by its full name, or None."""
        return self.tables.get(name) or self.catalog.tables.get(name)

    def places(self, schema: TableSchema) -> dict[str, int]:
        """The places of a table's columns by name, counted from 0."""
        found = self._places.get(schema.name)
        if found is None:
            found = self._places[schema.name] = {column.name: place for place, column in enumerate(schema.columns)}
        return found

    def meaning(self, policy: str | None, name: TableName) -> Meaning | None:
        """What a name means to a policy (None: to a query, which belongs to no policy), or None if nothing."""
        if name.qualifier == "builtin":
            return BUILTINS.get(name.name)
        if name.qualifier is not None:
            return self._full(f"{name.qualifier}:{name.name}")
        if policy is not None:
            own = self._full(f"{policy}:{name.name}")
        else:
            everywhere = [found for each in sorted(self.policies) if (found := self._full(f"{each}:{name.name}"))]
            own = everywhere[0] if len(everywhere) == 1 else None
        return own or BUILTINS.get(name.name)

    def _full(self, name: str) -> TableSchema | Violations | None:
        return self.tables.get(name) or self.violations.get(name) or self.catalog.tables.get(name)

    def unknown(self, policy: str | None, name: TableName) -> Diagnostic | None:
        """The finding that a name means nothing; None if the policy that would define it could not be read."""
        owner = name.qualifier or policy
        if owner in self.incomplete:
            return None
        if name.qualifier is None:
            return Diagnostic("CL101", f"unknown table `{name.name}`", name.span, self._hint(policy, name.name))
        if name.qualifier == "builtin":
            hint = near_or_listed(name.name, BUILTINS, "the builtins are")
            return Diagnostic("CL104", f"unknown builtin `{name.name}`", name.span, hint)
        if name.qualifier in self.policies or name.qualifier in self.catalog.sources:
            kind = "policy" if name.qualifier in self.policies else "source"
            known = sorted(self._names_in(name.qualifier))
            near = did_you_mean(name.name, known)
            hint = near or near_or_listed(name.name, known, f"`{name.qualifier}` has")
            message = f"{kind} `{name.qualifier}` has no table `{name.name}`"
            return Diagnostic("CL101", message, name.span, hint or f"`{name.qualifier}` has no tables yet")
        return self._unknown_qualifier(name)

    def _unknown_qualifier(self, name: TableName) -> Diagnostic:
        assert name.qualifier is not None
        known = sorted({*self.policies, *self.catalog.sources, "builtin"})
        having = [each for each in known if name.name in self._names_in(each)]
        hint = did_you_mean(name.qualifier, known)
        if hint is None and having:
            hint = f"did you mean `{having[0]}:{name.name}`?"
        message = f"there is no source or policy `{name.qualifier}`"
        return Diagnostic("CL102", message, name.span, hint or near_or_listed(name.qualifier, known, "there are"))

    def _names_in(self, qualifier: str) -> Iterator[str]:
        prefix = f"{qualifier}:"
        for table in (*self.tables, *self.violations, *self.catalog.tables):
            if table.startswith(prefix) and not _OURS.intersection(table):
                yield table.removeprefix(prefix)

    def _hint(self, policy: str | None, name: str) -> str | None:
        """Where a table that a rule misses may be: in a source, or under a name that is spelt alike."""
        everywhere = [table for table in (*self.catalog.tables, *self.tables) if table.endswith(f":{name}")]
        if everywhere:
            return f"did you mean `{min(everywhere)}`?"
        owners = [policy] if policy is not None else sorted(self.policies)
        known = sorted({each for owner in owners for each in self._names_in(owner)} | set(BUILTINS))
        return did_you_mean(name, known) or did_you_mean(name, sorted(self.catalog.tables))
